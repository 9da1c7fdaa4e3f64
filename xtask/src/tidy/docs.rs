//! What the pages of the project promise: the README is short, and the tests that `docs/reliability.md`
//! names are there.

use super::Violation;

/// The README is for a newcomer.
const README_LINES: usize = 150;

/// Fewer underscores are those of other names, such as `evaluation_memory`.
const LEAST_UNDERSCORES: usize = 3;

/// What is wrong with a page, beside the sources of all tests.
pub(super) fn check(path: &str, text: &str, sources: &[String]) -> Vec<Violation> {
    match path {
        "README.md" => long_readme(path, text).into_iter().collect(),
        "docs/reliability.md" => missing_tests(path, text, sources),
        _ => Vec::new(),
    }
}

fn long_readme(path: &str, text: &str) -> Option<Violation> {
    let lines = text.lines().count();
    (lines > README_LINES).then(|| {
        Violation::new(
            path,
            README_LINES + 1,
            format!("{lines} lines, expected at most {README_LINES}; move details to docs/"),
        )
    })
}

fn missing_tests(path: &str, text: &str, sources: &[String]) -> Vec<Violation> {
    let mut missing = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let quoted = line.split('`').skip(1).step_by(2);
        for name in quoted.filter(|name| is_test(name)) {
            // A long name may be cut short.
            let function = match name.strip_suffix('…') {
                Some(start) => format!("fn {start}"),
                None => format!("fn {name}("),
            };
            if !sources.iter().any(|source| source.contains(&function)) {
                missing.push(Violation::new(
                    path,
                    number + 1,
                    format!("there is no test `{name}`; name the one that is meant"),
                ));
            }
        }
    }
    missing
}

fn is_test(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '…';
    name.chars().all(allowed) && name.matches('_').count() >= LEAST_UNDERSCORES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_of_150_lines_is_short_enough() {
        let text = "line\n".repeat(150);
        assert!(check("README.md", &text, &[]).is_empty());
        let found = check("README.md", &(text.clone() + "one more\n"), &[]);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.starts_with("151 lines"));
        assert!(check("docs/results.md", &text.repeat(2), &[]).is_empty());
    }

    #[test]
    fn tests_that_are_named_must_be_there() {
        let sources = ["fn a_run_goes_on() {}".to_string()];
        let named = |name: &str| check("docs/reliability.md", name, &sources).len();
        assert_eq!(named("| so | `resume.rs`, `a_run_goes_on` |"), 0);
        assert_eq!(named("`a_run_goes_…` and `evaluation_memory`"), 0);
        assert_eq!(named("`a_run_goes` and `a_run_goes_off`"), 1);
        assert_eq!(named("`a_run_that_…`"), 1);
    }
}
