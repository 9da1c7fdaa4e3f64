//! The operations of a network and the tensors that each uses.

use super::window::Window;
use crate::{ImageShape, ParameterKind};
use serde::{Deserialize, Serialize};

/// An operation on images `[c, h, w]` of one example; vectors `[c]` are images of one pixel.
///
/// Tensors are named: their values are in a [`ParameterStore`](crate::ParameterStore).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Op {
    /// y = W · x: `[i]` → `[o]`, PyTorch's `nn.Linear` without its bias.
    Linear {
        /// `[o, i]`
        weight: Weight,
        /// o, at least 1.
        outputs: usize,
    },
    /// Cross-correlation, PyTorch's `Conv2d` without its bias: `[c, h, w]` → `[o, h', w']`, see
    /// [`Window::convolved`].
    Convolution {
        /// `[o, c / groups, kernel height, kernel width]`
        weight: Weight,
        /// o, at least 1.
        outputs: usize,
        /// The other sizes.
        window: Window,
    },
    /// The adjoint of a convolution, PyTorch's `ConvTranspose2d` without its bias: `[c, h, w]` →
    /// `[o, h', w']`, see [`Window::transposed`].
    TransposedConvolution {
        /// `[c, o / groups, kernel height, kernel width]`
        weight: Weight,
        /// o, at least 1.
        outputs: usize,
        /// The other sizes.
        window: Window,
    },
    /// Each square of `size` by `size` pixels becomes its mean.
    AveragePooling {
        /// A divisor of height and width.
        size: usize,
    },
    /// Each pixel becomes a square of `factor` by `factor` (nearest neighbour).
    Upsampling {
        /// At least 1.
        factor: usize,
    },
    /// A number for each channel, added to every pixel.
    Bias {
        /// `[c]`
        bias: String,
    },
    /// Batch normalization of each channel (Ioffe & Szegedy, 2015), PyTorch's `BatchNorm2d`:
    /// (x − mean) / √(variance + eps) · weight + bias.
    BatchNorm {
        /// `[c]`
        weight: String,
        /// `[c]`
        bias: String,
        /// The buffer `[c]` of running means.
        running_mean: String,
        /// The buffer `[c]` of running variances.
        running_var: String,
        /// Above 0.
        eps: f64,
        /// The weight of a training batch in the running statistics, from 0 to 1.
        momentum: f64,
    },
    /// x for positive x, else slope · x.
    LeakyRelu {
        /// At least 0, where it is ReLU, and below 1.
        slope: f64,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// scale · x + shift.
    Affine {
        /// Finite, and not 0.
        scale: f64,
        /// Finite.
        shift: f64,
    },
    /// The largest of each `pieces` consecutive channels (Goodfellow et al., 2013, arXiv 1302.4389):
    /// `[c, h, w]` → `[c / pieces, h, w]`.
    Maxout {
        /// A divisor of the channels.
        pieces: usize,
    },
    /// In training sets each value to 0 with probability 1 − kept and divides the others by kept
    /// (Srivastava et al., 2014).
    Dropout {
        /// Above 0, at most 1.
        kept: f64,
        /// The buffer `[]`, one for all of a graph: how many passes have drawn.
        count: String,
    },
    /// The sum of two results of one shape.
    Add,
    /// `[c, h, w]` → `[c · h · w]`, in this order.
    Flatten,
    /// `[c · h · w]` → `[c, h, w]`, in this order.
    Unflatten {
        /// c, at least 1.
        channels: usize,
        /// h, at least 1.
        height: usize,
        /// w, at least 1.
        width: usize,
    },
    /// The example's class as `classes` more channels, one of them 1 and the others 0:
    /// `[c]` → `[c + classes]`.
    AppendClass {
        /// At least 1.
        classes: usize,
    },
    /// The projection discriminator's logit (Miyato & Koyama, 2018, arXiv 1802.05637):
    /// `[1 + classes]` → `[1]`, x₀ + x₁₊class.
    ClassLogit {
        /// At least 1.
        classes: usize,
    },
}

/// The weight of a linear map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weight {
    /// The trained tensor W.
    pub name: String,
    /// With spectral normalization (Miyato et al., 2018, arXiv 1802.05957) the buffer u, whose length is
    /// W's first dimension; the map is then that of W / σ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spectral: Option<String>,
}

impl Weight {
    /// The tensor of this name, without normalization.
    pub fn plain(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            spectral: None,
        }
    }
}

/// A tensor that a graph uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphParameter {
    /// Its name, such as `model.0.weight`.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Whether it is trained.
    pub kind: ParameterKind,
}

impl Op {
    /// What a person calls it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear { .. } => "linear",
            Self::Convolution { .. } => "convolution",
            Self::TransposedConvolution { .. } => "transposed convolution",
            Self::AveragePooling { .. } => "average pooling",
            Self::Upsampling { .. } => "upsampling",
            Self::Bias { .. } => "bias",
            Self::BatchNorm { .. } => "batch norm",
            Self::LeakyRelu { slope: 0.0 } => "ReLU",
            Self::LeakyRelu { .. } => "leaky ReLU",
            Self::Tanh => "tanh",
            Self::Affine { .. } => "affine",
            Self::Maxout { .. } => "maxout",
            Self::Dropout { .. } => "dropout",
            Self::Add => "add",
            Self::Flatten => "flatten",
            Self::Unflatten { .. } => "unflatten",
            Self::AppendClass { .. } => "append class",
            Self::ClassLogit { .. } => "class logit",
        }
    }

    /// The number of classes that it expects of labels, if it uses them.
    pub fn classes(&self) -> Option<usize> {
        match self {
            Self::AppendClass { classes } | Self::ClassLogit { classes } => Some(*classes),
            _ => None,
        }
    }

    /// The name of its count of passes, if it is a dropout.
    pub(super) fn dropout_count(&self) -> Option<&str> {
        match self {
            Self::Dropout { count, .. } => Some(count),
            _ => None,
        }
    }

    /// The names of its tensors, in the order of [`parameters`](Self::parameters).
    pub(super) fn parameter_names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::Linear { weight, .. }
            | Self::Convolution { weight, .. }
            | Self::TransposedConvolution { weight, .. } => {
                [Some(&weight.name), weight.spectral.as_ref(), None, None]
            }
            Self::Bias { bias } => [Some(bias), None, None, None],
            Self::BatchNorm {
                weight,
                bias,
                running_mean,
                running_var,
                ..
            } => [weight, bias, running_mean, running_var].map(Some),
            Self::Dropout { count, .. } => [Some(count), None, None, None],
            _ => [None; 4],
        };
        names.into_iter().flatten().map(String::as_str)
    }

    /// Its tensors, from the shape of its input, which it fits.
    pub(super) fn parameters(&self, input: ImageShape) -> Vec<GraphParameter> {
        use ParameterKind::{Buffer, Trainable};
        let shapes = match self {
            Self::Linear { .. } | Self::Convolution { .. } | Self::TransposedConvolution { .. } => {
                let shape = self.weight_shape(input);
                let first = shape[..1].to_vec();
                vec![(shape, Trainable), (first, Buffer)]
            }
            Self::Dropout { .. } => vec![(Vec::new(), Buffer)],
            _ => [Trainable, Trainable, Buffer, Buffer]
                .map(|kind| (vec![input.channels], kind))
                .to_vec(),
        };
        let named = self.parameter_names().zip(shapes);
        let parameter = |(name, (shape, kind)): (&str, _)| GraphParameter {
            name: name.to_string(),
            shape,
            kind,
        };
        named.map(parameter).collect()
    }

    /// The shape of its weight; of no dimension without one.
    fn weight_shape(&self, input: ImageShape) -> Vec<usize> {
        let channels = input.channels;
        let kernel = |window: &Window, many, share| {
            let [height, width] = window.kernel;
            vec![many, share, height, width]
        };
        match self {
            Self::Linear { outputs, .. } => vec![*outputs, channels],
            Self::Convolution {
                outputs, window, ..
            } => kernel(window, *outputs, channels / window.groups),
            Self::TransposedConvolution {
                outputs, window, ..
            } => kernel(window, channels, outputs / window.groups),
            _ => Vec::new(),
        }
    }

    /// The multiplications, each with an addition, that an example takes.
    pub(super) fn multiply_adds(&self, input: ImageShape, output: ImageShape) -> u64 {
        let pixels = match self {
            Self::Linear { .. } | Self::Convolution { .. } => output.height * output.width,
            Self::TransposedConvolution { .. } => input.height * input.width,
            _ => return 0,
        };
        let weights = self.weight_shape(input);
        let sizes = weights.into_iter().chain([pixels]);
        sizes.fold(1, |product: u64, size| product.saturating_mul(size as u64))
    }
}
