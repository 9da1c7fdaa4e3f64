//! The scores that only a generator has, and those of a point of its curve.

use super::batches::{drawn, losses};
use super::distances::View;
use super::protocol::{ALPHAS, CURVE_TEXTS, DISTANCE_TEXTS, HELD_OUT_TEXTS, first};
use super::reference::TextReference;
use super::scores::{diversity_scores, mean_loss, self_bleu_scores};
use super::sheet::Sheet;
use super::{CurveGenerator, TemperatureCurve, TemperaturePoint, TextScoreKind};
use crate::EvalError;
use crate::event::{EvalEvent, Listener};
use gan_core::{Purpose, Sequences};
use gan_metrics::{Mean, frechet_distance};
use gan_text::TextGenerator;
use gan_text_metrics::TokenLosses;

/// A generator at an inverse temperature, and the streams of its texts.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) generator: &'a dyn TextGenerator,
    pub(crate) purpose: Purpose,
}

impl TextReference<'_> {
    /// Texts of a generator.
    pub(crate) fn draw(
        &self,
        source: Source<'_>,
        count: usize,
        alpha: f64,
    ) -> Result<Sequences, EvalError> {
        let (corpus, steps) = (&self.data.corpus, self.data.corpus.steps);
        drawn(
            source.generator,
            corpus,
            (count, steps),
            alpha,
            source.purpose,
        )
    }

    /// How likely held-out text is, and how likely its own texts are.
    pub(crate) fn generator_scores(
        &self,
        source: Source<'_>,
        texts: &Sequences,
        held_out: &Sequences,
        alpha: f64,
    ) -> Result<Sheet, EvalError> {
        let (corpus, mut sheet) = (&self.data.corpus, Sheet::default());
        let own = losses(source.generator, corpus, texts, alpha)?;
        mean_loss(TextScoreKind::NllDiv, &own, &mut sheet);
        if held_out.is_empty() {
            return Ok(sheet);
        }
        let found = losses(source.generator, corpus, held_out, alpha)?;
        mean_loss(TextScoreKind::NllGen, &found, &mut sheet);
        if let Ok(perplexity) = found.perplexity() {
            sheet.mean(TextScoreKind::Perplexity, perplexity);
        }
        if let Some(bits) = self.bits_per_character(&found, held_out) {
            sheet.mean(TextScoreKind::BitsPerCharacter, bits);
        }
        Ok(sheet)
    }

    /// Bits over all characters, and one for the end of each text.
    fn bits_per_character(&self, losses: &TokenLosses, texts: &Sequences) -> Option<Mean> {
        let tokenizer = self.data.tokenizer.as_ref()?;
        let characters = texts
            .iter()
            .map(|text| tokenizer.decode(text).chars().count() + 1);
        let characters: usize = characters.sum();
        let tokens: usize = losses.sequences().map(<[f64]>::len).sum();
        let nats = losses.mean().ok()?;
        let scale = tokens as f64 / characters as f64 / std::f64::consts::LN_2;
        Some(Mean {
            value: nats.value * scale,
            standard_error: nats.standard_error * scale,
        })
    }

    /// The generator's scores over the inverse temperature.
    pub(crate) fn curve(
        &self,
        whose: CurveGenerator,
        source: Source<'_>,
        tell: Listener<'_>,
    ) -> Result<TemperatureCurve, EvalError> {
        let name = match whose {
            CurveGenerator::Subject => "generated texts",
            CurveGenerator::Pretrained => "the pretrained generator's texts",
        };
        let mut points = Vec::with_capacity(ALPHAS.len());
        for alpha in ALPHAS {
            tell(EvalEvent::Begin(&format!("{name} at α = {alpha}")));
            points.push(TemperaturePoint {
                alpha,
                scores: self.point(source, alpha)?.scores,
            });
            tell(EvalEvent::Done);
        }
        Ok(TemperatureCurve {
            generator: whose,
            points,
        })
    }

    fn point(&self, source: Source<'_>, alpha: f64) -> Result<Sheet, EvalError> {
        let count = CURVE_TEXTS.min(self.count);
        let texts = self.draw(source, count, alpha)?;
        let held_out = first(&self.held_out, HELD_OUT_TEXTS);
        let mut sheet = self.generator_scores(source, &texts, &held_out, alpha)?;
        self.likelihoods(&texts, &mut sheet)?;
        if let Some(Ok(bleu)) = self.bleu.as_ref().map(|known| known.score(&texts)) {
            sheet.mean(TextScoreKind::Bleu4, bleu.means[2]);
            sheet.mean(TextScoreKind::Bleu5, bleu.means[3]);
        }
        self_bleu_scores(&texts, &mut sheet);
        diversity_scores(&texts, &mut sheet);
        let some = first(&texts, DISTANCE_TEXTS);
        let kinds = [TextScoreKind::HashedFrechet, TextScoreKind::EncoderFrechet];
        for (view, kind) in View::ALL.into_iter().zip(kinds) {
            if let Some(real) = &self.real[view as usize]
                && let Ok(features) = self.features(view, "generated texts", &some)
                && let Ok(distance) = frechet_distance(real, &features)
            {
                sheet.value(kind, distance);
            }
        }
        Ok(sheet.sorted())
    }
}
