//! The oracle of the synthetic benchmark: an LSTM whose random weights are the truth (Yu et al., 2017).

use super::generator::of_tensors;
use super::{GeneratorConfig, text_generator};
use candle_core::{DType, Result, Tensor};
use gan_core::{Purpose, Seed, Weights};
use gan_ops::LanguageModel;

/// The benchmark's vocabulary.
const VOCABULARY: usize = 5000;

/// The benchmark's embedding and cells.
const WIDTH: usize = 32;

/// The token before a sequence, which is an ordinary word too.
const START: u32 = 0;

/// An oracle of the benchmark's sizes with weights of a standard normal distribution.
///
/// # Errors
/// When the tensors cannot be made.
pub fn oracle(seed: Seed, dtype: DType) -> Result<LanguageModel> {
    let config = GeneratorConfig {
        embedding: WIDTH,
        hidden: WIDTH,
        initial_std: 1.0,
    };
    // Not the weights that a generator with this seed begins with.
    let seed = Seed(rand::RngCore::next_u64(
        &mut seed.rng(Purpose::OracleInit, 0),
    ));
    text_generator(&config, VOCABULARY, START, seed, dtype)
}

/// An oracle from the tensors that SeqGAN published, as they are named in a file: `embedding`, of each gate
/// (`input_gate`, `forget_gate`, `output_gate`, `candidate`) an `input_weight`, a `recurrent_weight` and a `bias`, and
/// `output.weight` and `output.bias`, all for rows on the left of the weights.
///
/// # Errors
/// When a tensor is missing, has another shape or type, or is not finite.
pub fn read_oracle(weights: &Weights, dtype: DType) -> Result<LanguageModel> {
    if let Some(name) = weights.not_finite()? {
        candle_core::bail!("the tensor {name} of the oracle has a number that is not finite");
    }
    let get = |name: &str| {
        let Some(tensor) = weights.tensors.get(name) else {
            candle_core::bail!("the tensor {name} of the oracle is missing");
        };
        let rank = if name.ends_with("bias") { 1 } else { 2 };
        let is_real = matches!(tensor.dtype(), DType::F32 | DType::F64);
        if !is_real || tensor.rank() != rank || tensor.elem_count() == 0 {
            let (shape, found) = (tensor.dims(), tensor.dtype());
            candle_core::bail!(
                "the tensor {name} of the oracle has shape {shape:?} of {found:?}, expected {rank} dimensions of \
                 F32 or F64"
            );
        }
        tensor.to_dtype(dtype)
    };
    // PyTorch's order of the gates, and its weights on the left of columns.
    let gates = ["input_gate", "forget_gate", "candidate", "output_gate"];
    let of_gates = |part: &str| {
        let parts = gates.iter().map(|gate| get(&format!("{gate}.{part}"))?.t());
        Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)
    };
    let biases = gates.iter().map(|gate| get(&format!("{gate}.bias")));
    let bias = Tensor::cat(&biases.collect::<Result<Vec<_>>>()?, 0)?;
    let tensor = |name: &str| match name {
        "embedding.weight" => get("embedding"),
        "lstm.weight_ih_l0" => of_gates("input_weight"),
        "lstm.weight_hh_l0" => of_gates("recurrent_weight"),
        "lstm.bias_ih_l0" => Ok(bias.clone()),
        "lstm.bias_hh_l0" => bias.zeros_like(),
        "output.weight" => get(name)?.t()?.contiguous(),
        _ => get(name),
    };
    of_tensors(tensor, START)
}
