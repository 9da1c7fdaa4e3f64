//! From labelled images to the feature network of a data set.

use crate::reference::image_set;
use crate::{EvalError, SCORE_SEED};
use candle_core::{DType, Device};
use gan_core::{Seed, Weights};
use gan_data::{DataLoader, DataSplits, Dataset, Division};
use gan_metrics::{
    Accuracy, ClassifierTraining, Draw, FeatureNetwork, TrainingProgress,
    train_classifier as train_network,
};
use serde::Deserialize;
use std::path::Path;

const BATCH_SIZE: usize = 128;

/// The default of the most epochs; a small data set gets more, to reach this number of steps.
const EPOCHS: u64 = 12;
const STEPS: u64 = 1500;

/// The share of the training images used for validation, the most validation images, and the fewest
/// training images from which any are taken.
const VALIDATION_PART: usize = 10;
const MOST_VALIDATION: usize = 5000;
const LEAST_TRAINING: usize = 50;

/// How a classifier is trained.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClassifierOptions {
    /// The most passes over the training images; training ends when the accuracy no longer rises. None: 12,
    /// or as many as make 1,500 steps.
    pub most_epochs: Option<u64>,
    /// Seed of all random numbers.
    pub seed: Seed,
}

/// What happens while a classifier is trained.
#[derive(Clone, Copy, Debug)]
pub enum ClassifierEvent<'a> {
    /// Training begins, of at most so many steps.
    Begins {
        /// Trainable values of the network.
        parameters: usize,
        /// The most steps.
        steps: u64,
        /// Seed of all random numbers.
        seed: Seed,
    },
    /// A step is done.
    Step,
    /// An epoch is done.
    Epoch {
        /// Its number, from 1.
        epoch: u64,
        /// The most there can be.
        most: u64,
        /// The mean loss of its steps.
        mean_loss: f64,
        /// The share of the validation images that are classified correctly.
        accuracy: Option<f64>,
    },
    /// Training has ended. The weights are those of the best epoch.
    Trained {
        /// That epoch.
        best: u64,
        /// The most there could be.
        most: u64,
    },
    /// A part of the work after the training begins.
    Part(&'a str),
    /// It is done.
    PartDone,
    /// The share of the held-out images that are classified correctly, or why it is not known.
    Accuracy(Result<Accuracy, &'a str>),
}

impl ClassifierEvent<'_> {
    /// The event as a line for people; none for those that only move a progress bar.
    pub fn in_words(&self) -> Option<String> {
        Some(match *self {
            Self::Begins {
                parameters, seed, ..
            } => format!("{parameters} parameters; seed {seed}"),
            Self::Epoch {
                epoch,
                most,
                mean_loss,
                accuracy,
            } => {
                let accuracy = accuracy.map_or(String::new(), |share| {
                    let percent = 100.0 * share;
                    format!("  {percent:.2} % of validation images classified correctly")
                });
                format!("epoch {epoch}/{most}  mean loss {mean_loss:.4}{accuracy}")
            }
            Self::Trained { best, most } if best < most => {
                format!("Epoch {best} had the best accuracy; its weights are kept")
            }
            Self::Accuracy(Ok(accuracy)) => format!(
                "{:.2} % of {} held-out images classified correctly",
                100.0 * accuracy.share,
                accuracy.images
            ),
            Self::Accuracy(Err(why)) => format!("Accuracy not measured: {why}"),
            Self::Step | Self::Part(_) | Self::PartDone | Self::Trained { .. } => return None,
        })
    }
}

/// Trains the feature network of a labelled data set, whitens it by its training images, and measures its
/// accuracy on the held-out ones.
///
/// # Errors
/// When the images have no labels or fewer than two classes, or the loss is not finite.
pub fn train_classifier(
    splits: &DataSplits,
    options: ClassifierOptions,
    tell: &mut dyn FnMut(ClassifierEvent<'_>),
) -> Result<FeatureNetwork, EvalError> {
    let data = &splits.training;
    if data.labels().is_none() {
        return Err(EvalError::subject(
            Path::new(data.origin()),
            "the images have no labels",
            "classes to learn. Without them, `evaluate` uses random features",
        ));
    }
    let seed = options.seed;
    let mut network = FeatureNetwork::untrained_classifier(data.shape(), data.class_count(), seed)?;
    let epochs = train(&network, data, options, tell)?;
    tell(ClassifierEvent::Part("features of training images"));
    network.whiten_by(&image_set("training images", data)?)?;
    tell(ClassifierEvent::PartDone);
    tell(ClassifierEvent::Part("accuracy on held-out images"));
    let accuracy = held_out_accuracy(&network, splits)?;
    tell(ClassifierEvent::Accuracy(accuracy));
    network.describe_training(data.sha256(), epochs, accuracy.ok());
    Ok(network)
}

/// Whether an undamaged file is a feature network of any version.
pub fn is_feature_network(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "feature_network_format_version")]
        _version: u32,
    }
    Weights::read(path)
        .is_ok_and(|weights| serde_json::from_str::<Version>(&weights.metadata).is_ok())
}

/// Trains on all images except those for validation; returns the best number of epochs.
fn train(
    network: &FeatureNetwork,
    data: &Dataset,
    options: ClassifierOptions,
    tell: &mut dyn FnMut(ClassifierEvent<'_>),
) -> Result<u64, EvalError> {
    let count = (data.len() / VALIDATION_PART).min(MOST_VALIDATION);
    let mut validation = None;
    let mut learnt: Vec<usize> = (0..data.len()).collect();
    if data.len() >= LEAST_TRAINING {
        let numbers = Draw::Validation.numbers(data.len(), count, SCORE_SEED);
        learnt.retain(|number| numbers.binary_search(number).is_err());
        validation = Some(image_set("validation images", &data.select(&numbers))?);
    }
    let learnt = data.select(&learnt);
    let (seed, batch_size) = (options.seed, BATCH_SIZE.min(learnt.len()));
    let loader = DataLoader::new(learnt, batch_size, seed, DType::F32, &Device::Cpu)?;
    let steps_per_epoch = loader.steps_per_epoch() as u64;
    let enough = EPOCHS.max(STEPS.div_ceil(steps_per_epoch));
    let most = options.most_epochs.unwrap_or(enough);
    let training = ClassifierTraining {
        most_epochs: most,
        steps_per_epoch,
        validation: validation.as_ref(),
        seed,
    };
    tell(ClassifierEvent::Begins {
        parameters: network.parameters().trainable_count(),
        steps: most * steps_per_epoch,
        seed,
    });
    let best = train_network(
        network,
        training,
        |epoch| loader.epoch(epoch),
        |progress| {
            tell(match progress {
                TrainingProgress::Step { .. } => ClassifierEvent::Step,
                TrainingProgress::Epoch {
                    epoch,
                    mean_loss,
                    accuracy,
                } => ClassifierEvent::Epoch {
                    epoch,
                    most,
                    mean_loss,
                    accuracy,
                },
            });
        },
    )?;
    tell(ClassifierEvent::Trained { best, most });
    Ok(best)
}

/// The network's accuracy on images that it was not trained on, or why it is not known.
fn held_out_accuracy<'a>(
    network: &FeatureNetwork,
    splits: &'a DataSplits,
) -> Result<Result<Accuracy, &'a str>, EvalError> {
    let held_out = splits.held_out.as_ref();
    let Some(held_out) = held_out.filter(|data| data.labels().is_some() && data.len() >= 2) else {
        return Ok(Err(match &splits.division {
            Division::Nothing { reason } => reason,
            _ => "the held-out images have no labels, or there is only one",
        }));
    };
    Ok(Ok(
        network.accuracy(&image_set("held-out images", held_out)?)?
    ))
}
