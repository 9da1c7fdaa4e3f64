//! Equilibrium: the discriminator's outputs on training images, on held-out images and on generated ones.

use crate::images::BLOCK_IMAGES;
use crate::spread::mean_and_deviation;
use crate::{ImageSet, MetricError};
use candle_core::{Device, Tensor};
use gan_core::{Discriminator, Mode};

/// Mean of D = σ(logit), the probability of being real, over three sets.
///
/// At the game's equilibrium all are 1/2 (Goodfellow et al., 2014). A discriminator that has memorized its
/// training images gives them a higher D than new real images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equilibrium {
    /// Over real images that are not training images.
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
    /// The standard deviation divided by the square root of the number of values.
    pub standard_error: f64,
}

impl Equilibrium {
    /// Runs `discriminator` over all images in evaluation mode. A class-conditional one needs their
    /// labels.
    ///
    /// # Errors
    /// When the discriminator does not accept the images; [`MetricError::NotFinite`] for its logits.
    pub fn new(
        discriminator: &dyn Discriminator,
        held_out: &ImageSet,
        training: &ImageSet,
        generated: &ImageSet,
    ) -> Result<Self, EquilibriumError> {
        Ok(Self {
            held_out: mean_output(discriminator, held_out)?,
            training: mean_output(discriminator, training)?,
            generated: mean_output(discriminator, generated)?,
        })
    }

    /// D of training images minus D of held-out ones: about 0 without overfitting.
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

/// Why there are no discriminator outputs.
#[derive(Debug, thiserror::Error)]
pub enum EquilibriumError {
    /// The logits are not finite.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// The discriminator failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

fn mean_output(
    discriminator: &dyn Discriminator,
    images: &ImageSet,
) -> Result<Mean, EquilibriumError> {
    let mut outputs = Vec::with_capacity(images.count());
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
        outputs.extend(
            candle_nn::ops::sigmoid(&logits)?
                .to_dtype(candle_core::DType::F64)?
                .to_vec1::<f64>()?,
        );
    }
    if let Some(row) = outputs.iter().position(|d| !d.is_finite()) {
        return Err(EquilibriumError::Metric(MetricError::NotFinite {
            what: format!("the discriminator's outputs for {}", images.name()),
            row,
            column: 0,
            found: outputs[row],
        }));
    }
    let (value, deviation) = mean_and_deviation(&outputs);
    Ok(Mean {
        value,
        standard_error: deviation / (outputs.len() as f64).sqrt(),
    })
}
