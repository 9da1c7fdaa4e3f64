//! The layers of a convolutional network.

use super::resampling::Resampling;
use super::window::{Moves, Window, WindowSizes};
use crate::composed::{self, BatchStatistics};
use crate::{Activation, BatchNorm};
use candle_core::{Result, Tensor, Var};
use gan_core::{ImageShape, Mode};

/// x `[n, c, h, w]` → activation(norm(map(x) + bias) + shortcut).
pub struct Layer {
    /// The linear part.
    pub map: LinearMap,
    /// `[channels]`; `None` for a layer without bias.
    pub bias: Option<Var>,
    /// Batch normalization of each channel.
    pub norm: Option<BatchNorm>,
    /// The number of an earlier layer whose output, of the same shape, is added.
    pub shortcut: Option<usize>,
    /// The activation function.
    pub activation: Activation,
}

/// A linear map of images.
pub enum LinearMap {
    /// Cross-correlation, like PyTorch's `Conv2d`: `[n, c, h, w]` → `[n, o, oh, ow]` with
    /// oh = (h + 2 padding − kh) / stride + 1.
    Convolution {
        /// `[o, c / groups, kh, kw]`
        weight: Var,
        /// Pixels from one position of the kernel to the next, at least 1.
        stride: usize,
        /// Rows and columns of zeros around the image.
        padding: usize,
        /// Into how many parts the channels fall, which do not see each other.
        groups: usize,
    },
    /// The adjoint of a convolution, like PyTorch's `ConvTranspose2d`: `[n, c, h, w]` →
    /// `[n, o, oh, ow]` with oh = (h − 1) stride − 2 padding + kh + output_padding.
    TransposedConvolution {
        /// `[c, o / groups, kh, kw]`
        weight: Var,
        /// Output pixels per input pixel, at least 1.
        stride: usize,
        /// Rows and columns removed from each side of the output.
        padding: usize,
        /// Rows and columns added to the output's end; less than `stride`.
        output_padding: usize,
        /// Into how many parts the channels fall, which do not see each other.
        groups: usize,
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
}

/// A layer with all its sizes.
pub(super) struct Plan {
    pub(super) layer: Layer,
    pub(super) sizes: Sizes,
    pub(super) input: ImageShape,
    pub(super) output: ImageShape,
}

/// The sizes of a layer's linear map.
pub(super) enum Sizes {
    Shrinking(Window),
    Enlarging(Window),
    Pooling(Resampling),
    Upsampling(Resampling),
}

impl Layer {
    pub(super) fn parameters(&self) -> Vec<&Var> {
        let norm = self.norm.iter().flat_map(BatchNorm::tensors);
        let parameters = self.map.weight().into_iter().chain(&self.bias);
        parameters.chain(norm).collect()
    }

    pub(super) fn forward(
        &self,
        x: &Tensor,
        shortcut: Option<&Tensor>,
        mode: Mode,
    ) -> Result<Tensor> {
        let mut y = self.map.forward(x)?;
        if let Some(bias) = &self.bias {
            y = y.broadcast_add(&bias.reshape((1, (), 1, 1))?)?;
        }
        if let Some(norm) = &self.norm {
            y = normalized(norm, &y, mode)?;
        }
        if let Some(shortcut) = shortcut {
            y = (y + shortcut)?;
        }
        self.activation.apply(&y)
    }
}

/// Batch normalization of channels: that of vectors, of which every pixel is one.
fn normalized(norm: &BatchNorm, y: &Tensor, mode: Mode) -> Result<Tensor> {
    let (n, c, h, w) = y.dims4()?;
    let rows = y.permute((0, 2, 3, 1))?.reshape((n * h * w, c))?;
    let none = Activation::Identity;
    let rows = match mode {
        Mode::Train => {
            let (weight, bias) = (&norm.weight, &norm.bias);
            let (y, batch) = composed::batch_norm(&rows, weight, bias, norm.eps, none)?;
            norm.track(&batch, rows.dim(0)?)?;
            y
        }
        Mode::Eval => {
            let running = BatchStatistics {
                mean: norm.running_mean.as_detached_tensor(),
                variance: norm.running_variance.as_detached_tensor(),
            };
            let (weight, bias) = (&norm.weight, &norm.bias);
            composed::batch_norm_with(&rows, weight, bias, &running, norm.eps, none)?
        }
    };
    rows.reshape((n, h, w, c))?
        .permute((0, 3, 1, 2))?
        .contiguous()
}

impl LinearMap {
    pub(super) fn weight(&self) -> Option<&Var> {
        match self {
            Self::Convolution { weight, .. } | Self::TransposedConvolution { weight, .. } => {
                Some(weight)
            }
            Self::AveragePooling { .. } | Self::Upsampling { .. } => None,
        }
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Convolution {
                weight,
                stride,
                padding,
                groups,
            } => x.conv2d(weight, *padding, *stride, 1, *groups),
            Self::TransposedConvolution {
                weight,
                stride,
                padding,
                output_padding,
                groups,
            } => composed::conv_transpose2d(x, weight, *stride, *padding, *output_padding, *groups),
            Self::AveragePooling { size } => composed::average_pooling(x, *size),
            Self::Upsampling { factor } => composed::upsampling(x, *factor),
        }
    }
}

impl Plan {
    pub(super) fn new(layer: Layer, input: ImageShape) -> Result<Self> {
        let sizes = Sizes::new(&layer.map, input)?;
        let output = sizes.output();
        if output.elements() == 0 {
            candle_core::bail!("nothing comes out of images {input}");
        }
        let vectors = layer.norm.iter().flat_map(BatchNorm::tensors);
        for vector in layer.bias.iter().chain(vectors) {
            if vector.dims() != [output.channels] {
                let (found, expected) = (vector.dims(), output.channels);
                candle_core::bail!("a vector of shape {found:?}, expected [{expected}]");
            }
        }
        Ok(Self {
            layer,
            sizes,
            input,
            output,
        })
    }
}

impl Sizes {
    fn new(map: &LinearMap, input: ImageShape) -> Result<Self> {
        let ImageShape {
            channels,
            height,
            width,
        } = input;
        match *map {
            LinearMap::Convolution {
                ref weight,
                stride,
                padding,
                groups,
            } => {
                let (features, share, kernel_height, kernel_width) = weight.dims4()?;
                let small = |size: usize, kernel: usize| {
                    let steps = (size + 2 * padding).checked_sub(kernel)?;
                    Some(steps.checked_div(stride)? + 1)
                };
                let window = WindowSizes {
                    channels,
                    height,
                    width,
                    features,
                    small_height: small(height, kernel_height).unwrap_or(0),
                    small_width: small(width, kernel_width).unwrap_or(0),
                    kernel_height,
                    kernel_width,
                    moves: Moves { stride, padding },
                    groups,
                };
                Ok(Self::Shrinking(Window::new(window, share)?))
            }
            LinearMap::TransposedConvolution {
                ref weight,
                stride,
                padding,
                output_padding,
                groups,
            } => {
                let (_, share, kernel_height, kernel_width) = weight.dims4()?;
                let large = |size: usize, kernel: usize| {
                    let whole = (size.max(1) - 1) * stride + kernel + output_padding;
                    whole.saturating_sub(2 * padding)
                };
                if weight.dim(0)? != channels || output_padding >= stride.max(1) {
                    candle_core::bail!(
                        "weight {:?} and output padding {output_padding} at stride {stride} for \
                         images {input}",
                        weight.dims()
                    );
                }
                let window = WindowSizes {
                    channels: share * groups,
                    height: large(height, kernel_height),
                    width: large(width, kernel_width),
                    features: channels,
                    small_height: height,
                    small_width: width,
                    kernel_height,
                    kernel_width,
                    moves: Moves { stride, padding },
                    groups,
                };
                Ok(Self::Enlarging(Window::new(window, share)?))
            }
            LinearMap::AveragePooling { size } => {
                if size == 0 || !height.is_multiple_of(size) || !width.is_multiple_of(size) {
                    candle_core::bail!("squares of {size} pixels in images {input}");
                }
                Ok(Self::Pooling(Resampling {
                    channels,
                    height: height / size,
                    width: width / size,
                    factor: size,
                }))
            }
            LinearMap::Upsampling { factor } => Ok(Self::Upsampling(Resampling {
                channels,
                height,
                width,
                factor,
            })),
        }
    }

    fn output(&self) -> ImageShape {
        let shape = |channels, height, width| ImageShape {
            channels,
            height,
            width,
        };
        match self {
            Self::Shrinking(Window { sizes, .. }) => {
                shape(sizes.features, sizes.small_height, sizes.small_width)
            }
            Self::Enlarging(Window { sizes, .. }) => {
                shape(sizes.channels, sizes.height, sizes.width)
            }
            Self::Pooling(pooling) => shape(pooling.channels, pooling.height, pooling.width),
            Self::Upsampling(Resampling {
                channels,
                height,
                width,
                factor,
            }) => shape(*channels, height * factor, width * factor),
        }
    }
}
