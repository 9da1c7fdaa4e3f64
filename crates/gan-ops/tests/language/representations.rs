//! The classifier of several representations, of tokens and of soft sequences, against candle's operations and
//! finite differences.

use crate::classifier::{FEATURES, plain_embedding, plain_logits, with_representations};
use crate::common::{numbers, slope, tokens, waves};
use crate::soft;
use candle_core::{DType, Device, Result, Tensor, Var};
use gan_core::{Purpose, Seed};
use gan_ops::{
    FeatureDropout, Generation, LanguageModel, Pool, SoftPass, TextClassifier, TextPass, TokenBatch,
};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;

const VOCABULARY: usize = 70;
const EMBEDDING: usize = 6;
const STEPS: usize = 5;
const BETA: f64 = 1.3;

fn classifier(dtype: DType, representations: usize) -> TextClassifier {
    with_representations(dtype, VOCABULARY, EMBEDDING, representations, Some(9))
}

fn generator(dtype: DType) -> LanguageModel {
    waves(dtype, (VOCABULARY, 5, 7))
}

fn stream(k: usize) -> ChaCha8Rng {
    Seed(6).rng(Purpose::GumbelNoise, k as u64)
}

fn draw<'a>(
    generator: &'a LanguageModel,
    classifier: &TextClassifier,
    count: usize,
) -> SoftPass<'a> {
    let request = Generation {
        count,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    let table = classifier.embedding();
    generator.soften(request, BETA, table, &stream).unwrap()
}

fn slopes(count: usize) -> Vec<f64> {
    (0..count).map(|k| (0.7 * k as f64).cos()).collect()
}

fn gradients(classifier: &TextClassifier, pass: &TextPass<'_>) -> HashMap<String, Tensor> {
    let mut gradients = HashMap::new();
    let parameters = classifier.parameters().all();
    let slopes = slopes(pass.logits().len());
    pass.gradients(&slopes, &mut |parameter, gradient| {
        let known = parameters
            .iter()
            .find(|known| known.var.id() == parameter.id());
        gradients.insert(known.unwrap().name.clone(), gradient.copy()?);
        Ok(())
    })
    .unwrap();
    gradients
}

/// The logits of x `[n, steps, embedding]`, `[n · representations]`, by candle's operations.
fn plain(
    classifier: &TextClassifier,
    x: &Tensor,
    representations: usize,
    factors: &Tensor,
) -> Result<Tensor> {
    let (n, steps, embedding) = x.dims3()?;
    let share = embedding / representations;
    let x = x
        .reshape((n, steps, representations, share))?
        .transpose(1, 2)?
        .contiguous()?
        .reshape((n * representations, steps, share))?;
    plain_logits(classifier, &x, Some(factors))
}

/// The factors that a dropout with this generator draws for so many logits.
fn factors(logits: usize, share: f64, dtype: DType) -> Tensor {
    let mut rng = Seed(3).rng(Purpose::Dropout, 0);
    let draw = |_| match rand::Rng::random::<f64>(&mut rng) < share {
        true => 0.0,
        false => 1.0 / (1.0 - share),
    };
    let factors: Vec<f64> = (0..logits * FEATURES).map(draw).collect();
    let factors = Tensor::from_vec(factors, (logits, FEATURES), &Device::Cpu).unwrap();
    factors.to_dtype(dtype).unwrap()
}

/// y `[n · steps, vocabulary]`: the identity as the table shows it.
fn probabilities(generator: &LanguageModel, count: usize) -> Tensor {
    let dtype = generator.parameters().dtype();
    let identity = Tensor::eye(VOCABULARY, dtype, &Device::Cpu).unwrap();
    let request = Generation {
        count,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    let pass = generator.soften(request, BETA, &identity, &stream).unwrap();
    let seen = pass.embedded().unwrap();
    seen.reshape((count * STEPS, VOCABULARY)).unwrap()
}

#[test]
fn logits_and_gradients_are_those_of_plain_operations() {
    const SHARE: f64 = 0.25;
    for (dtype, tolerance) in [(DType::F64, 1e-11), (DType::F32, 2e-5)] {
        for (n, soft, representations) in
            [(1, 1, 2), (9, 20, 3), (16, 16, 6), (35, 3, 1), (0, 5, 2)]
        {
            let (classifier, generator) = (classifier(dtype, representations), generator(dtype));
            assert_eq!(classifier.representations(), representations);
            let tokens = tokens(n, STEPS, VOCABULARY);
            let batch = TokenBatch::new(&tokens, STEPS).unwrap();
            let drawn = draw(&generator, &classifier, soft);
            let record = || {
                let rng = &mut Seed(3).rng(Purpose::Dropout, 0);
                let dropout = FeatureDropout { share: SHARE, rng };
                classifier
                    .record_with(batch, &drawn, Some(dropout))
                    .unwrap()
            };
            // The soft sequences as a variable, for the gradient with respect to them.
            let table = classifier.parameters().all().remove(0).var;
            let y = probabilities(&generator, soft);
            let seen = y.matmul(&table).unwrap();
            let seen = seen.reshape((soft, STEPS, EMBEDDING)).unwrap();
            let input = Var::from_tensor(&seen.detach()).unwrap();
            let all = factors((n + soft) * representations, SHARE, dtype);
            let logits = |seen: &Tensor| {
                let x = match n {
                    0 => seen.clone(),
                    _ => {
                        let hard = plain_embedding(&classifier, batch).unwrap();
                        Tensor::cat(&[&hard, seen], 0).unwrap()
                    }
                };
                plain(&classifier, &x, representations, &all).unwrap()
            };
            let expected = logits(&seen);
            let found = record();
            assert_eq!(found.logits().len(), (n + soft) * representations);
            for (found, expected) in found.logits().iter().zip(numbers(&expected)) {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            let slopes = slopes(found.logits().len());
            let weights = Tensor::new(&slopes[..], &Device::Cpu).unwrap();
            let weights = weights.to_dtype(dtype).unwrap();
            let backward = |logits: Tensor| {
                let loss = (logits * &weights).unwrap().sum_all().unwrap();
                loss.backward().unwrap()
            };
            let by = backward(expected);
            let found = gradients(&classifier, &record());
            for parameter in classifier.parameters().all() {
                let expected = numbers(by.get(&parameter.var).unwrap());
                let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
                for (found, expected) in numbers(&found[&parameter.name]).iter().zip(expected) {
                    let near = (found - expected).abs() <= tolerance * scale;
                    assert!(near, "{n} {}: {found} {expected}", parameter.name);
                }
            }
            let by = backward(logits(&input));
            let expected = numbers(by.get(&input).unwrap());
            let found = numbers(&record().soft_gradient(&slopes).unwrap());
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected).abs() <= 10.0 * tolerance,
                    "{found} {expected}"
                );
            }
        }
    }
}

#[test]
fn gradients_are_slopes_of_the_logits_in_both_players() {
    let (classifier, generator) = (classifier(DType::F64, 3), generator(DType::F64));
    let tokens = tokens(4, STEPS, VOCABULARY);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let slopes = slopes((4 + 5) * 3);
    let objective = || -> f64 {
        let drawn = draw(&generator, &classifier, 5);
        let pass = classifier.record_with(batch, &drawn, None).unwrap();
        let pairs = pass.logits().iter().zip(&slopes);
        pairs.map(|(logit, slope)| logit * slope).sum()
    };
    let drawn = draw(&generator, &classifier, 5);
    let record = || classifier.record_with(batch, &drawn, None).unwrap();
    let of_classifier = gradients(&classifier, &record());
    let by_embedded = record().soft_gradient(&slopes).unwrap();
    let of_generator = soft::gradients(&generator, drawn, &by_embedded);
    for (parameters, gradients) in [
        (classifier.parameters(), of_classifier),
        (generator.parameters(), of_generator),
    ] {
        for parameter in parameters.all() {
            let found = numbers(&gradients[&parameter.name]);
            for place in (0..found.len()).step_by(11) {
                let slope = slope(&parameter.var, place, 1e-7, &objective);
                let error = (found[place] - slope).abs();
                let name = &parameter.name;
                assert!(error < 1e-6, "{name} {place}: {} {slope}", found[place]);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let run = |threads: usize| {
        let (classifier, generator) = (classifier(DType::F32, 3), generator(DType::F32));
        let tokens = tokens(20, STEPS, VOCABULARY);
        let batch = TokenBatch::new(&tokens, STEPS).unwrap();
        Pool::new(Some(threads)).unwrap().install(|| {
            let drawn = draw(&generator, &classifier, 40);
            let record = || classifier.record_with(batch, &drawn, None).unwrap();
            let input = record().soft_gradient(&slopes(180)).unwrap();
            let mut all: Vec<_> = gradients(&classifier, &record()).into_iter().collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            let all = all.iter().flat_map(|(_, gradient)| numbers(gradient));
            all.chain(numbers(&input)).collect::<Vec<_>>()
        })
    };
    let first = run(1);
    assert_eq!(run(2), first);
    assert_eq!(run(3), first);
}

#[test]
fn what_another_classifier_embedded_is_refused() {
    let (classifier, generator) = (classifier(DType::F32, 3), generator(DType::F32));
    let other = with_representations(DType::F32, VOCABULARY, EMBEDDING, 3, Some(9));
    let drawn = draw(&generator, &other, 5);
    let tokens = tokens(4, STEPS, VOCABULARY);
    let refused = |steps: usize, drawn: &SoftPass<'_>| {
        let batch = TokenBatch::new(&tokens, steps).unwrap();
        let refusal = classifier.record_with(batch, drawn, None).err();
        refusal.unwrap().to_string()
    };
    assert!(refused(STEPS, &drawn).contains("in this classifier's embedding"));
    let own = draw(&generator, &classifier, 5);
    assert!(refused(4, &own).contains("soft sequences of 5 steps, expected 4"));
}
