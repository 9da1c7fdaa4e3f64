//! Text and paths as they may be written to a terminal.

use std::path::Path;

/// `text` with its control characters (C0, DEL and C1) written as Rust does, such as `\u{1b}` and `\n`,
/// so that no name in a file moves the cursor or begins a line. Shown text stays as it is when it is
/// shown again.
pub fn shown_text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || turns_text(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character changes the direction or the line of what follows it (Unicode UAX #9 and #14).
fn turns_text(character: char) -> bool {
    matches!(
        character,
        '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// The same for a path.
pub fn shown(path: &Path) -> String {
    shown_text(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(shown_text("a b\\ß'\""), "a b\\ß'\"");
        assert_eq!(
            shown_text("\u{1b}[2J\r\n\t\u{7f}\u{9b}'\\"),
            "\\u{1b}[2J\\r\\n\\t\\u{7f}\\u{9b}'\\"
        );
        assert_eq!(shown_text("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn what_was_shown_stays_as_it_is() {
        let once = shown_text("\u{1b}\n");
        assert_eq!(shown_text(&once), once);
    }
}
