//! `cargo xtask fetch SET`: verified data sets, from several mirrors in turn.

mod download;
mod manifest;
mod mirror;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

use self::manifest::{DataSet, FileEntry, Verdict};
use self::mirror::{Mirror, Network};
use crate::workspace;

/// The source, the destination, and whether good files are fetched again.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// A base URL or a local folder, used instead of the manifest's mirrors.
    #[arg(long, value_name = "URL|FOLDER")]
    mirror: Option<String>,
    /// The folder for the files [default: data/SET in the workspace].
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Fetch good files again too.
    #[arg(long)]
    force: bool,
}

/// Verifies and completes the data set `set` of data/MANIFEST.toml; prints one line per file.
pub(crate) fn run(set: &str, options: &Options) -> Result<()> {
    let root = workspace::root();
    let mut data = DataSet::read(&root.join("data/MANIFEST.toml"), set)?;
    if let Some(mirror) = &options.mirror {
        data.mirrors = vec![mirror.clone()];
    }
    let folder = options
        .dir
        .clone()
        .unwrap_or_else(|| root.join("data").join(set));
    fetch_all(
        &data,
        &folder,
        options.force,
        &Network::default(),
        |file, done| {
            println!(
                "{}: {done}",
                workspace::shown(&root, &folder.join(&file.name))
            );
        },
    )
}

/// Goes through all files, even if one fails, and reports each when it is done.
fn fetch_all(
    data: &DataSet,
    folder: &Path,
    force: bool,
    network: &Network,
    mut done: impl FnMut(&FileEntry, &str),
) -> Result<()> {
    let mirrors: Vec<Mirror> = data
        .mirrors
        .iter()
        .map(|text| Mirror::parse(text))
        .collect::<Result<_>>()?;
    let mut failures = Vec::new();
    for file in &data.files {
        match complete(file, folder, force, &mirrors, network) {
            Ok(said) => done(file, &said),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"))
}

/// Leaves a good file alone and fetches one that is missing or damaged.
fn complete(
    file: &FileEntry,
    folder: &Path,
    force: bool,
    mirrors: &[Mirror],
    network: &Network,
) -> Result<String> {
    let target = folder.join(&file.name);
    let found = file
        .verify(&target)
        .with_context(|| target.display().to_string())?;
    let reason = match found {
        Verdict::Good if !force => return Ok("ok".to_owned()),
        Verdict::Good | Verdict::Missing => String::new(),
        Verdict::Damaged(found) => format!(" (was damaged: {found})"),
    };
    let bar = progress_bar(file);
    let address = download::fetch(file, folder, mirrors, network, &bar);
    bar.finish_and_clear();
    Ok(format!("fetched from {}{reason}", address?))
}

/// A progress bar on the terminal; hidden if standard error is not one.
fn progress_bar(file: &FileEntry) -> ProgressBar {
    let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(file.bytes)
        .with_style(style)
        .with_message(file.name.clone())
}
