//! A window that moves over an image: the one linear map behind convolution, transposed convolution
//! and all of their gradients.
//!
//! The window takes a large image to a small one. [`Window::shrinking`] is convolution;
//! [`Window::enlarging`], its adjoint, is transposed convolution with the same weight, and either is
//! the other's gradient by the input. Images of a block lie as `[channels, pixels, n]`, the examples
//! innermost.

use super::correlation::{Correlation, Direction, Extent};
use super::links::{Link, Links};
use super::weight_gradient::WeightGradient;
use crate::element::Element;
use candle_core::Result;
use std::sync::OnceLock;

/// How a window moves over the large image, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    /// Pixels of the large image to one of the small image, at least 1.
    pub(super) stride: usize,
    /// Rows and columns of zeros around the large image.
    pub(super) padding: usize,
}

/// A window that moves over images, with the pixels that it joins, which are found when they are
/// needed first.
pub(super) struct Window {
    pub(super) sizes: WindowSizes,
    by_small: OnceLock<Links>,
    by_large: OnceLock<Links>,
    by_tap: OnceLock<Links>,
}

/// All sizes of one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowSizes {
    /// Channels of the large image.
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    /// Channels of the small image.
    pub(super) features: usize,
    pub(super) small_height: usize,
    pub(super) small_width: usize,
    pub(super) kernel_height: usize,
    pub(super) kernel_width: usize,
    pub(super) moves: Moves,
    /// Into how many parts both images' channels fall, which do not see each other.
    pub(super) groups: usize,
}

impl WindowSizes {
    /// Pixels of the small image.
    fn pixels(&self) -> usize {
        self.small_height * self.small_width
    }

    fn taps(&self) -> usize {
        self.kernel_height * self.kernel_width
    }

    /// Whether channels and groups fit and the window has places to stand; `share`: the channels
    /// that the weight has for a group.
    fn check(&self, share: usize) -> Result<()> {
        let Moves { stride, padding } = self.moves;
        let fitting = self.groups > 0
            && self.channels == share * self.groups
            && self.features.is_multiple_of(self.groups);
        let reaches = |small: usize, size: usize, kernel: usize| {
            small > 0 && (small - 1) * stride + kernel <= size + 2 * padding
        };
        if fitting
            && ![self.channels, self.features, self.taps(), stride].contains(&0)
            && reaches(self.small_height, self.height, self.kernel_height)
            && reaches(self.small_width, self.width, self.kernel_width)
        {
            return Ok(());
        }
        candle_core::bail!("a window cannot have these sizes: {self:?}")
    }

    /// All links in so many groups, by a link's group.
    fn links(&self, groups: usize, group: impl Fn(&Link) -> usize) -> Links {
        let Moves { stride, padding } = self.moves;
        let inside = |place: usize, tap: usize, size: usize| {
            let at = (place * stride + tap).checked_sub(padding)?;
            (at < size).then_some(at)
        };
        let mut links = Vec::new();
        for small in 0..self.pixels() {
            for tap in 0..self.taps() {
                let (y, ky) = (small / self.small_width, tap / self.kernel_width);
                let (x, kx) = (small % self.small_width, tap % self.kernel_width);
                let y = inside(y, ky, self.height);
                let x = inside(x, kx, self.width);
                links.extend(y.zip(x).map(|(y, x)| Link {
                    small,
                    large: y * self.width + x,
                    tap,
                }));
            }
        }
        Links::new(links, groups, group)
    }
}

impl Window {
    /// share: the channels that the weight has for a group.
    pub(super) fn new(sizes: WindowSizes, share: usize) -> Result<Self> {
        sizes.check(share)?;
        Ok(Self {
            sizes,
            by_small: OnceLock::new(),
            by_large: OnceLock::new(),
            by_tap: OnceLock::new(),
        })
    }

    /// From the large image to the small one.
    fn extent(&self) -> Extent {
        let sizes = &self.sizes;
        Extent {
            groups: sizes.groups,
            inputs: sizes.channels,
            outputs: sizes.features,
            input_pixels: sizes.height * sizes.width,
            output_pixels: sizes.pixels(),
            taps: sizes.taps(),
        }
    }

    /// The weights of all taps between a feature and a channel of its group, of the whole weight
    /// `[features, channels / groups, kernel height, kernel width]`.
    fn taps_of<'w, T>(&self, weight: &'w [T], feature: usize, channel: usize) -> &'w [T] {
        let (share, taps) = (self.sizes.channels / self.sizes.groups, self.sizes.taps());
        &weight[(feature * share + channel % share) * taps..][..taps]
    }

    /// small ← weight ⋆ large
    pub(super) fn shrinking<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let (sizes, weights) = (&self.sizes, |f, c| self.taps_of(weight, f, c));
        let links = self
            .by_small
            .get_or_init(|| sizes.links(sizes.pixels(), |link| link.small));
        Correlation::new(self.extent(), links, Direction::Shrinking, weights)
    }

    /// large ← weightᵀ ⋆ small, the adjoint of [`Self::shrinking`].
    pub(super) fn enlarging<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let (sizes, weights) = (&self.sizes, |c, f| self.taps_of(weight, f, c));
        let pixels = sizes.height * sizes.width;
        let links = self
            .by_large
            .get_or_init(|| sizes.links(pixels, |link| link.large));
        Correlation::new(
            self.extent().reversed(),
            links,
            Direction::Enlarging,
            weights,
        )
    }

    /// The gradient by the weight of ⟨small, weight ⋆ large⟩.
    pub(super) fn weight_gradient(&self) -> WeightGradient<'_> {
        let sizes = &self.sizes;
        WeightGradient {
            extent: self.extent(),
            links: self
                .by_tap
                .get_or_init(|| sizes.links(sizes.taps(), |link| link.tap)),
        }
    }
}
