//! Each Cargo.toml takes its lints and the versions of its dependencies from the root.

use anyhow::{Context, Result};
use toml::de::{DeTable, DeValue};

use super::Violation;

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// A dependency's name, the offset of its key and whether it takes its version from the root.
struct Dependency<'a> {
    name: &'a str,
    offset: usize,
    inherits: bool,
}

/// Checks one member's manifest.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => return vec![Violation::new(path, 1, format!("not TOML: {error}"))],
    };
    let mut violations = Vec::new();
    if !table
        .get("lints")
        .is_some_and(|lints| is_inherited(lints.get_ref()))
    {
        let message = "does not use the workspace's lints; add `[lints]` with `workspace = true`";
        violations.push(Violation::new(path, 1, message));
    }
    for Dependency {
        name,
        offset,
        inherits,
    } in dependencies(&table)
    {
        if !inherits {
            let message = format!(
                "{name} does not take its version from the root; write `{name}.workspace = true` \
                 and put the version into [workspace.dependencies] of the root Cargo.toml"
            );
            violations.push(Violation::new(path, line_at(text, offset), message));
        }
    }
    violations
}

/// `[workspace.package] version` of the root manifest.
pub(super) fn workspace_version(text: &str) -> Result<String> {
    let table: toml::Table = text.parse().context("Cargo.toml")?;
    let version = table
        .get("workspace")
        .and_then(|t| t.get("package")?.get("version")?.as_str());
    Ok(version
        .context("Cargo.toml: no [workspace.package] version; add one")?
        .to_owned())
}

/// The line, from 1, on which `text` names `name` as something other than a dev-dependency.
pub(super) fn line_of_dependency(text: &str, name: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let found = dependencies(&table)
        .into_iter()
        .find(|dependency| dependency.name == name)?;
    Some(line_at(text, found.offset))
}

/// The dependencies of a manifest: normal ones first, those of `[target.…]` last.
fn dependencies<'a>(table: &'a DeTable<'_>) -> Vec<Dependency<'a>> {
    let targets = table
        .get("target")
        .and_then(|target| target.get_ref().as_table());
    let targets = targets.into_iter().flat_map(|targets| targets.values());
    let targets = targets.filter_map(|target| target.get_ref().as_table());
    let tables: Vec<&DeTable<'_>> = std::iter::once(table).chain(targets).collect();
    let mut found = Vec::new();
    for (kind, table) in KINDS
        .iter()
        .flat_map(|kind| tables.iter().map(move |table| (kind, table)))
    {
        let Some(entries) = table
            .get(*kind)
            .and_then(|entries| entries.get_ref().as_table())
        else {
            continue;
        };
        found.extend(entries.iter().map(|(key, value)| Dependency {
            name: key.get_ref(),
            offset: key.span().start,
            inherits: is_inherited(value.get_ref()),
        }));
    }
    found
}

fn is_inherited(value: &DeValue<'_>) -> bool {
    value
        .get("workspace")
        .and_then(|flag| flag.get_ref().as_bool())
        == Some(true)
}

fn line_at(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\n\n[lints]\nworkspace = true\n\n\
        [dependencies]\nserde.workspace = true\ntoml = { workspace = true, optional = true }\n";

    fn lines(text: &str) -> Vec<usize> {
        check("Cargo.toml", text)
            .iter()
            .map(|violation| violation.line)
            .collect()
    }

    #[test]
    fn a_manifest_that_takes_all_from_the_root_passes() {
        assert_eq!(check("Cargo.toml", GOOD), []);
    }

    #[test]
    fn versions_outside_the_root_are_found_in_every_table() {
        for header in [
            "dev-dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
            "target.'cfg(unix)'.dev-dependencies",
        ] {
            for entry in [
                "rand = \"0.9\"",
                "rand = { path = \"../rand\" }",
                "rand.version = \"1\"",
            ] {
                let text = format!("{GOOD}\n[{header}]\nserde.workspace = true\n{entry}\n");
                assert_eq!(lines(&text), [13], "{text}");
            }
        }
        let text = GOOD.replace("serde.workspace = true", "serde = \"1\"");
        assert_eq!(lines(&text), [8]);
    }

    #[test]
    fn a_manifest_without_the_workspaces_lints_is_a_violation() {
        for lints in [
            "",
            "[lints]\nworkspace = false\n",
            "[lints.rust]\nmissing_docs = \"allow\"\n",
        ] {
            let text = GOOD.replace("[lints]\nworkspace = true\n", lints);
            let found = check("Cargo.toml", &text);
            assert!(
                found.len() == 1 && found[0].message.contains("[lints]"),
                "{found:?}"
            );
        }
    }

    #[test]
    fn a_manifest_that_is_not_toml_is_a_violation() {
        assert!(
            check("Cargo.toml", "[lints")[0]
                .message
                .starts_with("not TOML")
        );
    }

    #[test]
    fn the_line_of_a_dependency_is_that_of_its_key() {
        assert_eq!(line_of_dependency(GOOD, "toml"), Some(9));
        assert_eq!(line_of_dependency(GOOD, "name"), None);
    }

    #[test]
    fn the_workspaces_version_is_read_and_its_absence_is_an_error() {
        let text = "[workspace.package]\nversion = \"0.3.1\"\n";
        assert_eq!(workspace_version(text).unwrap(), "0.3.1");
        workspace_version("[workspace]\nmembers = []\n").unwrap_err();
    }
}
