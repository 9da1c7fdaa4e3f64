//! Convolutional networks against their twin on candle's graph.

use crate::common::{assert_close, numbers, wave};
use crate::network::{
    LEAKY, Map, Parameters, SQUARE, Step, build, inputs, residual_steps, shown, typed,
};
use candle_core::{DType, Tensor, Var};
use gan_core::{ImageShape, Mode};
use gan_ops::{Activation, ConvNet, Layer, LinearMap};
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseResult};

/// Values, and gradients of inputs and parameters, against candle's graph.
fn check_twin(
    input: ImageShape,
    steps: &[Step],
    sizes: &[usize],
    dtype: DType,
    tolerance: f64,
) -> TestCaseResult {
    let batches = inputs(input, sizes, dtype);
    let (net, parameters) = build(input, steps, dtype);
    let variables: Vec<Var> = batches
        .iter()
        .map(|x| Var::from_tensor(x).unwrap())
        .collect();
    let expected: Vec<Tensor> = variables
        .iter()
        .map(|x| net.forward(x, Mode::Train).unwrap())
        .collect();
    let upstream: Vec<Tensor> = expected
        .iter()
        .map(|y| typed(&wave(y.dims(), 0.4), dtype))
        .collect();
    let terms = expected.iter().zip(&upstream);
    let objective = terms
        .map(|(y, g)| (y * g).unwrap().sum_all().unwrap())
        .reduce(|a, b| (a + b).unwrap())
        .unwrap();
    let gradients = objective.backward().unwrap();

    let (net, fresh) = build(input, steps, dtype);
    let recorded = net
        .record_images(&batches.iter().collect::<Vec<_>>())
        .unwrap();
    for (b, x) in variables.iter().enumerate() {
        assert_close(&recorded.outputs[b], &expected[b], tolerance, "values")?;
        let gradient = recorded.tape.input_gradient(b, &upstream[b]).unwrap();
        let twin = gradients.get(x).unwrap();
        assert_close(&gradient, twin, 5.0 * tolerance, "input gradient")?;
    }
    for (name, gradient) in shown(&recorded, &upstream, None, &fresh) {
        let var = &parameters.iter().find(|(n, _)| *n == name).unwrap().1;
        assert_close(
            &gradient,
            gradients.get(var).unwrap(),
            20.0 * tolerance,
            &name,
        )?;
    }
    let running = |parameters: &Parameters| -> Vec<Tensor> {
        let all = parameters
            .iter()
            .filter(|(name, _)| name.contains("running"));
        all.map(|(_, var)| var.as_tensor().clone()).collect()
    };
    for (found, twin) in running(&fresh).iter().zip(&running(&parameters)) {
        assert_close(found, twin, tolerance, "running statistics")?;
    }
    for mode in [Mode::Eval, Mode::Train] {
        let twin = net.forward(&batches[0], mode).unwrap();
        assert_close(
            &net.infer(&batches[0], mode).unwrap(),
            &twin,
            tolerance,
            "inference",
        )?;
    }
    Ok(())
}

/// Random single maps. candle's own gradient is right for square images only.
fn maps() -> impl Strategy<Value = (ImageShape, Map)> {
    let sizes = (1usize..9, 1usize..15, 1usize..3, 2usize..7);
    let moves = (1usize..4, 1usize..4, 0usize..3, 0usize..3, any::<bool>());
    (sizes, moves).prop_filter_map(
        "the window has no place",
        |((share, outputs, groups, side), (kernel, stride, padding, extra, transposed))| {
            let input = ImageShape {
                channels: share * groups,
                height: side,
                width: side,
            };
            let (outputs, kernel) = (outputs * groups, (kernel, kernel));
            let map = if transposed {
                let whole = (side - 1) * stride + kernel.0 + extra % stride;
                (whole > 2 * padding).then_some(Map::Transposed {
                    outputs,
                    kernel,
                    stride,
                    padding,
                    output_padding: extra % stride,
                    groups,
                })
            } else {
                (side + 2 * padding >= kernel.0).then_some(Map::Convolution {
                    outputs,
                    kernel,
                    stride,
                    padding,
                    groups,
                })
            };
            map.map(|map| (input, map))
        },
    )
}

/// Squares of pixels that become one pixel, or the reverse, of images that need not be square.
fn resamplings() -> impl Strategy<Value = (ImageShape, Map)> {
    let sizes = (1usize..4, 1usize..5, 1usize..5, 1usize..4, any::<bool>());
    sizes.prop_map(|(channels, height, width, factor, pooling)| {
        let times = if pooling { factor } else { 1 };
        let input = ImageShape {
            channels,
            height: height * times,
            width: width * times,
        };
        let map = if pooling {
            Map::Pooling
        } else {
            Map::Upsampling
        };
        (input, map(factor))
    })
}

/// Values and gradient with respect to the input in plain loops: pixel (y, x) of the larger image belongs to pixel
/// (y / factor, x / factor) of the smaller.
fn check_resampling(input: ImageShape, map: Map, n: usize) -> TestCaseResult {
    let step = Step {
        bias: true,
        ..Step::new(map, Activation::Identity)
    };
    let (net, parameters) = build(input, &[step], DType::F64);
    let x = &inputs(input, &[n], DType::F64)[0];
    let recorded = net.record_images(&[x]).unwrap();
    let upstream = wave(recorded.outputs[0].dims(), 0.4);
    let (pixels, slopes, bias) = (numbers(x), numbers(&upstream), numbers(&parameters[0].1));
    let (factor, share, large) = match map {
        Map::Pooling(size) => (size, 1.0 / (size * size) as f64, input),
        Map::Upsampling(factor) => (factor, 1.0, net.output_shape()),
        _ => unreachable!("maps of squares alone"),
    };
    let area = net.output_shape().elements() / input.channels;
    let mut values: Vec<f64> = (0..slopes.len())
        .map(|k| bias[k / area % input.channels])
        .collect();
    let mut gradient = vec![0.0; pixels.len()];
    for plane in 0..n * input.channels {
        for y in 0..large.height {
            for x in 0..large.width {
                let pixel = (plane * large.height + y) * large.width + x;
                let line = plane * (large.height / factor) + y / factor;
                let square = line * (large.width / factor) + x / factor;
                let (from, to) = match map {
                    Map::Pooling(_) => (pixel, square),
                    _ => (square, pixel),
                };
                values[to] += share * pixels[from];
                gradient[from] += share * slopes[to];
            }
        }
    }
    let like = |values: Vec<f64>, tensor: &Tensor| {
        Tensor::from_vec(values, tensor.shape(), tensor.device()).unwrap()
    };
    let values = like(values, &upstream);
    assert_close(&recorded.outputs[0], &values, 1e-12, "values")?;
    let found = recorded.tape.input_gradient(0, &upstream).unwrap();
    assert_close(&found, &like(gradient, x), 1e-12, "input gradient")
}

/// The same cases in every run.
fn cases() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(96)
    }
}

/// The step without the kink of LeakyReLU, where rounding to f32 decides between two slopes; that the
/// formulas are the same, f64 shows.
fn in_f32(step: Step) -> Step {
    match step.activation {
        Activation::LeakyRelu { .. } => Step {
            activation: Activation::Identity,
            ..step
        },
        _ => step,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn one_layer_equals_its_twin(
        (input, map) in maps(),
        bias in any::<bool>(),
        normalized in any::<bool>(),
        activation in prop::sample::select(vec![Activation::Identity, LEAKY, Activation::Tanh]),
        n in 2usize..70,
    ) {
        let step = Step { bias, normalized, ..Step::new(map, activation) };
        check_twin(input, &[step], &[n, 3], DType::F64, 1e-11)?;
        check_twin(input, &[in_f32(step)], &[n], DType::F32, 1e-3)?;
    }

    #[test]
    fn pooling_and_upsampling_equal_plain_loops_and_their_twins(
        (input, map) in resamplings(),
        normalized in any::<bool>(),
        activation in prop::sample::select(vec![Activation::Identity, LEAKY, Activation::Tanh]),
        n in 2usize..20,
    ) {
        check_resampling(input, map, n)?;
        let step = Step { normalized, ..Step::new(map, activation) };
        check_twin(input, &[step], &[n, 3], DType::F64, 1e-11)?;
        check_twin(input, &[in_f32(step)], &[n], DType::F32, 1e-3)?;
    }
}

fn generator_steps() -> Vec<Step> {
    let transposed = |outputs, kernel: usize, stride, padding| Map::Transposed {
        outputs,
        kernel: (kernel, kernel),
        stride,
        padding,
        output_padding: 0,
        groups: 1,
    };
    let normalized = |map| Step {
        bias: false,
        normalized: true,
        ..Step::new(map, LEAKY)
    };
    vec![
        normalized(transposed(6, 3, 1, 0)),
        Step::new(Map::Upsampling(2), Activation::Identity),
        normalized(transposed(4, 4, 2, 1)),
        Step::new(transposed(2, 3, 1, 1), Activation::Tanh),
    ]
}

#[test]
fn networks_equal_their_twins() {
    let latent = ImageShape {
        channels: 5,
        height: 1,
        width: 1,
    };
    check_twin(SQUARE, &residual_steps(), &[11, 40], DType::F64, 1e-11).unwrap();
    check_twin(SQUARE, &residual_steps(), &[130], DType::F32, 1e-4).unwrap();
    check_twin(latent, &generator_steps(), &[33], DType::F64, 1e-11).unwrap();
    check_twin(latent, &generator_steps(), &[130], DType::F32, 5e-4).unwrap();
}

#[test]
fn layers_that_do_not_fit_are_refused() {
    let build = |steps: Vec<Layer>| ConvNet::new(SQUARE, steps).map(|_| ());
    let weight = |shape: [usize; 4]| Var::from_tensor(&wave(&shape, 0.1)).unwrap();
    let layer = |map| Layer {
        map,
        bias: None,
        norm: None,
        shortcut: None,
        activation: LEAKY,
    };
    let convolution = |shape, stride, groups| LinearMap::Convolution {
        weight: weight(shape),
        stride,
        padding: 0,
        groups,
    };
    let transposed = |shape, padding, output_padding| LinearMap::TransposedConvolution {
        weight: weight(shape),
        stride: 2,
        padding,
        output_padding,
        groups: 1,
    };
    assert!(build(vec![layer(convolution([4, 2, 3, 3], 1, 1))]).is_ok());
    for map in [
        convolution([4, 3, 3, 3], 1, 1),
        convolution([4, 2, 7, 7], 1, 1),
        convolution([4, 2, 3, 3], 0, 1),
        convolution([3, 1, 3, 3], 1, 2),
        convolution([4, 2, 3, 3], 1, 0),
        transposed([3, 4, 3, 3], 0, 0),
        transposed([2, 4, 3, 3], 7, 0),
        transposed([2, 4, 3, 3], 0, 2),
        LinearMap::AveragePooling { size: 4 },
        LinearMap::AveragePooling { size: 0 },
        LinearMap::Upsampling { factor: 0 },
    ] {
        assert!(build(vec![layer(map)]).is_err());
    }
    let wrong = Layer {
        shortcut: Some(0),
        ..layer(convolution([4, 2, 3, 3], 1, 1))
    };
    assert!(build(vec![wrong]).is_err());
    assert!(build(Vec::new()).is_err());
}
