//! What the discriminator is shown of a step's images.

use crate::TrainConfig;
use crate::augment::{Augmentation, Augmented};
use candle_core::{Result, Tensor};
use gan_core::{LatentPrior, Purpose, Seed, StandardNormalPrior};

/// How images are changed before the discriminator sees them.
pub(crate) struct View {
    instance_noise: f64,
    augmentations: Vec<Augmentation>,
}

/// A step's images as they are shown, real and generated, and the way back to them.
pub(crate) struct Shown {
    pub(crate) images: [Tensor; 2],
    augmented: Option<[Augmented; 2]>,
}

impl View {
    pub(crate) fn new(config: &TrainConfig) -> Self {
        Self {
            instance_noise: config.instance_noise,
            augmentations: config.augmentations.clone(),
        }
    }

    /// Images `[n, c, h, w]` with the step's own augmentation and noise.
    pub(crate) fn show(&self, images: [&Tensor; 2], seed: Seed, step: u64) -> Result<Shown> {
        let mut shown = images.map(Tensor::clone);
        let mut augmented = None;
        if !self.augmentations.is_empty() {
            let mut rng = seed.rng(Purpose::DiffAugment, step);
            let mut draw = |images: &Tensor| -> Result<Augmented> {
                let (n, c, h, w) = images.dims4()?;
                Ok(Augmented::draw(&self.augmentations, [n, c, h, w], &mut rng))
            };
            let drawn = [draw(&shown[0])?, draw(&shown[1])?];
            shown = [drawn[0].show(&shown[0])?, drawn[1].show(&shown[1])?];
            augmented = Some(drawn);
        }
        if self.instance_noise > 0.0 {
            let mut rng = seed.rng(Purpose::InstanceNoise, step);
            let mut noisy = |images: &Tensor| -> Result<Tensor> {
                let values = images.elem_count() / images.dim(0)?;
                let noise = StandardNormalPrior::new(values).sample(images.dim(0)?, &mut rng)?;
                let noise = noise.to_dtype(images.dtype())?.to_device(images.device())?;
                images + (noise.reshape(images.shape())? * self.instance_noise)?
            };
            shown = [noisy(&shown[0])?, noisy(&shown[1])?];
        }
        Ok(Shown {
            images: shown,
            augmented,
        })
    }
}

impl Shown {
    /// The gradient by images number `which` from the one by what was shown of them.
    pub(crate) fn pull_back(&self, which: usize, gradient: Tensor) -> Result<Tensor> {
        match &self.augmented {
            Some(augmented) => augmented[which].pull_back(&gradient),
            None => Ok(gradient),
        }
    }
}
