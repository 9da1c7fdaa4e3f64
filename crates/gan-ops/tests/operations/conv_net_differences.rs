//! Convolutional networks that make images, against finite differences: batch normalization, pooling
//! and upsampling of images that are not square.

use crate::common::{assert_close, numbers, wave};
use crate::network::{LEAKY, Map, Step, build, check_differences, convolution, inputs, shown};
use candle_core::{DType, Tensor, Var};
use gan_core::{ImageShape, Mode};
use gan_ops::{Activation, ConvNet};

const WIDE: ImageShape = ImageShape {
    channels: 2,
    height: 4,
    width: 6,
};

/// Σ output · slope over all batches.
fn objective(net: &ConvNet, batches: &[Var], slopes: &[Tensor]) -> f64 {
    let batches: Vec<&Tensor> = batches.iter().map(Var::as_tensor).collect();
    let outputs = net.record_images(&batches).unwrap().outputs;
    let pairs = outputs.iter().zip(slopes);
    pairs
        .map(|(y, g)| numbers(&(y * g).unwrap()).iter().sum::<f64>())
        .sum()
}

fn check(steps: &[Step]) {
    let (net, parameters) = build(WIDE, steps, DType::F64);
    let batches = inputs(WIDE, &[5, 3], DType::F64);
    let batches: Vec<Var> = batches
        .iter()
        .map(|x| Var::from_tensor(x).unwrap())
        .collect();
    let recorded = net
        .record_images(&batches.iter().map(Var::as_tensor).collect::<Vec<_>>())
        .unwrap();
    for (output, x) in recorded.outputs.iter().zip(&batches) {
        let twin = net.forward(x, Mode::Train).unwrap();
        assert_close(output, &twin, 1e-11, "values").unwrap();
    }
    let slopes = recorded.outputs.iter();
    let slopes: Vec<Tensor> = slopes.map(|y| wave(y.dims(), 0.4)).collect();
    let gradients = (0..batches.len()).map(|b| recorded.tape.input_gradient(b, &slopes[b]));
    let gradients: Vec<Tensor> = gradients.map(|gradient| gradient.unwrap()).collect();
    let found = shown(&recorded, &slopes, None, &parameters);
    let moved = || objective(&net, &batches, &slopes);
    for (b, (x, gradient)) in batches.iter().zip(&gradients).enumerate() {
        check_differences(x, gradient, &format!("{steps:?}: batch {b}"), &moved);
    }
    assert!(!found.is_empty());
    for (name, gradient) in &found {
        let var = &parameters.iter().find(|(n, _)| n == name).unwrap().1;
        check_differences(var, gradient, &format!("{steps:?}: {name}"), &moved);
    }
}

fn normalized(map: Map, activation: Activation) -> Step {
    Step {
        normalized: true,
        ..Step::new(map, activation)
    }
}

#[test]
fn gradients_of_single_layers_equal_finite_differences() {
    for map in [
        Map::Pooling(2),
        Map::Upsampling(2),
        Map::Upsampling(3),
        convolution(3, 3, 2, 1),
    ] {
        check(&[Step::new(map, Activation::Tanh)]);
        check(&[normalized(map, Activation::Identity)]);
        check(&[normalized(map, LEAKY)]);
    }
}

#[test]
fn gradients_of_a_network_with_all_of_them_equal_finite_differences() {
    check(&[
        normalized(convolution(3, 3, 1, 1), LEAKY),
        normalized(Map::Upsampling(2), Activation::Tanh),
        Step::new(convolution(4, 3, 1, 1), LEAKY),
        normalized(Map::Pooling(2), Activation::Identity),
        Step {
            shortcut: Some(0),
            ..normalized(convolution(3, 1, 1, 0), Activation::Tanh)
        },
    ]);
}
