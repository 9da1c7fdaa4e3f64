//! LeakGAN's schedule and sizes.

use crate::models::MOST_OF_A_SIZE;
use crate::training::rollouts::MOST_ROLLOUTS;
use crate::{DiscriminatorConfig, GoalSizes};
use gan_core::{OutOfRange, Range, check_ranges};
use serde::{Deserialize, Serialize};

/// LeakGAN (Guo et al., 2017, arXiv 1709.08624). The defaults are those of its program for 20 tokens, with less of
/// what takes long: there, ten cycles of 5 rounds and 8 epochs come before the first adversarial step and 5 rounds after
/// each, rounds are of 10,000 texts and 3 epochs, and the discriminator has twelve widths with 1,720 filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LeakganConfig {
    /// Steps of the generator after its pretraining.
    pub steps: u64,
    /// The learning rate of the Worker's adversarial steps and of all of the Manager's.
    pub lr: f64,
    /// Continuations by whose mean a goal is judged.
    pub rollouts: usize,
    /// The inverse temperature of all sequences that are drawn for training; above 0. The program has 1.5 for most.
    pub alpha: f64,
    /// δ, by which the ranks of rewards are rescaled.
    pub rescaling: f64,
    /// c, the tokens over which a goal is to be reached; at most those of a text.
    pub goal_duration: usize,
    /// Numbers of an embedded goal.
    pub actions: usize,
    /// The Manager's LSTM cells.
    pub manager_hidden: usize,
    /// Adversarial steps between steps of maximum likelihood.
    pub adversarial_steps: u64,
    /// The steps of maximum likelihood that follow them; 0 for none.
    pub likelihood_steps: u64,
    /// Into how many parts the epochs of maximum likelihood are divided, with rounds of the discriminator before each.
    pub pretraining_cycles: u64,
    /// The discriminator's rounds of a cycle.
    pub discriminator_rounds: u64,
    /// The fresh generated texts of a round, against as many real ones; at most all of them.
    pub round_texts: usize,
    /// Its rounds after each adversarial step.
    pub rounds_per_step: u64,
    /// How often a round passes over its texts.
    pub discriminator_epochs: u64,
    /// The discriminator's learning rate.
    pub discriminator_lr: f64,
    /// Numbers that stand for a token in the discriminator.
    pub embedding: usize,
    /// The tokens that each of its convolutions sees at once.
    pub widths: Vec<usize>,
    /// The filters of each convolution.
    pub filters: Vec<usize>,
}

impl Default for LeakganConfig {
    fn default() -> Self {
        let DiscriminatorConfig {
            embedding,
            widths,
            filters,
        } = DiscriminatorConfig::default();
        Self {
            steps: 20,
            lr: 0.0015,
            rollouts: 4,
            alpha: 1.0,
            rescaling: 16.0,
            goal_duration: 4,
            actions: 16,
            manager_hidden: 32,
            adversarial_steps: 15,
            likelihood_steps: 15,
            pretraining_cycles: 2,
            discriminator_rounds: 1,
            round_texts: 2048,
            rounds_per_step: 1,
            discriminator_epochs: 1,
            discriminator_lr: 5e-5,
            embedding,
            widths,
            filters,
        }
    }
}

impl LeakganConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let positive = |such_as| Range::Positive { such_as };
        let one = Range::AtLeastOne;
        let (size, rollouts) = (Range::OneTo(MOST_OF_A_SIZE), Range::OneTo(MOST_ROLLOUTS));
        check_ranges(&[
            ("adversary.lr", self.lr.into(), positive("0.0015")),
            ("adversary.rollouts", self.rollouts.into(), rollouts),
            ("adversary.alpha", self.alpha.into(), positive("1.0")),
            (
                "adversary.rescaling",
                self.rescaling.into(),
                positive("16.0"),
            ),
            ("adversary.goal_duration", self.goal_duration.into(), size),
            ("adversary.actions", self.actions.into(), size),
            ("adversary.manager_hidden", self.manager_hidden.into(), size),
            ("adversary.round_texts", self.round_texts.into(), one),
            (
                "adversary.adversarial_steps",
                self.adversarial_steps.into(),
                one,
            ),
            (
                "adversary.pretraining_cycles",
                self.pretraining_cycles.into(),
                one,
            ),
            (
                "adversary.discriminator_epochs",
                self.discriminator_epochs.into(),
                one,
            ),
            (
                "adversary.discriminator_lr",
                self.discriminator_lr.into(),
                positive("0.00005"),
            ),
        ])?;
        self.discriminator().validate()
    }

    /// The discriminator's sizes.
    pub fn discriminator(&self) -> DiscriminatorConfig {
        DiscriminatorConfig {
            embedding: self.embedding,
            widths: self.widths.clone(),
            filters: self.filters.clone(),
        }
    }

    /// The sizes that goals add to the generator.
    pub fn goals(&self) -> GoalSizes {
        GoalSizes {
            manager_hidden: self.manager_hidden,
            actions: self.actions,
            duration: self.goal_duration,
        }
    }
}
