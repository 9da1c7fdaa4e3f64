//! Texts as batches of similar length, and what a language model says of them.

use crate::{EvalError, SCORE_SEED};
use gan_core::{Purpose, Sequences};
use gan_ops::{Generation, LanguageModel, TokenBatch};
use gan_text::{TextCorpus, TextGenerator, until_end};
use gan_text_metrics::TokenLosses;

/// Texts that are scored at once.
const SCORED: usize = 256;

/// Texts filled up to the length of the longest.
pub(crate) struct Batch {
    tokens: Vec<u32>,
    /// The tokens of each that count: its own, and its end if it has one.
    pub(crate) counts: Vec<usize>,
    pub(crate) steps: usize,
}

impl Batch {
    /// The texts with these numbers. Each is followed by at least `after` tokens, the first of them its end.
    pub(crate) fn new(
        corpus: &TextCorpus,
        texts: &Sequences,
        numbers: &[usize],
        after: usize,
    ) -> Self {
        let longest = longest(texts, numbers);
        Self::of_steps(corpus, texts, numbers, longest + after)
    }

    /// The texts with these numbers, none longer than `steps`.
    pub(crate) fn of_steps(
        corpus: &TextCorpus,
        texts: &Sequences,
        numbers: &[usize],
        steps: usize,
    ) -> Self {
        let ids = || {
            numbers
                .iter()
                .map(|number| texts.get(*number).unwrap_or_default())
        };
        let fill = corpus.end.unwrap_or(corpus.start);
        let mut tokens = Vec::with_capacity(numbers.len() * steps);
        for ids in ids() {
            let filled = ids.iter().copied().chain(std::iter::repeat(fill));
            tokens.extend(filled.take(steps));
        }
        Self {
            tokens,
            counts: ids().map(|ids| ids.len() + end_tokens(corpus)).collect(),
            steps,
        }
    }

    pub(crate) fn tokens(&self) -> gan_core::candle_core::Result<TokenBatch<'_>> {
        TokenBatch::new(&self.tokens, self.steps)
    }
}

/// The tokens of the longest of the texts with these numbers.
pub(crate) fn longest(texts: &Sequences, numbers: &[usize]) -> usize {
    let lengths = numbers.iter().filter_map(|number| texts.get(*number));
    lengths.map(<[u32]>::len).max().unwrap_or_default()
}

/// 1 if texts have an end, which is a token of its own.
pub(crate) fn end_tokens(corpus: &TextCorpus) -> usize {
    usize::from(corpus.end.is_some())
}

/// The numbers of all texts that are not empty, or have an end, in groups of similar length.
fn similar(corpus: &TextCorpus, texts: &Sequences) -> Vec<Vec<usize>> {
    let length = |number: &usize| texts.get(*number).map_or(0, <[u32]>::len);
    let all = (0..texts.len()).filter(|number| length(number) + end_tokens(corpus) > 0);
    let mut numbers: Vec<usize> = all.collect();
    numbers.sort_by_key(length);
    numbers.chunks(SCORED).map(<[usize]>::to_vec).collect()
}

/// −ln p of each text's tokens and of its end, with logits times `alpha`.
pub(crate) fn losses(
    model: &dyn TextGenerator,
    corpus: &TextCorpus,
    texts: &Sequences,
    alpha: f64,
) -> Result<TokenLosses, EvalError> {
    let mut by_text = vec![Vec::new(); texts.len()];
    for numbers in similar(corpus, texts) {
        let batch = Batch::new(corpus, texts, &numbers, end_tokens(corpus));
        let nll = model.nll(batch.tokens()?, alpha)?;
        let rows = nll.chunks(batch.steps).zip(&batch.counts);
        for (number, (row, count)) in numbers.into_iter().zip(rows) {
            by_text[number] = row[..*count].to_vec();
        }
    }
    let mut losses = TokenLosses::default();
    for text in by_text {
        losses.push(&text)?;
    }
    Ok(losses)
}

/// For each text the mean of a model's states over its tokens, from the start on, and the last of them:
/// `[texts, 2 · hidden]`.
pub(crate) fn states(
    model: &LanguageModel,
    corpus: &TextCorpus,
    texts: &Sequences,
) -> Result<(Vec<f64>, usize), EvalError> {
    let mut by_text = vec![Vec::new(); texts.len()];
    let mut numbers: Vec<usize> = (0..texts.len()).collect();
    numbers.sort_by_key(|number| texts.get(*number).map_or(0, <[u32]>::len));
    let mut width = 0;
    for numbers in numbers.chunks(SCORED) {
        let batch = Batch::new(corpus, texts, numbers, 1);
        let states = model.states(batch.tokens()?)?;
        let hidden = states.len() / (numbers.len() * batch.steps);
        width = 2 * hidden;
        for (number, states) in numbers.iter().zip(states.chunks(batch.steps * hidden)) {
            // The state before any token is that of the start.
            let count = texts.get(*number).map_or(0, <[u32]>::len) + 1;
            by_text[*number] = mean_and_last(&states[..count * hidden], hidden);
        }
    }
    Ok((by_text.concat(), width))
}

fn mean_and_last(states: &[f64], hidden: usize) -> Vec<f64> {
    let count = (states.len() / hidden) as f64;
    let mut row = vec![0.0; hidden];
    for state in states.chunks_exact(hidden) {
        row.iter_mut().zip(state).for_each(|(sum, x)| *sum += x);
    }
    row.iter_mut().for_each(|sum| *sum /= count);
    row.extend_from_slice(&states[states.len() - hidden..]);
    row
}

/// Texts that a generator draws at the inverse temperature `alpha`, of at most `steps` tokens with the end; text k
/// from stream k of `purpose`.
pub(crate) fn drawn(
    model: &dyn TextGenerator,
    corpus: &TextCorpus,
    (count, steps): (usize, usize),
    alpha: f64,
    purpose: Purpose,
) -> Result<Sequences, EvalError> {
    let request = Generation {
        steps,
        alpha,
        ..corpus.request(count)
    };
    let tokens = model.generate(&request, &|k| SCORE_SEED.rng(purpose, k as u64))?;
    let texts = tokens.chunks(steps);
    Ok(texts.map(|ids| until_end(ids, corpus.end)).collect())
}
