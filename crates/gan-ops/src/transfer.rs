//! From tensors to features and back.

use crate::element::{Element, with_slice};
use crate::features::{Features, Size};
use crate::kernels::tile::lanes;
use crate::kernels::transpose::{gather_line, scatter_line};
use crate::lines::Lines;
use crate::parallel::for_each_part;
use crate::scratch::Scratch;
use candle_core::{Device, Result, Tensor};
use std::ops::Range;

/// x: of each of `batches` a tensor `[n, …]` whose examples have their values by channel, then pixel.
/// Lanes without an example are 0.
pub(crate) fn cut<T: Element>(
    lines: &Lines,
    batches: Range<usize>,
    x: &[Tensor],
    size: Size,
    scratch: &Scratch<T>,
) -> Result<Features<T>> {
    if x.len() != batches.len() {
        let (found, expected) = (x.len(), batches.len());
        candle_core::bail!("{found} output gradients were given, expected {expected}");
    }
    let mut features = Features::new(lines.of(batches.clone()).len(), size, scratch);
    let mut rest = features.lines_mut();
    for (batch, x) in batches.zip(x) {
        let range = lines.of(batch..batch + 1);
        let n = lines.examples(batch);
        if x.dim(0)? != n || x.elem_count() != n * size.elements() {
            let (found, values) = (x.dims(), size.elements());
            candle_core::bail!("a tensor of shape {found:?}, expected {n} of {values} values");
        }
        let after = rest.split_off(range.len());
        let x = x.detach().contiguous()?;
        with_slice::<T, _>(&x, |values| {
            let examples = values.chunks(size.elements() * lanes::<T>());
            for_each_part(
                rest.into_iter().zip(examples).collect(),
                |_, (line, examples)| {
                    gather_line(examples, size, line);
                },
            );
            Ok(())
        })?;
        rest = after;
    }
    Ok(features)
}

/// The reverse of [`cut`] for one batch, of `features` whose first line has number `first`: `[n, elements]`.
pub(crate) fn join<T: Element>(
    lines: &Lines,
    batch: usize,
    features: &Features<T>,
    first: usize,
) -> Result<Tensor> {
    let (size, n) = (features.size, lines.examples(batch));
    let range = lines.of(batch..batch + 1);
    let mut values = vec![T::default(); n * size.elements()];
    let parts = values.chunks_mut(size.elements() * lanes::<T>());
    let parts = range.map(|line| features.line(line - first)).zip(parts);
    for_each_part(parts.collect(), |_, (line, examples)| {
        scatter_line(line, size, examples);
    });
    Tensor::from_vec(values, (n, size.elements()), &Device::Cpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        channels: 5,
        pixels: 7,
    };

    fn tensor(n: usize) -> Tensor {
        let values: Vec<f64> = (1..=n * SIZE.elements()).map(|k| k as f64).collect();
        Tensor::from_vec(values, (n, SIZE.channels, SIZE.pixels), &Device::Cpu).unwrap()
    }

    #[test]
    fn joining_undoes_cutting() {
        let (x, scratch) = ([19, 8, 1].map(tensor), Scratch::<f64>::default());
        let lines = Lines::new::<f64>(&x.each_ref()).unwrap();
        let features = cut(&lines, 0..3, &x, SIZE, &scratch).unwrap();
        let last = cut(&lines, 1..3, &x[1..], SIZE, &scratch).unwrap();
        for (batch, x) in x.iter().enumerate() {
            let expected = x.flatten_from(1).unwrap().to_vec2::<f64>().unwrap();
            let joined = join(&lines, batch, &features, 0).unwrap();
            assert_eq!(joined.to_vec2::<f64>().unwrap(), expected);
            if batch > 0 {
                let joined = join(&lines, batch, &last, 3).unwrap();
                assert_eq!(joined.to_vec2::<f64>().unwrap(), expected);
            }
        }
        // Of three lines of eight the last has three examples.
        for row in features.line(2).chunks_exact(lanes::<f64>()) {
            assert!(row[..3].iter().all(|value| *value > 0.0));
            assert_eq!(row[3..], [0.0; 5]);
        }
    }
}
