//! Files of JSON objects, one a line, whose fields are texts.

use super::decoded::Decoded;
use super::lines::each_line;
use crate::TextError;
use crate::error::Problem;
use gan_core::shown_text;
use serde_json::Value;
use std::io::Read;
use std::path::Path;

/// Gives the strings of `fields` of each line's object to `visit`; blank lines are blank texts.
pub(super) fn each_text<R: Read>(
    path: &Path,
    blocks: Decoded<R>,
    fields: &[&str],
    mut visit: impl FnMut(u64, &str) -> Result<(), TextError>,
) -> Result<(), TextError> {
    each_line(path, blocks, |number, line| {
        if line.trim().is_empty() {
            return visit(number, "");
        }
        let refused = |problem: Problem| problem.of(path, Some(number));
        let value = serde_json::from_str(line).map_err(|error| refused(not_json(&error)))?;
        for field in fields {
            visit(number, text(&value, field).map_err(refused)?)?;
        }
        Ok(())
    })
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::new(
        format!("this is not JSON ({error})"),
        "one JSON object a line",
        "repair the line",
    )
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, Problem> {
    let wrong = |found: String| {
        let expected = format!("an object with a string {:?}", shown_text(field));
        Problem::new(
            found,
            expected,
            "name the field of the text as `data.field`",
        )
    };
    let Value::Object(object) = value else {
        return Err(wrong("this is no object".to_string()));
    };
    match object.get(field) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(wrong("the field holds something else".to_string())),
        None => Err(wrong(format!("the fields are {}", named(object.keys())))),
    }
}

/// The most names that a message lists.
const NAMED: usize = 20;

/// The first names, in words.
pub(super) fn named<N: AsRef<str>>(names: impl ExactSizeIterator<Item = N>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let short = |name: N| shown_text(&name.as_ref().chars().take(60).collect::<String>());
    let listed: Vec<String> = names.take(NAMED).map(short).collect();
    match (listed.is_empty(), more) {
        (true, _) => "none".to_string(),
        (false, 0) => listed.join(", "),
        (false, more) => format!("{} and {more} more", listed.join(", ")),
    }
}
