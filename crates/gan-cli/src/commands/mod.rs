//! The subcommands, one file each.

mod compare;
mod doctor;
mod evaluate;
mod inspect;
mod recipes;
mod sample;
mod train;
mod train_classifier;

pub(crate) use doctor::lines as doctor_lines;
pub(crate) use evaluate::STACKED_COUNT;

use crate::console::Console;
use anyhow::Result;
use clap::Subcommand;
use gan_core::shown_text;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NameError, StrDeserializer};
use std::path::Path;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Train a GAN; without options, the tutorial's recipe on MNIST
    Train(Box<train::TrainArguments>),
    /// List the recipes of `train`, with their scores and times
    Recipes(recipes::RecipesArguments),
    /// Train the feature network that `evaluate` uses for a data set
    TrainClassifier(train_classifier::TrainClassifierArguments),
    /// Draw images from a trained generator
    Sample(sample::SampleArguments),
    /// Score a generator or a set of images against a data set
    Evaluate(evaluate::EvaluateArguments),
    /// Compare the scores of several evaluated runs
    Compare(compare::CompareArguments),
    /// Look for signs of trouble in a run; print the evidence and what to try
    Doctor(doctor::DoctorArguments),
    /// Print what a run folder or a safetensors file holds
    Inspect(inspect::InspectArguments),
}

impl Command {
    pub(crate) fn run(self, console: &Console) -> Result<()> {
        match self {
            Self::Train(arguments) => train::run(&arguments, console),
            Self::Recipes(arguments) => recipes::run(&arguments, console),
            Self::TrainClassifier(arguments) => train_classifier::run(&arguments, console),
            Self::Sample(arguments) => sample::run(&arguments, console),
            Self::Evaluate(arguments) => evaluate::run(&arguments, console),
            Self::Compare(arguments) => compare::run(&arguments, console),
            Self::Doctor(arguments) => doctor::run(&arguments, console),
            Self::Inspect(arguments) => inspect::run(&arguments, console),
        }
    }
}

/// Parses a value by its name in configuration files, so that flags and files agree.
pub(crate) fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, NameError> {
    T::deserialize(StrDeserializer::new(name))
}

/// How this program is called here, for hints on what to type next.
pub(crate) fn program() -> &'static str {
    // cargo sets it for programs that `cargo run` starts.
    if std::env::var_os("CARGO").is_some() {
        "cargo run -p gan-cli --"
    } else {
        "gan-cli"
    }
}

/// A path as it is typed to a shell: quoted where it must be, with `./` before a hyphen.
pub(crate) fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let text = match path.to_str() {
        Some(text) if text.starts_with('-') => format!("./{text}"),
        Some(text) => text.to_string(),
        None => return ansi_quoted(bytes),
    };
    match shlex::try_quote(&text) {
        Ok(quoted) if shown_text(&text) == text => quoted.into_owned(),
        _ => ansi_quoted(bytes),
    }
}

/// As `$'a\nb'`, which bash, zsh and ksh read, for names that have no other printable form.
fn ansi_quoted(bytes: &[u8]) -> String {
    let mut text = "$'".to_string();
    for byte in bytes {
        match byte {
            b'\\' | b'\'' => text.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => text += &format!("\\x{byte:02x}"),
        }
    }
    text + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_as_a_shell_reads_them() {
        for (name, expected) in [
            ("runs/a-001", "runs/a-001"),
            ("my run", "'my run'"),
            ("-x", "./-x"),
            ("a\nb'c\u{1b}", "$'a\\x0ab\\'c\\x1b'"),
        ] {
            assert_eq!(quoted(Path::new(name)), expected);
        }
    }
}
