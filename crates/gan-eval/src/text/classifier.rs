//! A new classifier that is trained to tell two sets of texts apart, and how often it is right on others.

use super::batches::{Batch, end_tokens, longest};
use super::protocol::{CLASSIFIER_TEXTS, Network, first};
use super::training::finite;
use crate::{EvalError, SCORE_SEED};
use gan_core::candle_core::DType;
use gan_core::exact::exp;
use gan_core::{Purpose, Sequences};
use gan_metrics::Mean;
use gan_ops::{FeatureDropout, TextClassifier};
use gan_text::{DiscriminatorConfig, TextCorpus, text_discriminator};
use gan_train::Optimizer;
use rand::Rng;
use rand::seq::SliceRandom;

/// The fewest of each set: half of them must be enough for an accuracy.
const LEAST: usize = 20;

/// Texts of an update, half of them real.
const BATCH: usize = 64;
const EPOCHS: u64 = 4;
const LR: f64 = 1e-3;
const DROPOUT: f64 = 0.25;

/// Repetitions of the bootstrap: they determine a deviation within about a tenth.
const REPETITIONS: u64 = 50;

/// The classifier's accuracy on the second halves of both sets, after its training on the first: 1/2 if they cannot
/// be told apart. The error is a bootstrap's over the tested texts. None of fewer than 20 texts.
pub(crate) fn accuracy(
    corpus: &TextCorpus,
    real: &Sequences,
    generated: &Sequences,
) -> Result<Option<Mean>, EvalError> {
    let half = CLASSIFIER_TEXTS.min(real.len()).min(generated.len()) / 2;
    if 2 * half < LEAST {
        return Ok(None);
    }
    let sets = Sets {
        corpus,
        // Real ones, then generated ones.
        texts: [first(real, 2 * half), first(generated, 2 * half)]
            .iter()
            .flat_map(|set| set.iter().collect::<Vec<_>>())
            .collect(),
        half,
    };
    let classifier = sets.trained()?;
    let right = sets.tested(&classifier)?;
    Ok(Some(with_bootstrap(&right)))
}

/// Texts 0 to 2·half are real, the other 2·half generated; of each the first half is to be trained on.
struct Sets<'a> {
    corpus: &'a TextCorpus,
    texts: Sequences,
    half: usize,
}

impl Sets<'_> {
    fn is_real(&self, number: usize) -> bool {
        number < 2 * self.half
    }

    /// The texts with these numbers, not shorter than the widest kernel.
    fn batch(&self, numbers: &[usize]) -> Batch {
        let config = DiscriminatorConfig::default();
        let widest = config.widths.into_iter().max().unwrap_or(1);
        let steps = longest(&self.texts, numbers) + end_tokens(self.corpus);
        Batch::of_steps(self.corpus, &self.texts, numbers, steps.max(widest))
    }

    fn trained(&self) -> Result<TextClassifier, EvalError> {
        let (config, seed) = (DiscriminatorConfig::default(), Network::Classifier.seed());
        let vocabulary = self.corpus.vocabulary;
        let classifier = text_discriminator(&config, vocabulary, seed, DType::F32)?;
        let mut optimizer = Optimizer::adam(classifier.parameters(), LR, [0.9, 0.999])?;
        for epoch in 0..EPOCHS {
            let mut rng = SCORE_SEED.rng(Purpose::EvaluationOrder, epoch);
            let (mut real, mut generated): (Vec<_>, Vec<_>) =
                (0..self.half).map(|k| (k, 2 * self.half + k)).unzip();
            real.shuffle(&mut rng);
            generated.shuffle(&mut rng);
            for (real, generated) in real.chunks(BATCH / 2).zip(generated.chunks(BATCH / 2)) {
                self.update(&classifier, &mut optimizer, &[real, generated].concat())?;
            }
        }
        Ok(classifier)
    }

    /// One update of binary cross-entropy.
    fn update(
        &self,
        classifier: &TextClassifier,
        optimizer: &mut Optimizer,
        numbers: &[usize],
    ) -> Result<(), EvalError> {
        let batch = self.batch(numbers);
        let mut rng = SCORE_SEED.rng(Purpose::Dropout, optimizer.steps());
        let dropout = FeatureDropout {
            share: DROPOUT,
            rng: &mut rng,
        };
        let pass = classifier.record(batch.tokens()?, Some(dropout))?;
        let slopes = pass.logits().iter().zip(numbers).map(|(logit, number)| {
            let sign = if self.is_real(*number) { 1.0 } else { -1.0 };
            -sign / (1.0 + exp(sign * logit)) / numbers.len() as f64
        });
        let slopes: Vec<f64> = slopes.collect();
        finite(optimizer.descend(1.0, None, |visit| pass.gradients(&slopes, visit))?)
    }

    /// Whether each of the other texts is told right, the real ones first.
    fn tested(&self, classifier: &TextClassifier) -> Result<Vec<bool>, EvalError> {
        let (half, mut right) = (self.half, Vec::new());
        let numbers: Vec<usize> = (half..2 * half).chain(3 * half..4 * half).collect();
        for numbers in numbers.chunks(4 * BATCH) {
            let logits = classifier.logits(self.batch(numbers).tokens()?)?;
            let told = logits.iter().zip(numbers);
            right.extend(told.map(|(logit, number)| (*logit > 0.0) == self.is_real(*number)));
        }
        Ok(right)
    }
}

/// The share of what is true, and its deviation over resamples of either half.
fn with_bootstrap(right: &[bool]) -> Mean {
    let share = |right: &mut dyn Iterator<Item = bool>| right.filter(|right| *right).count() as f64;
    let count = right.len() as f64;
    let resampled = (0..REPETITIONS).map(|repetition| {
        let mut rng = SCORE_SEED.rng(Purpose::Bootstrap, repetition);
        let halves = right.chunks(right.len() / 2);
        let drawn = halves
            .map(|half| share(&mut (0..half.len()).map(|_| half[rng.random_range(0..half.len())])));
        drawn.sum::<f64>() / count
    });
    let resampled: Vec<f64> = resampled.collect();
    let mean = resampled.iter().sum::<f64>() / resampled.len() as f64;
    let squares = resampled
        .iter()
        .map(|share| (share - mean).powi(2))
        .sum::<f64>();
    Mean {
        value: share(&mut right.iter().copied()) / count,
        standard_error: (squares / resampled.len() as f64).sqrt(),
    }
}
