//! `gan-cli doctor`: signs of trouble in a run, from the files that it wrote.

use super::{Done, program, quoted};
use crate::console::{Console, finding_lines};
use gan_run::{Kind, RunFolder, examine, examine_text, without_classes};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct DoctorArguments {
    /// A run folder
    run: PathBuf,
}

/// A dead discriminator shows after so many steps, other problems sooner.
const EARLY: u64 = 2000;

pub(crate) fn run(arguments: &DoctorArguments, console: &Console) -> Done {
    let run = RunFolder::open(&arguments.run);
    match Kind::of_run(&arguments.run) {
        Kind::Images => images(&run, console),
        Kind::Text => text(&run, console),
    }
}

fn text(run: &RunFolder, console: &Console) -> Done {
    let found = examine_text(run)?;
    for finding in &found.findings {
        let lines = finding_lines(&finding.failure, &finding.evidence, finding.advice);
        lines
            .into_iter()
            .for_each(|line| console.result_sentence(line));
    }
    if found.findings.is_empty() {
        console.result_sentence(format!("Nothing alarming in {found}."));
    }
    Ok(())
}

fn images(run: &RunFolder, console: &Console) -> Done {
    let found = examine(run)?;
    for finding in &found.findings {
        let lines = finding_lines(&finding.failure_mode, &finding.evidence, finding.advice);
        lines
            .into_iter()
            .for_each(|line| console.result_sentence(line));
    }
    if found.findings.is_empty() {
        console.result_sentence(format!("Nothing alarming in {found}."));
    }
    if let (Some(first), Some(last)) = (found.history.first(), found.history.last())
        && last.step - first.step < EARLY
    {
        console.sentence(format!(
            "Fewer than {EARLY} steps are too few to see most problems; look again later."
        ));
    }
    if found.classes.is_none() {
        let evaluate = format!("{} evaluate {}", program(), quoted(run.path()));
        console.sentence(without_classes(run, &evaluate));
    }
    Ok(())
}
