//! Training steps of text: maximum likelihood, the discriminator's rounds, and policy gradients.

mod batches;
mod checkpoint;
mod config;
mod discriminator;
mod likelihood;
mod policy;
mod reward;
mod trainer;

pub use batches::{Padded, TextCorpus};
pub use checkpoint::{TextCheckpoint, TextCheckpointHeader};
pub use config::TextTrainConfig;
pub use discriminator::{DiscriminatorRound, DiscriminatorTraining};
pub use likelihood::MaximumLikelihood;
pub use policy::{PolicyGradient, PolicyStep};
pub use reward::Reward;
pub use trainer::{TextPart, TextState, TextTrainer};
