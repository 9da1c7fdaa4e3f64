//! The workspace's folder, its paths in messages, and cargo's metadata of it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

/// The folder of the root Cargo.toml.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// `path` relative to `root` if it is inside it, for messages.
pub(crate) fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Cargo's metadata of the workspace at `root`, without its dependencies.
pub(crate) fn metadata(root: &Path) -> Result<Metadata> {
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps();
    command.exec().context("cargo metadata of the workspace")
}

/// All packages that a build on this machine with the default features uses, and those of its tests; an
/// error if Cargo.lock is out of date.
pub(crate) fn resolved(root: &Path) -> Result<Metadata> {
    let options = ["--locked", "--filter-platform", "host-tuple"].map(str::to_owned);
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml"));
    command.other_options(options);
    Ok(command.exec()?)
}

/// Cargo's build folder.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(metadata(&root())?.target_directory.into_std_path_buf())
}
