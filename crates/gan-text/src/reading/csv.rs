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
    let mut places: Option<Vec<usize>> = None;
    each_row(path, blocks, |number, row| {
        let refused = |problem: Problem| problem.of(path, Some(number));
        let Some(places) = &places else {
            places = Some(places_of(row, columns).map_err(refused)?);
            return Ok(());
        };
        for place in places {
            let cell = row
                .get(*place)
                .ok_or_else(|| refused(short(row.len(), *place)))?;
            visit(number, cell)?;
        }
        Ok(())
    })
}

/// The places of `columns` in the header.
fn places_of(header: &[&str], columns: &[&str]) -> Result<Vec<usize>, Problem> {
    let place = |column: &&str| {
        let found = header.iter().position(|name| name.trim() == *column);
        found.ok_or_else(|| {
            Problem::new(
                format!("the columns are {}", named(header.iter())),
                format!("a column {:?}", shown_text(column)),
                "name the column of the text as `data.field`",
            )
        })
    };
    columns.iter().map(place).collect()
}

fn short(cells: usize, place: usize) -> Problem {
    let expected = format!("at least {} as in the header", place + 1);
    Problem::new(
        format!("the row has {cells} cells"),
        expected,
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
        }
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
        (self.written, self.cells, self.is_new) = (0, 0, true);
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
            said.contains("line 1: the columns are Q, A, expected a column \"text\""),
            "{said}"
        );
        let said = texts("Q,A\n1,2\n3\n", &["A"]).unwrap_err();
        assert!(
            said.contains("line 3: the row has 1 cells, expected at least 2"),
            "{said}"
        );
        assert_eq!(texts("", &["A"]).unwrap(), []);
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
