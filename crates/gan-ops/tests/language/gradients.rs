//! Gradients against finite differences, and against candle's of the same network of plain operations.

use crate::common::{numbers, slope, tokens, waves};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, IndexOp, Result, Tensor, Var};
use gan_core::candle_nn::ops::{log_softmax, sigmoid};
use gan_ops::{LanguageModel, Pool, TokenBatch};
use std::collections::HashMap;

const SIZES: (usize, usize, usize) = (11, 5, 7);
const STEPS: usize = 4;

fn weights(count: usize) -> Vec<f64> {
    (0..count).map(|i| (1.1 * i as f64).cos()).collect()
}

fn gradients(
    model: &LanguageModel,
    batch: TokenBatch<'_>,
    weights: &[f64],
) -> HashMap<String, Tensor> {
    named(model, |visit| {
        model.nll_gradients(batch, weights, visit).map(|_| ())
    })
}

/// By name, the gradients that `pass_on` calls its argument with.
fn named(
    model: &LanguageModel,
    pass_on: impl FnOnce(&mut dyn FnMut(&Tensor, &Tensor) -> Result<()>) -> Result<()>,
) -> HashMap<String, Tensor> {
    let mut gradients = HashMap::new();
    let parameters = model.parameters().all();
    pass_on(&mut |parameter, gradient| {
        let known = parameters
            .iter()
            .find(|known| known.var.id() == parameter.id());
        gradients.insert(known.unwrap().name.clone(), gradient.copy()?);
        Ok(())
    })
    .unwrap();
    gradients
}

fn assert_near_plain(
    model: &LanguageModel,
    found: &HashMap<String, Tensor>,
    plain: &GradStore,
    tolerance: f64,
) {
    assert_eq!(found.len(), 7);
    for parameter in model.parameters().all() {
        let expected = numbers(plain.get(&parameter.var).unwrap());
        let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
        for (found, expected) in numbers(&found[&parameter.name]).iter().zip(expected) {
            let near = (found - expected).abs() <= tolerance * scale;
            assert!(near, "{}: {found} {expected}", parameter.name);
        }
    }
}

/// −ln p of every token, `[n, steps]`, by candle's operations.
fn plain(model: &LanguageModel, batch: TokenBatch<'_>) -> Result<Tensor> {
    let (n, steps) = (batch.len(), batch.steps());
    let tokens = Tensor::new(batch.tokens(), &Device::Cpu)?.reshape((n, steps, 1))?;
    let logits = plain_logits(model, batch)?;
    log_softmax(&logits, 2)?
        .gather(&tokens, 2)?
        .squeeze(2)?
        .neg()
}

/// The logits of the token after each, `[n, steps, vocabulary]`, by candle's operations.
pub(crate) fn plain_logits(model: &LanguageModel, batch: TokenBatch<'_>) -> Result<Tensor> {
    let all: HashMap<String, Var> = model
        .parameters()
        .all()
        .into_iter()
        .map(|parameter| (parameter.name, parameter.var))
        .collect();
    let get = |name: &str| all[name].as_tensor();
    let (n, steps) = (batch.len(), batch.steps());
    let tokens = Tensor::new(batch.tokens(), &Device::Cpu)?.reshape((n, steps))?;
    let start = Tensor::full(1u32, (n, 1), &Device::Cpu)?;
    let inputs = Tensor::cat(&[&start, &tokens.narrow(1, 0, steps - 1)?], 1)?;
    let hidden = get("lstm.weight_hh_l0").dim(1)?;
    let dtype = model.parameters().dtype();
    let mut h = Tensor::zeros((n, hidden), dtype, &Device::Cpu)?;
    let mut c = h.clone();
    let mut all_logits = Vec::new();
    for step in 0..steps {
        let x = get("embedding.weight").index_select(&inputs.i((.., step))?.contiguous()?, 0)?;
        let gates = (x.matmul(&get("lstm.weight_ih_l0").t()?)?
            + h.matmul(&get("lstm.weight_hh_l0").t()?)?)?;
        let gates = gates
            .broadcast_add(get("lstm.bias_ih_l0"))?
            .broadcast_add(get("lstm.bias_hh_l0"))?;
        let gate = |k: usize| gates.narrow(1, k * hidden, hidden);
        c = ((sigmoid(&gate(1)?)? * c)? + (sigmoid(&gate(0)?)? * gate(2)?.tanh()?)?)?;
        h = (sigmoid(&gate(3)?)? * c.tanh()?)?;
        let logits = h
            .matmul(&get("output.weight").t()?)?
            .broadcast_add(get("output.bias"))?;
        all_logits.push(logits);
    }
    Tensor::stack(&all_logits, 1)
}

#[test]
fn likelihoods_and_gradients_are_those_of_plain_operations() {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        // Less than a line, a line, more than one; of both types.
        for n in [1, 8, 17, 37] {
            let model = waves(dtype, SIZES);
            let tokens = tokens(n, STEPS, SIZES.0);
            let batch = TokenBatch::new(&tokens, STEPS).unwrap();
            let weights = weights(tokens.len());
            let expected = plain(&model, batch).unwrap();
            let found = model.nll(batch, 1.0).unwrap();
            for (found, expected) in found.iter().zip(numbers(&expected)) {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            let weighted = Tensor::new(&weights[..], &Device::Cpu).unwrap();
            let weighted = weighted
                .reshape((n, STEPS))
                .unwrap()
                .to_dtype(dtype)
                .unwrap();
            let loss = (expected * weighted).unwrap().sum_all().unwrap();
            let plain = loss.backward().unwrap();
            let gradients = gradients(&model, batch, &weights);
            assert_near_plain(&model, &gradients, &plain, tolerance);
        }
    }
}

#[test]
fn logits_and_their_gradients_are_those_of_plain_operations() {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
        for n in [1, 8, 17, 37] {
            let model = waves(dtype, SIZES);
            let tokens = tokens(n, STEPS, SIZES.0);
            let batch = TokenBatch::new(&tokens, STEPS).unwrap();
            let expected = plain_logits(&model, batch).unwrap();
            let pass = model.record(batch).unwrap();
            for (found, expected) in pass.logits().iter().zip(numbers(&expected)) {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            let slopes = weights(pass.logits().len());
            let weighted = Tensor::new(&slopes[..], &Device::Cpu).unwrap();
            let weighted = weighted.reshape(expected.shape()).unwrap();
            let sum = (expected * weighted.to_dtype(dtype).unwrap()).unwrap();
            let plain = sum.sum_all().unwrap().backward().unwrap();
            let gradients = named(&model, |visit| pass.gradients(&slopes, visit));
            assert_near_plain(&model, &gradients, &plain, tolerance);
        }
    }
}

#[test]
fn gradients_of_logits_are_slopes_of_their_sum() {
    let model = waves(DType::F64, SIZES);
    let tokens = tokens(9, STEPS, SIZES.0);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let slopes = weights(tokens.len() * SIZES.0);
    let objective = || -> f64 {
        let pass = model.record(batch).unwrap();
        let products = pass.logits().iter().zip(&slopes);
        products.map(|(logit, slope)| logit * slope).sum()
    };
    let pass = model.record(batch).unwrap();
    let gradients = named(&model, |visit| pass.gradients(&slopes, visit));
    for parameter in model.parameters().all() {
        let found = numbers(&gradients[&parameter.name]);
        for place in (0..found.len()).step_by(3) {
            let slope = slope(&parameter.var, place, 1e-6, &objective);
            let near = (found[place] - slope).abs() < 1e-6;
            assert!(near, "{} {place}: {} {slope}", parameter.name, found[place]);
        }
    }
}

#[test]
fn gradients_of_logits_have_the_same_bytes_for_any_number_of_threads() {
    let model = waves(DType::F32, SIZES);
    let tokens = tokens(100, STEPS, SIZES.0);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let bits = |threads| -> Vec<u64> {
        let gradients = Pool::new(Some(threads)).unwrap().install(|| {
            let pass = model.record(batch).unwrap();
            let slopes = weights(pass.logits().len());
            named(&model, |visit| pass.gradients(&slopes, visit))
        });
        let all = model.parameters().all().into_iter();
        let numbers = all.flat_map(|parameter| numbers(&gradients[&parameter.name]));
        numbers.map(f64::to_bits).collect()
    };
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(3));
}

#[test]
fn gradients_are_slopes_of_the_weighted_likelihood() {
    let model = waves(DType::F64, SIZES);
    let tokens = tokens(9, STEPS, SIZES.0);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let weights = weights(tokens.len());
    let objective = || -> f64 {
        let nll = model.nll(batch, 1.0).unwrap();
        nll.iter()
            .zip(&weights)
            .map(|(nll, weight)| nll * weight)
            .sum()
    };
    let gradients = gradients(&model, batch, &weights);
    for parameter in model.parameters().all() {
        let found = numbers(&gradients[&parameter.name]);
        for place in (0..found.len()).step_by(3) {
            let slope = slope(&parameter.var, place, 1e-6, &objective);
            let error = (found[place] - slope).abs();
            assert!(
                error < 1e-7,
                "{} {place}: {} {slope}",
                parameter.name,
                found[place]
            );
        }
    }
}

/// All sequences of a small vocabulary: the expected reward's exact gradient is the mean of the policy gradients
/// of the samples, each times its probability.
#[test]
fn the_policy_gradient_is_the_slope_of_the_expected_reward() {
    const VOCABULARY: usize = 3;
    let model = waves(DType::F64, (VOCABULARY, 2, 4));
    let all: Vec<u32> = (0..27u32).flat_map(|k| [k / 9, k / 3 % 3, k % 3]).collect();
    let batch = TokenBatch::new(&all, 3).unwrap();
    let reward = |k: usize| (1.3 * k as f64).sin();
    let probabilities = || -> Vec<f64> {
        let nll = model.nll(batch, 1.0).unwrap();
        nll.chunks(3)
            .map(|nll| (-nll.iter().sum::<f64>()).exp())
            .collect()
    };
    let now = probabilities();
    assert!((now.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // −reward · ∇ ln p is reward · ∇(−ln p) with the sign of an ascent.
    let weights: Vec<f64> = (0..27).flat_map(|k| [-now[k] * reward(k); 3]).collect();
    let gradients = gradients(&model, batch, &weights);
    let objective = || -> f64 {
        let probabilities = probabilities().into_iter().enumerate();
        probabilities.map(|(k, p)| p * reward(k)).sum()
    };
    for parameter in model.parameters().all() {
        for (place, found) in numbers(&gradients[&parameter.name]).iter().enumerate() {
            let slope = slope(&parameter.var, place, 1e-5, &objective);
            assert!(
                (found - slope).abs() < 1e-8,
                "{} {place}: {found} {slope}",
                parameter.name
            );
        }
    }
}
