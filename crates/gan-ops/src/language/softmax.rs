//! A distribution over the vocabulary for each lane, its entropy with what came, and draws from it.

use crate::element::Element;
use crate::kernels::tile::lanes;
use crate::vectors::{Kernel, vectorized};
use gan_core::exact::ln;

/// Tokens whose exponentials are added up before they join the sum of all, in f64.
const BLOCK: usize = 64;

/// The most lanes of a line: those of f32.
const MOST_LANES: usize = lanes::<f32>();

/// A line's distributions, softmax(α · (logits + bias)).
pub(crate) struct Softmax<'a, T> {
    /// Logits `[vocabulary, lanes]`, without their bias; then their exponentials, each lane's largest 1.
    logits: &'a mut [T],
    /// α · (logits + bias) − its largest, of each lane's target.
    targets: [f64; MOST_LANES],
    /// The sums of each block's exponentials, `[blocks, lanes]`.
    blocks: Vec<f64>,
}

/// A line's distributions from logits.
pub(crate) struct Exponentiate<'a, 'b, T> {
    /// `[vocabulary, lanes]`
    pub(crate) logits: &'a mut [T],
    /// `[vocabulary]`; none if it is in the logits already.
    pub(crate) bias: Option<&'b [T]>,
    /// The inverse temperature α, above 0.
    pub(crate) alpha: T,
    /// A token of each lane; none if nobody asks for their probabilities.
    pub(crate) targets: Option<&'b [u32]>,
}

impl<'a, T: Element> Kernel for Exponentiate<'a, '_, T> {
    type Output = Softmax<'a, T>;

    #[inline(always)]
    fn call(self) -> Softmax<'a, T> {
        let lanes = lanes::<T>();
        let mut largest = [T::from_f64(f64::NEG_INFINITY); MOST_LANES];
        for (token, row) in self.logits.chunks_exact_mut(lanes).enumerate() {
            let bias = self.bias.map_or(T::zero(), |bias| bias[token]);
            for (logit, largest) in row.iter_mut().zip(&mut largest) {
                *logit = self.alpha * (*logit + bias);
                *largest = if *logit > *largest { *logit } else { *largest };
            }
        }
        let mut targets = [0.0; MOST_LANES];
        for (lane, token) in self.targets.unwrap_or_default().iter().enumerate() {
            let logit = self.logits[*token as usize * lanes + lane];
            targets[lane] = logit.to_f64() - largest[lane].to_f64();
        }
        let mut blocks = Vec::with_capacity(self.logits.len().div_ceil(BLOCK));
        for block in self.logits.chunks_mut(BLOCK * lanes) {
            let mut sums = [T::zero(); MOST_LANES];
            for row in block.chunks_exact_mut(lanes) {
                for ((logit, largest), sum) in row.iter_mut().zip(&largest).zip(&mut sums) {
                    *logit = Element::exp(*logit - *largest);
                    *sum += *logit;
                }
            }
            blocks.extend(sums[..lanes].iter().map(|sum| sum.to_f64()));
        }
        Softmax {
            logits: self.logits,
            targets,
            blocks,
        }
    }
}

impl<T: Element> Softmax<'_, T> {
    /// The logits become probabilities; returns the largest of each lane.
    pub(crate) fn into_probabilities(self) -> Vec<f64> {
        let shares: Vec<f64> = (0..lanes::<T>()).map(|lane| 1.0 / self.sum(lane)).collect();
        let mut scales = [T::zero(); MOST_LANES];
        let pairs = scales.iter_mut().zip(&shares);
        pairs.for_each(|(scale, share)| *scale = T::from_f64(*share));
        vectorized(Scale {
            rows: self.logits,
            scales,
        });
        shares
    }

    /// The sum of a lane's exponentials.
    fn sum(&self, lane: usize) -> f64 {
        self.blocks.iter().skip(lane).step_by(lanes::<T>()).sum()
    }

    /// −ln p of a lane's target.
    pub(crate) fn nll(&self, lane: usize) -> f64 {
        ln(self.sum(lane)) - self.targets[lane]
    }

    /// The token of a lane that `share` in [0, 1) of the probability lies before.
    pub(crate) fn draw(&self, lane: usize, share: f64) -> u32 {
        let lanes = lanes::<T>();
        let wanted = share * self.sum(lane);
        let (mut so_far, mut first) = (0.0, 0);
        let blocks = self.blocks.iter().skip(lane).step_by(lanes).enumerate();
        for (block, sum) in blocks {
            if *sum > 0.0 {
                first = block * BLOCK;
                if so_far + sum > wanted {
                    break;
                }
                so_far += sum;
            }
        }
        // Rounding may leave nothing of the last block: then its last token that can be drawn.
        let mut drawn = first;
        let tokens = self.logits.chunks_exact(lanes).enumerate().skip(first);
        for (token, row) in tokens.take(BLOCK) {
            let probability = row[lane].to_f64();
            if probability > 0.0 {
                drawn = token;
                so_far += probability;
                if so_far > wanted {
                    break;
                }
            }
        }
        drawn as u32
    }
}

/// Each lane of rows `[count, lanes]` times a number.
struct Scale<'a, T> {
    rows: &'a mut [T],
    scales: [T; MOST_LANES],
}

impl<T: Element> Kernel for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in self.rows.chunks_exact_mut(lanes::<T>()) {
            let pairs = row.iter_mut().zip(&self.scales);
            pairs.for_each(|(value, scale)| *value *= *scale);
        }
    }
}

/// Probabilities y ← scale · y · (slope − Σ y · slope), the gradient with respect to the logits of y = softmax(scale ·
/// logits) from that with respect to y. All are `[vocabulary, lanes]`.
pub(crate) struct ThroughSoftmax<'a, T> {
    pub(crate) probabilities: &'a mut [T],
    pub(crate) slopes: &'a [T],
    pub(crate) scale: T,
}

impl<T: Element> Kernel for ThroughSoftmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let mut means = [0.0; MOST_LANES];
        let blocks = self.probabilities.chunks(BLOCK * lanes);
        for (block, slopes) in blocks.zip(self.slopes.chunks(BLOCK * lanes)) {
            let mut sums = [T::zero(); MOST_LANES];
            let rows = block.chunks_exact(lanes).zip(slopes.chunks_exact(lanes));
            for (row, slopes) in rows {
                for ((y, slope), sum) in row.iter().zip(slopes).zip(&mut sums) {
                    *sum += *y * *slope;
                }
            }
            let pairs = means.iter_mut().zip(&sums);
            pairs.for_each(|(mean, sum)| *mean += sum.to_f64());
        }
        let means = means.map(T::from_f64);
        let rows = self.probabilities.chunks_exact_mut(lanes);
        for (row, slopes) in rows.zip(self.slopes.chunks_exact(lanes)) {
            for ((y, slope), mean) in row.iter_mut().zip(slopes).zip(&means) {
                *y = self.scale * *y * (*slope - *mean);
            }
        }
    }
}

/// Exponentials ← weight · ∂(−ln p of the target) / ∂ logits = weight · α · (p − 1 at the target).
pub(crate) struct Slopes<'a, T> {
    pub(crate) softmax: Softmax<'a, T>,
    pub(crate) targets: &'a [u32],
    /// α · weight of each lane.
    pub(crate) weights: &'a [T],
}

impl<T: Element> Kernel for Slopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let lanes = lanes::<T>();
        let mut scales = [T::zero(); MOST_LANES];
        for (lane, (scale, weight)) in scales.iter_mut().zip(self.weights).enumerate() {
            *scale = T::from_f64(weight.to_f64() / self.softmax.sum(lane));
        }
        for row in self.softmax.logits.chunks_exact_mut(lanes) {
            let pairs = row.iter_mut().zip(&scales);
            pairs.for_each(|(value, scale)| *value *= *scale);
        }
        for (lane, (token, weight)) in self.targets.iter().zip(self.weights).enumerate() {
            self.softmax.logits[*token as usize * lanes + lane] -= *weight;
        }
    }
}
