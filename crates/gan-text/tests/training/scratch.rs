//! A GAN from scratch on sequences of one token, and on such that end.

use crate::{
    STEPS, VOCABULARY, corpus, draw, generator_of_ones, parts, resumes_to_the_same_bytes, sizes,
};
use gan_core::Seed;
use gan_ops::Pool;
use gan_text::{
    AdversaryConfig, PartKind, ScratchConfig, TextCorpus, TextTrainConfig, TextTrainer,
};

fn trainer(corpus: TextCorpus, epochs: u64, steps: u64) -> TextTrainer {
    let train = TextTrainConfig {
        seed: Seed(7),
        batch_size: 16,
        epochs,
        ..TextTrainConfig::default()
    };
    let adversary = AdversaryConfig::Scratch(ScratchConfig {
        steps,
        embedding: 6,
        hidden: 12,
        average_half_life: 4.0,
        ..ScratchConfig::default()
    });
    TextTrainer::new(corpus, &sizes(0.1), &train, &adversary).unwrap()
}

fn ones(count: usize) -> TextCorpus {
    corpus(&draw(&generator_of_ones(), count, 0))
}

/// Real sequences have one to three tokens; neither the start nor 3 is ever drawn.
fn short() -> TextCorpus {
    TextCorpus {
        end: Some(2),
        never: vec![0, 3],
        sequences: [&[1][..], &[1, 4], &[1, 4, 4]].into_iter().collect(),
        ..ones(1)
    }
}

#[test]
fn the_generator_follows_the_discriminator_to_real_tokens() {
    let corpus = ones(256);
    let share = |tokens: &[u32]| {
        let ones = tokens.iter().filter(|token| **token == 1).count();
        ones as f64 / tokens.len() as f64
    };
    let real = share(&corpus.sequences.iter().collect::<Vec<_>>().concat());
    let mut trainer = trainer(corpus, 0, 150);
    let before = share(&draw(trainer.generator(), 1000, 0));
    parts(&mut trainer);
    let after = share(&draw(trainer.generator(), 1000, 0));
    assert!(
        before < 0.25 && (after - real).abs() < 0.05,
        "{before} {after}, {real} of real ones"
    );
}

#[test]
fn lengths_are_learned_with_the_tokens() {
    let mut trainer = trainer(short(), 0, 300);
    parts(&mut trainer);
    let request = trainer.corpus().request(1000);
    let stream = |k: usize| Seed(1).rng(gan_core::Purpose::Sample, k as u64);
    let drawn = trainer.generator().generate(&request, &stream).unwrap();
    let end = [2; STEPS];
    for tokens in [&[1][..], &[1, 4], &[1, 4, 4]] {
        let same = drawn.chunks(STEPS).filter(|drawn| {
            drawn.starts_with(tokens) && drawn[tokens.len()..] == end[tokens.len()..]
        });
        let share = same.count() as f64 / 1000.0;
        assert!((share - 1.0 / 3.0).abs() < 0.15, "{tokens:?}: {share}");
    }
}

#[test]
fn what_is_never_drawn_has_no_probability() {
    let mut trainer = trainer(short(), 0, 5);
    parts(&mut trainer);
    let all: Vec<u32> = (0..VOCABULARY as u32).collect();
    let batch = gan_ops::TokenBatch::new(&all, 1).unwrap();
    let nll = trainer.generator().nll(batch, 1.0).unwrap();
    for (token, nll) in nll.iter().enumerate() {
        assert_eq!(*nll > 100.0, [0, 3].contains(&token), "{token}: {nll}");
    }
}

#[test]
fn figures_begin_where_the_formulas_say() {
    let mut trainer = trainer(short(), 0, 4);
    let part = trainer.advance().unwrap().unwrap();
    assert_eq!((part.kind, part.number), (PartKind::Adversarial, 0));
    let names: Vec<_> = part.figures.iter().map(|(name, _)| *name).collect();
    let expected = [
        "discriminator_loss",
        "discriminator_accuracy",
        "logit_gap",
        "advantage_std",
        "entropy",
    ];
    assert_eq!(names, expected);
    // Logits are near 0 at first: a loss is near ln 2, and six tokens are equally likely.
    let (loss, entropy) = (part.figures[0].1, part.figures[4].1);
    assert!((loss - 2f64.ln()).abs() < 0.1, "{loss}");
    assert!((entropy - 6f64.ln()).abs() < 0.1, "{entropy}");
}

#[test]
fn a_run_resumes_to_the_same_bytes_after_every_part() {
    resumes_to_the_same_bytes(&|| trainer(ones(48), 1, 4));
    resumes_to_the_same_bytes(&|| trainer(short(), 0, 4));
}

#[test]
fn any_number_of_threads_trains_to_the_same_bytes() {
    let [first, second, third] = [1, 2, 3].map(|threads| {
        Pool::new(Some(threads)).unwrap().install(|| {
            let mut trainer = trainer(short(), 0, 6);
            let parts = parts(&mut trainer);
            (parts, draw(trainer.generator(), 50, 0))
        })
    });
    assert_eq!(first, second);
    assert_eq!(first, third);
}
