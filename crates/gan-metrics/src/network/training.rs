//! Training of a classifier on a data set.

use super::adam_w::AdamW;
use super::augmentation::augment;
use super::cross_entropy::CrossEntropy;
use super::graphs::Graphs;
use super::{FeatureNetwork, FeatureNetworkError};
use crate::ImageSet;
use candle_core::{Tensor, Var};
use gan_core::exact::sin_cos_turns;
use gan_core::{ImageBatch, Seed};
use gan_ops::{Network, moving_average_step};

/// The learning rate at its highest, after the warm-up; it then falls to 0 along a cosine.
const PEAK_LR: f64 = 2e-3;
/// Steps of the warm-up, and the largest fraction of all steps that it may take.
const WARM_UP_STEPS: f64 = 300.0;
const WARM_UP_PART: f64 = 0.1;

/// The final weights are a moving average over about 1 / (1 - this) steps, fewer at the beginning.
const AVERAGE_DECAY: f64 = 0.998;

/// Training ends when the accuracy has not risen for this many epochs, and for this many steps.
const PATIENCE_EPOCHS: u64 = 3;
const PATIENCE_STEPS: u64 = 300;

/// How long a classifier is trained at most, and what ends the training earlier.
#[derive(Clone, Copy, Debug)]
pub struct ClassifierTraining<'a> {
    /// The most epochs; the learning rate falls to 0 at the end of the last.
    pub most_epochs: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Labelled images: when the accuracy on them no longer rises, training ends. `None`: all epochs are
    /// trained.
    pub validation: Option<&'a ImageSet>,
    /// The seed of the images' augmentation.
    pub seed: Seed,
}

/// The progress of the training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TrainingProgress {
    /// A step was done.
    Step {
        /// Which, from 0.
        step: u64,
        /// Its cross-entropy in nats.
        loss: f64,
    },
    /// An epoch was done.
    Epoch {
        /// Which, from 1.
        epoch: u64,
        /// The mean of its steps' losses, in nats.
        mean_loss: f64,
        /// The accuracy of the averaged weights on the validation images, in [0, 1].
        accuracy: Option<f64>,
    },
}

/// Trains `network` on the labelled batches that `epoch` gives for each epoch, from 0, by AdamW
/// (Loshchilov & Hutter, 2019, arXiv 1711.05101) on augmented images. Afterwards it has the moving average
/// of its weights; with validation images, that of the epoch with the highest accuracy on them. Returns
/// the number of that epoch, from 1.
///
/// # Errors
/// [`FeatureNetworkError::NoLabels`], [`FeatureNetworkError::NonFinite`],
/// [`FeatureNetworkError::Images`], and those of the batches.
pub fn train_classifier<B>(
    network: &FeatureNetwork,
    training: ClassifierTraining<'_>,
    epoch: impl Fn(u64) -> B,
    mut on_progress: impl FnMut(TrainingProgress),
) -> Result<u64, FeatureNetworkError>
where
    B: Iterator<Item = candle_core::Result<ImageBatch>>,
{
    let mut pupil = Pupil::new(network, training)?;
    let steps_of_patience = PATIENCE_STEPS.div_ceil(training.steps_per_epoch.max(1));
    let patience = PATIENCE_EPOCHS.max(steps_of_patience);
    let (mut best, mut best_epoch, mut best_accuracy) = (Vec::new(), 0, f64::NEG_INFINITY);
    for number in 1..=training.most_epochs {
        let mut sum = 0.0;
        for batch in epoch(number - 1) {
            let (step, loss) = pupil.learn(batch?)?;
            sum += loss;
            on_progress(TrainingProgress::Step { step, loss });
        }
        let accuracy = training.validation.map(|images| pupil.accuracy(images));
        let accuracy = accuracy.transpose()?;
        on_progress(TrainingProgress::Epoch {
            epoch: number,
            mean_loss: sum / training.steps_per_epoch as f64,
            accuracy,
        });
        if accuracy.is_none_or(|accuracy| accuracy > best_accuracy) {
            best = copies(&pupil.averages)?;
            best_epoch = number;
            best_accuracy = accuracy.unwrap_or(best_accuracy);
        } else if number >= best_epoch + patience {
            break;
        }
    }
    set(&pupil.parameters, &best)?;
    Ok(best_epoch)
}

/// A network in training, and the moving average of its weights.
struct Pupil<'a> {
    network: &'a FeatureNetwork,
    /// From images to logits, on the network's tensors.
    whole: Network,
    parameters: Vec<Var>,
    averages: Vec<Var>,
    optimizer: AdamW,
    seed: Seed,
    step: u64,
    steps: u64,
    images_seen: u64,
}

impl<'a> Pupil<'a> {
    fn new(
        network: &'a FeatureNetwork,
        training: ClassifierTraining<'_>,
    ) -> Result<Self, FeatureNetworkError> {
        let header = &network.header;
        if header.classes.is_none() {
            return Err(FeatureNetworkError::Classes { found: 0 });
        }
        let whole = Graphs::new(header.image_shape, header.classes)?.whole;
        let all = network.parameters.trainable().into_iter();
        // Whitening is measured afterwards, not learnt.
        let learnt = all.filter(|parameter| !parameter.name.starts_with("whitening."));
        let parameters: Vec<Var> = learnt.map(|parameter| parameter.var).collect();
        let averages = copies(&parameters)?;
        let averages = averages.iter().map(Var::from_tensor);
        Ok(Self {
            network,
            whole: Network::new(whole, network.parameters.clone(), header.seed)?,
            averages: averages.collect::<Result<_, _>>()?,
            optimizer: AdamW::new(&parameters)?,
            parameters,
            seed: training.seed,
            step: 0,
            steps: training.most_epochs * training.steps_per_epoch,
            images_seen: 0,
        })
    }

    /// One step; its number, from 0, and its loss.
    fn learn(&mut self, batch: ImageBatch) -> Result<(u64, f64), FeatureNetworkError> {
        let ImageBatch { images, labels } = batch;
        let labels = labels.ok_or(FeatureNetworkError::NoLabels)?;
        self.network.check(&images)?;
        let distorted = augment(&images, self.seed, self.images_seen)?;
        self.images_seen += images.dim(0)? as u64;
        let recorded = self.whole.record(&[&distorted], None)?;
        let CrossEntropy { loss, slope } = CrossEntropy::new(&recorded.outputs[0], &labels)?;
        let step = self.step;
        if !loss.is_finite() {
            return Err(FeatureNetworkError::NonFinite { step, loss });
        }
        let mut update = self.optimizer.step(learning_rate(step, self.steps));
        recorded.tape.parameter_gradients(&[slope], &mut update)?;
        drop(update);
        self.step += 1;

        let done = self.step as f64;
        let decay = AVERAGE_DECAY.min((1.0 + done) / (10.0 + done));
        for (average, var) in self.averages.iter().zip(&self.parameters) {
            moving_average_step(average, var, decay)?;
        }
        Ok((step, loss))
    }

    /// The accuracy of the averaged weights.
    fn accuracy(&self, images: &ImageSet) -> Result<f64, FeatureNetworkError> {
        let learnt = copies(&self.parameters)?;
        set(&self.parameters, &copies(&self.averages)?)?;
        let accuracy = self.network.accuracy(images);
        set(&self.parameters, &learnt)?;
        Ok(accuracy?.share)
    }
}

fn copies(vars: &[Var]) -> candle_core::Result<Vec<Tensor>> {
    vars.iter().map(|var| var.copy()).collect()
}

fn set(vars: &[Var], values: &[Tensor]) -> candle_core::Result<()> {
    let mut pairs = vars.iter().zip(values);
    pairs.try_for_each(|(var, value)| var.set(value))
}

fn learning_rate(step: u64, steps: u64) -> f64 {
    let warm_up_steps = WARM_UP_STEPS.min(WARM_UP_PART * steps as f64).max(1.0);
    let warm_up = ((step as f64 + 1.0) / warm_up_steps).min(1.0);
    let passed = step as f64 / steps as f64;
    let (_, cosine) = sin_cos_turns(0.5 * passed);
    PEAK_LR * warm_up * 0.5 * (1.0 + cosine)
}
