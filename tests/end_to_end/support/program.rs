//! Runs the built binary.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_gan-cli");

pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `gan-cli` in `folder`, with a cache of its own there, not yet started.
pub(crate) fn program<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Command {
    in_folder(Command::new(PROGRAM), folder, arguments)
}

/// The same by a shell that first runs `line`.
pub(crate) fn after<S: AsRef<OsStr>>(line: &str, folder: &Path, arguments: &[S]) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{line}; exec \"$0\" \"$@\""), PROGRAM]);
    in_folder(shell, folder, arguments)
}

fn in_folder<S: AsRef<OsStr>>(mut command: Command, folder: &Path, arguments: &[S]) -> Command {
    command.current_dir(folder).args(arguments);
    command
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("RUST_LOG");
    command
}

/// What `gan-cli` with these arguments, in `folder`, ends with.
pub(crate) fn gan_cli(folder: &Path, arguments: &[&str]) -> Output {
    with_threads(folder, arguments, "2")
}

pub(crate) fn with_threads(folder: &Path, arguments: &[&str], threads: &str) -> Output {
    let mut command = program(folder, arguments);
    command.env("RAYON_NUM_THREADS", threads).output().unwrap()
}

/// The words of `line` as arguments of [`gan_cli`].
pub(crate) fn run(folder: &Path, line: &str) -> Output {
    gan_cli(folder, &words(line))
}

/// Runs a line that must succeed; what it prints.
#[track_caller]
pub(crate) fn succeed(folder: &Path, line: &str) -> String {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
