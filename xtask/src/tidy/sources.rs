//! Rules for each .rs file: its length, its first line, and where `unsafe` may be allowed.

use super::Violation;

const MOST_LINES: usize = 500;

/// The only crates whose sources may use `unsafe`: inner loops, and launches on a GPU.
const UNSAFE_HOMES: [&str; 2] = ["crates/gan-ops/", "crates/gan-cuda/"];

/// The lint by which the compiler refuses `unsafe`, in two parts so that this file does not name it.
const LINT: &str = concat!("unsafe", "_code");

/// Checks the file at `path`, relative to the workspace and written with slashes.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let path = path.replace('\\', "/");
    let mut violations = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        let message =
            format!("{lines} lines, at most {MOST_LINES}; split it where its second idea begins");
        violations.push(Violation::new(&path, MOST_LINES + 1, message));
    }
    if !text.starts_with("//!") {
        let message = "does not begin with `//!`; describe the file in one or two sentences";
        violations.push(Violation::new(&path, 1, message));
    }
    if !UNSAFE_HOMES.iter().any(|home| path.starts_with(home)) {
        violations.extend(mentions_of_the_lint(&path, text));
    }
    violations
}

/// The lines that change the lint's level, or could: the workspace sets it to `deny`.
fn mentions_of_the_lint(path: &str, text: &str) -> Vec<Violation> {
    let message = format!(
        "{LINT} outside {}; leave that lint as the workspace has it, \
         or give one of them an operation with a safe interface",
        UNSAFE_HOMES.join(" and ")
    );
    let lines = text.lines().enumerate();
    lines
        .filter(|(_, line)| line.contains(LINT))
        .map(|(index, _)| Violation::new(path, index + 1, message.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let violations = check(path, text).into_iter();
        violations
            .map(|violation| (violation.line, violation.message))
            .collect()
    }

    #[test]
    fn five_hundred_lines_pass_and_one_more_does_not() {
        let text = |lines: usize| format!("//! Long.\n{}", "// line\n".repeat(lines - 1));
        assert_eq!(found("xtask/a.rs", &text(500)), []);
        let over = found("xtask/a.rs", &text(501));
        assert!(over.len() == 1 && over[0].0 == 501, "{over:?}");
        assert!(over[0].1.starts_with("501 lines, at most 500"), "{over:?}");
    }

    #[test]
    fn a_file_must_begin_with_its_module_docs() {
        for text in [
            "",
            "\n//! Late.\n",
            "// Plain.\n",
            "/// Outer.\nstruct A;\n",
            "mod a;\n",
        ] {
            let said = found("xtask/a.rs", text);
            assert!(
                said.len() == 1 && said[0].1.contains("`//!`"),
                "{text}: {said:?}"
            );
        }
    }

    #[test]
    fn two_crates_alone_may_change_the_lint() {
        let text = format!("//! A.\n\n#![cfg_attr(test, allow({LINT}))]\n");
        for path in ["crates/gan-ops/src/a.rs", "crates/gan-cuda/src/a.rs"] {
            assert_eq!(found(path, &text), []);
        }
        for path in [
            "crates/gan-core/src/a.rs",
            "crates/gan-ops-more/src/a.rs",
            "tests/gan-ops/a.rs",
        ] {
            let said = found(path, &text);
            assert!(said.len() == 1 && said[0].0 == 3, "{path}: {said:?}");
            assert!(
                said[0].1.contains("outside crates/gan-ops/ and"),
                "{said:?}"
            );
        }
    }

    #[test]
    fn the_compiler_refuses_what_the_lint_says_where_nothing_allows_it() {
        let root = std::fs::read_to_string(crate::workspace::root().join("Cargo.toml")).unwrap();
        let root: toml::Table = root.parse().unwrap();
        let level = &root["workspace"]["lints"]["rust"][LINT];
        assert_eq!(level.as_str(), Some("deny"));
    }
}
