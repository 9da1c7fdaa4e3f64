//! A window that moves over an image: the one linear map behind convolution, transposed convolution
//! and all of their gradients, as matrix products over patches.
//!
//! The window takes a large image to a small one. [`Window::shrink`] is convolution;
//! [`Window::enlarge`], its adjoint, is transposed convolution with the same weight, and either is
//! the other's gradient by the input. Images of a block lie as `[channels, pixels, n]`: the examples
//! are innermost, so that patches are gathered in runs of n values.

use crate::element::Element;
use crate::matmul::{Onto, product};
use candle_core::Result;
use faer::{MatMut, MatRef};
use std::ops::Range;

/// How a window moves over the large image, the same in both directions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moves {
    /// Pixels of the large image to one of the small image, at least 1.
    pub(super) stride: usize,
    /// Rows and columns of zeros around the large image.
    pub(super) padding: usize,
}

/// Values of a patch matrix, about as many as the second level of a processor's cache holds.
const PATCH_VALUES: usize = 1 << 17;

/// Fewer columns make a matrix product slow.
const FEWEST_COLUMNS: usize = 128;

/// A place outside the image.
const OUTSIDE: usize = usize::MAX;

/// All sizes of one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
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

impl Window {
    pub(super) fn large(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Pixels of the small image.
    fn pixels(&self) -> usize {
        self.small_height * self.small_width
    }

    fn taps(&self) -> usize {
        self.kernel_height * self.kernel_width
    }

    /// Values that one value of the small image is made of.
    fn patch(&self) -> usize {
        self.channels / self.groups * self.taps()
    }

    /// Elements of the weight `[features, channels / groups, kernel height, kernel width]`.
    pub(super) fn weights(&self) -> usize {
        self.features * self.patch()
    }

    /// Whether channels and groups fit and the window has places to stand; `share`: the channels
    /// that the weight has for a group.
    pub(super) fn check(&self, share: usize) -> Result<()> {
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

    /// How many pixels of the small image share a matrix product, of blocks of n examples.
    fn tile(&self, n: usize) -> usize {
        let columns = (PATCH_VALUES / self.patch()).max(FEWEST_COLUMNS);
        columns.div_ceil(n).min(self.pixels())
    }

    fn tiles(&self, n: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (tile, pixels) = (self.tile(n), self.pixels());
        let starts = (0..pixels).step_by(tile);
        starts.map(move |start| start..(start + tile).min(pixels))
    }

    /// Where in a channel of the large image each tap of each pixel of a tile lies.
    fn places(&self, tile: &Range<usize>, places: &mut Vec<usize>) {
        let Moves { stride, padding } = self.moves;
        let inside = |place: usize, tap: usize, size: usize| {
            (place * stride + tap)
                .checked_sub(padding)
                .filter(|at| *at < size)
        };
        places.clear();
        for ky in 0..self.kernel_height {
            for kx in 0..self.kernel_width {
                for pixel in tile.clone() {
                    let y = inside(pixel / self.small_width, ky, self.height);
                    let x = inside(pixel % self.small_width, kx, self.width);
                    places.push(y.zip(x).map_or(OUTSIDE, |(y, x)| y * self.width + x));
                }
            }
        }
    }

    /// patches `[patch, tile · n]` ← the channels of one group.
    fn gather<T: Element>(&self, channels: &[T], places: &[usize], n: usize, patches: &mut [T]) {
        let image = self.height * self.width * n;
        let rows = patches.chunks_exact_mut(places.len() * n);
        for (channel, rows) in channels.chunks_exact(image).zip(rows) {
            for (to, place) in rows.chunks_exact_mut(n).zip(places) {
                if *place == OUTSIDE {
                    to.fill(T::zero());
                } else {
                    to.copy_from_slice(&channel[place * n..][..n]);
                }
            }
        }
    }

    /// The adjoint of [`Self::gather`]: adds patches to where they come from.
    fn scatter<T: Element>(&self, patches: &[T], places: &[usize], n: usize, channels: &mut [T]) {
        let image = self.height * self.width * n;
        let rows = patches.chunks_exact(places.len() * n);
        for (channel, rows) in channels.chunks_exact_mut(image).zip(rows) {
            for (from, place) in rows.chunks_exact(n).zip(places) {
                if *place != OUTSIDE {
                    let to = &mut channel[place * n..][..n];
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
                }
            }
        }
    }

    /// Whether patches are the large image's pixels themselves, so that none need to be gathered.
    fn is_pointwise(&self) -> bool {
        self.taps() == 1
            && self.moves.stride == 1
            && self.moves.padding == 0
            && self.large() == self.channels * self.pixels()
    }

    /// For a pointwise window each group's rows of the large and of the small image, and its weights.
    fn pointwise_groups(&self) -> impl Iterator<Item = [Range<usize>; 3]> + use<'_> {
        (0..self.groups).map(|group| {
            [self.channels, self.features, self.weights()].map(|all| {
                let share = all / self.groups;
                group * share..(group + 1) * share
            })
        })
    }

    /// Calls `f` for each group and tile with the places of its taps.
    fn for_each_tile(&self, n: usize, mut f: impl FnMut(Part<'_>)) {
        let mut places = Vec::new();
        for tile in self.tiles(n) {
            self.places(&tile, &mut places);
            for group in 0..self.groups {
                let part = |all: usize| {
                    let share = all / self.groups;
                    group * share..(group + 1) * share
                };
                f(Part {
                    channels: part(self.large() * n),
                    features: part(self.features),
                    weights: part(self.weights()),
                    columns: tile.start * n..tile.end * n,
                    places: &places,
                });
            }
        }
    }

    fn patches<T: Element>(&self, n: usize) -> Vec<T> {
        vec![T::zero(); self.patch() * self.tile(n) * n]
    }

    /// small ← weight ⋆ large
    pub(super) fn shrink<T: Element>(&self, weight: &[T], large: &[T], small: &mut [T], n: usize) {
        if self.is_pointwise() {
            let columns = self.pixels() * n;
            for [channels, features, weights] in self.pointwise_groups() {
                let large = &large[channels.start * columns..channels.end * columns];
                let small = &mut small[features.start * columns..features.end * columns];
                product(
                    MatMut::from_row_major_slice_mut(small, features.len(), columns),
                    Onto::Replace,
                    MatRef::from_row_major_slice(&weight[weights], features.len(), channels.len()),
                    MatRef::from_row_major_slice(large, channels.len(), columns),
                );
            }
            return;
        }
        let mut buffer = self.patches(n);
        let columns = self.pixels() * n;
        self.for_each_tile(n, |part| {
            let patches = part.of(&mut buffer, self.patch());
            self.gather(&large[part.channels.clone()], part.places, n, patches);
            let small = MatMut::from_row_major_slice_mut(small, self.features, columns);
            product(
                small
                    .subrows_mut(part.features.start, part.features.len())
                    .subcols_mut(part.columns.start, part.columns.len()),
                Onto::Replace,
                part.weight(weight, self.patch()),
                MatRef::from_row_major_slice(patches, self.patch(), part.columns.len()),
            );
        });
    }

    /// large ← weightᵀ ⋆ small, the adjoint of [`Self::shrink`].
    pub(super) fn enlarge<T: Element>(&self, weight: &[T], small: &[T], large: &mut [T], n: usize) {
        if self.is_pointwise() {
            let columns = self.pixels() * n;
            for [channels, features, weights] in self.pointwise_groups() {
                let large = &mut large[channels.start * columns..channels.end * columns];
                let small = &small[features.start * columns..features.end * columns];
                let weight = &weight[weights];
                let weight = MatRef::from_row_major_slice(weight, features.len(), channels.len());
                product(
                    MatMut::from_row_major_slice_mut(large, channels.len(), columns),
                    Onto::Replace,
                    weight.transpose(),
                    MatRef::from_row_major_slice(small, features.len(), columns),
                );
            }
            return;
        }
        let mut buffer = self.patches(n);
        large.fill(T::zero());
        self.for_each_tile(n, |part| {
            let patches = part.of(&mut buffer, self.patch());
            product(
                MatMut::from_row_major_slice_mut(patches, self.patch(), part.columns.len()),
                Onto::Replace,
                part.weight(weight, self.patch()).transpose(),
                part.small(small, self.features, self.pixels() * n),
            );
            self.scatter(patches, part.places, n, &mut large[part.channels.clone()]);
        });
    }

    /// The gradient by the weight of ⟨small, weight ⋆ large⟩.
    pub(super) fn weight_gradient<T: Element>(
        &self,
        small: &[T],
        large: &[T],
        gradient: &mut [T],
        n: usize,
    ) {
        if self.is_pointwise() {
            let columns = self.pixels() * n;
            for [channels, features, weights] in self.pointwise_groups() {
                let large = &large[channels.start * columns..channels.end * columns];
                let small = &small[features.start * columns..features.end * columns];
                let large = MatRef::from_row_major_slice(large, channels.len(), columns);
                let gradient = &mut gradient[weights];
                product(
                    MatMut::from_row_major_slice_mut(gradient, features.len(), channels.len()),
                    Onto::Replace,
                    MatRef::from_row_major_slice(small, features.len(), columns),
                    large.transpose(),
                );
            }
            return;
        }
        let mut buffer = self.patches(n);
        gradient.fill(T::zero());
        self.for_each_tile(n, |part| {
            let patches = part.of(&mut buffer, self.patch());
            self.gather(&large[part.channels.clone()], part.places, n, patches);
            let patches = MatRef::from_row_major_slice(patches, self.patch(), part.columns.len());
            let rows = part.features.len();
            let gradient = &mut gradient[part.weights.clone()];
            product(
                MatMut::from_row_major_slice_mut(gradient, rows, self.patch()),
                Onto::Add,
                part.small(small, self.features, self.pixels() * n),
                patches.transpose(),
            );
        });
    }
}

/// One group's share of one tile.
struct Part<'a> {
    /// In a block of large images.
    channels: Range<usize>,
    features: Range<usize>,
    weights: Range<usize>,
    /// In a block of small images `[features, columns]`.
    columns: Range<usize>,
    places: &'a [usize],
}

impl Part<'_> {
    fn of<'b, T>(&self, buffer: &'b mut [T], patch: usize) -> &'b mut [T] {
        &mut buffer[..patch * self.columns.len()]
    }

    fn weight<'b, T: Element>(&self, weight: &'b [T], patch: usize) -> MatRef<'b, T> {
        let weight = &weight[self.weights.clone()];
        MatRef::from_row_major_slice(weight, self.features.len(), patch)
    }

    fn small<'b, T: Element>(
        &self,
        small: &'b [T],
        features: usize,
        columns: usize,
    ) -> MatRef<'b, T> {
        MatRef::from_row_major_slice(small, features, columns)
            .subrows(self.features.start, self.features.len())
            .subcols(self.columns.start, self.columns.len())
    }
}
