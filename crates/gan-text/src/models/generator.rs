//! The generator: a language model.

use super::{MOST_OF_A_SIZE, store};
use candle_core::{DType, Device, Result, Tensor};
use gan_core::candle_nn::Init;
use gan_core::{OutOfRange, ParameterStore, Purpose, Range, Seed, check_ranges};
use gan_ops::LanguageModel;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The tensors of a language model, by PyTorch's names.
const NAMES: [&str; 7] = [
    "embedding.weight",
    "lstm.weight_ih_l0",
    "lstm.weight_hh_l0",
    "lstm.bias_ih_l0",
    "lstm.bias_hh_l0",
    "output.weight",
    "output.bias",
];

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

impl GeneratorConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        let such_as = "0.1";
        check_ranges(&[
            (
                "model.embedding",
                self.embedding.into(),
                Range::OneTo(MOST_OF_A_SIZE),
            ),
            (
                "model.hidden",
                self.hidden.into(),
                Range::OneTo(MOST_OF_A_SIZE),
            ),
            (
                "model.initial_std",
                self.initial_std.into(),
                Range::Positive { such_as },
            ),
        ])
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
    language_model(
        config,
        vocabulary,
        start,
        seed.rng(Purpose::GeneratorInit, 0),
        dtype,
    )
}

/// A discriminator of the texts' prefixes: a network like a generator, whose logit of a token after a prefix says how
/// much more real than another token it is there.
///
/// # Errors
/// Those of [`text_generator`].
pub fn prefix_discriminator(
    config: &GeneratorConfig,
    vocabulary: usize,
    start: u32,
    seed: Seed,
    dtype: DType,
) -> Result<LanguageModel> {
    language_model(
        config,
        vocabulary,
        start,
        seed.rng(Purpose::DiscriminatorInit, 0),
        dtype,
    )
}

fn language_model(
    config: &GeneratorConfig,
    vocabulary: usize,
    start: u32,
    rng: ChaCha8Rng,
    dtype: DType,
) -> Result<LanguageModel> {
    let parameters = store(rng, dtype);
    let (embedding, hidden) = (config.embedding, config.hidden);
    let shapes = [
        vec![vocabulary, embedding],
        vec![4 * hidden, embedding],
        vec![4 * hidden, hidden],
        vec![4 * hidden],
        vec![4 * hidden],
        vec![vocabulary, hidden],
        vec![vocabulary],
    ];
    let normal = Init::Randn {
        mean: 0.0,
        stdev: config.initial_std,
    };
    for (name, shape) in NAMES.into_iter().zip(shapes) {
        parameters.builder().get_with_hints(shape, name, normal)?;
    }
    LanguageModel::new(parameters, start)
}

/// A language model of tensors by their names in PyTorch, all of one type.
///
/// # Errors
/// When `tensor` fails, shapes don't fit each other, or `start` is not in the vocabulary.
pub(super) fn of_tensors(
    tensor: impl Fn(&str) -> Result<Tensor>,
    start: u32,
) -> Result<LanguageModel> {
    let first = tensor(NAMES[0])?;
    // The random numbers that first values are drawn from; none are.
    let rng = Seed(0).rng(Purpose::GeneratorInit, 0);
    let parameters = ParameterStore::new(rng, first.dtype(), &Device::Cpu);
    for name in NAMES {
        let value = tensor(name)?;
        let builder = parameters.builder();
        builder.get_with_hints(value.shape(), name, Init::Const(0.0))?;
        parameters.set(name, &value)?;
    }
    LanguageModel::new(parameters, start)
}
