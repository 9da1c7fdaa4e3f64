//! Writes pictures as an animation.

use crate::file::write_file;
use crate::{Raster, SampleError};
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, Frame, RgbaImage};
use std::path::Path;
use std::time::Duration;

/// Writes `frames` as a GIF that repeats for ever, whole or not at all; missing folders are made.
///
/// Each frame is shown for `delay`, which the format stores in hundredths of a second (rounded
/// here) up to 655.35 s; many viewers slow down delays below 20 ms. Gray frames are stored
/// exactly; RGB frames of more than 256 colours are reduced to 256.
///
/// # Errors
/// [`SampleError::NoFrames`] and [`SampleError::FrameSize`] when the frames cannot be an animation,
/// [`SampleError::Encode`] when a side exceeds 65,535 pixels, and [`SampleError::Write`].
pub fn write_gif(path: &Path, frames: &[Raster], delay: Duration) -> Result<(), SampleError> {
    check_frames(path, frames)?;
    let hundredths = (delay.as_millis().saturating_add(5) / 10).min(u128::from(u16::MAX)) as u32;
    let delay = Delay::from_numer_denom_ms(10 * hundredths, 1);
    write_file(path, |out| {
        let mut encoder = GifEncoder::new(out);
        encoder.set_repeat(Repeat::Infinite)?;
        for frame in frames {
            encoder.encode_frame(Frame::from_parts(rgba(frame), 0, 0, delay))?;
        }
        Ok(())
    })
}

fn check_frames(path: &Path, frames: &[Raster]) -> Result<(), SampleError> {
    let size = |frame: &Raster| {
        let (height, width) = (frame.height(), frame.width());
        format!("{height}×{width}×{}", frame.channels())
    };
    let Some(expected) = frames.first().map(size) else {
        let path = path.to_path_buf();
        return Err(SampleError::NoFrames { path });
    };
    match frames.iter().position(|frame| size(frame) != expected) {
        None => Ok(()),
        Some(frame) => Err(SampleError::FrameSize {
            path: path.to_path_buf(),
            frame,
            found: size(&frames[frame]),
            expected,
        }),
    }
}

fn rgba(frame: &Raster) -> RgbaImage {
    let mut image = RgbaImage::new(frame.width(), frame.height());
    let pixels = frame.bytes().chunks_exact(frame.channels());
    for (target, pixel) in image.pixels_mut().zip(pixels) {
        target.0 = match *pixel {
            [r, g, b] => [r, g, b, u8::MAX],
            _ => [pixel[0], pixel[0], pixel[0], u8::MAX],
        };
    }
    image
}
