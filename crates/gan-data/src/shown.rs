//! Names and numbers as they are shown in messages.

pub(crate) use gan_core::{shown, shown_text};

/// The number with commas as thousands separators: 60,000.
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
    fn thousands_are_set_apart() {
        let text = [0, 999, 1_000, 60_000, 1_234_567].map(thousands);
        assert_eq!(text, ["0", "999", "1,000", "60,000", "1,234,567"]);
    }
}
