//! The discriminator's inputs in a step: its images, augmented and with instance noise.

use crate::TrainConfig;
use crate::augment::{Augmentation, BatchAugmentation};
use candle_core::{Result, Tensor};
use gan_core::{LatentPrior, NormalPrior, Purpose, Seed};

/// How images are changed before they are fed to the discriminator.
pub(crate) struct InputTransform {
    instance_noise: f64,
    augmentations: Vec<Augmentation>,
}

/// The discriminator's inputs in a step, and what their gradients need.
pub(crate) struct DiscriminatorInputs {
    /// Real and generated images, `[n, c, h, w]` each.
    pub(crate) images: [Tensor; 2],
    augmented: Option<[BatchAugmentation; 2]>,
}

impl InputTransform {
    pub(crate) fn new(config: &TrainConfig) -> Self {
        Self {
            instance_noise: config.instance_noise,
            augmentations: config.augmentations.clone(),
        }
    }

    /// Real and generated images, `[n, c, h, w]` each, with the augmentation and noise of `step`.
    pub(crate) fn apply(
        &self,
        images: [&Tensor; 2],
        seed: Seed,
        step: u64,
    ) -> Result<DiscriminatorInputs> {
        let mut inputs = images.map(Tensor::clone);
        let mut augmented = None;
        if !self.augmentations.is_empty() {
            let mut rng = seed.rng(Purpose::DiffAugment, step);
            let mut draw = |images: &Tensor| -> Result<BatchAugmentation> {
                let (n, c, h, w) = images.dims4()?;
                Ok(BatchAugmentation::draw(
                    &self.augmentations,
                    [n, c, h, w],
                    &mut rng,
                ))
            };
            let drawn = [draw(&inputs[0])?, draw(&inputs[1])?];
            inputs = [drawn[0].apply(&inputs[0])?, drawn[1].apply(&inputs[1])?];
            augmented = Some(drawn);
        }
        if self.instance_noise > 0.0 {
            let mut rng = seed.rng(Purpose::InstanceNoise, step);
            let mut noisy = |images: &Tensor| -> Result<Tensor> {
                let values = images.elem_count() / images.dim(0)?;
                let noise = NormalPrior::standard(values).sample(images.dim(0)?, &mut rng)?;
                let noise = noise.to_dtype(images.dtype())?.to_device(images.device())?;
                images + (noise.reshape(images.shape())? * self.instance_noise)?
            };
            inputs = [noisy(&inputs[0])?, noisy(&inputs[1])?];
        }
        Ok(DiscriminatorInputs {
            images: inputs,
            augmented,
        })
    }
}

impl DiscriminatorInputs {
    /// The gradient with respect to the images of number `which` (0 real, 1 generated) from the one with
    /// respect to the inputs made of them.
    pub(crate) fn image_gradient(&self, which: usize, gradient: Tensor) -> Result<Tensor> {
        match &self.augmented {
            Some(augmented) => augmented[which].input_gradient(&gradient),
            None => Ok(gradient),
        }
    }
}
