//! Files that are damaged, or made to do harm: a value or an error, and no panic.

use crate::entries::{ENTRIES, Entry};
use crate::support::root;
use proptest::prelude::{any, prop, proptest};
use std::fs;
use std::path::PathBuf;

fn inputs_of(name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root("tests/hostile_inputs").join(name)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has no inputs");
    paths
}

fn is_valid(path: &std::path::Path) -> bool {
    path.file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .starts_with("valid")
}

/// The files that are good, by entry.
fn valid_inputs() -> impl Iterator<Item = (Entry, Vec<u8>)> {
    ENTRIES.into_iter().flat_map(|(name, entry)| {
        let paths = inputs_of(name).into_iter().filter(|path| is_valid(path));
        paths.map(move |path| (entry, fs::read(path).unwrap()))
    })
}

#[test]
fn every_kept_input_is_read_or_refused() {
    for (name, entry) in ENTRIES {
        for path in inputs_of(name) {
            let used = entry(&fs::read(&path).unwrap());
            assert_eq!(used, is_valid(&path), "{}", path.display());
        }
    }
}

#[test]
fn every_truncation_is_read_or_refused() {
    for (entry, bytes) in valid_inputs() {
        for length in 0..bytes.len() {
            entry(&bytes[..length]);
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for (_, entry) in ENTRIES {
            entry(&bytes);
        }
    }

    #[test]
    fn changed_bytes_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        for (entry, mut bytes) in valid_inputs() {
            for (place, byte) in &changes {
                let place = place.index(bytes.len());
                bytes[place] = *byte;
            }
            entry(&bytes);
        }
    }
}
