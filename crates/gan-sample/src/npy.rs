//! Images as NumPy's `.npy`: floats for other programs to score.

use crate::SampleError;
use crate::file::{WriteFailure, write_file};
use crate::npy_header::{MAX_HEADER_BYTES, NpyHeader, float_header};
use candle_core::{DType, Device, Tensor};
use gan_core::ImageShape;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Writes `count` images as an array `[count, c, h, w]` of little-endian float32 in C order,
/// with the generator's values, in [-1, 1].
///
/// blocks: tensors `[n, c, h, w]` of any n, as they come from
/// [`Sampler::blocks`](crate::Sampler::blocks). Each is written before the next is asked for,
/// so memory holds one. The file is written whole or not at all; missing folders are made.
///
/// # Errors
/// [`SampleError::Shape`] when a block's images do not have shape `shape`,
/// [`SampleError::ImageCount`] when there are not `count` images, those of the blocks, and
/// [`SampleError::Write`].
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
        out.write_all(&float_header([count, c, h, w]))?;
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
/// the other. Values are not checked.
///
/// # Errors
/// As [`NpyImages::open`] and [`NpyImages::read`].
pub fn read_npy(path: &Path) -> Result<(ImageShape, Vec<f32>), SampleError> {
    let images = NpyImages::open(path)?;
    let shape = images.shape();
    let mut values = Vec::with_capacity(images.count() * shape.elements());
    images.read(|block| values.extend_from_slice(block))?;
    Ok((shape, values))
}

/// An array of images in a file whose header was read.
#[derive(Debug)]
pub struct NpyImages {
    path: PathBuf,
    values: BufReader<File>,
    shape: ImageShape,
    count: usize,
}

/// How many values are read at a time.
const BLOCK_VALUES: usize = 1 << 16;

impl NpyImages {
    /// Reads the header of an array as [`write_npy`] writes it. The header is checked against the file's
    /// length.
    ///
    /// # Errors
    /// [`SampleError::Io`]; [`SampleError::Npy`] for a damaged file, a number type other than
    /// little-endian float32, Fortran order, other than four dimensions, or an empty array.
    pub fn open(path: &Path) -> Result<Self, SampleError> {
        let io = |source| SampleError::io(path, source);
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut bytes = Vec::new();
        Read::by_ref(&mut file)
            .take(MAX_HEADER_BYTES as u64)
            .read_to_end(&mut bytes)
            .map_err(io)?;
        let (start, shape, count) = check_header(path, &bytes, length)?;
        file.seek(SeekFrom::Start(start)).map_err(io)?;
        Ok(Self {
            path: path.to_path_buf(),
            values: BufReader::new(file),
            shape,
            count,
        })
    }

    /// The shape of an image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// How many images there are, at least 1.
    pub fn count(&self) -> usize {
        self.count
    }

    /// All values in order, a few thousand at a time.
    ///
    /// # Errors
    /// [`SampleError::Io`].
    pub fn read(mut self, mut take: impl FnMut(&[f32])) -> Result<(), SampleError> {
        let mut left = self.count * self.shape.elements();
        let mut bytes = vec![0; 4 * BLOCK_VALUES.min(left)];
        let mut values = Vec::with_capacity(BLOCK_VALUES);
        while left > 0 {
            let block = BLOCK_VALUES.min(left);
            let bytes = &mut bytes[..4 * block];
            self.values
                .read_exact(bytes)
                .map_err(|source| SampleError::io(&self.path, source))?;
            values.clear();
            let numbers = bytes.as_chunks::<4>().0.iter();
            values.extend(numbers.map(|number| f32::from_le_bytes(*number)));
            take(&values);
            left -= block;
        }
        Ok(())
    }
}

/// Where the numbers start in a file of `length` bytes, the shape of an image and the number of images.
fn check_header(
    path: &Path,
    bytes: &[u8],
    length: u64,
) -> Result<(u64, ImageShape, usize), SampleError> {
    let wrong = |found: String, expected| SampleError::Npy {
        path: path.to_path_buf(),
        found,
        expected,
    };
    let header = NpyHeader::parse(bytes).map_err(|found| wrong(found, "a file of numpy.save"))?;
    if header.number_type != "<f4" {
        let expected = "little-endian float32 in [-1, 1]; convert with \
                        x.astype('<f4'), and bytes with x.astype('<f4') / 127.5 - 1";
        let found = format!("numbers of type '{}'", header.number_type);
        return Err(wrong(found, expected));
    }
    if header.fortran_order {
        let expected = "C order; convert with numpy.ascontiguousarray";
        return Err(wrong("an array in Fortran order".to_string(), expected));
    }
    let array = format!("an array of shape {:?}", header.shape);
    let [n, c, h, w] = header.shape[..] else {
        let expected = "[n, c, h, w]; gray images have one channel: x[:, None]";
        return Err(wrong(array, expected));
    };
    let start = header.start as u64;
    let promised = [n, c, h, w]
        .iter()
        .try_fold(4_u64, |size, side| size.checked_mul(*side));
    let there = length.saturating_sub(start);
    if promised != Some(there) {
        let found = format!("{there} bytes for shape {:?}", header.shape);
        return Err(wrong(
            found,
            "four bytes a number; the file is damaged or cut short",
        ));
    }
    if there == 0 {
        return Err(wrong(array, "at least one image of at least one pixel"));
    }
    // No side is longer than the file.
    let side = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let shape = ImageShape {
        channels: side(c),
        height: side(h),
        width: side(w),
    };
    Ok((start, shape, side(n)))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: usize) -> Vec<u8> {
        let mut file = b"\x93NUMPY\x02\x00".to_vec();
        file.extend((header.len() as u32).to_le_bytes());
        file.extend(header.as_bytes());
        file.resize(file.len() + 4 * values, 0);
        file
    }

    #[test]
    fn headers_that_their_reader_cannot_take_are_refused() {
        let shape =
            |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}\n");
        let mut cut = file(&shape("(1, 1, 1, 2)"), 2);
        cut.truncate(40);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        for (bytes, part) in [
            (file(&shape("(1, 1, 1, 2)"), 2), ""),
            (cut, "ends within its npy header"),
            (b"\x93NUM".to_vec(), "no npy header"),
            (b"\x93NUMPY".to_vec(), "ends within its npy header"),
            (file(&"(".repeat(9_000), 0), "no npy header"),
            (file(&" ".repeat(10_001), 0), "10001 bytes, more than 10000"),
            (
                file(&shape("(1099511627776, 1, 1, 2)"), 2),
                "8 bytes for shape",
            ),
            (
                file(&shape("(0, 9, 1099511627776, 1099511627776)"), 0),
                "at least one image",
            ),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let said = read_npy(&path)
                .err()
                .map_or(String::new(), |e| e.to_string());
            assert!(
                said.contains(part) && said.is_empty() == part.is_empty(),
                "{said}"
            );
        }
    }
}
