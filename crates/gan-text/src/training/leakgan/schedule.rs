//! Which part of LeakGAN's training comes when.

use super::LeakganConfig;
use crate::training::TextState;

/// A part that is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A round of the discriminator.
    Round,
    /// A step of maximum likelihood, of this number among them.
    Likelihood(u64),
    /// An adversarial step, of this number among them.
    Adversarial(u64),
}

/// The parts of a run, as a function of its state alone.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// Steps of maximum likelihood before the first adversarial one.
    pub(super) pretraining_steps: u64,
    pub(super) config: LeakganConfig,
}

impl Schedule {
    /// The part after `state`; none if all is done.
    pub(super) fn next(&self, state: TextState) -> Option<Next> {
        let config = &self.config;
        let (adversarial, likelihood) = self.done(state.step);
        let after = state.step.checked_sub(self.pretraining_steps);
        let (rounds, next) = match after {
            None => {
                let cycle = state.step * config.pretraining_cycles / self.pretraining_steps;
                let rounds = (cycle + 1) * config.discriminator_rounds;
                (rounds, Next::Likelihood(likelihood))
            }
            Some(after) if after >= config.steps => return None,
            Some(_) => {
                let pretraining = config.pretraining_cycles * config.discriminator_rounds;
                let rounds = pretraining + adversarial * config.rounds_per_step;
                let next = match self.done(state.step + 1).0 > adversarial {
                    true => Next::Adversarial(adversarial),
                    false => Next::Likelihood(likelihood),
                };
                (rounds, next)
            }
        };
        match state.rounds < rounds {
            true => Some(Next::Round),
            false => Some(next),
        }
    }

    /// Of the generator's first `steps`, those that are adversarial and those of maximum likelihood.
    pub(super) fn done(&self, steps: u64) -> (u64, u64) {
        let config = &self.config;
        let after = steps.saturating_sub(self.pretraining_steps);
        let period = config.adversarial_steps + config.likelihood_steps;
        let rest = (after % period).min(config.adversarial_steps);
        let adversarial = after / period * config.adversarial_steps + rest;
        (adversarial, steps - adversarial)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_and_both_kinds_of_steps_are_interleaved() {
        let schedule = Schedule {
            pretraining_steps: 5,
            config: LeakganConfig {
                steps: 7,
                adversarial_steps: 2,
                likelihood_steps: 1,
                pretraining_cycles: 2,
                discriminator_rounds: 2,
                rounds_per_step: 1,
                ..LeakganConfig::default()
            },
        };
        let (mut state, mut letters) = (TextState::default(), String::new());
        while let Some(next) = schedule.next(state) {
            let (letter, number) = match next {
                Next::Round => ('r', state.rounds),
                Next::Likelihood(number) => ('l', number),
                Next::Adversarial(number) => ('a', number),
            };
            let before = letters.chars().filter(|done| *done == letter).count();
            assert_eq!(before as u64, number);
            letters.push(letter);
            match next {
                Next::Round => state.rounds += 1,
                _ => state.step += 1,
            }
        }
        // Steps 0 to 2 of 5 are in the first of two cycles. A round follows each adversarial step.
        assert_eq!(letters, "rrlllrrllararlararlar".trim_end_matches('r'));
    }
}
