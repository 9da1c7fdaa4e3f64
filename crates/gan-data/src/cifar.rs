//! CIFAR-10's binary files, in a folder or in their archive.

use crate::manifest::Listing;
use crate::reading::Skipped;
use crate::shown::shown;
use crate::splits::{Found, TestSplit};
use crate::{DataError, Dataset, Parts, ReadOptions};
use flate2::read::GzDecoder;
use gan_core::ImageShape;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

/// The archive's name.
const ARCHIVE: &str = "cifar-10-binary.tar.gz";

const TRAINING: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &str = "test_batch.bin";

/// The shape of every image.
pub(crate) const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};

/// The names of the classes, in the order of their numbers.
pub(crate) const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// A label and an image's bytes, channel by channel.
const RECORD: usize = 1 + 3 * 32 * 32;

/// Records of each file.
const RECORDS: usize = 10_000;

/// Whether `names` are those of CIFAR-10's files or archive.
pub(crate) fn is_cifar_folder(names: &[String]) -> bool {
    names
        .iter()
        .any(|name| name == ARCHIVE || name == TRAINING[0] || name == TEST)
}

/// Reads the images and labels of `parts`.
pub(crate) fn read(
    folder: &Path,
    names: &[String],
    options: &ReadOptions,
    parts: Parts,
    listing: &Listing,
) -> Result<Found, DataError> {
    options.refuse_size(&shown(folder), SHAPE)?;
    let there = |wanted: &&str| names.iter().any(|name| name == wanted);
    let in_files = TRAINING.iter().all(there);
    let (mut files, has_test) = if in_files {
        let has_test = there(&TEST);
        let test = (has_test && parts == Parts::All).then_some(TEST);
        let wanted: Vec<&str> = TRAINING.into_iter().chain(test).collect();
        (from_files(folder, &wanted, listing)?, has_test)
    } else if there(&ARCHIVE) {
        from_archive(folder, parts, listing)?
    } else {
        return Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: "only some of CIFAR-10's files".to_string(),
            expected: format!("{} or {ARCHIVE}", TRAINING.join(", ")),
            advice: listing.missing_advice(),
        });
    };
    let mut test = None;
    if has_test {
        let read = files.split_off(TRAINING.len());
        let images = (!read.is_empty()).then(|| dataset(folder, &read, listing));
        test = Some(TestSplit {
            name: TEST.to_string(),
            images: images.transpose()?,
        });
    }
    let images = dataset(folder, &files, listing)?;
    let taken = if in_files { &TRAINING[..] } else { &[ARCHIVE] };
    let skipped = Skipped::beside(folder, &[taken, &[TEST]].concat());
    Ok(Found {
        hashes: None,
        images,
        test,
        sources: taken.join(", "),
        changes: Vec::new(),
        skipped: skipped.map_err(DataError::io(folder, "check its permissions"))?,
        warnings: Vec::new(),
    })
}

fn dataset(folder: &Path, files: &Files, listing: &Listing) -> Result<Dataset, DataError> {
    let mut pixels = Vec::with_capacity(files.len() * RECORDS * (RECORD - 1));
    let mut labels = Vec::with_capacity(files.len() * RECORDS);
    for (name, bytes) in files {
        for record in bytes.chunks_exact(RECORD) {
            if usize::from(record[0]) >= CLASSES.len() {
                return Err(DataError::Format {
                    path: folder.join(name),
                    found: format!("label {}", record[0]),
                    expected: "labels from 0 to 9".to_string(),
                    advice: listing.repair_advice(),
                });
            }
            labels.push(u32::from(record[0]));
            pixels.extend_from_slice(&record[1..]);
        }
    }
    let names = CLASSES.map(str::to_string).to_vec();
    let data = Dataset::new(shown(folder), SHAPE, pixels)?;
    data.with_labels(labels)?.with_class_names(names)
}

/// Name and bytes of each; the test file, where it is read, is the last.
type Files = Vec<(String, Vec<u8>)>;

fn from_files(folder: &Path, wanted: &[&str], listing: &Listing) -> Result<Files, DataError> {
    let read = |name: &&str| {
        listing.verify(folder, name)?;
        let path = folder.join(name);
        let advice = || listing.repair_advice();
        let file = File::open(&path).map_err(DataError::io(&path, advice()))?;
        Ok((name.to_string(), whole(file, &path, listing)?))
    };
    wanted.iter().map(read).collect()
}

/// The files of `parts` in the archive, and whether it has a test split.
fn from_archive(
    folder: &Path,
    parts: Parts,
    listing: &Listing,
) -> Result<(Files, bool), DataError> {
    listing.verify(folder, ARCHIVE)?;
    let path = folder.join(ARCHIVE);
    let failed = |error| DataError::io(&path, listing.repair_advice())(error);
    let damaged = |found, expected: String| DataError::Format {
        path: path.clone(),
        found,
        expected,
        advice: listing.repair_advice(),
    };
    let file = BufReader::new(File::open(&path).map_err(failed)?);
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let (mut found, mut has_test): (Files, bool) = (Vec::new(), false);
    // Raw: without long names, which would be read whole at any length.
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?;
        let name = name.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_string();
        let is_test = name == TEST;
        let repeated = is_test && has_test || found.iter().any(|(earlier, _)| *earlier == name);
        if repeated {
            let found = format!("{name} more than once");
            return Err(damaged(found, "each file once".to_string()));
        }
        has_test |= is_test;
        if TRAINING.contains(&name.as_str()) || is_test && parts == Parts::All {
            let bytes = whole(entry, &path, listing)?;
            found.push((name, bytes));
        }
    }
    // `test_batch` comes after `data_batch`.
    found.sort();
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    if names.starts_with(&TRAINING) {
        return Ok((found, has_test));
    }
    let found = format!("{} of the files: {}", names.len(), names.join(", "));
    Err(damaged(found, TRAINING.join(", ")))
}

/// One file's bytes, at most as many as it may have.
fn whole(file: impl Read, path: &Path, listing: &Listing) -> Result<Vec<u8>, DataError> {
    let expected = RECORDS * RECORD;
    let mut bytes = Vec::new();
    file.take(expected as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(DataError::io(path, listing.repair_advice()))?;
    if bytes.len() == expected {
        return Ok(bytes);
    }
    let more = if bytes.len() > expected {
        "more than "
    } else {
        ""
    };
    Err(DataError::Format {
        path: path.to_path_buf(),
        found: format!("a file of {more}{} bytes", bytes.len().min(expected)),
        expected: format!("{RECORDS} records of {RECORD} bytes"),
        advice: listing.repair_advice(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DataSplits, Division, open};
    use flate2::Compression;
    use flate2::write::GzEncoder;

    /// A file whose record k has label k mod 10 and pixels k mod 251, the last channel `last`.
    fn file(last: u8) -> Vec<u8> {
        let record = |k: usize| {
            let mut record = vec![(k % 251) as u8; RECORD];
            record[0] = (k % 10) as u8;
            record[1 + 2 * 32 * 32..].fill(last);
            record
        };
        (0..RECORDS).flat_map(record).collect()
    }

    fn read_all(folder: &Path) -> Result<DataSplits, DataError> {
        open(folder, &ReadOptions::default(), Parts::All)
    }

    fn with_training() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (number, name) in TRAINING.iter().enumerate() {
            std::fs::write(folder.path().join(name), file(number as u8)).unwrap();
        }
        folder
    }

    fn archive(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let archive = File::create(folder.path().join(ARCHIVE)).unwrap();
        let mut builder = tar::Builder::new(GzEncoder::new(archive, Compression::fast()));
        for (name, bytes) in files {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap();
        folder
    }

    #[test]
    fn records_are_labels_and_channels_in_turn() {
        let folder = with_training();
        std::fs::write(folder.path().join(TEST), file(9)).unwrap();
        let splits = read_all(folder.path()).unwrap();
        let (training, test) = (splits.training, splits.held_out.unwrap());
        assert_eq!((training.len(), test.len()), (5 * RECORDS, RECORDS));
        assert_eq!(splits.division, Division::Published);
        assert_eq!(test.shape(), SHAPE);
        assert_eq!(test.labels().unwrap()[13], 3);
        let image = test.image(13).unwrap();
        assert_eq!(
            [image[0], image[2 * 1024 - 1], image[2 * 1024]],
            [13, 13, 9]
        );
        assert_eq!(training.image(40_013).unwrap()[2 * 1024], 4);
        assert_eq!(test.class_names().unwrap()[3], "cat");
        let training = open(folder.path(), &ReadOptions::default(), Parts::Training).unwrap();
        assert_eq!(training.division, Division::Published);
        assert!(training.held_out.is_none());
    }

    /// The 1,255 different images occur 40 times or so each.
    #[test]
    fn without_a_test_split_images_are_held_out_by_content() {
        let folder = with_training();
        let splits = read_all(folder.path()).unwrap();
        let held_out = splits.held_out.unwrap();
        assert_eq!(splits.training.len() + held_out.len(), 5 * RECORDS);
        let first = held_out.image(0).unwrap();
        assert!(splits.training.images().iter().all(|image| image != first));
        std::fs::remove_file(folder.path().join(TRAINING[0])).unwrap();
        std::fs::write(folder.path().join(TEST), file(9)).unwrap();
        let error = read_all(folder.path()).unwrap_err().to_string();
        assert!(error.contains("data_batch_1.bin"), "{error}");
    }

    #[test]
    fn the_archive_is_read_as_it_comes() {
        let files: Vec<Vec<u8>> = (0..6).map(file).collect();
        let names = TRAINING.iter().chain([&TEST]);
        let names: Vec<String> = names
            .map(|name| format!("cifar-10-batches-bin/{name}"))
            .collect();
        let mut all: Vec<(&str, &[u8])> = vec![("cifar-10-batches-bin/readme.html", b"words")];
        all.extend(
            names
                .iter()
                .map(String::as_str)
                .zip(files.iter().map(Vec::as_slice)),
        );
        // The test file comes first, as in any order.
        all.swap(0, 6);
        let splits = read_all(archive(&all).path()).unwrap();
        let test = splits.held_out.unwrap();
        assert_eq!((splits.training.len(), test.len()), (5 * RECORDS, RECORDS));
        assert_eq!(test.image(0).unwrap()[2 * 1024], 5);
        let error = read_all(archive(&all[..1]).path()).unwrap_err().to_string();
        assert!(error.contains("data_batch_1.bin"), "{error}");
    }

    #[test]
    fn names_in_an_archive_lead_nowhere_and_occur_once() {
        let bytes = file(7);
        for name in [TEST, TRAINING[0]] {
            let (up, root) = (format!("../../{name}"), format!("/{name}"));
            let folder = archive(&[(&up, &bytes), (&root, &bytes)]);
            let error = read_all(folder.path()).unwrap_err().to_string();
            let found = format!("{name} more than once");
            assert!(error.contains(&found), "{error}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn damaged_files_are_refused() {
        let folder = with_training();
        let path = folder.path().join(TRAINING[3]);
        let mut label = file(0);
        label[RECORD] = 10;
        let (mut short, mut long) = (file(0), file(0));
        short.pop();
        long.push(0);
        for (bytes, part) in [(label, "label 10"), (short, "bytes"), (long, "more than")] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_all(folder.path()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
