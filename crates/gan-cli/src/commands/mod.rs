//! The subcommands, one file each.

mod compare;
mod doctor;
mod evaluate;
mod inspect;
mod recipes;
mod sample;
mod train;
mod train_classifier;

use crate::console::Console;
use crate::exit::Failure;
use crate::flags::data_flags;
use crate::spelling::{program, quoted};
use clap::Subcommand;
use gan_run::DataConfig;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NameError, StrDeserializer};

/// What a command returns.
type Done = Result<(), Failure>;

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
    pub(crate) fn run(self, console: &Console) -> Done {
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
fn by_name<T: DeserializeOwned>(name: &str) -> Result<T, NameError> {
    T::deserialize(StrDeserializer::new(name))
}

/// The command that trains the feature network of a data set.
fn train_classifier_command(data: &DataConfig) -> String {
    let force = match data.feature_network().exists() {
        true => " --force",
        false => "",
    };
    format!("{} train-classifier {}{force}", program(), data_flags(data))
}
