//! Sequences drawn from a language model.

use super::batch::{TokenBatch, check_token, from_lines, to_lines};
use super::embedding::embed;
use super::likelihood::distributions;
use super::softmax::Softmax;
use super::state::LineState;
use super::weights::Weights;
use crate::element::Element;
use crate::kernels::tile::lanes;
use crate::parallel::map_pieces;
use crate::scratch::{Buffer, Scratch};
use candle_core::Result;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A sequence's own stream of random numbers.
pub type Stream<'a> = dyn Fn(usize) -> ChaCha8Rng + Sync + 'a;

/// Which sequences to draw.
#[derive(Clone, Copy, Debug)]
pub struct Generation<'a> {
    /// The number of sequences.
    pub count: usize,
    /// The tokens of each.
    pub steps: usize,
    /// What each begins with; none if they begin with what is drawn.
    pub prefixes: Option<TokenBatch<'a>>,
    /// The inverse temperature, by which logits are multiplied; above 0.
    pub alpha: f64,
    /// Tokens that are never drawn.
    pub never: &'a [u32],
    /// The token that ends a sequence: it fills the rest.
    pub end: Option<u32>,
}

impl Generation<'_> {
    pub(crate) fn check(&self, vocabulary: usize) -> Result<()> {
        let mut largest = self.never.iter().copied().chain(self.end).max();
        if let Some(prefixes) = self.prefixes {
            if prefixes.len() != self.count || prefixes.steps() > self.steps {
                let (n, steps) = (prefixes.len(), prefixes.steps());
                let (count, most) = (self.count, self.steps);
                candle_core::bail!(
                    "{n} prefixes of {steps} tokens for {count} sequences of {most}"
                );
            }
            largest = largest.max(Some(prefixes.largest()));
        }
        if let Some(token) = largest {
            check_token(token, vocabulary)?;
        }
        if (0..vocabulary as u32).all(|token| self.never.contains(&token)) {
            candle_core::bail!("none of the vocabulary of {vocabulary} may be drawn")
        }
        Ok(())
    }
}

/// A line of sequences that moves on by its tokens.
pub(crate) trait TokenSteps<T: Element> {
    /// Each lane's last token.
    fn advance(&mut self, tokens: &[u32]);
    /// The distributions of the next, sharpened by `alpha`.
    fn distributions(&mut self, alpha: f64) -> Softmax<'_, T>;
}

/// A bias that gives tokens which are never drawn the probability 0.
pub(crate) fn masked<T: Element>(bias: &[T], never: &[u32]) -> Vec<T> {
    let mut bias = bias.to_vec();
    // A token whose logit is far below all others has the probability 0.
    for token in never {
        bias[*token as usize] = T::from_f64(-1e30);
    }
    bias
}

/// `[count, steps]`
pub(crate) fn generate<T: Element>(
    weights: &Weights<'_, T>,
    request: &Generation<'_>,
    start: u32,
    stream: &Stream<'_>,
    scratch: &Scratch<T>,
) -> Vec<u32> {
    let bias = masked(weights.output_bias, request.never);
    let weights = &Weights {
        output_bias: &bias,
        ..*weights
    };
    draw(request, start, stream, || Line::new(weights, scratch))
}

/// The sequences of a request, `[count, steps]`, from lines that `begin` makes.
pub(crate) fn draw<T: Element, L: TokenSteps<T>>(
    request: &Generation<'_>,
    start: u32,
    stream: &Stream<'_>,
    begin: impl Fn() -> L + Sync,
) -> Vec<u32> {
    let lanes = lanes::<T>();
    let prefixes = request.prefixes.map(|prefixes| {
        let steps = prefixes.steps();
        (steps, to_lines::<T, _>(prefixes.tokens(), steps, start))
    });
    let lines = map_pieces(request.count.div_ceil(lanes), |line| {
        let sequences = line * lanes..request.count.min((line + 1) * lanes);
        let prefix = match &prefixes {
            Some((steps, tokens)) => &tokens[line * steps * lanes..][..steps * lanes],
            None => &[],
        };
        draw_line(
            begin(),
            start,
            prefix,
            request,
            sequences.map(stream).collect(),
        )
    });
    from_lines::<T, _>(&lines.concat(), request.steps, request.count)
}

/// `[steps, lanes]`
fn draw_line<T: Element>(
    mut line: impl TokenSteps<T>,
    start: u32,
    prefix: &[u32],
    request: &Generation<'_>,
    mut streams: Vec<ChaCha8Rng>,
) -> Vec<u32> {
    let lanes = lanes::<T>();
    let mut tokens = vec![start; lanes];
    let mut drawn = Vec::with_capacity(request.steps * lanes);
    let mut given = prefix.chunks_exact(lanes);
    let mut ended = vec![false; streams.len()];
    for _ in 0..request.steps {
        if let Some(end) = request.end
            && ended.iter().all(|ended| *ended)
        {
            drawn.resize(request.steps * lanes, end);
            break;
        }
        line.advance(&tokens);
        if let Some(given) = given.next() {
            tokens.copy_from_slice(given);
        } else {
            let softmax = line.distributions(request.alpha);
            for (lane, stream) in streams.iter_mut().enumerate() {
                if !ended[lane] {
                    tokens[lane] = softmax.draw(lane, stream.random());
                }
            }
        }
        for (ended, token) in ended.iter_mut().zip(&tokens) {
            *ended |= Some(*token) == request.end;
        }
        drawn.extend_from_slice(&tokens);
    }
    drawn
}

/// A line of a language model's sequences.
pub(super) struct Line<'a, T> {
    pub(super) weights: &'a Weights<'a, T>,
    x: Buffer<T>,
    pub(super) state: LineState<T>,
    logits: Buffer<T>,
}

impl<'a, T: Element> Line<'a, T> {
    pub(super) fn new(weights: &'a Weights<'a, T>, scratch: &Scratch<T>) -> Self {
        let take = |channels| scratch.take(channels * lanes::<T>());
        Self {
            weights,
            x: take(weights.sizes.embedding),
            state: LineState::new(weights.sizes.hidden, scratch),
            logits: take(weights.sizes.vocabulary),
        }
    }
}

impl<T: Element> TokenSteps<T> for Line<'_, T> {
    fn advance(&mut self, tokens: &[u32]) {
        let weights = self.weights;
        embed(
            weights.embedding,
            weights.sizes.embedding,
            tokens,
            &mut self.x,
        );
        self.state.advance(&weights.lstm, &self.x);
    }

    fn distributions(&mut self, alpha: f64) -> Softmax<'_, T> {
        distributions(
            self.weights,
            &self.state.hidden,
            alpha,
            None,
            &mut self.logits,
        )
    }
}
