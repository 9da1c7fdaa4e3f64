//! The small networks that an evaluation trains, by a short, fixed schedule that depends on nothing but the texts.

use super::batches::Batch;
use super::protocol::Network;
use crate::{EvalError, SCORE_SEED};
use gan_core::candle_core::DType;
use gan_core::{Purpose, Sequences};
use gan_ops::LanguageModel;
use gan_text::{GeneratorConfig, TextCorpus, text_generator};
use gan_train::Optimizer;
use rand::seq::SliceRandom;

/// Texts of an update.
const BATCH: usize = 64;

/// Batches whose texts are sorted by length together, so that little is filled up.
const SORTED: usize = 16;

/// A language model's sizes, and how it is trained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    pub(crate) hidden: usize,
    /// Updates, each of 64 texts; fewer for few texts.
    pub(crate) updates: usize,
    pub(crate) network: Network,
}

/// The learning rate at first; it falls to 0 in equal steps.
const LR: f64 = 0.01;

/// The most passes over the texts, of which few are learnt by heart.
const MOST_EPOCHS: usize = 20;

/// A language model of `texts`, at least one of which has a token or an end.
pub(crate) fn language_model(
    corpus: &TextCorpus,
    texts: &Sequences,
    schedule: Schedule,
) -> Result<LanguageModel, EvalError> {
    let config = GeneratorConfig {
        embedding: 32,
        hidden: schedule.hidden,
        ..GeneratorConfig::default()
    };
    let seed = schedule.network.seed();
    let (vocabulary, start) = (corpus.vocabulary, corpus.start);
    let model = text_generator(&config, vocabulary, start, seed, DType::F32)?;
    let mut optimizer = Optimizer::adam(model.parameters(), LR, [0.9, 0.999])?;
    let mut order = Order::new(texts);
    let updates = schedule
        .updates
        .min(MOST_EPOCHS * texts.len().div_ceil(BATCH));
    for update in 0..updates {
        let batch = Batch::new(corpus, texts, &order.next_batch(), 1);
        let count = batch.counts.iter().sum::<usize>().max(1);
        let weights: Vec<f64> = batch
            .counts
            .iter()
            .flat_map(|own| {
                (0..batch.steps).map(move |step| f64::from(u8::from(step < *own)) / count as f64)
            })
            .collect();
        let left = 1.0 - update as f64 / updates as f64;
        let not_finite = optimizer.descend(left, None, |visit| {
            model.nll_gradients(batch.tokens()?, &weights, visit)?;
            Ok(())
        })?;
        finite(not_finite)?;
    }
    Ok(model)
}

/// Refuses what is not finite.
pub(super) fn finite(tensor: Option<String>) -> Result<(), EvalError> {
    match tensor {
        Some(tensor) => Err(EvalError::Tensor(gan_core::candle_core::Error::Msg(
            format!("{tensor} of a network that the evaluation trains is not finite"),
        ))),
        None => Ok(()),
    }
}

/// The texts in an order of their own for each epoch, in batches of similar length.
struct Order {
    lengths: Vec<usize>,
    epoch: u64,
    batches: Vec<Vec<usize>>,
}

impl Order {
    fn new(texts: &Sequences) -> Self {
        Self {
            lengths: texts.iter().map(<[u32]>::len).collect(),
            epoch: 0,
            batches: Vec::new(),
        }
    }

    fn next_batch(&mut self) -> Vec<usize> {
        if self.batches.is_empty() {
            self.batches = self.of_epoch();
            self.epoch += 1;
        }
        self.batches.pop().unwrap_or_default()
    }

    fn of_epoch(&self) -> Vec<Vec<usize>> {
        let mut rng = SCORE_SEED.rng(Purpose::EvaluationOrder, self.epoch);
        let mut numbers: Vec<usize> = (0..self.lengths.len()).collect();
        numbers.shuffle(&mut rng);
        let mut batches = Vec::new();
        for some in numbers.chunks_mut(SORTED * BATCH) {
            some.sort_by_key(|number| self.lengths[*number]);
            batches.extend(some.chunks(BATCH).map(<[usize]>::to_vec));
        }
        batches.shuffle(&mut rng);
        batches
    }
}
