//! Scores over the texts' lengths and positions.

use super::batches::drawn;
use super::protocol::{CURVE_TEXTS, first};
use super::reference::TextReference;
use super::scores::PerText;
use super::{
    BinFigures, Figure, PositionFigure, PositionTexts, TextByLength, TextByPosition,
    TextControlKind, TextLengthBin,
};
use crate::EvalError;
use gan_core::{Purpose, Sequences};
use gan_metrics::Mean;
use gan_text::TextGenerator;
use gan_text_metrics::{BinMean, TokenLosses, by_length, share};

/// Positions up to which sequences without an end are drawn, twice the benchmark's length.
const POSITIONS: usize = 40;

/// The first number of tokens for which texts are asked whether all are clean; it is doubled from there.
const FIRST_CLEAN: usize = 5;

impl From<Mean> for Figure {
    fn from(mean: Mean) -> Self {
        Self {
            value: mean.value,
            standard_error: mean.standard_error,
        }
    }
}

/// Each score of single texts by length, beside real text's.
pub(super) fn by_lengths(
    control: Option<TextControlKind>,
    generated: &PerText,
    real: &PerText,
) -> Vec<TextByLength> {
    let scores = generated.by_score.iter().map(|(score, pairs)| {
        let none = Vec::new();
        let real = real.by_score.get(score).unwrap_or(&none);
        let bins = by_length(pairs, real).into_iter();
        let bins = bins.map(|bin| TextLengthBin {
            shortest: bin.shortest,
            longest: bin.longest,
            generated: figures(bin.generated),
            real: figures(bin.real),
            ratio: bin.ratio().map(Figure::from),
        });
        TextByLength {
            control,
            score: *score,
            bins: bins.collect(),
        }
    });
    scores.collect()
}

fn figures(bin: BinMean) -> BinFigures {
    BinFigures {
        texts: bin.sequences,
        mean: bin.mean.map(Figure::from),
    }
}

impl TextReference<'_> {
    /// Texts for [`positions`](Self::positions): longer ones than the data's, where texts have no end of their own.
    pub(crate) fn long_texts(
        &self,
        generator: &dyn TextGenerator,
        texts: &Sequences,
        purpose: Purpose,
    ) -> Result<Sequences, EvalError> {
        let count = CURVE_TEXTS.min(self.count);
        if self.data.corpus.end.is_some() {
            return Ok(first(texts, count));
        }
        let steps = self.data.corpus.steps.max(POSITIONS);
        drawn(generator, &self.data.corpus, (count, steps), 1.0, purpose)
    }

    /// Real texts of any length: an oracle's, or held-out ones.
    pub(crate) fn long_real_texts(&self) -> Result<Sequences, EvalError> {
        let held_out = first(&self.held_out, CURVE_TEXTS);
        match &self.data.oracle {
            Some(oracle) => self.long_texts(oracle, &held_out, Purpose::ControlSample),
            None => Ok(held_out),
        }
    }

    /// Losses and clean shares by position.
    pub(crate) fn positions(
        &self,
        of: PositionTexts,
        texts: &Sequences,
    ) -> Result<TextByPosition, EvalError> {
        let losses = self.clean_losses(texts)?;
        let by_position = losses.by_position().into_iter().enumerate();
        let figures = by_position.map(|(place, found)| PositionFigure {
            position: place + 1,
            texts: found.sequences,
            mean: found.mean.into(),
        });
        let figures = figures.collect();
        let threshold = self.clean_threshold;
        Ok(TextByPosition {
            of,
            score: self.clean_score(),
            losses: figures,
            clean: threshold.map_or(Vec::new(), |most| clean_beginnings(&losses, texts, most)),
        })
    }
}

/// The share of texts whose first 5, 10, 20 … tokens are clean, of those that have as many.
fn clean_beginnings(losses: &TokenLosses, texts: &Sequences, most: f64) -> Vec<PositionFigure> {
    let lengths = std::iter::successors(Some(FIRST_CLEAN), |length| Some(2 * length));
    let shares = lengths.map(|length| {
        let long = losses.sequences().zip(texts.iter());
        let long = long.filter(|(_, text)| text.len() >= length);
        let clean: Vec<bool> = long
            .map(|(losses, _)| losses.iter().take(length).all(|loss| *loss <= most))
            .collect();
        (length, clean)
    });
    let reached = shares.take_while(|(_, clean)| !clean.is_empty());
    let figures = reached.map(|(position, clean)| PositionFigure {
        position,
        texts: clean.len(),
        mean: share(clean.iter().filter(|clean| **clean).count(), clean.len()).into(),
    });
    figures.collect()
}
