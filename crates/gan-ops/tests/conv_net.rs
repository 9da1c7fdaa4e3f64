//! Convolutional networks against their twin on candle's graph and against finite differences.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use candle_core::{DType, Tensor, Var};
use common::{assert_close, numbers, wave};
use gan_core::{ImageShape, Mode, Recorded};
use gan_ops::{Activation, BatchNorm, ConvNet, Layer, LinearMap};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const LEAKY: Activation = Activation::LeakyRelu { slope: 0.2 };

/// A linear map's kind and numbers.
#[derive(Clone, Copy, Debug)]
enum Map {
    Convolution {
        outputs: usize,
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
        groups: usize,
    },
    Transposed {
        outputs: usize,
        kernel: (usize, usize),
        stride: usize,
        padding: usize,
        output_padding: usize,
        groups: usize,
    },
    Pooling(usize),
    Upsampling(usize),
}

/// A layer of a random network.
#[derive(Clone, Copy, Debug)]
struct Step {
    map: Map,
    bias: bool,
    normalized: bool,
    shortcut: Option<usize>,
    activation: Activation,
}

impl Step {
    fn new(map: Map, activation: Activation) -> Self {
        Self {
            map,
            bias: true,
            normalized: false,
            shortcut: None,
            activation,
        }
    }
}

const fn convolution(outputs: usize, kernel: usize, stride: usize, padding: usize) -> Map {
    Map::Convolution {
        outputs,
        kernel: (kernel, kernel),
        stride,
        padding,
        groups: 1,
    }
}

type Parameters = Vec<(String, Var)>;

/// A network and its parameters by name.
fn build(input: ImageShape, steps: &[Step], dtype: DType) -> (ConvNet, Parameters) {
    let mut parameters = Vec::new();
    let mut layers = Vec::new();
    let mut channels = input.channels;
    for (k, step) in steps.iter().enumerate() {
        let phase = 10.0 * k as f64;
        let mut var = |name: &str, tensor: Tensor| {
            let var = Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap();
            parameters.push((format!("{k}.{name}"), var.clone()));
            var
        };
        let mut weight = |shape: [usize; 4], fan_in: usize| {
            var(
                "weight",
                (wave(&shape, phase) / (fan_in as f64).sqrt()).unwrap(),
            )
        };
        let map = match step.map {
            Map::Convolution {
                outputs,
                kernel: (kh, kw),
                stride,
                padding,
                groups,
            } => {
                let share = channels / groups;
                channels = outputs;
                LinearMap::Convolution {
                    weight: weight([outputs, share, kh, kw], share * kh * kw),
                    stride,
                    padding,
                    groups,
                }
            }
            Map::Transposed {
                outputs,
                kernel: (kh, kw),
                stride,
                padding,
                output_padding,
                groups,
            } => {
                let shape = [channels, outputs / groups, kh, kw];
                let fan_in = (channels / groups * kh * kw).div_ceil(stride * stride);
                channels = outputs;
                LinearMap::TransposedConvolution {
                    weight: weight(shape, fan_in),
                    stride,
                    padding,
                    output_padding,
                    groups,
                }
            }
            Map::Pooling(size) => LinearMap::AveragePooling { size },
            Map::Upsampling(factor) => LinearMap::Upsampling { factor },
        };
        let positive = |phase: f64| (wave(&[channels], phase).abs().unwrap() + 0.5).unwrap();
        layers.push(Layer {
            map,
            bias: step
                .bias
                .then(|| var("bias", wave(&[channels], phase + 1.0))),
            norm: step.normalized.then(|| BatchNorm {
                weight: var("norm.weight", wave(&[channels], phase + 2.0)),
                bias: var("norm.bias", wave(&[channels], phase + 3.0)),
                running_mean: var("running_mean", wave(&[channels], phase + 4.0)),
                running_variance: var("running_variance", positive(phase + 5.0)),
                eps: 0.1,
                momentum: 0.1,
            }),
            shortcut: step.shortcut,
            activation: step.activation,
        });
    }
    (ConvNet::new(input, layers).unwrap(), parameters)
}

fn name_of(parameters: &Parameters, tensor: &Tensor) -> String {
    let found = parameters.iter().find(|(_, var)| var.id() == tensor.id());
    found.unwrap().0.clone()
}

/// What a recorded pass shows, with its directions if there are any.
fn shown(
    recorded: &Recorded,
    upstream: &[Tensor],
    directions: Option<&[Tensor]>,
    parameters: &Parameters,
) -> Vec<(String, Tensor)> {
    let mut found = Vec::new();
    let mut show = |parameter: &Tensor, gradient: &Tensor| {
        found.push((name_of(parameters, parameter), gradient.copy()?));
        Ok(())
    };
    let tape = &recorded.tape;
    match directions {
        None => tape.parameter_gradients(upstream, &mut show),
        Some(directions) => tape.penalized_parameter_gradients(upstream, directions, &mut show),
    }
    .unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn typed(tensor: &Tensor, dtype: DType) -> Tensor {
    tensor.to_dtype(dtype).unwrap()
}

fn inputs(input: ImageShape, sizes: &[usize], dtype: DType) -> Vec<Tensor> {
    let shape = |n: usize| [n, input.channels, input.height, input.width];
    let tensor = |(k, n): (usize, &usize)| typed(&wave(&shape(*n), 0.7 + k as f64), dtype);
    sizes.iter().enumerate().map(tensor).collect()
}

/// Values, and gradients by inputs and parameters, against candle's graph.
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
    let sizes = (1usize..4, 1usize..4, 1usize..3, 2usize..7);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn one_layer_equals_its_twin(
        (input, map) in maps(),
        bias in any::<bool>(),
        normalized in any::<bool>(),
        activation in prop::sample::select(vec![Activation::Identity, LEAKY, Activation::Tanh]),
        n in 2usize..20,
    ) {
        let step = Step { bias, normalized, ..Step::new(map, activation) };
        check_twin(input, &[step], &[n, 3], DType::F64, 1e-11)?;
        check_twin(input, &[step], &[n], DType::F32, 2e-4)?;
    }
}

const SQUARE: ImageShape = ImageShape {
    channels: 2,
    height: 6,
    width: 6,
};

/// Downwards with pooling, a shortcut over a grouped convolution, and a head.
fn residual_steps() -> Vec<Step> {
    vec![
        Step::new(convolution(4, 3, 1, 1), LEAKY),
        Step::new(Map::Pooling(2), Activation::Identity),
        Step::new(convolution(4, 1, 1, 0), LEAKY),
        Step {
            bias: false,
            ..Step::new(
                Map::Convolution {
                    outputs: 4,
                    kernel: (3, 3),
                    stride: 1,
                    padding: 1,
                    groups: 2,
                },
                LEAKY,
            )
        },
        Step {
            shortcut: Some(1),
            ..Step::new(convolution(4, 1, 1, 0), Activation::Identity)
        },
        Step {
            shortcut: Some(4),
            ..Step::new(convolution(4, 3, 1, 1), LEAKY)
        },
        Step::new(convolution(3, 3, 1, 0), Activation::Identity),
    ]
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

/// Central differences of `objective` by every third value of `var`.
fn check_differences(var: &Var, gradient: &Tensor, name: &str, objective: &dyn Fn() -> f64) {
    const STEP: f64 = 1e-6;
    let values = numbers(var);
    let expected = numbers(gradient);
    for index in (0..values.len()).step_by(3) {
        let at = |shift: f64| {
            let mut moved = values.clone();
            moved[index] += shift;
            let moved = Tensor::from_vec(moved, var.shape(), var.device()).unwrap();
            var.set(&moved).unwrap();
            objective()
        };
        let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
        at(0.0);
        let error = (difference - expected[index]).abs();
        assert!(
            error <= 1e-5 * (1.0 + difference.abs()),
            "{name}[{index}]: {} against {difference}",
            expected[index]
        );
    }
}

/// What is scaled from the gradient by the logits equals what goes all the way back.
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
        let refused =
            recorded
                .tape
                .penalized_parameter_gradients(&slopes, &[x.clone()], &mut |_, _| Ok(()));
        assert!(refused.unwrap_err().to_string().contains("penalty"));
    }
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
