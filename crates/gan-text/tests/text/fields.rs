//! Fields of JSON lines and columns of CSV.

use crate::support::{assert_says, read, texts};
use gan_text::{TextConfig, TextData, TextError};

fn with_field(name: &str, bytes: &[u8], field: &str) -> Result<TextData, TextError> {
    let config = TextConfig {
        field: Some(field.to_string()),
        ..TextConfig::default()
    };
    read(name, bytes, &config)
}

#[test]
fn questions_and_answers_are_both_texts() {
    let file = "Q,A,label\n12시 땡!,하루가 또 가네요.,0\n\"네, 네\",\"\"\"응\"\"\",1\n";
    let data = with_field("a.csv", file.as_bytes(), "Q,A").unwrap();
    let expected = ["12시 땡!", "하루가 또 가네요.", "네, 네", "\"응\""];
    assert_eq!(texts(&data, &data.train), expected);
    assert_eq!(data.report.lines, 4);
    assert_says(
        read("a.csv", file.as_bytes(), &TextConfig::default()),
        &[
            "line 1: the columns are Q, A, label, expected one column \"text\"",
            "`data.field`",
        ],
    );
}

#[test]
fn fields_of_objects_are_texts() {
    let file = "{\"text\": \"one text\", \"id\": 1}\n\n{\"id\": [{}], \"text\": \"two\\nlines \\u00e9\"}\n";
    let data = read("a.jsonl", file.as_bytes(), &TextConfig::default()).unwrap();
    assert_eq!(texts(&data, &data.train), ["one text", "two lines é"]);
    let said = with_field("a.jsonl", file.as_bytes(), "body");
    assert_says(
        said,
        &["line 1: the fields are id, text, expected an object with a string \"body\""],
    );
    let said = with_field("a.jsonl", file.as_bytes(), "id");
    assert_says(said, &["line 1: the field holds something else"]);
}

#[test]
fn what_is_no_json_is_refused_by_its_line() {
    let deep = "[".repeat(1 << 19);
    for (line, part) in [
        ("no", "this is not JSON"),
        ("[1]", "this is no object"),
        ("{\"text\": \"\\ud800\"}", "this is not JSON"),
        ("{\"text\": \"\\u0000\"}", "NUL"),
        ("{\"text\": ", "this is not JSON"),
        (&deep, "recursion limit"),
    ] {
        let file = format!("{{\"text\": \"good\"}}\n{line}\n");
        let read = read("a.jsonl", file.as_bytes(), &TextConfig::default());
        assert_says(read, &["a.jsonl, line 2: ", part]);
    }
}
