//! The tutorial's multilayer perceptrons: a generator with batch normalization, a plain discriminator.

use crate::builder::Builder;
use candle_core::Result;
use gan_core::{ImageShape, Op};

const LEAKY_RELU: Op = Op::LeakyRelu { slope: 0.2 };

/// What follows a generator's linear hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hidden {
    /// Leaky ReLU, after batch normalization in all layers but the first.
    Tutorial,
    /// ReLU only.
    Rectifiers,
}

impl Hidden {
    fn activation(self) -> Op {
        match self {
            Self::Tutorial => LEAKY_RELU,
            Self::Rectifiers => Op::LeakyRelu { slope: 0.0 },
        }
    }
}

/// The tutorial writes `BatchNorm1d(n, 0.8)`, whose second argument is eps, not momentum.
const BATCH_NORM_EPS: f64 = 0.8;

/// Widths of the tutorial's generator's hidden layers; the first has no batch normalization.
pub(crate) const GENERATOR_WIDTHS: [usize; 4] = [128, 256, 512, 1024];

/// Widths of the tutorial's discriminator's hidden layers.
pub(crate) const DISCRIMINATOR_WIDTHS: [usize; 2] = [512, 256];

/// z → 128 → 256 → 512 → 1024 → pixels; widths: of the hidden layers, at least one.
pub(crate) fn generator(
    network: &mut Builder<'_>,
    widths: &[usize],
    hidden: Hidden,
    image: ImageShape,
) -> Result<()> {
    // The numbers count the modules of an nn.Sequential: linear, normalization, activation.
    let mut module = 0;
    for (number, width) in widths.iter().enumerate() {
        layer(network, module, *width)?;
        module += 1;
        if number > 0 && hidden == Hidden::Tutorial {
            network.batch_norm(&format!("model.{module}"), BATCH_NORM_EPS)?;
            module += 1;
        }
        network.apply(hidden.activation())?;
        module += 1;
    }
    layer(network, module, image.elements())?;
    network.pixels()?;
    network.apply(Op::Unflatten {
        channels: image.channels,
        height: image.height,
        width: image.width,
    })
}

/// pixels → 512 → 256 → outputs; widths: of the hidden layers, at least one.
pub(crate) fn discriminator(
    network: &mut Builder<'_>,
    widths: &[usize],
    outputs: usize,
) -> Result<()> {
    network.apply(Op::Flatten)?;
    network.see_pixels()?;
    // Every second module of the tutorial's nn.Sequential is a LeakyReLU.
    for (number, width) in widths.iter().enumerate() {
        layer(network, 2 * number, *width)?;
        network.apply(LEAKY_RELU)?;
    }
    layer(network, 2 * widths.len(), outputs)
}

/// PyTorch's `nn.Linear`.
pub(crate) fn layer(network: &mut Builder<'_>, module: usize, outputs: usize) -> Result<()> {
    let name = format!("model.{module}");
    network.linear(&name, outputs)?;
    network.bias(&name)
}
