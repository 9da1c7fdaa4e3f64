//! Kinks, infinities and what is no number: never hidden, and kept to their own example.

use crate::common::numbers;
use crate::graphs::all;
use crate::passes::{batch, labels, recorded};
use crate::sketch::{Sketch, shape, window};
use candle_core::{DType, Device, Tensor};
use gan_core::{Mode, Op};
use gan_ops::Network;

const CPU: Device = Device::Cpu;

/// Linear with weights of one value.
fn equal_weights(inputs: usize, outputs: usize, weight: f32) -> Network {
    let network = Sketch::of(shape(inputs, 1, 1))
        .linear(outputs)
        .network(DType::F32);
    let weights = Tensor::full(weight, (outputs, inputs), &CPU).unwrap();
    network.parameters().set("0.weight", &weights).unwrap();
    network
}

#[test]
fn the_slope_of_leaky_relu_at_zero_is_the_left_one() {
    let network = Sketch::of(shape(1, 1, 1)).leaky_relu().network(DType::F64);
    let x = candle_core::Var::new(&[[0f64]], &CPU).unwrap();
    let one = Tensor::new(&[1f64], &CPU).unwrap();
    let recorded = network.record_logits(&[&x], None).unwrap();
    let fused = recorded.tape.input_gradient(0, &one).unwrap();
    let y = network.forward(&x, None, Mode::Train).unwrap();
    let gradients = y.backward().unwrap();
    for slope in [&fused, gradients.get(&x).unwrap()] {
        assert_eq!(numbers(slope), [0.2]);
    }
}

#[test]
fn infinities_come_out_of_activations_as_they_should() {
    // Enough examples and features for vector kernels and their edges.
    let (n, i, o) = (19, 3, 21);
    for op in [Op::LeakyRelu { slope: 0.2 }, Op::Tanh] {
        let end = if op == Op::Tanh { 1.0 } else { f64::INFINITY };
        let network = Sketch::of(shape(i, 1, 1))
            .linear(o)
            .then(op)
            .network(DType::F32);
        let ones = Tensor::ones((o, i), DType::F32, &CPU).unwrap();
        network.parameters().set("0.weight", &ones).unwrap();
        let mut values = vec![0.5f32; n * i];
        (values[3], values[6], values[9]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let x = Tensor::from_vec(values, (n, i), &CPU).unwrap();
        let y = numbers(&network.infer(&x, None, Mode::Eval).unwrap());
        for (example, row) in y.chunks_exact(o).enumerate() {
            assert!(row.iter().all(|value| match example {
                1 => value.is_nan(),
                2 => *value == end,
                3 => *value == -end,
                _ => value.is_finite(),
            }));
        }
    }
}

/// Every value of an input reaches some output, through each kind of operation.
#[test]
fn what_is_no_number_comes_out_and_stays_in_its_own_example() {
    let single = [
        ("maxout", Sketch::of(shape(6, 2, 2)).maxout(3)),
        ("leaky ReLU", Sketch::of(shape(6, 2, 2)).leaky_relu()),
        ("tanh", Sketch::of(shape(6, 2, 2)).tanh()),
        (
            "ReLU",
            Sketch::of(shape(6, 2, 2)).then(Op::LeakyRelu { slope: 0.0 }),
        ),
        ("batch norm", Sketch::of(shape(6, 2, 2)).batch_norm()),
        ("dropout", Sketch::of(shape(6, 2, 2)).dropout(0.5)),
        (
            "pooling",
            Sketch::of(shape(6, 2, 2)).then(Op::AveragePooling { size: 2 }),
        ),
        (
            "upsampling",
            Sketch::of(shape(6, 2, 2)).then(Op::Upsampling { factor: 2 }),
        ),
        ("flatten", Sketch::of(shape(6, 2, 2)).flatten().bias()),
    ];
    for (name, sketch) in all().into_iter().chain(single) {
        for dtype in [DType::F32, DType::F64] {
            let network = sketch.clone().network(dtype);
            let (n, elements) = (19, network.graph().input().elements());
            let x = batch(&network, n, 0.3);
            for place in [0, elements / 2, elements - 1] {
                let mut values = numbers(&x);
                values[5 * elements + place] = f64::NAN;
                let x = Tensor::from_vec(values, x.dims(), &CPU).unwrap();
                let x = x.to_dtype(dtype).unwrap();
                let y = network.infer(&x, Some(&labels(n)), Mode::Eval).unwrap();
                let y = numbers(&y);
                for (example, row) in y.chunks_exact(y.len() / n).enumerate() {
                    let seen = row.iter().any(|value| value.is_nan());
                    assert_eq!(seen, example == 5, "{name}, {place} of {example}");
                }
            }
        }
    }
}

/// A batch with one is no number as a whole, in the channels that see it.
#[test]
fn batch_norm_in_training_shows_what_is_no_number_in_all_examples() {
    let network = Sketch::of(shape(2, 1, 3)).batch_norm().network(DType::F32);
    let mut values: Vec<f32> = (0..20 * 6).map(|k| k as f32).collect();
    values[18 * 6 + 4] = f32::NAN;
    let x = Tensor::from_vec(values, (20, 2, 1, 3), &CPU).unwrap();
    let recorded = recorded(&network, std::slice::from_ref(&x));
    for (place, value) in numbers(&recorded.outputs[0]).into_iter().enumerate() {
        assert_eq!(value.is_nan(), place / 3 % 2 == 1, "{place}");
    }
    for parameter in network.parameters().all() {
        if parameter.name.contains("running") {
            let of_channels = numbers(&parameter.var);
            assert!(of_channels[0].is_finite() && of_channels[1].is_nan());
        }
    }
}

/// A weight that is no number reaches all that it is multiplied with.
#[test]
fn weights_that_are_no_numbers_come_out() {
    let images = Sketch::of(shape(3, 4, 4)).convolution(9, window(3, 1, 1, 1));
    let vectors = Sketch::of(shape(48, 1, 1)).linear(9);
    for bad in [f64::NAN, f64::INFINITY] {
        for sketch in [&images, &vectors] {
            let network = sketch.clone().network(DType::F32);
            let all = network.parameters().all();
            let mut values = numbers(&all[0].var);
            let row = values.len() / 9;
            values[4 * row + 1] = bad;
            let weight = Tensor::from_vec(values, all[0].var.dims(), &CPU).unwrap();
            let weight = weight.to_dtype(DType::F32).unwrap();
            network.parameters().set("0.weight", &weight).unwrap();
            let y = network.infer(&batch(&network, 17, 0.3), None, Mode::Eval);
            let y = numbers(&y.unwrap());
            let channel = y.len() / 17 / 9;
            for (place, values) in y.chunks_exact(channel).enumerate() {
                let finite = values.iter().all(|value| value.is_finite());
                assert_eq!(finite, place % 9 != 4);
            }
        }
    }
}

#[test]
fn a_nan_in_the_gradient_reaches_the_weights_and_stays_in_its_example() {
    let network = equal_weights(3, 4, 1.0);
    let x = Tensor::ones((5, 3), DType::F32, &CPU).unwrap();
    let recorded = network.record(&[&x], None).unwrap();
    let mut upstream = vec![1f32; 20];
    upstream[8] = f32::NAN;
    let upstream = Tensor::from_vec(upstream, (5, 4, 1, 1), &CPU).unwrap();
    let dx = numbers(&recorded.tape.input_gradient(0, &upstream).unwrap());
    for (example, row) in dx.chunks_exact(3).enumerate() {
        assert!(row.iter().all(|value| value.is_nan() == (example == 2)));
    }
    let mut seen = 0;
    let mut show = |_: &Tensor, gradient: &Tensor| {
        // Feature 0 of example 2 is NaN: row 0 of the weights.
        for (place, value) in numbers(gradient).into_iter().enumerate() {
            assert_eq!(value.is_nan(), place < 3);
        }
        seen += 1;
        Ok(())
    };
    let tape = &recorded.tape;
    tape.parameter_gradients(&[upstream], &mut show).unwrap();
    assert_eq!(seen, 1);
}

/// Of pieces of which one is no number, the unit is none, wherever it stands.
#[test]
fn maxout_of_what_is_no_number_is_none() {
    let network = Sketch::of(shape(3, 1, 1)).maxout(3).network(DType::F32);
    for place in 0..3 {
        let mut pieces = [f32::INFINITY, 1.0, f32::NEG_INFINITY];
        pieces[place] = f32::NAN;
        let x = Tensor::new(&[pieces], &CPU).unwrap();
        let y = network.infer(&x, None, Mode::Eval).unwrap();
        assert!(numbers(&y)[0].is_nan(), "{place}");
    }
    let x = Tensor::new(&[[f32::NEG_INFINITY; 3], [1.0, f32::INFINITY, 2.0]], &CPU).unwrap();
    let y = network.infer(&x, None, Mode::Eval).unwrap();
    assert_eq!(numbers(&y), [f64::NEG_INFINITY, f64::INFINITY]);
}

/// Of equal pieces the first gets the gradient.
#[test]
fn the_first_of_equal_pieces_counts() {
    let network = Sketch::of(shape(3, 1, 1)).maxout(3).network(DType::F64);
    let x = Tensor::new(&[[1f64, 2.0, 2.0], [0.0, 0.0, 0.0]], &CPU).unwrap();
    let recorded = network.record_logits(&[&x], None).unwrap();
    let ones = Tensor::new(&[1f64, 1.0], &CPU).unwrap();
    let gradient = recorded.tape.input_gradient(0, &ones).unwrap();
    assert_eq!(numbers(&gradient), [0.0, 1.0, 0.0, 1.0, 0.0, 0.0]);
}
