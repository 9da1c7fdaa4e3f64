//! Maximum likelihood as PyTorch does it, and the likelihood of NumPy's program (`tests/golden/make_text.py` states
//! the formulas, `text.json` beside it the figures).

use crate::common::{NAMES, model};
use crate::splitmix::u;
use candle_core::{DType, Tensor, Var};
use gan_ops::{AdamStep, LanguageModel, TokenBatch, adam_step};
use serde_json::Value;
use std::collections::HashMap;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../tests/golden/text.json")).unwrap()
}

/// One step of Adam as in PyTorch; returns the mean −ln p.
fn step(
    model: &LanguageModel,
    moments: &mut HashMap<String, (Var, Var)>,
    tokens: &[u32],
    number: u64,
) -> f64 {
    let batch = TokenBatch::new(tokens, 12).unwrap();
    let weights = vec![1.0 / tokens.len() as f64; tokens.len()];
    let settings = AdamStep {
        lr: 0.01,
        beta1: 0.9,
        beta2: 0.999,
        eps: 1e-8,
        step: number,
    };
    let parameters = model.parameters().all();
    let nll = model
        .nll_gradients(batch, &weights, &mut |parameter, gradient| {
            let found = parameters
                .iter()
                .find(|known| known.var.id() == parameter.id());
            let known = found.unwrap();
            let zero = || Var::from_tensor(&gradient.zeros_like().unwrap()).unwrap();
            let (m, v) = moments
                .entry(known.name.clone())
                .or_insert_with(|| (zero(), zero()));
            adam_step(&known.var, gradient, m, v, &settings).map(|_| ())
        })
        .unwrap();
    nll.iter().sum::<f64>() / nll.len() as f64
}

#[test]
fn fifty_steps_of_adam_are_those_of_pytorch() {
    const VOCABULARY: usize = 200;
    let golden = &golden()["lstm"];
    let root = 32f64.sqrt();
    let initial = |k: usize, i: usize| {
        // Rounded to f32, as the reference program does.
        f64::from(((2.0 * u(3000 + k as u64, i as u64) - 1.0) / root) as f32)
    };
    let model = model(DType::F64, (VOCABULARY, 32, 32), 0, initial);
    let mut moments = HashMap::new();
    for (s, expected) in golden["losses"].as_array().unwrap().iter().enumerate() {
        let token = |i| (u(4000 + s as u64, i) * VOCABULARY as f64) as u32;
        let tokens: Vec<u32> = (0..16 * 12).map(token).collect();
        let loss = step(&model, &mut moments, &tokens, s as u64 + 1);
        let expected = expected.as_f64().unwrap();
        assert!(
            (loss - expected).abs() <= 1e-9,
            "step {s}: {loss} {expected}"
        );
    }
    for parameter in model.parameters().all() {
        let after = &golden["after"][&parameter.name];
        let norm = |tensor: &Tensor| -> f64 {
            tensor
                .sqr()
                .unwrap()
                .sum_all()
                .unwrap()
                .to_scalar::<f64>()
                .unwrap()
                .sqrt()
        };
        let found = norm(&parameter.var);
        let expected = after["l2"].as_f64().unwrap();
        assert!(
            (found - expected).abs() <= 1e-8,
            "{}: {found} {expected}",
            parameter.name
        );
    }
}

/// The reference program's tensors, number `i` of the `k`th in the order of its file, as those of PyTorch.
fn oracle(width: usize, vocabulary: usize, value: impl Fn(usize, usize) -> f64) -> LanguageModel {
    // The file has the gates i, f, o and the candidate g, weights from rows; PyTorch has i, f, g, o, from columns.
    const GATE: [usize; 4] = [0, 1, 3, 2];
    let gate = |row: usize, part: usize| 1 + 3 * GATE[row / width] + part;
    model(
        DType::F64,
        (vocabulary, width, width),
        0,
        |k, i| match NAMES[k] {
            "embedding.weight" => value(0, i),
            "lstm.weight_ih_l0" | "lstm.weight_hh_l0" => {
                let (row, column) = (i / width, i % width);
                value(gate(row, k - 1), column * width + row % width)
            }
            "lstm.bias_ih_l0" => value(gate(i, 2), i % width),
            "lstm.bias_hh_l0" => 0.0,
            "output.weight" => value(13, i % width * vocabulary + i / width),
            _ => value(14, i),
        },
    )
}

#[test]
fn the_likelihood_under_an_oracle_is_that_of_numpy() {
    const VOCABULARY: usize = 500;
    let model = oracle(16, VOCABULARY, |k, i| {
        let uniforms = (0..12).map(|j| u(8000 + k as u64, 12 * i as u64 + j));
        uniforms.sum::<f64>() - 6.0
    });
    let golden = golden();
    let expected = golden["formula_oracle"]["nll"].as_array().unwrap();
    let token = |s: u64, t| (u(5000 + s, t) * VOCABULARY as f64) as u32;
    let tokens: Vec<u32> = (0..16)
        .flat_map(|s| (0..12).map(move |t| token(s, t)))
        .collect();
    let batch = TokenBatch::new(&tokens, 12).unwrap();
    let nll = model.nll(batch, 1.0).unwrap();
    for (nll, expected) in nll.chunks(12).zip(expected) {
        let found = nll.iter().sum::<f64>() / 12.0;
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= 1e-9, "{found} {expected}");
    }
}
