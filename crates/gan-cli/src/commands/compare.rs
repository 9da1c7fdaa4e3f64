//! `gan-cli compare`: several evaluations side by side.

use super::{Done, program, quoted};
use crate::console::Console;
use crate::exit::Failure;
use gan_eval::{EvaluationFile, check_comparable, comparison_table};
use gan_run::read_evaluation;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct CompareArguments {
    /// Evaluated run folders, or evaluation.json files
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &CompareArguments, console: &Console) -> Done {
    let files = arguments.runs.iter().map(|run| Ok((name(run), read(run)?)));
    let files = files.collect::<Result<Vec<_>, Failure>>()?;
    if let Some((first, others)) = files.split_first() {
        for other in others {
            check_comparable(first, other)?;
        }
    }
    for line in comparison_table(&files) {
        console.result(line);
    }
    Ok(())
}

fn read(run: &Path) -> Result<EvaluationFile, Failure> {
    let evaluate = format!("{} evaluate {}", program(), quoted(run));
    Ok(read_evaluation(run, &evaluate)?)
}

/// The folder's name, or the file's.
fn name(run: &Path) -> String {
    let path = if run.ends_with("evaluation.json") {
        run.parent().unwrap_or(run)
    } else {
        run
    };
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}
