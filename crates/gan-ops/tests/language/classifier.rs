//! The text classifier against the same network of candle's operations, and against finite differences.

use crate::common::{numbers, slope, store, tokens};
use candle_core::{DType, Device, Result, Tensor, Var};
use gan_core::candle_nn::ops::sigmoid;
use gan_core::{Purpose, Seed};
use gan_ops::{FeatureDropout, TextClassifier, TokenBatch};
use std::collections::HashMap;

const VOCABULARY: usize = 13;
const EMBEDDING: usize = 5;
/// (width, filters)
const KERNELS: [(usize, usize); 3] = [(1, 3), (2, 7), (4, 6)];
pub(crate) const FEATURES: usize = 16;

fn classifier(dtype: DType) -> TextClassifier {
    with_representations(dtype, VOCABULARY, EMBEDDING, 1, None)
}

/// One whose tensors are waves, with a hidden layer of so many outputs.
pub(crate) fn with_representations(
    dtype: DType,
    vocabulary: usize,
    embedding: usize,
    representations: usize,
    hidden: Option<usize>,
) -> TextClassifier {
    let mut shapes = vec![("embedding.weight".to_string(), vec![vocabulary, embedding])];
    let share = embedding / representations;
    for (k, (width, filters)) in KERNELS.into_iter().enumerate() {
        shapes.push((
            format!("convolutions.{k}.weight"),
            vec![filters, 1, width, share],
        ));
        shapes.push((format!("convolutions.{k}.bias"), vec![filters]));
    }
    let layers = [
        ("highway.transform", FEATURES, FEATURES),
        ("highway.gate", FEATURES, FEATURES),
    ];
    let last = ("output", 1, hidden.unwrap_or(FEATURES));
    let hidden = hidden.map(|outputs| ("hidden", outputs, FEATURES));
    for (name, outputs, inputs) in layers.into_iter().chain(hidden).chain([last]) {
        shapes.push((format!("{name}.weight"), vec![outputs, inputs]));
        shapes.push((format!("{name}.bias"), vec![outputs]));
    }
    let wave = |k: usize, i: usize| 0.6 * (1.3 * k as f64 + 1.9 * i as f64).sin();
    TextClassifier::new(store(dtype, &shapes, wave)).unwrap()
}

/// The embedded tokens `[n, steps, embedding]` by candle's operations.
pub(crate) fn plain_embedding(
    classifier: &TextClassifier,
    batch: TokenBatch<'_>,
) -> Result<Tensor> {
    let ids = Tensor::new(batch.tokens(), &Device::Cpu)?;
    let x = variables(classifier)["embedding.weight"].index_select(&ids, 0)?;
    x.reshape((batch.len(), batch.steps(), ()))
}

/// The logits by candle's operations. factors `[n, features]`.
fn plain(
    classifier: &TextClassifier,
    batch: TokenBatch<'_>,
    factors: Option<&Tensor>,
) -> Result<Tensor> {
    plain_logits(classifier, &plain_embedding(classifier, batch)?, factors)
}

fn variables(classifier: &TextClassifier) -> HashMap<String, Var> {
    let all = classifier.parameters().all().into_iter();
    all.map(|parameter| (parameter.name, parameter.var))
        .collect()
}

/// The same from x `[n, steps, width]`.
pub(crate) fn plain_logits(
    classifier: &TextClassifier,
    x: &Tensor,
    factors: Option<&Tensor>,
) -> Result<Tensor> {
    let all = variables(classifier);
    let get = |name: &str| all[name].as_tensor();
    let (n, steps, numbers) = x.dims3()?;
    let mut pooled = Vec::new();
    for k in 0..KERNELS.len() {
        // `[n, filters, windows, 1]`
        let weight = get(&format!("convolutions.{k}.weight"));
        let width = weight.dim(2)?;
        let windows = (0..=steps - width).map(|place| {
            let window = x.narrow(1, place, width)?.reshape((n, width * numbers))?;
            window.matmul(&weight.flatten_from(1)?.t()?)
        });
        let windows = Tensor::stack(&windows.collect::<Result<Vec<_>>>()?, 2)?;
        let bias = get(&format!("convolutions.{k}.bias")).reshape((1, (), 1))?;
        let sums = windows.broadcast_add(&bias)?.contiguous()?;
        // The gradient of candle's `max` goes to all windows that are equal, PyTorch's and ours to one.
        let largest = sums.gather(&sums.argmax_keepdim(2)?, 2)?.squeeze(2)?;
        pooled.push(largest.relu()?);
    }
    let pooled = Tensor::cat(&pooled, 1)?;
    let layer = |name: &str, x: &Tensor| {
        let product = x.matmul(&get(&format!("{name}.weight")).t()?)?;
        product.broadcast_add(get(&format!("{name}.bias")))
    };
    let transform = layer("highway.transform", &pooled)?.relu()?;
    let gate = sigmoid(&layer("highway.gate", &pooled)?)?;
    let mut features = ((&gate * transform)? + (gate.affine(-1.0, 1.0)? * pooled)?)?;
    if let Some(factors) = factors {
        features = (features * factors)?;
    }
    if all.contains_key("hidden.weight") {
        features = layer("hidden", &features)?;
    }
    layer("output", &features)?.squeeze(1)
}

fn slopes(n: usize) -> Vec<f64> {
    (0..n).map(|k| (0.7 * k as f64).cos()).collect()
}

fn gradients(
    classifier: &TextClassifier,
    batch: TokenBatch<'_>,
    dropout: Option<FeatureDropout<'_>>,
) -> HashMap<String, Tensor> {
    let mut gradients = HashMap::new();
    let parameters = classifier.parameters().all();
    let pass = classifier.record(batch, dropout).unwrap();
    pass.gradients(&slopes(batch.len()), &mut |parameter, gradient| {
        let known = parameters
            .iter()
            .find(|known| known.var.id() == parameter.id());
        gradients.insert(known.unwrap().name.clone(), gradient.copy()?);
        Ok(())
    })
    .unwrap();
    gradients
}

/// The factors that a dropout with this generator draws.
fn factors(n: usize, share: f64, dtype: DType) -> Tensor {
    let mut rng = Seed(3).rng(Purpose::Dropout, 0);
    let draw = |_| match rand::Rng::random::<f64>(&mut rng) < share {
        true => 0.0,
        false => 1.0 / (1.0 - share),
    };
    let factors: Vec<f64> = (0..n * FEATURES).map(draw).collect();
    let factors = Tensor::from_vec(factors, (n, FEATURES), &Device::Cpu).unwrap();
    factors.to_dtype(dtype).unwrap()
}

#[test]
fn logits_and_gradients_are_those_of_plain_operations() {
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
        for (n, steps, share) in [(1, 4, 0.0), (9, 6, 0.25), (16, 5, 0.5), (35, 4, 0.25)] {
            let classifier = classifier(dtype);
            let tokens = tokens(n, steps, VOCABULARY);
            let batch = TokenBatch::new(&tokens, steps).unwrap();
            let mut rng = Seed(3).rng(Purpose::Dropout, 0);
            let expected = plain(&classifier, batch, Some(&factors(n, share, dtype))).unwrap();
            let found = classifier
                .record(
                    batch,
                    Some(FeatureDropout {
                        share,
                        rng: &mut rng,
                    }),
                )
                .unwrap();
            for (found, expected) in found.logits().iter().zip(numbers(&expected)) {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            let weighted = Tensor::new(&slopes(n)[..], &Device::Cpu)
                .unwrap()
                .to_dtype(dtype)
                .unwrap();
            let plain = (expected * weighted)
                .unwrap()
                .sum_all()
                .unwrap()
                .backward()
                .unwrap();
            rng = Seed(3).rng(Purpose::Dropout, 0);
            let found = gradients(
                &classifier,
                batch,
                Some(FeatureDropout {
                    share,
                    rng: &mut rng,
                }),
            );
            for parameter in classifier.parameters().all() {
                let expected = numbers(plain.get(&parameter.var).unwrap());
                let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
                for (found, expected) in numbers(&found[&parameter.name]).iter().zip(expected) {
                    let near = (found - expected).abs() <= tolerance * scale;
                    assert!(near, "{n} {}: {found} {expected}", parameter.name);
                }
            }
        }
    }
}

#[test]
fn gradients_are_slopes_of_the_logits() {
    let classifier = classifier(DType::F64);
    let tokens = tokens(9, 6, VOCABULARY);
    let batch = TokenBatch::new(&tokens, 6).unwrap();
    let slopes = slopes(9);
    let objective = || -> f64 {
        let logits = classifier.logits(batch).unwrap();
        logits
            .iter()
            .zip(&slopes)
            .map(|(logit, slope)| logit * slope)
            .sum()
    };
    let gradients = gradients(&classifier, batch, None);
    for parameter in classifier.parameters().all() {
        let found = numbers(&gradients[&parameter.name]);
        for place in (0..found.len()).step_by(5) {
            let slope = slope(&parameter.var, place, 1e-7, &objective);
            let error = (found[place] - slope).abs();
            assert!(
                error < 1e-6,
                "{} {place}: {} {slope}",
                parameter.name,
                found[place]
            );
        }
    }
}

#[test]
fn a_logit_does_not_depend_on_the_other_sequences() {
    let classifier = classifier(DType::F32);
    let tokens = tokens(40, 5, VOCABULARY);
    let all = classifier
        .logits(TokenBatch::new(&tokens, 5).unwrap())
        .unwrap();
    for n in [1, 16, 17] {
        let some = TokenBatch::new(&tokens[..n * 5], 5).unwrap();
        assert_eq!(classifier.logits(some).unwrap(), all[..n]);
    }
}

#[test]
fn short_sequences_and_unknown_tokens_are_refused() {
    let classifier = classifier(DType::F32);
    let refused = |tokens: &[u32], steps| {
        let batch = TokenBatch::new(tokens, steps).unwrap();
        classifier.logits(batch).unwrap_err().to_string()
    };
    assert!(
        refused(&[1, 2, 3], 3).contains("sequences of 3 tokens, expected the widest kernel's 4")
    );
    assert!(refused(&[1, 2, 3, 13], 4).contains("token 13 of a vocabulary of 13"));
}
