//! One update of either player, by which of a real and a generated text the discriminator finds more real.

use crate::training::batches::{Padded, TextCorpus};
use crate::training::likelihood::finite;
use crate::training::logistic::{sigmoid, softplus};
use gan_core::{Purpose, Seed};
use gan_ops::{FeatureDropout, LanguageModel, SoftPass, TextClassifier, TextPass};
use gan_train::{Optimizer, TrainError};
use rand::Rng;

/// The largest norm of the gradients.
const CLIP: f64 = 5.0;

/// What an update compares: as many real texts as generated ones.
pub(super) struct Batch<'a> {
    pub(super) corpus: &'a TextCorpus,
    pub(super) size: usize,
    pub(super) seed: Seed,
    /// The inverse temperature of the Gumbel-softmax.
    pub(super) beta: f64,
    /// The share of the discriminator's features that is dropped.
    pub(super) dropout: f64,
    /// Its number, from 0, over all updates of both players.
    pub(super) update: u64,
}

/// What an update came to, before it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Compared {
    /// The player's loss.
    pub(super) loss: f64,
    /// The share of pairs of which the discriminator finds the real text more real.
    pub(super) accuracy: f64,
    /// The mean of the real text's logit less the generated one's.
    pub(super) gap: f64,
    /// The mean of a generated token's largest probability.
    pub(super) largest: f64,
}

impl Compared {
    pub(super) fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.accuracy += other.accuracy;
        self.gap += other.gap;
        self.largest += other.largest;
    }
}

/// Who is updated.
#[derive(Clone, Copy)]
enum Player {
    Generator,
    Discriminator,
}

impl Batch<'_> {
    /// L_D = −ln σ(D(real) − D(generated)), a pair and representation.
    pub(super) fn teach_discriminator(
        &self,
        generator: &LanguageModel,
        discriminator: &TextClassifier,
        optimizer: &mut Optimizer,
    ) -> Result<Compared, TrainError> {
        let drawn = self.drawn(generator, discriminator)?;
        let pass = self.pass(discriminator, &drawn)?;
        let (compared, slopes) = self.compare(Player::Discriminator, &pass, &drawn);
        let not_finite =
            optimizer.descend(1.0, Some(CLIP), |visit| pass.gradients(&slopes, visit))?;
        finite("discriminator's", self.update, not_finite)?;
        Ok(compared)
    }

    /// L_G = −ln σ(D(generated) − D(real)), a pair and representation.
    pub(super) fn teach_generator(
        &self,
        generator: &LanguageModel,
        discriminator: &TextClassifier,
        optimizer: &mut Optimizer,
    ) -> Result<Compared, TrainError> {
        let drawn = self.drawn(generator, discriminator)?;
        let pass = self.pass(discriminator, &drawn)?;
        let (compared, slopes) = self.compare(Player::Generator, &pass, &drawn);
        let by_embedded = pass.soft_gradient(&slopes)?;
        let not_finite = optimizer.descend(1.0, Some(CLIP), |visit| {
            drawn.gradients(&by_embedded, visit)
        })?;
        finite("generator's", self.update, not_finite)?;
        Ok(compared)
    }

    /// Fresh soft texts.
    fn drawn<'a>(
        &'a self,
        generator: &'a LanguageModel,
        discriminator: &TextClassifier,
    ) -> candle_core::Result<SoftPass<'a>> {
        let first = self.update * self.size as u64;
        let noise = |k: usize| self.seed.rng(Purpose::GumbelNoise, first + k as u64);
        let request = self.corpus.request(self.size);
        generator.soften(request, self.beta, discriminator.embedding(), &noise)
    }

    /// The discriminator's pass over real texts and these.
    fn pass<'a>(
        &self,
        discriminator: &'a TextClassifier,
        drawn: &'a SoftPass<'a>,
    ) -> candle_core::Result<TextPass<'a>> {
        let mut rng = self.seed.rng(Purpose::RelganBatch, self.update);
        let texts = self.corpus.sequences.len().max(1) as u64;
        let numbers = (0..self.size).map(|_| rng.random_range(0..texts) as usize);
        let numbers: Vec<usize> = numbers.collect();
        let real = Padded::new(self.corpus, &self.corpus.sequences, &numbers);
        let dropout = FeatureDropout {
            share: self.dropout,
            rng: &mut self.seed.rng(Purpose::Dropout, self.update),
        };
        discriminator.record_with(real.batch()?, drawn, Some(dropout))
    }

    /// A player's loss, and its slope by each logit.
    fn compare(
        &self,
        player: Player,
        pass: &TextPass<'_>,
        drawn: &SoftPass<'_>,
    ) -> (Compared, Vec<f64>) {
        let (real, generated) = pass.logits().split_at(pass.logits().len() / 2);
        let pairs = real.len();
        let share = 1.0 / pairs as f64;
        let mut compared = Compared::default();
        let mut slopes = vec![0.0; pass.logits().len()];
        for (number, (real, generated)) in real.iter().zip(generated).enumerate() {
            let gap = real - generated;
            // The player wants this to be large.
            let (sign, wanted) = match player {
                Player::Discriminator => (1.0, gap),
                Player::Generator => (-1.0, -gap),
            };
            let by_gap = -sign * sigmoid(-wanted) * share;
            slopes[number] = by_gap;
            slopes[number + pairs] = -by_gap;
            compared.loss += softplus(-wanted) * share;
            compared.accuracy += f64::from(u8::from(gap > 0.0)) * share;
            compared.gap += gap * share;
        }
        let tokens = Padded::drawn(self.corpus, drawn.tokens().to_vec());
        compared.largest = tokens.mean(drawn.largest());
        (compared, slopes)
    }
}
