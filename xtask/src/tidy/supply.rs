//! External packages, checked by the lists of deny.toml that `cargo deny` reads too: sources, licences and
//! build scripts.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;
use spdx::{Expression, Licensee, ParseMode};

use super::Violation;
use crate::metadata::{Metadata, Package};

const LOCK: &str = "Cargo.lock";

/// Cargo's default registry, as the lock file names it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The lists of deny.toml that can be checked without any tool.
struct Lists {
    licences: Vec<Licensee>,
    build_scripts: Vec<String>,
}

/// A package of Cargo.lock, which holds those of every platform and feature.
#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    source: Option<String>,
}

/// Checks the sources of all packages, and the licences and build scripts of those that a build on this
/// machine uses.
pub(super) fn check(root: &Path) -> Result<Vec<Violation>> {
    let lists = Lists::parse(&super::read(&root.join("deny.toml"))?)?;
    let text = super::read(&root.join(LOCK))?;
    let metadata = match Metadata::resolved(root) {
        Ok(metadata) => metadata,
        Err(error) => return Ok(vec![unresolved(&error)]),
    };
    let members = metadata.members();
    let mut violations = refused_sources(&text, |name| {
        members.iter().any(|member| member.name == name)
    })?;
    for package in &metadata.packages {
        let messages = lists.refuse_package(package).into_iter();
        violations
            .extend(messages.map(|said| violation(&text, &package.name, &package.version, &said)));
    }
    Ok(violations)
}

fn unresolved(error: &anyhow::Error) -> Violation {
    let message = format!(
        "{error:#}; where a manifest has changed, run `cargo check` and commit the lock file, \
         where a package is not here, run `cargo fetch` with a network"
    );
    Violation::new(LOCK, 1, message)
}

fn locked_packages(text: &str) -> Result<Vec<Locked>> {
    #[derive(Deserialize)]
    struct Lock {
        package: Vec<Locked>,
    }
    let lock: Lock = toml::from_str(text).context(LOCK)?;
    Ok(lock.package)
}

/// A violation at the line of Cargo.lock, whose text is `lock`, that names the package.
fn violation(lock: &str, name: &str, version: &str, said: &str) -> Violation {
    let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
    let before = lock.split(&entry).next().unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Violation::new(LOCK, line, format!("{name} {version} {said}"))
}

fn refused_sources(lock: &str, is_member: impl Fn(&str) -> bool) -> Result<Vec<Violation>> {
    let mut violations = Vec::new();
    for Locked {
        name,
        version,
        source,
    } in locked_packages(lock)?
    {
        let message = refuse_source(source.as_deref(), is_member(&name));
        violations.extend(message.map(|said| violation(lock, &name, &version, &said)));
    }
    Ok(violations)
}

/// What is wrong with a package's source, which the workspace's members do not have.
fn refuse_source(source: Option<&str>, is_member: bool) -> Option<String> {
    let is_allowed = source.map_or(is_member, |source| source == CRATES_IO);
    let found = source.unwrap_or("a folder outside of the workspace");
    (!is_allowed).then(|| {
        format!("comes from {found}, expected Cargo's default registry; take a release from there")
    })
}

impl Lists {
    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse().context("deny.toml")?;
        let licences = strings(&table, &["licenses", "allow"])?;
        let licences = licences.iter().map(|name| {
            let parsed = Licensee::parse(name);
            parsed.with_context(|| format!("deny.toml: {name:?} is not an SPDX licence"))
        });
        Ok(Self {
            licences: licences.collect::<Result<_>>()?,
            build_scripts: strings(&table, &["bans", "build", "allow-build-scripts"])?,
        })
    }

    fn refuse_package(&self, package: &Package) -> Vec<String> {
        let mut messages = Vec::from_iter(self.refuse_licence(package.license.as_deref()));
        if package.has_build_script() {
            messages.extend(self.refuse_build_script(&package.name));
        }
        messages
    }

    /// What is wrong with a package's SPDX expression; `A/B` is read as `A OR B`, as cargo-deny does.
    fn refuse_licence(&self, licence: Option<&str>) -> Option<String> {
        let Some(licence) = licence else {
            return Some("states no licence; do without it".to_owned());
        };
        let expression = match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) => expression,
            Err(error) => return Some(format!("is under {licence:?}: {}", error.reason)),
        };
        let is_allowed = expression.evaluate(|needed| {
            self.licences
                .iter()
                .any(|allowed| allowed.satisfies(needed))
        });
        (!is_allowed).then(|| {
            format!(
                "is under {licence:?}, expected what [licenses] in deny.toml allows; \
                 read that licence and add it there, or do without the package"
            )
        })
    }

    fn refuse_build_script(&self, name: &str) -> Option<String> {
        (!self.build_scripts.iter().any(|allowed| allowed == name)).then(|| {
            "has a build script that [bans.build] in deny.toml does not list; \
             read it, and add the package there if it downloads nothing"
                .to_owned()
        })
    }
}

/// The list of strings at `path` of deny.toml.
fn strings(table: &toml::Table, path: &[&str]) -> Result<Vec<String>> {
    let (first, rest) = path.split_first().context("the path of a list is empty")?;
    let value = rest
        .iter()
        .try_fold(table.get(*first), |value, key| Some(value?.get(key)))
        .flatten()
        .with_context(|| format!("deny.toml: no list {}; add it", path.join(".")))?;
    let list = value.clone().try_into();
    list.with_context(|| format!("deny.toml: {}, expected a list of strings", path.join(".")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\"]\n\
        [bans.build]\nallow-build-scripts = [\"ring\"]\n";

    fn lists() -> Lists {
        Lists::parse(DENY).unwrap()
    }

    #[test]
    fn a_release_from_the_default_registry_and_a_member_pass() {
        let lock = std::fs::read_to_string(crate::workspace::root().join(LOCK)).unwrap();
        let packages = locked_packages(&lock).unwrap();
        let serde = packages.into_iter().find(|package| package.name == "serde");
        assert_eq!(refuse_source(serde.unwrap().source.as_deref(), false), None);
        assert_eq!(refuse_source(None, true), None);
    }

    #[test]
    fn git_other_registries_and_other_folders_are_refused() {
        for source in [
            Some("git+https://example.org/index?rev=1#1"),
            Some("registry+https://example.org/other"),
            None,
        ] {
            let said = refuse_source(source, false).unwrap();
            assert!(said.contains(source.unwrap_or("a folder")), "{said}");
        }
    }

    #[test]
    fn one_side_of_an_or_and_both_of_an_and_must_be_allowed() {
        for licence in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "MIT AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(lists().refuse_licence(Some(licence)), None, "{licence}");
        }
        for licence in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "MIT WITH LLVM-exception",
            "Mine",
        ] {
            let said = lists().refuse_licence(Some(licence)).unwrap();
            assert!(said.contains(licence), "{said}");
        }
        let said = lists().refuse_licence(None).unwrap();
        assert!(said.contains("no licence"), "{said}");
    }

    #[test]
    fn a_build_script_that_is_not_listed_is_refused() {
        assert_eq!(lists().refuse_build_script("ring"), None);
        let said = lists().refuse_build_script("rings").unwrap();
        assert!(said.contains("build script"), "{said}");
    }

    #[test]
    fn a_violation_names_the_package_at_its_line_of_the_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n\n\
            [[package]]\nname = \"a\"\nversion = \"2.0.0\"\nsource = \"git+https://example.org/a#1\"\n";
        let found = refused_sources(lock, |name| name == "a").unwrap();
        let said: Vec<_> = found.iter().map(Violation::to_string).collect();
        assert_eq!(said.len(), 1, "{said:?}");
        let start = "Cargo.lock:8: a 2.0.0 comes from git+https://example.org/a#1";
        assert!(said[0].starts_with(start), "{said:?}");
    }

    #[test]
    fn a_list_that_is_missing_or_no_list_is_an_error_that_names_it() {
        for (old, new) in [("[bans.build]", "[bans]"), ("[\"ring\"]", "\"ring\"")] {
            let error = Lists::parse(&DENY.replace(old, new)).err().unwrap();
            let said = format!("{error:#}");
            assert!(said.contains("bans.build.allow-build-scripts"), "{said}");
        }
    }

    /// A workspace of one package under Zlib with a build script, locked at version 1.0.0.
    fn workspace_at(version: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| std::fs::write(root.path().join(path), text).unwrap();
        let package = format!("name = \"a\"\nversion = \"{version}\"\nlicense = \"Zlib\"\n");
        std::fs::create_dir(root.path().join("src")).unwrap();
        put("src/lib.rs", "");
        put("build.rs", "fn main() {}");
        put("Cargo.toml", &format!("[package]\n{package}"));
        put(
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\n",
        );
        put("deny.toml", DENY);
        root
    }

    #[test]
    fn a_workspace_is_held_against_its_deny_toml() {
        let found = check(workspace_at("1.0.0").path()).unwrap();
        let said: Vec<_> = found.iter().map(Violation::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        for (said, start) in said.iter().zip(["is under \"Zlib\"", "has a build script"]) {
            assert!(
                said.starts_with(&format!("Cargo.lock:4: a 1.0.0 {start}")),
                "{said}"
            );
        }
    }

    #[test]
    fn a_lock_file_that_is_not_current_is_a_violation() {
        let found = check(workspace_at("1.0.1").path()).unwrap();
        assert!(
            found.len() == 1 && found[0].message.contains("--locked"),
            "{found:?}"
        );
    }
}
