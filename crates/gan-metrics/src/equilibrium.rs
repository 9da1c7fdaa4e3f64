//! Equilibrium: what the discriminator makes of images that it knows, that are new, and generated.

use crate::images::BLOCK_IMAGES;
use crate::spread::mean_and_deviation;
use crate::{ImageSet, MetricError};
use candle_core::{Device, Tensor};
use gan_core::{Discriminator, Mode};

/// Mean of D = σ(logit), the probability of being real, over three sets.
///
/// At the game's equilibrium all are 1/2 (Goodfellow et al., 2014). A discriminator that learns its
/// training images by heart gives them more than new real ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equilibrium {
    /// Over real images that were not trained on.
    pub held_out: Mean,
    /// Over training images.
    pub training: Mean,
    /// Over freshly generated images.
    pub generated: Mean,
}

/// A mean and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// The mean.
    pub value: f64,
    /// The standard deviation over the root of the number.
    pub standard_error: f64,
}

impl Equilibrium {
    /// Judges all images by `discriminator` in evaluation mode. A class-conditional one needs their
    /// labels.
    ///
    /// # Errors
    /// When the discriminator does not take the images; [`MetricError::NotFinite`] for its logits.
    pub fn new(
        discriminator: &dyn Discriminator,
        held_out: &ImageSet,
        training: &ImageSet,
        generated: &ImageSet,
    ) -> Result<Self, EquilibriumError> {
        Ok(Self {
            held_out: mean_judgement(discriminator, held_out)?,
            training: mean_judgement(discriminator, training)?,
            generated: mean_judgement(discriminator, generated)?,
        })
    }

    /// How much more D gives training images than new ones: about 0 without overfitting.
    pub fn gap(&self) -> Mean {
        let errors = self
            .training
            .standard_error
            .hypot(self.held_out.standard_error);
        Mean {
            value: self.training.value - self.held_out.value,
            standard_error: errors,
        }
    }
}

/// Why there is no judgement.
#[derive(Debug, thiserror::Error)]
pub enum EquilibriumError {
    /// The logits are no numbers.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The discriminator failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

fn mean_judgement(
    discriminator: &dyn Discriminator,
    images: &ImageSet,
) -> Result<Mean, EquilibriumError> {
    let mut judgements = Vec::with_capacity(images.count());
    let parameters = discriminator.parameters();
    for (number, block) in images.blocks().enumerate() {
        let block = block?;
        let labels = images.labels().map(|labels| {
            let first = number * BLOCK_IMAGES;
            Tensor::new(&labels[first..first + block.dim(0)?], &Device::Cpu)
        });
        let labels = labels.transpose()?;
        let block = block
            .to_dtype(parameters.dtype())?
            .to_device(parameters.device())?;
        let logits = discriminator.forward(&block, labels.as_ref(), Mode::Eval)?;
        let logits = logits.detach();
        judgements.extend(
            candle_nn::ops::sigmoid(&logits)?
                .to_dtype(candle_core::DType::F64)?
                .to_vec1::<f64>()?,
        );
    }
    if let Some(row) = judgements.iter().position(|d| !d.is_finite()) {
        return Err(EquilibriumError::Metric(MetricError::NotFinite {
            what: format!("the discriminator's judgement of {}", images.name()),
            row,
            column: 0,
            found: judgements[row],
        }));
    }
    let (value, deviation) = mean_and_deviation(&judgements);
    Ok(Mean {
        value,
        standard_error: deviation / (judgements.len() as f64).sqrt(),
    })
}
