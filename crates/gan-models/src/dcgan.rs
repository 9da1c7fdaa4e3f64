//! Deep convolutional networks that double, or halve, an image's sides layer by layer (Radford et
//! al., 2016, arXiv 1511.06434).
//!
//! 28 by 28 pixels at width w: z → 4w × 4 × 4 → 2w × 7 × 7 → w × 14 × 14 → pixels, and the mirror.

use crate::DiscriminatorNorm;
use crate::builder::Builder;
use candle_core::Result;
use gan_core::{ImageShape, Op, Window};

const LEAKY_RELU: Op = Op::LeakyRelu { slope: 0.2 };

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

/// From sides to ⌈side / 2⌉ with stride 2: kernels of 4 over even sides, of 3 over odd ones.
fn halving(sides: [usize; 2]) -> Window {
    Window {
        stride: 2,
        padding: 1,
        ..Window::of(sides.map(|side| if side.is_multiple_of(2) { 4 } else { 3 }))
    }
}

/// z → the smallest level → … → the image.
pub(crate) fn generator(network: &mut Builder<'_>, width: usize, image: ImageShape) -> Result<()> {
    let levels = levels(image, width);
    for (index, (channels, sides)) in levels.iter().rev().enumerate() {
        let name = format!("model.{index}");
        let window = match index {
            0 => Window::of(*sides),
            _ => halving(*sides),
        };
        network.transposed_convolution(&name, *channels, window)?;
        if index + 1 < levels.len() {
            network.batch_norm(&format!("{name}.norm"), BATCH_NORM_EPS)?;
            network.apply(LEAKY_RELU)?;
        } else {
            network.bias(&name)?;
            network.pixels()?;
        }
    }
    Ok(())
}

/// The image → … → the smallest level → outputs. With batch normalization, as in the paper, all layers
/// but the first and the last have it; with spectral normalization, all have it.
pub(crate) fn discriminator(
    network: &mut Builder<'_>,
    width: usize,
    norm: DiscriminatorNorm,
    outputs: usize,
) -> Result<()> {
    let levels = levels(network.shape(), width);
    network.see_pixels()?;
    for (index, pair) in levels.windows(2).enumerate() {
        let ((_, sides), (channels, _)) = (pair[0], pair[1]);
        let name = format!("model.{index}");
        convolution(network, &name, channels, halving(sides), norm)?;
        if norm == DiscriminatorNorm::Batch && index > 0 {
            network.batch_norm(&format!("{name}.norm"), BATCH_NORM_EPS)?;
        } else {
            network.bias(&name)?;
        }
        network.apply(LEAKY_RELU)?;
    }
    let name = format!("model.{}", levels.len() - 1);
    let ImageShape { height, width, .. } = network.shape();
    convolution(network, &name, outputs, Window::of([height, width]), norm)?;
    network.bias(&name)
}

fn convolution(
    network: &mut Builder<'_>,
    name: &str,
    outputs: usize,
    window: Window,
    norm: DiscriminatorNorm,
) -> Result<()> {
    match norm {
        DiscriminatorNorm::Spectral => network.spectral_convolution(name, outputs, window),
        _ => network.convolution(name, outputs, window),
    }
}
