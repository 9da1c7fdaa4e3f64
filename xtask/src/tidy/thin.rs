//! The command line is thin: little code, and no other crate speaks of flags.

use super::Violation;

/// The command line's sources.
const CLI: &str = "crates/gan-cli/src/";

/// All their lines; unit tests, at the end of a file, do not count.
const MOST_LINES: usize = 2500;

/// The lines of a command, beside those of its arguments.
const MOST_LINES_OF_A_COMMAND: usize = 150;

/// Crates of the command line's business.
const CLI_CRATES: [&str; 2] = ["clap", "indicatif"];

/// Checks the sources, each with its path from the workspace.
pub(super) fn check(sources: &[(String, String)]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut lines = 0;
    for (path, text) in sources {
        if path.starts_with(CLI) {
            lines += code(text).lines().count();
            violations.extend(long_command(path, code(text)));
        } else if path.starts_with("crates/") && path.contains("/src/") {
            violations.extend(command_line_words(path, text));
        }
    }
    if lines > MOST_LINES {
        let message = format!(
            "{lines} lines in all, at most {MOST_LINES}; move what another front end could use to \
             gan-run or gan-eval"
        );
        violations.push(Violation::new(CLI, 1, message));
    }
    violations
}

fn long_command(path: &str, text: &str) -> Option<Violation> {
    if !path.contains("/commands/") {
        return None;
    }
    let mut in_arguments = false;
    let beside = text.lines().filter(|line| {
        in_arguments |= line.starts_with("#[derive(clap::Args)]");
        let counts = !in_arguments;
        in_arguments &= *line != "}";
        counts
    });
    let lines = beside.count();
    (lines > MOST_LINES_OF_A_COMMAND).then(|| {
        let message = format!(
            "{lines} lines beside the arguments, at most {MOST_LINES_OF_A_COMMAND}; a command turns \
             arguments into calls and prints what they return"
        );
        Violation::new(path, 1, message)
    })
}

/// Flags, the program's name and its crates in code that is not a test.
fn command_line_words(path: &str, text: &str) -> Vec<Violation> {
    let lines = code(text).lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    let mut violations = Vec::new();
    for (index, line) in lines {
        let used = |name: &str| {
            line.contains(&format!("{name}::")) || line.contains(&format!("use {name}"))
        };
        let found = if spells_a_flag(line) {
            "a flag"
        } else if line.contains("gan-cli") {
            "the name of the program"
        } else if CLI_CRATES.into_iter().any(used) {
            "a crate of the command line"
        } else {
            continue;
        };
        let message = format!(
            "{found} outside gan-cli; name the configuration's key in backticks, such as `train.lr`, \
             which the command line spells as its flag"
        );
        violations.push(Violation::new(path, index + 1, message));
    }
    violations
}

/// A file without its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

/// `--` before a lower-case letter.
fn spells_a_flag(line: &str) -> bool {
    line.match_indices("--").any(|(place, _)| {
        let next = line[place + 2..].chars().next();
        next.is_some_and(|next| next.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<(usize, String)> {
        let violations = check(&[(path.to_string(), text.to_string())]).into_iter();
        violations
            .map(|violation| (violation.line, violation.message))
            .collect()
    }

    #[test]
    fn the_command_line_has_2500_lines_at_most() {
        let text = |lines: usize| "// line\n".repeat(lines);
        assert_eq!(found("crates/gan-cli/src/a.rs", &text(2500)), []);
        let over = found("crates/gan-cli/src/a.rs", &text(2501));
        assert!(over[0].1.starts_with("2501 lines in all"), "{over:?}");
        assert_eq!(found("crates/gan-run/src/a.rs", &text(2501)), []);
    }

    #[test]
    fn a_command_is_short_beside_its_arguments() {
        let arguments = format!(
            "#[derive(clap::Args)]\nstruct A {{\n{}}}\n",
            "a: u8,\n".repeat(90)
        );
        let command = |lines: usize| format!("{arguments}{}", "// line\n".repeat(lines));
        let path = "crates/gan-cli/src/commands/a.rs";
        assert_eq!(found(path, &command(150)), []);
        assert!(
            found(path, &command(151))[0]
                .1
                .starts_with("151 lines beside")
        );
    }

    #[test]
    fn a_library_names_keys_and_not_flags() {
        let path = "crates/gan-run/src/a.rs";
        for text in [
            "let a = \"give --force\";",
            "let a = \"gan-cli train\";",
            "use clap::Args;",
            "fn a(bar: indicatif::ProgressBar) {}",
        ] {
            assert_eq!(found(path, text).len(), 1, "{text}");
            assert_eq!(found("crates/gan-cli/src/a.rs", text), [], "{text}");
        }
        for text in [
            "/// `--force` of the program gan-cli.",
            "let a = \"`train.lr` -- or\";",
            "#[cfg(test)]\nmod tests { const A: &str = \"--force\"; }",
        ] {
            assert_eq!(found(path, text), [], "{text}");
        }
    }
}
