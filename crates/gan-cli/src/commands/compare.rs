//! `gan-cli compare`: several evaluations side by side.

use super::program;
use crate::console::Console;
use crate::evaluation::{EvaluationFile, comparison_table};
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::Result;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct CompareArguments {
    /// Run folders that were evaluated, or evaluation.json files
    #[arg(required = true, num_args = 2..)]
    runs: Vec<PathBuf>,
}

pub(crate) fn run(arguments: &CompareArguments, console: &Console) -> Result<()> {
    let files = arguments.runs.iter().map(|run| Ok((name(run), read(run)?)));
    let files = files.collect::<Result<Vec<_>>>()?;
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

fn read(run: &Path) -> Result<EvaluationFile> {
    if !run.is_dir() {
        return EvaluationFile::read(run);
    }
    let path = RunFolder::open(run).evaluation();
    if path.exists() {
        return EvaluationFile::read(&path);
    }
    Err(WrongUse(format!(
        "{}: is not there; run `{} evaluate {}` first",
        path.display(),
        program(),
        run.display()
    ))
    .into())
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

/// Scores say something beside each other only if all but the images was the same.
fn check_comparable(
    (name, first): &(String, EvaluationFile),
    (other_name, other): &(String, EvaluationFile),
) -> Result<()> {
    let held_out = |file: &EvaluationFile| {
        let hash = file.data.held_out_sha256.as_ref();
        hash.unwrap_or(&file.data.training_sha256).clone()
    };
    let facts = [
        (
            "the feature network's SHA-256",
            first.features.sha256.clone(),
            other.features.sha256.clone(),
        ),
        ("the real images' SHA-256", held_out(first), held_out(other)),
        (
            "the number of images",
            first.count.to_string(),
            other.count.to_string(),
        ),
    ];
    match facts.into_iter().find(|(_, a, b)| a != b) {
        None => Ok(()),
        Some((what, a, b)) => Err(WrongUse(format!(
            "{name} and {other_name} cannot be compared: {what} is {a} and {b}, expected the same; \
             evaluate both with the same data, features and --count"
        ))
        .into()),
    }
}
