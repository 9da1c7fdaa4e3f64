//! Sequences drawn from a language model with goals.

use super::weights::Numbers;
use super::worker::{State, add};
use crate::element::Element;
use crate::kernels::tile::lanes;
use crate::language::{Generation, LineState, Softmax, Stream, TokenSteps, draw, embed, masked};
use crate::scratch::{Buffer, Scratch};
use crate::text_classifier::Prefixes;

/// `[count, steps]`
pub(super) fn generate<T: Element>(
    numbers: &Numbers<'_, T>,
    request: &Generation<'_>,
    stream: &Stream<'_>,
    scratch: &Scratch<T>,
) -> Vec<u32> {
    let bias = masked(&vec![T::zero(); numbers.sizes.vocabulary], request.never);
    draw(request, numbers.settings.start, stream, || {
        Line::new(numbers, &bias, request.steps, scratch)
    })
}

/// A line of sequences as far as they are drawn.
struct Line<'a, T> {
    numbers: &'a Numbers<'a, T>,
    bias: &'a [T],
    /// Tokens so far.
    step: usize,
    prefixes: Prefixes<'a, T>,
    features: Buffer<T>,
    manager: LineState<T>,
    goal: Buffer<T>,
    /// The sum of this block's goals.
    sum: Buffer<T>,
    guide: Buffer<T>,
    x: Buffer<T>,
    worker: LineState<T>,
    outer: Buffer<T>,
    logits: Buffer<T>,
}

impl<'a, T: Element> Line<'a, T> {
    fn new(numbers: &'a Numbers<'a, T>, bias: &'a [T], steps: usize, scratch: &Scratch<T>) -> Self {
        let sizes = numbers.sizes;
        let take = |channels| scratch.take(channels * lanes::<T>());
        let mut sum = take(sizes.features);
        numbers.worker.begin(&mut sum);
        Self {
            numbers,
            bias,
            step: 0,
            prefixes: Prefixes::new(numbers.classifier, steps, numbers.settings.pad, scratch),
            features: take(sizes.features),
            manager: LineState::new(sizes.manager_hidden, scratch),
            goal: take(sizes.features),
            sum,
            guide: take(sizes.actions),
            x: take(sizes.embedding),
            worker: LineState::new(sizes.hidden, scratch),
            outer: take(sizes.actions * sizes.hidden),
            logits: take(sizes.vocabulary),
        }
    }
}

impl<T: Element> TokenSteps<T> for Line<'_, T> {
    fn advance(&mut self, tokens: &[u32]) {
        let numbers = self.numbers;
        if self.step > 0 {
            self.prefixes.push(tokens);
        }
        self.prefixes.features(&mut self.features);
        self.manager.advance(&numbers.manager.lstm, &self.features);
        numbers.manager.goal(&self.manager.hidden, &mut self.goal);
        if self.step.is_multiple_of(numbers.settings.duration) {
            numbers.worker.guide(&self.sum, &mut self.guide);
            self.sum.fill(T::zero());
        }
        add(&self.goal, &mut self.sum);
        let width = numbers.sizes.embedding;
        embed(numbers.worker.embedding, width, tokens, &mut self.x);
        self.worker.advance(&numbers.worker.lstm, &self.x);
        self.step += 1;
    }

    fn distributions(&mut self, alpha: f64) -> Softmax<'_, T> {
        let state = State {
            guide: &self.guide,
            hidden: &self.worker.hidden,
            bias: self.bias,
            targets: None,
        };
        self.numbers
            .worker
            .distributions(state, alpha, &mut self.outer, &mut self.logits)
    }
}
