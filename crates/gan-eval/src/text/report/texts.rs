//! Texts in the report: generated ones and held-out ones beside the training texts closest to them.

use super::super::{NearestText, TextEvaluationFile, TextScoreKind};
use super::value;
use maud::{Markup, html};

pub(super) fn examples(file: &TextEvaluationFile) -> Markup {
    let examples = &file.examples;
    html! {
        h2 { "Generated texts" }
        p {
            "The first " (examples.generated.len()) ", not selected, each beside the training text with which it \
             has the longest run of tokens in common."
        }
        (beside(&examples.generated))
        (most_frequent(file))
        @if !examples.held_out.is_empty() {
            h2 { "Held-out texts" }
            p { "Real text beside the training text, for what is no memorization." }
            (beside(&examples.held_out))
        }
        @if !examples.training.is_empty() {
            h2 { "Training texts" }
            table.texts { @for text in &examples.training { tr { (cell(text)) } } }
        }
    }
}

fn beside(texts: &[NearestText]) -> Markup {
    html! {
        table.texts {
            tr { th { "text" } th { "nearest training text" } th { "in common" } th { "tokens" } }
            @for text in texts {
                tr {
                    (cell(&text.text))
                    @match &text.nearest { Some(nearest) => (cell(nearest)), None => td.note { "none" } }
                    (cell(&text.shared))
                    td.number { (text.shared_tokens) " of " (text.tokens) }
                }
            }
        }
    }
}

fn most_frequent(file: &TextEvaluationFile) -> Markup {
    let times = file.score(TextScoreKind::MostFrequent);
    let Some(times) = times.filter(|times| times.value > 1.0) else {
        return html! {};
    };
    html! {
        p {
            "The most frequent text, " (value(times)) " times among " (file.count) ": "
            q dir="auto" { (visible(&file.most_frequent)) }
        }
    }
}

/// A text in the direction of its own script.
fn cell(text: &str) -> Markup {
    html! {
        td dir="auto" {
            @if text.is_empty() { span.note { "(empty)" } } @else { (visible(text)) }
        }
    }
}

/// Control characters, of which bytes may be made, as their pictures.
fn visible(text: &str) -> String {
    let picture = |character: char| match character {
        control @ '\0'..='\u{1f}' => char::from_u32(0x2400 + control as u32).unwrap_or(control),
        '\u{7f}' => '␡',
        other => other,
    };
    text.chars().map(picture).collect()
}
