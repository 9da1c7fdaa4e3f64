//! A file's bytes as blocks of valid text, from UTF-8 or another encoding.

use crate::TextError;
use crate::error::Problem;
use encoding_rs::{Decoder, DecoderResult, Encoding};
use std::io::{self, ErrorKind, Read};

/// The bytes that are read at a time.
const BLOCK_BYTES: usize = 1 << 16;

/// Names of code pages by Microsoft's numbers, which the WHATWG's table lacks.
const CODE_PAGES: [(&str, &str); 4] = [
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
];

/// The encoding of this name.
///
/// # Errors
/// When there is none.
pub(crate) fn encoding_of(name: &str) -> Result<&'static Encoding, TextError> {
    let lower = name.trim().to_ascii_lowercase();
    let page = CODE_PAGES.iter().find(|(page, _)| *page == lower);
    let label = page.map_or(lower.as_str(), |(_, label)| label);
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| TextError::Setting {
        key: "data.encoding",
        found: name.to_string(),
        expected: "the name of an encoding, such as utf-8, utf-16le, euc-kr, shift_jis, gb18030 or windows-1252"
            .to_string(),
    })
}

/// Why there is no next block.
#[derive(Debug)]
pub(super) enum Undecodable {
    Io(io::Error),
    Bytes(Problem),
}

/// A file that is decoded block by block. A byte order mark at its start is left out.
pub(super) struct Decoded<R> {
    source: R,
    encoding: &'static Encoding,
    decoder: Decoder,
    input: Vec<u8>,
    /// `input[taken..filled]` is not decoded yet.
    taken: usize,
    filled: usize,
    /// The bytes of the file before `input`.
    before: u64,
    text: String,
    ended: bool,
    malformed: Option<Problem>,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(source: R, encoding: &'static Encoding) -> Self {
        let decoder = encoding.new_decoder_with_bom_removal();
        let room = decoder.max_utf8_buffer_length_without_replacement(BLOCK_BYTES);
        Self {
            source,
            encoding,
            decoder,
            input: vec![0; BLOCK_BYTES],
            taken: 0,
            filled: 0,
            before: 0,
            text: String::with_capacity(room.unwrap_or(4 * BLOCK_BYTES)),
            ended: false,
            malformed: None,
        }
    }

    /// The next block, which is not empty, or `None` at the end. What is not valid is an error after the
    /// text before it.
    pub(super) fn next(&mut self) -> Result<Option<&str>, Undecodable> {
        self.text.clear();
        while self.text.is_empty() {
            if let Some(problem) = self.malformed.take() {
                return Err(Undecodable::Bytes(problem));
            }
            if self.ended && self.taken == self.filled {
                return Ok(None);
            }
            if self.taken == self.filled {
                self.fill().map_err(Undecodable::Io)?;
            }
            self.decode();
        }
        Ok(Some(&self.text))
    }

    fn fill(&mut self) -> io::Result<()> {
        self.before += self.filled as u64;
        self.taken = 0;
        self.filled = loop {
            match self.source.read(&mut self.input) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.ended = self.filled == 0;
        Ok(())
    }

    fn decode(&mut self) {
        let input = &self.input[self.taken..self.filled];
        let (result, read) =
            self.decoder
                .decode_to_string_without_replacement(input, &mut self.text, self.ended);
        self.taken += read;
        if let DecoderResult::Malformed(length, after) = result {
            let behind = usize::from(length) + usize::from(after);
            let first = self.taken.checked_sub(behind).map(|at| self.input[at]);
            let offset = (self.before + self.taken as u64).saturating_sub(behind as u64);
            self.malformed = Some(self.problem(offset, first));
        }
    }

    fn problem(&self, offset: u64, first: Option<u8>) -> Problem {
        let name = self.encoding.name();
        let byte = first.map_or_else(String::new, |byte| format!(" {byte:#04x}"));
        let found = format!("the byte{byte} at offset {offset} of the file is not valid {name}");
        let advice = if offset == 0 && matches!(first, Some(0xfe | 0xff)) {
            "it begins like UTF-16: set `data.encoding` to utf-16le or utf-16be"
        } else if name == "UTF-8" {
            "name the file's encoding as `data.encoding`, such as euc-kr, shift_jis, gb18030 or windows-1252; an \
             archive must be unpacked"
        } else {
            "check `data.encoding`, or repair the file"
        };
        Problem::new(found, format!("text in {name}"), advice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8], encoding: &str) -> (String, Option<String>) {
        let mut blocks = Decoded::new(bytes, encoding_of(encoding).unwrap());
        let mut text = String::new();
        loop {
            match blocks.next() {
                Ok(Some(block)) => text += block,
                Ok(None) => return (text, None),
                Err(Undecodable::Bytes(problem)) => return (text, Some(problem.found)),
                Err(Undecodable::Io(error)) => panic!("{error}"),
            }
        }
    }

    #[test]
    fn encodings_are_decoded_and_byte_order_marks_left_out() {
        for (bytes, encoding) in [
            (&b"\xea\xb0\x80a"[..], "utf-8"),
            (b"\xef\xbb\xbf\xea\xb0\x80a", "UTF-8"),
            (b"\xb0\xa1a", "euc-kr"),
            (b"\xb0\xa1a", "cp949"),
            (b"\x00\xac\x61\x00", "utf-16le"),
            (b"\xff\xfe\x00\xac\x61\x00", "utf-16le"),
            (b"\xac\x00\x00\x61", "utf-16be"),
        ] {
            assert_eq!(
                decoded(bytes, encoding),
                ("가a".to_string(), None),
                "{encoding}"
            );
        }
        assert_eq!(decoded(b"", "utf-8"), (String::new(), None));
    }

    #[test]
    fn invalid_bytes_are_named_by_their_offset_also_across_blocks() {
        for before in [0, 1, 7, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1] {
            for wrong in [
                &b"\xe9 "[..],
                b"\xea\xb0",
                b"\xed\xa0\x80",
                b"\xc0\x80",
                b"\xff",
            ] {
                let bytes = [&vec![b'a'; before], wrong].concat();
                let (text, found) = decoded(&bytes, "utf-8");
                assert_eq!(text.len(), before);
                let found = found.unwrap();
                assert!(
                    found.contains(&format!(" at offset {before} of ")),
                    "{found}"
                );
                let start = std::str::from_utf8(&bytes).unwrap_err().valid_up_to();
                assert_eq!(start, before);
            }
        }
    }

    #[test]
    fn names_that_are_no_encoding_are_refused() {
        for name in ["", "utf-9", "utf-7", "iso-2022-kr", "replacement"] {
            assert!(encoding_of(name).is_err(), "{name}");
        }
    }
}
