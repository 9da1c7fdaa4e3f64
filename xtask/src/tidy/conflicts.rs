//! No text has the marks of a merge conflict: a compiler refuses them in code, but nothing does in prose.

use super::Violation;

/// One violation per line that git left to mark a conflict's side.
pub(super) fn check(path: &str, text: &str) -> Vec<Violation> {
    let marked = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    (text.lines().enumerate())
        .filter(|(_, line)| marked(line))
        .map(|(index, _)| {
            let message = "a mark of a merge conflict; resolve it and delete the marks";
            Violation::new(path, index + 1, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_conflict_are_found_and_headings_and_quotes_are_not() {
        let text = "Title\n=======\n<<<<<<< HEAD\n> quoted\n=======\n>>>>>>> fuzz\n";
        let lines: Vec<_> = check("a.md", text).iter().map(|found| found.line).collect();
        assert_eq!(lines, [3, 6]);
    }
}
