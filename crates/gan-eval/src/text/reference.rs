//! The real text that texts are compared with, and the models that were made of it.

use super::batches::losses;
use super::distances::View;
use super::encoder::Encoder;
use super::protocol::{CLASSIFIER_TEXTS, Choice, DISTANCE_TEXTS, HELD_OUT_TEXTS, chosen, first};
use super::scores::PerText;
use super::{TextDataFacts, TextEvaluationData, TextScoreKind};
use crate::EvalError;
use crate::event::{EvalEvent, Listener};
use gan_core::Sequences;
use gan_metrics::Features;
use gan_text_metrics::{
    Bleu, BleuReferences, CleanShare, NgramModel, TokenLosses, mean, self_bleu,
};

/// The order of the n-gram model.
const NGRAM_ORDER: usize = 5;

/// Everything about the data that scores need.
pub(crate) struct TextReference<'a> {
    pub(crate) data: &'a TextEvaluationData,
    /// The number of texts that are scored.
    pub(crate) count: usize,
    /// All held-out texts, if there are any.
    pub(crate) bleu: Option<BleuReferences>,
    /// The training texts without unknown tokens.
    pub(crate) training: Sequences,
    /// Of these.
    pub(crate) ngrams: NgramModel,
    pub(crate) encoder: Option<Encoder>,
    /// The held-out texts without unknown tokens.
    pub(crate) known: Sequences,
    /// BLEU of each of them against all other held-out texts, if there are others.
    pub(crate) others_bleu: Option<Bleu>,
    /// Some of them in random order, for what takes long.
    pub(crate) held_out: Sequences,
    /// The features of some of them.
    pub(crate) real: [Option<Features>; 2],
    /// Scores of single held-out texts.
    pub(crate) per_text: PerText,
    /// The loss that one token in 1,000 of held-out text exceeds.
    pub(crate) clean_threshold: Option<f64>,
    /// Why something is missing.
    pub(crate) notes: Vec<String>,
}

impl<'a> TextReference<'a> {
    pub(crate) fn new(
        data: &'a TextEvaluationData,
        facts: &TextDataFacts,
        count: usize,
        tell: Listener<'_>,
    ) -> Result<Self, EvalError> {
        let mut notes = Vec::new();
        tell(EvalEvent::Expect(2));
        tell(EvalEvent::Begin("encoder of texts"));
        let encoder = match Encoder::new(data, facts) {
            Ok(encoder) => Some(encoder),
            Err(EvalError::Metric(error)) => {
                notes.push(format!("No features of an encoder: {error}."));
                None
            }
            Err(error) => return Err(error),
        };
        tell(EvalEvent::Done);
        tell(EvalEvent::Begin("held-out text"));
        let most = 2 * CLASSIFIER_TEXTS.max(DISTANCE_TEXTS).max(HELD_OUT_TEXTS);
        let (training, known) = (data.known(data.training()), data.known(&data.held_out));
        let mut reference = Self {
            data,
            count,
            bleu: None,
            ngrams: NgramModel::new(&training, NGRAM_ORDER)?,
            training,
            encoder,
            held_out: chosen(&known, most, Choice::HeldOut),
            known,
            others_bleu: None,
            real: [None, None],
            per_text: PerText::default(),
            clean_threshold: None,
            notes,
        };
        reference.describe_held_out()?;
        tell(EvalEvent::Done);
        Ok(reference)
    }

    fn describe_held_out(&mut self) -> Result<(), EvalError> {
        let all = &self.data.held_out;
        if all.is_empty() {
            let note = "No text is held out: no BLEU, no distances, no reverse NLL and no classifier; what is \
                        left cannot tell learning from copying.";
            self.notes.push(note.to_string());
            return Ok(());
        }
        if self.known.len() < all.len() {
            self.notes.push(format!(
                "{} of {} held-out texts have unknown tokens, which are never generated: they are references of \
                 BLEU only.",
                all.len() - self.known.len(),
                all.len()
            ));
        }
        self.bleu = Some(BleuReferences::new(all)?);
        let losses = self.clean_losses(&self.known)?;
        match CleanShare::new(&losses, &losses) {
            Ok(clean) => self.clean_threshold = Some(clean.threshold),
            Err(error) => self.notes.push(format!("No clean texts: {error}.")),
        }
        let mut per_text = PerText::new(&self.known, self)?;
        // Of one text alone there are no others.
        self.others_bleu = self_bleu(all).ok().map(|bleu| self.of_known(&bleu));
        if let Some(bleu) = &self.others_bleu {
            per_text.add_bleu4(&self.known, bleu);
        }
        self.per_text = per_text;
        let real = first(&self.held_out, DISTANCE_TEXTS);
        for view in View::ALL {
            let features = self.features(view, "held-out texts", &real);
            self.real[view as usize] = features.ok();
        }
        Ok(())
    }

    /// Those scores of all held-out texts that are those of texts without unknown tokens.
    fn of_known(&self, bleu: &Bleu) -> Bleu {
        let never = &self.data.corpus.never;
        let is_known = |text: &[u32]| !text.iter().any(|token| never.contains(token));
        let all_unknown = self.known.len() == self.data.held_out.len();
        let texts = self.data.held_out.iter().zip(&bleu.sentences);
        let known = texts.filter(|(text, _)| all_unknown || is_known(text));
        let sentences: Vec<[f64; 4]> = known.map(|(_, scores)| *scores).collect();
        Bleu {
            means: std::array::from_fn(|i| mean(sentences.iter().map(|scores| scores[i]))),
            sentences,
        }
    }

    /// The losses by which a text is clean or not: by the oracle, or else by 5-grams.
    pub(crate) fn clean_losses(&self, texts: &Sequences) -> Result<TokenLosses, EvalError> {
        match &self.data.oracle {
            Some(oracle) => losses(oracle, &self.data.corpus, texts, 1.0),
            None => Ok(self.ngrams.losses(texts)),
        }
    }

    /// What these losses are called.
    pub(crate) fn clean_score(&self) -> TextScoreKind {
        match self.data.oracle {
            Some(_) => TextScoreKind::NllOracle,
            None => TextScoreKind::NllNgram,
        }
    }
}
