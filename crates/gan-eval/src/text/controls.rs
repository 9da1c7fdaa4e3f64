//! Controls: each score for texts whose quality is known.

use super::lengths::by_lengths;
use super::protocol::{Choice, chosen};
use super::reference::TextReference;
use super::scores::{Against, TextSet};
use super::{
    PositionTexts, TEXT_PROTOCOL, TextByLength, TextByPosition, TextControl, TextControlKind,
    TextDataFacts,
};
use crate::cache::{CacheFile, cache_folder};
use crate::event::{EvalEvent, Listener};
use crate::{EvalError, SCORE_SEED};
use gan_core::Sequences;
use gan_text_metrics::{one_repeated, shuffled_tokens, uniform_tokens, unigram_tokens};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// The controls that depend on nothing but the data.
const OF_DATA: [TextControlKind; 7] = [
    TextControlKind::TrainingText,
    TextControlKind::HeldOutText,
    TextControlKind::FiveGram,
    TextControlKind::ShuffledText,
    TextControlKind::UnigramTokens,
    TextControlKind::UniformTokens,
    TextControlKind::RepeatedText,
];

/// What is known of the data's controls, and saved for the next evaluation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct DataControls {
    pub(crate) controls: Vec<TextControl>,
    /// Those of 5-grams.
    pub(crate) by_length: Vec<TextByLength>,
    /// Of real text and of 5-grams.
    pub(crate) by_position: Vec<TextByPosition>,
}

/// The data's controls, from the cache where possible.
pub(crate) fn data_controls(
    reference: &TextReference<'_>,
    facts: &TextDataFacts,
    tell: Listener<'_>,
) -> Result<DataControls, EvalError> {
    let folder = cache_folder();
    let encoder = reference.encoder.as_ref().map(|known| &known.facts.sha256);
    let key = (TEXT_PROTOCOL, reference.count, key_facts(facts), encoder);
    let key = serde_json::to_string(&key)?;
    let corpus = &reference.data.corpus;
    let tokens = format!(
        "{} {:?} {:?} {}",
        corpus.start, corpus.end, corpus.never, corpus.steps
    );
    let mut cache: CacheFile<DataControls> =
        CacheFile::open(folder.as_deref(), "text-controls", &[&key, &tokens]);
    if cache.facts.controls.is_empty() {
        tell(EvalEvent::Expect(OF_DATA.len()));
        let mut found = DataControls::default();
        for kind in OF_DATA {
            control(reference, kind, &mut found, tell)?;
        }
        let real = reference.positions(PositionTexts::Real, &reference.long_real_texts()?)?;
        found.by_position.push(real);
        cache.facts = found;
        cache.changed = true;
        cache.save()?;
    }
    Ok(cache.facts)
}

/// All facts but the place.
fn key_facts(facts: &TextDataFacts) -> TextDataFacts {
    TextDataFacts {
        path: Default::default(),
        ..facts.clone()
    }
}

/// Scores one of the controls.
fn control(
    reference: &TextReference<'_>,
    kind: TextControlKind,
    found: &mut DataControls,
    tell: Listener<'_>,
) -> Result<(), EvalError> {
    let texts = texts(reference, kind)?;
    if texts.is_empty() {
        tell(EvalEvent::Done);
        return Ok(());
    }
    let against = match kind {
        TextControlKind::HeldOutText => Against::OtherHeldOut,
        _ => Against::HeldOut,
    };
    let label = format!("{} as a control", kind.label());
    let set = TextSet {
        label: &label,
        texts: &texts,
        against,
        reverse: matches!(
            kind,
            TextControlKind::TrainingText | TextControlKind::FiveGram
        ),
    };
    let (sheet, per_text) = reference.scores(&set, tell)?;
    if kind == TextControlKind::FiveGram {
        found.by_length = by_lengths(Some(kind), &per_text, &reference.per_text);
        let positions = reference.positions(PositionTexts::FiveGram, &texts)?;
        found.by_position.push(positions);
    }
    found.controls.push(TextControl {
        kind,
        alpha: None,
        count: texts.len(),
        scores: sheet.scores,
        note: note(reference, kind, &texts),
    });
    Ok(())
}

/// As many texts of the kind as are scored, or as there are.
fn texts(reference: &TextReference<'_>, kind: TextControlKind) -> Result<Sequences, EvalError> {
    let (training, count) = (&reference.training, reference.count);
    let some = || chosen(training, count, Choice::Training);
    Ok(match kind {
        TextControlKind::TrainingText => some(),
        TextControlKind::HeldOutText => chosen(&reference.known, count, Choice::HeldOut),
        TextControlKind::FiveGram => reference.ngrams.sample(SCORE_SEED, count),
        TextControlKind::ShuffledText => shuffled_tokens(&some(), SCORE_SEED),
        TextControlKind::UnigramTokens => unigram_tokens(training, SCORE_SEED, count)?,
        TextControlKind::UniformTokens => uniform_tokens(training, SCORE_SEED, count)?,
        TextControlKind::RepeatedText => one_repeated(training, count)?,
        TextControlKind::Pretrained | TextControlKind::PretrainedMatched => Sequences::default(),
    })
}

/// What a reader should know of a control.
fn note(reference: &TextReference<'_>, kind: TextControlKind, texts: &Sequences) -> Option<String> {
    let held_out: HashSet<&[u32]> = reference.data.held_out.iter().collect();
    let shared = texts.iter().filter(|text| held_out.contains(text)).count();
    let of_all = format!(
        "{shared} of its {} texts are held-out texts too",
        texts.len()
    );
    match kind {
        TextControlKind::TrainingText => Some(format!(
            "5-grams, the encoder and the generator learnt from it, and all of it is copied; {of_all}."
        )),
        TextControlKind::HeldOutText => Some(
            "BLEU is of each text against all others that are held out; distances and the classifier compare a part \
             of it with another part, at most one half with the other."
                .to_string(),
        ),
        TextControlKind::FiveGram => Some(format!("The 5-grams score what they drew; {of_all}.")),
        TextControlKind::RepeatedText => Some(format!("It is a training text; {of_all}.")),
        _ if shared > 0 => Some(format!("By chance {of_all}.")),
        _ => None,
    }
}
