//! From the lines of a file to lines that a generator draws.

use candle_core::DType;
use gan_core::{Purpose, Seed, Sequences};
use gan_text::{
    END, GeneratorConfig, MaximumLikelihood, Padded, TextConfig, TextCorpus, TextData,
    text_generator,
};
use gan_text_metrics::NgramModel;
use std::path::Path;

/// Surnames, letter by letter: after a part of an epoch the generator knows more of held-out names than how frequent
/// letters are, and draws names of letters alone.
#[test]
fn names_are_learned_from_a_file_and_drawn_as_text() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/names");
    let data = TextData::open(Path::new(folder), &TextConfig::default()).unwrap();
    let corpus = TextCorpus::of(&data);
    let (vocabulary, start) = (corpus.vocabulary, corpus.start);
    let generator = text_generator(
        &GeneratorConfig::default(),
        vocabulary,
        start,
        Seed(0),
        DType::F32,
    )
    .unwrap();
    let mut training = MaximumLikelihood::new(&generator, 0.01, 64, Seed(0)).unwrap();
    for step in 0..300 {
        training.step(&generator, &corpus, step).unwrap();
    }
    let numbers: Vec<usize> = (0..1000).collect();
    let held_out = Padded::new(&corpus, &data.held_out, &numbers);
    let nll = generator.nll(held_out.batch().unwrap(), 1.0).unwrap();
    let some: Sequences = data.held_out.select(numbers);
    let unigrams = NgramModel::new(&data.train, 1).unwrap().losses(&some);
    let (found, known) = (held_out.mean(&nll), unigrams.mean().unwrap().value);
    assert!(
        found < known - 0.2,
        "{found} nats a letter, {known} by frequency"
    );

    let request = corpus.request(50);
    let stream = |k: usize| Seed(1).rng(Purpose::Sample, k as u64);
    let drawn = generator.generate(&request, &stream).unwrap();
    for name in drawn.chunks(corpus.steps) {
        let end = name.iter().position(|token| *token == END);
        let text = data.tokenizer.decode(&name[..end.unwrap_or(name.len())]);
        assert!(
            text.chars().all(|letter| letter.is_ascii_lowercase()),
            "{text}"
        );
    }
}
