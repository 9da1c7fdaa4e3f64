//! LeakGAN: its goals and rewards, its file, and its resumption.

use crate::{STEPS, VOCABULARY, corpus, draw, generator_of_ones, parts, sizes};
use gan_core::Seed;
use gan_ops::Pool;
use gan_text::{
    AdversaryConfig, LeakganConfig, PartKind, TextCheckpoint, TextCorpus, TextGeneratorFile,
    TextGeneratorHeader, TextPart, TextTrainConfig, TextTrainer,
};

fn config() -> LeakganConfig {
    LeakganConfig {
        steps: 4,
        rollouts: 2,
        goal_duration: 2,
        actions: 3,
        manager_hidden: 6,
        adversarial_steps: 2,
        likelihood_steps: 1,
        discriminator_rounds: 1,
        embedding: 6,
        widths: vec![1, 2],
        filters: vec![5, 7],
        ..LeakganConfig::default()
    }
}

/// Sequences of almost only the token 1.
fn ones() -> TextCorpus {
    corpus(&draw(&generator_of_ones(), 48, 0))
}

fn trainer(corpus: TextCorpus, epochs: u64, config: LeakganConfig) -> TextTrainer {
    let train = TextTrainConfig {
        seed: Seed(7),
        batch_size: 16,
        epochs,
        ..TextTrainConfig::default()
    };
    let adversary = AdversaryConfig::Leakgan(config);
    TextTrainer::new(corpus, &sizes(0.1), &train, &adversary).unwrap()
}

fn small() -> TextTrainer {
    trainer(ones(), 2, config())
}

fn figure(part: &TextPart, name: &str) -> f64 {
    let found = part.figures.iter().find(|(key, _)| *key == name);
    found.unwrap().1
}

#[test]
fn rounds_come_before_each_cycle_and_likelihood_between_adversarial_steps() {
    let letter = |part: &TextPart| match part.kind {
        PartKind::Likelihood => 'l',
        PartKind::Round => 'r',
        PartKind::Adversarial => 'a',
    };
    let letters: String = parts(&mut small()).iter().map(letter).collect();
    assert_eq!(letters, "rlllrlllararla");
}

#[test]
fn a_run_resumes_to_the_same_bytes_after_every_part() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let save = |trainer: &TextTrainer, name: &str| {
        TextCheckpoint::save(trainer, serde_json::json!("here"), &file(name)).unwrap();
        std::fs::read(file(name)).unwrap()
    };
    let mut whole = small();
    let all = parts(&mut whole);
    let expected = save(&whole, "whole");
    for stop in 0..=all.len() {
        let mut first = small();
        for part in &all[..stop] {
            assert_eq!(first.advance().unwrap().as_ref(), Some(part));
        }
        save(&first, "stopped");
        let mut second = small();
        let checkpoint = TextCheckpoint::read(&file("stopped")).unwrap();
        checkpoint.restore(&mut second).unwrap();
        assert_eq!(parts(&mut second), all[stop..]);
        assert!(save(&second, "resumed") == expected, "after {stop} parts");
    }
}

#[test]
fn any_number_of_threads_trains_to_the_same_bytes() {
    let train = || {
        let mut trainer = small();
        let figures = parts(&mut trainer);
        (figures, draw(trainer.generator(), 40, 0))
    };
    let [first, second, third] =
        [1, 2, 3].map(|threads| Pool::new(Some(threads)).unwrap().install(train));
    assert_eq!(first, second);
    assert_eq!(first, third);
}

#[test]
fn pretraining_learns_the_texts_and_where_their_features_go() {
    let mut trainer = trainer(
        ones(),
        60,
        LeakganConfig {
            steps: 1,
            ..config()
        },
    );
    let parts = parts(&mut trainer);
    let steps = parts.iter().filter(|p| p.kind == PartKind::Likelihood);
    let steps: Vec<&TextPart> = steps.collect();
    let (first, last) = (steps[0], steps[steps.len() - 1]);
    // ln 8 of all tokens alike; the corpus' own entropy is about 0.3.
    let nll = [first, last].map(|part| figure(part, "nll"));
    assert!(nll[0] > 1.9 && nll[1] < 0.7, "{nll:?}");
    let cosine = [first, last].map(|part| figure(part, "goal_cosine"));
    assert!(cosine[0].abs() < 0.5 && cosine[1] > 0.6, "{cosine:?}");
}

#[test]
fn adversarial_steps_make_tokens_follow_the_goals() {
    // A random generator, and goals that know the corpus of ones: following them means the token 1.
    let config = LeakganConfig {
        steps: 150,
        lr: 0.01,
        adversarial_steps: 200,
        discriminator_rounds: 4,
        discriminator_lr: 0.01,
        rounds_per_step: 0,
        pretraining_cycles: 1,
        ..config()
    };
    let mut trainer = trainer(ones(), 1, config);
    let parts = parts(&mut trainer);
    let steps = parts.iter().filter(|p| p.kind == PartKind::Adversarial);
    let rewards: Vec<f64> = steps.map(|p| figure(p, "intrinsic_reward")).collect();
    let mean = |rewards: &[f64]| rewards.iter().sum::<f64>() / rewards.len() as f64;
    let (before, after) = (mean(&rewards[..10]), mean(&rewards[140..]));
    assert!(after > before + 0.1, "{before} {after}");
}

#[test]
fn a_generator_is_read_with_its_discriminator_and_draws_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("generator.safetensors");
    for end in [None, Some(2)] {
        let corpus = TextCorpus { end, ..ones() };
        let trainer = trainer(corpus, 1, config());
        let (corpus, state) = (trainer.corpus(), trainer.state());
        let header = TextGeneratorHeader::new(corpus, None, state, Seed(7));
        header.save(trainer.generator(), &file).unwrap();
        let read = TextGeneratorFile::read(&file).unwrap();
        assert_eq!(read.generator.vocabulary(), VOCABULARY);
        let drawn = draw(read.generator.as_ref(), 20, 0);
        assert_eq!(drawn, draw(trainer.generator(), 20, 0));
    }
}

#[test]
fn sizes_that_do_not_fit_are_refused_by_their_key() {
    let refused = |config: LeakganConfig| {
        let adversary = AdversaryConfig::Leakgan(config);
        let train = TextTrainConfig::default();
        let trainer = TextTrainer::new(ones(), &sizes(0.1), &train, &adversary);
        trainer.err().unwrap().to_string()
    };
    let goal_duration = STEPS + 1;
    let long = refused(LeakganConfig {
        goal_duration,
        ..config()
    });
    assert!(
        long.contains("adversary.goal_duration is 6, expected at most the 5"),
        "{long}"
    );
    let alpha = refused(LeakganConfig {
        alpha: 0.0,
        ..config()
    });
    assert!(alpha.contains("adversary.alpha is 0"), "{alpha}");
}
