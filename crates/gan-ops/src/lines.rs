//! Batches of examples in lines, the unit in which networks compute.

use crate::kernels::tile::lanes;
use candle_core::{Result, Tensor};
use std::ops::Range;

/// Batches side by side, each from a line of its own on. A line has [`lanes`] examples, the last of a batch
/// perhaps fewer: what is computed for the others is not used.
///
/// An example's numbers do not depend on the others in its line, so they are the same whatever is computed
/// beside it, except for batch normalization in training.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    batches: Vec<Batch>,
    lanes: usize,
}

#[derive(Clone, Debug)]
struct Batch {
    examples: usize,
    lines: Range<usize>,
}

impl Lines {
    /// Of batches of tensors `[n, …]`, for numbers of type T.
    pub(crate) fn new<T>(batches: &[&Tensor]) -> Result<Self> {
        let mut end = 0;
        let mut line_up = |batch: &&Tensor| {
            let examples = batch.dim(0)?;
            let start = end;
            end += examples.div_ceil(lanes::<T>());
            Ok(Batch {
                examples,
                lines: start..end,
            })
        };
        Ok(Self {
            batches: batches.iter().map(&mut line_up).collect::<Result<_>>()?,
            lanes: lanes::<T>(),
        })
    }

    /// How many batches there are.
    pub(crate) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// How many lines all batches have.
    pub(crate) fn count(&self) -> usize {
        self.batches.last().map_or(0, |batch| batch.lines.end)
    }

    /// The lines of some batches, which stand side by side.
    pub(crate) fn of(&self, batches: Range<usize>) -> Range<usize> {
        match self.batches.get(batches.clone()) {
            Some([first, .., last]) => first.lines.start..last.lines.end,
            Some([only]) => only.lines.clone(),
            _ => 0..0,
        }
    }

    /// The number of examples of a batch.
    pub(crate) fn examples(&self, batch: usize) -> usize {
        self.batches[batch].examples
    }

    /// Whether there is one line, of which at most the first half has examples.
    pub(crate) fn are_half_a_line(&self) -> bool {
        self.count() == 1 && self.examples_of_line(0) <= self.lanes / 2
    }

    /// How many examples a line has.
    pub(crate) fn examples_of_line(&self, line: usize) -> usize {
        let batch = self
            .batches
            .iter()
            .find(|batch| batch.lines.contains(&line));
        batch.map_or(0, |batch| {
            let before = (line - batch.lines.start) * self.lanes;
            (batch.examples - before).min(self.lanes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};

    fn lines<T>(sizes: &[usize]) -> Lines {
        let batch = |n: &usize| Tensor::zeros((*n, 2), DType::F32, &Device::Cpu).unwrap();
        let batches: Vec<Tensor> = sizes.iter().map(batch).collect();
        Lines::new::<T>(&batches.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn each_batch_begins_a_line() {
        let lines = lines::<f32>(&[1, 16, 17, 40]);
        assert_eq!([lines.batches(), lines.count()], [4, 7]);
        let ranges = (0..4).map(|batch| lines.of(batch..batch + 1));
        assert!(ranges.eq([0..1, 1..2, 2..4, 4..7]));
        assert_eq!(lines.of(1..3), 1..4);
        assert_eq!(lines.of(0..4), 0..7);
        assert_eq!(lines.of(2..2), 0..0);
    }

    #[test]
    fn every_example_is_in_one_line() {
        for n in [1, 2, 7, 8, 9, 15, 16, 17, 96, 100, 500] {
            for lines in [lines::<f32>(&[n, 3, n]), lines::<f64>(&[n, 3, n])] {
                for batch in 0..3 {
                    let counts = lines.of(batch..batch + 1);
                    let counts = counts.map(|line| lines.examples_of_line(line));
                    let counts: Vec<usize> = counts.collect();
                    assert!(counts.iter().all(|count| (1..=lines.lanes).contains(count)));
                    assert_eq!(counts.iter().sum::<usize>(), lines.examples(batch));
                }
                assert_eq!(lines.examples_of_line(lines.count()), 0);
            }
        }
    }
}
