//! A GAN of texts without maximum likelihood: a discriminator that judges every prefix, as ScratchGAN's does (de Masson
//! d'Autume et al., 2019, arXiv 1905.09922), by the relativistic loss (Jolicoeur-Martineau, 2019; R3GAN, 2024), and
//! expected policy gradients (Ciosek & Whiteson, 2018) over all tokens that may follow instead of those that did.

mod config;
mod objective;

pub use config::ScratchConfig;

use super::TextTrainConfig;
use super::batches::{Padded, TextCorpus};
use super::likelihood::{Pretraining, finite};
use super::method::{Method, PartKind, TextPart, TextState};
use crate::{GeneratorConfig, TextGenerator, prefix_discriminator, text_generator};
use candle_core::{DType, Tensor};
use gan_core::{Purpose, Weights};
use gan_ops::{LanguageModel, TokenBatch};
use gan_train::{Ema, Optimizer, TrainError};
use objective::{compare, expect};
use rand::Rng;

const AVERAGE: &str = "average.";
const GENERATOR_OPTIMIZER: &str = "adversarial_optimizer.";

/// Little momentum, as either player's direction changes with the other.
const BETAS: [f64; 2] = [0.5, 0.999];

/// The bias of a token that is never drawn, whose probability it makes 0.
const NEVER: f32 = -1e4;

/// A generator, its average and its discriminator.
pub(super) struct Scratch {
    pretraining: Pretraining,
    /// With the averaged weights.
    average: LanguageModel,
    averages: Ema,
    discriminator: LanguageModel,
    generator_optimizer: Optimizer,
    discriminator_optimizer: Optimizer,
    config: ScratchConfig,
    train: TextTrainConfig,
}

impl Scratch {
    pub(super) fn new(
        pretraining: Pretraining,
        model: &GeneratorConfig,
        config: ScratchConfig,
        corpus: &TextCorpus,
        train: &TextTrainConfig,
        dtype: DType,
    ) -> Result<Self, TrainError> {
        let (vocabulary, start, seed) = (corpus.vocabulary, corpus.start, train.seed);
        let sizes = config.discriminator();
        let discriminator = prefix_discriminator(&sizes, vocabulary, start, seed, dtype)?;
        let generator = &pretraining.generator;
        never(generator, &corpus.never)?;
        let average = text_generator(model, vocabulary, start, seed, dtype)?;
        let averages = Ema::new(generator.parameters(), config.average_half_life)?;
        averages.copy_into(average.parameters())?;
        let adam = |model: &LanguageModel, lr| Optimizer::adam(model.parameters(), lr, BETAS);
        Ok(Self {
            generator_optimizer: adam(generator, config.lr)?,
            discriminator_optimizer: adam(&discriminator, config.discriminator_lr)?,
            pretraining,
            average,
            averages,
            discriminator,
            config,
            train: train.clone(),
        })
    }

    /// Adversarial step `step`, from 0: both players are updated by what they see of the same sequences.
    fn step(
        &mut self,
        corpus: &TextCorpus,
        step: u64,
    ) -> Result<Vec<(&'static str, f64)>, TrainError> {
        let (real, generated) = (self.real(corpus, step), self.generated(corpus, step)?);
        let tokens = [real.tokens(), generated.tokens()].concat();
        let verdicts = self
            .discriminator
            .record(TokenBatch::new(&tokens, corpus.steps)?)?;
        let compared = compare(verdicts.logits(), &real, &generated);

        let policy = self.pretraining.generator.record(generated.batch()?)?;
        let rewards = &verdicts.logits()[policy.logits().len()..];
        let expected = expect(policy.logits(), rewards, &generated);

        let lr_factor = self.config.lr_factor(step);
        let optimizer = &mut self.generator_optimizer;
        let slopes = &expected.slopes;
        let not_finite =
            optimizer.descend(lr_factor, None, |visit| policy.gradients(slopes, visit))?;
        finite("generator's", step, not_finite)?;
        let optimizer = &mut self.discriminator_optimizer;
        let slopes = &compared.slopes;
        let not_finite =
            optimizer.descend(lr_factor, None, |visit| verdicts.gradients(slopes, visit))?;
        finite("discriminator's", step, not_finite)?;
        Ok(vec![
            ("discriminator_loss", compared.loss),
            ("discriminator_accuracy", compared.accuracy),
            ("logit_gap", compared.gap),
            ("advantage_std", expected.advantage_std),
            ("entropy", expected.entropy),
        ])
    }

    /// Real sequences, of which each may come more than once.
    fn real(&self, corpus: &TextCorpus, step: u64) -> Padded {
        let mut rng = self.train.seed.rng(Purpose::ScratchBatch, step);
        let texts = corpus.sequences.len().max(1) as u64;
        let numbers = (0..self.train.batch_size).map(|_| rng.random_range(0..texts) as usize);
        Padded::new(corpus, &corpus.sequences, &numbers.collect::<Vec<_>>())
    }

    /// As many generated ones.
    fn generated(&self, corpus: &TextCorpus, step: u64) -> candle_core::Result<Padded> {
        let (count, seed) = (self.train.batch_size, self.train.seed);
        let first = step * count as u64;
        let stream = |k: usize| seed.rng(Purpose::ScratchSample, first + k as u64);
        let generator = &self.pretraining.generator;
        let tokens = generator.generate(&corpus.request(count), &stream)?;
        Ok(Padded::drawn(corpus, tokens))
    }

    /// The average after an update of the generator.
    fn average(&mut self) -> candle_core::Result<()> {
        self.averages.update(1)?;
        self.averages.copy_into(self.average.parameters())
    }
}

/// Takes all probability from tokens that are never drawn: the gradient of an expectation is that over what is drawn.
fn never(generator: &LanguageModel, tokens: &[u32]) -> candle_core::Result<()> {
    let parameters = generator.parameters();
    let found = parameters
        .all()
        .into_iter()
        .find(|found| found.name == "output.bias");
    let Some(bias) = found else {
        candle_core::bail!("a generator without output.bias");
    };
    let mut values: Vec<f32> = bias.var.to_dtype(DType::F32)?.to_vec1()?;
    for token in tokens {
        values[*token as usize] = NEVER;
    }
    let values = Tensor::new(values, bias.var.device())?;
    parameters.set(&bias.name, &values.to_dtype(parameters.dtype())?)
}

impl Method for Scratch {
    fn generator(&self) -> &dyn TextGenerator {
        &self.average
    }

    fn advance(
        &mut self,
        corpus: &TextCorpus,
        state: &mut TextState,
    ) -> Result<Option<TextPart>, TrainError> {
        if let Some(part) = self.pretraining.advance(corpus, state)? {
            self.average()?;
            return Ok(Some(part));
        }
        let Some(step) = self.pretraining.adversarial_step(*state, self.config.steps) else {
            return Ok(None);
        };
        let figures = self.step(corpus, step)?;
        self.average()?;
        state.discriminator_updates = self.discriminator_optimizer.steps();
        Ok(Some(state.step_done(PartKind::Adversarial, figures)))
    }

    fn save(&self, weights: &mut Weights) -> Result<(), TrainError> {
        self.averages.save(AVERAGE, weights)?;
        self.pretraining.save_both(
            self.discriminator.parameters(),
            &self.discriminator_optimizer,
            (GENERATOR_OPTIMIZER, &self.generator_optimizer),
            weights,
        )
    }

    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError> {
        self.averages.restore(AVERAGE, weights, origin)?;
        self.averages.copy_into(self.average.parameters())?;
        self.pretraining.restore_both(
            self.discriminator.parameters(),
            &mut self.discriminator_optimizer,
            (GENERATOR_OPTIMIZER, &mut self.generator_optimizer),
            (weights, state, origin),
        )
    }
}
