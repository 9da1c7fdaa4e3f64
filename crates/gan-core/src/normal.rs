//! Normally distributed numbers that are the same bytes on every processor.

use rand::RngCore;
use std::f64::consts::{LN_2, TAU};

/// Draws at a time; two 32-bit numbers make two normal ones.
const BLOCK: usize = 256;

/// `count` draws from N(0, 1) in f32, by Box and Muller's transform (1958) of two uniform 32-bit
/// numbers into two normal ones; none lies beyond √(2 · 32 · ln 2) ≈ 6.66.
///
/// Logarithm, sine and cosine are polynomials in f64 made of additions, multiplications and
/// divisions, which IEEE 754 defines to the bit; the library functions of a system are not. The
/// loops are free of branches, so the compiler can make vector instructions of them.
pub(crate) fn standard_normal(count: usize, rng: &mut dyn RngCore) -> Vec<f32> {
    let mut values = Vec::with_capacity(count + BLOCK);
    let mut bytes = [0; 4 * BLOCK];
    while values.len() < count {
        // The stream is read in pairs, so a longer draw begins with the same numbers.
        let needed = (count - values.len()).next_multiple_of(2).min(BLOCK);
        let bytes = &mut bytes[..4 * needed];
        rng.fill_bytes(bytes);
        let mut pairs = [[0; 2]; BLOCK / 2];
        for (pair, bytes) in pairs.iter_mut().zip(bytes.chunks_exact(8)) {
            let word = |at: usize| {
                u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
            };
            *pair = [word(0), word(4)];
        }
        let pairs = &pairs[..needed / 2];
        values.extend(pairs.iter().flat_map(|pair| box_muller(*pair)));
    }
    values.truncate(count);
    values
}

fn box_muller([a, b]: [u32; 2]) -> [f32; 2] {
    // In (0, 1], so that the logarithm is finite.
    let uniform = (f64::from(a) + 1.0) / 4_294_967_296.0;
    let radius = (-2.0 * ln(uniform)).sqrt();
    let (sin, cos) = sin_cos_turns(b);
    [(radius * cos) as f32, (radius * sin) as f32]
}

/// ln x for normal x > 0, within 1e-13: x = m · 2ᵉ with m in [√½, √2), and
/// ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1)/(m + 1), |s| < 0.172.
fn ln(x: f64) -> f64 {
    const ONE: u64 = 1.0_f64.to_bits();
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    let shifted = x.to_bits() + (ONE - SQRT_HALF);
    let exponent = ((shifted >> 52) as i32 - 1023) as f64;
    let m = f64::from_bits((shifted & MANTISSA) + SQRT_HALF);
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let mut series = 1.0 / 17.0;
    for divisor in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * t + 1.0 / divisor;
    }
    exponent * LN_2 + 2.0 * s * series
}

/// Sine and cosine of `turns` / 2³² full turns, within 1e-11: Taylor's series about the nearest
/// quarter, at most π/4 away.
fn sin_cos_turns(turns: u32) -> (f64, f64) {
    let quarter = turns.wrapping_add(1 << 29) >> 30;
    let rest = turns.wrapping_sub(quarter << 30) as i32;
    let x = f64::from(rest) * (TAU / 4_294_967_296.0);
    let t = x * x;
    let mut sin = 1.0;
    for divisor in [
        12.0 * 13.0,
        10.0 * 11.0,
        8.0 * 9.0,
        6.0 * 7.0,
        4.0 * 5.0,
        2.0 * 3.0,
    ] {
        sin = 1.0 - sin * t * (1.0 / divisor);
    }
    let mut cos = 1.0;
    for divisor in [
        13.0 * 14.0,
        11.0 * 12.0,
        9.0 * 10.0,
        7.0 * 8.0,
        5.0 * 6.0,
        3.0 * 4.0,
        2.0,
    ] {
        cos = 1.0 - cos * t * (1.0 / divisor);
    }
    let sin = x * sin;
    // A quarter turn on: sin(x + π/2) = cos x, cos(x + π/2) = −sin x.
    let (s, c) = if quarter & 1 == 0 {
        (sin, cos)
    } else {
        (cos, -sin)
    };
    if quarter & 2 == 0 { (s, c) } else { (-s, -c) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn ln_is_the_logarithm() {
        for i in 0..200_000_u32 {
            let x = (f64::from(i * 21_474) + 1.0) / 4_294_967_296.0;
            let (found, expected) = (ln(x), x.ln());
            assert!(
                (found - expected).abs() <= 1e-13 * (1.0 + expected.abs()),
                "{x}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn sine_and_cosine_go_all_the_way_round() {
        for i in 0..100_000_u32 {
            let turns = i * 42_949;
            let x = f64::from(turns) / 4_294_967_296.0 * TAU;
            let (sin, cos) = sin_cos_turns(turns);
            assert!((sin - x.sin()).abs() < 1e-11, "sin {x}");
            assert!((cos - x.cos()).abs() < 1e-11, "cos {x}");
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
                assert!(box_muller([a, b]).iter().all(|z| z.abs() < 6.7));
            }
        }
    }

    /// Expected values: the formula evaluated by Python's math module.
    #[test]
    fn the_transform_is_box_and_mullers() {
        for (pair, expected) in [
            ([0x8000_0000, 0], [1.177_410_0, 0.0]),
            ([0x8000_0000, 0x4000_0000], [0.0, 1.177_410_0]),
            ([0x2000_0000, 0x9000_0000], [-1.884_098_9, -0.780_419_3]),
        ] {
            for (found, expected) in box_muller(pair).iter().zip(expected) {
                assert!(
                    (f64::from(*found) - expected).abs() < 1e-6,
                    "{found} {expected}"
                );
            }
        }
    }
}
