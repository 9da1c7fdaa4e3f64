//! The `classes.txt` beside IDX files: the names of the classes, one per line.

use crate::DataError;
use crate::shown::shown_text;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// The file's name.
pub(crate) const CLASS_FILE: &str = "classes.txt";

/// The most bytes of the file: 65,536 classes of 64 bytes.
const MOST_BYTES: u64 = 1 << 22;

/// The names in `folder`'s file, at least as many as `classes`; `None` if there is no such file.
pub(crate) fn read(folder: &Path, classes: usize) -> Result<Option<Vec<String>>, DataError> {
    let path = folder.join(CLASS_FILE);
    let mut text = String::new();
    let read = File::open(&path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
    match read {
        Ok(_) => parse(&path, &text, classes).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let advice = "make it UTF-8 text with one name per line, or remove it";
            Err(DataError::io(&path, advice)(error))
        }
    }
}

fn parse(path: &Path, text: &str, classes: usize) -> Result<Vec<String>, DataError> {
    let refused = |found: String| DataError::Format {
        path: path.to_path_buf(),
        found,
        expected: format!("one name per line, each once, for {classes} classes or more"),
        advice: "correct the file, or remove it to name classes by their numbers".to_string(),
    };
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = Vec::new();
    // A byte order mark is not part of the first name.
    for (index, name) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let (line, name) = (index + 1, name.trim());
        if name.is_empty() {
            return Err(refused(format!("line {line} is blank")));
        }
        if let Some(first) = lines.insert(name, line) {
            let name = shown_text(name);
            return Err(refused(format!(
                "line {line} is {name}, the same as line {first}"
            )));
        }
        names.push(name.to_string());
    }
    if names.len() < classes {
        let found = format!("the file ends after line {}", names.len());
        return Err(refused(found));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<String>, String> {
        parse(Path::new(CLASS_FILE), text, 2).map_err(|error| error.to_string())
    }

    #[test]
    fn names_are_lines() {
        assert_eq!(parsed("\u{feff}a b\r\nc\n").unwrap(), ["a b", "c"]);
        assert_eq!(parsed("a\nb\nc").unwrap().len(), 3);
    }

    #[test]
    fn blank_repeated_and_missing_names_are_refused_by_line() {
        for (text, part) in [
            ("a\n \nb", "line 2 is blank"),
            ("a\nb\n\n", "line 3 is blank"),
            ("a\nb\na", "line 3 is a, the same as line 1"),
            (
                "a\n",
                "ends after line 1, expected one name per line, each once, for 2",
            ),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
