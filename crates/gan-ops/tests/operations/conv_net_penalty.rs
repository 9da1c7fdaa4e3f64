//! Logits of convolutional networks, their gradients, and the gradients of those.

use crate::common::{assert_close, numbers, wave};
use crate::network::{
    LEAKY, Map, SQUARE, Step, build, check_differences, convolution, inputs, residual_steps, shown,
};
use candle_core::{DType, Tensor};
use gan_core::ImageShape;
use gan_ops::{Activation, ConvNet};

/// Σ over batches of weighted logits and of the directional derivatives of their sums.
fn penalized_objective(
    net: &ConvNet,
    batches: &[Tensor],
    readouts: &[Tensor],
    slopes: &[Tensor],
    directions: &[Tensor],
) -> f64 {
    let recorded = net
        .record_logits(&batches.iter().collect::<Vec<_>>(), readouts)
        .unwrap();
    let mut sum = 0.0;
    for (b, logits) in recorded.outputs.iter().enumerate() {
        let ones = logits.ones_like().unwrap();
        let gradient = recorded.tape.input_gradient(b, &ones).unwrap();
        sum += numbers(&(logits * &slopes[b]).unwrap()).iter().sum::<f64>();
        sum += numbers(&(gradient * &directions[b]).unwrap())
            .iter()
            .sum::<f64>();
    }
    sum
}

/// Gradients of gradients of logits, on images that are not square and a network with shortcuts,
/// strides, groups, pooling and transposed convolution.
#[test]
fn penalized_gradients_equal_finite_differences() {
    let input = ImageShape {
        channels: 2,
        height: 6,
        width: 8,
    };
    let mut steps = residual_steps();
    steps.truncate(6);
    steps.push(Step::new(
        Map::Transposed {
            outputs: 4,
            kernel: (2, 3),
            stride: 2,
            padding: 1,
            output_padding: 1,
            groups: 2,
        },
        LEAKY,
    ));
    steps.push(Step::new(
        Map::Convolution {
            outputs: 3,
            kernel: (3, 2),
            stride: 2,
            padding: 1,
            groups: 1,
        },
        LEAKY,
    ));
    let (net, parameters) = build(input, &steps, DType::F64);
    let batches = inputs(input, &[9, 4], DType::F64);
    let outputs = net.output_shape();
    let of = |shape: &dyn Fn(usize) -> Vec<usize>, phase: f64| -> Vec<Tensor> {
        let tensor = |x: &Tensor| wave(&shape(x.dim(0).unwrap()), phase);
        batches.iter().map(tensor).collect()
    };
    let readouts = of(&|n| vec![n, outputs.elements()], 0.2);
    let slopes = of(&|n| vec![n], 0.5);
    let directions = of(&|n| vec![n, input.channels, input.height, input.width], 0.9);
    let recorded = net
        .record_logits(&batches.iter().collect::<Vec<_>>(), &readouts)
        .unwrap();
    let found = shown(&recorded, &slopes, Some(&directions), &parameters);
    assert_eq!(found.len(), parameters.len());
    for (name, gradient) in found {
        let var = &parameters.iter().find(|(n, _)| *n == name).unwrap().1;
        check_differences(var, &gradient, &name, &|| {
            penalized_objective(&net, &batches, &readouts, &slopes, &directions)
        });
    }
}

/// Gradients scaled from those of the logits equal a whole backward pass.
#[test]
fn logits_know_their_gradients() {
    let (net, parameters) = build(SQUARE, &residual_steps(), DType::F64);
    let batches = inputs(SQUARE, &[10, 3], DType::F64);
    let elements = net.output_shape().elements();
    let readouts: Vec<Tensor> = batches
        .iter()
        .map(|x| wave(&[x.dim(0).unwrap(), elements], 0.2))
        .collect();
    let slopes: Vec<Tensor> = batches
        .iter()
        .map(|x| wave(&[x.dim(0).unwrap()], 0.5))
        .collect();
    let both: Vec<&Tensor> = batches.iter().collect();
    let logits = net.record_logits(&both, &readouts).unwrap();
    let images = net.record_images(&both).unwrap();
    let upstream: Vec<Tensor> = (0..2)
        .map(|b| {
            let by_output = readouts[b].broadcast_mul(&slopes[b].unsqueeze(1).unwrap());
            by_output
                .unwrap()
                .reshape(images.outputs[b].shape())
                .unwrap()
        })
        .collect();
    for b in 0..2 {
        let found = logits.tape.input_gradient(b, &slopes[b]).unwrap();
        let expected = images.tape.input_gradient(b, &upstream[b]).unwrap();
        assert_close(&found, &expected, 1e-12, "input").unwrap();
    }
    let found = shown(&logits, &slopes, None, &parameters);
    let expected = shown(&images, &upstream, None, &parameters);
    for ((name, found), (_, expected)) in found.iter().zip(&expected) {
        assert_close(found, expected, 1e-12, name).unwrap();
    }
}

#[test]
fn a_penalty_is_refused_where_examples_see_each_other_or_activations_bend() {
    let normalized = Step {
        normalized: true,
        ..Step::new(convolution(1, 6, 1, 0), LEAKY)
    };
    let bent = Step::new(convolution(1, 6, 1, 0), Activation::Tanh);
    for step in [normalized, bent] {
        let (net, _) = build(SQUARE, &[step], DType::F64);
        let x = &inputs(SQUARE, &[4], DType::F64)[0];
        let readout = wave(&[4, 1], 0.2);
        let recorded = net.record_logits(&[x], &[readout]).unwrap();
        let slopes = [wave(&[4], 0.1)];
        let refused = recorded.tape.penalized_parameter_gradients(
            &slopes,
            std::slice::from_ref(x),
            &mut |_, _| Ok(()),
        );
        assert!(refused.unwrap_err().to_string().contains("penalty"));
    }
}
