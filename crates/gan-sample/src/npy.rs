//! Images as NumPy's `.npy`: floats for other programs' scores.

use crate::SampleError;
use crate::file::{WriteFailure, write_file};
use candle_core::{DType, Device, Tensor};
use gan_core::ImageShape;
use npyz::{TypeStr, WriteOptions, WriterBuilder};
use std::io::{self, Write};
use std::path::Path;

/// Writes `count` images as an array `[count, c, h, w]` of little-endian float32 in C order,
/// with the values that the generator gave, in [-1, 1].
///
/// blocks: tensors `[n, c, h, w]` of any n, as they come from
/// [`Sampler::blocks`](crate::Sampler::blocks). Each is written before the next is asked for,
/// so memory holds one. The file is whole or not there; missing folders are made.
///
/// # Errors
/// [`SampleError::Shape`] when a block holds other images than `shape`,
/// [`SampleError::ImageCount`] when more or fewer than `count` come, those of the blocks, and
/// [`SampleError::Io`].
pub fn write_npy(
    path: &Path,
    count: u64,
    shape: ImageShape,
    blocks: impl IntoIterator<Item = Result<Tensor, SampleError>>,
) -> Result<(), SampleError> {
    let image = [shape.channels, shape.height, shape.width];
    let miscounted = |found| SampleError::ImageCount {
        path: path.to_path_buf(),
        found,
        expected: count,
    };
    write_file(path, |out| {
        let [c, h, w] = image.map(|side| side as u64);
        out.write_all(&header(&[count, c, h, w])?)?;
        let mut written = 0;
        for block in blocks {
            let values = read_block(&block?, image)?;
            written += values.0;
            if written > count {
                return Err(miscounted(written).into());
            }
            let bytes: Vec<u8> = values.1.iter().flat_map(|v| v.to_le_bytes()).collect();
            out.write_all(&bytes)?;
        }
        if written < count {
            return Err(miscounted(written).into());
        }
        Ok(())
    })
}

/// What stands before the numbers. They are written apart: the library would take them one by one.
fn header(shape: &[u64]) -> io::Result<Vec<u8>> {
    let float: TypeStr = "<f4".parse().map_err(io::Error::other)?;
    let mut header = Vec::new();
    WriteOptions::<f32>::new()
        .dtype(npyz::DType::new_scalar(float))
        .shape(shape)
        .writer(&mut header)
        .begin_nd()?;
    Ok(header)
}

/// The number of images in a block, and their values.
fn read_block(block: &Tensor, image: [usize; 3]) -> Result<(u64, Vec<f32>), WriteFailure> {
    match block.dims() {
        [count, rest @ ..] if rest == image => {
            let block = block.to_device(&Device::Cpu).map_err(SampleError::from)?;
            let values = block
                .to_dtype(DType::F32)
                .and_then(|block| block.flatten_all()?.to_vec1())
                .map_err(SampleError::from)?;
            Ok((*count as u64, values))
        }
        found => Err(WriteFailure::Sample(SampleError::Shape {
            what: "the images to write",
            found: found.to_vec(),
            expected: format!("[n, {}, {}, {}]", image[0], image[1], image[2]),
        })),
    }
}
