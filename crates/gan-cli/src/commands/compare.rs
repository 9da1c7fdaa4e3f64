//! `gan-cli compare`: several evaluations side by side.

use super::{Done, program, quoted};
use crate::console::Console;
use crate::exit::Failure;
use gan_eval::{
    EvaluationKind, check_comparable, check_texts_comparable, comparison_table,
    text_comparison_table,
};
use gan_run::{Kind, RunError, read_evaluation, read_text_evaluation, write_comparison};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct CompareArguments {
    /// Evaluated run folders, or evaluation.json files
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
    /// Evaluations of text: draw them into pictures, NAME-trade-off.svg and NAME-length.svg
    #[arg(long, value_name = "NAME")]
    out: Option<PathBuf>,
}

pub(crate) fn run(arguments: &CompareArguments, console: &Console) -> Done {
    let are_texts = arguments.runs.first().is_some_and(|run| is_of_text(run));
    match are_texts {
        true => texts(arguments, console),
        false => images(arguments, console),
    }
}

/// Whether a run or an evaluation is of text.
fn is_of_text(run: &Path) -> bool {
    match run.is_dir() {
        true => Kind::of_run(run) == Kind::Text,
        false => EvaluationKind::of(run).is_ok_and(|kind| kind == EvaluationKind::Text),
    }
}

fn images(arguments: &CompareArguments, console: &Console) -> Done {
    let read = |run: &Path, evaluate: &str| Ok(read_evaluation(run, evaluate)?);
    let files = named(&arguments.runs, read)?;
    if let Some((first, others)) = files.split_first() {
        for other in others {
            check_comparable(first, other)?;
        }
    }
    for line in comparison_table(&files) {
        console.result(line);
    }
    match &arguments.out {
        Some(_) => Err(RunError::Refused("--out is for evaluations of text".to_string()).into()),
        None => Ok(()),
    }
}

fn texts(arguments: &CompareArguments, console: &Console) -> Done {
    let read = |run: &Path, evaluate: &str| Ok(read_text_evaluation(run, evaluate)?);
    let files = named(&arguments.runs, read)?;
    if let Some((first, others)) = files.split_first() {
        for other in others {
            check_texts_comparable(first, other)?;
        }
    }
    for line in text_comparison_table(&files) {
        console.result(line);
    }
    if let Some(out) = &arguments.out {
        for path in write_comparison(&files, out)? {
            console.result(path.display().to_string());
        }
    }
    Ok(())
}

/// The evaluations by the names of their runs.
fn named<T>(
    runs: &[PathBuf],
    read: impl Fn(&Path, &str) -> Result<T, Failure>,
) -> Result<Vec<(String, T)>, Failure> {
    let file = |run: &PathBuf| {
        let evaluate = format!("{} evaluate {}", program(), quoted(run));
        Ok((name(run), read(run, &evaluate)?))
    };
    runs.iter().map(file).collect()
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
