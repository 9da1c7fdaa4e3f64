//! The source of every random number.

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What a stream of random numbers is for. Saved runs depend on the number: never use one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The generator's initial weights; index 0.
    GeneratorInit = 1,
    /// The discriminator's initial weights; index 0.
    DiscriminatorInit = 2,
    /// The order of the images in an epoch; the index is the epoch, from 0.
    Shuffle = 3,
    /// The latent vectors of a training step; the index is the step, from 0.
    TrainingLatents = 4,
    /// The latent vector of a sampled image; the index is the image, from 0.
    Sample = 5,
    /// Which images a score draws; the index is the subset, from 0.
    ScoreSubset = 6,
    /// The initial weights of a feature network; index 0.
    FeatureNetworkInit = 7,
    /// The augmentation of a feature network's training image; the index is the image, counted through all
    /// epochs.
    Augmentation = 8,
    /// Which rows a bootstrap draws; the index is the repetition, from 0.
    Bootstrap = 9,
    /// Images of noise, a control for scores; index 0.
    NoiseImages = 10,
    /// Noise added to the discriminator's inputs; the index is the step, from 0.
    InstanceNoise = 11,
    /// The positions between real and generated images of a gradient penalty; the index is the step, from 0.
    Interpolation = 12,
    /// The augmentation of the discriminator's inputs; the index is the step, from 0.
    DiffAugment = 13,
    /// Which digits are stacked in an image of StackedMNIST; index 0.
    Stacking = 14,
    /// Points of a toy distribution; index 0.
    ToyData = 15,
    /// Which images of a training batch are mirrored; the index is the epoch's number.
    Mirror = 16,
    /// Which units a layer with dropout drops; the index is the pass through the network, from 0.
    Dropout = 17,
    /// The seed of a run after a rollback; the index is the number of rollbacks, from 1.
    Rollback = 18,
    /// Which images of a set represent all of it; the index says for what.
    Representatives = 19,
    /// Sequences that a language model draws to be rewarded; the index is the sequence, counted through all steps.
    PolicySample = 20,
    /// Continuations that estimate a reward; the index is the continuation, counted through all steps.
    Rollout = 21,
    /// Generated sequences for a text discriminator; the index is the sequence, counted through all rounds.
    Negatives = 22,
    /// The order of a text discriminator's batches; the index is the epoch, counted through all rounds.
    DiscriminatorOrder = 23,
    /// The weights of a random oracle; index 0.
    OracleInit = 24,
    /// Sequences of an oracle; the index is the sequence.
    OracleData = 25,
    /// Which reward a sequence is given in the control that shuffles rewards; the index is the step.
    RewardOrder = 26,
    /// The noise of soft sequences; the index is the sequence, counted through all of a run's updates.
    GumbelNoise = 27,
    /// Which real sequences a relativistic update compares with generated ones; the index is the update.
    RelganBatch = 28,
    /// Continuations that estimate what a goal led to; the index is the continuation, counted through all steps.
    LeakganRollout = 29,
    /// The first weights of a generator with goals; index 0 for the Manager, 1 for the Worker.
    LeakganInit = 30,
    /// Sequences that a generator trained from scratch draws; the index is the sequence, counted through all steps.
    ScratchSample = 31,
    /// Which real sequences they are compared with; the index is the step.
    ScratchBatch = 32,
    /// A sequence drawn from an n-gram model; the index is the sequence, from 0.
    NgramSample = 40,
    /// The order of a real sequence's tokens, a control for scores; the index is the sequence, from 0.
    ShuffledTokens = 41,
    /// Independent tokens as frequent as in real text, a control; the index is the sequence, from 0.
    UnigramTokens = 42,
    /// Independent tokens, all equally frequent, a control; the index is the sequence, from 0.
    UniformTokens = 43,
    /// Which texts a score or a control takes of a set; the index says for what.
    TextDraw = 44,
    /// The order of the texts on which a network of an evaluation is trained; the index is the epoch, from 0.
    EvaluationOrder = 45,
    /// Sequences that a pretrained generator or an oracle draws as controls; the index is the sequence.
    ControlSample = 46,
    /// The seed of the first weights of an evaluation's networks; the index says of which.
    EvaluationNetwork = 47,
}

/// The number that determines all of a run's randomness.
///
/// A seed is not one stream of numbers but a family of independent streams: ChaCha8 keyed by the
/// seed and the [`Purpose`], with the index as its stream number. Step 7's noise and image 12's
/// latent vector are functions of the seed alone, so a run can be resumed, and an image drawn
/// again, without a saved random state.
///
/// ```
/// use gan_core::{Purpose, Seed};
/// use rand::Rng;
///
/// let a: u32 = Seed(7).rng(Purpose::Sample, 12).random();
/// let b: u32 = Seed(7).rng(Purpose::Sample, 12).random();
/// assert_eq!(a, b);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The seed of a run that has been rolled back `rollbacks` times after a divergence: itself for 0.
    #[must_use]
    pub fn after_rollbacks(self, rollbacks: u32) -> Self {
        match rollbacks {
            0 => self,
            n => Self(self.rng(Purpose::Rollback, n.into()).next_u64()),
        }
    }

    /// The stream with number `index` among those for `purpose`.
    pub fn rng(self, purpose: Purpose, index: u64) -> ChaCha8Rng {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.to_le_bytes());
        key[8] = purpose as u8;
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        rng
    }
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_of_other_seeds_purposes_and_indices_differ() {
        let first = |seed: u64, purpose, index| Seed(seed).rng(purpose, index).random::<u64>();
        let reference = first(1, Purpose::Sample, 2);
        assert_eq!(reference, first(1, Purpose::Sample, 2));
        assert_ne!(reference, first(2, Purpose::Sample, 2));
        assert_ne!(reference, first(1, Purpose::Shuffle, 2));
        assert_ne!(reference, first(1, Purpose::Sample, 3));
    }
}
