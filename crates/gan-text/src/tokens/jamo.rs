//! Hangul syllables as letters, by the arithmetic of the Unicode Standard (section 3.12): syllable
//! 0xAC00 + 588·i + 28·m + f has the initial i, the vowel m and the final f, where f = 0 is none.

const SYLLABLES: u32 = 0xac00;
const INITIALS: u32 = 0x1100;
const VOWELS: u32 = 0x1161;
/// One before the first final, so that the final f is at this plus f.
const FINALS: u32 = 0x11a7;

const INITIAL_COUNT: u32 = 19;
const VOWEL_COUNT: u32 = 21;
const FINAL_COUNT: u32 = 28;

/// Gives the characters of `text` to `visit`, and the letters of syllables instead of them.
pub(super) fn each(text: &str, mut visit: impl FnMut(char)) {
    for character in text.chars() {
        let Some(number) = within(
            character,
            SYLLABLES,
            INITIAL_COUNT * VOWEL_COUNT * FINAL_COUNT,
        ) else {
            visit(character);
            continue;
        };
        let (initial, rest) = (number / 588, number % 588);
        let codes = [
            INITIALS + initial,
            VOWELS + rest / FINAL_COUNT,
            FINALS + rest % FINAL_COUNT,
        ];
        let letters = if rest % FINAL_COUNT == 0 {
            &codes[..2]
        } else {
            &codes
        };
        letters
            .iter()
            .filter_map(|code| char::from_u32(*code))
            .for_each(&mut visit);
    }
}

/// What letters were put together to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Composed {
    pub(super) text: String,
    /// Letters that are part of a syllable now.
    pub(super) composed: usize,
    /// Letters that could be.
    pub(super) letters: usize,
}

/// Puts an initial and a vowel, and a final if one follows, together to a syllable.
pub(super) fn compose(characters: impl IntoIterator<Item = char>) -> Composed {
    let mut done = Composed::default();
    let mut characters = characters.into_iter().peekable();
    while let Some(character) = characters.next() {
        done.letters += usize::from(is_letter(character));
        let vowel = characters
            .peek()
            .and_then(|next| within(*next, VOWELS, VOWEL_COUNT));
        let (Some(initial), Some(vowel)) = (within(character, INITIALS, INITIAL_COUNT), vowel)
        else {
            done.text.push(character);
            continue;
        };
        characters.next();
        let last = characters.peek().and_then(|next| final_number(*next));
        if last.is_some() {
            characters.next();
        }
        let letters = 2 + usize::from(last.is_some());
        done.letters += letters - 1;
        done.composed += letters;
        let number = 588 * initial + FINAL_COUNT * vowel + last.unwrap_or(0);
        done.text.extend(char::from_u32(SYLLABLES + number));
    }
    done
}

/// Whether a text is an initial.
pub(super) fn begins_syllable(text: &str) -> bool {
    let mut characters = text.chars();
    let initial = characters
        .next()
        .and_then(|first| within(first, INITIALS, INITIAL_COUNT));
    initial.is_some() && characters.next().is_none()
}

fn is_letter(character: char) -> bool {
    within(character, INITIALS, INITIAL_COUNT).is_some()
        || within(character, VOWELS, VOWEL_COUNT).is_some()
        || final_number(character).is_some()
}

fn final_number(character: char) -> Option<u32> {
    within(character, FINALS, FINAL_COUNT).filter(|number| *number > 0)
}

/// The number of a character that is one of `count` from `first`.
fn within(character: char, first: u32, count: u32) -> Option<u32> {
    u32::from(character)
        .checked_sub(first)
        .filter(|number| *number < count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unicode_normalization::UnicodeNormalization;

    fn letters(text: &str) -> String {
        let mut letters = String::new();
        each(text, |letter| letters.push(letter));
        letters
    }

    #[test]
    fn every_syllable_is_taken_apart_as_by_nfd_and_put_together_again() {
        for syllable in '가'..='힣' {
            let text = syllable.to_string();
            let apart = letters(&text);
            assert!(apart.chars().eq(text.nfd()), "{syllable}");
            let back = compose(apart.chars());
            let count = apart.chars().count();
            assert_eq!(
                (back.text, back.composed, back.letters),
                (text, count, count)
            );
        }
    }

    #[test]
    fn other_characters_stay_and_lone_letters_are_counted() {
        assert_eq!(letters("aé 漢ㅋ"), "aé 漢ㅋ");
        // A syllable of two letters, then an initial, a vowel and a final alone.
        let done = compose("\u{1100}\u{1161}-\u{1100}-\u{1161}-\u{11a8}".chars());
        assert_eq!(done.text, "가-\u{1100}-\u{1161}-\u{11a8}");
        assert_eq!((done.composed, done.letters), (2, 5));
        assert_eq!(compose("ㅋㅋ a".chars()).letters, 0);
    }
}
