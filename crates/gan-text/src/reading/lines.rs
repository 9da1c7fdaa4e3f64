//! Lines of a decoded file, of which only one is in memory.

use super::decoded::{Decoded, Undecodable};
use crate::TextError;
use crate::error::Problem;
use std::io::Read;
use std::path::Path;

/// The longest text, line or row. A longer one is a file that is not meant to be read line by line.
pub(super) const MOST_TEXT_BYTES: usize = 1 << 20;

/// Gives each line, with its number from 1 and without its end, to `visit`.
pub(super) fn each_line<R: Read>(
    path: &Path,
    mut blocks: Decoded<R>,
    mut visit: impl FnMut(u64, &str) -> Result<(), TextError>,
) -> Result<(), TextError> {
    let mut number = 1;
    let mut begun = String::new();
    // CR, LF, and the two together each end a line.
    let mut after_cr = false;
    while let Some(block) = blocks
        .next()
        .map_err(|error| undecodable(path, number, error))?
    {
        let mut rest = block;
        if std::mem::take(&mut after_cr) {
            rest = rest.strip_prefix('\n').unwrap_or(rest);
        }
        while let Some(place) = rest.find(['\n', '\r']) {
            let (end, after) = rest.split_at(place);
            check_length(path, number, begun.len() + end.len())?;
            if begun.is_empty() {
                visit(number, end)?;
            } else {
                begun.push_str(end);
                visit(number, &begun)?;
                begun.clear();
            }
            number += 1;
            after_cr = after == "\r";
            rest = after.strip_prefix("\r\n").unwrap_or(&after[1..]);
        }
        check_length(path, number, begun.len() + rest.len())?;
        begun.push_str(rest);
    }
    match begun.is_empty() {
        true => Ok(()),
        false => visit(number, &begun),
    }
}

pub(super) fn undecodable(path: &Path, line: u64, error: Undecodable) -> TextError {
    match error {
        Undecodable::Io(error) => TextError::io(path, "check the file and its permissions")(error),
        Undecodable::Bytes(problem) => problem.of(path, Some(line)),
    }
}

fn check_length(path: &Path, line: u64, bytes: usize) -> Result<(), TextError> {
    match bytes > MOST_TEXT_BYTES {
        true => Err(too_long("the line").of(path, Some(line))),
        false => Ok(()),
    }
}

/// What is wrong with a line, or a row, that is longer than any text.
pub(super) fn too_long(what: &str) -> Problem {
    Problem::new(
        format!("{what} has more than 1 MiB"),
        "a text a line, of at most 1 MiB",
        "break the file into lines",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn lines(bytes: &[u8]) -> Result<Vec<(u64, String)>, String> {
        let mut lines = Vec::new();
        each_line(
            Path::new("a.txt"),
            Decoded::new(bytes, UTF_8),
            |number, line| {
                lines.push((number, line.to_string()));
                Ok(())
            },
        )
        .map_err(|error| error.to_string())?;
        Ok(lines)
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        let lines = lines(bytes).unwrap().into_iter();
        lines.map(|(_, line)| line).collect()
    }

    #[test]
    fn lines_are_cut_at_every_kind_of_end() {
        assert_eq!(texts(b""), [""; 0]);
        assert_eq!(texts(b"a"), ["a"]);
        assert_eq!(texts(b"a\n"), ["a"]);
        assert_eq!(texts(b"a\r\n\nb\r\n"), ["a", "", "b"]);
        assert_eq!(texts(b"\n\n"), ["", ""]);
        assert_eq!(texts(b"a\rb\r\rc"), ["a", "b", "", "c"]);
        // The two characters of an end in different blocks.
        let mut long = vec![b'a'; (1 << 16) - 1];
        long.extend(b"\r\nb");
        assert_eq!(texts(&long)[1..], ["b"]);
        assert_eq!(lines(b"a\nb").unwrap()[1], (2, "b".to_string()));
    }

    #[test]
    fn lines_across_blocks_are_whole() {
        let long = "가".repeat(100_000);
        let text = format!("{long}\n{long}b\n");
        assert_eq!(texts(text.as_bytes()), [long.clone(), long + "b"]);
    }

    #[test]
    fn a_line_of_more_than_a_mebibyte_is_refused_by_its_number() {
        let line = |bytes: usize| [b"a\n".to_vec(), vec![b'b'; bytes]].concat();
        assert_eq!(lines(&line(MOST_TEXT_BYTES)).unwrap().len(), 2);
        for end in ["", "\n", "\nc"] {
            let file = [line(MOST_TEXT_BYTES + 1), end.into()].concat();
            let said = lines(&file).unwrap_err();
            assert!(
                said.starts_with("a.txt, line 2: the line has more than"),
                "{said}"
            );
        }
    }

    #[test]
    fn invalid_bytes_are_refused_by_their_line() {
        let said = lines(b"a\nb\nc\xff").unwrap_err();
        let expected = "a.txt, line 3: the byte 0xff at offset 5 of the file is not valid UTF-8";
        assert!(said.starts_with(expected), "{said}");
    }
}
