//! What every way to train a generator has in common.

use super::TextCorpus;
use crate::TextGenerator;
use gan_core::Weights;
use gan_train::TrainError;
use serde::{Deserialize, Serialize};

/// A way to train a generator: networks, their optimizers, and which part of the training comes when.
///
/// All random numbers of a part are functions of the seed and of the state before it, so a run resumes exactly from a
/// checkpoint between two parts.
pub(super) trait Method: Send {
    /// The generator with its current weights.
    fn generator(&self) -> &dyn TextGenerator;

    /// Does the part that follows `state`, and counts it there; none if all is done.
    fn advance(
        &mut self,
        corpus: &TextCorpus,
        state: &mut TextState,
    ) -> Result<Option<TextPart>, TrainError>;

    /// Adds all networks and optimizers.
    fn save(&self, weights: &mut Weights) -> Result<(), TrainError>;

    /// Reads them again, as they were at `state`; `origin` names the file in errors.
    fn restore(
        &mut self,
        weights: &Weights,
        state: TextState,
        origin: &str,
    ) -> Result<(), TrainError>;
}

/// A run's progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextState {
    /// The generator's steps, of all phases.
    pub step: u64,
    /// The discriminator's rounds.
    pub rounds: u64,
    /// The discriminator's updates.
    pub discriminator_updates: u64,
}

impl TextState {
    /// The parts that are done: steps and rounds.
    pub fn parts(self) -> u64 {
        self.step + self.rounds
    }

    /// Counts a step of the generator.
    pub(super) fn step_done(
        &mut self,
        kind: PartKind,
        figures: Vec<(&'static str, f64)>,
    ) -> TextPart {
        self.step += 1;
        TextPart {
            kind,
            number: self.step - 1,
            figures,
        }
    }

    /// Counts a round of the discriminator, which has been updated so often by now.
    pub(super) fn round_done(
        &mut self,
        updates: u64,
        figures: Vec<(&'static str, f64)>,
    ) -> TextPart {
        self.rounds += 1;
        self.discriminator_updates = updates;
        TextPart {
            kind: PartKind::Round,
            number: self.rounds - 1,
            figures,
        }
    }
}

/// A part of the training that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct TextPart {
    /// What it was.
    pub kind: PartKind,
    /// The number of the generator's step, or of the discriminator's round, from 0.
    pub number: u64,
    /// What it came to, before the update.
    pub figures: Vec<(&'static str, f64)>,
}

/// What a part of the training is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartKind {
    /// A step of maximum likelihood; its `nll` is the mean −ln p of a token, in nats.
    Likelihood,
    /// A round of the discriminator.
    Round,
    /// An adversarial step of the generator.
    Adversarial,
}
