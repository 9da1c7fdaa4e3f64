//! Lines that fit a terminal of 80 columns.

use std::iter::once;

/// The width that every terminal has.
const COLUMNS: usize = 80;

/// Breaks a sentence between words into lines of at most 80 characters; those after the first are indented.
/// A command, in backticks, is not broken.
pub fn wrapped(text: &str) -> String {
    let body = text.trim_start_matches(' ');
    let lead = text.len() - body.len();
    let mut inside = false;
    let mut words = body.split(|letter| {
        inside ^= letter == '`';
        letter == ' ' && !inside
    });
    let first = words.next().map_or(0, str::len);
    packed(once(&text[..lead + first]).chain(words), " ", lead + 2)
}

/// Joins `parts` with `gap` between them, on as many lines as needed. Lines after the first start with
/// `indent` spaces; no part is broken.
pub fn packed<'a>(parts: impl IntoIterator<Item = &'a str>, gap: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for part in parts {
        let width = part.chars().count();
        if column > 0 && column + gap.len() + width > COLUMNS {
            text += &format!("\n{:indent$}", "");
            column = indent;
        } else if column > 0 {
            text += gap;
            column += gap.len();
        }
        text += part;
        column += width;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words_and_commands_are_not() {
        let (word, command) = ("word ".repeat(14), "`gan-cli train --resume run`");
        let text = format!("  {word}and {command}");
        let expected = format!("  {word}and\n    {command}");
        assert_eq!(wrapped(&text), expected);
        assert_eq!(wrapped("  short  text"), "  short  text");
        assert_eq!(wrapped(""), "");
    }

    #[test]
    fn parts_fill_lines_of_80_columns_and_no_more() {
        let parts = [
            "a".repeat(38),
            "b".repeat(40),
            "c".repeat(90),
            "d".to_string(),
        ];
        let [a, b, c, d] = &parts;
        let text = packed(parts.iter().map(String::as_str), "  ", 3);
        assert_eq!(text, format!("{a}  {b}\n   {c}\n   {d}"));
    }
}
