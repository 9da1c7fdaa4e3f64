//! The help of every subcommand, as it is stored: a change of a flag, a default or a word is seen in review.

use crate::support::program::{gan_cli, root, text};
use std::fs;

#[test]
fn each_subcommands_help_is_the_stored_one() {
    for command in [
        "train",
        "recipes",
        "train-classifier",
        "sample",
        "evaluate",
        "compare",
        "doctor",
        "inspect",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = gan_cli(folder.path(), &[command, "--help"]);
        assert!(output.status.success(), "{command}");
        let path = root().join(format!("tests/end_to_end/help/{command}.txt"));
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            text(&output.stdout),
            stored,
            "read the difference, then: gan-cli {command} --help > {}",
            path.display()
        );
    }
}
