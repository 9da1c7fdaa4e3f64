//! The hyperparameters of a training run, and their ranges.

use crate::{
    Augmentation, LossKind, LossOptions, LrSchedule, OneCentered, Points, Regularizer, ZeroCentered,
};
use gan_core::{AdversarialLoss, Seed};
use serde::{Deserialize, Serialize};

/// Which network is updated first in a step. Both updates use the images generated at its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateOrder {
    /// As in the tutorial's code: the discriminator learns from images that the generator made before its
    /// update.
    #[default]
    GeneratorFirst,
    /// As in Algorithm 1 of the 2014 paper: the generator learns from the updated discriminator.
    DiscriminatorFirst,
}

/// What happens when a tensor is not finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnNan {
    /// The run stops.
    #[default]
    Stop,
    /// The run resumes from its last checkpoint with another seed, at most three times.
    Rollback,
}

/// The recipe of a run. The defaults are the tutorial's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Passes over the data set, where `steps` is not set; at least 1.
    pub epochs: u64,
    /// Steps of the run, whatever the number of epochs; at least 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Images per step; at least 1, and at least 2 if the generator has batch normalization.
    pub batch_size: usize,
    /// Adam's learning rate for both networks; positive.
    pub lr: f64,
    /// The discriminator's learning rate (Heusel et al., 2017, arXiv 1706.08500); positive. None:
    /// `lr`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discriminator_lr: Option<f64>,
    /// Adam's decay rate of the first moment, in [0, 1).
    pub beta1: f64,
    /// Adam's decay rate of the second moment, in [0, 1).
    pub beta2: f64,
    /// The adversarial loss.
    pub loss: LossKind,
    /// One-sided label smoothing: the label of real images is 1 minus this; in [0, 0.5]. Only for losses
    /// with labels.
    pub label_smoothing: f64,
    /// Standard deviation of the Gaussian noise that is added to the discriminator's inputs in training
    /// (Sønderby et al., 2017, arXiv 1610.04490), where pixel values lie in [-1, 1]; at least 0.
    pub instance_noise: f64,
    /// After each step the discriminator's weights are clamped to [-this, this] (Arjovsky et al.,
    /// 2017, arXiv 1701.07875, with 0.01); positive. None: no clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_clip: Option<f64>,
    /// γ of R1, the penalty on gradients at real images (Mescheder et al., 2018, arXiv 1801.04406);
    /// at least 0; 0: no penalty.
    pub r1: f64,
    /// γ of R2, the same at generated images; at least 0.
    pub r2: f64,
    /// λ of the gradient penalty at images interpolated between the two (Gulrajani et al., 2017, arXiv
    /// 1704.00028, with 10); at least 0.
    pub gradient_penalty: f64,
    /// Penalties are applied every N steps, multiplied by N (Karras et al., 2020, arXiv 1912.04958); at
    /// least 1.
    pub penalty_interval: u64,
    /// The generator is updated every N steps; at least 1.
    pub discriminator_steps: u64,
    /// How both learning rates change over the run's steps.
    pub lr_schedule: LrSchedule,
    /// The largest norm of each network's whole gradient; larger ones are scaled down to it (Pascanu et
    /// al., 2013, arXiv 1211.5063); positive. None: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_clip: Option<f64>,
    /// Augmentations of all of the discriminator's inputs.
    pub augmentations: Vec<Augmentation>,
    /// Half-life of the generator's averaged weights, in real images; positive. None: no average.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_half_life_images: Option<f64>,
    /// Which network is updated first.
    pub update_order: UpdateOrder,
    /// What happens when a tensor is not finite. [`Trainer`](crate::Trainer) ignores it and always returns
    /// [`TrainError::NonFinite`](crate::TrainError::NonFinite): the program that runs it acts on it.
    pub on_nan: OnNan,
    /// The seed of every random number.
    pub seed: Seed,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            epochs: 200,
            steps: None,
            batch_size: 128,
            lr: 2e-4,
            discriminator_lr: None,
            beta1: 0.5,
            beta2: 0.999,
            loss: LossKind::default(),
            label_smoothing: 0.0,
            instance_noise: 0.0,
            weight_clip: None,
            r1: 0.0,
            r2: 0.0,
            gradient_penalty: 0.0,
            penalty_interval: 1,
            discriminator_steps: 1,
            lr_schedule: LrSchedule::default(),
            gradient_clip: None,
            augmentations: Vec::new(),
            ema_half_life_images: None,
            update_order: UpdateOrder::default(),
            on_nan: OnNan::default(),
            seed: Seed(0),
        }
    }
}

/// A value out of its range.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("train.{key} is {found}, expected {expected}")]
pub struct ConfigError {
    /// The configuration key.
    pub key: &'static str,
    /// Its value.
    pub found: String,
    /// Its range.
    pub expected: &'static str,
}

impl TrainConfig {
    /// Whether every value is in its range.
    ///
    /// # Errors
    /// Names the first key that is not, its value and its range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let check = |ok: bool, key, found: String, expected| {
            let error = ConfigError {
                key,
                found,
                expected,
            };
            if ok { Ok(()) } else { Err(error) }
        };
        let at_least_one = "a whole number of at least 1";
        check(
            self.epochs >= 1,
            "epochs",
            self.epochs.to_string(),
            at_least_one,
        )?;
        let steps = self.steps.unwrap_or(1);
        check(steps >= 1, "steps", steps.to_string(), at_least_one)?;
        let seed = self.seed;
        // TOML's integers have a sign.
        check(
            i64::try_from(seed.0).is_ok(),
            "seed",
            seed.to_string(),
            "a whole number below 2^63, the largest that a TOML file holds",
        )?;
        let batch_size = self.batch_size;
        check(
            batch_size >= 1,
            "batch_size",
            batch_size.to_string(),
            at_least_one,
        )?;
        let discriminator_lr = self.discriminator_lr.unwrap_or(self.lr);
        for (key, lr) in [("lr", self.lr), ("discriminator_lr", discriminator_lr)] {
            let positive = lr > 0.0 && lr.is_finite();
            check(
                positive,
                key,
                lr.to_string(),
                "a positive number, such as 0.0002",
            )?;
        }
        for (key, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            let within = (0.0..1.0).contains(&beta);
            check(within, key, beta.to_string(), "a number from 0 to below 1")?;
        }
        let smoothing = self.label_smoothing;
        let (most, without) = if self.loss.has_labels() {
            (0.5, "a number from 0 to 0.5")
        } else {
            (0.0, "0: this loss has no labels to smooth")
        };
        let within = (0.0..=most).contains(&smoothing);
        check(within, "label_smoothing", smoothing.to_string(), without)?;
        let noise = self.instance_noise;
        let within = noise >= 0.0 && noise.is_finite();
        check(
            within,
            "instance_noise",
            noise.to_string(),
            "a number of at least 0",
        )?;
        for (key, value) in [
            ("r1", self.r1),
            ("r2", self.r2),
            ("gradient_penalty", self.gradient_penalty),
        ] {
            let within = value >= 0.0 && value.is_finite();
            check(within, key, value.to_string(), "a number of at least 0")?;
        }
        for (key, value) in [
            ("penalty_interval", self.penalty_interval),
            ("discriminator_steps", self.discriminator_steps),
        ] {
            check(value >= 1, key, value.to_string(), at_least_one)?;
        }
        let clip = self.gradient_clip.unwrap_or(1.0);
        check(
            clip > 0.0 && clip.is_finite(),
            "gradient_clip",
            clip.to_string(),
            "a positive number, such as 10",
        )?;
        let half_life = self.ema_half_life_images.unwrap_or(1.0);
        let positive = half_life > 0.0 && half_life.is_finite();
        check(
            positive,
            "ema_half_life_images",
            half_life.to_string(),
            "a positive number of images, such as 10000",
        )?;
        match self.weight_clip {
            None => check(
                self.loss != LossKind::Wasserstein || self.gradient_penalty > 0.0,
                "weight_clip",
                "not set".to_string(),
                "a bound on the critic's weights, as 0.01, or a gradient_penalty, as 10: the \
                 Wasserstein loss needs one of them",
            ),
            Some(clip) => check(
                clip > 0.0 && clip.is_finite(),
                "weight_clip",
                clip.to_string(),
                "a positive number, such as 0.01",
            ),
        }
    }

    /// The configured loss.
    pub fn adversarial_loss(&self) -> Box<dyn AdversarialLoss> {
        self.loss.build(LossOptions {
            label_smoothing: self.label_smoothing,
        })
    }
}

impl TrainConfig {
    /// The configured penalties with their keys.
    pub(crate) fn regularizers(&self) -> Vec<(&'static str, Box<dyn Regularizer>)> {
        let mut all: Vec<(&'static str, Box<dyn Regularizer>)> = Vec::new();
        for (key, points, gamma) in [("r1", Points::Real, self.r1), ("r2", Points::Fake, self.r2)] {
            if gamma > 0.0 {
                all.push((key, Box::new(ZeroCentered { points, gamma })));
            }
        }
        if self.gradient_penalty > 0.0 {
            let lambda = self.gradient_penalty;
            all.push(("gradient_penalty", Box::new(OneCentered { lambda })));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        type Spoil = fn(&mut TrainConfig);
        let cases: [(&str, Spoil); 26] = [
            ("epochs", |c| c.epochs = 0),
            ("steps", |c| c.steps = Some(0)),
            ("seed", |c| c.seed = Seed(1 << 63)),
            ("batch_size", |c| c.batch_size = 0),
            ("lr", |c| c.lr = -1e-3),
            ("lr", |c| c.lr = 0.0),
            ("lr", |c| c.lr = f64::NAN),
            ("lr", |c| c.lr = f64::INFINITY),
            ("discriminator_lr", |c| c.discriminator_lr = Some(0.0)),
            ("beta1", |c| c.beta1 = 1.0),
            ("beta2", |c| c.beta2 = -0.1),
            ("label_smoothing", |c| c.label_smoothing = 0.6),
            ("label_smoothing", |c| {
                (c.loss, c.label_smoothing) = (LossKind::Hinge, 0.1);
            }),
            ("ema_half_life_images", |c| {
                c.ema_half_life_images = Some(0.0);
            }),
            ("instance_noise", |c| c.instance_noise = -0.1),
            ("instance_noise", |c| c.instance_noise = f64::NAN),
            ("r1", |c| c.r1 = -1.0),
            ("r2", |c| c.r2 = f64::INFINITY),
            ("gradient_penalty", |c| c.gradient_penalty = f64::NAN),
            ("penalty_interval", |c| c.penalty_interval = 0),
            ("discriminator_steps", |c| c.discriminator_steps = 0),
            ("gradient_clip", |c| c.gradient_clip = Some(0.0)),
            ("gradient_clip", |c| c.gradient_clip = Some(f64::NAN)),
            ("weight_clip", |c| c.weight_clip = Some(0.0)),
            ("weight_clip", |c| c.weight_clip = Some(f64::INFINITY)),
            ("weight_clip", |c| c.loss = LossKind::Wasserstein),
        ];
        assert_eq!(TrainConfig::default().validate(), Ok(()));
        for (key, spoil) in cases {
            let mut config = TrainConfig::default();
            spoil(&mut config);
            assert_eq!(config.validate().map_err(|e| e.key), Err(key));
        }
    }
}
