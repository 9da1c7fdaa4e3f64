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

/// Reads an array as [`write_npy`] writes it: the images' shape and their values, one image after
/// the other. Values are not looked at.
///
/// # Errors
/// [`SampleError::Io`]; [`SampleError::Npy`] for a damaged file, another type of numbers than
/// little-endian float32, Fortran order, or other than four dimensions.
pub fn read_npy(path: &Path) -> Result<(ImageShape, Vec<f32>), SampleError> {
    let wrong = |found: String, expected| SampleError::Npy {
        path: path.to_path_buf(),
        found,
        expected,
    };
    let bytes = std::fs::read(path).map_err(|source| SampleError::io(path, source))?;
    let mut rest = &bytes[..];
    let header = npyz::NpyHeader::from_reader(&mut rest)
        .map_err(|error| wrong(format!("no npy header ({error})"), "a file of numpy.save"))?;
    let dtype = header.dtype();
    if !matches!(&dtype, npyz::DType::Plain(plain) if plain.to_string() == "<f4") {
        let expected = "little-endian float32 in [-1, 1]; convert with \
                        x.astype('<f4'), and bytes with x.astype('<f4') / 127.5 - 1";
        return Err(wrong(
            format!("numbers of type {}", dtype.descr()),
            expected,
        ));
    }
    if header.order() != npyz::Order::C {
        let expected = "C order; convert with numpy.ascontiguousarray";
        return Err(wrong("an array in Fortran order".to_string(), expected));
    }
    let side = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let shape = match *header.shape() {
        [_, c, h, w] => ImageShape {
            channels: side(c),
            height: side(h),
            width: side(w),
        },
        _ => {
            let expected = "[n, c, h, w]; gray images have one channel: x[:, None]";
            return Err(wrong(
                format!("an array of shape {:?}", header.shape()),
                expected,
            ));
        }
    };
    let promised = header
        .shape()
        .iter()
        .try_fold(4_u64, |size, side| size.checked_mul(*side));
    if promised != Some(rest.len() as u64) {
        let found = format!("{} bytes for shape {:?}", rest.len(), header.shape());
        return Err(wrong(
            found,
            "four bytes a number; the file is damaged or cut short",
        ));
    }
    let values = rest
        .as_chunks::<4>()
        .0
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes));
    Ok((shape, values.collect()))
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
