//! The Worker: the goals of a block as an action's direction, logits, and the way back from them.

use super::manager::Goals;
use super::pass::{Pass, rows};
use super::vectors::{Lanes, Normalize, NormalizeBack, Outer, OuterBack};
use super::weights::{Numbers, Worker};
use crate::element::Element;
use crate::features::Features;
use crate::kernels::product::{Turned, line_product, weight_gradient};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::transposed;
use crate::language::{
    Exponentiate, Slopes, Softmax, TokenBatch, by_embedding, embed, from_lines, to_lines,
};
use crate::ops::bias;
use crate::parallel::{for_each_part, map_parts, map_pieces};
use crate::scratch::Scratch;
use crate::vectors::vectorized;

/// Lines of sequences that are scored together: their features and goals take some megabytes.
const LINES: usize = 16;

/// What guides the Worker in each block of a sequence.
pub(super) struct Guides<T> {
    /// Blocks of a sequence.
    blocks: usize,
    /// The goals' sums, `[lines · blocks, features]`.
    sums: Features<T>,
    /// w `[lines · blocks, actions]`, each of length 1.
    values: Features<T>,
    /// 1 / ‖·‖ of what became them.
    inverse: Vec<Lanes<T>>,
}

impl<T: Element> Guides<T> {
    pub(super) fn new(
        numbers: &Numbers<'_, T>,
        goals: &Goals<T>,
        steps: usize,
        scratch: &Scratch<T>,
    ) -> Self {
        let (worker, sizes) = (&numbers.worker, numbers.sizes);
        let duration = numbers.settings.duration;
        let blocks = steps.div_ceil(duration);
        let lines = goals.values.lines() / (steps + 1) * blocks;
        let mut sums = rows(lines, sizes.features, scratch);
        let mut values = rows(lines, sizes.actions, scratch);
        let parts = sums.lines_mut().into_iter().zip(values.lines_mut());
        let inverse = map_parts(parts.collect(), |place, (sum, guide)| {
            let (line, block) = (place / blocks, place % blocks);
            if block == 0 {
                worker.begin(sum);
            } else {
                sum.fill(T::zero());
                let first = line * (steps + 1) + (block - 1) * duration;
                (first..first + duration).for_each(|goal| add(goals.values.line(goal), sum));
            }
            worker.guide(sum, guide)
        });
        Self {
            blocks,
            sums,
            values,
            inverse,
        }
    }
}

/// sum ← sum + x
pub(super) fn add<T: Element>(x: &[T], sum: &mut [T]) {
    let pairs = sum.iter_mut().zip(x);
    pairs.for_each(|(sum, x)| *sum += *x);
}

impl<T: Element> Worker<'_, T> {
    /// sum `[features, lanes]` ← what stands for the goals before the first block.
    pub(super) fn begin(&self, sum: &mut [T]) {
        let rows = sum.chunks_exact_mut(lanes::<T>()).zip(self.first_goal);
        rows.for_each(|(row, number)| row.fill(*number));
    }

    /// guide `[actions, lanes]` ← ψ sum / ‖ψ sum‖. Returns 1 / ‖ψ sum‖.
    pub(super) fn guide(&self, sum: &[T], guide: &mut [T]) -> Lanes<T> {
        line_product(self.goal_embedding, sum, guide, false);
        vectorized(Normalize(guide))
    }

    /// A line's distributions, softmax(α · (O w + bias)): O w = weight · (w ⊗ h) + output_bias · w, so O is never
    /// there. outer `[actions · hidden, lanes]` ← w ⊗ h.
    pub(super) fn distributions<'a>(
        &self,
        state: State<'_, T>,
        alpha: f64,
        outer: &mut [T],
        logits: &'a mut [T],
    ) -> Softmax<'a, T> {
        vectorized(Outer {
            w: state.guide,
            h: state.hidden,
            y: &mut *outer,
        });
        line_product(self.output_weight, outer, logits, false);
        line_product(self.output_bias, state.guide, logits, true);
        vectorized(Exponentiate {
            logits,
            bias: Some(state.bias),
            alpha: T::from_f64(alpha),
            targets: state.targets,
        })
    }
}

/// What a line's distributions depend on.
#[derive(Clone, Copy)]
pub(super) struct State<'a, T> {
    /// w `[actions, lanes]`
    pub(super) guide: &'a [T],
    /// h `[hidden, lanes]`
    pub(super) hidden: &'a [T],
    /// `[vocabulary]`: 0, or far below it for what is never drawn.
    pub(super) bias: &'a [T],
    /// A token of each lane; none if nobody asks for their probabilities.
    pub(super) targets: Option<&'a [u32]>,
}

/// The embedded tokens, `[lines · steps, embedding]`.
pub(super) fn embedded<T: Element>(
    numbers: &Numbers<'_, T>,
    tokens: &[u32],
    scratch: &Scratch<T>,
) -> Features<T> {
    let width = numbers.sizes.embedding;
    let mut x = rows(tokens.len() / lanes::<T>(), width, scratch);
    let parts = x.lines_mut().into_iter();
    let parts = parts.zip(tokens.chunks_exact(lanes::<T>()));
    for_each_part(parts.collect(), |_, (x, tokens)| {
        embed(numbers.worker.embedding, width, tokens, x);
    });
    x
}

impl<T: Element> Pass<T> {
    /// The state of one step of a line.
    fn state<'a>(&'a self, place: usize, duration: usize, bias: &'a [T]) -> State<'a, T> {
        let (line, step) = (place / self.steps, place % self.steps);
        let guide = line * self.guides.blocks + step / duration;
        State {
            guide: self.guides.values.line(guide),
            hidden: self.states.hidden.line(place),
            bias,
            targets: Some(&self.targets[place * lanes::<T>()..][..lanes::<T>()]),
        }
    }
}

/// −ln p of every token, `[n, steps]`.
pub(super) fn nll<T: Element>(
    numbers: &Numbers<'_, T>,
    batch: TokenBatch<'_>,
    alpha: f64,
    scratch: &Scratch<T>,
) -> Vec<f64> {
    let (lanes, steps, sizes) = (lanes::<T>(), batch.steps(), numbers.sizes);
    let bias = vec![T::zero(); sizes.vocabulary];
    let some = batch.tokens().chunks(LINES * lanes * steps);
    let nlls = some.map(|tokens| {
        let pass = Pass::new(numbers, batch.with_tokens(tokens), scratch);
        let lines = map_pieces(pass.x.lines(), |place| {
            let mut outer = scratch.take(sizes.actions * sizes.hidden * lanes);
            let mut logits = scratch.take(sizes.vocabulary * lanes);
            let state = pass.state(place, numbers.settings.duration, &bias);
            let worker = &numbers.worker;
            let softmax = worker.distributions(state, alpha, &mut outer, &mut logits);
            (0..lanes).map(|lane| softmax.nll(lane)).collect::<Vec<_>>()
        });
        from_lines::<T, _>(&lines.concat(), steps, pass.n)
    });
    nlls.collect::<Vec<_>>().concat()
}

/// −ln p of every token, `[n, steps]`, and the gradients of its sum with `token_weights`, `[n, steps]`, of the
/// Worker's tensors in their order.
pub(super) fn gradients<T: Element>(
    numbers: &Numbers<'_, T>,
    pass: &Pass<T>,
    token_weights: &[f64],
    alpha: f64,
    scratch: &Scratch<T>,
) -> (Vec<f64>, [Vec<T>; 9]) {
    let (worker, sizes, steps) = (&numbers.worker, numbers.sizes, pass.steps);
    let mut back = Back::new(numbers, pass, token_weights, alpha, scratch);
    let lines = pass.x.lines();
    let duration = numbers.settings.duration;
    let state = |place| pass.state(place, duration, &[]);
    let mut output_weight = vec![T::zero(); worker.output_weight.len()];
    let inputs = sizes.actions * sizes.hidden;
    let turned = Turned::new(inputs, lines, |place| back.outer.line(place), scratch);
    weight_gradient(&back.by_logits, &turned, &mut output_weight, scratch);
    let mut output_bias = vec![T::zero(); worker.output_bias.len()];
    let turned = Turned::new(sizes.actions, lines, |place| state(place).guide, scratch);
    weight_gradient(&back.by_logits, &turned, &mut output_bias, scratch);
    let [first_goal, goal_embedding] = back.of_guides(numbers, pass, scratch);
    let states = pass.states.copy(scratch);
    let lstm = worker
        .lstm
        .backward(&pass.x, states, &mut back.by_hidden, steps, scratch);
    let embedding = by_embedding(
        worker.embedding.len(),
        sizes.embedding,
        &pass.inputs,
        lstm.by_input.values(),
    );
    let gradients = [
        embedding,
        lstm.weight_ih,
        lstm.weight_hh,
        lstm.bias.clone(),
        lstm.bias,
        output_weight,
        output_bias,
        first_goal,
        goal_embedding,
    ];
    (from_lines::<T, _>(&back.nll, steps, pass.n), gradients)
}

/// The last layer, forwards and back: a line's distributions stay in the cache from the one to the other.
struct Back<T> {
    /// `[lines, steps, lanes]`
    nll: Vec<f64>,
    /// w ⊗ h `[lines · steps, actions · hidden]`
    outer: Features<T>,
    /// `[lines · steps, vocabulary]`
    by_logits: Features<T>,
    /// `[lines · steps, hidden]`
    by_hidden: Features<T>,
    /// `[lines · steps, actions]`
    by_guide: Features<T>,
}

impl<T: Element> Back<T> {
    fn new(
        numbers: &Numbers<'_, T>,
        pass: &Pass<T>,
        token_weights: &[f64],
        alpha: f64,
        scratch: &Scratch<T>,
    ) -> Self {
        let (lanes, sizes, worker) = (lanes::<T>(), numbers.sizes, &numbers.worker);
        let token_weights = to_lines::<T, _>(token_weights, pass.steps, 0.0);
        let scaled = token_weights.into_iter().map(|w| T::from_f64(alpha * w));
        let weights: Vec<T> = scaled.collect();
        let bias = vec![T::zero(); sizes.vocabulary];
        let (lines, inputs) = (pass.x.lines(), sizes.actions * sizes.hidden);
        let mut outer = rows(lines, inputs, scratch);
        let mut by_logits = rows(lines, sizes.vocabulary, scratch);
        let mut by_hidden = rows(lines, sizes.hidden, scratch);
        let mut by_guide = rows(lines, sizes.actions, scratch);
        let backwards = [
            transposed(worker.output_weight, inputs),
            transposed(worker.output_bias, sizes.actions),
        ];
        let parts = outer.lines_mut().into_iter().zip(by_logits.lines_mut());
        let by_state = by_hidden.lines_mut().into_iter().zip(by_guide.lines_mut());
        let parts = parts.zip(by_state).collect();
        let nll = map_parts(parts, |place, ((outer, logits), (by_hidden, by_guide))| {
            let state = pass.state(place, numbers.settings.duration, &bias);
            let softmax = worker.distributions(state, alpha, outer, logits);
            let nll: Vec<f64> = (0..lanes).map(|lane| softmax.nll(lane)).collect();
            vectorized(Slopes {
                softmax,
                targets: state.targets.unwrap_or_default(),
                weights: &weights[place * lanes..][..lanes],
            });
            let mut by_outer = scratch.take(inputs * lanes);
            line_product(&backwards[0], logits, &mut by_outer, false);
            line_product(&backwards[1], logits, by_guide, false);
            vectorized(OuterBack {
                w: state.guide,
                h: state.hidden,
                by_y: &by_outer,
                by_w: by_guide,
                by_h: by_hidden,
            });
            nll
        });
        Self {
            nll: nll.concat(),
            outer,
            by_logits,
            by_hidden,
            by_guide,
        }
    }

    /// The gradients of the first goal and of ψ.
    fn of_guides(
        &self,
        numbers: &Numbers<'_, T>,
        pass: &Pass<T>,
        scratch: &Scratch<T>,
    ) -> [Vec<T>; 2] {
        let (sizes, guides, steps) = (numbers.sizes, &pass.guides, pass.steps);
        let (blocks, lines) = (guides.blocks, guides.sums.lines());
        let duration = numbers.settings.duration;
        let mut by_guides = rows(lines, sizes.actions, scratch);
        for_each_part(by_guides.lines_mut(), |place, by| {
            by.fill(T::zero());
            let first = place / blocks * steps;
            let block = place % blocks * duration;
            for step in block..steps.min(block + duration) {
                add(self.by_guide.line(first + step), by);
            }
            vectorized(NormalizeBack {
                x: guides.values.line(place),
                inverse: &guides.inverse[place],
                by,
            });
        });
        let mut goal_embedding = vec![T::zero(); sizes.actions * sizes.features];
        let sum = |place| guides.sums.line(place);
        let turned = Turned::new(sizes.features, lines, sum, scratch);
        weight_gradient(&by_guides, &turned, &mut goal_embedding, scratch);
        let backwards = transposed(numbers.worker.goal_embedding, sizes.features);
        let mut by_first = rows(lines / blocks, sizes.features, scratch);
        for_each_part(by_first.lines_mut(), |line, by| {
            line_product(&backwards, by_guides.line(line * blocks), by, false);
        });
        [bias::gradient(&by_first, None), goal_embedding]
    }
}
