//! Text in a picture: escaped, measured, broken into lines; and numbers of a fixed form.

/// A letter's width in parts of the font's size, on average; pictures know no fonts.
const NARROW: f64 = 0.56;
/// That of a character in scripts from Hangul to Han and of pictograms.
const WIDE: f64 = 1.0;

/// For XML, which has no control characters.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' | '\r' => escaped.push(' '),
            control if control.is_control() => escaped.push('\u{fffd}'),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// How wide text of a font size is, about.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|character| size * em(character)).sum()
}

fn em(character: char) -> f64 {
    let wide = matches!(character, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..);
    if wide { WIDE } else { NARROW }
}

/// Lines of at most `most` width; longer words are broken. At least one line, which may be empty.
pub(super) fn lines(text: &str, size: f64, most: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut push = |word: &str| {
        let line = lines.len() - 1;
        let space = if lines[line].is_empty() { "" } else { " " };
        let longer = format!("{}{space}{word}", lines[line]);
        if width(&longer, size) <= most || lines[line].is_empty() {
            lines[line] = longer;
        } else {
            lines.push(word.to_owned());
        }
    };
    for word in text.split_whitespace() {
        pieces(word, size, most)
            .iter()
            .for_each(|piece| push(piece));
    }
    lines
}

/// A word in pieces that are narrow enough.
fn pieces(word: &str, size: f64, most: f64) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut room = most;
    for character in word.chars() {
        let wide = size * em(character);
        let last = pieces.len() - 1;
        if wide > room && !pieces[last].is_empty() {
            pieces.push(character.to_string());
            room = most - wide;
        } else {
            pieces[last].push(character);
            room -= wide;
        }
    }
    pieces
}

/// A number with digits down to a power of ten; very large and very small ones as `4e9`.
pub(super) fn number(value: f64, power: i32) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e6).contains(&size) {
        let digits = (size.log10().floor() as i32 - power).clamp(0, 12) as usize;
        return format!("{value:.digits$e}").replace('-', "−");
    }
    let text = format!("{size:.*}", (-power).clamp(0, 12) as usize);
    let sign = if value < 0.0 && text.contains(|digit| ('1'..='9').contains(&digit)) {
        "−"
    } else {
        ""
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", with_commas(whole))
}

fn with_commas(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A coordinate to a tenth of a pixel.
pub(super) fn coordinate(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_label_is_markup() {
        assert_eq!(
            escape("<a b=\"c\">&'\u{0}\u{7}\n"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\u{fffd}\u{fffd} "
        );
        assert_eq!(escape("한국어 العربية ≤ 5"), "한국어 العربية ≤ 5");
    }

    #[test]
    fn lines_are_narrow_enough_and_keep_all_letters() {
        assert_eq!(lines("", 10.0, 56.0), [""]);
        assert_eq!(lines("two words here", 10.0, 56.0), ["two words", "here"]);
        assert_eq!(
            lines("abcdefghijklmno", 10.0, 57.0),
            ["abcdefghij", "klmno"]
        );
        assert_eq!(
            lines("나는오늘학교에", 10.0, 30.0),
            ["나는오", "늘학교", "에"]
        );
    }

    #[test]
    fn numbers_have_no_more_digits_than_they_need() {
        for (value, power, text) in [
            (0.300_000_000_000_000_04, -1, "0.3"),
            (-1e-17, -1, "−1e−17"),
            (-0.0, -1, "0"),
            (1_234_567.0, 0, "1.234567e6"),
            (-12_345.0, 0, "−12,345"),
            (0.5, -2, "0.5"),
        ] {
            assert_eq!(number(value, power), text);
        }
        assert_eq!(
            [coordinate(-0.01), coordinate(2.0), coordinate(2.25)],
            ["0", "2", "2.2"]
        );
    }
}
