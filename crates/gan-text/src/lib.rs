//! Text as data and as what networks generate: lines of files, tokens, language models.

mod models;
mod training;

pub use models::{
    DiscriminatorConfig, GeneratorConfig, oracle, read_oracle, text_discriminator, text_generator,
};
pub use training::{
    DiscriminatorRound, DiscriminatorTraining, MaximumLikelihood, Padded, PolicyGradient,
    PolicyStep, Reward, TextCorpus,
};
