//! Normally distributed numbers that are equal to the bit on every processor.

use crate::exact::{ln, sin_cos_of_word};
use rand::RngCore;

/// Numbers drawn at a time, an even number: two 32-bit integers give two normal numbers.
const BLOCK: usize = 256;

/// `count` draws from N(0, 1) in f32, by the Box-Muller transform (1958) of two uniform 32-bit integers
/// into two normal numbers; their absolute values are at most √(2 · 32 · ln 2) ≈ 6.66.
///
/// Logarithm, sine and cosine are [`exact`](crate::exact). The loops have no branches, so that the compiler can
/// vectorise them, which does not change a bit.
pub(crate) fn standard_normal(count: usize, rng: &mut dyn RngCore) -> Vec<f32> {
    let mut values = vec![0.0; count.next_multiple_of(2)];
    let mut bytes = [0; 4 * BLOCK];
    for values in values.chunks_mut(BLOCK) {
        let bytes = &mut bytes[..4 * values.len()];
        rng.fill_bytes(bytes);
        let (mut a, mut b) = ([0; BLOCK / 2], [0; BLOCK / 2]);
        let pairs = bytes.as_chunks::<8>().0.iter();
        for ((a, b), [a0, a1, a2, a3, b0, b1, b2, b3]) in a.iter_mut().zip(&mut b).zip(pairs) {
            *a = u32::from_le_bytes([*a0, *a1, *a2, *a3]);
            *b = u32::from_le_bytes([*b0, *b1, *b2, *b3]);
        }
        let [first, second] = box_muller(&a, &b);
        let drawn = first.iter().zip(&second);
        for (pair, (first, second)) in values.chunks_exact_mut(2).zip(drawn) {
            pair.copy_from_slice(&[*first, *second]);
        }
    }
    values.truncate(count);
    values
}

fn box_muller(a: &[u32; BLOCK / 2], b: &[u32; BLOCK / 2]) -> [[f32; BLOCK / 2]; 2] {
    pulp::Arch::new().dispatch(BoxMuller { a, b })
}

/// The transform of half a block of pairs, compiled for the processor's widest vector instructions.
struct BoxMuller<'a> {
    a: &'a [u32; BLOCK / 2],
    b: &'a [u32; BLOCK / 2],
}

impl pulp::NullaryFnOnce for BoxMuller<'_> {
    type Output = [[f32; BLOCK / 2]; 2];

    #[inline(always)]
    fn call(self) -> Self::Output {
        let mut radius = [0.0; BLOCK / 2];
        for (radius, a) in radius.iter_mut().zip(self.a) {
            // In (0, 1], so that the logarithm is finite.
            let uniform = (f64::from(*a) + 1.0) / 4_294_967_296.0;
            *radius = (-2.0 * ln(uniform)).sqrt();
        }
        let (mut first, mut second) = ([0.0; BLOCK / 2], [0.0; BLOCK / 2]);
        let turned = radius.iter().zip(self.b);
        for ((first, second), (radius, b)) in first.iter_mut().zip(&mut second).zip(turned) {
            let (sin, cos) = sin_cos_of_word(*b);
            *first = (radius * cos) as f32;
            *second = (radius * sin) as f32;
        }
        [first, second]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    fn pair(a: u32, b: u32) -> [f32; 2] {
        box_muller(&[a; BLOCK / 2], &[b; BLOCK / 2]).map(|values| values[0])
    }

    /// The same source compiled without vector instructions gives the expected values.
    #[test]
    fn vectors_do_not_change_a_bit() {
        use pulp::NullaryFnOnce;
        let mut words = (0..u32::MAX).step_by(104_729);
        let mut block = || std::array::from_fn(|_| words.next().unwrap_or(u32::MAX));
        for _ in 0..100 {
            let (a, b) = (block(), block());
            let plain = BoxMuller { a: &a, b: &b }.call();
            let bits = |drawn: [[f32; BLOCK / 2]; 2]| drawn.map(|half| half.map(f32::to_bits));
            assert_eq!(bits(box_muller(&a, &b)), bits(plain));
        }
    }

    #[test]
    fn a_longer_draw_begins_with_the_shorter_one() {
        let draw = |count| standard_normal(count, &mut Seed(1).rng(Purpose::Sample, 0));
        let long = draw(1000);
        for count in [0, 1, 2, 255, 256, 257, 700] {
            assert_eq!(draw(count), long[..count], "{count}");
        }
    }

    #[test]
    fn the_largest_and_smallest_words_give_finite_numbers() {
        for a in [0, 1, u32::MAX - 1, u32::MAX] {
            for b in [0, 1 << 30, u32::MAX] {
                assert!(pair(a, b).iter().all(|z| z.abs() < 6.7));
            }
        }
    }

    /// Expected values: the formula evaluated by Python's math module.
    #[test]
    fn the_transform_is_box_and_mullers() {
        for ([a, b], expected) in [
            ([0x8000_0000, 0], [1.177_410_0, 0.0]),
            ([0x8000_0000, 0x4000_0000], [0.0, 1.177_410_0]),
            ([0x2000_0000, 0x9000_0000], [-1.884_098_9, -0.780_419_3]),
        ] {
            for (found, expected) in pair(a, b).iter().zip(expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-6,
                    "{found} {expected}"
                );
            }
        }
    }
}
