//! Text that was encoded twice: UTF-8 that was read as Windows-1252 or Latin-1 and encoded again, `ì•ˆë…•` for `안녕`.

use encoding_rs::WINDOWS_1252;
use std::borrow::Cow;

/// What lines that were encoded twice hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DoubleEncoding {
    /// The lines that look so.
    pub lines: u64,
    /// Characters beyond ASCII that decoding once more gives back.
    pub restorable: u64,
    /// Characters that are lost: some of their bytes had no character in Windows-1252.
    pub lost: u64,
}

impl DoubleEncoding {
    /// Counts `line` if most of its characters beyond ASCII become one by decoding it once more.
    pub(crate) fn add(&mut self, line: &str) {
        let Some((restorable, lost)) =
            restored(line).filter(|(restorable, lost)| restorable > lost)
        else {
            return;
        };
        self.lines += 1;
        self.restorable += restorable;
        self.lost += lost;
    }
}

/// The characters beyond ASCII that decoding once more gives, and the failures; `None` if the line holds
/// what no reading as Windows-1252 gives.
fn restored(line: &str) -> Option<(u64, u64)> {
    if line.is_ascii() {
        return None;
    }
    // What a reader could not decode is U+FFFD, and no byte of UTF-8 is 0xff. The bytes without a character
    // are never the first of a character, so what is lost has its first.
    let bytes: Option<Vec<u8>> = line.chars().map(byte_of).collect();
    let (mut restored, mut lost) = (0, 0);
    for chunk in bytes?.utf8_chunks() {
        let beyond = chunk
            .valid()
            .chars()
            .filter(|character| !character.is_ascii());
        restored += beyond.count() as u64;
        lost += u64::from(matches!(chunk.invalid(), [0xc2..=0xf4, ..]));
    }
    Some((restored, lost))
}

/// The byte that Windows-1252, by the WHATWG's table, or Latin-1 reads as `character`.
fn byte_of(character: char) -> Option<u8> {
    match u32::from(character) {
        code @ 0..=0xff => Some(code as u8),
        0xfffd => Some(0xff),
        _ => {
            let mut room = [0; 4];
            let (bytes, _, unmappable) = WINDOWS_1252.encode(character.encode_utf8(&mut room));
            match bytes {
                Cow::Owned(bytes) if !unmappable => bytes.first().copied(),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(line: &str) -> DoubleEncoding {
        let mut counts = DoubleEncoding::default();
        counts.add(line);
        counts
    }

    /// What a reader of Windows-1252 makes of UTF-8, with `hole` for the five bytes without a character.
    fn misread(text: &str, hole: char) -> String {
        let read = |byte: u8| match byte {
            0x81 | 0x8d | 0x8f | 0x90 | 0x9d => hole.to_string(),
            byte => WINDOWS_1252.decode(&[byte]).0.into_owned(),
        };
        text.bytes().map(read).collect()
    }

    #[test]
    fn text_that_was_encoded_twice_is_recognised() {
        assert_eq!(misread("안녕", '?'), "ì•ˆë…•");
        for (text, restorable) in [("안녕", 2), ("café", 1), ("naïve “x”", 3), ("日本語 a", 3)]
        {
            let twice = WINDOWS_1252.decode(text.as_bytes()).0;
            let expected = DoubleEncoding {
                lines: 1,
                restorable,
                lost: 0,
            };
            assert_eq!(counted(&twice), expected, "{text}");
            let latin1: String = text.bytes().map(char::from).collect();
            assert_eq!(counted(&latin1), expected, "{text}");
        }
    }

    #[test]
    fn what_lost_bytes_is_counted_as_lost() {
        // 가 is EA B0 80, 각 is EA B0 81, whose last byte Windows-1252 does not have.
        let counts = counted(&misread("가가각", '\u{fffd}'));
        assert_eq!((counts.lines, counts.restorable, counts.lost), (1, 2, 1));
    }

    #[test]
    fn text_that_was_encoded_once_is_not() {
        for text in [
            "",
            "plain",
            "café naïve",
            "Ärger über Öl",
            "안녕 Ã©",
            "“quoted” – dash",
            "¡Olé! ½ §",
        ] {
            assert_eq!(counted(text), DoubleEncoding::default(), "{text}");
        }
    }
}
