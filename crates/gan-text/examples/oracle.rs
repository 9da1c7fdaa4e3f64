//! The synthetic benchmark: maximum likelihood, then adversarial steps, against an oracle that knows the truth.
//!
//! `cargo run -p gan-text --example oracle -- SEED MLE_EPOCHS DISCRIMINATOR_ROUNDS ADVERSARIAL_STEPS REWARD [ORACLE]`

use candle_core::DType;
use gan_core::{Purpose, Seed, Sequences, Weights};
use gan_ops::{Generation, LanguageModel, TokenBatch};
use gan_text::{
    DiscriminatorConfig, DiscriminatorTraining, GeneratorConfig, MaximumLikelihood, PolicyGradient,
    Reward, TextCorpus, oracle, read_oracle, text_discriminator, text_generator,
};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

const STEPS: usize = 20;
const COUNT: usize = 9984;

fn draw(model: &LanguageModel, purpose: Purpose, first: u64) -> candle_core::Result<Vec<u32>> {
    let request = Generation {
        count: COUNT,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    model.generate(&request, &|k| Seed(0).rng(purpose, first + k as u64))
}

fn mean_nll(model: &LanguageModel, tokens: &[u32]) -> candle_core::Result<f64> {
    let nll = model.nll(TokenBatch::new(tokens, STEPS)?, 1.0)?;
    Ok(nll.iter().sum::<f64>() / nll.len() as f64)
}

#[allow(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |k: usize| -> u64 {
        arguments
            .get(k)
            .and_then(|text| text.parse().ok())
            .unwrap_or(0)
    };
    let (seed, epochs) = (Seed(number(0)), number(1));
    let reward = match arguments.get(4).map(String::as_str) {
        Some("constant") => Reward::Constant,
        Some("shuffled") => Reward::Shuffled,
        Some("centered") => Reward::Centered,
        _ => Reward::Discriminator,
    };
    let oracle = match arguments.get(5) {
        Some(path) => read_oracle(&Weights::read(Path::new(path))?, DType::F32)?,
        None => oracle(Seed(0), DType::F32)?,
    };
    let began = Instant::now();
    let real = draw(&oracle, Purpose::OracleData, 0)?;
    let held_out = draw(&oracle, Purpose::OracleData, COUNT as u64)?;
    println!(
        "real {:.3} ({:.1} s)",
        mean_nll(&oracle, &real)?,
        began.elapsed().as_secs_f64()
    );
    let corpus = TextCorpus {
        sequences: real.chunks(STEPS).collect::<Sequences>(),
        vocabulary: oracle.vocabulary(),
        start: 0,
        end: None,
        never: Vec::new(),
        steps: STEPS,
    };
    let generator = text_generator(
        &GeneratorConfig::default(),
        corpus.vocabulary,
        0,
        seed,
        DType::F32,
    )?;
    let tell = |what: &str| -> Result<(), Box<dyn Error>> {
        let drawn = draw(&generator, Purpose::Sample, 0)?;
        let distinct: std::collections::HashSet<u32> = drawn.iter().copied().collect();
        println!(
            "{what}: oracle {:.3} held-out {:.3} distinct {} ({:.1} s)",
            mean_nll(&oracle, &drawn)?,
            mean_nll(&generator, &held_out)?,
            distinct.len(),
            began.elapsed().as_secs_f64()
        );
        Ok(())
    };
    let mut likelihood = MaximumLikelihood::new(&generator, 0.01, 64, seed)?;
    for epoch in 0..epochs {
        let per_epoch = likelihood.steps_per_epoch(&corpus);
        for step in epoch * per_epoch..(epoch + 1) * per_epoch {
            likelihood.step(&generator, &corpus, step)?;
        }
        if epoch % 10 == 9 || epoch < 2 {
            tell(&format!("epoch {}", epoch + 1))?;
        }
    }
    let discriminator = text_discriminator(
        &DiscriminatorConfig::default(),
        corpus.vocabulary,
        seed,
        DType::F32,
    )?;
    let mut training = DiscriminatorTraining::new(&discriminator, 1e-4, 32, seed)?;
    for round in 0..number(2) {
        let found = training.round(&discriminator, &generator, &corpus, 3)?;
        println!(
            "round {}: {found:?} ({:.1} s)",
            round + 1,
            began.elapsed().as_secs_f64()
        );
    }
    let mut policy = PolicyGradient::new(&generator, 0.01, 64, 8, reward, seed)?;
    for step in 0..number(3) {
        let found = policy.step(&generator, &discriminator, &corpus, step)?;
        if step % 10 == 9 {
            tell(&format!("step {} {found:?}", step + 1))?;
        }
        if reward != Reward::Constant {
            training.round(&discriminator, &generator, &corpus, 1)?;
        }
    }
    Ok(())
}
