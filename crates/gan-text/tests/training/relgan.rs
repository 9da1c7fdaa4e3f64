//! RelGAN on sequences of one token.

use crate::{
    STEPS, VOCABULARY, corpus, draw, generator_of_ones, parts, resumes_to_the_same_bytes, sizes,
};
use gan_core::Seed;
use gan_ops::Pool;
use gan_text::{AdversaryConfig, PartKind, RelganConfig, TextCorpus, TextTrainConfig, TextTrainer};

/// An epoch of likelihood in three steps, and adversarial ones.
fn trainer(corpus: TextCorpus, epochs: u64, config: RelganConfig) -> TextTrainer {
    let train = TextTrainConfig {
        seed: Seed(7),
        batch_size: 16,
        epochs,
        ..TextTrainConfig::default()
    };
    let adversary = AdversaryConfig::Relgan(config);
    TextTrainer::new(corpus, &sizes(0.1), &train, &adversary).unwrap()
}

fn small() -> RelganConfig {
    RelganConfig {
        steps: 4,
        lr: 0.01,
        discriminator_steps: 2,
        discriminator_lr: 0.01,
        beta_max: 4.0,
        embedding: 6,
        representations: 3,
        widths: vec![1, 2],
        filters: vec![5, 7],
        hidden: 4,
        ..RelganConfig::default()
    }
}

fn ones(count: usize) -> TextCorpus {
    corpus(&draw(&generator_of_ones(), count, 0))
}

fn figure(trainer: &mut TextTrainer, name: &str) -> f64 {
    let part = trainer.advance().unwrap().unwrap();
    let found = part.figures.iter().find(|(known, _)| *known == name);
    found.unwrap().1
}

#[test]
fn the_generator_follows_the_discriminator_to_real_tokens() {
    let config = RelganConfig {
        steps: 60,
        ..small()
    };
    let mut trainer = trainer(ones(256), 0, config);
    let share = |trainer: &TextTrainer| {
        let drawn = draw(trainer.generator(), 1000, 0);
        drawn.iter().filter(|token| **token == 1).count() as f64 / drawn.len() as f64
    };
    let before = share(&trainer);
    parts(&mut trainer);
    let after = share(&trainer);
    assert!(before < 0.25 && after > 0.8, "{before} {after}");
}

#[test]
fn a_generator_that_stands_still_is_told_apart_better_and_better() {
    let config = RelganConfig {
        steps: 40,
        lr: 1e-9,
        ..small()
    };
    let mut trainer = trainer(ones(256), 0, config);
    let first = figure(&mut trainer, "discriminator_accuracy");
    (0..38).for_each(|_| {
        trainer.advance().unwrap();
    });
    let last = figure(&mut trainer, "discriminator_accuracy");
    assert!(first < 0.8 && last > 0.95, "{first} {last}");
}

#[test]
fn figures_begin_where_the_formulas_say() {
    let mut trainer = trainer(ones(48), 0, small());
    let part = trainer.advance().unwrap().unwrap();
    assert_eq!((part.kind, part.number), (PartKind::Adversarial, 0));
    let names: Vec<_> = part.figures.iter().map(|(name, _)| *name).collect();
    let expected = [
        "generator_loss",
        "discriminator_loss",
        "discriminator_accuracy",
        "logit_gap",
        "beta",
        "largest_probability",
    ];
    assert_eq!(names, expected);
    let [loss, _, _, _, beta, largest] = part.figures[..] else {
        panic!("six figures");
    };
    // Logits are near 0 at first, so that a loss is near ln 2.
    assert!((loss.1 - 2f64.ln()).abs() < 0.3, "{loss:?}");
    assert_eq!(beta.1, 1.0);
    assert!(
        largest.1 > 1.0 / VOCABULARY as f64 && largest.1 < 0.9,
        "{largest:?}"
    );
    let later = figure(&mut trainer, "beta");
    assert!((later - 4f64.powf(0.25)).abs() < 1e-12);
}

#[test]
fn a_run_resumes_to_the_same_bytes_after_every_part() {
    resumes_to_the_same_bytes(&|| trainer(ones(48), 1, small()));
}

#[test]
fn any_number_of_threads_trains_to_the_same_bytes() {
    let [first, second, third] = [1, 2, 3].map(|threads| {
        Pool::new(Some(threads)).unwrap().install(|| {
            let mut trainer = trainer(ones(48), 1, small());
            let parts = parts(&mut trainer);
            (parts, draw(trainer.generator(), 50, 0))
        })
    });
    assert_eq!(first, second);
    assert_eq!(first, third);
}

#[test]
fn texts_that_end_are_trained_on_too() {
    let corpus = TextCorpus {
        end: Some(2),
        never: vec![0, 3],
        sequences: [&[1, 1][..], &[], &[1; STEPS]].into_iter().collect(),
        ..ones(1)
    };
    let config = RelganConfig {
        steps: 3,
        ..small()
    };
    let mut trainer = trainer(corpus, 1, config);
    let done = parts(&mut trainer);
    let figures = done.iter().flat_map(|part| &part.figures);
    assert!(figures.clone().all(|(_, figure)| figure.is_finite()));
    assert_eq!(done.len(), 4);
}

#[test]
fn a_discriminator_wider_than_the_texts_is_refused() {
    let config = RelganConfig {
        widths: vec![1, STEPS + 1],
        ..small()
    };
    let train = TextTrainConfig::default();
    let adversary = AdversaryConfig::Relgan(config);
    let refusal = TextTrainer::new(ones(4), &sizes(0.1), &train, &adversary).err();
    assert!(refusal.unwrap().to_string().contains("adversary.widths"));
}
