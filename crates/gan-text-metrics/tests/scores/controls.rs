//! Each control is told from real text by the scores that should tell it, on sentences with a structure.

use crate::text::{WORDS, sentences};
use gan_core::{Seed, Sequences};
use gan_text_metrics::{
    BleuReferences, Diversity, FeatureDistances, NgramModel, Overlap, TextMemorization,
    hashed_ngrams, one_repeated, self_bleu, shuffled_tokens, uniform_tokens,
};

const COUNT: usize = 600;

fn training() -> Sequences {
    sentences(1, COUNT)
}

fn held_out() -> Sequences {
    sentences(2, COUNT)
}

fn bleu4(set: &Sequences) -> f64 {
    BleuReferences::new(&training())
        .unwrap()
        .score(set)
        .unwrap()
        .means[2]
        .value
}

#[test]
fn a_reference_has_a_bleu_of_one_and_copies_a_self_bleu_of_one() {
    let found = BleuReferences::new(&training())
        .unwrap()
        .score(&training())
        .unwrap();
    assert!(found.sentences.iter().all(|scores| *scores == [1.0; 4]));
    assert!(
        found
            .means
            .iter()
            .all(|mean| mean.value == 1.0 && mean.standard_error == 0.0)
    );
    let twice = training().select((0..COUNT).chain(0..COUNT));
    assert_eq!(self_bleu(&twice).unwrap().means[3].value, 1.0);
    assert!(self_bleu(&training()).unwrap().means[3].value < 0.9);
}

#[test]
fn bleu_falls_with_the_structure_that_is_lost() {
    let seed = Seed(1);
    let model = NgramModel::new(&training(), 5).unwrap();
    let falling = [
        bleu4(&held_out()),
        bleu4(&shuffled_tokens(&held_out(), seed)),
        bleu4(&uniform_tokens(&training(), seed, COUNT).unwrap()),
    ];
    assert!(
        falling[0] > 2.0 * falling[1] && falling[1] > falling[2],
        "{falling:?}"
    );
    let drawn = bleu4(&model.sample(seed, COUNT));
    assert!(drawn < falling[0] && drawn > 2.0 * falling[1], "{drawn}");
    let repeated = one_repeated(&training(), COUNT).unwrap();
    assert_eq!(bleu4(&repeated), 1.0);
    assert_eq!(
        Diversity::new(&repeated).unwrap().most_frequent_count,
        COUNT
    );
}

#[test]
fn each_order_of_a_model_beats_the_one_before_on_text_with_structure() {
    let perplexity = |order, text: &Sequences| {
        NgramModel::new(&training(), order)
            .unwrap()
            .losses(text)
            .perplexity()
            .unwrap()
            .value
    };
    let [uniform, unigram, five] = [0, 1, 5].map(|order| perplexity(order, &held_out()));
    assert!(
        uniform > unigram && unigram > 3.0 * five,
        "{uniform}, {unigram}, {five}"
    );
    // All words, an end and the unknown word.
    assert!((uniform - f64::from(WORDS + 2)).abs() < 1e-9);
    let shuffled = perplexity(5, &shuffled_tokens(&held_out(), Seed(1)));
    assert!(shuffled > unigram, "{shuffled}");
    // What is known to the model is what was trained on.
    assert!(perplexity(5, &training()) < five);
}

#[test]
fn training_text_is_memorized_whole_and_held_out_text_in_part() {
    let found = TextMemorization::new(&training(), &held_out(), &training()).unwrap();
    let Overlap {
        copies,
        longest_run_part,
        new_ngrams,
        ..
    } = found.generated;
    assert_eq!((copies.value, longest_run_part.unwrap().value), (1.0, 1.0));
    assert!(new_ngrams.iter().all(|share| share.unwrap().value == 0.0));
    let held_out = found.held_out;
    assert!(
        held_out.copies.value < 0.1 && held_out.longest_run.value > 2.0,
        "{held_out:?}"
    );
    let new = held_out.new_ngrams.map(|share| share.unwrap().value);
    assert!(new.windows(2).all(|pair| pair[0] < pair[1]), "{new:?}");
}

#[test]
fn distances_of_hashed_ngrams_tell_shuffled_from_real() {
    let features = |set: &Sequences| hashed_ngrams("sentences", set).unwrap();
    let real = features(&training());
    let seed = Seed(0);
    let same = FeatureDistances::new(&real, &features(&held_out()), seed);
    let shuffled =
        FeatureDistances::new(&real, &features(&shuffled_tokens(&held_out(), seed)), seed);
    let (near, far) = (same.frechet.unwrap(), shuffled.frechet.unwrap());
    assert!(far.value > near.value + 4.0 * near.standard_error.hypot(far.standard_error));
    let (near, far) = (same.kernel.unwrap(), shuffled.kernel.unwrap());
    assert!(
        near.mean.abs() < 3.0 * near.standard_deviation && far.mean > 5.0 * far.standard_deviation
    );
    let few = features(&held_out().select(0..100));
    let few = FeatureDistances::new(&real, &few, seed);
    assert!(few.frechet.is_err() && few.density_coverage.is_ok());
}
