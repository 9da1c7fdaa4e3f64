//! Tiny data sets in temporary folders.

use flate2::Compression;
use flate2::write::GzEncoder;
use gan_data::{Channels, DataError, DataSplits, Dataset, Parts, ReadOptions, open};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

/// An IDX file of `magic` with `sizes`, whatever `values` there are.
pub(crate) fn idx(magic: u32, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let words = std::iter::once(&magic).chain(sizes);
    let mut bytes: Vec<u8> = words.flat_map(|word| word.to_be_bytes()).collect();
    bytes.extend_from_slice(values);
    bytes
}

/// Three images of 2 rows and 3 columns with the pixels 0 to 17.
pub(crate) fn three_images() -> Vec<u8> {
    idx(0x803, &[3, 2, 3], &(0..18).collect::<Vec<u8>>())
}

/// Labels for [`three_images`].
pub(crate) fn three_labels() -> Vec<u8> {
    idx(0x801, &[3], &[2, 0, 2])
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A folder `tiny` with these files, below a temporary one that it must not outlive.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let above = tempfile::tempdir().unwrap();
    std::fs::create_dir(above.path().join("tiny")).unwrap();
    for (name, bytes) in files {
        let path = above.path().join("tiny").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    above
}

/// Cuts the file `name` of the folder `tiny` down to each smaller length, and sees that the data
/// set is read before, and refused after each cut but the first `spare` ones.
pub(crate) fn assert_truncations_are_refused(above: &tempfile::TempDir, name: &str, spare: u64) {
    assert!(train(above).is_ok(), "{name} whole");
    let path = above.path().join("tiny").join(name);
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let whole = file.metadata().unwrap().len();
    for length in (0..whole - spare).rev() {
        file.set_len(length).unwrap();
        assert!(train(above).is_err(), "{name} cut to {length} of {whole}");
    }
}

/// The images to train on of the folder `tiny` in `above`.
pub(crate) fn train(above: &tempfile::TempDir) -> Result<Dataset, DataError> {
    read(&tiny(above)).map(|splits| splits.training)
}

/// The same, whose images are to be gray.
pub(crate) fn gray(above: &tempfile::TempDir) -> Result<Dataset, DataError> {
    train_with(above, Channels::Gray, None)
}

pub(crate) fn train_with(
    above: &tempfile::TempDir,
    channels: Channels,
    image_size: Option<u32>,
) -> Result<Dataset, DataError> {
    let options = ReadOptions::new(channels, image_size, None).unwrap();
    open(&tiny(above), &options, Parts::All).map(|splits| splits.training)
}

pub(crate) fn tiny(above: &tempfile::TempDir) -> PathBuf {
    above.path().join("tiny")
}

pub(crate) fn read(folder: &Path) -> Result<DataSplits, DataError> {
    open(folder, &ReadOptions::default(), Parts::All)
}

/// What was read of the folder `tiny`, in one line.
pub(crate) fn summary(above: &tempfile::TempDir) -> String {
    read(&tiny(above)).unwrap().reading.summary
}

/// The bytes of all images, one after the other.
pub(crate) fn pixels(data: &Dataset) -> Vec<u8> {
    data.images().iter().flatten().copied().collect()
}

/// An image file.
pub(crate) fn encode(
    width: u32,
    height: u32,
    format: ImageFormat,
    pixel: impl Fn(u32, u32) -> [u8; 3],
) -> Vec<u8> {
    written(
        RgbImage::from_fn(width, height, |x, y| Rgb(pixel(x, y))),
        format,
    )
}

/// The file of an image.
pub(crate) fn written(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A PNG of one colour.
pub(crate) fn plain(width: u32, height: u32, colour: [u8; 3]) -> Vec<u8> {
    encode(width, height, ImageFormat::Png, |_, _| colour)
}

/// A PNG of one pixel of this brightness.
pub(crate) fn pixel(value: u8) -> Vec<u8> {
    plain(1, 1, [value; 3])
}

/// Asserts that the error's text has all `parts`.
pub(crate) fn assert_says<T: std::fmt::Debug>(result: Result<T, DataError>, parts: &[&str]) {
    let text = result.unwrap_err().to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}

/// A PNG file of `depth` bits and PNG's colour type `colour`, with further chunks before the pixels'
/// `rows`, each of which begins with the byte of its filter.
pub(crate) fn png(
    [width, height]: [u32; 2],
    [depth, colour]: [u8; 2],
    chunks: &[(&[u8; 4], &[u8])],
    rows: &[u8],
) -> Vec<u8> {
    let sizes = [width, height].map(u32::to_be_bytes).concat();
    let header = [&sizes[..], &[depth, colour, 0, 0, 0]].concat();
    let packed = zlib(rows);
    let ends: [(&[u8; 4], &[u8]); 2] = [(b"IDAT", &packed), (b"IEND", &[])];
    let start: [(&[u8; 4], &[u8]); 1] = [(b"IHDR", &header)];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (kind, data) in start.iter().chain(chunks).chain(&ends) {
        let mut crc = flate2::Crc::new();
        crc.update(*kind);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(*kind);
        file.extend(*data);
        file.extend(crc.sum().to_be_bytes());
    }
    file
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
