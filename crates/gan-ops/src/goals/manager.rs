//! The Manager: goals from leaked features, forwards and backwards.

use super::pass::{Pass, rows};
use super::vectors::{Direction, Lanes, Normalize, NormalizeBack};
use super::weights::{Manager, Numbers};
use crate::element::Element;
use crate::features::Features;
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::language::{States, to_lines};
use crate::ops::bias;
use crate::parallel::{for_each_part, map_parts};
use crate::scratch::Scratch;
use crate::vectors::vectorized;

/// The goals of all prefixes.
pub(super) struct Goals<T> {
    states: States<T>,
    /// g `[lines · (steps + 1), features]`, each of length 1.
    pub(super) values: Features<T>,
    /// 1 / ‖·‖ of what became them.
    inverse: Vec<Lanes<T>>,
}

impl<T: Element> Goals<T> {
    pub(super) fn new(
        numbers: &Numbers<'_, T>,
        features: &Features<T>,
        steps: usize,
        scratch: &Scratch<T>,
    ) -> Self {
        let manager = &numbers.manager;
        let states = manager.lstm.forward(features, steps + 1, scratch);
        let mut values = rows(features.lines(), numbers.sizes.features, scratch);
        let inverse = map_parts(values.lines_mut(), |line, goal| {
            manager.goal(states.hidden.line(line), goal)
        });
        Self {
            states,
            values,
            inverse,
        }
    }
}

impl<T: Element> Manager<'_, T> {
    /// goal `[features, lanes]` ← that of a state. Returns 1 / ‖·‖ of what became it.
    pub(super) fn goal(&self, hidden: &[T], goal: &mut [T]) -> Lanes<T> {
        let rows = goal.chunks_exact_mut(lanes::<T>()).zip(self.goal_bias);
        rows.for_each(|(row, bias)| row.fill(*bias));
        line_product(self.goal_weight, hidden, goal, true);
        vectorized(Normalize(goal))
    }
}

/// The gradients of Σ weight · (−cos(f_{t+c} − f_t, g_t)), of the Manager's tensors in their order; weights
/// `[n, steps + 1 − c]`.
pub(super) fn gradients<T: Element>(
    numbers: &Numbers<'_, T>,
    pass: &Pass<T>,
    weights: &[f64],
    scratch: &Scratch<T>,
) -> [Vec<T>; 6] {
    let (manager, sizes) = (&numbers.manager, numbers.sizes);
    let (hidden, width) = (sizes.manager_hidden, sizes.features);
    let goals = &pass.goals;
    let lines = goals.values.lines();
    let mut by_goals = by_goals(pass, numbers.settings.duration, weights, scratch);
    let mut by_hidden = rows(lines, hidden, scratch);
    let backwards = transposed(manager.goal_weight, hidden);
    let parts = by_goals.lines_mut().into_iter().zip(by_hidden.lines_mut());
    for_each_part(parts.collect(), |line, (by_goal, by_hidden)| {
        vectorized(NormalizeBack {
            x: goals.values.line(line),
            inverse: &goals.inverse[line],
            by: &mut *by_goal,
        });
        line_product(&backwards, by_goal, by_hidden, false);
    });
    let states = &goals.states;
    let turned = Turned::new(hidden, lines, |line| states.hidden.line(line), scratch);
    let mut goal_weight = vec![T::zero(); width * hidden];
    weight_gradient(&by_goals, &turned, &mut goal_weight, scratch);
    let states = states.copy(scratch);
    let steps = pass.steps + 1;
    let lstm = manager
        .lstm
        .backward(&pass.features, states, &mut by_hidden, steps, scratch);
    [
        lstm.weight_ih,
        lstm.weight_hh,
        lstm.bias.clone(),
        lstm.bias,
        goal_weight,
        bias::gradient(&by_goals, None),
    ]
}

/// −weight · (f_{t+c} − f_t) / ‖f_{t+c} − f_t‖, the gradient with respect to each goal.
fn by_goals<T: Element>(
    pass: &Pass<T>,
    duration: usize,
    weights: &[f64],
    scratch: &Scratch<T>,
) -> Features<T> {
    let (lanes, prefixes) = (lanes::<T>(), pass.steps + 1);
    let count = prefixes.saturating_sub(duration);
    let weights = match count {
        0 => Vec::new(),
        _ => to_lines::<T, _>(weights, count, 0.0),
    };
    let (features, goals) = (&pass.features, &pass.goals.values);
    let mut by_goals = rows(goals.lines(), goals.size.channels, scratch);
    for_each_part(by_goals.lines_mut(), |place, by| {
        let (line, time) = (place / prefixes, place % prefixes);
        if time >= count {
            return by.fill(T::zero());
        }
        let (from, to) = (features.line(place), features.line(place + duration));
        let goal = goals.line(place);
        let (_, inverse) = vectorized(Direction { from, to, goal });
        let weights = &weights[(line * count + time) * lanes..][..lanes];
        let pairs = weights.iter().zip(&inverse);
        let scales: Vec<T> = pairs
            .map(|(weight, inverse)| T::from_f64(-weight) * *inverse)
            .collect();
        for (k, by) in by.iter_mut().enumerate() {
            *by = scales[k % lanes] * (to[k] - from[k]);
        }
    });
    by_goals
}
