//! `cargo xtask tidy`: checks the workspace's own rules and prints one violation per line.

mod arrows;
mod changelog;
mod conflicts;
mod docs;
mod features;
mod manifests;
mod sources;
mod supply;
mod thin;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::metadata::Metadata;
use crate::workspace;
use anyhow::{Context, Result, bail};

/// A broken rule: where, what is wrong and what to do.
#[derive(Debug, PartialEq, Eq)]
struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            message,
        } = self;
        write!(f, "{path}:{line}: {message}")
    }
}

/// Prints all violations; an error if there are any.
pub(crate) fn run() -> Result<()> {
    let violations = check(&workspace::root())?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 violation"),
        n => bail!("tidy: {n} violations"),
    }
}

fn check(root: &Path) -> Result<Vec<Violation>> {
    let metadata = Metadata::of_members(root)?;
    let mut violations = Vec::new();

    for package in metadata.members() {
        let path = &package.manifest_path;
        let shown = workspace::shown(root, path);
        let text = read(path)?;
        violations.extend(manifests::check(&shown, &text));
        violations.extend(arrows::check(&metadata, package, &shown, &text));
    }
    let sources = ["crates", "xtask", "tests"].map(|name| root.join(name));
    let mut texts = Vec::new();
    for path in files(&sources, "rs")? {
        let shown = workspace::shown(root, &path);
        let text = read(&path)?;
        violations.extend(sources::check(&shown, &text));
        texts.push((shown, text));
    }
    violations.extend(thin::check(&texts));
    let texts: Vec<String> = texts.into_iter().map(|(_, text)| text).collect();
    for path in files(&[root.to_path_buf()], "md")? {
        let shown = workspace::shown(root, &path);
        let text = read(&path)?;
        violations.extend(conflicts::check(&shown, &text));
        violations.extend(docs::check(&shown, &text, &texts));
    }
    // A missing file counts as an empty one: no heading has the version.
    let log = fs::read_to_string(root.join("CHANGELOG.md")).unwrap_or_default();
    let version = manifests::workspace_version(&read(&root.join("Cargo.toml"))?)?;
    violations.extend(changelog::check("CHANGELOG.md", &log, &version));
    violations.extend(supply::check(root)?);
    if metadata
        .members()
        .iter()
        .any(|member| member.name == "gan-cli")
    {
        violations.extend(features::check(root));
    }
    Ok(violations)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| path.display().to_string())
}

/// Every file with `extension` in and under `folders`, sorted; without `target`, `runs` and hidden
/// folders.
fn files(folders: &[PathBuf], extension: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = folders.to_vec();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if path.is_dir() {
                if !name.starts_with('.') && name != "target" && name != "runs" {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_reads_as_path_line_and_message() {
        let violation = Violation::new("crates/a/src/lib.rs", 3, "wrong; mend it");
        assert_eq!(
            violation.to_string(),
            "crates/a/src/lib.rs:3: wrong; mend it"
        );
    }

    #[test]
    fn files_are_found_at_every_depth_and_what_is_not_the_projects_own_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "crates/a/src/b/c.rs",
            "crates/a/target/d.rs",
            "runs/mnist-001/e.rs",
            ".git/f.rs",
            "tests/g.rs",
            "xtask/h.txt",
        ] {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found: Vec<_> = files(&[root.path().to_path_buf()], "rs")
            .unwrap()
            .iter()
            .map(|path| workspace::shown(root.path(), path))
            .collect();
        assert_eq!(found, ["crates/a/src/b/c.rs", "tests/g.rs"]);
    }

    /// A small workspace on disk, whose crates and files break one rule each.
    #[test]
    fn a_whole_workspace_is_checked() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n\
             [workspace.package]\nversion = \"0.2.0\"\n[workspace.lints]\n\
             [workspace.dependencies]\ngan-data = { path = \"crates/gan-data\" }\n",
        );
        let head = "version.workspace = true\nedition = \"2024\"\nlicense = \"MIT\"\n\
            [lints]\nworkspace = true\n";
        put(
            "crates/gan-data/Cargo.toml",
            &format!("[package]\nname = \"gan-data\"\n{head}"),
        );
        put("crates/gan-data/src/lib.rs", "//! Data.\n");
        put(
            "crates/gan-core/Cargo.toml",
            &format!(
                "[package]\nname = \"gan-core\"\n{head}\
                 [dependencies]\ngan-data.workspace = true\n"
            ),
        );
        put(
            "crates/gan-core/src/lib.rs",
            concat!("//! Core.\n#![allow(unsafe", "_code)]\n"),
        );
        put("tests/end_to_end.rs", "//! Tests.\n");
        put("xtask/src/main.rs", "fn main() {}\n");
        put("docs/page.md", "# A page\n\n<<<<<<< HEAD\n");
        put("CHANGELOG.md", "## 0.1.0\n");
        put(
            "deny.toml",
            "[sources]\nallow-registry = []\n[licenses]\nallow = [\"Zlib\", \"MIT\"]\n\
             [bans.build]\nallow-build-scripts = []\n",
        );
        put(
            "Cargo.lock",
            "version = 4\n\n\
             [[package]]\nname = \"gan-core\"\nversion = \"0.2.0\"\ndependencies = [\n \"gan-data\",\n]\n\n\
             [[package]]\nname = \"gan-data\"\nversion = \"0.2.0\"\n",
        );

        let found = check(root.path()).unwrap();
        let places: Vec<_> = found
            .iter()
            .map(|v| format!("{}:{}", v.path, v.line))
            .collect();
        assert_eq!(
            places,
            [
                "crates/gan-core/Cargo.toml:9",
                "crates/gan-core/src/lib.rs:2",
                "xtask/src/main.rs:1",
                "docs/page.md:3",
                "CHANGELOG.md:1"
            ]
        );
    }
}
