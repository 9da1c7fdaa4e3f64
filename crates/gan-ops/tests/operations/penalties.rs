//! The gradients of gradient penalties: of gradients of logits.

use crate::common::{assert_close, numbers, wave};
use crate::differences::check_parameters;
use crate::graphs::{discriminators, residual};
use crate::passes::{batches, recorded, shown, waves_like};
use crate::plain::Plain;
use crate::sketch::{Sketch, shape, window};
use candle_core::{DType, Tensor};
use gan_core::{Op, Window};
use gan_ops::Network;

/// Σ over batches of weighted logits and of the directional derivatives of their sums.
fn objective(
    network: &Network,
    batches: &[Tensor],
    slopes: &[Tensor],
    directions: &[Tensor],
) -> f64 {
    let pass = recorded(network, batches);
    let product = |a: &Tensor, b: &Tensor| -> f64 {
        let (a, b) = (numbers(a), numbers(b));
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    };
    let mut sum = 0.0;
    for (k, logits) in pass.outputs.iter().enumerate() {
        let ones = logits.ones_like().unwrap();
        let gradient = pass.tape.input_gradient(k, &ones).unwrap();
        sum += product(logits, &slopes[k]) + product(&gradient, &directions[k]);
    }
    sum
}

fn check(name: &str, sketch: &Sketch, sizes: &[usize]) {
    let network = sketch.clone().network(DType::F64);
    assert!(network.has_second_derivatives());
    let plain = Plain::of(sketch, &network);
    let batches = batches(&network, sizes);
    let pass = recorded(&network, &batches);
    let slopes = waves_like(&pass.outputs, 0.7);
    let directions = waves_like(&batches, 1.2);
    let gradients = shown(&network, &pass, &slopes, Some(&directions));
    let what = format!("{name} of {sizes:?}");
    check_parameters(&network, &gradients, &what, &|network| {
        objective(plain.like(network), &batches, &slopes, &directions)
    });
}

#[test]
fn penalized_gradients_equal_finite_differences() {
    let mut checked = 0;
    for (name, sketch) in discriminators() {
        if sketch.clone().network(DType::F64).has_second_derivatives() {
            for sizes in [&[1][..], &[6, 6], &[17]] {
                check(name, &sketch, sizes);
            }
            checked += 1;
        }
    }
    // All but the normalized one.
    assert_eq!(checked, discriminators().len() - 1);
    check("residual", &residual(), &[9, 4]);
}

/// Images that are not square, and all linear maps of images.
#[test]
fn penalized_gradients_of_odd_windows_equal_finite_differences() {
    let input = shape(2, 4, 6);
    let transposed = Window {
        kernel: [2, 3],
        stride: 2,
        padding: 1,
        output_padding: 1,
        groups: 2,
    };
    let convolution = Window {
        kernel: [3, 2],
        ..window(2, 2, 1, 1)
    };
    let first = Sketch::of(input).convolution(4, window(3, 1, 1, 1)).bias();
    let large = first.leaky_relu().then(Op::Upsampling { factor: 2 });
    let small = large.bias().maxout(2).then(Op::AveragePooling { size: 2 });
    let earlier = small.last;
    let sum = small.transposed(4, transposed).bias().leaky_relu();
    let sum = sum.convolution(2, convolution).bias();
    // Another way from an earlier result, to the same shape.
    let width = Window {
        kernel: [1, 2],
        ..window(1, 1, 1, 1)
    };
    let cut = Window {
        kernel: [1, 3],
        ..window(1, 1, 0, 1)
    };
    let end = sum.last;
    let other = sum.from(earlier).convolution(2, width);
    let other = other.convolution(2, window(3, 1, 0, 1));
    let right = other.last;
    let left = other.from(end).convolution(2, cut);
    let last = left.last;
    let logit = left.sum(last, right).leaky_relu().flatten().linear(1);
    check("odd windows", &logit, &[9, 4]);
}

/// Gradients scaled from those of the logits equal a whole backward pass.
#[test]
fn logits_know_their_gradients() {
    for (name, sketch) in discriminators() {
        let [network, other] = [(); 2].map(|()| sketch.clone().network(DType::F64));
        let batches = batches(&network, &[10, 10]);
        let inputs: Vec<&Tensor> = batches.iter().collect();
        let logits = recorded(&network, &batches);
        let labels = crate::passes::labels(10);
        let images = other.record(&inputs, Some(&labels)).unwrap();
        let slopes = waves_like(&logits.outputs, 0.5);
        let like = |slope: &Tensor| slope.reshape((10, 1, 1, 1)).unwrap();
        let upstream: Vec<Tensor> = slopes.iter().map(like).collect();
        for k in 0..2 {
            let found = logits.tape.input_gradient(k, &slopes[k]).unwrap();
            let expected = images.tape.input_gradient(k, &upstream[k]).unwrap();
            assert_close(&found, &expected, 1e-12, name).unwrap();
        }
        let found = shown(&network, &logits, &slopes, None);
        let expected = shown(&other, &images, &upstream, None);
        for ((parameter, found), (_, expected)) in found.iter().zip(&expected) {
            assert_close(found, expected, 1e-12, parameter).unwrap();
        }
    }
}

#[test]
fn a_penalty_is_refused_where_examples_see_each_other_or_activations_bend() {
    let logit = || Sketch::of(shape(3, 1, 1)).linear(1).bias();
    for sketch in [logit().batch_norm(), logit().tanh()] {
        let network = sketch.network(DType::F64);
        assert!(!network.has_second_derivatives());
        let x = wave(&[4, 3], 0.3);
        let pass = network.record_logits(&[&x], None).unwrap();
        assert_refused(&*pass.tape, &x, &[4]);
    }
    // Of images, not of logits.
    let network = logit().network(DType::F64);
    let x = wave(&[4, 3], 0.3);
    let pass = network.record(&[&x], None).unwrap();
    assert_refused(&*pass.tape, &x, &[4, 1, 1, 1]);
}

fn assert_refused(tape: &dyn gan_core::Tape, x: &Tensor, slopes: &[usize]) {
    let slopes = [wave(slopes, 0.1)];
    let mut ignore = |_: &Tensor, _: &Tensor| Ok(());
    let directions = std::slice::from_ref(x);
    let refused = tape.penalized_parameter_gradients(&slopes, directions, &mut ignore);
    let error = refused.unwrap_err().to_string();
    for part in ["penalty", "batch normalization", "piecewise linear"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn directions_that_do_not_fit_are_refused() {
    let network = residual().network(DType::F64);
    let batches = batches(&network, &[3, 2]);
    let pass = recorded(&network, &batches);
    let slopes = waves_like(&pass.outputs, 0.1);
    let mut ignore = |_: &Tensor, _: &Tensor| Ok(());
    let turned = [batches[1].clone(), batches[0].clone()];
    for directions in [&batches[..1], &slopes, &turned] {
        let refused = pass
            .tape
            .penalized_parameter_gradients(&slopes, directions, &mut ignore);
        assert!(refused.is_err());
    }
}
