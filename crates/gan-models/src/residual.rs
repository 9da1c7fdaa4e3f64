//! Small residual networks without normalization, of the kind of R3GAN (Huang et al., 2024, arXiv
//! 2501.05441): at every size a bottleneck block with a grouped convolution beside a shortcut, sizes
//! doubled or halved between them. The last layer of each block starts at 0, so that blocks begin as
//! the identity (Zhang et al., 2019, arXiv 1901.09321).
//!
//! 28 by 28 pixels at width w: z → 4w × 7 × 7 → 2w × 14 × 14 → w × 28 × 28 → pixels, and the mirror.

use crate::classes;
use crate::convolutional::{ConvDiscriminator, ConvGeneratorPlan, check_training_device};
use crate::layers::ConvSpec;
use crate::spectral_norm::SpectralNorm;
use candle_core::{Result, Var};
use candle_nn::VarBuilder;
use gan_core::{ImageShape, ParameterStore};
use gan_ops::{Activation, ConvNet, Layer, LinearMap};

const LEAKY_RELU: Activation = Activation::LeakyRelu { slope: 0.2 };

/// Images are halved while their sides are even and longer than this.
const LAST_SIDE: usize = 4;

/// Channels of each group of a grouped convolution.
const GROUP: usize = 8;

/// The widest level has at most this many times the channels of the narrowest.
const MOST_WIDTHS: usize = 8;

/// Channels and sides at every size, the image's own first.
fn levels(image: ImageShape, width: usize) -> Vec<(usize, [usize; 2])> {
    let mut levels = vec![(width, [image.height, image.width])];
    while let Some((channels, sides)) = levels.last().copied()
        && sides
            .iter()
            .all(|side| side.is_multiple_of(2) && *side > LAST_SIDE)
    {
        let channels = (2 * channels).min(MOST_WIDTHS * width);
        levels.push((channels, sides.map(|side| side / 2)));
    }
    levels
}

/// The layers made so far, and the builder of the next ones.
struct LayerStack<'a> {
    layers: Vec<Layer>,
    builder: &'a VarBuilder<'a>,
}

impl LayerStack<'_> {
    fn push(&mut self, map: LinearMap, bias: Option<Var>, activation: Activation) {
        self.layers.push(Layer {
            map,
            bias,
            norm: None,
            shortcut: None,
            activation,
        });
    }

    fn convolution(&mut self, spec: ConvSpec, activation: Activation) -> Result<()> {
        let builder = self.builder.pp(self.layers.len());
        let (map, bias) = (spec.convolution(&builder)?, spec.bias(&builder)?);
        self.push(map, bias, activation);
        Ok(())
    }

    /// x + w₃ · act(w₂ ⋆ act(w₁ · x)), w₂ of 3 by 3 pixels in groups of channels.
    fn block(&mut self, channels: usize) -> Result<()> {
        let shortcut = self.layers.len().checked_sub(1);
        self.convolution(ConvSpec::same(channels, channels, 1), LEAKY_RELU)?;
        let groups = if channels.is_multiple_of(GROUP) {
            channels / GROUP
        } else {
            1
        };
        let grouped = ConvSpec {
            groups,
            ..ConvSpec::same(channels, channels, 3)
        };
        self.convolution(grouped, LEAKY_RELU)?;
        let builder = self.builder.pp(self.layers.len());
        let map = ConvSpec::same(channels, channels, 1).zero_convolution(&builder)?;
        self.layers.push(Layer {
            map,
            bias: None,
            norm: None,
            shortcut,
            activation: Activation::Identity,
        });
        Ok(())
    }
}

/// z with its one-hot class → the smallest level → … → the image.
pub(crate) fn generator(plan: &ConvGeneratorPlan, parameters: &ParameterStore) -> Result<ConvNet> {
    let input = classes::latent_shape(plan.latent_dim, plan.classes);
    let builder = parameters.builder().pp("model");
    let mut stack = LayerStack {
        layers: Vec::new(),
        builder: &builder,
    };
    let levels = levels(plan.image, plan.width);
    for (index, (channels, sides)) in levels.iter().enumerate().rev() {
        match levels.get(index + 1) {
            None => {
                let spec = ConvSpec::whole(input.channels, *channels, *sides);
                let builder = builder.pp(0);
                let map = spec.transposed(&builder)?;
                let bias = spec.transposed_bias(&builder)?;
                stack.push(map, bias, LEAKY_RELU);
            }
            Some((inputs, _)) => {
                let spec = ConvSpec::same(*inputs, *channels, 1);
                stack.convolution(spec, Activation::Identity)?;
                let doubled = LinearMap::Upsampling { factor: 2 };
                stack.push(doubled, None, Activation::Identity);
            }
        }
        stack.block(*channels)?;
    }
    let last = ConvSpec::same(plan.width, plan.image.channels, 3);
    stack.convolution(last, Activation::Tanh)?;
    ConvNet::new(input, stack.layers)
}

/// The image → … → the smallest level → a logit.
pub(crate) fn discriminator(
    image: ImageShape,
    width: usize,
    class_count: Option<usize>,
    parameters: ParameterStore,
) -> Result<ConvDiscriminator> {
    check_training_device(parameters.device())?;
    let builder = parameters.builder().pp("model");
    let mut stack = LayerStack {
        layers: Vec::new(),
        builder: &builder,
    };
    let levels = levels(image, width);
    stack.convolution(ConvSpec::same(image.channels, width, 3), LEAKY_RELU)?;
    for (index, (channels, sides)) in levels.iter().enumerate() {
        stack.block(*channels)?;
        match levels.get(index + 1) {
            Some((outputs, _)) => {
                let halved = LinearMap::AveragePooling { size: 2 };
                stack.push(halved, None, Activation::Identity);
                stack.convolution(ConvSpec::same(*channels, *outputs, 1), LEAKY_RELU)?;
            }
            None => {
                let spec = ConvSpec::whole(*channels, classes::outputs(class_count), *sides);
                stack.convolution(spec, Activation::Identity)?;
            }
        }
    }
    let net = ConvNet::new(image, stack.layers)?;
    let plain = SpectralNorm::default();
    Ok(ConvDiscriminator::new(
        net,
        plain,
        image,
        class_count,
        parameters,
    ))
}
