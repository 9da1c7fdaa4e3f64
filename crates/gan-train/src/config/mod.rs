//! The hyperparameters of a training run, and their ranges.

mod optimizers;

use crate::{
    Augmentation, LossKind, LossOptions, LrSchedule, OneCentered, OptimizerKind, Points,
    Regularizer, ZeroCentered,
};
use gan_core::{AdversarialLoss, Number, OutOfRange, Range, Seed, check_ranges};
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

/// How exact the factors of matrix products are. Sums, and all else, are f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// f32.
    #[default]
    F32,
    /// TF32: 10 bits of mantissa. On GPUs alone.
    Tf32,
    /// bfloat16: 7 bits of mantissa. On GPUs alone.
    Bf16,
}

impl Precision {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
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
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub steps: Option<u64>,
    /// Images per step; at least 1, and at least 2 if the generator has batch normalization.
    pub batch_size: usize,
    /// What moves both networks.
    pub optimizer: OptimizerKind,
    /// The learning rate of both networks; positive.
    pub lr: f64,
    /// The discriminator's learning rate (Heusel et al., 2017, arXiv 1706.08500); positive. None:
    /// `lr`.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub discriminator_lr: Option<f64>,
    /// Adam's decay rate of the first moment, in [0, 1).
    pub beta1: f64,
    /// Adam's decay rate of the second moment, in [0, 1).
    pub beta2: f64,
    /// With the optimizer momentum: the share of the velocity that is kept from step to step, in [0, 1). None: 0.9.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub momentum: Option<f64>,
    /// The momentum goes to this, in [0, 1), in a straight line over `momentum_steps`, which must be set too. None: it
    /// stays.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub final_momentum: Option<f64>,
    /// The updates of a network after which the momentum is the final one; at least 1.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub momentum_steps: Option<u64>,
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
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
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
    /// With the exponential schedule: after each step the learning rates are divided by 1 plus this; positive.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub lr_decay: Option<f64>,
    /// With the exponential schedule: the learning rates do not fall below this share of the first ones; from 0 to 1.
    /// None: 0.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub lr_floor: Option<f64>,
    /// The largest norm of each network's whole gradient; larger ones are scaled down to it (Pascanu et
    /// al., 2013, arXiv 1211.5063); positive. None: no limit.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub gradient_clip: Option<f64>,
    /// Augmentations of all of the discriminator's inputs.
    pub augmentations: Vec<Augmentation>,
    /// Half-life of the generator's averaged weights, in real images; positive. None: no average.
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    pub ema_half_life_images: Option<f64>,
    /// How exact products are. [`Trainer::step`](crate::Trainer::step) computes as its tensors are; engines of GPUs heed it.
    #[serde(skip_serializing_if = "Precision::is_default")]
    pub precision: Precision,
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
            optimizer: OptimizerKind::default(),
            lr: 2e-4,
            discriminator_lr: None,
            beta1: 0.5,
            beta2: 0.999,
            momentum: None,
            final_momentum: None,
            momentum_steps: None,
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
            lr_decay: None,
            lr_floor: None,
            gradient_clip: None,
            augmentations: Vec::new(),
            ema_half_life_images: None,
            precision: Precision::default(),
            update_order: UpdateOrder::default(),
            on_nan: OnNan::default(),
            seed: Seed(0),
        }
    }
}

/// Beyond this, the label of real images would be nearer to that of generated ones.
const MAX_LABEL_SMOOTHING: f64 = 0.5;

impl TrainConfig {
    /// Whether every value is in its range, and whether those that depend on the loss fit it.
    ///
    /// # Errors
    /// Names the first key that is not, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        check_ranges(&self.ranges())?;
        self.check_seed()?;
        self.check_label_smoothing()?;
        self.check_momentum()?;
        self.check_decay()?;
        self.check_slope_bound()
    }

    /// The numbers by key, with their ranges.
    fn ranges(&self) -> [(&'static str, Number, Range); 22] {
        use Range::{AtLeastOne, AtLeastZero, Positive, ZeroTo, ZeroToBelowOne};
        let rate = Positive { such_as: "0.0002" };
        [
            ("train.epochs", self.epochs.into(), AtLeastOne),
            ("train.steps", self.steps.into(), AtLeastOne),
            ("train.batch_size", self.batch_size.into(), AtLeastOne),
            ("train.lr", self.lr.into(), rate),
            ("train.discriminator_lr", self.discriminator_lr.into(), rate),
            ("train.beta1", self.beta1.into(), ZeroToBelowOne),
            ("train.beta2", self.beta2.into(), ZeroToBelowOne),
            ("train.momentum", self.momentum.into(), ZeroToBelowOne),
            (
                "train.final_momentum",
                self.final_momentum.into(),
                ZeroToBelowOne,
            ),
            (
                "train.momentum_steps",
                self.momentum_steps.into(),
                AtLeastOne,
            ),
            (
                "train.lr_decay",
                self.lr_decay.into(),
                Positive { such_as: "0.0001" },
            ),
            ("train.lr_floor", self.lr_floor.into(), ZeroTo(1.0)),
            (
                "train.label_smoothing",
                self.label_smoothing.into(),
                ZeroTo(MAX_LABEL_SMOOTHING),
            ),
            (
                "train.instance_noise",
                self.instance_noise.into(),
                AtLeastZero,
            ),
            (
                "train.weight_clip",
                self.weight_clip.into(),
                Positive { such_as: "0.01" },
            ),
            ("train.r1", self.r1.into(), AtLeastZero),
            ("train.r2", self.r2.into(), AtLeastZero),
            (
                "train.gradient_penalty",
                self.gradient_penalty.into(),
                AtLeastZero,
            ),
            (
                "train.penalty_interval",
                self.penalty_interval.into(),
                AtLeastOne,
            ),
            (
                "train.discriminator_steps",
                self.discriminator_steps.into(),
                AtLeastOne,
            ),
            (
                "train.gradient_clip",
                self.gradient_clip.into(),
                Positive { such_as: "10" },
            ),
            (
                "train.ema_half_life_images",
                self.ema_half_life_images.into(),
                Positive { such_as: "10000" },
            ),
        ]
    }

    /// TOML's integers have a sign.
    fn check_seed(&self) -> Result<(), OutOfRange> {
        if i64::try_from(self.seed.0).is_ok() {
            return Ok(());
        }
        Err(OutOfRange {
            key: "train.seed",
            found: self.seed.to_string(),
            expected: "a whole number below 2^63, the largest that a TOML file holds".to_string(),
        })
    }

    fn check_label_smoothing(&self) -> Result<(), OutOfRange> {
        if self.label_smoothing == 0.0 || self.loss.has_labels() {
            return Ok(());
        }
        Err(OutOfRange {
            key: "train.label_smoothing",
            found: self.label_smoothing.to_string(),
            expected: "0: this loss has no labels to smooth".to_string(),
        })
    }

    /// The Wasserstein loss is a distance only if the critic's slope is bounded.
    fn check_slope_bound(&self) -> Result<(), OutOfRange> {
        let is_bounded = self.weight_clip.is_some() || self.gradient_penalty > 0.0;
        if is_bounded || self.loss != LossKind::Wasserstein {
            return Ok(());
        }
        Err(OutOfRange {
            key: "train.weight_clip",
            found: Number::Unset.to_string(),
            expected:
                "a bound on the critic's weights, as 0.01, or a `train.gradient_penalty`, as 10: \
                       the Wasserstein loss needs one of them"
                    .to_string(),
        })
    }

    /// The configured loss.
    pub fn adversarial_loss(&self) -> Box<dyn AdversarialLoss> {
        self.loss.build(LossOptions {
            label_smoothing: self.label_smoothing,
        })
    }
}

impl TrainConfig {
    /// Whether there are gradient penalties.
    pub fn has_penalties(&self) -> bool {
        !self.regularizers().is_empty()
    }

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
        let cases: [(&str, Spoil); 37] = [
            ("train.momentum", |c| c.momentum = Some(0.5)),
            ("train.momentum", |c| {
                (c.optimizer, c.momentum) = (OptimizerKind::Momentum, Some(1.0));
            }),
            ("train.final_momentum", |c| c.final_momentum = Some(0.5)),
            ("train.final_momentum", |c| c.final_momentum = Some(-0.1)),
            ("train.momentum_steps", |c| c.momentum_steps = Some(0)),
            ("train.final_momentum", |c| {
                (c.optimizer, c.momentum_steps) = (OptimizerKind::Momentum, Some(9));
            }),
            ("train.momentum_steps", |c| {
                (c.optimizer, c.final_momentum) = (OptimizerKind::Momentum, Some(0.7));
            }),
            ("train.lr_decay", |c| {
                c.lr_schedule = LrSchedule::Exponential;
            }),
            ("train.lr_decay", |c| c.lr_decay = Some(0.1)),
            ("train.lr_floor", |c| c.lr_floor = Some(0.1)),
            ("train.lr_floor", |c| c.lr_floor = Some(1.1)),
            ("train.epochs", |c| c.epochs = 0),
            ("train.steps", |c| c.steps = Some(0)),
            ("train.seed", |c| c.seed = Seed(1 << 63)),
            ("train.batch_size", |c| c.batch_size = 0),
            ("train.lr", |c| c.lr = -1e-3),
            ("train.lr", |c| c.lr = 0.0),
            ("train.lr", |c| c.lr = f64::NAN),
            ("train.lr", |c| c.lr = f64::INFINITY),
            ("train.discriminator_lr", |c| c.discriminator_lr = Some(0.0)),
            ("train.beta1", |c| c.beta1 = 1.0),
            ("train.beta2", |c| c.beta2 = -0.1),
            ("train.label_smoothing", |c| c.label_smoothing = 0.6),
            ("train.label_smoothing", |c| {
                (c.loss, c.label_smoothing) = (LossKind::Hinge, 0.1);
            }),
            ("train.ema_half_life_images", |c| {
                c.ema_half_life_images = Some(0.0);
            }),
            ("train.instance_noise", |c| c.instance_noise = -0.1),
            ("train.instance_noise", |c| c.instance_noise = f64::NAN),
            ("train.r1", |c| c.r1 = -1.0),
            ("train.r2", |c| c.r2 = f64::INFINITY),
            ("train.gradient_penalty", |c| c.gradient_penalty = f64::NAN),
            ("train.penalty_interval", |c| c.penalty_interval = 0),
            ("train.discriminator_steps", |c| c.discriminator_steps = 0),
            ("train.gradient_clip", |c| c.gradient_clip = Some(0.0)),
            ("train.gradient_clip", |c| c.gradient_clip = Some(f64::NAN)),
            ("train.weight_clip", |c| c.weight_clip = Some(0.0)),
            ("train.weight_clip", |c| c.weight_clip = Some(f64::INFINITY)),
            ("train.weight_clip", |c| c.loss = LossKind::Wasserstein),
        ];
        assert_eq!(TrainConfig::default().validate(), Ok(()));
        for (key, spoil) in cases {
            let mut config = TrainConfig::default();
            spoil(&mut config);
            assert_eq!(config.validate().map_err(|e| e.key), Err(key));
        }
    }
    #[test]
    fn the_word_none_unsets_in_a_file() {
        let keys = [
            "steps",
            "discriminator_lr",
            "weight_clip",
            "gradient_clip",
            "ema_half_life_images",
        ];
        let text = keys.map(|key| format!("\"{key}\": \"none\"")).join(",");
        let config: TrainConfig = serde_json::from_str(&format!("{{{text}}}")).unwrap();
        assert_eq!(config, TrainConfig::default());
        let text = text.replace("\"none\"", "7");
        let config: TrainConfig = serde_json::from_str(&format!("{{{text}}}")).unwrap();
        assert_eq!((config.steps, config.weight_clip), (Some(7), Some(7.0)));
        let error = serde_json::from_str::<TrainConfig>(r#"{"steps": "some"}"#).unwrap_err();
        assert!(error.to_string().contains("expected u64"), "{error}");
    }
}
