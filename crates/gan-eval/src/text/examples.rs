//! Texts to be read: generated ones, each beside the training text that it is closest to, and real ones.

use gan_core::Sequences;
use gan_text_metrics::nearest_by_run;
use serde::{Deserialize, Serialize};

/// Texts of each kind that are kept.
const EXAMPLES: usize = 20;

/// Some texts. Those of an oracle's vocabulary are written as ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TextExamples {
    /// The first generated texts.
    pub generated: Vec<NearestText>,
    /// The first held-out texts, for what natural text shares with the training text.
    pub held_out: Vec<NearestText>,
    /// The first training texts.
    pub training: Vec<String>,
}

/// A text and the training text with which it has its longest run of tokens in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NearestText {
    /// The text.
    pub text: String,
    /// Its number of tokens.
    pub tokens: usize,
    /// The training text; none if there is no token in common.
    pub nearest: Option<String>,
    /// The run.
    pub shared: String,
    /// The run's number of tokens.
    pub shared_tokens: usize,
}

impl TextExamples {
    /// The first of `generated`, `held_out` and `training`; `written` says what ids stand for.
    pub fn new(
        generated: &Sequences,
        held_out: &Sequences,
        training: &Sequences,
        written: &dyn Fn(&[u32]) -> String,
    ) -> Self {
        let beside = |texts: &Sequences| {
            let some = texts.select(0..EXAMPLES.min(texts.len()));
            let nearest = nearest_by_run(&some, training);
            let pairs = some.iter().zip(nearest).map(|(text, run)| {
                let other = run.and_then(|run| training.get(run.training));
                let shared = run.map_or(&[][..], |run| &text[run.start..run.start + run.length]);
                NearestText {
                    text: written(text),
                    tokens: text.len(),
                    nearest: other.map(written),
                    shared: written(shared),
                    shared_tokens: shared.len(),
                }
            });
            pairs.collect()
        };
        Self {
            generated: beside(generated),
            held_out: beside(held_out),
            training: training.iter().take(EXAMPLES).map(written).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_beside_the_training_texts_that_they_repeat() {
        let training: Sequences = [&[1, 2, 3][..], &[7, 8]].into_iter().collect();
        let generated: Sequences = [&[2, 3, 9][..], &[5], &[]].into_iter().collect();
        let written = |ids: &[u32]| ids.iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
        let found = TextExamples::new(&generated, &Sequences::default(), &training, &written);
        let texts = found
            .generated
            .iter()
            .map(|one| (one.shared.as_str(), one.nearest.as_deref()));
        let texts: Vec<_> = texts.collect();
        assert_eq!(texts, [("2 3", Some("1 2 3")), ("", None), ("", None)]);
        assert_eq!(
            (found.generated[0].tokens, found.generated[0].shared_tokens),
            (3, 2)
        );
        assert_eq!(found.training, ["1 2 3", "7 8"]);
        assert!(found.held_out.is_empty());
    }
}
