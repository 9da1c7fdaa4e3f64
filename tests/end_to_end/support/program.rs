//! Runs the built binary.

use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// `gan-cli` with these arguments, in `folder`.
pub(crate) fn gan_cli(folder: &Path, arguments: &[&str]) -> Output {
    with_threads(folder, arguments, "2")
}

pub(crate) fn with_threads(folder: &Path, arguments: &[&str], threads: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gan-cli"));
    command.current_dir(folder).args(arguments);
    command
        .env("RAYON_NUM_THREADS", threads)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env_remove("RUST_LOG");
    command.output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
