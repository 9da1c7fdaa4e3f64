//! Deep convolutional networks that double, or halve, an image's sides layer by layer (Radford et
//! al., 2016, arXiv 1511.06434).
//!
//! 28 by 28 pixels at width w: z → 4w × 4 × 4 → 2w × 7 × 7 → w × 14 × 14 → pixels, and the mirror.

use crate::DiscriminatorNorm;
use crate::classes;
use crate::convolutional::{ConvDiscriminator, ConvGeneratorPlan, check_training_device};
use crate::layers::{ConvSpec, batch_norm};
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

/// The widest layer has at most this many times the channels of the narrowest.
const MOST_WIDTHS: usize = 8;

/// Channels and sides at every size, with the image's own sides first.
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

/// z with its one-hot class → the smallest level → … → the image.
pub(crate) fn generator(plan: &ConvGeneratorPlan, parameters: &ParameterStore) -> Result<ConvNet> {
    let input = classes::latent_shape(plan.latent_dim, plan.classes);
    let levels = levels(plan.image, plan.width);
    let model = parameters.builder().pp("model");
    let mut specs = Vec::new();
    if let Some((channels, sides)) = levels.last() {
        specs.push(ConvSpec::whole(input.channels, *channels, *sides));
    }
    for pair in levels.windows(2).rev() {
        let ((outputs, sides), (inputs, _)) = (pair[0], pair[1]);
        specs.push(ConvSpec::halving(inputs, outputs, sides));
    }
    let mut layers = Vec::new();
    let last = specs.len() - 1;
    for (index, spec) in specs.into_iter().enumerate() {
        let builder = model.pp(index);
        let map = spec.transposed(&builder)?;
        layers.push(if index < last {
            Layer {
                map,
                bias: None,
                norm: Some(batch_norm(
                    spec.outputs,
                    BATCH_NORM_EPS,
                    parameters,
                    &builder.pp("norm"),
                )?),
                shortcut: None,
                activation: LEAKY_RELU,
            }
        } else {
            Layer {
                map,
                bias: spec.transposed_bias(&builder)?,
                norm: None,
                shortcut: None,
                activation: Activation::Tanh,
            }
        });
    }
    ConvNet::new(input, layers)
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
    let mut convolution = |spec: &ConvSpec, builder: &VarBuilder<'_>| {
        let mut map = spec.convolution(builder)?;
        if norm == DiscriminatorNorm::Spectral
            && let LinearMap::Convolution { weight, .. } = &mut map
        {
            *weight = spectral.add(weight, &parameters, builder)?;
        }
        candle_core::Result::Ok(map)
    };
    for (index, pair) in levels.windows(2).enumerate() {
        let ((inputs, sides), (outputs, _)) = (pair[0], pair[1]);
        let spec = ConvSpec::halving(inputs, outputs, sides);
        let builder = model.pp(index);
        let map = convolution(&spec, &builder)?;
        let (bias, norm) = if norm == DiscriminatorNorm::Batch && index > 0 {
            let builder = builder.pp("norm");
            let norm = batch_norm(outputs, BATCH_NORM_EPS, &parameters, &builder)?;
            (None, Some(norm))
        } else {
            (spec.bias(&builder)?, None)
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
        let spec = ConvSpec::whole(*channels, classes::outputs(classes), *sides);
        let builder = model.pp(levels.len() - 1);
        layers.push(Layer {
            map: convolution(&spec, &builder)?,
            bias: spec.bias(&builder)?,
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
