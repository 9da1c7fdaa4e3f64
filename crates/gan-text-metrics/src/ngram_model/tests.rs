//! The model against its formula, and its samples against its probabilities.

use super::*;
use gan_core::{Purpose, Seed};
use rand::Rng;
use std::collections::{HashMap, HashSet};

const START: i64 = -1;
const END: i64 = -2;

/// Sequences of a Markov chain over eight tokens.
fn chain(seed: u64, count: usize) -> Sequences {
    let mut rng = Seed(seed).rng(Purpose::ToyData, 0);
    let mut text = Sequences::default();
    for _ in 0..count {
        let mut sequence = vec![rng.random_range(0..8_u32)];
        while rng.random::<f64>() < 0.85 {
            let last = sequence[sequence.len() - 1];
            sequence.push((last * 3 + rng.random_range(0..2_u32)) % 8);
        }
        text.push(&sequence);
    }
    text
}

/// The formula as it is written, on n-grams as lists.
struct Formula {
    counts: Vec<HashMap<Vec<i64>, u32>>,
    tokens: usize,
}

impl Formula {
    fn new(text: &Sequences, order: usize) -> Self {
        let mut occurrences = vec![HashMap::new(); order];
        let mut before = vec![HashMap::<Vec<i64>, HashSet<i64>>::new(); order];
        for sequence in text.iter() {
            let mut marked = vec![START];
            marked.extend(sequence.iter().map(|token| i64::from(*token)));
            marked.push(END);
            for n in 1..=order {
                for (place, ngram) in marked
                    .windows(n)
                    .enumerate()
                    .filter(|(_, ngram)| *ngram != [START])
                {
                    *occurrences[n - 1].entry(ngram.to_vec()).or_insert(0) += 1;
                    let tokens = before[n - 1].entry(ngram.to_vec()).or_default();
                    tokens.extend(place.checked_sub(1).map(|place| marked[place]));
                }
            }
        }
        for n in 1..order {
            for (ngram, count) in occurrences[n - 1]
                .iter_mut()
                .filter(|(ngram, _)| ngram[0] != START)
            {
                *count = before[n - 1][ngram].len() as u32;
            }
        }
        let tokens: HashSet<u32> = text.iter().flatten().copied().collect();
        Self {
            counts: occurrences,
            tokens: tokens.len(),
        }
    }

    fn probability(&self, context: &[i64], word: i64) -> f64 {
        let lower = match context {
            [] => 1.0 / (self.tokens + 2) as f64,
            [_, rest @ ..] => self.probability(rest, word),
        };
        let level = &self.counts[context.len()];
        let discounts = Discounts::new(&level.values().copied().collect::<Vec<_>>());
        let follow = level
            .iter()
            .filter(|(ngram, _)| ngram[..context.len()] == *context);
        let follow: Vec<_> = follow.collect();
        let total: u32 = follow.iter().map(|(_, count)| **count).sum();
        if total == 0 {
            return lower;
        }
        let mass: f64 = follow.iter().map(|(_, count)| discounts.of(**count)).sum();
        let own = follow
            .iter()
            .find(|(ngram, _)| ngram[context.len()] == word);
        let own = own.map_or(0.0, |(_, count)| f64::from(**count) - discounts.of(**count));
        (own + mass * lower) / f64::from(total)
    }
}

use discounts::Discounts;

#[test]
fn probabilities_are_those_of_the_formula() {
    let (training, test) = (chain(1, 60), chain(2, 20));
    for order in 1..=5 {
        let (model, formula) = (
            NgramModel::new(&training, order).unwrap(),
            Formula::new(&training, order),
        );
        for sequence in test.iter() {
            let mut marked = vec![START];
            for (place, loss) in model.sequence_losses(sequence).into_iter().enumerate() {
                let word = sequence.get(place).map_or(END, |token| i64::from(*token));
                let context = &marked[marked.len().saturating_sub(order - 1)..];
                let expected = -formula.probability(context, word).ln();
                assert!(
                    (loss - expected).abs() < 1e-12,
                    "order {order}: {loss}, {expected}"
                );
                marked.push(word);
            }
        }
    }
}

/// The probabilities of all words after a context, the unknown one last.
fn distribution(model: &NgramModel, contexts: Contexts) -> Vec<f64> {
    let words = (0..=model.vocabulary.end()).map(Some).chain([None]);
    words
        .map(|word| model.step(&mut contexts.clone(), word))
        .collect()
}

#[test]
fn probabilities_sum_to_one_after_every_context() {
    let (training, test) = (chain(1, 60), chain(2, 40));
    for order in 0..=5 {
        let model = NgramModel::new(&training, order).unwrap();
        for sequence in test.iter() {
            let mut contexts = model.start();
            for token in sequence {
                let sum: f64 = distribution(&model, contexts).iter().sum();
                assert!((sum - 1.0).abs() < 1e-12, "order {order}: {sum}");
                model.step(&mut contexts, model.vocabulary.word(*token));
            }
        }
    }
}

#[test]
fn words_are_drawn_with_their_probabilities() {
    const DRAWS: usize = 40_000;
    let model = NgramModel::new(&chain(1, 40), 4).unwrap();
    let mut contexts = model.start();
    for word in [None, Some(0), Some(1), Some(2)] {
        model.step(&mut contexts, word);
        let expected = distribution(&model, contexts);
        let mut rng = Seed(3).rng(Purpose::ToyData, 1);
        let mut counts = vec![0.0; expected.len()];
        (0..DRAWS).for_each(|_| counts[model.draw(&contexts, &mut rng) as usize] += 1.0);
        let known = 1.0 - expected[expected.len() - 1];
        assert_eq!(counts.pop(), Some(0.0));
        for (count, p) in counts
            .iter()
            .zip(&expected)
            .map(|(c, p)| (c / DRAWS as f64, p / known))
        {
            let error = (p * (1.0 - p) / DRAWS as f64).sqrt();
            assert!(
                (count - p).abs() < 5.0 * error,
                "{count}, expected {p} ± {error}"
            );
        }
    }
}

#[test]
fn a_long_text_is_learnt_in_part() {
    let long = vec![0; counting::MOST_TOKENS];
    let mut text = Sequences::default();
    [1, 2, 3, 4]
        .iter()
        .for_each(|last| text.push(&[&long[..], &[*last]].concat()));
    let model = NgramModel::new(&text, 1).unwrap();
    assert_eq!(
        (model.longest, model.vocabulary.events()),
        (counting::MOST_TOKENS, 3)
    );
}
