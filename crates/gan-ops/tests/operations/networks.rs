//! Networks of all operations against their twins on candle's graph.

use crate::common::{assert_close, wave};
use crate::graphs::{all, convolutions, perceptron, residual};
use crate::passes::{batch, batches, labels, recorded, shown, waves_like};
use crate::sketch::Sketch;
use candle_core::{DType, Device, Tensor, Var};
use gan_core::Mode;
use gan_ops::Network;

const DTYPE: DType = DType::F64;

fn close(found: &Tensor, expected: &Tensor, relative: f64, what: &str) {
    if let Err(error) = assert_close(found, expected, relative, what) {
        panic!("{error}");
    }
}

/// Outputs in both modes, and what training leaves in buffers. One batch has the twin's dropout masks too:
/// they are drawn example by example.
pub(crate) fn outputs_equal_the_twins(name: &str, sketch: &Sketch, sizes: &[usize]) {
    for mode in [Mode::Eval, Mode::Train] {
        let network = sketch.clone().network(DTYPE);
        let other = network.copy().unwrap();
        for n in sizes {
            let (x, labels) = (batch(&network, *n, 0.1), labels(*n));
            let found = network.infer(&x, Some(&labels), mode).unwrap();
            let expected = other.forward(&x, Some(&labels), mode).unwrap();
            let what = format!("{name}, {n} in {mode:?}");
            close(&found, &expected, 1e-11, &what);
        }
        let stores = [&network, &other].map(|network| network.parameters().all());
        for (found, expected) in stores[0].iter().zip(&stores[1]) {
            let what = format!("{name}, {}", found.name);
            close(&found.var, &expected.var, 1e-11, &what);
        }
    }
}

/// Whether candle differentiates the same: not through a singular value with constant vectors.
fn has_spectral_weights(network: &Network) -> bool {
    let mut all = network.parameters().all().into_iter();
    all.any(|parameter| parameter.name.ends_with("weight_u"))
}

/// Gradients of Σ output · slope with respect to inputs and parameters, against candle's.
pub(crate) fn gradients_equal_the_twins(
    name: &str,
    sketch: &Sketch,
    sizes: &[usize],
    (dtype, tolerance): (DType, f64),
) {
    let network = sketch.clone().network(dtype);
    let other = network.copy().unwrap();
    let batches = batches(&network, sizes);
    let pass = recorded(&network, &batches);
    let slopes = waves_like(&pass.outputs, 0.7);
    let inputs: Vec<Var> = batches
        .iter()
        .map(|x| Var::from_tensor(x).unwrap())
        .collect();
    let labels = labels(sizes[0]);
    let mut total = Tensor::zeros((), dtype, &Device::Cpu).unwrap();
    for ((x, slope), y) in inputs.iter().zip(&slopes).zip(&pass.outputs) {
        let expected = other.forward(x, Some(&labels), Mode::Train).unwrap();
        let expected = expected.reshape(y.dims()).unwrap();
        close(y, &expected, tolerance, name);
        total = (total + (expected * slope).unwrap().sum_all().unwrap()).unwrap();
    }
    let gradients = total.backward().unwrap();
    for (k, (x, slope)) in inputs.iter().zip(&slopes).enumerate() {
        let found = pass.tape.input_gradient(k, slope).unwrap();
        let expected = gradients.get(x).unwrap();
        let expected = expected.reshape(found.dims()).unwrap();
        let what = format!("{name}, input {k} of {sizes:?}");
        close(&found, &expected, 5.0 * tolerance, &what);
    }
    let twins = other.parameters().trainable();
    for (parameter, found) in shown(&network, &pass, &slopes, None) {
        let twin = twins.iter().find(|twin| twin.name == parameter).unwrap();
        let expected = gradients.get(&twin.var).unwrap();
        let what = format!("{name}, {parameter} of {sizes:?}");
        close(&found, expected, 20.0 * tolerance, &what);
    }
}

#[test]
fn outputs_are_those_of_the_twin() {
    for (name, sketch) in all() {
        outputs_equal_the_twins(name, &sketch, &[2, 7, 8, 16, 17, 33]);
    }
}

#[test]
fn gradients_are_those_of_candles_graph() {
    for (name, sketch) in all() {
        if has_spectral_weights(&sketch.clone().network(DTYPE)) {
            continue;
        }
        for sizes in [&[9][..], &[16], &[33], &[5, 11], &[8, 8, 3], &[17, 17]] {
            // Dropout draws for all batches of a pass, the twin for each; with labels, batches are equal.
            let random = name == "maxout" && sizes.len() > 1;
            let labelled = ["classes", "conditional generator"].contains(&name);
            if !(random || labelled && sizes.iter().any(|n| *n != sizes[0])) {
                gradients_equal_the_twins(name, &sketch, sizes, (DTYPE, 1e-11));
            }
        }
    }
}

/// Sizes at which threads share the work and every kernel runs, with odd edges. In f32 a value near 0 may
/// fall on the other side of a kink, so these have none.
#[test]
fn large_and_odd_batches_equal_their_twins_too() {
    for (name, sketch) in [
        ("perceptron", perceptron()),
        ("convolutions", convolutions()),
        ("residual", residual()),
    ] {
        gradients_equal_the_twins(name, &sketch, &[131, 67], (DTYPE, 1e-10));
    }
    let smooth = Sketch::of(crate::sketch::shape(101, 1, 1))
        .linear(257)
        .bias();
    let smooth = smooth.batch_norm().tanh().linear(131).bias().tanh();
    let smooth = smooth.linear(7).bias();
    gradients_equal_the_twins("smooth", &smooth, &[67, 33], (DTYPE, 1e-10));
    gradients_equal_the_twins("smooth", &smooth, &[67, 33], (DType::F32, 3e-5));
}

/// The same values in the orders in memory that a tensor can have.
fn layouts(x: &Tensor) -> Vec<Tensor> {
    let n = x.dim(0).unwrap();
    let rows = x.flatten_from(1).unwrap();
    let by_feature = rows.t().unwrap().contiguous().unwrap().t().unwrap();
    let padded = Tensor::cat(&[&rows; 3], 1).unwrap();
    let width = rows.dim(1).unwrap();
    let padded = padded.narrow(1, width, width).unwrap();
    let later = Tensor::cat(&[x, x], 0).unwrap().narrow(0, n, n).unwrap();
    let pairs = Tensor::stack(&[&rows, &rows], 2).unwrap();
    let every_second = pairs.narrow(2, 1, 1).unwrap().squeeze(2).unwrap();
    vec![by_feature, padded, later, every_second]
}

#[test]
fn the_order_in_memory_does_not_matter() {
    for (name, sketch) in [("perceptron", perceptron()), ("residual", residual())] {
        let network = sketch.network(DTYPE);
        let x = batch(&network, 19, 0.3);
        let slopes = wave(&[19], 0.4);
        let straight = recorded(&network, std::slice::from_ref(&x));
        let by_input = straight.tape.input_gradient(0, &slopes).unwrap();
        for x in layouts(&x) {
            let pass = recorded(&network, std::slice::from_ref(&x));
            close(&pass.outputs[0], &straight.outputs[0], 0.0, name);
            let slopes = Tensor::cat(&[&slopes, &slopes], 0).unwrap();
            let slopes = slopes.narrow(0, 19, 19).unwrap();
            let found = pass.tape.input_gradient(0, &slopes).unwrap();
            // A gradient has its own batch's shape.
            assert_eq!(found.dims(), x.dims(), "{name}");
            let found = found.reshape(by_input.dims()).unwrap();
            close(&found, &by_input, 0.0, name);
        }
    }
}
