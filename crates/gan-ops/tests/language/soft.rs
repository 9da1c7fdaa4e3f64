//! Soft sequences against the same of candle's operations, finite differences and the tokens that are drawn.

use crate::common::{numbers, slope, waves};
use crate::gradients::plain_logits;
use candle_core::{DType, Device, IndexOp, Result, Tensor};
use gan_core::candle_nn::ops::softmax;
use gan_core::{Purpose, Seed};
use gan_ops::{Generation, LanguageModel, Pool, SoftPass, TokenBatch};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::RngCore;
use std::collections::HashMap;

/// More tokens than the noise is drawn for at once.
const SIZES: (usize, usize, usize) = (70, 5, 7);
const WIDTH: usize = 6;
const BETA: f64 = 1.7;

const ALL: Generation<'_> = Generation {
    count: 0,
    steps: 4,
    prefixes: None,
    alpha: 1.2,
    never: &[3, 69],
    end: Some(5),
};

fn stream(k: usize) -> ChaCha8Rng {
    Seed(5).rng(Purpose::GumbelNoise, k as u64)
}

fn table(dtype: DType, rows: usize) -> Tensor {
    let numbers = (0..rows * WIDTH).map(|i| (0.9 * i as f64).sin());
    let table = Tensor::from_iter(numbers, &Device::Cpu).unwrap();
    table
        .reshape((rows, WIDTH))
        .unwrap()
        .to_dtype(dtype)
        .unwrap()
}

/// The slopes of Σ slope · embedded.
fn slopes(n: usize, dtype: DType) -> Tensor {
    let numbers = (0..n * ALL.steps * WIDTH).map(|i| (1.1 * i as f64).cos());
    let slopes = Tensor::from_iter(numbers, &Device::Cpu).unwrap();
    let slopes = slopes.reshape((n, ALL.steps, WIDTH)).unwrap();
    slopes.to_dtype(dtype).unwrap()
}

/// The noise of each step, `[n, steps, vocabulary]`: by the formula, from words that come in blocks of 64.
fn noise(n: usize, steps: usize, vocabulary: usize) -> Tensor {
    let mut all = Vec::new();
    for sequence in 0..n {
        let mut stream = stream(sequence);
        for _ in 0..steps {
            let words: Vec<u32> = (0..vocabulary.div_ceil(64) * 64)
                .map(|_| stream.next_u32())
                .collect();
            let u = |word: u32| (f64::from(word) + 0.5) / 2f64.powi(32);
            all.extend(words[..vocabulary].iter().map(|w| -(-u(*w).ln()).ln()));
        }
    }
    Tensor::from_vec(all, (n, steps, vocabulary), &Device::Cpu).unwrap()
}

/// α · logits + noise where it may be drawn, `[n, steps, vocabulary]`, by candle's operations, given the tokens.
fn plain_sums(model: &LanguageModel, tokens: &[u32], request: &Generation<'_>) -> Result<Tensor> {
    let batch = TokenBatch::new(tokens, request.steps)?;
    let dtype = model.parameters().dtype();
    let noise = noise(batch.len(), request.steps, model.vocabulary()).to_dtype(dtype)?;
    let sums = ((plain_logits(model, batch)? * request.alpha)? + noise)?;
    let mut never = vec![0.0; model.vocabulary()];
    for token in request.never {
        never[*token as usize] = -1e30;
    }
    sums.broadcast_add(&Tensor::new(never, &Device::Cpu)?.to_dtype(dtype)?)
}

/// Whether each step comes after its sequence's end, `[n, steps]`.
fn is_over(tokens: &[u32], request: &Generation<'_>) -> Vec<bool> {
    let over = tokens.chunks(request.steps).flat_map(|sequence| {
        let end = sequence
            .iter()
            .position(|token| Some(*token) == request.end);
        (0..request.steps).map(move |step| end.is_some_and(|end| step > end))
    });
    over.collect()
}

/// What a table shows of them by candle's operations.
fn plain_embedded(
    model: &LanguageModel,
    tokens: &[u32],
    request: &Generation<'_>,
    table: &Tensor,
) -> Result<Tensor> {
    let y = softmax(&(plain_sums(model, tokens, request)? * BETA)?, 2)?;
    let (n, steps, vocabulary) = y.dims3()?;
    let x = y
        .reshape((n * steps, vocabulary))?
        .matmul(table)?
        .reshape((n, steps, ()))?;
    let over: Vec<u8> = is_over(tokens, request)
        .iter()
        .map(|over| u8::from(*over))
        .collect();
    let over = Tensor::new(over, &Device::Cpu)?.reshape((n, steps, 1))?;
    let ends = table.i(request.end.unwrap() as usize)?;
    over.broadcast_as(x.shape())?
        .where_cond(&ends.broadcast_as(x.shape())?, &x)
}

pub(crate) fn gradients(
    model: &LanguageModel,
    pass: SoftPass<'_>,
    by_embedded: &Tensor,
) -> HashMap<String, Tensor> {
    let mut gradients = HashMap::new();
    let parameters = model.parameters().all();
    pass.gradients(by_embedded, &mut |parameter, gradient| {
        let known = parameters
            .iter()
            .find(|known| known.var.id() == parameter.id());
        gradients.insert(known.unwrap().name.clone(), gradient.copy()?);
        Ok(())
    })
    .unwrap();
    gradients
}

#[test]
fn soft_sequences_and_their_gradients_are_those_of_plain_operations() {
    for (dtype, tolerance) in [(DType::F64, 1e-11), (DType::F32, 2e-5)] {
        for count in [1, 8, 17, 37] {
            let model = waves(dtype, SIZES);
            let table = table(dtype, SIZES.0);
            let request = Generation { count, ..ALL };
            let pass = model.soften(request, BETA, &table, &stream).unwrap();
            let tokens = pass.tokens().to_vec();
            let sums = plain_sums(&model, &tokens, &request).unwrap();
            let largest = numbers(&sums.argmax(2).unwrap());
            for ((token, largest), over) in
                tokens.iter().zip(largest).zip(is_over(&tokens, &request))
            {
                let expected = if over { 5.0 } else { largest };
                assert_eq!(f64::from(*token), expected);
            }
            let y = softmax(&(sums * BETA).unwrap(), 2).unwrap();
            let mosts = numbers(&y.max(2).unwrap());
            for ((found, most), over) in pass
                .largest()
                .iter()
                .zip(mosts)
                .zip(is_over(&tokens, &request))
            {
                assert!((found - if over { 1.0 } else { most }).abs() < tolerance);
            }
            let expected = plain_embedded(&model, &tokens, &request, &table).unwrap();
            let found = numbers(&pass.embedded().unwrap());
            for (found, expected) in found.iter().zip(numbers(&expected)) {
                assert!((found - expected).abs() <= tolerance, "{found} {expected}");
            }
            let slopes = slopes(count, dtype);
            let loss = (expected * &slopes).unwrap().sum_all().unwrap();
            let plain = loss.backward().unwrap();
            let gradients = gradients(&model, pass, &slopes);
            assert_eq!(gradients.len(), 7);
            for parameter in model.parameters().all() {
                let expected = numbers(plain.get(&parameter.var).unwrap());
                let scale = expected.iter().fold(1.0, |most: f64, x| most.max(x.abs()));
                for (found, expected) in numbers(&gradients[&parameter.name]).iter().zip(expected) {
                    assert!(
                        (found - expected).abs() <= tolerance * scale,
                        "{count} {}: {found} {expected}",
                        parameter.name
                    );
                }
            }
        }
    }
}

#[test]
fn gradients_are_slopes_of_what_is_seen() {
    let model = waves(DType::F64, SIZES);
    let table = table(DType::F64, SIZES.0);
    let request = Generation { count: 9, ..ALL };
    let slopes = slopes(9, DType::F64);
    let draw = || model.soften(request, BETA, &table, &stream).unwrap();
    let objective = || -> f64 {
        let seen = numbers(&draw().embedded().unwrap());
        let pairs = seen.iter().zip(numbers(&slopes));
        pairs.map(|(seen, slope)| seen * slope).sum()
    };
    let gradients = gradients(&model, draw(), &slopes);
    for parameter in model.parameters().all() {
        let found = numbers(&gradients[&parameter.name]);
        for place in (0..found.len()).step_by(7) {
            let slope = slope(&parameter.var, place, 1e-6, &objective);
            let error = (found[place] - slope).abs();
            let name = &parameter.name;
            assert!(error < 1e-7, "{name} {place}: {} {slope}", found[place]);
        }
    }
}

#[test]
fn tokens_are_as_frequent_as_they_are_probable() {
    const N: usize = 40_000;
    let model = waves(DType::F32, (4, 5, 6));
    let request = Generation {
        count: N,
        steps: 2,
        never: &[],
        end: None,
        ..ALL
    };
    let table = table(DType::F32, 4);
    let pass = model.soften(request, BETA, &table, &stream).unwrap();
    let pairs: Vec<u32> = (0..16).flat_map(|k| [k / 4, k % 4]).collect();
    let nll = model
        .nll(TokenBatch::new(&pairs, 2).unwrap(), request.alpha)
        .unwrap();
    for (pair, nll) in pairs.chunks(2).zip(nll.chunks(2)) {
        let p = (-nll[0] - nll[1]).exp();
        let drawn = pass.tokens().chunks(2).filter(|drawn| *drawn == pair);
        let share = drawn.count() as f64 / N as f64;
        // Five standard deviations.
        let bound = 5.0 * (p * (1.0 - p) / N as f64).sqrt();
        assert!((share - p).abs() < bound, "{pair:?}: {share} {p}");
    }
}

#[test]
fn a_large_beta_shows_the_rows_of_the_tokens() {
    let model = waves(DType::F64, SIZES);
    let table = table(DType::F64, SIZES.0);
    let request = Generation { count: 20, ..ALL };
    let pass = model.soften(request, 1e6, &table, &stream).unwrap();
    assert!(pass.largest().iter().all(|y| *y > 0.999));
    let ids = Tensor::new(pass.tokens(), &Device::Cpu).unwrap();
    let expected = numbers(&table.index_select(&ids, 0).unwrap());
    for (found, expected) in numbers(&pass.embedded().unwrap()).iter().zip(expected) {
        assert!((found - expected).abs() < 1e-2, "{found} {expected}");
    }
}

#[test]
fn neither_threads_nor_other_sequences_change_a_bit() {
    let table = table(DType::F32, SIZES.0);
    let run = |threads: usize, count: usize| {
        let model = waves(DType::F32, SIZES);
        let request = Generation { count, ..ALL };
        Pool::new(Some(threads)).unwrap().install(|| {
            let pass = model.soften(request, BETA, &table, &stream).unwrap();
            let seen = numbers(&pass.embedded().unwrap());
            let gradients = gradients(&model, pass, &slopes(count, DType::F32));
            let mut gradients: Vec<_> = gradients.into_iter().collect();
            gradients.sort_by(|a, b| a.0.cmp(&b.0));
            let all: Vec<_> = gradients.iter().flat_map(|(_, g)| numbers(g)).collect();
            (seen, all)
        })
    };
    let first = run(1, 50);
    for threads in [2, 3] {
        assert_eq!(run(threads, 50), first);
    }
    let some = run(1, 17).0;
    assert_eq!(some, first.0[..some.len()]);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let model = waves(DType::F32, SIZES);
    let refused = |request: Generation<'_>, table: &Tensor| {
        let refusal = model.soften(request, BETA, table, &stream).err();
        refusal.unwrap().to_string()
    };
    let fits = table(DType::F32, SIZES.0);
    let never = Generation {
        never: &[70],
        ..ALL
    };
    assert!(refused(never, &fits).contains("token 70 of a vocabulary of 70"));
    let prefixes = Generation {
        count: 1,
        prefixes: Some(TokenBatch::new(&[1], 1).unwrap()),
        ..ALL
    };
    assert!(refused(prefixes, &fits).contains("not with prefixes"));
    for other in [table(DType::F32, 69), table(DType::F64, 70)] {
        assert!(refused(ALL, &other).contains("expected 70 rows of F32"));
    }
    let pass = model
        .soften(Generation { count: 2, ..ALL }, BETA, &fits, &stream)
        .unwrap();
    let wrong = pass.gradients(&slopes(3, DType::F32), &mut |_, _| Ok(()));
    assert!(wrong.unwrap_err().to_string().contains("[2, 4, 6]"));
}
