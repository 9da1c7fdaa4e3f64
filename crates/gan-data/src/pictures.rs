//! Image files → the pixels of a data set, of one size and with the same channels.

use crate::changes::Changes;
use crate::decode::{Picture, decode};
use crate::error::UnreadableImage;
use crate::shown::shown;
use crate::{Channels, DataError, ReadOptions, content_hash};
use gan_core::ImageShape;
use image::DynamicImage;
use image::imageops::FilterType;
use std::path::{Path, PathBuf};

/// The most unreadable images that a message names.
const EXAMPLES: usize = 10;

/// Reads the images of a folder's parts.
pub(crate) struct Pictures {
    folder: PathBuf,
    channels: Channels,
    image_size: Option<u32>,
    shape: Option<ImageShape>,
    /// The first image, whose size the others must have.
    first: PathBuf,
    /// The first image with colours, if the channels are determined by the images.
    coloured: Option<PathBuf>,
    pixels: Vec<u8>,
    hashes: Vec<u64>,
    changes: Changes,
}

/// What was read.
pub(crate) struct ReadPictures {
    pub(crate) shape: ImageShape,
    pub(crate) pixels: Vec<u8>,
    /// A hash of each image's contents.
    pub(crate) hashes: Vec<u64>,
}

impl Pictures {
    /// A reader that has read nothing yet; the first image determines the size.
    pub(crate) fn new(folder: &Path, options: &ReadOptions) -> Self {
        Self {
            folder: folder.to_path_buf(),
            channels: options.channels(),
            image_size: options.image_size(),
            shape: None,
            first: PathBuf::new(),
            coloured: None,
            pixels: Vec::new(),
            hashes: Vec::new(),
            changes: Changes::default(),
        }
    }

    /// Reads the images of a part. The next part must have the same shape.
    pub(crate) fn read(&mut self, paths: &[PathBuf]) -> Result<ReadPictures, DataError> {
        let (mut examples, mut unreadable) = (Vec::new(), 0);
        for path in paths {
            match decode(path) {
                Ok(picture) => self.add(path, picture, paths.len())?,
                Err(reason) => {
                    unreadable += 1;
                    if examples.len() < EXAMPLES {
                        let path = path.clone();
                        examples.push(UnreadableImage { path, reason });
                    }
                }
            }
        }
        match self.shape {
            Some(shape) if unreadable == 0 => {
                if self.channels == Channels::Auto {
                    self.channels = Channels::Gray;
                }
                Ok(ReadPictures {
                    shape,
                    pixels: std::mem::take(&mut self.pixels),
                    hashes: std::mem::take(&mut self.hashes),
                })
            }
            _ => Err(DataError::UnreadableImages {
                folder: self.folder.clone(),
                unreadable,
                total: paths.len(),
                examples,
            }),
        }
    }

    /// The changes that were made to the images.
    pub(crate) fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The first image with colours, if the channels are determined by the images.
    pub(crate) fn coloured(&self) -> Option<&Path> {
        self.coloured.as_deref()
    }

    /// images: the number of images in all.
    fn add(&mut self, path: &Path, picture: Picture, images: usize) -> Result<(), DataError> {
        self.changes.decoded(&picture);
        self.hashes.push(content_hash::of_picture(&picture.image));
        let image = self.with_channels(path, picture.image, images)?;
        let image = self.with_size(image);
        let (height, width) = (image.height() as usize, image.width() as usize);
        let shape = *self.shape.get_or_insert_with(|| {
            self.first = path.to_path_buf();
            ImageShape {
                channels: if self.channels == Channels::Rgb { 3 } else { 1 },
                height,
                width,
            }
        });
        if (shape.height, shape.width) != (height, width) {
            return Err(DataError::ImageSizes {
                path: path.to_path_buf(),
                found: format!("{width}x{height}"),
                expected: format!("{}x{}", shape.width, shape.height),
                first_path: self.first.clone(),
            });
        }
        if self.pixels.is_empty() {
            self.reserve(images)?;
        }
        push_planes(&mut self.pixels, &image, shape.channels);
        Ok(())
    }

    /// Gray or RGB as requested. If neither is, the first coloured image converts all images before it to
    /// RGB.
    fn with_channels(
        &mut self,
        path: &Path,
        image: DynamicImage,
        images: usize,
    ) -> Result<DynamicImage, DataError> {
        if !image.color().has_color() {
            return Ok(image);
        }
        match self.channels {
            Channels::Rgb => {}
            Channels::Gray => {
                self.changes.made_gray();
                return Ok(image.into_luma8().into());
            }
            Channels::Auto => {
                self.coloured = Some(path.to_path_buf());
                self.channels = Channels::Rgb;
                self.spread(images)?;
            }
        }
        Ok(image)
    }

    /// Replaces the gray channel of all images so far by three equal ones.
    fn spread(&mut self, images: usize) -> Result<(), DataError> {
        let Some(gray) = self.shape.filter(|shape| shape.channels == 1) else {
            return Ok(());
        };
        let read = std::mem::take(&mut self.pixels);
        self.shape = Some(ImageShape {
            channels: 3,
            ..gray
        });
        self.reserve(images)?;
        for plane in read.chunks_exact(gray.elements()) {
            for _ in 0..3 {
                self.pixels.extend_from_slice(plane);
            }
        }
        Ok(())
    }

    /// The central square, resampled, if a size was requested.
    fn with_size(&mut self, image: DynamicImage) -> DynamicImage {
        let Some(size) = self.image_size else {
            return image;
        };
        let (width, height) = (image.width(), image.height());
        self.changes.brought_to(size, width, height);
        let side = width.min(height);
        let square = if width == height {
            image
        } else {
            image.crop_imm((width - side) / 2, (height - side) / 2, side, side)
        };
        if side == size {
            square
        } else {
            square.resize_exact(size, size, FilterType::Lanczos3)
        }
    }

    /// Reserves the memory for all images at once; an error if there is not enough.
    fn reserve(&mut self, images: usize) -> Result<(), DataError> {
        let Some(shape) = self.shape else {
            return Ok(());
        };
        let bytes = images.saturating_mul(shape.elements());
        let reserved = self.pixels.try_reserve_exact(bytes);
        reserved.map_err(|_| DataError::Mismatch {
            origin: shown(&self.folder),
            found: format!("{images} images of shape {shape}, {bytes} bytes in all"),
            expected: "a data set that fits into memory; choose a smaller `data.image_size`"
                .to_string(),
        })
    }
}

/// HWC → CHW of three channels, or a gray plane repeated `channels` times.
fn push_planes(pixels: &mut Vec<u8>, image: &DynamicImage, channels: usize) {
    let bytes = image.as_bytes();
    let there = usize::from(image.color().channel_count());
    for channel in 0..channels {
        pixels.extend(bytes.iter().skip(channel % there).step_by(there));
    }
}
