//! Comma-separated files with a header (RFC 4180), whose columns are texts. A row is at most 1 MiB in memory.

use super::decoded::Decoded;
use super::json_lines::named;
use super::lines::{MOST_TEXT_BYTES, too_long, undecodable};
use crate::TextError;
use crate::error::Problem;
use csv_core::{ReadRecordResult, Reader};
use gan_core::shown_text;
use std::io::Read;
use std::path::Path;

const MOST_COLUMNS: usize = 1024;

/// Gives the cells of `columns` of each row after the header to `visit`, with the number of the line where
/// the row begins.
pub(super) fn each_text<R: Read>(
    path: &Path,
    blocks: Decoded<R>,
    columns: &[&str],
    mut visit: impl FnMut(u64, &str) -> Result<(), TextError>,
) -> Result<(), TextError> {
    let mut header: Option<(usize, Vec<usize>)> = None;
    each_row(path, blocks, |number, row| {
        let refused = |problem: Problem| problem.of(path, Some(number));
        let Some((cells, places)) = &header else {
            header = Some((row.len(), places_of(row, columns).map_err(refused)?));
            return Ok(());
        };
        if row.len() != *cells {
            return Err(refused(ragged(row.len(), *cells)));
        }
        let texts = places.iter().filter_map(|place| row.get(*place));
        texts.into_iter().try_for_each(|cell| visit(number, cell))
    })
}

/// The places of `columns` in the header.
fn places_of(header: &[&str], columns: &[&str]) -> Result<Vec<usize>, Problem> {
    let place = |column: &&str| {
        let mut found = (0..).zip(header).filter(|(_, name)| name.trim() == *column);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => Ok(place),
            _ => Err(Problem::new(
                format!("the columns are {}", named(header.iter())),
                format!("one column {:?}", shown_text(column)),
                "name the column of the text as `data.field`",
            )),
        }
    };
    columns.iter().map(place).collect()
}

fn ragged(cells: usize, header: usize) -> Problem {
    Problem::new(
        format!("the row has {cells} cells"),
        format!("{header}, as many as the header"),
        "put quotes around cells with commas in them",
    )
}

fn never_closed() -> Problem {
    Problem::new(
        "the row begins a quote that is not closed before the file's end",
        "quotes around whole cells, and two for one within them",
        "repair the row",
    )
}

fn each_row<R: Read>(
    path: &Path,
    mut blocks: Decoded<R>,
    mut visit: impl FnMut(u64, &[&str]) -> Result<(), TextError>,
) -> Result<(), TextError> {
    let mut rows = Rows::new();
    loop {
        let block = blocks
            .next()
            .map_err(|error| undecodable(path, rows.line, error))?;
        // An empty input tells the parser that the file ends.
        let mut rest = block.unwrap_or_default().as_bytes();
        while block.is_none() || !rest.is_empty() {
            let step = rows.step(&mut rest);
            match step.map_err(|problem| problem.of(path, Some(rows.line)))? {
                Step::Row if block.is_none() && rows.is_open() => {
                    return Err(never_closed().of(path, Some(rows.line)));
                }
                Step::Row => rows.finish(&mut visit)?,
                Step::More => {}
                Step::End => return Ok(()),
            }
        }
    }
}

enum Step {
    Row,
    More,
    End,
}

/// The parser with the row that it is in.
struct Rows {
    parser: Reader,
    /// Where the row begins.
    line: u64,
    /// The line that is read.
    at: u64,
    /// Whether nothing of the row was read yet.
    is_new: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    cells: usize,
    /// The quotes of the row.
    quotes: usize,
}

impl Rows {
    fn new() -> Self {
        Self {
            parser: Reader::new(),
            line: 1,
            at: 1,
            is_new: true,
            bytes: vec![0; MOST_TEXT_BYTES],
            ends: vec![0; MOST_COLUMNS],
            written: 0,
            cells: 0,
            quotes: 0,
        }
    }

    /// Whether the row, which has several lines, is within quotes.
    fn is_open(&self) -> bool {
        self.quotes % 2 == 1 && self.bytes[..self.written].contains(&b'\n')
    }

    /// Reads on to the end of the row or of `input`, of which it takes what it read.
    fn step(&mut self, input: &mut &[u8]) -> Result<Step, Problem> {
        // An empty input says that the file ends, so what is skipped must not make it one.
        if self.is_new && !input.is_empty() && self.skip_line_ends(input) {
            return Ok(Step::More);
        }
        let (bytes, ends) = (
            &mut self.bytes[self.written..],
            &mut self.ends[self.cells..],
        );
        let (result, read, written, cells) = self.parser.read_record(input, bytes, ends);
        let (taken, rest) = input.split_at(read);
        self.at += line_ends(taken);
        self.quotes += taken.iter().filter(|byte| **byte == b'"').count();
        *input = rest;
        self.written += written;
        self.cells += cells;
        match result {
            ReadRecordResult::Record => Ok(Step::Row),
            ReadRecordResult::InputEmpty => Ok(Step::More),
            ReadRecordResult::End => Ok(Step::End),
            ReadRecordResult::OutputFull => Err(too_long("the row")),
            ReadRecordResult::OutputEndsFull => Err(Problem::new(
                format!("the row has more than {MOST_COLUMNS} columns"),
                "fewer",
                "remove columns",
            )),
        }
    }

    /// Skips the rest of the last row's end and blank lines; whether nothing is left. Otherwise the row begins
    /// here.
    fn skip_line_ends(&mut self, input: &mut &[u8]) -> bool {
        let start = input.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
        let (skipped, rest) = input.split_at(start.unwrap_or(input.len()));
        self.at += line_ends(skipped);
        *input = rest;
        self.line = self.at;
        self.is_new = rest.is_empty();
        self.is_new
    }

    /// Gives the row to `visit` and begins the next.
    fn finish(
        &mut self,
        visit: &mut impl FnMut(u64, &[&str]) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        // Bytes of whole characters without quotes and commas are whole characters.
        let text = std::str::from_utf8(&self.bytes[..self.written]).unwrap_or_default();
        let starts = std::iter::once(&0).chain(&self.ends);
        let cells = starts.zip(&self.ends[..self.cells]);
        let row: Vec<&str> = cells
            .filter_map(|(start, end)| text.get(*start..*end))
            .collect();
        visit(self.line, &row)?;
        (self.written, self.cells, self.quotes, self.is_new) = (0, 0, 0, true);
        Ok(())
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn texts(file: &str, columns: &[&str]) -> Result<Vec<(u64, String)>, String> {
        let mut texts = Vec::new();
        let blocks = Decoded::new(file.as_bytes(), UTF_8);
        each_text(Path::new("a.csv"), blocks, columns, |number, text| {
            texts.push((number, text.to_string()));
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(texts)
    }

    #[test]
    fn columns_are_found_by_the_header_and_quotes_are_taken_off() {
        let file = "Q,A,label\r\n\r\n1?,\"yes, \"\"so\"\"\",0\r\n\"two\nlines\",no,1\r\n";
        let found = texts(file, &["A", "Q"]).unwrap();
        let expected = [(3, "yes, \"so\""), (3, "1?"), (4, "no"), (4, "two\nlines")];
        let expected = expected.map(|(line, text)| (line, text.to_string()));
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_across_blocks_are_whole() {
        let cell = "가,".repeat(30_000);
        let file = format!("a,b\n\"{cell}\",1\n\"{cell}\",2");
        let found = texts(&file, &["a", "b"]).unwrap();
        let expected = [(2, &*cell), (2, "1"), (3, &*cell), (3, "2")];
        assert!(
            found
                .iter()
                .map(|(line, text)| (*line, &**text))
                .eq(expected)
        );
    }

    #[test]
    fn a_row_that_ends_with_its_block_is_not_the_last() {
        for length in (1 << 16) - 6..(1 << 16) + 2 {
            let file = format!("a\r\n{}\r\nb\n", "c".repeat(length));
            assert_eq!(texts(&file, &["a"]).unwrap().len(), 2, "{length}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let said = texts("Q,A\n1,2", &["text"]).unwrap_err();
        assert!(
            said.contains("line 1: the columns are Q, A, expected one column \"text\""),
            "{said}"
        );
        let said = texts("Q,A\n1,2\n3\n", &["A"]).unwrap_err();
        assert!(
            said.contains("line 3: the row has 1 cells, expected 2, as many"),
            "{said}"
        );
        assert_eq!(texts("", &["A"]).unwrap(), []);
        let said = texts("A,A\n1,2", &["A"]).unwrap_err();
        assert!(
            said.contains("the columns are A, A, expected one"),
            "{said}"
        );
    }

    #[test]
    fn commas_and_quotes_that_would_lose_text_are_refused() {
        let said = texts("text,label\nHello, you,1\n", &["text"]).unwrap_err();
        assert!(
            said.contains("line 2: the row has 3 cells, expected 2"),
            "{said}"
        );
        let said = texts("text\na\n\"b\nc\nd\n", &["text"]).unwrap_err();
        assert!(said.contains("line 3: the row begins a quote"), "{said}");
        // A quote within a cell is no more than that.
        let found = texts("text\na 5\" pipe\nsay \"\n", &["text"]).unwrap();
        assert_eq!(found[1], (3, "say \"".to_string()));
    }

    #[test]
    fn a_quote_that_never_ends_does_not_fill_the_memory() {
        let file = format!("a\nb\n\"{}", "c,\n".repeat(MOST_TEXT_BYTES / 2));
        let said = texts(&file, &["a"]).unwrap_err();
        assert!(
            said.contains("line 3: the row has more than 1 MiB"),
            "{said}"
        );
        let said = texts(&",".repeat(MOST_COLUMNS), &["a"]).unwrap_err();
        assert!(said.contains("more than 1024 columns"), "{said}");
    }
}
