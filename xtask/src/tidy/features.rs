//! Whoever has run `cargo run -p gan-cli` must not wait again for the same packages at `cargo test --workspace`:
//! both commands build each of them with the same features.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Violation;
use crate::cargo;

/// Of each package, as its name and version, the features it is built with, separated by commas; several
/// lists if the programs that run at build time need others.
type Features = BTreeMap<String, BTreeSet<String>>;

/// Checks the workspace at `root`, which has a member `gan-cli`.
pub(super) fn check(root: &Path) -> Vec<Violation> {
    let read = |options| tree(root, options).map(|text| features(&text));
    let violation = |said| Violation::new("Cargo.toml", 1, said);
    let messages = read("-p gan-cli -e normal,build")
        .and_then(|run| {
            Ok(compiled_again(
                &run,
                &read("--workspace -e normal,build,dev")?,
            ))
        })
        .unwrap_or_else(|error| vec![format!("{error:#}")]);
    messages.into_iter().map(violation).collect()
}

/// The packages that a command builds, one a line.
fn tree(root: &Path, options: &str) -> Result<String> {
    let mut command = cargo::command("tree --locked --prefix none -f {p}|{f}| --manifest-path");
    command
        .arg(root.join("Cargo.toml"))
        .args(options.split(' '));
    let output = command.output().context(cargo::CANNOT_START)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cargo tree: {}", said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Reads lines such as `serde v1.0.0|default,std|`, which may go on with the remark `(*)`, or with a folder
/// before the first bar if the package is a member.
fn features(tree: &str) -> Features {
    let mut found = Features::new();
    for line in tree.lines() {
        if let Some((package, rest)) = line.split_once('|')
            && let Some((features, _)) = rest.split_once('|')
        {
            let lists = found.entry(package.to_owned()).or_default();
            lists.insert(features.to_owned());
        }
    }
    found
}

/// A message for each package that is built by both commands, and by `test` in another way than by `run`.
fn compiled_again(run: &Features, test: &Features) -> Vec<String> {
    let shown = |lists: &BTreeSet<String>| {
        let lists: Vec<_> = lists.iter().map(|list| format!("[{list}]")).collect();
        lists.join(" and ")
    };
    let differs = |package: &str, lists| test.get(package).filter(|also| !also.is_subset(lists));
    run.iter()
        .filter_map(|(package, lists)| {
            let others = differs(package, lists)?;
            Some(format!(
                "`cargo test --workspace` builds {package} with the features {}, `cargo run -p gan-cli` with {}: \
                 whatever depends on it is compiled twice; name the features in [workspace.dependencies]",
                shown(others),
                shown(lists)
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "gan-cli v0.1.0 (/w/crates/gan-cli)||\nserde v1.0.0|default,std|\n\
        syn v2.0.0|full|\nsyn v3.0.0||\nserde v1.0.0|default,std| (*)\n";

    fn said(test: &str) -> Vec<String> {
        compiled_again(&features(RUN), &features(test))
    }

    #[test]
    fn equal_features_and_packages_of_one_command_alone_pass() {
        assert_eq!(said(RUN), [""; 0]);
        assert_eq!(
            said("serde v1.0.0|default,std|\nproptest v1.0.0|std|\n"),
            [""; 0]
        );
        assert_eq!(said("syn v4.0.0|full|\n"), [""; 0]);
    }

    #[test]
    fn a_package_that_the_tests_build_with_other_features_is_named() {
        let said = said("syn v3.0.0|full|\nserde v1.0.0|default,std|\nserde v1.0.0|std|\n");
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].contains("serde v1.0.0 with the features [default,std] and [std]"));
        assert!(
            said[1].contains("syn v3.0.0 with the features [full]") && said[1].contains("with []:")
        );
    }

    #[test]
    fn a_workspace_without_a_lock_file_is_a_violation() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("src")).unwrap();
        std::fs::write(root.path().join("src/lib.rs"), "").unwrap();
        let manifest = "[package]\nname = \"gan-cli\"\n[dependencies]\na = { path = \"a\" }\n";
        std::fs::write(root.path().join("Cargo.toml"), manifest).unwrap();
        let found = check(root.path());
        assert!(
            found.len() == 1 && found[0].message.starts_with("cargo tree:"),
            "{found:?}"
        );
    }
}
