//! Examples that become lanes, and lanes that become examples.

use super::tile::lanes;
use crate::element::Element;
use crate::features::Size;
use crate::vectors::with_vectors;
use pulp::{Simd, WithSimd};

/// Rows and columns of a block that is turned in registers.
pub(crate) const BLOCK: usize = 8;

/// to `[pixels, channels, lanes]` ← examples `[n, channels, pixels]`, at most as many as there are lanes;
/// the other lanes become 0.
pub(crate) fn gather_line<T: Element>(examples: &[T], size: Size, to: &mut [T]) {
    let (lanes, (channels, pixels)) = (lanes::<T>(), flat(size));
    let elements = channels * pixels;
    let n = examples.len() / elements;
    if n < lanes {
        to.fill(T::zero());
    }
    for channel in 0..channels {
        with_vectors(Transpose {
            size: [n, pixels],
            from: &examples[channel * pixels..],
            from_stride: elements,
            to: &mut to[channel * lanes..],
            to_stride: channels * lanes,
        });
    }
}

/// The reverse of [`gather_line`].
pub(crate) fn scatter_line<T: Element>(line: &[T], size: Size, examples: &mut [T]) {
    let (lanes, (channels, pixels)) = (lanes::<T>(), flat(size));
    let elements = channels * pixels;
    let n = examples.len() / elements;
    for channel in 0..channels {
        with_vectors(Transpose {
            size: [pixels, n],
            from: &line[channel * lanes..],
            from_stride: channels * lanes,
            to: &mut examples[channel * pixels..],
            to_stride: elements,
        });
    }
}

/// A vector is an image of one channel in another order: pixels lie one after the other in both.
fn flat(size: Size) -> (usize, usize) {
    match size.pixels {
        1 => (1, size.channels),
        pixels => (size.channels, pixels),
    }
}

/// to `[lanes, lanes]` ← from, up to as many rows of [`lanes`] values; columns without a row become 0.
pub(crate) fn turn<T: Element>(from: &[T], to: &mut [T]) {
    let lanes = lanes::<T>();
    let rows = from.len() / lanes;
    if rows < lanes {
        to.fill(T::zero());
    }
    with_vectors(Transpose {
        size: [rows, lanes],
        from,
        from_stride: lanes,
        to,
        to_stride: lanes,
    });
}

/// to, some rows of [`lanes`] values ← the first columns of from, `[lanes, lanes]`.
pub(crate) fn turn_some<T: Element>(from: &[T], to: &mut [T]) {
    let lanes = lanes::<T>();
    with_vectors(Transpose {
        size: [lanes, to.len() / lanes],
        from,
        from_stride: lanes,
        to,
        to_stride: lanes,
    });
}

/// packed, for `columns` rows of [`lanes`] values each `[lanes, columns]` ← the rows; at most [`BLOCK`] rows.
pub(crate) fn pack_rows<T: Element>(rows: &[T], packed: &mut [T]) {
    with_vectors(PackRows { rows, packed });
}

/// to `[columns, rows]` ← from `[rows, columns]`; the strides are from row to row.
struct Transpose<'a, T> {
    /// Rows and columns of `from`.
    size: [usize; 2],
    from: &'a [T],
    from_stride: usize,
    to: &'a mut [T],
    to_stride: usize,
}

impl<T: Element> WithSimd for Transpose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [rows, columns] = self.size;
        for column in (0..columns).step_by(BLOCK) {
            for row in (0..rows).step_by(BLOCK) {
                let size = [BLOCK.min(rows - row), BLOCK.min(columns - column)];
                let from = &self.from[row * self.from_stride + column..];
                let to = &mut self.to[column * self.to_stride + row..];
                turn_block(simd, size, from, self.from_stride, to, self.to_stride);
            }
        }
    }
}

struct PackRows<'a, T> {
    rows: &'a [T],
    packed: &'a mut [T],
}

impl<T: Element> WithSimd for PackRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let lanes = lanes::<T>();
        let columns = self.rows.len() / lanes;
        for start in (0..lanes).step_by(BLOCK) {
            let mut block = [[T::zero(); BLOCK]; BLOCK];
            for (to, row) in block.iter_mut().zip(self.rows.chunks_exact(lanes)) {
                to.copy_from_slice(&row[start..start + BLOCK]);
            }
            let turned = T::turn(simd, block);
            for (number, row) in turned.iter().enumerate() {
                let to = &mut self.packed[(start + number) * columns..];
                // What is too much of a row is overwritten by the next one.
                match to.first_chunk_mut() {
                    Some(to) => *to = *row,
                    None => to[..columns].copy_from_slice(&row[..columns]),
                }
            }
        }
    }
}

/// to ← from with rows and columns exchanged, at most [`BLOCK`] of each; the strides are from row to row.
#[inline(always)]
fn turn_block<T: Element, S: Simd>(
    simd: S,
    [rows, columns]: [usize; 2],
    from: &[T],
    from_stride: usize,
    to: &mut [T],
    to_stride: usize,
) {
    if rows == BLOCK && columns == BLOCK {
        let mut block = [[T::zero(); BLOCK]; BLOCK];
        for (row, values) in block.iter_mut().enumerate() {
            values.copy_from_slice(&from[row * from_stride..][..BLOCK]);
        }
        for (column, turned) in T::turn(simd, block).iter().enumerate() {
            to[column * to_stride..][..BLOCK].copy_from_slice(turned);
        }
        return;
    }
    for row in 0..rows {
        for column in 0..columns {
            to[column * to_stride + row] = from[row * from_stride + column];
        }
    }
}

/// A block with rows and columns exchanged.
#[inline(always)]
pub(crate) fn turned<T: Copy>(block: [[T; BLOCK]; BLOCK]) -> [[T; BLOCK]; BLOCK] {
    std::array::from_fn(|column| std::array::from_fn(|row| block[row][column]))
}

/// [`turned`] in vector registers, where the processor has some of 32 bytes.
#[inline(always)]
pub(crate) fn turned_f32<S: Simd>(_simd: S, block: [[f32; BLOCK]; BLOCK]) -> [[f32; BLOCK]; BLOCK] {
    #[cfg(target_arch = "x86_64")]
    if const { size_of::<S::f32s>() >= 32 } {
        // SAFETY: `turned_by_avx` needs a processor with AVX. An `S` is made only where its instruction set is
        // present, and on x86-64 those with vectors of 32 bytes or more are AVX2 and AVX-512.
        #[allow(unsafe_code)]
        return unsafe { turned_by_avx(block) };
    }
    turned(block)
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx")]
fn turned_by_avx(block: [[f32; BLOCK]; BLOCK]) -> [[f32; BLOCK]; BLOCK] {
    use pulp::bytemuck::cast;
    use std::arch::x86_64::{
        __m256, _mm256_permute2f128_ps as halves, _mm256_shuffle_ps as shuffle,
        _mm256_unpackhi_ps as high, _mm256_unpacklo_ps as low,
    };
    let [a, b, c, d, e, f, g, h]: [__m256; BLOCK] = cast(block);
    // Pairs of rows, then fours, in each half; then the halves.
    let [ab, ab2, cd, cd2] = [low(a, b), high(a, b), low(c, d), high(c, d)];
    let [ef, ef2, gh, gh2] = [low(e, f), high(e, f), low(g, h), high(g, h)];
    const FIRST: i32 = 0b01_00_01_00;
    const SECOND: i32 = 0b11_10_11_10;
    let upper = [
        shuffle::<FIRST>(ab, cd),
        shuffle::<SECOND>(ab, cd),
        shuffle::<FIRST>(ab2, cd2),
        shuffle::<SECOND>(ab2, cd2),
    ];
    let lower = [
        shuffle::<FIRST>(ef, gh),
        shuffle::<SECOND>(ef, gh),
        shuffle::<FIRST>(ef2, gh2),
        shuffle::<SECOND>(ef2, gh2),
    ];
    const LOW_HALVES: i32 = 0x20;
    const HIGH_HALVES: i32 = 0x31;
    let rows: [__m256; BLOCK] = [
        halves::<LOW_HALVES>(upper[0], lower[0]),
        halves::<LOW_HALVES>(upper[1], lower[1]),
        halves::<LOW_HALVES>(upper[2], lower[2]),
        halves::<LOW_HALVES>(upper[3], lower[3]),
        halves::<HIGH_HALVES>(upper[0], lower[0]),
        halves::<HIGH_HALVES>(upper[1], lower[1]),
        halves::<HIGH_HALVES>(upper[2], lower[2]),
        halves::<HIGH_HALVES>(upper[3], lower[3]),
    ];
    cast(rows)
}

/// `[columns, rows]` ← `[rows, columns]`
pub(crate) fn transposed<T: Element>(from: &[T], columns: usize) -> Vec<T> {
    let column = |column| from.iter().skip(column).step_by(columns).copied();
    (0..columns).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_become_lanes_and_come_back() {
        for (channels, pixels) in [(1, 1), (1, 20), (3, 7), (19, 1), (4, 16), (9, 9)] {
            let size = Size { channels, pixels };
            let elements = size.elements();
            for n in [1, 5, 8, 15, 16] {
                let examples: Vec<f32> = (1..=n * elements).map(|k| k as f32).collect();
                let mut line = vec![-1.0; elements * 16];
                gather_line(&examples, size, &mut line);
                for (place, found) in line.iter().enumerate() {
                    let (lane, channel) = (place % 16, place / 16 % channels);
                    let pixel = place / 16 / channels;
                    let from = lane * elements + channel * pixels + pixel;
                    let expected = if lane < n { examples[from] } else { 0.0 };
                    assert_eq!(*found, expected, "{size:?} {n} {place}");
                }
                let mut back = vec![-1.0; examples.len()];
                scatter_line(&line, size, &mut back);
                assert_eq!(back, examples);
            }
        }
    }

    #[test]
    fn rows_become_columns_and_missing_ones_zeros() {
        for rows in [1, 6, 8, 11, 16] {
            let from: Vec<f32> = (1..=rows * 16).map(|k| k as f32).collect();
            let mut to = vec![-1.0; 256];
            turn(&from, &mut to);
            for (place, found) in to.iter().enumerate() {
                let (column, row) = (place / 16, place % 16);
                let expected = if row < rows {
                    from[row * 16 + column]
                } else {
                    0.0
                };
                assert_eq!(*found, expected);
            }
        }
    }
}
