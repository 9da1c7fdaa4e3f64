//! Distances of texts to real ones in two kinds of features.

use super::protocol::{DISTANCE_TEXTS, first};
use super::reference::TextReference;
use super::scores::{Against, TextSet};
use super::sheet::Sheet;
use super::{TextMetric, TextScoreKind};
use crate::{EvalError, SCORE_SEED};
use gan_core::Sequences;
use gan_metrics::{Features, Mean};
use gan_text_metrics::{FeatureDistances, hashed_ngrams, share};

/// Features by which texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Hashed,
    Encoder,
}

impl View {
    pub(crate) const ALL: [Self; 2] = [Self::Hashed, Self::Encoder];
}

impl TextReference<'_> {
    /// The features of texts; of fewer than two there are none.
    pub(crate) fn features(
        &self,
        view: View,
        name: &str,
        texts: &Sequences,
    ) -> Result<Features, EvalError> {
        match (view, &self.encoder) {
            (View::Hashed, _) => Ok(hashed_ngrams(name, &self.between_ends(texts))?),
            (View::Encoder, Some(encoder)) => encoder.features(self.data, name, texts),
            (View::Encoder, None) => Err(EvalError::subject(
                &self.data.path,
                "no encoder",
                "enough text to train one",
            )),
        }
    }

    /// Texts with their start and end as tokens, if they have ends: so an empty text has n-grams too, and is not as
    /// near to all others as no vector of length 0 should be.
    fn between_ends(&self, texts: &Sequences) -> Sequences {
        let corpus = &self.data.corpus;
        let Some(end) = corpus.end else {
            return texts.clone();
        };
        let mut between = Sequences::default();
        for text in texts.iter() {
            between.push(&[&[corpus.start], text, &[end]].concat());
        }
        between
    }

    /// The scores of both sets' features.
    pub(crate) fn distances(
        &self,
        set: &TextSet<'_>,
        view: View,
        sheet: &mut Sheet,
    ) -> Result<(), EvalError> {
        let Some(real) = &self.real[view as usize] else {
            return Ok(());
        };
        let (real, generated) = match set.against {
            Against::HeldOut => (real.clone(), first(set.texts, DISTANCE_TEXTS)),
            Against::OtherHeldOut => {
                let (one, other) = self.held_out_apart(DISTANCE_TEXTS);
                match self.features(view, "held-out texts", &one) {
                    Ok(features) => (features, other),
                    Err(error) => return note_or_fail(error, "distances of held-out text", sheet),
                }
            }
        };
        let generated = match self.features(view, "generated texts", &generated) {
            Ok(features) => features,
            Err(error) => return note_or_fail(error, "distances", sheet),
        };
        add_distances(view, &real, &generated, sheet);
        Ok(())
    }

    /// Two sets of different held-out texts, each of `most` or of half of them.
    pub(crate) fn held_out_apart(&self, most: usize) -> (Sequences, Sequences) {
        let half = most.min(self.held_out.len() / 2);
        (
            self.held_out.select(0..half),
            self.held_out.select(half..2 * half),
        )
    }
}

fn add_distances(view: View, real: &Features, generated: &Features, sheet: &mut Sheet) {
    let [frechet, kernel, precision, recall, density, coverage] = kinds(view);
    let found = FeatureDistances::new(real, generated, SCORE_SEED);
    let (reals, others) = (real.count() as f64, generated.count() as f64);
    let of_share = |value: f64, count: f64| share((value * count).round() as usize, count as usize);
    match found.frechet {
        Ok(mean) => sheet.mean(frechet, mean),
        Err(error) => sheet.without(frechet.label(), error),
    }
    match found.kernel {
        Ok(found) => sheet.mean(
            kernel,
            Mean {
                value: found.mean,
                standard_error: found.standard_deviation,
            },
        ),
        Err(error) => sheet.without(kernel.label(), error),
    }
    match found.precision_recall {
        Ok(found) => {
            sheet.mean(precision, of_share(found.precision, others));
            sheet.mean(recall, of_share(found.recall, reals));
        }
        Err(error) => sheet.without(precision.label(), error),
    }
    match found.density_coverage {
        Ok(found) => {
            let error = found.density_error;
            sheet.mean(
                density,
                Mean {
                    value: found.density,
                    standard_error: error,
                },
            );
            sheet.mean(coverage, of_share(found.coverage, reals));
        }
        Err(error) => sheet.without(density.label(), error),
    }
}

fn kinds(view: View) -> [TextScoreKind; 6] {
    let wanted = match view {
        View::Hashed => TextMetric::Hashed,
        View::Encoder => TextMetric::Encoder,
    };
    let mut of_view = TextScoreKind::ALL
        .iter()
        .copied()
        .filter(|kind| kind.metric() == wanted);
    // Six of each, in this order.
    std::array::from_fn(|_| of_view.next().unwrap_or(TextScoreKind::HashedFrechet))
}

/// Too few texts are no failure.
fn note_or_fail(error: EvalError, what: &str, sheet: &mut Sheet) -> Result<(), EvalError> {
    match error {
        EvalError::Metric(error) => {
            sheet.without(what, error);
            Ok(())
        }
        other => Err(other),
    }
}
