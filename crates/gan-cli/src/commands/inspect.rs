//! `gan-cli inspect`: what a run folder or a safetensors file holds.

use super::Done;
use crate::console::Console;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct InspectArguments {
    /// A run folder, or a safetensors file
    run: PathBuf,
}

pub(crate) fn run(arguments: &InspectArguments, console: &Console) -> Done {
    let text = gan_run::inspect(&arguments.run)?;
    console.result_lines(text.trim_end());
    Ok(())
}
