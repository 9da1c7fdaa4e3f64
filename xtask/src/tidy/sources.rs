//! Rules for each .rs file: its length, its first line, and where `unsafe` is allowed.

use proc_macro2::{TokenStream, TokenTree};

use super::Violation;

const MOST_LINES: usize = 500;

/// The only crate whose sources may use `unsafe`.
const UNSAFE_HOME: &str = "crates/gan-ops/";

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
    if !path.starts_with(UNSAFE_HOME) {
        violations.extend(unsafe_words(&path, text));
    }
    violations
}

/// The keyword as the compiler sees it: not in comments, strings or longer words.
fn unsafe_words(path: &str, text: &str) -> Vec<Violation> {
    let tokens: TokenStream = match text.parse() {
        Ok(tokens) => tokens,
        Err(error) => return vec![Violation::new(path, 1, format!("not Rust: {error}"))],
    };
    let mut lines = Vec::new();
    collect_unsafe(tokens, &mut lines);
    let message = format!(
        "`unsafe` outside {UNSAFE_HOME}; write it safely, \
         or give gan-ops an operation with a safe interface"
    );
    lines
        .into_iter()
        .map(|line| Violation::new(path, line, message.as_str()))
        .collect()
}

fn collect_unsafe(tokens: TokenStream, lines: &mut Vec<usize>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_unsafe(group.stream(), lines),
            TokenTree::Ident(word) if word == "unsafe" => lines.push(word.span().start().line),
            _ => {}
        }
    }
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
    fn the_keyword_unsafe_is_found_wherever_it_is_code() {
        for code in [
            "fn f() { let _ = unsafe { g() }; }",
            "unsafe fn g() {}",
            "unsafe impl Send for A {}",
            "#[unsafe(no_mangle)] fn h() {}",
            "macro_rules! m { () => { [unsafe { g() }] }; }",
        ] {
            let said = found("crates/gan-core/src/a.rs", &format!("//! A.\n\n{code}\n"));
            assert!(said.len() == 1 && said[0].0 == 3, "{code}: {said:?}");
            assert!(said[0].1.contains("`unsafe` outside"), "{said:?}");
        }
    }

    #[test]
    fn gan_ops_alone_may_say_unsafe() {
        let text = "//! A.\nunsafe fn g() {}\n";
        assert_eq!(found("crates/gan-ops/src/a.rs", text), []);
        assert_eq!(found("crates/gan-ops-more/src/a.rs", text).len(), 1);
        assert_eq!(found("tests/gan-ops/a.rs", text).len(), 1);
    }

    #[test]
    fn the_word_in_comments_strings_and_longer_names_is_no_keyword() {
        let text = "//! No unsafe here.\n#![forbid(unsafe_code)]\n/* unsafe /* unsafe */ */\n\
            /// unsafe\nfn is_unsafe() -> [&'static str; 2] { [\"unsafe {\", r#\"\"unsafe\"#] }\n\
            // unsafe {\nfn quote<'a>() -> char { '\"' }\n";
        assert_eq!(found("crates/gan-core/src/a.rs", text), []);
    }

    #[test]
    fn a_file_that_is_not_rust_is_a_violation() {
        let said = found("xtask/a.rs", "//! A.\nfn f( {\n");
        assert!(said[0].1.starts_with("not Rust"), "{said:?}");
    }
}
