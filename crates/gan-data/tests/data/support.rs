//! Tiny data sets in temporary folders.

use flate2::Compression;
use flate2::write::GzEncoder;
use gan_data::{DataError, Dataset, ImageFolderOptions, Split, open};
use std::io::Write;
use std::path::Path;

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

/// The training split of the folder `tiny` in `above`.
pub(crate) fn train(above: &tempfile::TempDir) -> Result<Dataset, DataError> {
    read(&above.path().join("tiny"), Split::Train)
}

pub(crate) fn read(folder: &Path, split: Split) -> Result<Dataset, DataError> {
    open(folder, &ImageFolderOptions::default(), split)
}

/// Asserts that the error's text has all `parts`.
pub(crate) fn assert_says<T: std::fmt::Debug>(result: Result<T, DataError>, parts: &[&str]) {
    let text = result.unwrap_err().to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
}
