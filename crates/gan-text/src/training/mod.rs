//! Training steps of text: maximum likelihood, the discriminator's rounds, and policy gradients.

mod batches;
mod discriminator;
mod likelihood;
mod policy;
mod reward;

pub use batches::{Padded, TextCorpus};
pub use discriminator::{DiscriminatorRound, DiscriminatorTraining};
pub use likelihood::MaximumLikelihood;
pub use policy::{PolicyGradient, PolicyStep};
pub use reward::Reward;
