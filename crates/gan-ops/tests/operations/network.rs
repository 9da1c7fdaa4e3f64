//! Convolutional networks from a list of steps, with weights that are formulas.

use crate::common::{numbers, wave};
use candle_core::{DType, Tensor, Var};
use gan_core::{ImageShape, Recorded};
use gan_ops::{Activation, BatchNorm, ConvNet, Layer, LinearMap};

pub(crate) const LEAKY: Activation = Activation::LeakyRelu { slope: 0.2 };

/// A linear map's kind and numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Map {
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
pub(crate) struct Step {
    pub(crate) map: Map,
    pub(crate) bias: bool,
    pub(crate) normalized: bool,
    pub(crate) shortcut: Option<usize>,
    pub(crate) activation: Activation,
}

impl Step {
    pub(crate) fn new(map: Map, activation: Activation) -> Self {
        Self {
            map,
            bias: true,
            normalized: false,
            shortcut: None,
            activation,
        }
    }
}

pub(crate) const fn convolution(
    outputs: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
) -> Map {
    Map::Convolution {
        outputs,
        kernel: (kernel, kernel),
        stride,
        padding,
        groups: 1,
    }
}

pub(crate) type Parameters = Vec<(String, Var)>;

/// A network and its parameters by name.
pub(crate) fn build(input: ImageShape, steps: &[Step], dtype: DType) -> (ConvNet, Parameters) {
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

pub(crate) fn name_of(parameters: &Parameters, tensor: &Tensor) -> String {
    let found = parameters.iter().find(|(_, var)| var.id() == tensor.id());
    found.unwrap().0.clone()
}

/// What a recorded pass shows, with its directions if there are any.
pub(crate) fn shown(
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

/// Central differences of `objective` by every third value of `var`.
pub(crate) fn check_differences(
    var: &Var,
    gradient: &Tensor,
    name: &str,
    objective: &dyn Fn() -> f64,
) {
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

pub(crate) fn typed(tensor: &Tensor, dtype: DType) -> Tensor {
    tensor.to_dtype(dtype).unwrap()
}

pub(crate) fn inputs(input: ImageShape, sizes: &[usize], dtype: DType) -> Vec<Tensor> {
    let shape = |n: usize| [n, input.channels, input.height, input.width];
    let tensor = |(k, n): (usize, &usize)| typed(&wave(&shape(*n), 0.7 + k as f64), dtype);
    sizes.iter().enumerate().map(tensor).collect()
}

pub(crate) const SQUARE: ImageShape = ImageShape {
    channels: 2,
    height: 6,
    width: 6,
};

/// Downwards with pooling, a shortcut over a grouped convolution, and a head.
pub(crate) fn residual_steps() -> Vec<Step> {
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
