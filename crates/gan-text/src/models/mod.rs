//! The networks: their sizes and first weights.

mod discriminator;
mod file;
mod generator;
pub(crate) mod goals;
mod oracle;
mod relgan_discriminator;
mod text_generator;

pub use discriminator::{DiscriminatorConfig, text_discriminator};
pub use file::{TextGeneratorError, TextGeneratorFile, TextGeneratorHeader};
pub use generator::{GeneratorConfig, prefix_discriminator, text_generator};
pub use goals::{GoalSizes, goal_generator};
pub use oracle::{oracle, read_oracle};
pub use relgan_discriminator::{RelganDiscriminatorConfig, relgan_discriminator};
pub use text_generator::TextGenerator;
