//! `gan-cli compare`: several evaluations side by side.

use super::{program, quoted};
use crate::config::RunConfig;
use crate::console::Console;
use crate::evaluation::{EvaluationFile, comparison_table};
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_metrics::RealImages;
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct CompareArguments {
    /// Evaluated run folders, or evaluation.json files
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
    let folder = RunFolder::open(run);
    let path = folder.evaluation();
    if path.exists() {
        return EvaluationFile::read_of(&folder);
    }
    let path = path.display();
    if !folder.config().exists() {
        let text = format!("{path}: does not exist; give run folders or evaluation.json files");
        return Err(WrongUse(text).into());
    }
    RunConfig::read(&folder.config())?
        .data
        .check_images("scores")?;
    Err(WrongUse(format!(
        "{path}: does not exist; run `{} evaluate {}` first",
        program(),
        quoted(run)
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

/// Scores can be compared only if everything but the images was the same.
fn check_comparable(
    (name, first): &(String, EvaluationFile),
    (other_name, other): &(String, EvaluationFile),
) -> Result<()> {
    let real = |file: &EvaluationFile| {
        let (data, held_out) = (&file.data, file.data.held_out_sha256.as_ref());
        let sha256 = match data.against {
            RealImages::HeldOut => held_out.unwrap_or(&data.training_sha256),
            RealImages::Training => &data.training_sha256,
        };
        format!("{sha256} ({} {})", data.real_images, data.against)
    };
    let facts = [
        (
            "the protocol's version",
            first.protocol.to_string(),
            other.protocol.to_string(),
        ),
        (
            "the feature network's SHA-256",
            first.features.sha256.clone(),
            other.features.sha256.clone(),
        ),
        (
            "the number of images",
            first.count.to_string(),
            other.count.to_string(),
        ),
        ("the real images' SHA-256", real(first), real(other)),
        (
            "the held-out images' SHA-256",
            first.data.held_out_sha256.clone().unwrap_or_default(),
            other.data.held_out_sha256.clone().unwrap_or_default(),
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
