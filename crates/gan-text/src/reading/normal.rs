//! The form of a text in which it is compared, divided into tokens and learned.

use std::borrow::Cow;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// `text` in NFC, in lower case if asked for, with one space for each run of white space and none at its
/// ends. So a text is one line. It is the same when it is normalised again.
pub(crate) fn normalised(text: &str, lowercase: bool) -> Cow<'_, str> {
    let cased = match lowercase {
        true => Cow::Owned(text.to_lowercase()),
        false => Cow::Borrowed(text),
    };
    let composed = match cased.is_ascii() || is_nfc(&cased) {
        true => cased,
        false => Cow::Owned(cased.nfc().collect()),
    };
    match composed {
        Cow::Borrowed(text) if !is_spaced(text.trim()) => Cow::Owned(spaced(text)),
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) if is_spaced(&text) => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(spaced(&text)),
    }
}

/// Whether all white space is single spaces between other characters.
fn is_spaced(text: &str) -> bool {
    let mut after_space = true;
    for character in text.chars() {
        let space = character.is_whitespace();
        if space && (after_space || character != ' ') {
            return false;
        }
        after_space = space;
    }
    !after_space || text.is_empty()
}

fn spaced(text: &str) -> String {
    let mut words = text.split_whitespace();
    let mut spaced = String::with_capacity(text.len());
    spaced.extend(words.next());
    for word in words {
        spaced.push(' ');
        spaced.push_str(word);
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn texts_are_composed_and_spaced() {
        for (text, expected) in [
            ("", ""),
            (" \t\u{3000}", ""),
            ("a b", "a b"),
            (" a\t\u{a0}b\r\n", "a b"),
            ("e\u{301}", "é"),
            ("\u{1112}\u{1161}\u{11ab}", "한"),
            ("Ab", "Ab"),
        ] {
            assert_eq!(normalised(text, false), expected, "{text:?}");
        }
        assert_eq!(normalised("ÀB", true), "àb");
    }

    proptest! {
        #[test]
        fn a_normal_text_stays_as_it_is(text in any::<String>(), lowercase in any::<bool>()) {
            let once = normalised(&text, lowercase);
            prop_assert_eq!(&normalised(&once, lowercase), &once);
            prop_assert!(is_nfc(&once) && is_spaced(&once));
        }
    }
}
