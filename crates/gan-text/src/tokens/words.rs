//! Text as words and punctuation, and back with the usual spaces between them.

/// Gives the words and the punctuation of a normalised text to `visit`. A run of one punctuation character is
/// one token (`...`). Between letters and digits, `don't`, `well-known`, `a.m`, `1,000` and `12:30` are one.
pub(super) fn each(text: &str, mut visit: impl FnMut(&str)) {
    for chunk in text.split(' ') {
        let mut rest = chunk;
        while let Some(first) = rest.chars().next() {
            let length = match is_punctuation(first) {
                true => rest.len() - rest.trim_start_matches(first).len(),
                false => word_length(rest),
            };
            let (token, after) = rest.split_at(length);
            visit(token);
            rest = after;
        }
    }
}

/// The bytes of the word at the start of `text`, which does not begin with punctuation.
fn word_length(text: &str) -> usize {
    let mut before = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let after = characters.peek().map(|(_, next)| *next);
        if is_punctuation(character) && !joins(before, character, after) {
            return at;
        }
        before = Some(character);
    }
    text.len()
}

/// Whether punctuation is a part of the word around it.
fn joins(before: Option<char>, character: char, after: Option<char>) -> bool {
    let around = |is: fn(char) -> bool| before.is_some_and(is) && after.is_some_and(is);
    match character {
        '\'' | '’' | '-' | '.' | '/' | '&' | '@' | '+' | '_' => around(char::is_alphanumeric),
        ',' | ':' => around(|c| c.is_ascii_digit()),
        _ => false,
    }
}

/// Punctuation and symbols of the scripts in common use.
fn is_punctuation(character: char) -> bool {
    character.is_ascii_punctuation()
        || matches!(character,
            '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b1}' | '\u{b4}' | '\u{b6}'..='\u{b8}' | '\u{bb}' | '\u{bf}'
            | '\u{d7}' | '\u{f7}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{6d4}' | '\u{964}' | '\u{965}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{ff01}'..='\u{ff0f}'
            | '\u{ff1a}'..='\u{ff20}' | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Puts tokens together: no space before what closes and after what opens; straight quotation marks open
/// and close in turn.
pub(super) fn join<'a>(tokens: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut glued = true;
    for token in tokens {
        let closes = match token {
            "\"" | "'" => open.last() == Some(&token),
            _ => closes(token),
        };
        if !glued && !closes {
            text.push(' ');
        }
        text.push_str(token);
        glued = match token {
            "\"" | "'" if closes => {
                open.pop();
                false
            }
            "\"" | "'" => {
                open.push(token);
                true
            }
            _ => opens(token),
        };
    }
    text
}

fn opens(token: &str) -> bool {
    token.starts_with(|c| "([{<“‘«¿¡$#£€（「『【〈《".contains(c))
        && token.chars().all(is_punctuation)
}

fn closes(token: &str) -> bool {
    token.starts_with(|c| ".,;:!?)]}>%”’»…、。，！？；：）」』】〉》।؟،".contains(c))
        && token.chars().all(is_punctuation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each(text, |word| words.push(word.to_string()));
        words
    }

    #[test]
    fn punctuation_is_split_off_and_words_stay_whole() {
        for (text, expected) in [
            ("", &[][..]),
            ("A dog, a cat.", &["A", "dog", ",", "a", "cat", "."]),
            ("don't stop...", &["don't", "stop", "..."]),
            (
                "\"well-known\" (1,000.5%)",
                &["\"", "well-known", "\"", "(", "1,000.5", "%", ")"],
            ),
            (
                "at 7 a.m., U.S.!?",
                &["at", "7", "a.m", ".", ",", "U.S", ".", "!", "?"],
            ),
            ("하루가 또 가네요.", &["하루가", "또", "가네요", "."]),
            ("नमस्ते दुनिया।", &["नमस्ते", "दुनिया", "।"]),
            ("“Olé”—yes", &["“", "Olé", "”", "—", "yes"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn sentences_with_usual_spaces_come_back() {
        for text in [
            "",
            "A dog, a cat.",
            "He said \"it's well-known\" (twice), didn't he?",
            "It costs $5.99, or 20% less; see #3: ok!",
            "At 12:30 a.m. he stopped...",
            "“Olé”, she said.",
            "he 'said' \"so 'what' then\" again",
            "하루가 또 가네요.",
        ] {
            let words = words(text);
            assert_eq!(join(words.iter().map(String::as_str)), text);
        }
    }

    proptest! {
        #[test]
        fn tokens_are_the_text_without_its_spaces(text in "[ a-z0-9가-나.,'\"():-]{0,40}") {
            let all: String = words(&text).concat();
            prop_assert_eq!(all, text.replace(' ', ""));
        }
    }
}
