//! The sizes of a convolution, and the conversion between images and matrices of their patches.

use super::Convolution;
use crate::element::Element;
use candle_core::{Result, Tensor};
use std::ops::Range;

/// The least output pixels of one matrix product: small images share one.
const PIXELS_PER_PRODUCT: usize = 128;

/// The number of parts of a batch. It is constant, so that sums do not depend on the threads.
const PARTS: usize = 8;

/// All sizes of one convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) images: usize,
    channels: usize,
    height: usize,
    width: usize,
    pub(super) outputs: usize,
    kernel_height: usize,
    kernel_width: usize,
    pub(super) out_height: usize,
    pub(super) out_width: usize,
    stride: usize,
    padding: usize,
}

impl Geometry {
    pub(super) fn new(
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        convolution: Convolution,
    ) -> Result<Self> {
        let (images, channels, height, width) = x.dims4()?;
        let (outputs, weight_channels, kernel_height, kernel_width) = weight.dims4()?;
        let Convolution { stride, padding } = convolution;
        let places = |size: usize, kernel: usize| {
            let steps = (size + 2 * padding).checked_sub(kernel)?;
            (stride > 0 && kernel > 0).then(|| steps / stride + 1)
        };
        let out = places(height, kernel_height).zip(places(width, kernel_width));
        let fitting = channels == weight_channels && bias.dims() == [outputs];
        let empty = [channels, height, width, outputs].contains(&0);
        match out {
            Some((out_height, out_width)) if fitting && !empty => Ok(Self {
                images,
                channels,
                height,
                width,
                outputs,
                kernel_height,
                kernel_width,
                out_height,
                out_width,
                stride,
                padding,
            }),
            _ => candle_core::bail!(
                "a convolution of stride {stride} and padding {padding} cannot take images {:?}, \
                 weight {:?} and bias {:?}",
                x.dims(),
                weight.dims(),
                bias.dims(),
            ),
        }
    }

    /// Values of an input image.
    pub(super) fn input(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Input values of one output value.
    pub(super) fn patch(&self) -> usize {
        self.channels * self.kernel_height * self.kernel_width
    }

    /// Pixels of an output image.
    pub(super) fn pixels(&self) -> usize {
        self.out_height * self.out_width
    }

    /// Images that share a matrix product.
    pub(super) fn group(&self) -> usize {
        (PIXELS_PER_PRODUCT / self.pixels()).max(1)
    }

    /// Images of a part of the batch.
    pub(super) fn part(&self) -> usize {
        self.images
            .div_ceil(PARTS)
            .next_multiple_of(self.group())
            .max(1)
    }

    /// Calls `f` for each row of output pixels and each value of their patches: with the row's
    /// place in a patch matrix `[patch, pixels]`, the value's first place in the image, and the
    /// range of pixels of the row whose value lies inside the image.
    fn for_each_row(&self, mut f: impl FnMut(usize, usize, Range<usize>)) {
        let inside = |place: usize, size: usize, count: usize| {
            // Outputs i with 0 ≤ i · stride + place - padding < size.
            let first = self.padding.saturating_sub(place).div_ceil(self.stride);
            let end = (size + self.padding)
                .saturating_sub(place)
                .div_ceil(self.stride);
            first.min(count)..end.clamp(first.min(count), count)
        };
        let mut value = 0;
        for channel in 0..self.channels {
            for ky in 0..self.kernel_height {
                let rows = inside(ky, self.height, self.out_height);
                for kx in 0..self.kernel_width {
                    let columns = inside(kx, self.width, self.out_width);
                    for y in rows.clone().filter(|_| !columns.is_empty()) {
                        let image_row = channel * self.height + y * self.stride + ky - self.padding;
                        let image_column = columns.start * self.stride + kx - self.padding;
                        f(
                            value * self.pixels() + y * self.out_width,
                            image_row * self.width + image_column,
                            columns.clone(),
                        );
                    }
                    value += 1;
                }
            }
        }
    }

    /// Writes the patches of `images` side by side: `[patch, images · pixels]`, zeros where they
    /// hang over an edge.
    pub(super) fn gather<T: Element>(&self, images: &[T], patches: &mut [T]) {
        let count = images.len() / self.input();
        let pixels = self.pixels();
        patches.fill(T::zero());
        for (number, image) in images.chunks_exact(self.input()).enumerate() {
            self.for_each_row(|place, first, columns| {
                let (row, pixel) = (place / pixels, place % pixels);
                let to = (row * count + number) * pixels + pixel;
                let to = &mut patches[to + columns.start..to + columns.end];
                let from = image[first..].iter().step_by(self.stride);
                for (to, from) in to.iter_mut().zip(from) {
                    *to = *from;
                }
            });
        }
    }

    /// Adds patches to the places in `images` that they were gathered from.
    pub(super) fn scatter<T: Element>(&self, patches: &[T], images: &mut [T]) {
        let count = images.len() / self.input();
        let pixels = self.pixels();
        for (number, image) in images.chunks_exact_mut(self.input()).enumerate() {
            self.for_each_row(|place, first, columns| {
                let (row, pixel) = (place / pixels, place % pixels);
                let from = (row * count + number) * pixels + pixel;
                let from = &patches[from + columns.start..from + columns.end];
                let to = image[first..].iter_mut().step_by(self.stride);
                for (to, from) in to.zip(from) {
                    *to += *from;
                }
            });
        }
    }
}
