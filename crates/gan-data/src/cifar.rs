//! CIFAR-10's binary files, in a folder or in the archive that they come in.

use crate::manifest::Listing;
use crate::{DataError, Dataset, Split};
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
const TEST: [&str; 1] = ["test_batch.bin"];

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};

const CLASSES: [&str; 10] = [
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

/// Whether `names` are those of CIFAR-10's files or of their archive.
pub(crate) fn is_cifar_folder(names: &[String]) -> bool {
    names
        .iter()
        .any(|name| name == ARCHIVE || name == TRAINING[0] || name == TEST[0])
}

/// Reads the images and labels of `split`.
pub(crate) fn read(
    folder: &Path,
    names: &[String],
    split: Split,
    listing: &Listing,
) -> Result<Dataset, DataError> {
    let wanted: &[&str] = match split {
        Split::Train => &TRAINING,
        Split::Test => &TEST,
    };
    let there = |wanted: &&str| names.iter().any(|name| name == wanted);
    let files = if wanted.iter().all(there) {
        from_files(folder, wanted, listing)?
    } else if there(&ARCHIVE) {
        from_archive(folder, wanted, listing)?
    } else {
        return Err(DataError::Folder {
            path: folder.to_path_buf(),
            found: "some of CIFAR-10's files alone".to_string(),
            expected: format!("{} or {ARCHIVE}", wanted.join(", ")),
            advice: listing.missing_advice(),
        });
    };
    let mut pixels = Vec::with_capacity(files.len() * RECORDS * (RECORD - 1));
    let mut labels = Vec::with_capacity(files.len() * RECORDS);
    for (name, bytes) in &files {
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
    let data = Dataset::new(folder.display().to_string(), SHAPE, pixels)?;
    data.with_labels(labels)?.with_class_names(names)
}

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

fn from_archive(folder: &Path, wanted: &[&str], listing: &Listing) -> Result<Files, DataError> {
    listing.verify(folder, ARCHIVE)?;
    let path = folder.join(ARCHIVE);
    let failed = |error| DataError::io(&path, listing.repair_advice())(error);
    let file = BufReader::new(File::open(&path).map_err(failed)?);
    let mut archive = tar::Archive::new(GzDecoder::new(file));
    let mut found = Vec::new();
    // Raw: no long names, which would be read whole however long they are.
    for entry in archive.entries().map_err(failed)?.raw(true) {
        let entry = entry.map_err(failed)?;
        let name = entry.path().map_err(failed)?;
        let name = name.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default().to_string();
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        if found.iter().any(|(earlier, _)| *earlier == name) {
            return Err(DataError::Format {
                path,
                found: format!("{name} more than once"),
                expected: "each file once".to_string(),
                advice: listing.repair_advice(),
            });
        }
        let bytes = whole(entry, &path, listing)?;
        found.push((name, bytes));
    }
    found.sort();
    if found.len() == wanted.len() {
        return Ok(found);
    }
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    Err(DataError::Format {
        path,
        found: format!("{} of the files: {}", found.len(), names.join(", ")),
        expected: wanted.join(", "),
        advice: listing.repair_advice(),
    })
}

/// One file's bytes, never more than it may have.
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
    use crate::{ImageFolderOptions, open};
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

    fn read_split(folder: &Path, split: Split) -> Result<Dataset, DataError> {
        open(folder, &ImageFolderOptions::default(), split)
    }

    #[test]
    fn records_are_labels_and_channels_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(TEST[0]), file(9)).unwrap();
        let data = read_split(folder.path(), Split::Test).unwrap();
        assert_eq!((data.len(), data.shape()), (RECORDS, SHAPE));
        assert_eq!(data.labels().unwrap()[13], 3);
        let image = data.image(13).unwrap();
        assert_eq!(
            [image[0], image[2 * 1024 - 1], image[2 * 1024]],
            [13, 13, 9]
        );
        assert_eq!(data.class_names().unwrap()[3], "cat");
        assert!(read_split(folder.path(), Split::Train).is_err());
    }

    #[test]
    fn the_archive_is_read_as_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let archive = File::create(folder.path().join(ARCHIVE)).unwrap();
        let mut builder = tar::Builder::new(GzEncoder::new(archive, Compression::fast()));
        let mut append = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            let path = format!("cifar-10-batches-bin/{name}");
            builder.append_data(&mut header, path, bytes).unwrap();
        };
        append("readme.html", b"words");
        append(TEST[0], &file(7));
        builder.into_inner().unwrap().finish().unwrap();
        assert_eq!(
            read_split(folder.path(), Split::Test).unwrap().len(),
            RECORDS
        );
        let error = read_split(folder.path(), Split::Train)
            .unwrap_err()
            .to_string();
        assert!(error.contains("data_batch_1.bin"), "{error}");
    }

    #[test]
    fn names_in_an_archive_lead_nowhere_and_occur_once() {
        let folder = tempfile::tempdir().unwrap();
        let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut append = |name: &str| {
            let mut header = tar::Header::new_gnu();
            let bytes = file(7);
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, &bytes[..]).unwrap();
        };
        append("../../test_batch.bin");
        append("/test_batch.bin");
        let bytes = builder.into_inner().unwrap().finish().unwrap();
        std::fs::write(folder.path().join(ARCHIVE), bytes).unwrap();
        let error = read_split(folder.path(), Split::Test).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("test_batch.bin more than once"), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn damaged_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(TEST[0]);
        let mut label = file(0);
        label[RECORD] = 10;
        let (mut short, mut long) = (file(0), file(0));
        short.pop();
        long.push(0);
        for (bytes, part) in [(label, "label 10"), (short, "bytes"), (long, "more than")] {
            std::fs::write(&path, bytes).unwrap();
            let error = read_split(folder.path(), Split::Test)
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
