//! Training steps of text: maximum likelihood, and what each adversarial method adds.

mod batches;
mod checkpoint;
mod config;
mod leakgan;
mod likelihood;
mod logistic;
mod method;
mod relgan;
mod rollouts;
mod scratch;
mod seqgan;
mod trainer;

pub use batches::{Padded, TextCorpus, until_end};
pub use checkpoint::{TextCheckpoint, TextCheckpointHeader};
pub use config::{AdversaryConfig, NoAdversary, TextTrainConfig};
pub use leakgan::LeakganConfig;
pub use likelihood::MaximumLikelihood;
pub use method::{PartKind, TextPart, TextState};
pub use relgan::RelganConfig;
pub use scratch::ScratchConfig;
pub use seqgan::{
    DiscriminatorRound, DiscriminatorTraining, PolicyGradient, PolicyStep, Reward, SeqganConfig,
};
pub use trainer::TextTrainer;
