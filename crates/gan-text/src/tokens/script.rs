//! What a token should be, by the script of a text.

use super::TokenKind;

/// Counts of a text's letters and words.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Script {
    texts: u64,
    words: u64,
    letters: u64,
    /// Letters of Hangul and of scripts without spaces between words.
    letters_by_character: u64,
}

impl Script {
    /// Counts a normalised text.
    pub(crate) fn add(&mut self, text: &str) {
        self.texts += 1;
        self.words += text.split(' ').count() as u64;
        for character in text.chars().filter(|character| character.is_alphabetic()) {
            self.letters += 1;
            self.letters_by_character += u64::from(is_read_by_character(character));
        }
    }

    /// The kind of tokens, and why.
    pub(crate) fn choose(&self) -> (TokenKind, &'static str) {
        if 2 * self.letters_by_character > self.letters {
            (TokenKind::Character, "because of the script")
        } else if 2 * self.words < 3 * self.texts {
            (TokenKind::Character, "because most texts are single words")
        } else {
            (TokenKind::Word, "because of the script")
        }
    }
}

/// Hangul, Han, Kana, Bopomofo, and Thai, Lao, Myanmar and Khmer.
fn is_read_by_character(character: char) -> bool {
    matches!(character,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1100}'..='\u{11ff}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{318f}' | '\u{31a0}'..='\u{31bf}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
        | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ffdc}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(texts: &[&str]) -> TokenKind {
        let mut script = Script::default();
        texts.iter().for_each(|text| script.add(text));
        script.choose().0
    }

    #[test]
    fn the_script_of_most_letters_decides() {
        for (texts, kind) in [
            (&["a dog and a cat"][..], TokenKind::Word),
            (&["하루가 또 가네요."], TokenKind::Character),
            (&["PPL 심하네 그렇죠"], TokenKind::Character),
            (&["I said 안녕 to them"], TokenKind::Word),
            (&["奠璧郊壇昭大禮，鏘金拊石表虔誠。"], TokenKind::Character),
            (&["ひらがな カタカナ"], TokenKind::Character),
            (&["привет и пока"], TokenKind::Word),
            (&["1 2 3"], TokenKind::Word),
        ] {
            assert_eq!(chosen(texts), kind, "{texts:?}");
        }
    }

    #[test]
    fn lists_of_words_are_learned_by_character() {
        assert_eq!(chosen(&["smith", "johnson", "de la cruz"]), TokenKind::Word);
        assert_eq!(
            chosen(&["smith", "johnson", "van dyke"]),
            TokenKind::Character
        );
    }
}
