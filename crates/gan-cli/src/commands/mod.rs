//! The subcommands, one file each.

mod inspect;
mod sample;
mod train;

use crate::console::Console;
use anyhow::Result;
use clap::Subcommand;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NameError, StrDeserializer};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a GAN; with no options the tutorial's recipe on MNIST
    Train(train::TrainArguments),
    /// Draw images from a trained generator
    Sample(sample::SampleArguments),
    /// Say what a run folder or a safetensors file holds
    Inspect(inspect::InspectArguments),
}

impl Command {
    pub(crate) fn run(self, console: &Console) -> Result<()> {
        match self {
            Self::Train(arguments) => train::run(&arguments, console),
            Self::Sample(arguments) => sample::run(&arguments, console),
            Self::Inspect(arguments) => inspect::run(&arguments, console),
        }
    }
}

/// A value by the name that a configuration file gives it, so that flags and files agree.
fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, NameError> {
    T::deserialize(StrDeserializer::new(name))
}

/// How this program is called here, for hints at what to type next.
fn program() -> &'static str {
    // Set by cargo for what `cargo run` starts.
    if std::env::var_os("CARGO").is_some() {
        "cargo run -p gan-cli --"
    } else {
        "gan-cli"
    }
}
