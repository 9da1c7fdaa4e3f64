//! A window that moves over an image: the one linear map behind convolution, transposed convolution
//! and all of their gradients.
//!
//! The window takes a large image to a small one. [`Window::shrinking`] is convolution;
//! [`Window::enlarging`], its adjoint, is transposed convolution with the same weight, and either is
//! the backward pass of the other. Images of a block are stored as `[channels, pixels, n]`, the examples
//! innermost.

use super::correlation::{Correlation, Direction, Extent};
use super::links::{Link, Links};
use super::patches::Patches;
use super::weight_gradient::WeightGradient;
use crate::element::Element;
use candle_core::Result;
use std::sync::OnceLock;

/// Images of more channels are not cut into patches.
const MOST_PATCHED: usize = 3;

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
    /// With the patches of the large image in its place, if it is cut into them.
    linked: WindowSizes,
    patches: OnceLock<Patches>,
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
    pub(super) fn pixels(&self) -> usize {
        self.small_height * self.small_width
    }

    pub(super) fn taps(&self) -> usize {
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

    /// The pixel of the large image that a tap sees when the window stands at a pixel of the small
    /// one, if it is not beyond the edge.
    pub(super) fn seen(&self, small: usize, tap: usize) -> Option<usize> {
        let Moves { stride, padding } = self.moves;
        let inside = |place: usize, tap: usize, size: usize| {
            let at = (place * stride + tap).checked_sub(padding)?;
            (at < size).then_some(at)
        };
        let (y, ky) = (small / self.small_width, tap / self.kernel_width);
        let (x, kx) = (small % self.small_width, tap % self.kernel_width);
        let (y, x) = (inside(y, ky, self.height)?, inside(x, kx, self.width)?);
        Some(y * self.width + x)
    }

    /// All links in so many groups, by a link's group.
    fn links(&self, groups: usize, group: impl Fn(&Link) -> usize) -> Links {
        let mut links = Vec::new();
        for small in 0..self.pixels() {
            links.extend((0..self.taps()).filter_map(|tap| {
                let large = self.seen(small, tap)?;
                Some(Link { small, large, tap })
            }));
        }
        Links::new(links, groups, group)
    }

    /// Whether the large image has too few channels to be linked itself: sums are computed for several
    /// at once.
    fn has_patches(&self) -> bool {
        self.channels <= MOST_PATCHED && self.groups == 1 && self.taps() > 1
    }

    /// Of the window over patches, each of which is a pixel.
    fn of_patches(self) -> Self {
        Self {
            channels: self.channels * self.taps(),
            height: self.small_height,
            width: self.small_width,
            kernel_height: 1,
            kernel_width: 1,
            moves: Moves {
                stride: 1,
                padding: 0,
            },
            ..self
        }
    }
}

impl Window {
    /// share: the channels that the weight has for a group.
    pub(super) fn new(sizes: WindowSizes, share: usize) -> Result<Self> {
        sizes.check(share)?;
        let linked = if sizes.has_patches() {
            sizes.of_patches()
        } else {
            sizes
        };
        Ok(Self {
            sizes,
            linked,
            patches: OnceLock::new(),
            by_small: OnceLock::new(),
            by_large: OnceLock::new(),
            by_tap: OnceLock::new(),
        })
    }

    fn patches(&self) -> Option<&Patches> {
        let has = self.sizes.has_patches();
        has.then(|| self.patches.get_or_init(|| Patches::new(&self.sizes)))
    }

    /// From the large image, or its patches, to the small one.
    fn extent(&self) -> Extent {
        let sizes = &self.linked;
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
        let (share, taps) = (
            self.linked.channels / self.linked.groups,
            self.linked.taps(),
        );
        &weight[(feature * share + channel % share) * taps..][..taps]
    }

    /// small ← weight ⋆ large
    pub(super) fn shrinking<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let (sizes, weights) = (&self.linked, |f, c| self.taps_of(weight, f, c));
        let links = self
            .by_small
            .get_or_init(|| sizes.links(sizes.pixels(), |link| link.small));
        let patches = self.patches();
        Correlation::new(self.extent(), links, Direction::Shrinking, patches, weights)
    }

    /// large ← weightᵀ ⋆ small, the adjoint of [`Self::shrinking`].
    pub(super) fn enlarging<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let (sizes, weights) = (&self.linked, |c, f| self.taps_of(weight, f, c));
        let pixels = sizes.height * sizes.width;
        let links = self
            .by_large
            .get_or_init(|| sizes.links(pixels, |link| link.large));
        Correlation::new(
            self.extent().reversed(),
            links,
            Direction::Enlarging,
            self.patches(),
            weights,
        )
    }

    /// The gradient of ⟨small, weight ⋆ large⟩ with respect to the weight.
    pub(super) fn weight_gradient(&self) -> WeightGradient<'_> {
        let sizes = &self.linked;
        WeightGradient {
            extent: self.extent(),
            links: self
                .by_tap
                .get_or_init(|| sizes.links(sizes.taps(), |link| link.tap)),
            patches: self.patches(),
        }
    }
}
