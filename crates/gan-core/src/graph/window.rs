//! The sizes of a convolution, and of the images that come out of it.

use crate::ImageShape;
use candle_core::Result;
use serde::{Deserialize, Serialize};

/// Pairs of pixels that a window may join, far beyond those of any network here.
const MOST_LINKS: usize = 1 << 24;
/// Channels that images may have which are cut into patches.
const MOST_PATCHED_CHANNELS: usize = 3;

/// How a kernel moves over images, as in PyTorch's `Conv2d` and `ConvTranspose2d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Height and width of the kernel in pixels, at least 1.
    pub kernel: [usize; 2],
    /// Pixels of the larger image to one of the smaller, at least 1.
    pub stride: usize,
    /// Rows and columns of zeros around the larger image.
    pub padding: usize,
    /// Rows and columns at the end of a transposed convolution's output that an image of one stride less
    /// would not have: less than `stride`, and 0 for a convolution.
    pub output_padding: usize,
    /// Into how many parts the channels of both images fall, which do not see each other; at least 1.
    pub groups: usize,
}

impl Window {
    /// A kernel that stands at every pixel of an image without padding.
    pub fn of(kernel: [usize; 2]) -> Self {
        Self {
            kernel,
            stride: 1,
            padding: 0,
            output_padding: 0,
            groups: 1,
        }
    }

    /// The pixels that the kernel covers.
    pub fn taps(&self) -> usize {
        self.kernel[0].saturating_mul(self.kernel[1])
    }

    /// The shape of the convolution of images `input` to `outputs` channels: each side is
    /// (side + 2 · padding − kernel) / stride + 1, rounded down.
    ///
    /// # Errors
    /// When the kernel is larger than the padded image, the groups do not divide the channels, or a size
    /// is 0, too large or has no meaning.
    pub fn convolved(&self, input: ImageShape, outputs: usize) -> Result<ImageShape> {
        self.check(input, outputs)?;
        if self.output_padding > 0 {
            let padding = self.output_padding;
            candle_core::bail!("output padding {padding}, expected 0 for a convolution");
        }
        let side = |side: usize, kernel: usize| {
            let padded = self.padding.checked_mul(2)?.checked_add(side)?;
            Some(padded.checked_sub(kernel)? / self.stride + 1)
        };
        self.image(input, outputs, side)
    }

    /// The shape of the transposed convolution of images `input` to `outputs` channels: each side is
    /// (side − 1) · stride − 2 · padding + kernel + output padding.
    ///
    /// # Errors
    /// When nothing is left of the image, the output padding is not below the stride, the groups do not
    /// divide the channels, or a size is 0 or too large.
    pub fn transposed(&self, input: ImageShape, outputs: usize) -> Result<ImageShape> {
        self.check(input, outputs)?;
        if self.output_padding >= self.stride {
            let (padding, stride) = (self.output_padding, self.stride);
            candle_core::bail!("output padding {padding}, expected less than the stride, {stride}");
        }
        let side = |side: usize, kernel: usize| {
            let moved = side.checked_sub(1)?.checked_mul(self.stride)?;
            let whole = moved
                .checked_add(kernel)?
                .checked_add(self.output_padding)?;
            whole.checked_sub(self.padding.checked_mul(2)?)
        };
        self.image(input, outputs, side)
    }

    fn check(&self, input: ImageShape, outputs: usize) -> Result<()> {
        let [height, width] = self.kernel;
        let (stride, groups) = (self.stride, self.groups);
        if [height, width, stride, groups, outputs].contains(&0) {
            candle_core::bail!(
                "kernel {height} x {width}, stride {stride}, {groups} groups and {outputs} output \
                 channels, expected at least 1 of each"
            );
        }
        let channels = input.channels;
        if !channels.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            candle_core::bail!(
                "{groups} groups, expected a divisor of {channels} input and {outputs} output channels"
            );
        }
        Ok(())
    }

    /// Refuses a window that joins too many pixels: each pair of them is held in memory, for images of few
    /// channels once for each.
    fn check_links(&self, input: ImageShape, output: ImageShape) -> Result<()> {
        let channels = input.channels.min(output.channels);
        let is_patched = self.groups == 1 && channels <= MOST_PATCHED_CHANNELS;
        let places = [input, output].map(|shape| shape.height.saturating_mul(shape.width));
        let taps = self.kernel[0].saturating_mul(self.kernel[1]);
        let links = places[0].min(places[1]).saturating_mul(taps);
        match links.saturating_mul(if is_patched { channels } else { 1 }) {
            0..=MOST_LINKS => Ok(()),
            found => candle_core::bail!(
                "a kernel that joins {found} pairs of pixels, expected at most {MOST_LINKS}"
            ),
        }
    }

    /// `side`: of the output from a side of the input and the kernel's.
    fn image(
        &self,
        input: ImageShape,
        channels: usize,
        side: impl Fn(usize, usize) -> Option<usize>,
    ) -> Result<ImageShape> {
        let [height, width] = self.kernel;
        match (side(input.height, height), side(input.width, width)) {
            (Some(height @ 1..), Some(width @ 1..)) => {
                self.check_links(
                    input,
                    ImageShape {
                        channels,
                        height,
                        width,
                    },
                )?;
                Ok(ImageShape {
                    channels,
                    height,
                    width,
                })
            }
            _ => candle_core::bail!(
                "a kernel of {height} x {width} with stride {} and padding {} has no place on images {input}",
                self.stride,
                self.padding
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};
    use rand::Rng;
    use rand_chacha::ChaCha8Rng;

    fn window(rng: &mut ChaCha8Rng) -> Window {
        Window {
            kernel: [rng.random_range(1..6), rng.random_range(1..6)],
            stride: rng.random_range(1..4),
            padding: rng.random_range(0..4),
            output_padding: 0,
            groups: 1,
        }
    }

    fn image(rng: &mut ChaCha8Rng) -> ImageShape {
        ImageShape {
            channels: 1,
            height: rng.random_range(1..9),
            width: rng.random_range(1..9),
        }
    }

    /// Every place, one stride from the next, at which the kernel lies within the padded side.
    fn places(side: usize, kernel: usize, window: &Window) -> usize {
        let padded = side + 2 * window.padding;
        let places = (0..padded).step_by(window.stride);
        places.filter(|place| place + kernel <= padded).count()
    }

    #[test]
    fn a_convolution_has_a_pixel_for_each_place_of_the_kernel() {
        let mut rng = Seed(0).rng(Purpose::Sample, 0);
        for _ in 0..2000 {
            let (window, image) = (window(&mut rng), image(&mut rng));
            let height = places(image.height, window.kernel[0], &window);
            let width = places(image.width, window.kernel[1], &window);
            let found = window.convolved(image, 3).ok();
            let expected = ImageShape {
                channels: 3,
                height,
                width,
            };
            assert_eq!(
                found,
                (height * width > 0).then_some(expected),
                "{window:?} {image}"
            );
        }
    }

    #[test]
    fn a_transposed_convolution_undoes_the_sizes_of_a_convolution() {
        let mut rng = Seed(0).rng(Purpose::Sample, 1);
        let mut undone = 0;
        for _ in 0..2000 {
            let (window, image) = (window(&mut rng), image(&mut rng));
            let Ok(small) = window.convolved(image, 3) else {
                continue;
            };
            // The rows at the end of the padded image that no place of the kernel covers.
            let rest =
                |side: usize, kernel: usize| (side + 2 * window.padding - kernel) % window.stride;
            let output_padding = rest(image.height, window.kernel[0]);
            if output_padding != rest(image.width, window.kernel[1]) {
                continue;
            }
            let back = Window {
                output_padding,
                ..window
            };
            assert_eq!(back.transposed(small, 1).unwrap(), image, "{window:?}");
            undone += 1;
        }
        assert!(undone > 500, "{undone}");
    }

    #[test]
    fn sizes_without_meaning_are_refused() {
        let image = ImageShape {
            channels: 4,
            height: 3,
            width: 3,
        };
        let good = Window::of([3, 3]);
        for (window, outputs, part) in [
            (Window { stride: 0, ..good }, 2, "stride 0"),
            (Window { groups: 0, ..good }, 2, "0 groups"),
            (Window { groups: 3, ..good }, 3, "3 groups"),
            (Window { groups: 2, ..good }, 3, "2 groups"),
            (Window::of([0, 1]), 2, "kernel 0 x 1"),
            (Window::of([4, 1]), 2, "4 x 1"),
            (good, 0, "0 output channels"),
        ] {
            let error = window.convolved(image, outputs).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let padded = Window {
            output_padding: 1,
            ..good
        };
        assert!(padded.convolved(image, 1).is_err());
        assert!(padded.transposed(image, 1).is_err());
        let cut = Window { padding: 3, ..good };
        assert!(cut.transposed(image, 1).is_err());
        let vast = Window {
            padding: usize::MAX / 2 + 1,
            ..good
        };
        assert!(vast.convolved(image, 1).is_err());
        assert!(vast.transposed(image, 1).is_err());
    }
}
