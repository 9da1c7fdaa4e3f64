//! The allowed dependencies between the workspace's crates; dev-dependencies are exempt.

use super::Violation;
use super::manifests::line_of_dependency;
use crate::metadata::{Metadata, Package};

enum Allowed {
    Only(&'static [&'static str]),
    Any,
}

/// A leaf depends on no other leaf; gan-eval and gan-run connect them.
const ARROWS: &[(&str, Allowed)] = &[
    ("gan-core", Allowed::Only(&[])),
    ("gan-ops", Allowed::Only(&["gan-core"])),
    ("gan-models", Allowed::Only(&["gan-core", "gan-ops"])),
    ("gan-train", Allowed::Only(&["gan-core", "gan-ops"])),
    ("gan-cuda", Allowed::Only(&["gan-core", "gan-train"])),
    ("gan-data", Allowed::Only(&["gan-core"])),
    ("gan-sample", Allowed::Only(&["gan-core"])),
    ("gan-metrics", Allowed::Only(&["gan-core", "gan-ops"])),
    (
        "gan-text",
        Allowed::Only(&["gan-core", "gan-ops", "gan-train"]),
    ),
    (
        "gan-text-metrics",
        Allowed::Only(&["gan-core", "gan-metrics"]),
    ),
    (
        "gan-eval",
        Allowed::Only(&[
            "gan-core",
            "gan-data",
            "gan-metrics",
            "gan-models",
            "gan-ops",
            "gan-sample",
            "gan-text",
            "gan-text-metrics",
            "gan-train",
        ]),
    ),
    (
        "gan-run",
        Allowed::Only(&[
            "gan-core",
            "gan-cuda",
            "gan-data",
            "gan-eval",
            "gan-metrics",
            "gan-models",
            "gan-ops",
            "gan-sample",
            "gan-text",
            "gan-train",
        ]),
    ),
    ("gan-cli", Allowed::Any),
    ("xtask", Allowed::Only(&[])),
];

const TABLE: &str = "the table of arrows in xtask/src/tidy/arrows.rs";

/// Checks the arrows of one package, whose manifest at `path` reads `text`.
pub(super) fn check(
    metadata: &Metadata,
    package: &Package,
    path: &str,
    text: &str,
) -> Vec<Violation> {
    let members = metadata.members();
    let siblings: Vec<&str> = package
        .dependencies
        .iter()
        .filter(|dependency| !dependency.is_for_tests())
        .map(|dependency| dependency.name.as_str())
        .filter(|&name| members.iter().any(|member| member.name == name))
        .collect();
    forbidden(&package.name, &siblings)
        .into_iter()
        .map(|(sibling, message)| {
            let line = sibling
                .and_then(|name| line_of_dependency(text, name))
                .unwrap_or(1);
            Violation::new(path, line, message)
        })
        .collect()
}

/// The siblings on which `name` must not depend, each with a message; no sibling if `name` itself is
/// unknown.
fn forbidden<'a>(name: &str, siblings: &[&'a str]) -> Vec<(Option<&'a str>, String)> {
    match ARROWS.iter().find(|(known, _)| *known == name) {
        None => vec![(None, format!("crate {name} is unknown; add it to {TABLE}"))],
        Some((_, Allowed::Any)) => Vec::new(),
        Some((_, Allowed::Only(allowed))) => {
            let may = if allowed.is_empty() {
                "no crate of the workspace".to_owned()
            } else {
                allowed.join(", ")
            };
            let said = |sibling| {
                format!(
                    "{name} depends on {sibling}, may only depend on {may}; \
                     use a trait object or an iterator, and connect the two in gan-run"
                )
            };
            let wrong = siblings.iter().filter(|sibling| !allowed.contains(sibling));
            wrong
                .map(|&sibling| (Some(sibling), said(sibling)))
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arrows_of_the_design_pass() {
        for (name, siblings) in [
            ("gan-core", vec![]),
            ("gan-models", vec!["gan-core", "gan-ops"]),
            ("gan-train", vec!["gan-core", "gan-ops"]),
            ("gan-data", vec!["gan-core"]),
            ("gan-metrics", vec!["gan-ops"]),
            (
                "gan-cli",
                vec![
                    "gan-core",
                    "gan-data",
                    "gan-models",
                    "gan-train",
                    "gan-metrics",
                ],
            ),
        ] {
            assert_eq!(forbidden(name, &siblings), [], "{name}");
        }
    }

    #[test]
    fn an_arrow_between_leaves_is_named() {
        for (name, sibling) in [
            ("gan-core", "gan-ops"),
            ("gan-ops", "gan-train"),
            ("gan-data", "gan-ops"),
            ("gan-train", "gan-models"),
            ("gan-sample", "gan-data"),
            ("gan-metrics", "gan-sample"),
            ("xtask", "gan-core"),
        ] {
            let found = forbidden(name, &["gan-core", sibling]);
            let said = found.iter().find(|(found, _)| *found == Some(sibling));
            let (_, message) = said.unwrap_or_else(|| panic!("{name} -> {sibling} passed"));
            assert!(
                message.contains(&format!("{name} depends on {sibling}")),
                "{message}"
            );
        }
    }

    #[test]
    fn an_unknown_crate_is_sent_to_the_table() {
        let found = forbidden("gan-new", &[]);
        assert!(
            found[0].1.contains("gan-new is unknown; add it to"),
            "{found:?}"
        );
    }
}
