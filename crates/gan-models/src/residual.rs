//! Small residual networks without normalization, of the kind of R3GAN (Huang et al., 2024, arXiv
//! 2501.05441): at every size a bottleneck block with a grouped convolution beside a shortcut, sizes
//! doubled or halved between them. The last layer of each block starts at 0, so that blocks begin as
//! the identity (Zhang et al., 2019, arXiv 1901.09321).
//!
//! 28 by 28 pixels at width w: z → 4w × 7 × 7 → 2w × 14 × 14 → w × 28 × 28 → pixels, and the mirror.

use crate::builder::Builder;
use candle_core::Result;
use gan_core::{ImageShape, Op, Window};

const LEAKY_RELU: Op = Op::LeakyRelu { slope: 0.2 };

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

/// A kernel of `side` by `side`, `side` odd, that preserves the size of images.
fn same(side: usize) -> Window {
    Window {
        padding: side / 2,
        ..Window::of([side, side])
    }
}

/// z → the smallest level → … → the image.
pub(crate) fn generator(network: &mut Builder<'_>, width: usize, image: ImageShape) -> Result<()> {
    let mut layers = Layers { network, count: 0 };
    for (index, (channels, sides)) in levels(image, width).into_iter().rev().enumerate() {
        if index == 0 {
            let name = layers.next_name();
            let window = Window::of(sides);
            layers
                .network
                .transposed_convolution(&name, channels, window)?;
            layers.network.bias(&name)?;
            layers.network.apply(LEAKY_RELU)?;
        } else {
            layers.convolution(channels, same(1))?;
            layers.resample(Op::Upsampling { factor: 2 })?;
        }
        layers.block()?;
    }
    layers.convolution(image.channels, same(3))?;
    network.pixels()
}

/// The image → … → the smallest level → outputs.
pub(crate) fn discriminator(network: &mut Builder<'_>, width: usize, outputs: usize) -> Result<()> {
    let levels = levels(network.shape(), width);
    network.see_pixels()?;
    let mut layers = Layers { network, count: 0 };
    for (index, (channels, _)) in levels.into_iter().enumerate() {
        if index > 0 {
            layers.resample(Op::AveragePooling { size: 2 })?;
        }
        let window = same(if index > 0 { 1 } else { 3 });
        layers.convolution(channels, window)?;
        layers.network.apply(LEAKY_RELU)?;
        layers.block()?;
    }
    let ImageShape { height, width, .. } = layers.network.shape();
    layers.convolution(outputs, Window::of([height, width]))
}

/// Numbers the layers: linear maps with or without tensors.
struct Layers<'n, 'p> {
    network: &'n mut Builder<'p>,
    count: usize,
}

impl Layers<'_, '_> {
    fn next_name(&mut self) -> String {
        self.count += 1;
        format!("model.{}", self.count - 1)
    }

    fn convolution(&mut self, outputs: usize, window: Window) -> Result<()> {
        let name = self.next_name();
        self.network.convolution(&name, outputs, window)?;
        self.network.bias(&name)
    }

    fn resample(&mut self, op: Op) -> Result<()> {
        self.count += 1;
        self.network.apply(op)
    }

    /// x + w₃ · act(w₂ ⋆ act(w₁ · x)), w₂ of 3 by 3 pixels in groups of channels.
    fn block(&mut self) -> Result<()> {
        let (start, channels) = (self.network.last(), self.network.shape().channels);
        self.convolution(channels, same(1))?;
        self.network.apply(LEAKY_RELU)?;
        let groups = match channels.is_multiple_of(GROUP) {
            true => channels / GROUP,
            false => 1,
        };
        let grouped = Window { groups, ..same(3) };
        self.convolution(channels, grouped)?;
        self.network.apply(LEAKY_RELU)?;
        let name = self.next_name();
        self.network.zero_convolution(&name, channels, same(1))?;
        self.network.add(start)
    }
}
