//! Training steps on corpora whose truth is known.

#![allow(clippy::unwrap_used, reason = "a test")]

mod leakgan;
mod names;
mod oracle;
mod relgan;
mod scratch;
#[path = "../../../../tests/support/skips.rs"]
mod skips;
#[path = "../../../../tests/support/splitmix.rs"]
mod splitmix;

use candle_core::DType;
use gan_core::{Purpose, Seed, Sequences};
use gan_ops::{Generation, LanguageModel, Pool, TextClassifier, TokenBatch};
use gan_text::{
    AdversaryConfig, DiscriminatorConfig, DiscriminatorTraining, GeneratorConfig,
    MaximumLikelihood, Padded, PartKind, PolicyGradient, Reward, SeqganConfig, TextCheckpoint,
    TextCorpus, TextGenerator, TextGeneratorFile, TextGeneratorHeader, TextPart, TextState,
    TextTrainConfig, TextTrainer, text_discriminator, text_generator,
};

const VOCABULARY: usize = 8;
const STEPS: usize = 5;

fn sizes(std: f64) -> GeneratorConfig {
    GeneratorConfig {
        embedding: 6,
        hidden: 12,
        initial_std: std,
    }
}

fn generator(std: f64, seed: u64) -> LanguageModel {
    text_generator(&sizes(std), VOCABULARY, 0, Seed(seed), DType::F32).unwrap()
}

fn discriminator() -> TextClassifier {
    let config = DiscriminatorConfig {
        embedding: 6,
        widths: vec![1, 2],
        filters: vec![5, 7],
    };
    text_discriminator(&config, VOCABULARY, Seed(3), DType::F32).unwrap()
}

fn draw(model: &dyn TextGenerator, count: usize, first: u64) -> Vec<u32> {
    let request = Generation {
        count,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    let stream = |k: usize| Seed(9).rng(Purpose::OracleData, first + k as u64);
    model.generate(&request, &stream).unwrap()
}

fn corpus(tokens: &[u32]) -> TextCorpus {
    TextCorpus {
        sequences: tokens.chunks(STEPS).collect::<Sequences>(),
        vocabulary: VOCABULARY,
        start: 0,
        end: None,
        never: Vec::new(),
        steps: STEPS,
    }
}

fn mean_nll(model: &LanguageModel, tokens: &[u32]) -> f64 {
    let nll = model
        .nll(TokenBatch::new(tokens, STEPS).unwrap(), 1.0)
        .unwrap();
    nll.iter().sum::<f64>() / nll.len() as f64
}

/// All bytes of a model.
fn bytes(model: &LanguageModel) -> Vec<u32> {
    let all = model.parameters().all().into_iter();
    let numbers = all.flat_map(|parameter| {
        let flat = parameter.var.flatten_all().unwrap();
        flat.to_vec1::<f32>().unwrap()
    });
    numbers.map(f32::to_bits).collect()
}

#[test]
fn maximum_likelihood_comes_near_the_truth_of_new_sequences() {
    let truth = generator(1.0, 1);
    let corpus = corpus(&draw(&truth, 2000, 0));
    let new = draw(&truth, 2000, 2000);
    let model = generator(0.1, 2);
    let mut training = MaximumLikelihood::new(&model, 0.01, 50, Seed(2)).unwrap();
    let before = mean_nll(&model, &new);
    for step in 0..400 {
        training.step(&model, &corpus, step).unwrap();
    }
    let (found, least) = (mean_nll(&model, &new), mean_nll(&truth, &new));
    // Before, logits are three standard deviations of 0.1 apart at most: about ln 8. Nobody can do better than
    // the truth.
    assert!((before - 8f64.ln()).abs() < 0.3, "{before}");
    assert!(
        found > least - 0.01 && found < least + 0.05,
        "{found} {least}"
    );
}

#[test]
fn sequences_that_end_are_filled_up_and_their_rest_does_not_count() {
    let corpus = TextCorpus {
        end: Some(2),
        ..corpus(&[])
    };
    let sequences: Sequences = [&[3, 4][..], &[], &[5; 7]].into_iter().collect();
    let padded = Padded::new(&corpus, &sequences, &[0, 1, 2]);
    let expected = [3, 4, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 5, 5, 5];
    assert_eq!(padded.batch().unwrap().tokens(), expected);
    assert_eq!(
        padded.weights(),
        [1., 1., 1., 0., 0., 1., 0., 0., 0., 0., 1., 1., 1., 1., 1.]
    );
    let numbers: Vec<f64> = (0..15).map(f64::from).collect();
    // (0 + 1 + 2 + 5 + 10 + … + 14) / 9
    assert!((padded.mean(&numbers) - 68.0 / 9.0).abs() < 1e-12);
}

#[test]
fn a_discriminator_learns_to_tell_sequences_apart() {
    let generator = generator(0.1, 4);
    let corpus = corpus(&draw(&generator_of_ones(), 512, 0));
    let discriminator = discriminator();
    let mut training = DiscriminatorTraining::new(&discriminator, 0.01, 32, Seed(4)).unwrap();
    let mut round = |number| {
        let round = training.round(&discriminator, &generator, &corpus, 1, number);
        round.unwrap()
    };
    let first = round(0);
    let last = (1..6).map(round).last().unwrap();
    assert!(
        last.accuracy > 0.95 && last.loss < first.loss,
        "{first:?} {last:?}"
    );
}

/// A model that draws almost only the token 1.
fn generator_of_ones() -> LanguageModel {
    let model = generator(0.1, 5);
    let bias: Vec<f32> = (0..VOCABULARY)
        .map(|k| if k == 1 { 5.0 } else { 0.0 })
        .collect();
    let bias = candle_core::Tensor::new(bias, &candle_core::Device::Cpu).unwrap();
    model.parameters().set("output.bias", &bias).unwrap();
    model
}

/// Trains a discriminator for the token 1 and follows its reward; returns the share of this token, and the
/// generator's bytes.
fn adversarial(reward: Reward) -> (f64, Vec<u32>) {
    let generator = generator(0.1, 6);
    let corpus = corpus(&draw(&generator_of_ones(), 256, 0));
    let discriminator = discriminator();
    let mut training = DiscriminatorTraining::new(&discriminator, 0.01, 32, Seed(6)).unwrap();
    for round in 0..4 {
        training
            .round(&discriminator, &generator, &corpus, 1, round)
            .unwrap();
    }
    let mut policy = PolicyGradient::new(&generator, 0.02, 32, 4, reward, Seed(6)).unwrap();
    for step in 0..20 {
        policy
            .step(&generator, &discriminator, &corpus, step)
            .unwrap();
    }
    let drawn = draw(&generator, 1000, 0);
    let ones = drawn.iter().filter(|token| **token == 1).count();
    (ones as f64 / drawn.len() as f64, bytes(&generator))
}

#[test]
fn rewards_of_the_discriminator_lead_where_those_of_controls_do_not() {
    let (share, _) = adversarial(Reward::Centered);
    let (control, _) = adversarial(Reward::Shuffled);
    // An eighth before.
    assert!(share > 0.6 && control < 0.4, "{share} {control}");
}

#[test]
fn any_number_of_threads_trains_to_the_same_bytes() {
    let [first, second, third] = [1, 2, 3].map(|threads| {
        Pool::new(Some(threads))
            .unwrap()
            .install(|| adversarial(Reward::Discriminator).1)
    });
    assert_eq!(first, second);
    assert_eq!(first, third);
}

/// Six steps of maximum likelihood, two rounds, and four adversarial steps with a round after each.
fn trainer(reward: Reward) -> TextTrainer {
    let train = TextTrainConfig {
        seed: Seed(7),
        batch_size: 16,
        epochs: 2,
        ..TextTrainConfig::default()
    };
    let adversary = AdversaryConfig::Seqgan(SeqganConfig {
        steps: 4,
        rollouts: 2,
        reward,
        discriminator_rounds: 2,
        discriminator_epochs: 1,
        embedding: 6,
        widths: vec![1, 2],
        filters: vec![5, 7],
        ..SeqganConfig::default()
    });
    let corpus = corpus(&draw(&generator_of_ones(), 48, 0));
    TextTrainer::new(corpus, &sizes(0.1), &train, &adversary).unwrap()
}

fn parts(trainer: &mut TextTrainer) -> Vec<TextPart> {
    std::iter::from_fn(|| trainer.advance().unwrap()).collect()
}

#[test]
fn the_parts_come_in_the_order_of_the_phases() {
    let letters = |reward| -> String {
        let parts = parts(&mut trainer(reward)).into_iter();
        let letter = |part: TextPart| match part.kind {
            PartKind::Likelihood => 'l',
            PartKind::Round => 'r',
            PartKind::Adversarial => 'a',
        };
        parts.map(letter).collect()
    };
    assert_eq!(letters(Reward::Discriminator), "llllllrrararara");
    assert_eq!(letters(Reward::Constant), "llllllaaaa");
}

#[test]
fn a_run_resumes_to_the_same_bytes_after_every_part() {
    resumes_to_the_same_bytes(&|| trainer(Reward::Discriminator));
}

/// Stops after every part, and goes on from the checkpoint.
fn resumes_to_the_same_bytes(trainer: &dyn Fn() -> TextTrainer) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let save = |trainer: &TextTrainer, name: &str| {
        TextCheckpoint::save(trainer, serde_json::json!("here"), &file(name)).unwrap();
        std::fs::read(file(name)).unwrap()
    };
    let mut whole = trainer();
    let all = parts(&mut whole);
    let expected = save(&whole, "whole");
    for stop in 0..=all.len() {
        let mut first = trainer();
        for part in &all[..stop] {
            assert_eq!(first.advance().unwrap().as_ref(), Some(part));
        }
        save(&first, "stopped");
        let mut second = trainer();
        let checkpoint = TextCheckpoint::read(&file("stopped")).unwrap();
        checkpoint.restore(&mut second).unwrap();
        assert_eq!(second.state(), first.state());
        assert_eq!(parts(&mut second), all[stop..]);
        assert!(
            save(&second, "resumed") == expected,
            "stopped after {stop} parts"
        );
    }
}

#[test]
fn checkpoints_that_do_not_fit_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("step.safetensors");
    let trained = trainer(Reward::Discriminator);
    TextCheckpoint::save(&trained, serde_json::Value::Null, &file).unwrap();
    let checkpoint = TextCheckpoint::read(&file).unwrap();
    let refused = |checkpoint: &TextCheckpoint| {
        let error = checkpoint.restore(&mut trainer(Reward::Discriminator));
        error.unwrap_err().to_string()
    };
    let mut other = checkpoint.clone();
    other.header.seed = Seed(8);
    assert!(
        refused(&other).contains("seed 8, expected seed 7"),
        "{}",
        refused(&other)
    );
    let mut later = checkpoint.clone();
    later.header.engine += 1;
    assert!(refused(&later).contains("a later version wrote it"));
    let mut huge = checkpoint;
    huge.header.state.rounds = u64::MAX;
    assert!(refused(&huge).contains("expected at most"));
    std::fs::write(&file, b"not a checkpoint").unwrap();
    assert!(TextCheckpoint::read(&file).is_err());
}

#[test]
fn a_generator_is_read_as_it_was_written_and_what_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("generator.safetensors");
    let generator = generator(1.0, 8);
    let header = TextGeneratorHeader::new(
        &corpus(&[]),
        Some("abc".to_string()),
        TextState::default(),
        Seed(8),
    );
    header.save(&generator, &file).unwrap();
    let read = TextGeneratorFile::read(&file).unwrap();
    assert_eq!(read.header, header);
    assert_eq!(
        draw(read.generator.as_ref(), 20, 0),
        draw(&generator, 20, 0)
    );
    let refused = |header: &TextGeneratorHeader| {
        header.save(&generator, &file).unwrap();
        TextGeneratorFile::read(&file).err().unwrap().to_string()
    };
    let mut wrong = header.clone();
    wrong.never = vec![3, 8];
    assert!(refused(&wrong).contains("token 8 of a vocabulary of 8"));
    let mut wrong = header;
    wrong.start = 9;
    assert!(refused(&wrong).contains("token 9 of a vocabulary of 8"));
    std::fs::write(&file, b"{}").unwrap();
    assert!(TextGeneratorFile::read(&file).is_err());
}
