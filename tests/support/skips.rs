//! Parts of tests that this machine does not let run.

use std::fs::OpenOptions;
use std::io::{Write, stderr};
use std::path::Path;

/// Says what is skipped, past the test's captured output, and leaves a line for `cargo xtask ci` to count.
pub(crate) fn skipped(why: &str) {
    let line = format!("{why}\n");
    stderr()
        .write_all(format!("skipped: {line}").as_bytes())
        .unwrap();
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped.txt");
    let list = OpenOptions::new().create(true).append(true).open(list);
    list.unwrap().write_all(line.as_bytes()).unwrap();
}
