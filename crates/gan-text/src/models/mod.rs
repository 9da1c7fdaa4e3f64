//! The networks: their sizes and first weights.

mod discriminator;
mod file;
mod generator;
pub(crate) mod goals;
mod oracle;
mod relgan_discriminator;
mod text_generator;

use candle_core::{DType, Device};
use gan_core::ParameterStore;
use rand_chacha::ChaCha8Rng;

pub use discriminator::{DiscriminatorConfig, text_discriminator};
pub use file::{TextGeneratorError, TextGeneratorFile, TextGeneratorHeader};
pub use generator::{GeneratorConfig, prefix_discriminator, text_generator};
pub use goals::{GoalSizes, goal_generator};
pub use oracle::{oracle, read_oracle};
pub use relgan_discriminator::{RelganDiscriminatorConfig, relgan_discriminator};
pub use text_generator::TextGenerator;

/// Far beyond any use: a typing error must not take all of the memory.
pub(crate) const MOST_OF_A_SIZE: u64 = 65_536;

/// The values of a network, 512 MiB as f32; training takes four times as much.
const MOST_VALUES: usize = 1 << 27;

/// An empty store on the CPU, whose first weights are drawn from `rng`, for a network that is not too large.
fn store(rng: ChaCha8Rng, dtype: DType) -> ParameterStore {
    ParameterStore::new(rng, dtype, &Device::Cpu).holding_at_most(MOST_VALUES)
}
