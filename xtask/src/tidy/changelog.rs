//! The newest version in CHANGELOG.md is the version of the workspace.

use super::Violation;

/// Compares the first `## x.y.z` or `## [x.y.z]` of `text`; `## Unreleased` may come before it.
pub(super) fn check(path: &str, text: &str, version: &str) -> Option<Violation> {
    let todo = format!("write `## {version}` and what changed, or correct the root Cargo.toml");
    for (index, line) in text.lines().enumerate() {
        let Some(heading) = line.strip_prefix("## ") else {
            continue;
        };
        let word = heading.split_whitespace().next().unwrap_or_default();
        let found = word.trim_start_matches('[').trim_end_matches(']');
        if found.eq_ignore_ascii_case("unreleased") {
            continue;
        }
        let message = format!("newest version is {found:?}, expected {version}; {todo}");
        return (found != version).then(|| Violation::new(path, index + 1, message));
    }
    Some(Violation::new(
        path,
        1,
        format!("no version heading, expected {version}; {todo}"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(usize, String)> {
        check("CHANGELOG.md", text, "0.2.0").map(|violation| (violation.line, violation.message))
    }

    #[test]
    fn the_workspaces_version_passes_in_either_form() {
        for text in [
            "# Changelog\n\n## 0.2.0\n",
            "## [0.2.0] - 2026-01-01\n\n## [0.1.0]\n",
            "# Changelog\n\n## [Unreleased]\n\n- more\n\n## 0.2.0 (today)\n",
            "## Unreleased\n## 0.2.0\n",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }

    #[test]
    fn another_newest_version_is_a_violation_with_its_line() {
        let (line, message) = found("# Changelog\n\n## 0.1.0\n\n## 0.2.0\n").unwrap();
        assert_eq!(line, 3);
        assert!(message.contains("\"0.1.0\", expected 0.2.0"), "{message}");
    }

    #[test]
    fn a_changelog_without_a_version_is_a_violation() {
        for text in ["", "# Changelog\n", "## Unreleased\n", "### 0.2.0\n"] {
            assert!(
                found(text).unwrap().1.contains("no version heading"),
                "{text}"
            );
        }
    }
}
