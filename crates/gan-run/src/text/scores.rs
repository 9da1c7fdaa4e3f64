//! Scores of a text generator during training, by which the best checkpoint is chosen.

use super::TextPlan;
use super::texts::drawn;
use crate::RunError;
use gan_ops::TokenBatch;
use gan_text::{Padded, TextGenerator, until_end};
use std::collections::{BTreeMap, HashSet};

/// The score that decides, the lower the better: −ln p a token of held-out texts.
pub(super) const DECISIVE: &str = "nll_gen";

/// The most held-out texts and the number of drawn ones.
const TEXTS: usize = 1000;

/// The scores by name: those of held-out texts if there are any, and of drawn ones.
pub(super) fn scores(
    generator: &dyn TextGenerator,
    plan: &TextPlan,
) -> Result<BTreeMap<String, Option<f64>>, RunError> {
    let set = &plan.set;
    let mut scores = BTreeMap::new();
    let mut add = |name: &str, value: f64| {
        scores.insert(
            name.to_string(),
            Some(value).filter(|value| value.is_finite()),
        );
    };
    if !set.held_out.is_empty() {
        let numbers: Vec<usize> = (0..set.held_out.len().min(TEXTS)).collect();
        let held_out = Padded::new(&set.corpus, &set.held_out, &numbers);
        let nll = generator.nll(held_out.batch()?, 1.0)?;
        add(DECISIVE, held_out.mean(&nll));
    }
    let training = || set.corpus.sequences.iter().take(TEXTS);
    let real: HashSet<&[u32]> = training().collect();
    let real_tokens: HashSet<&u32> = training().flatten().collect();
    let count = training().count().max(1);
    add("real_different_texts", real.len() as f64 / count as f64);
    add("real_distinct_tokens", real_tokens.len() as f64);
    let tokens = drawn(generator, plan, TEXTS)?;
    let steps = set.corpus.steps;
    if let Some(oracle) = &set.oracle {
        let nll = oracle.nll(TokenBatch::new(&tokens, steps)?, 1.0)?;
        add("nll_oracle", nll.iter().sum::<f64>() / nll.len() as f64);
    }
    let different: HashSet<&[u32]> = tokens.chunks(steps).collect();
    add("different_texts", different.len() as f64 / TEXTS as f64);
    let texts = tokens.chunks(steps);
    let distinct: HashSet<&u32> = texts
        .flat_map(|text| until_end(text, set.corpus.end))
        .collect();
    add("distinct_tokens", distinct.len() as f64);
    Ok(scores)
}
