//! The generator: a language model.

use candle_core::{DType, Device, Result};
use gan_core::candle_nn::Init;
use gan_core::{ParameterStore, Purpose, Seed};
use gan_ops::LanguageModel;
use serde::{Deserialize, Serialize};

/// The sizes and first weights of a generator. The defaults are SeqGAN's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GeneratorConfig {
    /// Numbers that stand for a token; 1 or more.
    pub embedding: usize,
    /// LSTM cells; 1 or more.
    pub hidden: usize,
    /// The standard deviation of all first weights and biases; above 0.
    pub initial_std: f64,
}

impl Default for GeneratorConfig {
    fn default() -> Self {
        Self {
            embedding: 32,
            hidden: 32,
            initial_std: 0.1,
        }
    }
}

/// A generator over a vocabulary, whose sequences come after `start`.
///
/// # Errors
/// When the tensors cannot be made, or `start` is not in the vocabulary.
pub fn text_generator(
    config: &GeneratorConfig,
    vocabulary: usize,
    start: u32,
    seed: Seed,
    dtype: DType,
) -> Result<LanguageModel> {
    let rng = seed.rng(Purpose::GeneratorInit, 0);
    let parameters = ParameterStore::new(rng, dtype, &Device::Cpu);
    let (embedding, hidden) = (config.embedding, config.hidden);
    let shapes: [(&str, Vec<usize>); 7] = [
        ("embedding.weight", vec![vocabulary, embedding]),
        ("lstm.weight_ih_l0", vec![4 * hidden, embedding]),
        ("lstm.weight_hh_l0", vec![4 * hidden, hidden]),
        ("lstm.bias_ih_l0", vec![4 * hidden]),
        ("lstm.bias_hh_l0", vec![4 * hidden]),
        ("output.weight", vec![vocabulary, hidden]),
        ("output.bias", vec![vocabulary]),
    ];
    let normal = Init::Randn {
        mean: 0.0,
        stdev: config.initial_std,
    };
    for (name, shape) in shapes {
        parameters.builder().get_with_hints(shape, name, normal)?;
    }
    LanguageModel::new(parameters, start)
}
