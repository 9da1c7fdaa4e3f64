//! A window that moves over an image: the one linear map behind convolution, transposed convolution
//! and all of their gradients.
//!
//! The window takes a large image to a small one. [`Sliding::shrinking`] is convolution;
//! [`Sliding::enlarging`], its adjoint, is transposed convolution with the same weight, and either is
//! the backward pass of the other.

use super::correlation::{Correlation, Direction};
use super::links::{Link, Links};
use super::patches::Patches;
use super::weight_gradient::WeightGradient;
use crate::element::Element;
use crate::features::Size;
use gan_core::{ImageShape, Window};
use std::sync::OnceLock;

/// Images of more channels are not cut into patches.
const MOST_PATCHED: usize = 3;

/// A window on images of certain sizes, with the pixels that it joins, which are found when they are
/// needed first.
pub(crate) struct Sliding {
    window: Window,
    large: ImageShape,
    small: ImageShape,
    patches: OnceLock<Patches>,
    by_small: OnceLock<Links>,
    by_large: OnceLock<Links>,
    by_tap: OnceLock<Links>,
}

impl Sliding {
    pub(crate) fn new(window: Window, large: ImageShape, small: ImageShape) -> Self {
        Self {
            window,
            large,
            small,
            patches: OnceLock::new(),
            by_small: OnceLock::new(),
            by_large: OnceLock::new(),
            by_tap: OnceLock::new(),
        }
    }

    /// Whether the large image has too few channels to be linked itself: sums are computed for several
    /// at once.
    fn has_patches(&self) -> bool {
        let Window { groups, .. } = self.window;
        self.large.channels <= MOST_PATCHED && groups == 1 && self.window.taps() > 1
    }

    pub(crate) fn patches(&self) -> Option<&Patches> {
        let has = self.has_patches();
        has.then(|| self.patches.get_or_init(|| Patches::new(self)))
    }

    pub(crate) fn groups(&self) -> usize {
        self.window.groups
    }

    pub(crate) fn large(&self) -> Size {
        Size::of(self.large)
    }

    pub(crate) fn small(&self) -> Size {
        Size::of(self.small)
    }

    /// The size of what is linked with the small image: the large one, or its patches in the pixels of the
    /// small one.
    pub(crate) fn linked(&self) -> Size {
        if !self.has_patches() {
            return self.large();
        }
        Size {
            channels: self.large.channels * self.window.taps(),
            pixels: self.small().pixels,
        }
    }

    /// Taps of the window over what is linked.
    pub(crate) fn taps(&self) -> usize {
        if self.has_patches() {
            1
        } else {
            self.window.taps()
        }
    }

    /// Taps of the window over the large image.
    pub(crate) fn window_taps(&self) -> usize {
        self.window.taps()
    }

    /// The pixel of the large image that a tap sees when the window stands at a pixel of the small
    /// one, if it is not beyond the edge.
    pub(crate) fn seen(&self, small: usize, tap: usize) -> Option<usize> {
        let Window {
            stride,
            padding,
            kernel: [_, kernel_width],
            ..
        } = self.window;
        let inside = |place: usize, tap: usize, size: usize| {
            let at = (place * stride + tap).checked_sub(padding)?;
            (at < size).then_some(at)
        };
        let (y, ky) = (small / self.small.width, tap / kernel_width);
        let (x, kx) = (small % self.small.width, tap % kernel_width);
        let (y, x) = (
            inside(y, ky, self.large.height)?,
            inside(x, kx, self.large.width)?,
        );
        Some(y * self.large.width + x)
    }

    /// All links in so many groups, by a link's group.
    fn links(&self, groups: usize, group: impl Fn(&Link) -> usize) -> Links {
        let mut links = Vec::new();
        for small in 0..self.small().pixels {
            if self.has_patches() {
                let large = small;
                links.push(Link {
                    small,
                    large,
                    tap: 0,
                });
                continue;
            }
            links.extend((0..self.taps()).filter_map(|tap| {
                let large = self.seen(small, tap)?;
                Some(Link { small, large, tap })
            }));
        }
        Links::new(links, groups, group)
    }

    /// The weights of all taps between a feature of the small image and a linked channel of its group, of the
    /// whole weight `[features, channels / groups, kernel height, kernel width]`.
    fn taps_of<'w, T>(&self, weight: &'w [T], feature: usize, channel: usize) -> &'w [T] {
        let (share, taps) = (self.linked().channels / self.groups(), self.taps());
        &weight[(feature * share + channel % share) * taps..][..taps]
    }

    /// small ← weight ⋆ large
    pub(crate) fn shrinking<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let links = self
            .by_small
            .get_or_init(|| self.links(self.small().pixels, |link| link.small));
        let weights = |feature, channel| self.taps_of(weight, feature, channel);
        Correlation::new(self, links, Direction::Shrinking, weights)
    }

    /// large ← weightᵀ ⋆ small, the adjoint of [`Self::shrinking`].
    pub(crate) fn enlarging<T: Element>(&self, weight: &[T]) -> Correlation<'_, T> {
        let links = self
            .by_large
            .get_or_init(|| self.links(self.linked().pixels, |link| link.large));
        let weights = |channel, feature| self.taps_of(weight, feature, channel);
        Correlation::new(self, links, Direction::Enlarging, weights)
    }

    /// The gradient of ⟨small, weight ⋆ large⟩ with respect to the weight.
    pub(crate) fn weight_gradient(&self) -> WeightGradient<'_> {
        let links = self
            .by_tap
            .get_or_init(|| self.links(self.taps(), |link| link.tap));
        WeightGradient {
            sliding: self,
            links,
        }
    }
}
