//! A reader's options: channels, a size, how much is held out, and which parts are read.

use crate::DataError;
use gan_core::{ImageShape, OutOfRange, Range, check_ranges};
use serde::{Deserialize, Serialize};

/// The share of the images that is held out if a set has no test split and no share is given.
pub const DEFAULT_HELD_OUT: f64 = 0.1;

/// The largest share of the images that may be held out.
const MAX_HELD_OUT: f64 = 0.5;

/// The channels to which the images of a folder are converted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// Gray if every pixel of every image is gray (R = G = B), else RGB.
    #[default]
    Auto,
    /// One channel: luma, weighted as in Rec. 709.
    Gray,
    /// Three channels; gray images get three equal ones.
    Rgb,
}

/// Which parts of a data set are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parts {
    /// Only the training images: a published test split in its own files is not read.
    Training,
    /// The training images and the held-out images.
    All,
    /// The training images, with nothing held out by content: for images that are not used for training.
    Undivided,
}

/// How the images of a folder are converted to one shape, and how many are held out. By default they keep
/// their channels and their size, and the held-out share is [`DEFAULT_HELD_OUT`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadOptions {
    channels: Channels,
    image_size: Option<u32>,
    held_out: Option<f64>,
}

impl ReadOptions {
    /// The largest `image_size`.
    pub const MAX_IMAGE_SIZE: u32 = 2048;

    /// Images with `channels` and, if `image_size` is given, with this many rows and columns: the central
    /// square of each is cropped and resampled (Lanczos, three lobes). Without it they keep their size,
    /// which must be the same for all. Of a set without a test split the share `held_out` is held out,
    /// from 0 (nothing) to 0.5; of one with a test split it is that of the [`Validation`](crate::Validation).
    ///
    /// # Errors
    /// [`OutOfRange`], named by the key, when `image_size` is not from 1 to 2048 or `held_out` not from 0
    /// to 0.5.
    pub fn new(
        channels: Channels,
        image_size: Option<u32>,
        held_out: Option<f64>,
    ) -> Result<Self, OutOfRange> {
        check_ranges(&[
            (
                "data.image_size",
                image_size.into(),
                Range::OneTo(Self::MAX_IMAGE_SIZE.into()),
            ),
            (
                "data.held_out",
                held_out.into(),
                Range::ZeroTo(MAX_HELD_OUT),
            ),
        ])?;
        Ok(Self {
            channels,
            image_size,
            held_out,
        })
    }

    pub(crate) fn channels(&self) -> Channels {
        self.channels
    }

    pub(crate) fn image_size(&self) -> Option<u32> {
        self.image_size
    }

    /// The share that is held out of a set without a test split, in [0, 0.5].
    pub(crate) fn share(&self) -> f64 {
        self.held_out.unwrap_or(DEFAULT_HELD_OUT)
    }

    /// The share of the training images of a set with a test split that is kept apart to choose by, in (0, 0.5].
    pub(crate) fn validation_share(&self) -> Option<f64> {
        self.held_out.filter(|share| *share > 0.0)
    }

    /// Refuses a size other than that of the images of `origin`, which are not resized.
    pub(crate) fn refuse_size(&self, origin: &str, shape: ImageShape) -> Result<(), DataError> {
        let (height, width) = (shape.height, shape.width);
        match self.image_size {
            Some(size) if [height, width] != [size as usize; 2] => Err(DataError::Mismatch {
                origin: "`data.image_size`".to_string(),
                found: size.to_string(),
                expected: format!(
                    "no size: the images of {origin} keep the size that they have in its files, {width} by \
                     {height} pixels"
                ),
            }),
            _ => Ok(()),
        }
    }
}
