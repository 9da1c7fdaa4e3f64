//! The header of NumPy's `.npy` files (NumPy Enhancement Proposal 1): magic, version, the text's length, and
//! as text a Python dictionary of number type, order and shape.

use std::ops::Range;

/// The first bytes of each file.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Longer texts are refused, as NumPy does by default.
const MAX_TEXT_BYTES: usize = 10_000;

/// The bytes of a file that [`NpyHeader::parse`] needs at most.
pub(crate) const MAX_HEADER_BYTES: usize = 12 + MAX_TEXT_BYTES;

/// The numbers start at a multiple of this.
const ALIGNMENT_BYTES: usize = 64;

/// What a header says of the array behind it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NpyHeader {
    /// NumPy's name of the number type, such as `<f4`.
    pub(crate) number_type: String,
    /// Whether the first index, not the last, runs fastest.
    pub(crate) fortran_order: bool,
    /// The length of each dimension.
    pub(crate) shape: Vec<u64>,
    /// Where the numbers start in the file, in bytes.
    pub(crate) start: usize,
}

impl NpyHeader {
    /// Reads the header at the beginning of a file, of which `bytes` are the first [`MAX_HEADER_BYTES`], or
    /// all if it is shorter.
    ///
    /// # Errors
    /// What was found instead of a header.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let place = text_place(bytes)?;
        let start = place.end;
        let text = bytes.get(place).ok_or_else(too_short)?;
        std::str::from_utf8(text)
            .ok()
            .and_then(|text| Cursor(text).dictionary(start))
            .ok_or_else(|| {
                "no npy header (its text is not a dictionary of one number type, fortran_order and shape)"
                    .to_string()
            })
    }
}

fn too_short() -> String {
    "a file that ends within its npy header".to_string()
}

/// Where the header's text lies, which may be beyond the end of `bytes`.
fn text_place(bytes: &[u8]) -> Result<Range<usize>, String> {
    if !bytes.starts_with(MAGIC) {
        return Err("no npy header".to_string());
    }
    let version = bytes.get(6..8).ok_or_else(too_short)?;
    let start = match version {
        [1, 0] => 10,
        [2 | 3, 0] => 12,
        _ => return Err(format!("an npy header of version {version:?}")),
    };
    let digits = bytes.get(8..start).ok_or_else(too_short)?.iter().rev();
    let length = digits.fold(0_u64, |number, digit| number << 8 | u64::from(*digit));
    match usize::try_from(length) {
        Ok(length) if length <= MAX_TEXT_BYTES => Ok(start..start + length),
        _ => Err(format!(
            "an npy header of {length} bytes, more than {MAX_TEXT_BYTES}"
        )),
    }
}

/// What is left of a text. Each method takes something from the front, after white space, or returns
/// `None` where the text goes on otherwise.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    /// The whole text, whose numbers start at `start`.
    fn dictionary(mut self, start: usize) -> Option<NpyHeader> {
        let (mut number_type, mut fortran_order, mut shape) = (None, None, None);
        self.token("{")?;
        while self.token("}").is_none() {
            let key = self.quoted()?;
            self.token(":")?;
            // A key that comes twice is an error, as is one that NumPy does not write.
            let is_new = match key {
                "descr" => number_type.replace(self.quoted()?).is_none(),
                "fortran_order" => fortran_order.replace(self.boolean()?).is_none(),
                "shape" => shape.replace(self.tuple()?).is_none(),
                _ => false,
            };
            let goes_on = self.token(",").is_some() || self.0.trim_start().starts_with('}');
            if !(is_new && goes_on) {
                return None;
            }
        }
        self.0.trim().is_empty().then_some(NpyHeader {
            number_type: number_type?.to_string(),
            fortran_order: fortran_order?,
            shape: shape?,
            start,
        })
    }

    fn token(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.trim_start().strip_prefix(token)?;
        Some(())
    }

    /// A string of visible ASCII characters without escapes: keys and number types need no others.
    fn quoted(&mut self) -> Option<&'a str> {
        let text = self.0.trim_start();
        let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let (word, rest) = text[1..].split_once(quote)?;
        self.0 = rest;
        let is_plain = |c: char| c.is_ascii_graphic() && c != '\\';
        word.chars().all(is_plain).then_some(word)
    }

    fn boolean(&mut self) -> Option<bool> {
        let yes = self.token("True").map(|()| true);
        yes.or_else(|| self.token("False").map(|()| false))
    }

    /// Numbers in parentheses; one alone has a comma behind it, or else Python would see no tuple.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        let mut numbers = Vec::new();
        self.token("(")?;
        while self.token(")").is_none() {
            numbers.push(self.number()?);
            let is_last = numbers.len() > 1 && self.0.trim_start().starts_with(')');
            if self.token(",").is_none() && !is_last {
                return None;
            }
        }
        Some(numbers)
    }

    fn number(&mut self) -> Option<u64> {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
        self.0 = rest;
        digits.parse().ok()
    }
}

/// The bytes before the numbers of an array of four dimensions, of little-endian float32 in C order.
pub(crate) fn float_header(shape: [u64; 4]) -> Vec<u8> {
    let [n, c, h, w] = shape;
    let mut text =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({n}, {c}, {h}, {w}, ), }}");
    // Four numbers of at most 20 digits: the text is far shorter than the 65,535 bytes of version 1.
    let length = (10 + text.len() + 1).next_multiple_of(ALIGNMENT_BYTES) - 10;
    text.extend(std::iter::repeat_n(' ', length - text.len() - 1));
    text.push('\n');
    let mut header = [MAGIC, &[1, 0], &(length as u16).to_le_bytes()].concat();
    header.extend(text.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, text: &str) -> Vec<u8> {
        let length = (text.len() as u32).to_le_bytes();
        let length = if version == 1 { &length[..2] } else { &length };
        [MAGIC, &[version, 0], length, text.as_bytes()].concat()
    }

    fn array(shape: &[u64], start: usize) -> NpyHeader {
        NpyHeader {
            number_type: "<f4".to_string(),
            fortran_order: false,
            shape: shape.to_vec(),
            start,
        }
    }

    #[test]
    fn a_header_is_the_one_that_npyz_0_9_1_wrote() {
        let written = float_header([5, 1, 28, 28]);
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 1, 28, 28, ), }";
        let expected = [
            MAGIC,
            b"\x01\x00\x76\x00",
            format!("{text:117}\n").as_bytes(),
        ]
        .concat();
        assert_eq!(written, expected);
        let most = float_header([u64::MAX; 4]);
        assert_eq!(most.len() % 64, 0);
        let read = NpyHeader::parse(&most).unwrap();
        assert_eq!(read, array(&[u64::MAX; 4], most.len()));
    }

    #[test]
    fn every_version_is_read_whatever_the_keys_order_the_quotes_and_the_white_space() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 1, 2), }\n";
        for (version, start) in [(1, 10), (2, 12), (3, 12)] {
            let read = NpyHeader::parse(&file(version, text)).unwrap();
            assert_eq!(read, array(&[2, 1, 1, 2], start + text.len()));
        }
        for (text, shape) in [
            (
                "{\"shape\":(3,),\"descr\":\"<f4\",\"fortran_order\":False}",
                &[3][..],
            ),
            (
                "{ 'shape' : ( ) , 'fortran_order' : False , 'descr' : '<f4' , } \n",
                &[],
            ),
        ] {
            let read = NpyHeader::parse(&file(1, text)).unwrap();
            assert_eq!(read, array(shape, 10 + text.len()), "{text}");
        }
    }

    #[test]
    fn number_type_and_order_are_handed_on() {
        let text = "{'descr': '|S7', 'fortran_order': True, 'shape': (2,)}";
        let read = NpyHeader::parse(&file(1, text)).unwrap();
        assert_eq!(read.number_type, "|S7");
        assert!(read.fortran_order);
    }

    #[test]
    fn text_that_numpy_would_not_write_is_refused() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n";
        NpyHeader::parse(&file(1, good)).unwrap();
        for (old, new) in [
            ("{", ""),
            ("}", ""),
            ("}", "} x"),
            (", }", ", 'more': 1}"),
            (", }", ", 'descr': '<f4'}"),
            (", 'shape': (2, 1)", ""),
            ("'<f4', ", "'<f4' "),
            ("'<f4'", "<f4"),
            ("'<f4'", "'<f4"),
            ("'<f4'", "'<\\x664'"),
            ("'<f4'", "[('a', '<f4')]"),
            ("False", "false"),
            ("(2, 1)", "(2)"),
            ("(2, 1)", "(2 1)"),
            ("(2, 1)", "(-2, 1)"),
            ("(2, 1)", "(2.0, 1)"),
            ("(2, 1)", "(,)"),
            ("(2, 1)", "[2, 1]"),
            ("(2, 1)", "(18446744073709551616, 1)"),
            ("(2, 1)", "((2, 1))"),
            ("(2, 1)", "(2, 1"),
            ("'descr'", "'déscr'"),
        ] {
            let said = NpyHeader::parse(&file(1, &good.replace(old, new))).unwrap_err();
            assert!(said.starts_with("no npy header ("), "{new}: {said}");
        }
    }

    #[test]
    fn every_cut_of_a_file_is_refused() {
        let header = float_header([5, 1, 28, 28]);
        for length in 0..header.len() {
            NpyHeader::parse(&header[..length]).unwrap_err();
        }
    }

    #[test]
    fn an_unknown_version_and_a_text_too_long_are_named() {
        let said = NpyHeader::parse(&file(4, "")).unwrap_err();
        assert_eq!(said, "an npy header of version [4, 0]");
        let claims = [MAGIC, &[2, 0, 255, 255, 255, 255]].concat();
        let said = NpyHeader::parse(&claims).unwrap_err();
        assert_eq!(said, "an npy header of 4294967295 bytes, more than 10000");
    }
}
