//! The workspace's folder and its build folder, and its paths in messages.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::metadata::Metadata;

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

/// Cargo's build folder.
pub(crate) fn target() -> Result<PathBuf> {
    Ok(Metadata::of_members(&root())?.target_directory)
}
