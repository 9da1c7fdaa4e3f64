//! Dropout: in training, each value is 0 with some probability, and the others are larger in exchange
//! (Srivastava et al., 2014).

use super::Map;
use crate::element::Element;
use crate::features::{Division, Features, Part, Size};
use crate::kernels::transpose::gather_line;
use crate::lines::Lines;
use crate::scratch::Scratch;
use candle_core::{DType, Device, Result, Tensor, Var};
use gan_core::{Purpose, Seed};
use rand::RngCore;
use rand_chacha::ChaCha8Rng;

/// Pixels of a part.
const PIXELS: usize = 64;

/// Each value times its factor, from line `first` of them on; without factors, a copy. It is its own
/// derivative and adjoint.
pub(crate) struct Factors<'a, T> {
    pub(crate) mask: Option<&'a Features<T>>,
    pub(crate) first: usize,
}

impl<T: Element> Map<T> for Factors<'_, T> {
    fn division(&self, _lines: usize) -> Division {
        Division::Pixels(PIXELS)
    }

    fn apply(&self, x: &Features<T>, y: &mut Part<'_, T>) {
        let runs = y.runs.iter_mut().zip(x.runs(&y.region, 0));
        let Some(mask) = self.mask else {
            return runs.for_each(|(y, x)| y.copy_from_slice(x));
        };
        for ((y, x), factors) in runs.zip(mask.runs(&y.region, self.first)) {
            for ((y, x), factor) in y.iter_mut().zip(x).zip(factors) {
                *y = *x * *factor;
            }
        }
    }
}

/// The random numbers of a pass's dropout, whose number is in `count`, `[]`; the next pass gets others.
pub(crate) fn drawing(count: &Var, seed: Seed) -> Result<ChaCha8Rng> {
    let passes = count.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    let next = Tensor::new(following(passes), count.device())?;
    count.set(&next.to_dtype(count.dtype())?)?;
    Ok(seed.rng(Purpose::Dropout, passes as u64))
}

/// The next whole number that f32 can represent: beyond 2²⁴ not every one.
fn following(count: f64) -> f64 {
    (count + 1.0).max(f64::from((count as f32).next_up()))
}

/// Draws the factors of all examples of all batches, 0 with probability 1 − `kept` and else 1 / `kept`:
/// one 32-bit integer a value, by batch, example, channel and pixel, whatever the type.
pub(crate) fn draw<T: Element>(
    kept: f64,
    lines: &Lines,
    size: Size,
    rng: &mut dyn RngCore,
    scratch: &Scratch<T>,
) -> Features<T> {
    let mut mask = Features::new(lines.count(), size, scratch);
    for (number, line) in mask.lines_mut().into_iter().enumerate() {
        let values = lines.examples_of_line(number) * size.elements();
        gather_line(&factors::<T>(values, kept, rng), size, line);
    }
    mask
}

/// 0 with probability 1 − `kept` and else 1 / `kept`.
fn factors<T: Element>(count: usize, kept: f64, rng: &mut dyn RngCore) -> Vec<T> {
    /// 2³²
    const WORDS: f64 = 4_294_967_296.0;
    let (factor, limit) = (T::from_f64(1.0 / kept), (kept * WORDS) as u64);
    let mut words = vec![0; 4 * count];
    rng.fill_bytes(&mut words);
    let words = words.as_chunks::<4>().0.iter();
    let factors = words.map(|word| {
        let drawn = u64::from(u32::from_le_bytes(*word));
        if drawn < limit { factor } else { T::zero() }
    });
    factors.collect()
}

/// The twin of a pass's dropout: the factors of one batch.
pub(crate) struct TwinMasks(ChaCha8Rng);

impl TwinMasks {
    pub(crate) fn new(count: &Var, seed: Seed) -> Result<Self> {
        Ok(Self(drawing(count, seed)?))
    }

    /// x `[n, …]` with some of its values dropped.
    pub(crate) fn drop(&mut self, x: &Tensor, kept: f64) -> Result<Tensor> {
        let mask = factors::<f32>(x.elem_count(), kept, &mut self.0);
        let mask = Tensor::from_vec(mask, x.shape(), &Device::Cpu)?;
        x * mask.to_dtype(x.dtype())?.to_device(x.device())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// f32 has a significand of 24 bits: whole numbers are 1 apart up to 2²⁴, 2 apart from there on.
    #[test]
    fn the_following_number_is_always_another() {
        let limit = f64::from(1 << 24);
        assert_eq!(following(0.0), 1.0);
        assert_eq!(following(limit - 1.0), limit);
        assert_eq!(following(limit), limit + 2.0);
        assert_eq!(following(limit + 2.0), limit + 4.0);
    }

    #[test]
    fn what_is_dropped_keeps_the_mean() {
        let mut rng = Seed(2).rng(Purpose::Dropout, 0);
        let dropped = factors::<f64>(20_000, 0.8, &mut rng);
        let mean = dropped.iter().sum::<f64>() / dropped.len() as f64;
        // Five standard errors: a value's deviation is √(1/0.8 − 1) = 1/2.
        assert!((mean - 1.0).abs() < 5.0 * 0.5 / 20_000_f64.sqrt(), "{mean}");
        assert!(dropped.iter().all(|factor| [0.0, 1.25].contains(factor)));
    }
}
