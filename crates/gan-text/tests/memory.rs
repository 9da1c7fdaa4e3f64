//! What reading a text has on the heap, in a program of its own because the heap is the whole program's.

#![allow(clippy::unwrap_used, reason = "a test")]

use gan_text::{TextConfig, TextData};
use peak_alloc::PeakAlloc;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One file is read at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What reading a file has on the heap at most.
fn heap_of<T>(read: impl FnOnce() -> T) -> (T, usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let read = read();
    (read, HEAP.peak_usage().saturating_sub(before))
}

/// A file of this name with `text`, which is written while nothing is measured.
fn written(folder: &Path, name: &str, text: impl FnOnce() -> String) -> PathBuf {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let path = folder.join(name);
    std::fs::write(&path, text()).unwrap();
    path
}

const MIB: usize = 1 << 20;

/// A vector that grows has at most its capacity, twice its length, and the half of it that it is copied from.
const GROWN: usize = 3;

/// Beside ids, hashes and counts: blocks, the buffers of a reader, and the vocabulary.
const BLOCKS: usize = 3 * MIB;

/// Lines of a hundred words of 43 letters and digits, of which there are a thousand.
fn text(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 5000);
    let mut number = 0_u32;
    while text.len() < bytes {
        for _ in 0..100 {
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            write!(text, "{:w<40}{:03} ", "", (number >> 8) % 1000).unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn a_file_takes_its_ids_hashes_and_counts_and_not_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "text.txt", || text(8 * MIB));
    let (data, heap) = heap_of(|| TextData::open(&path, &TextConfig::default()).unwrap());
    let ids = data.train.tokens() + data.held_out.tokens();
    let lines = data.report.lines as usize;
    let different = data.report.different_tokens.unwrap();
    assert_eq!((ids / 100, different), (lines, 1000));
    // A hash and a fate of each line, in a set and in vectors; a token's text, count and place in a table.
    let most = GROWN * (4 * ids + 8 * lines) + 64 * lines + 200 * different + BLOCKS;
    assert!(
        heap < most && most < 8 * MIB,
        "{heap} bytes, expected fewer than {most}"
    );
}

#[test]
fn a_line_that_never_ends_takes_a_mebibyte() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), "text.csv", || {
        format!("text\n\"{}", "a\n".repeat(16 * MIB))
    });
    let (read, heap) = heap_of(|| TextData::open(&path, &TextConfig::default()));
    read.unwrap_err();
    assert!(heap < BLOCKS, "{heap} bytes");
}
