//! What `cargo metadata` says of a workspace, as far as the chores need it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::cargo;

/// A workspace and its packages.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    workspace_members: Vec<String>,
    /// Cargo's build folder.
    pub(crate) target_directory: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev`, `build`, or nothing for a normal one.
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Metadata {
    /// Of the workspace at `root`, without its dependencies.
    pub(crate) fn of_members(root: &Path) -> Result<Self> {
        Self::read(root, &["--no-deps"])
    }

    /// Of all packages that a build on this machine with the default features uses, and those of its tests;
    /// an error if Cargo.lock is out of date.
    pub(crate) fn resolved(root: &Path) -> Result<Self> {
        Self::read(root, &["--locked", "--filter-platform", "host-tuple"])
    }

    fn read(root: &Path, options: &[&str]) -> Result<Self> {
        let mut command = cargo::command("metadata --format-version 1 --manifest-path");
        command.arg(root.join("Cargo.toml")).args(options);
        let output = command.output().context(cargo::CANNOT_START)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("cargo metadata: {}", said.trim());
        }
        serde_json::from_slice(&output.stdout).context("the output of cargo metadata")
    }

    pub(crate) fn members(&self) -> Vec<&Package> {
        let is_member = |package: &&Package| self.workspace_members.contains(&package.id);
        self.packages.iter().filter(is_member).collect()
    }
}

impl Package {
    pub(crate) fn has_build_script(&self) -> bool {
        let mut kinds = self.targets.iter().flat_map(|target| &target.kind);
        kinds.any(|kind| kind == "custom-build")
    }
}

impl Dependency {
    pub(crate) fn is_for_tests(&self) -> bool {
        self.kind.as_deref() == Some("dev")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_dependencies_and_build_scripts_are_read() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put(
            "Cargo.toml",
            "[workspace]\nmembers = [\"a\", \"b\"]\nresolver = \"3\"\n",
        );
        put(
            "a/Cargo.toml",
            "[package]\nname = \"a\"\nversion = \"0.2.0\"\nlicense = \"MIT\"\n\
             [dependencies]\nb = { path = \"../b\" }\n[dev-dependencies]\nc = \"1\"\n",
        );
        put("b/Cargo.toml", "[package]\nname = \"b\"\n");
        for name in ["a", "b"] {
            put(&format!("{name}/src/lib.rs"), "");
        }
        put("b/build.rs", "fn main() {}");
        let metadata = Metadata::of_members(root.path()).unwrap();
        let [a, b] = metadata.members()[..] else {
            panic!("{} members", metadata.members().len())
        };
        assert_eq!((&a.name[..], &a.version[..]), ("a", "0.2.0"));
        assert_eq!(a.license.as_deref(), Some("MIT"));
        let kinds = a.dependencies.iter();
        let kinds: Vec<_> = kinds
            .map(|one| (&one.name[..], one.is_for_tests()))
            .collect();
        assert_eq!(kinds, [("b", false), ("c", true)]);
        assert!(!a.has_build_script() && b.has_build_script());
    }

    #[test]
    fn what_cargo_cannot_read_is_an_error_with_its_words() {
        let root = tempfile::tempdir().unwrap();
        let error = Metadata::of_members(root.path()).err().unwrap();
        assert!(error.to_string().contains("Cargo.toml"), "{error}");
    }
}
