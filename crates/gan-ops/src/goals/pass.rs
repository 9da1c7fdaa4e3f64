//! What a model makes of given sequences: leaked features, goals, and the Worker's states.

use super::vectors::Direction;
use super::weights::Numbers;
use super::{manager, worker};
use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::tile::lanes;
use crate::language::{States, TokenBatch, from_lines, to_lines};
use crate::parallel::{for_each_part, map_pieces};
use crate::scratch::Scratch;
use crate::text_classifier::Prefixes;
use crate::vectors::vectorized;

/// A line's prefixes of 0, …, steps tokens lie one after another, and so do its steps and its blocks.
pub(super) struct Pass<T> {
    /// The number of sequences, and the tokens of each.
    pub(super) n: usize,
    pub(super) steps: usize,
    /// `[lines, steps, lanes]`: tokens that come in, and those that are to come out.
    pub(super) inputs: Vec<u32>,
    pub(super) targets: Vec<u32>,
    /// f `[lines · (steps + 1), features]`
    pub(super) features: Features<T>,
    pub(super) goals: manager::Goals<T>,
    pub(super) guides: worker::Guides<T>,
    /// The embedded tokens, `[lines · steps, embedding]`.
    pub(super) x: Features<T>,
    /// The Worker's states, `[lines · steps, …]`.
    pub(super) states: States<T>,
}

/// Features of one pixel.
pub(super) fn rows<T: Element>(lines: usize, channels: usize, scratch: &Scratch<T>) -> Features<T> {
    let size = Size {
        channels,
        pixels: 1,
    };
    Features::new(lines, size, scratch)
}

impl<T: Element> Pass<T> {
    pub(super) fn new(
        numbers: &Numbers<'_, T>,
        batch: TokenBatch<'_>,
        scratch: &Scratch<T>,
    ) -> Self {
        let (lanes, steps, start) = (lanes::<T>(), batch.steps(), numbers.settings.start);
        let targets = to_lines::<T, _>(batch.tokens(), steps, start);
        let mut inputs = vec![start; targets.len()];
        let lines = inputs.chunks_exact_mut(steps * lanes);
        for (inputs, targets) in lines.zip(targets.chunks_exact(steps * lanes)) {
            inputs[lanes..].copy_from_slice(&targets[..(steps - 1) * lanes]);
        }
        let features = leaked(numbers, &targets, steps, scratch);
        let goals = manager::Goals::new(numbers, &features, steps, scratch);
        let guides = worker::Guides::new(numbers, &goals, steps, scratch);
        let x = worker::embedded(numbers, &inputs, scratch);
        let states = numbers.worker.lstm.forward(&x, steps, scratch);
        Self {
            n: batch.len(),
            steps,
            inputs,
            targets,
            features,
            goals,
            guides,
            x,
            states,
        }
    }

    /// cos(f_{t+c} − f_t, g_t), `[n, steps + 1 − c]`.
    pub(super) fn directions(&self, duration: usize) -> Vec<f64> {
        let count = (self.steps + 1).saturating_sub(duration);
        let lines = map_pieces(self.features.lines() / (self.steps + 1), |line| {
            let of_goal = |goal| self.cosines(line, goal, goal + duration);
            (0..count).flat_map(of_goal).collect::<Vec<f64>>()
        });
        match count {
            0 => Vec::new(),
            _ => from_lines::<T, _>(&lines.concat(), count, self.n),
        }
    }

    /// r_t of each token, `[n, steps]`.
    pub(super) fn intrinsic_rewards(&self, duration: usize) -> Vec<f64> {
        let lines = map_pieces(self.features.lines() / (self.steps + 1), |line| {
            let mut rewards = vec![0.0; self.steps * lanes::<T>()];
            for (step, rewards) in rewards.chunks_exact_mut(lanes::<T>()).enumerate() {
                for goal in (step + 1).saturating_sub(duration)..=step {
                    let cosines = self.cosines(line, goal, step + 1);
                    let pairs = rewards.iter_mut().zip(cosines);
                    pairs.for_each(|(sum, cosine)| *sum += cosine / duration as f64);
                }
            }
            rewards
        });
        from_lines::<T, _>(&lines.concat(), self.steps, self.n)
    }

    /// cos(f_to − f_from, g_from) of each lane.
    fn cosines(&self, line: usize, from: usize, to: usize) -> Vec<f64> {
        let first = line * (self.steps + 1);
        let (cosines, _) = vectorized(Direction {
            from: self.features.line(first + from),
            to: self.features.line(first + to),
            goal: self.goals.values.line(first + from),
        });
        let cosines = cosines.iter().take(lanes::<T>());
        cosines.map(|cosine| cosine.to_f64()).collect()
    }
}

/// The features of all prefixes, `[lines · (steps + 1), features]`; tokens `[lines, steps, lanes]`.
fn leaked<T: Element>(
    numbers: &Numbers<'_, T>,
    tokens: &[u32],
    steps: usize,
    scratch: &Scratch<T>,
) -> Features<T> {
    let (lanes, pad) = (lanes::<T>(), numbers.settings.pad);
    let lines = tokens.len() / (steps * lanes);
    let mut features = rows(lines * (steps + 1), numbers.sizes.features, scratch);
    let parts = features.groups_mut(steps + 1);
    for_each_part(parts, |line, features| {
        let mut prefixes = Prefixes::new(numbers.classifier, steps, pad, scratch);
        let mut tokens = tokens[line * steps * lanes..][..steps * lanes].chunks_exact(lanes);
        for features in features {
            prefixes.features(features);
            if let Some(tokens) = tokens.next() {
                prefixes.push(tokens);
            }
        }
    });
    features
}
