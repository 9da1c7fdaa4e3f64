//! Why sampling, drawing or writing failed.

use gan_core::ErrorClass;
use std::io;
use std::path::{Path, PathBuf};

/// What can go wrong between a generator and an image file.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// The prior's latent vectors do not have the generator's latent dimension.
    #[error(
        "the prior draws latent vectors of {prior} values, expected {generator} as for the \
         generator; give both the same latent dimension"
    )]
    LatentDim {
        /// The prior's latent dimension.
        prior: usize,
        /// The generator's latent dimension.
        generator: usize,
    },
    /// A class was requested that the generator does not have.
    #[error(
        "class {class} was requested, the generator has {}",
        known.map_or("no classes: train one with `model.classes`".to_string(), |n| format!("classes 0 to {}", n - 1))
    )]
    Class {
        /// The class.
        class: u32,
        /// How many classes it has.
        known: Option<usize>,
    },
    /// A tensor does not have the required shape.
    #[error("{what} have shape {found:?}, expected {expected}")]
    Shape {
        /// What the tensor holds, in the plural.
        what: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The expected shape.
        expected: String,
    },
    /// Images that are neither gray nor RGB cannot be drawn.
    #[error("the images have {found} channels, expected 1 (gray) or 3 (RGB) to draw them")]
    Channels {
        /// The number of channels.
        found: usize,
    },
    /// The grid has fewer cells than there are images.
    #[error(
        "{images} images do not fit a grid of {rows} rows and {columns} columns; \
         draw fewer images or give the grid more cells"
    )]
    TooManyImages {
        /// How many images were given.
        images: usize,
        /// The grid's rows.
        rows: usize,
        /// The grid's columns.
        columns: usize,
    },
    /// A picture would be too large to hold in memory.
    #[error(
        "a picture of {rows} rows and {columns} columns of {height}×{width} images has more than \
         {limit} pixels; draw fewer images in one picture"
    )]
    PictureTooLarge {
        /// Images one below the other.
        rows: usize,
        /// Images side by side.
        columns: usize,
        /// An image's height in pixels.
        height: usize,
        /// An image's width in pixels.
        width: usize,
        /// The most pixels that a picture may have.
        limit: usize,
    },
    /// An animation of no frames.
    #[error("{path}: there are no frames, expected at least one; a GIF cannot be empty")]
    NoFrames {
        /// The file to be written.
        path: PathBuf,
    },
    /// The frames of an animation differ in size.
    #[error(
        "{path}: frame {frame} is {found}, expected {expected} as in frame 0; \
         draw all frames with the same grid"
    )]
    FrameSize {
        /// The file to be written.
        path: PathBuf,
        /// The first frame that differs, from 0.
        frame: usize,
        /// Its size, such as `32×32×1`.
        found: String,
        /// The size of frame 0.
        expected: String,
    },
    /// The number of images differs from the count in the file's header.
    #[error(
        "{path}: {found} images came, expected {expected}; \
         the header is written first, so the count must be right from the start"
    )]
    ImageCount {
        /// The file to be written.
        path: PathBuf,
        /// How many images had been received when the difference was certain.
        found: u64,
        /// The count in the header.
        expected: u64,
    },
    /// An array file that does not hold images as they are written here.
    #[error("{path}: {found}, expected {expected}")]
    Npy {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What it should hold, and how to get it.
        expected: &'static str,
    },
    /// Image values that are not finite.
    #[error(
        "value {value} of image {image} is {found}, expected finite numbers from the generator; use \
         weights from an earlier step, or train it again with a smaller learning rate"
    )]
    NotFinite {
        /// The image's number, from 0.
        image: u64,
        /// The value's index in the image, from 0.
        value: usize,
        /// NaN, inf or -inf.
        found: f32,
    },
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A file or folder could not be written.
    #[error("{path}: cannot be written: {source}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The picture cannot be stored in this format.
    #[error("{path}: cannot be encoded: {source}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's error.
        source: image::ImageError,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl SampleError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }

    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write {
            path: path.to_path_buf(),
            source,
        }
    }
}

impl SampleError {
    /// Whether what was asked for is at fault, or the drawing.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Tensor(_) | Self::Encode { .. } | Self::Write { .. } => ErrorClass::Failed,
            _ => ErrorClass::WrongUse,
        }
    }
}
