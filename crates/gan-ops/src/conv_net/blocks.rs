//! Batches cut into blocks of examples, each computed by one thread from end to end.

use crate::element::{Element, with_slice};
use crate::scratch::{Buffer, Scratch};
use crate::transpose::transpose;
use candle_core::{Device, Result, Tensor};
use std::ops::Range;

/// The most examples of a block: larger ones are not faster.
const MOST_EXAMPLES: usize = 32;

/// The fewest examples of a block: smaller ones are slow.
const FEWEST_EXAMPLES: usize = 8;

/// Numbers of threads that divide this find equal work.
const EVEN: usize = 4;

/// How batches are divided. It depends only on the batches' sizes, so results do not depend on the
/// number of threads.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    /// The number of examples in each.
    pub(super) sizes: Vec<usize>,
    /// The blocks of each batch.
    pub(super) batches: Vec<Range<usize>>,
}

/// A layer's output or input: for each block `[channels, pixels, examples]`.
pub(super) type FeatureMap<T> = Vec<Buffer<T>>;

impl Blocks {
    /// batches: the number of examples of each.
    pub(super) fn new(batches: impl IntoIterator<Item = usize>) -> Self {
        let mut blocks = Self {
            sizes: Vec::new(),
            batches: Vec::new(),
        };
        for n in batches {
            let even = n.div_ceil(MOST_EXAMPLES).next_multiple_of(EVEN);
            let count = even.min(n.div_ceil(FEWEST_EXAMPLES));
            let first = blocks.sizes.len();
            blocks
                .sizes
                .extend((0..count).map(|i| (i + 1) * n / count - i * n / count));
            blocks.batches.push(first..blocks.sizes.len());
        }
        blocks
    }

    pub(super) fn all(&self) -> Range<usize> {
        0..self.sizes.len()
    }

    /// Which batch the block is of.
    pub(super) fn batch_of(&self, block: usize) -> usize {
        let of = |range: &Range<usize>| range.contains(&block);
        self.batches.iter().position(of).unwrap_or(0)
    }

    /// x: for each of some batches `[n, …]`, of `features` values an example.
    pub(super) fn cut<T: Element>(
        &self,
        batches: Range<usize>,
        x: &[Tensor],
        features: usize,
        scratch: &Scratch<T>,
    ) -> Result<FeatureMap<T>> {
        let mut map = Vec::new();
        for (blocks, x) in self.batches[batches].iter().zip(x) {
            let sizes = &self.sizes[blocks.clone()];
            let n: usize = sizes.iter().sum();
            if x.dim(0)? != n || x.elem_count() != n * features {
                let found = x.dims();
                candle_core::bail!(
                    "a tensor of shape {found:?}, expected {n} of {features} values"
                );
            }
            let x = x.detach().contiguous()?;
            with_slice::<T, _>(&x, |mut values| {
                for size in sizes {
                    let (these, rest) = values.split_at(size * features);
                    let mut block = scratch.take(these.len());
                    transpose(these, features, &mut block, *size);
                    map.push(block);
                    values = rest;
                }
                Ok(())
            })?;
        }
        Ok(map)
    }

    /// The reverse of [`Self::cut`] for one batch's blocks: `[n, features]`.
    pub(super) fn join<T: Element>(&self, map: &[Buffer<T>], features: usize) -> Result<Tensor> {
        let elements: usize = map.iter().map(|block| block.len()).sum();
        let mut values = vec![T::zero(); elements];
        let mut rest = &mut values[..];
        for block in map {
            let (these, after) = rest.split_at_mut(block.len());
            transpose(block, block.len() / features, these, features);
            rest = after;
        }
        Tensor::from_vec(values, (elements / features, features), &Device::Cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_in_one_block() {
        for n in [1, 2, 7, 8, 9, 25, 96, 100, 128, 500] {
            let blocks = Blocks::new([n, 3]);
            let of_first = &blocks.sizes[blocks.batches[0].clone()];
            assert_eq!(of_first.iter().sum::<usize>(), n);
            assert!(
                of_first
                    .iter()
                    .all(|size| (1..=MOST_EXAMPLES).contains(size))
            );
            assert_eq!(blocks.batches[1].end, blocks.sizes.len());
        }
    }

    #[test]
    fn joining_undoes_cutting() {
        let scratch = Scratch::<f64>::default();
        let values: Vec<f64> = (0..19 * 35).map(f64::from).collect();
        let x = Tensor::from_vec(values.clone(), (19, 5, 7), &Device::Cpu).unwrap();
        let blocks = Blocks::new([19]);
        let map = blocks.cut(0..1, &[x], 35, &scratch).unwrap();
        let joined = blocks.join(&map, 35).unwrap();
        assert_eq!(
            joined.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
            values
        );
    }
}
