//! Files of lines: ends, blanks, repetitions, encodings, lengths and what is refused.

use crate::support::{assert_says, folder, lines, read, texts};
use gan_text::{Long, TextConfig, TextData, Tokens};

#[test]
fn ends_marks_and_blanks_are_taken_off() {
    let data = lines("\u{feff}one two\r\n\r\n  \nthree  four\n");
    assert_eq!(texts(&data, &data.train), ["one two", "three four"]);
    let report = &data.report;
    assert_eq!((report.lines, report.blank, report.files), (4, 2, 1));
}

#[test]
fn a_file_of_one_line_is_a_text_to_train_on() {
    let data = lines("one line");
    assert_eq!((data.train.len(), data.held_out.len()), (1, 0));
    assert!(
        data.report
            .to_string()
            .contains("nothing held out (there are fewer than 20 different texts)")
    );
}

#[test]
fn equal_texts_are_one_in_any_unicode_form() {
    let text = "caf\u{e9} au lait\ncafe\u{301} au lait\n caf\u{e9}  au lait\nother words\n";
    let data = lines(text);
    assert_eq!(texts(&data, &data.train), ["café au lait", "other words"]);
    assert_eq!(data.report.duplicates, 2);
    let kept = TextConfig {
        remove_duplicates: false,
        ..TextConfig::default()
    };
    let data = read("a.txt", text.as_bytes(), &kept).unwrap();
    assert_eq!((data.train.len(), data.report.duplicates), (4, 2));
}

#[test]
fn empty_files_and_blank_files_are_refused() {
    let config = TextConfig::default();
    assert_says(
        read("a.txt", b"", &config),
        &["a.txt: there is nothing in it"],
    );
    assert_says(
        read("a.txt", b"\n \n", &config),
        &["all of its 2 lines are blank"],
    );
    assert_says(read("a.txt", b"\xef\xbb\xbf", &config), &["nothing in it"]);
}

#[test]
fn invalid_bytes_are_refused_by_line_and_offset() {
    let config = TextConfig::default();
    let korean = b"first\n\xb0\xa1\xb3\xaa\n";
    assert_says(
        read("a.txt", korean, &config),
        &[
            "a.txt, line 2: the byte 0xb0 at offset 6 of the file is not valid UTF-8",
            "`data.encoding`",
        ],
    );
    let known = TextConfig {
        encoding: "euc-kr".to_string(),
        ..config.clone()
    };
    let data = read("a.txt", korean, &known).unwrap();
    assert_eq!(texts(&data, &data.train), ["first", "가나"]);
    assert_says(
        read("a.txt", b"\xff\xfea\0", &config),
        &["begins like UTF-16"],
    );
    assert_says(
        read("a.txt", b"a\nb\0c\n", &config),
        &["line 2: there is a NUL character"],
    );
}

#[test]
fn a_line_of_a_hundred_megabytes_is_refused() {
    let text = ["short\n".to_string(), "long".repeat(25 << 20)].concat();
    let read = read("a.txt", text.as_bytes(), &TextConfig::default());
    assert_says(read, &["a.txt, line 2: the line has more than 1 MiB"]);
}

#[test]
fn the_longest_texts_are_cut_or_left_out_and_counted() {
    let text: String = (1..=99)
        .chain([200])
        .map(|length| "a".repeat(length) + "\n")
        .collect();
    let config = TextConfig {
        tokens: Tokens::Character,
        held_out: Some(0.0),
        ..TextConfig::default()
    };
    let data = read("a.txt", text.as_bytes(), &config).unwrap();
    let report = &data.report;
    let lengths = [
        report.median_length,
        report.percentile_99_length,
        report.longest,
    ];
    assert_eq!(lengths, [50, 99, 200]);
    assert_eq!((report.max_length, report.too_long), (99, 1));
    assert_eq!(data.train.get(99).unwrap().len(), 99);
    // What is little longer is not cut.
    let data = read("a.txt", b"a\nab\nabc\n", &config).unwrap();
    assert_eq!((data.report.max_length, data.report.too_long), (3, 0));
    let strict = TextConfig {
        max_length: Some(10),
        long: Long::Drop,
        ..config.clone()
    };
    let data = read("a.txt", text.as_bytes(), &strict).unwrap();
    assert_eq!((data.train.len(), data.report.too_long), (10, 90));
    // The fifth byte is the first of a character, the fifth letter that of a syllable.
    for (tokens, text, cut) in [
        (Tokens::Byte, "a가나", "a가"),
        (Tokens::Jamo, "a가b나", "a가b"),
    ] {
        let config = TextConfig {
            tokens,
            max_length: Some(5),
            ..TextConfig::default()
        };
        let data = read("a.txt", text.as_bytes(), &config).unwrap();
        assert_eq!(texts(&data, &data.train), [cut], "{tokens:?}");
    }
    let nothing = TextConfig {
        max_length: Some(1),
        ..strict
    };
    assert_says(
        read("a.txt", b"ab\n", &nothing),
        &["at most 1 tokens", "`data.max_length`"],
    );
}

#[test]
fn text_that_was_encoded_twice_is_said_and_not_changed() {
    let text = "ì•ˆë…• ì•ˆë…•\nplain text\n";
    let data = lines(text);
    assert_eq!(data.report.double_encoding.lines, 1);
    let said = data.report.to_string();
    assert!(said.contains("1 line looks as if encoded twice"), "{said}");
    assert!(said.contains("would restore 100.00 %"), "{said}");
    assert_eq!(texts(&data, &data.train)[0].chars().next(), Some('ì'));
}

#[test]
fn what_is_no_file_of_text_is_refused() {
    let config = TextConfig::default();
    let folder = folder(&[("a.json", b"{}"), ("deep/b.txt", b"text")]);
    let open = |name: &str| TextData::open(&folder.path().join(name), &config);
    assert_says(open("missing.txt"), &["missing.txt: ", "check `data.path`"]);
    assert_says(open("a.json"), &[".jsonl"]);
    let field = TextConfig {
        field: Some("text".to_string()),
        ..TextConfig::default()
    };
    let read = TextData::open(&folder.path().join("deep"), &field);
    assert_says(read, &["`data.field` is text, expected no field"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_pipes_and_devices_are_refused() {
    use std::os::unix::fs::symlink;
    let config = TextConfig::default();
    let folder = folder(&[("a.txt", b"some text")]);
    let path = |name: &str| folder.path().join(name);
    symlink(path("a.txt"), path("b.txt")).unwrap();
    assert_eq!(
        TextData::open(&path("b.txt"), &config).unwrap().train.len(),
        1
    );
    symlink("/dev/zero", path("c.txt")).unwrap();
    assert_says(
        TextData::open(&path("c.txt"), &config),
        &["c.txt: not a regular file"],
    );
    assert_says(
        TextData::open(folder.path(), &config),
        &["c.txt: not a regular file"],
    );
    std::fs::remove_file(path("c.txt")).unwrap();
    symlink("/nothing", path("c.txt")).unwrap();
    assert_says(TextData::open(folder.path(), &config), &["c.txt: "]);
    std::fs::remove_file(path("c.txt")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(path("d.txt"))
        .status();
    if made.is_ok_and(|status| status.success()) {
        assert_says(
            TextData::open(&path("d.txt"), &config),
            &["d.txt: not a regular file"],
        );
    }
}
