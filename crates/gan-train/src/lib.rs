//! The training engine: a training step that reads like the paper, its losses, penalties and optimizer.
//!
//! A [`Trainer`] owns a generator, a discriminator, a latent prior, an adversarial loss and an
//! optimizer for each player. [`Trainer::step`] takes a batch of real images and returns a
//! [`StepReport`]; [`Trainer::run`] takes an iterator of batches and passes every report to
//! [`Observer`]s, which draw grids, write logs and save checkpoints. Other [`Engine`]s compute the same steps
//! elsewhere, many between two looks of the observers. The trainer knows neither the data set nor the
//! architectures: it is given batches and trait objects.
//!
//! All randomness of a step is a function of the seed and the step's number, so a run resumes exactly
//! from a checkpoint of its weights, optimizers and counters.
//!
//! ```
//! use gan_train::{LossKind, TrainConfig};
//!
//! let config = TrainConfig { loss: LossKind::Minimax, ..TrainConfig::default() };
//! config.validate()?;
//! assert_eq!((config.batch_size, config.lr), (128, 2e-4));
//! # Ok::<(), gan_core::OutOfRange>(())
//! ```

mod augment;
mod checkpoint;
mod config;
mod discriminator_inputs;
pub mod doctor;
mod ema;
mod engine;
mod error;
mod loss;
mod observer;
mod optimizer;
mod regularizer;
mod report;
mod run;
mod schedule;
mod trainer;

pub use augment::{Augmentation, ImageAugmentation, draw_augmentations};
pub use checkpoint::{
    AVERAGED_GENERATOR, CHECKPOINT_FORMAT_VERSION, Checkpoint, CheckpointHeader, DISCRIMINATOR,
    DISCRIMINATOR_OPTIMIZER, ENGINE, GENERATOR, GENERATOR_OPTIMIZER, read_header, save,
};
pub use config::{OnNan, Precision, TrainConfig, UpdateOrder};
pub use ema::Ema;
pub use engine::{Engine, HostEngine, Look};
pub use error::TrainError;
pub use loss::{
    Hinge, LeastSquares, LossKind, LossOptions, Minimax, NonSaturating, RelativisticPairing,
    Wasserstein,
};
pub use observer::Observer;
pub use optimizer::{ADAM_EPS, Optimizer, OptimizerKind, OptimizerStep, Ramp, StepSettings, Visit};
pub use regularizer::{OneCentered, Points, Regularizer, ZeroCentered};
pub use report::StepReport;
pub use schedule::{LrDecay, LrSchedule};
pub use trainer::{TrainState, Trainer};
