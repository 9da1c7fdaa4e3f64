//! Batch normalization against its formula (Ioffe & Szegedy, 2015), with PyTorch's running statistics.

use crate::common::{numbers, wave};
use crate::sketch::{Sketch, shape};
use candle_core::DType;
use gan_core::{Mode, ParameterStore};

/// eps and momentum of [`Sketch::batch_norm`].
const EPS: f64 = 0.3;
const MOMENTUM: f64 = 0.1;

const CHANNELS: usize = 5;
const PIXELS: usize = 6;

/// A channel's values in a batch `[n, c, pixels]`.
fn channel(values: &[f64], channel: usize) -> Vec<f64> {
    let images = values.chunks_exact(CHANNELS * PIXELS);
    let pixels = images.flat_map(|image| &image[channel * PIXELS..][..PIXELS]);
    pixels.copied().collect()
}

/// Mean and biased variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|value| (value - mean).powi(2));
    (mean, squares.sum::<f64>() / count)
}

fn tensor(store: &ParameterStore, name: &str) -> Vec<f64> {
    let all = store.all();
    let found = all.iter().find(|parameter| parameter.name.ends_with(name));
    numbers(&found.unwrap().var)
}

#[track_caller]
fn assert_near(found: f64, expected: f64) {
    let error = (found - expected).abs();
    assert!(
        error < 1e-13 * expected.abs().max(1.0),
        "{found} {expected}"
    );
}

#[test]
fn training_normalizes_by_the_batch_and_moves_running_statistics() {
    let network = Sketch::of(shape(CHANNELS, 2, 3))
        .batch_norm()
        .network(DType::F64);
    let store = network.parameters();
    let before = ["running_mean", "running_var"].map(|name| tensor(store, name));
    let batches = [
        wave(&[17, CHANNELS, 2, 3], 0.2),
        wave(&[3, CHANNELS, 2, 3], 1.2),
    ];
    let recorded = network.record(&[&batches[0], &batches[1]], None).unwrap();
    let (weight, bias) = (tensor(store, "weight"), tensor(store, "bias"));
    for c in 0..CHANNELS {
        let (mut running_mean, mut running_var) = (before[0][c], before[1][c]);
        for (x, y) in batches.iter().zip(&recorded.outputs) {
            let (x, y) = (channel(&numbers(x), c), channel(&numbers(y), c));
            let (mean, variance) = moments(&x);
            for (x, y) in x.iter().zip(y) {
                let normalized = (x - mean) / (variance + EPS).sqrt();
                assert_near(y, normalized * weight[c] + bias[c]);
            }
            let count = x.len() as f64;
            let unbiased = variance * count / (count - 1.0);
            running_mean += MOMENTUM * (mean - running_mean);
            running_var += MOMENTUM * (unbiased - running_var);
        }
        assert_near(tensor(store, "running_mean")[c], running_mean);
        assert_near(tensor(store, "running_var")[c], running_var);
    }
}

#[test]
fn evaluation_normalizes_by_the_running_statistics_and_leaves_them() {
    let sketch = Sketch::of(shape(CHANNELS, 2, 3)).bias().batch_norm();
    let network = sketch.network(DType::F64);
    let store = network.parameters();
    let of = |name| tensor(store, name);
    let (mean, variance) = (of("running_mean"), of("running_var"));
    let x = wave(&[19, CHANNELS, 2, 3], 0.2);
    let y = numbers(&network.infer(&x, None, Mode::Eval).unwrap());
    let [before, weight, after] = ["0.bias", "1.weight", "1.bias"].map(of);
    for c in 0..CHANNELS {
        let pairs = channel(&numbers(&x), c).into_iter().zip(channel(&y, c));
        for (x, y) in pairs {
            let normalized = (x + before[c] - mean[c]) / (variance[c] + EPS).sqrt();
            assert_near(y, normalized * weight[c] + after[c]);
        }
    }
    assert_eq!([of("running_mean"), of("running_var")], [mean, variance]);
}
