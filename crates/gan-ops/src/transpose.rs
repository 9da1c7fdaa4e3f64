//! Matrices with rows and columns exchanged.

use crate::element::Element;
use rayon::prelude::*;

/// Rows and columns of a tile, so that cache lines are used completely.
const TILE: usize = 16;

/// Rows of `columns` values to columns: the first of them, as many as `to` has rows of `length`, which
/// is at least the number of rows in `from`; what lies behind those in `to` stays.
pub(crate) fn transpose<T: Element>(from: &[T], columns: usize, to: &mut [T], length: usize) {
    to.par_chunks_mut(TILE * length.max(1))
        .enumerate()
        .for_each(|(tile, to)| {
            let first = tile * TILE;
            let wanted = (columns - first).min(to.len() / length);
            for (block, rows) in from.chunks(TILE * columns).enumerate() {
                let mut values = [[T::zero(); TILE]; TILE];
                for (values, row) in values.iter_mut().zip(rows.chunks_exact(columns)) {
                    match row[first..].first_chunk() {
                        Some(row) => *values = *row,
                        None => values[..wanted].copy_from_slice(&row[first..first + wanted]),
                    }
                }
                let count = rows.len() / columns;
                for (column, to) in to.chunks_exact_mut(length).take(wanted).enumerate() {
                    let turned: [T; TILE] = std::array::from_fn(|row| values[row][column]);
                    let to = &mut to[block * TILE..][..count];
                    match to.first_chunk_mut() {
                        Some(to) => *to = turned,
                        None => to.copy_from_slice(&turned[..count]),
                    }
                }
            }
        });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows_and_what_lies_behind_them_stays() {
        for (rows, columns) in [(1, 1), (3, 20), (16, 16), (17, 15), (40, 33)] {
            for (wanted, behind) in [(columns, 0), (columns, 2), (1, 5)] {
                let from: Vec<f32> = (0..rows * columns).map(|k| k as f32).collect();
                let length = rows + behind;
                let mut to = vec![-1.0; wanted * length];
                transpose(&from, columns, &mut to, length);
                for (place, found) in to.iter().enumerate() {
                    let (column, row) = (place / length, place % length);
                    let value = from.get(row * columns + column);
                    let expected = if row < rows { value } else { None };
                    assert_eq!(*found, *expected.unwrap_or(&-1.0), "{rows} {columns}");
                }
            }
        }
    }
}
