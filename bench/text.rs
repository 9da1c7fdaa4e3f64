//! Work on text, of SeqGAN's sizes: a vocabulary of 5,000, 20 tokens a sequence, 32 cells, batches of 64.

use crate::{Measured, measure};
use anyhow::Result;
use candle_core::DType;
use gan_core::{Purpose, Seed, Sequences};
use gan_ops::{Generation, LanguageModel};
use gan_text::{
    DiscriminatorConfig, GeneratorConfig, MaximumLikelihood, PolicyGradient, Reward, TextCorpus,
    text_discriminator, text_generator,
};
use std::hint::black_box;

const VOCABULARY: usize = 5000;
const STEPS: usize = 20;
const BATCH: usize = 64;
const ROLLOUTS: usize = 8;

fn generator() -> Result<LanguageModel> {
    let config = GeneratorConfig::default();
    Ok(text_generator(&config, VOCABULARY, 0, Seed(0), DType::F32)?)
}

fn draw(generator: &LanguageModel, count: usize, index: usize) -> Result<Vec<u32>> {
    let request = Generation {
        count,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    let first = (index * count) as u64;
    let stream = |k: usize| Seed(0).rng(Purpose::Sample, first + k as u64);
    Ok(generator.generate(&request, &stream)?)
}

fn corpus(generator: &LanguageModel) -> Result<TextCorpus> {
    let tokens = draw(generator, 20 * BATCH, 0)?;
    Ok(TextCorpus {
        sequences: tokens.chunks(STEPS).collect::<Sequences>(),
        vocabulary: VOCABULARY,
        start: 0,
        end: None,
        never: Vec::new(),
        steps: STEPS,
    })
}

/// Steps of maximum likelihood.
pub(crate) fn likelihood(repeat: usize) -> Result<Measured> {
    let generator = generator()?;
    let corpus = corpus(&generator)?;
    let mut training = MaximumLikelihood::new(&generator, 0.01, BATCH, Seed(0))?;
    measure(repeat, |index| {
        black_box(training.step(&generator, &corpus, index as u64)?);
        Ok(())
    })
}

/// Samples of so many sequences.
pub(crate) fn sample(count: usize, repeat: usize) -> Result<Measured> {
    let generator = generator()?;
    measure(repeat, |index| {
        black_box(draw(&generator, count, index)?);
        Ok(())
    })
}

/// Updates of the generator by a discriminator's rewards.
pub(crate) fn policy(repeat: usize) -> Result<Measured> {
    let generator = generator()?;
    let corpus = corpus(&generator)?;
    let config = DiscriminatorConfig::default();
    let discriminator = text_discriminator(&config, VOCABULARY, Seed(0), DType::F32)?;
    let reward = Reward::Discriminator;
    let mut policy = PolicyGradient::new(&generator, 0.01, BATCH, ROLLOUTS, reward, Seed(0))?;
    measure(repeat, |index| {
        black_box(policy.step(&generator, &discriminator, &corpus, index as u64)?);
        Ok(())
    })
}
