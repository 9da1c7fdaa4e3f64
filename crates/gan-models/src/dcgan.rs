//! Deep convolutional networks that double, or halve, an image's sides layer by layer (Radford et
//! al., 2016, arXiv 1511.06434).
//!
//! 28 by 28 pixels at width w: z → 4w × 4 × 4 → 2w × 7 × 7 → w × 14 × 14 → pixels, and the mirror.

use crate::classes;
use crate::convolutional::{ConvDiscriminator, ConvGenerator, check_training_device};
use crate::layers::{Window, batch_norm};
use crate::registry::DiscriminatorNorm;
use crate::spectral_norm::SpectralNorm;
use candle_core::Result;
use candle_nn::VarBuilder;
use gan_core::{ImageShape, ParameterStore};
use gan_ops::{Activation, ConvNet, Layer, LinearMap};

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.2 };

/// PyTorch's default.
const BATCH_NORM_EPS: f64 = 1e-5;

/// Images are halved until no side is longer than this.
const LAST_SIDE: usize = 4;

/// The widest layer has so many times the channels of the narrowest.
const MOST_WIDTHS: usize = 8;

/// What an image becomes on the way down: channels and sides, the image first.
fn levels(image: ImageShape, width: usize) -> Vec<(usize, [usize; 2])> {
    let mut levels = vec![(image.channels, [image.height, image.width])];
    let mut channels = width;
    while let Some((_, sides)) = levels.last().copied()
        && (levels.len() < 2 || sides.iter().any(|side| *side > LAST_SIDE))
    {
        levels.push((channels, sides.map(|side| side.div_ceil(2))));
        channels = (2 * channels).min(MOST_WIDTHS * width);
    }
    levels
}

/// z, and its class → the smallest level → … → the image.
pub(crate) fn generator(
    latent_dim: usize,
    image: ImageShape,
    width: usize,
    classes: Option<usize>,
    parameters: ParameterStore,
) -> Result<ConvGenerator> {
    let input = classes::latent_shape(latent_dim, classes);
    let levels = levels(image, width);
    let model = parameters.builder().pp("model");
    let mut windows = Vec::new();
    if let Some((channels, sides)) = levels.last() {
        windows.push(Window::whole(input.channels, *channels, *sides));
    }
    for pair in levels.windows(2).rev() {
        let ((outputs, sides), (inputs, _)) = (pair[0], pair[1]);
        windows.push(Window::halving(inputs, outputs, sides));
    }
    let mut layers = Vec::new();
    let last = windows.len() - 1;
    for (index, window) in windows.into_iter().enumerate() {
        let builder = model.pp(index);
        let map = window.transposed(&builder)?;
        layers.push(if index < last {
            Layer {
                map,
                bias: None,
                norm: Some(batch_norm(
                    window.outputs,
                    BATCH_NORM_EPS,
                    &builder.pp("norm"),
                )?),
                shortcut: None,
                activation: LEAKY_RELU,
            }
        } else {
            Layer {
                map,
                bias: window.transposed_bias(&builder)?,
                norm: None,
                shortcut: None,
                activation: Activation::Tanh,
            }
        });
    }
    let net = ConvNet::new(input, layers)?;
    Ok(ConvGenerator::new(net, latent_dim, classes, parameters))
}

/// The image → … → the smallest level → a logit. With batch normalization, as in the paper, all
/// layers but the first and the last have it; with spectral normalization, all have it.
pub(crate) fn discriminator(
    image: ImageShape,
    width: usize,
    classes: Option<usize>,
    norm: DiscriminatorNorm,
    parameters: ParameterStore,
) -> Result<ConvDiscriminator> {
    check_training_device(parameters.device())?;
    let levels = levels(image, width);
    let model = parameters.builder().pp("model");
    let mut layers = Vec::new();
    let mut spectral = SpectralNorm::default();
    let mut convolution = |window: &Window, builder: &VarBuilder<'_>| {
        let mut map = window.convolution(builder)?;
        if norm == DiscriminatorNorm::Spectral
            && let LinearMap::Convolution { weight, .. } = &mut map
        {
            *weight = spectral.add(weight, builder)?;
        }
        candle_core::Result::Ok(map)
    };
    for (index, pair) in levels.windows(2).enumerate() {
        let ((inputs, sides), (outputs, _)) = (pair[0], pair[1]);
        let window = Window::halving(inputs, outputs, sides);
        let builder = model.pp(index);
        let map = convolution(&window, &builder)?;
        let (bias, norm) = if norm == DiscriminatorNorm::Batch && index > 0 {
            let norm = batch_norm(outputs, BATCH_NORM_EPS, &builder.pp("norm"))?;
            (None, Some(norm))
        } else {
            (window.bias(&builder)?, None)
        };
        layers.push(Layer {
            map,
            bias,
            norm,
            shortcut: None,
            activation: LEAKY_RELU,
        });
    }
    if let Some((channels, sides)) = levels.last() {
        let window = Window::whole(*channels, classes::outputs(classes), *sides);
        let builder = model.pp(levels.len() - 1);
        layers.push(Layer {
            map: convolution(&window, &builder)?,
            bias: window.bias(&builder)?,
            norm: None,
            shortcut: None,
            activation: Activation::Identity,
        });
    }
    let net = ConvNet::new(image, layers)?;
    Ok(ConvDiscriminator::new(
        net, spectral, image, classes, parameters,
    ))
}
