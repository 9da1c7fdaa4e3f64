//! Teaching a classifier the classes of a data set.

use super::augmentation::augment;
use super::{FeatureNetwork, FeatureNetworkError};
use candle_core::{Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use gan_core::{ImageBatch, Seed};
use std::f64::consts::PI;

/// The learning rate at its highest, after the warm-up; it then falls to 0 along a cosine.
const PEAK_LR: f64 = 2e-3;
const WARM_UP_STEPS: f64 = 300.0;
const WEIGHT_DECAY: f64 = 0.01;

/// The kept weights are a moving average over about 1 / (1 - this) steps, fewer at the beginning.
const AVERAGE_DECAY: f64 = 0.998;

/// How far the training has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingProgress {
    /// The step just done, from 0.
    pub step: u64,
    /// Its cross-entropy in nats.
    pub loss: f64,
}

/// Trains `network` for `steps` labelled `batches` by AdamW (Loshchilov & Hutter, 2019, arXiv
/// 1711.05101) on distorted images, and leaves it with the moving average of its weights.
///
/// # Errors
/// [`FeatureNetworkError::NoLabels`], [`FeatureNetworkError::NonFinite`],
/// [`FeatureNetworkError::Images`], and those of the batches.
pub fn train_classifier(
    network: &FeatureNetwork,
    batches: impl Iterator<Item = candle_core::Result<ImageBatch>>,
    steps: u64,
    seed: Seed,
    mut on_step: impl FnMut(TrainingProgress),
) -> Result<(), FeatureNetworkError> {
    let all = network.parameters.trainable().into_iter();
    // Whitening is measured afterwards, not learnt.
    let learnt = all.filter(|parameter| !parameter.name.starts_with("whitening."));
    let parameters: Vec<Var> = learnt.map(|parameter| parameter.var).collect();
    let mut averages = parameters
        .iter()
        .map(|var| var.copy())
        .collect::<Result<Vec<_>, _>>()?;
    let settings = ParamsAdamW {
        weight_decay: WEIGHT_DECAY,
        ..ParamsAdamW::default()
    };
    let mut optimizer = AdamW::new(parameters.clone(), settings)?;
    let mut images_seen = 0;
    for (step, batch) in (0..steps).zip(batches) {
        let ImageBatch { images, labels } = batch?;
        let labels = labels.ok_or(FeatureNetworkError::NoLabels)?;
        let distorted = augment(&images, seed, images_seen)?;
        images_seen += images.dim(0)? as u64;
        let (_, logits) = network.forward(&distorted)?;
        let logits = logits.ok_or(FeatureNetworkError::Classes { found: 0 })?;
        let loss = candle_nn::loss::cross_entropy(&logits, &labels)?;
        optimizer.set_learning_rate(learning_rate(step, steps));
        optimizer.backward_step(&loss)?;

        let done = step as f64 + 1.0;
        let decay = AVERAGE_DECAY.min((1.0 + done) / (10.0 + done));
        for (average, var) in averages.iter_mut().zip(&parameters) {
            *average = mix(average, var.as_tensor(), decay)?;
        }
        let loss = f64::from(loss.to_scalar::<f32>()?);
        if !loss.is_finite() {
            return Err(FeatureNetworkError::NonFinite { step, loss });
        }
        on_step(TrainingProgress { step, loss });
    }
    for (var, average) in parameters.iter().zip(&averages) {
        var.set(average)?;
    }
    Ok(())
}

fn learning_rate(step: u64, steps: u64) -> f64 {
    let warm_up = ((step as f64 + 1.0) / WARM_UP_STEPS).min(1.0);
    let passed = step as f64 / steps as f64;
    PEAK_LR * warm_up * 0.5 * (1.0 + (PI * passed).cos())
}

fn mix(average: &Tensor, value: &Tensor, decay: f64) -> candle_core::Result<Tensor> {
    Ok(((average * decay)? + (value.detach() * (1.0 - decay))?)?.detach())
}
