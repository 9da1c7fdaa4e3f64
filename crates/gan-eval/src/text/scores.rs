//! The scores that any texts have, whatever they come from.

use super::TextScoreKind;
use super::batches::losses;
use super::classifier::accuracy;
use super::distances::View;
use super::protocol::{CLASSIFIER_TEXTS, HELD_OUT_TEXTS, Network, first};
use super::reference::TextReference;
use super::sheet::Sheet;
use super::training::{Schedule, language_model};
use crate::EvalError;
use crate::event::{EvalEvent, Listener};
use gan_core::Sequences;
use gan_text_metrics::{Bleu, Diversity, Overlap, TokenLosses, mean, self_bleu, share};
use std::collections::BTreeMap;

/// The reverse model: as large as SeqGAN's generator.
const REVERSE: Schedule = Schedule {
    hidden: 32,
    updates: 300,
    network: Network::Reverse,
};

/// What held-out texts a set is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Against {
    /// All of them.
    HeldOut,
    /// The others: the texts are held-out ones themselves.
    OtherHeldOut,
}

/// Some texts to be scored.
pub(crate) struct TextSet<'a> {
    /// For messages.
    pub(crate) label: &'a str,
    pub(crate) texts: &'a Sequences,
    pub(crate) against: Against,
    /// Whether a model is trained on them, which takes longer than all other scores.
    pub(crate) reverse: bool,
}

/// The scores that each text has of its own, with its length.
#[derive(Clone, Debug, Default)]
pub(crate) struct PerText {
    pub(crate) by_score: BTreeMap<TextScoreKind, Vec<(usize, f64)>>,
}

impl TextReference<'_> {
    /// The scores of a set.
    pub(crate) fn scores(
        &self,
        set: &TextSet<'_>,
        tell: Listener<'_>,
    ) -> Result<(Sheet, PerText), EvalError> {
        let mut sheet = Sheet::default();
        let mut per_text = PerText::new(set.texts, self)?;
        let mut part = |what: &str| {
            tell(EvalEvent::Begin(&format!("{what} of {}", set.label)));
        };
        part("BLEU");
        self.bleu_scores(set, &mut sheet, &mut per_text);
        part("likelihood");
        self.likelihoods(set.texts, &mut sheet)?;
        part("distances");
        for view in View::ALL {
            self.distances(set, view, &mut sheet)?;
        }
        part("diversity and copies");
        self.diversity(set.texts, &mut sheet);
        self.memorization(set.texts, &mut sheet);
        if set.reverse {
            part("reverse model");
            self.reverse(set.texts, &mut sheet)?;
        }
        part("classifier");
        self.classifier(set, &mut sheet)?;
        tell(EvalEvent::Done);
        Ok((sheet.sorted(), per_text))
    }

    fn bleu_scores(&self, set: &TextSet<'_>, sheet: &mut Sheet, per_text: &mut PerText) {
        let found = match (set.against, &self.bleu) {
            (Against::OtherHeldOut, _) => self.others_bleu.clone().map(|bleu| (bleu, &self.known)),
            (Against::HeldOut, Some(references)) => match references.score(set.texts) {
                Ok(bleu) => Some((bleu, set.texts)),
                Err(error) => {
                    sheet.without("BLEU", error);
                    None
                }
            },
            (Against::HeldOut, None) => None,
        };
        if let Some((bleu, texts)) = found {
            let kinds = [
                TextScoreKind::Bleu2,
                TextScoreKind::Bleu3,
                TextScoreKind::Bleu4,
                TextScoreKind::Bleu5,
            ];
            let means = kinds.into_iter().zip(bleu.means);
            means.for_each(|(kind, mean)| sheet.mean(kind, mean));
            per_text.add_bleu4(texts, &bleu);
        }
        self_bleu_scores(set.texts, sheet);
    }

    /// NLL by 5-grams and by an oracle, and the share of clean texts.
    pub(crate) fn likelihoods(
        &self,
        texts: &Sequences,
        sheet: &mut Sheet,
    ) -> Result<(), EvalError> {
        let ngrams = self.ngrams.losses(texts);
        mean_loss(TextScoreKind::NllNgram, &ngrams, sheet);
        let mut clean = ngrams;
        if let Some(oracle) = &self.data.oracle {
            clean = losses(oracle, &self.data.corpus, texts, 1.0)?;
            mean_loss(TextScoreKind::NllOracle, &clean, sheet);
        }
        if let Some(threshold) = self.clean_threshold {
            let clean = clean.clean(threshold);
            let share = share(clean.iter().filter(|clean| **clean).count(), clean.len());
            sheet.mean(TextScoreKind::CleanShare, share);
        }
        Ok(())
    }

    fn diversity(&self, texts: &Sequences, sheet: &mut Sheet) {
        diversity_scores(texts, sheet);
        let tokenizer = self.data.tokenizer.as_ref();
        if let Some(share) = tokenizer.and_then(|known| known.valid_share(texts.iter())) {
            sheet.value(TextScoreKind::ValidShare, share);
        }
    }

    fn memorization(&self, texts: &Sequences, sheet: &mut Sheet) {
        let overlap = match Overlap::new("texts", texts, self.data.training()) {
            Ok(overlap) => overlap,
            Err(error) => return sheet.without("memorization", error),
        };
        sheet.mean(TextScoreKind::Copies, overlap.copies);
        sheet.mean(TextScoreKind::LongestRun, overlap.longest_run);
        let parts = [
            (TextScoreKind::LongestRunPart, overlap.longest_run_part),
            (TextScoreKind::NewBigrams, overlap.new_ngrams[0]),
            (TextScoreKind::NewTrigrams, overlap.new_ngrams[1]),
            (TextScoreKind::NewFourgrams, overlap.new_ngrams[2]),
            (TextScoreKind::NewFivegrams, overlap.new_ngrams[3]),
        ];
        for (kind, part) in parts {
            part.into_iter().for_each(|mean| sheet.mean(kind, mean));
        }
    }

    /// Held-out text under a model that is trained on the texts.
    fn reverse(&self, texts: &Sequences, sheet: &mut Sheet) -> Result<(), EvalError> {
        let tested = first(&self.held_out, HELD_OUT_TEXTS);
        if tested.tokens() == 0 || texts.tokens() == 0 {
            return Ok(());
        }
        let corpus = &self.data.corpus;
        let model = language_model(corpus, texts, REVERSE)?;
        let losses = losses(&model, corpus, &tested, 1.0)?;
        mean_loss(TextScoreKind::ReverseNll, &losses, sheet);
        Ok(())
    }

    fn classifier(&self, set: &TextSet<'_>, sheet: &mut Sheet) -> Result<(), EvalError> {
        let (real, texts) = match set.against {
            Against::HeldOut => (self.held_out.clone(), set.texts.clone()),
            Against::OtherHeldOut => self.held_out_apart(CLASSIFIER_TEXTS),
        };
        match accuracy(&self.data.corpus, &real, &texts)? {
            Some(mean) => sheet.mean(TextScoreKind::ClassifierAccuracy, mean),
            None if self.data.held_out.is_empty() => {}
            None => sheet.without("classifier", "there are fewer than 20 texts to tell apart"),
        }
        Ok(())
    }
}

impl PerText {
    /// All but BLEU.
    pub(crate) fn new(texts: &Sequences, reference: &TextReference<'_>) -> Result<Self, EvalError> {
        let mut by_score = BTreeMap::new();
        let lengths: Vec<usize> = texts.iter().map(<[u32]>::len).collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        let pairs = |losses: &TokenLosses| {
            let means = losses.sequences().map(mean);
            lengths.iter().copied().zip(means).collect::<Vec<_>>()
        };
        by_score.insert(
            TextScoreKind::NllNgram,
            pairs(&reference.ngrams.losses(texts)),
        );
        let clean = reference.clean_losses(texts)?;
        if let Some(threshold) = reference.clean_threshold {
            let clean = clean.clean(threshold).into_iter();
            let clean = clean.map(|clean| f64::from(u8::from(clean)));
            let clean = lengths.iter().copied().zip(clean).collect();
            by_score.insert(TextScoreKind::CleanShare, clean);
        }
        by_score.insert(reference.clean_score(), pairs(&clean));
        Ok(Self { by_score })
    }

    pub(crate) fn add_bleu4(&mut self, texts: &Sequences, bleu: &Bleu) {
        let lengths = texts.iter().map(<[u32]>::len);
        let bleu4 = lengths.zip(bleu.sentences.iter().map(|scores| scores[2]));
        self.by_score.insert(TextScoreKind::Bleu4, bleu4.collect());
    }
}

/// The mean over tokens, if there are any.
pub(crate) fn mean_loss(kind: TextScoreKind, losses: &TokenLosses, sheet: &mut Sheet) {
    match losses.mean() {
        Ok(mean) => sheet.mean(kind, mean),
        Err(error) => sheet.without(kind.label(), error),
    }
}

pub(crate) fn self_bleu_scores(texts: &Sequences, sheet: &mut Sheet) {
    let kinds = [
        TextScoreKind::SelfBleu2,
        TextScoreKind::SelfBleu3,
        TextScoreKind::SelfBleu4,
        TextScoreKind::SelfBleu5,
    ];
    match self_bleu(texts) {
        Ok(bleu) => {
            let means = kinds.into_iter().zip(bleu.means);
            means.for_each(|(kind, mean)| sheet.mean(kind, mean));
        }
        Err(error) => sheet.without("self-BLEU", error),
    }
}

pub(crate) fn diversity_scores(texts: &Sequences, sheet: &mut Sheet) {
    let found = match Diversity::new(texts) {
        Ok(found) => found,
        Err(error) => return sheet.without("diversity", error),
    };
    sheet.value(
        TextScoreKind::DistinctTokens,
        found.distinct[0].different as f64,
    );
    let kinds = [
        TextScoreKind::DistinctBigrams,
        TextScoreKind::DistinctTrigrams,
        TextScoreKind::DistinctFourgrams,
    ];
    for (kind, distinct) in kinds.into_iter().zip(&found.distinct[1..]) {
        sheet.value(kind, distinct.share());
    }
    sheet.value(TextScoreKind::DistinctTexts, found.sequences.share());
    sheet.value(
        TextScoreKind::MostFrequent,
        found.most_frequent_count as f64,
    );
    sheet.value(TextScoreKind::TokenEntropy, found.entropy_nats);
    let lengths: Vec<usize> = texts.iter().map(<[u32]>::len).collect();
    let lengths = lengths.iter().map(|length| *length as f64);
    sheet.mean(TextScoreKind::MeanLength, mean(lengths));
}
