//! Names as they may be written to a terminal.

use std::path::Path;

/// The path, with control characters written as Rust does (`\u{1b}`), so that no name of a file
/// moves the cursor.
pub(crate) fn shown(path: &Path) -> String {
    shown_text(&path.to_string_lossy())
}

/// The same for other text.
pub(crate) fn shown_text(text: &str) -> String {
    if text.contains(char::is_control) {
        text.escape_debug().to_string()
    } else {
        text.to_string()
    }
}

/// With commas between the thousands: 60,000.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_else() {
        assert_eq!(shown_text("a b\\ß"), "a b\\ß");
        assert_eq!(shown_text("\u{1b}[2J\n"), "\\u{1b}[2J\\n");
    }

    #[test]
    fn thousands_are_set_apart() {
        let text = [0, 999, 1_000, 60_000, 1_234_567].map(thousands);
        assert_eq!(text, ["0", "999", "1,000", "60,000", "1,234,567"]);
    }
}
