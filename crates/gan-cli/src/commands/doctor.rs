//! `gan-cli doctor`: signs of trouble in a run, from the files that it wrote.

use super::{program, quoted};
use crate::config::RunConfig;
use crate::console::Console;
use crate::evaluation::EvaluationFile;
use crate::history::{read_class_shares, read_history};
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_train::doctor::{ClassBalance, Finding, HistoryRecord, diagnose};
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct DoctorArguments {
    /// A run folder
    run: PathBuf,
}

/// A dead discriminator shows after so many steps, other problems sooner.
const EARLY: u64 = 2000;

pub(crate) fn run(arguments: &DoctorArguments, console: &Console) -> Result<()> {
    let run = RunFolder::open(&arguments.run);
    let history = read_history(&run.metrics())?;
    let classes = class_shares(&run)?;
    let findings = diagnose(&history, classes.as_ref());
    for finding in &findings {
        for line in lines(finding) {
            console.result_sentence(line);
        }
    }
    if findings.is_empty() {
        console.result_sentence(format!(
            "Nothing alarming in {}.",
            examined(&history, classes.as_ref())
        ));
    }
    if let (Some(first), Some(last)) = (history.first(), history.last())
        && last.step - first.step < EARLY
    {
        console.sentence(format!(
            "Fewer than {EARLY} steps are too few to see most problems; look again later."
        ));
    }
    if classes.is_none() {
        console.sentence(unknown_classes(&run));
    }
    Ok(())
}

/// Why lost classes were not looked for, and how they can be.
fn unknown_classes(run: &RunFolder) -> String {
    let data = RunConfig::read(&run.config()).map(|config| config.data);
    let how = match data {
        Ok(data) if data.toy().is_some() => "scores need images, and these are points".to_string(),
        Ok(data) if data.is_stacked() => {
            "this needs images of one digit, and these are stacks".to_string()
        }
        _ if run.evaluation().exists() || run.scores().exists() => {
            "the run's scores have no classes; they need a classifier of the labelled training images, \
             see `train-classifier`"
                .to_string()
        }
        _ => format!(
            "`{} evaluate {}` shows them where the data set has a classifier",
            program(),
            quoted(run.path())
        ),
    };
    format!("Lost classes were not looked for: {how}.")
}

/// A finding as it is printed, also during training.
pub(crate) fn lines(finding: &Finding) -> [String; 2] {
    [
        format!("{:?}: {}.", finding.failure_mode, finding.evidence),
        format!("  To try: {}.", finding.advice),
    ]
}

fn examined(history: &[HistoryRecord], classes: Option<&ClassBalance>) -> String {
    let steps = match history {
        [first, .., last] => format!(
            "{} records, steps {} to {}",
            history.len(),
            first.step,
            last.step
        ),
        [only] => format!("the only record, of step {}", only.step),
        [] => "no records".to_string(),
    };
    match classes {
        Some(classes) => format!("{steps}, and {} classes", classes.data.len()),
        None => steps,
    }
}

/// The class shares of the newest scores: those of an evaluation, or the last during training.
fn class_shares(run: &RunFolder) -> Result<Option<ClassBalance>> {
    let mut newest = None;
    if run.scores().exists() {
        newest = read_class_shares(&run.scores())?;
    }
    if run.evaluation().exists() {
        let file = EvaluationFile::read_of(run)?;
        let step = file.subject.step.unwrap_or(0).saturating_sub(1);
        if let Some(classes) = file.classes
            && newest.as_ref().is_none_or(|newest| newest.step <= step)
        {
            newest = Some(ClassBalance {
                step,
                generated: classes.generated,
                data: classes.data,
            });
        }
    }
    Ok(newest)
}
