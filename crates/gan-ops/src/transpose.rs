//! Matrices with rows and columns exchanged.

use crate::element::Element;
use rayon::prelude::*;

/// Rows of `columns` values to columns, a tile at a time, so that lines of the cache are used whole.
pub(crate) fn transpose<T: Element>(from: &[T], columns: usize, to: &mut [T]) {
    const TILE: usize = 16;
    let rows = from.len() / columns.max(1);
    to.par_chunks_mut(TILE * rows.max(1))
        .enumerate()
        .for_each(|(tile, to)| {
            let first = tile * TILE;
            for (r, row) in from.chunks_exact(columns).enumerate() {
                let values = row[first..columns.min(first + TILE)].iter();
                for (c, value) in values.enumerate() {
                    to[c * rows + r] = *value;
                }
            }
        });
}
