//! Scores against their definitions, computed the slow way.

use crate::text::sequences;
use gan_core::Sequences;
use gan_text_metrics::{BleuReferences, Overlap, self_bleu};
use proptest::prelude::*;
use std::collections::HashMap;

fn counts(sequence: &[u32], n: usize) -> HashMap<&[u32], usize> {
    let mut counts = HashMap::new();
    sequence
        .windows(n)
        .for_each(|ngram| *counts.entry(ngram).or_default() += 1);
    counts
}

/// NLTK's `sentence_bleu` with uniform weights and `method1`, line by line.
fn sentence_bleu(hypothesis: &[u32], references: &[&[u32]], order: usize) -> f64 {
    let mut logarithms = 0.0;
    for n in 1..=order {
        let own = counts(hypothesis, n);
        let found: usize = own
            .iter()
            .map(|(ngram, count)| {
                let most = references
                    .iter()
                    .map(|r| counts(r, n).get(ngram).copied().unwrap_or(0));
                *count.min(&most.max().unwrap_or(0))
            })
            .sum();
        if n == 1 && found == 0 {
            return 0.0;
        }
        let all = own.values().sum::<usize>().max(1) as f64;
        logarithms += (if found == 0 { 0.1 } else { found as f64 } / all).ln() / order as f64;
    }
    let length = hypothesis.len();
    let closest = references
        .iter()
        .map(|r| (r.len().abs_diff(length), r.len()))
        .min()
        .unwrap()
        .1;
    let brevity = if length > closest {
        1.0
    } else {
        (1.0 - closest as f64 / length as f64).exp()
    };
    brevity * logarithms.exp()
}

/// The longest run of `sequence` that stands in one of `text`.
fn longest_run(sequence: &[u32], text: &Sequences) -> usize {
    let stands = |n: &usize| {
        let mut runs = sequence.windows(*n);
        runs.any(|run| {
            text.iter()
                .any(|other| other.windows(*n).any(|part| part == run))
        })
    };
    (1..=sequence.len()).rev().find(stands).unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn bleu_is_its_definition(references in sequences(1..8), hypotheses in sequences(1..8)) {
        let all: Vec<&[u32]> = references.iter().collect();
        let found = BleuReferences::new(&references).unwrap().score(&hypotheses).unwrap();
        for (hypothesis, scores) in hypotheses.iter().zip(&found.sentences) {
            for (n, score) in (2..).zip(scores) {
                let expected = sentence_bleu(hypothesis, &all, n);
                prop_assert!((score - expected).abs() <= 1e-12, "{n}: {score}, {expected}");
            }
        }
    }

    #[test]
    fn self_bleu_leaves_each_sample_out(samples in sequences(2..8)) {
        let found = self_bleu(&samples).unwrap();
        for (number, scores) in found.sentences.iter().enumerate() {
            let mut others: Vec<&[u32]> = samples.iter().collect();
            let own = others.remove(number);
            for (n, score) in (2..).zip(scores) {
                let expected = sentence_bleu(own, &others, n);
                prop_assert!((score - expected).abs() <= 1e-12, "{n}: {score}, {expected}");
            }
        }
    }

    #[test]
    fn overlap_is_its_definition(set in sequences(1..10), text in sequences(0..10)) {
        let found = Overlap::new("sequences", &set, &text).unwrap();
        let runs: Vec<usize> = set.iter().map(|sequence| longest_run(sequence, &text)).collect();
        prop_assert_eq!(&found.runs, &runs);
        let copies = set.iter().filter(|own| text.iter().any(|other| other == *own)).count();
        prop_assert_eq!(found.copies.value, copies as f64 / set.len() as f64);
        for (n, share) in (2..).zip(found.new_ngrams) {
            let ngrams: Vec<&[u32]> = set.iter().flat_map(|own| own.windows(n)).collect();
            let is_new = |ngram: &&&[u32]| longest_run(ngram, &text) < n;
            let new = ngrams.iter().filter(is_new).count() as f64 / ngrams.len() as f64;
            let expected = (!ngrams.is_empty()).then_some(new);
            prop_assert_eq!(share.map(|share| share.value), expected);
        }
    }
}
