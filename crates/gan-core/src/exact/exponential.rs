//! The exponential function, powers, and the hyperbolic tangent.

use std::f64::consts::{LN_2, LOG2_E};

/// Added to a number within ±2⁵¹, it leaves the nearest integer in the last bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// ln 2 in two parts, of which the first times an integer below 2²⁰ is exact (fdlibm, `e_exp.c`).
const LN_2_PARTS: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];

/// eˣ within 2 units in the last place, also where the result is subnormal. Infinite above 709.8, 0 below
/// −745.2; NaN stays NaN.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    let (k, r) = by_powers_of_two(x.clamp(-746.0, 710.0));
    scaled(1.0 + exp_minus_one_near_zero(r), k)
}

/// 2ˣ within 2 units in the last place, also where the result is subnormal, and exact for whole numbers.
/// Infinite from 1024, 0 below −1075; NaN stays NaN.
#[inline(always)]
pub fn exp2(x: f64) -> f64 {
    let x = x.clamp(-1076.0, 1025.0);
    let shifted = x + ROUNDER;
    let r = (x - (shifted - ROUNDER)) * LN_2;
    scaled(1.0 + exp_minus_one_near_zero(r), integer(shifted))
}

/// xⁿ by repeated squaring, with a relative error of at most n · 2⁻⁵³ as long as no power of `x` on the way is
/// subnormal. x⁰ is 1.
#[inline]
pub fn powi(x: f64, n: u64) -> f64 {
    let (mut power, mut square, mut rest) = (1.0, x, n);
    while rest > 0 {
        if rest & 1 == 1 {
            power *= square;
        }
        square *= square;
        rest >>= 1;
    }
    power
}

/// tanh x within 4 units in the last place. NaN stays NaN.
///
/// tanh x = m / (m + 2) with m = e²ˣ − 1, of which no leading digits are lost near 0.
#[inline(always)]
pub fn tanh(x: f64) -> f64 {
    let magnitude = x.abs();
    // From here on the result rounds to 1; not `min`, which would make a number of NaN.
    let bounded = if magnitude > 20.0 { 20.0 } else { magnitude };
    let (k, r) = by_powers_of_two(2.0 * bounded);
    let power = power_of_two(k);
    let m = power * exp_minus_one_near_zero(r) + (power - 1.0);
    (m / (m + 2.0)).copysign(x)
}

/// k and r with x = k ln 2 + r and |r| ≤ ½ ln 2, for x within ±1000.
#[inline(always)]
fn by_powers_of_two(x: f64) -> (i64, f64) {
    let shifted = x * LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    let r = x - k * LN_2_PARTS[0] - k * LN_2_PARTS[1];
    (integer(shifted), r)
}

/// The integer k, of k + [`ROUNDER`].
#[inline(always)]
fn integer(shifted: f64) -> i64 {
    shifted.to_bits().wrapping_sub(ROUNDER.to_bits()) as i64
}

/// eʳ − 1 for |r| ≤ ½ ln 2: the Taylor series up to r¹³ / 13!.
#[inline(always)]
fn exp_minus_one_near_zero(r: f64) -> f64 {
    // eʳ − 1 = r + r² · ½ (1 + r · ⅓ (1 + r · ¼ (1 + …))): r itself is not rounded.
    let mut series = 1.0 / 13.0;
    for divisor in [12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0] {
        series = (1.0 + series * r) * (1.0 / divisor);
    }
    r + r * r * series
}

/// 2ᵏ for k from −1022 to 1023.
#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits((k.wrapping_add(1023) as u64) << 52)
}

/// y · 2ᵏ for k within ±2000, rounded once: neither half of the exponent leaves the range of f64.
#[inline(always)]
fn scaled(y: f64, k: i64) -> f64 {
    let half = k >> 1;
    y * power_of_two(half) * power_of_two(k.wrapping_sub(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance of two numbers in units in the last place of the second.
    fn units(found: f64, expected: f64) -> f64 {
        (found - expected).abs() / (expected.abs().next_up() - expected.abs())
    }

    /// From `first` to `last` in 200,000 steps.
    fn over(first: f64, last: f64) -> impl Iterator<Item = f64> {
        (0..=200_000).map(move |i| first + (last - first) * f64::from(i) / 200_000.0)
    }

    #[test]
    fn exp_is_the_exponential_function() {
        for x in over(-745.1, 709.7).chain(over(-1.0, 1.0)) {
            assert!(units(exp(x), x.exp()) <= 2.0, "{x}: {}", exp(x));
        }
        assert_eq!([exp(0.0), exp(-0.0)], [1.0, 1.0]);
    }

    #[test]
    fn exp2_is_a_power_of_two() {
        for x in over(-1074.0, 1023.9).chain(over(-1.0, 1.0)) {
            assert!(units(exp2(x), x.exp2()) <= 2.0, "{x}: {}", exp2(x));
        }
        for k in -1074..=1023 {
            assert_eq!(exp2(f64::from(k)), f64::from(k).exp2(), "{k}");
        }
    }

    #[test]
    fn what_is_too_large_is_infinite_and_what_is_too_small_is_zero() {
        for x in [710.0, 1e10, f64::MAX, f64::INFINITY] {
            assert_eq!([exp(x), exp2(1.5 * x)], [f64::INFINITY; 2], "{x}");
        }
        for x in [-746.0, -1e10, f64::MIN, f64::NEG_INFINITY] {
            assert_eq!([exp(x), exp2(1.5 * x)], [0.0; 2], "{x}");
        }
        assert_eq!([exp2(1024.0), exp2(-1075.1)], [f64::INFINITY, 0.0]);
        assert!(exp(f64::NAN).is_nan() && exp2(f64::NAN).is_nan());
    }

    #[test]
    fn powi_is_the_power() {
        for x in [0.5_f64, 0.9, 0.999, 0.999_999, 1.0, 1.5, -0.7] {
            for n in (0..300).chain([1000, 100_003, 10_000_019, u64::from(u32::MAX)]) {
                let expected = x.powf(n as f64);
                let found = powi(x, n);
                // `powf` itself is off by a unit.
                let allowed = expected.abs() * (n + 2) as f64 * f64::EPSILON / 2.0;
                let near = (found - expected).abs() <= allowed + f64::MIN_POSITIVE;
                assert!(near || found == expected, "{x} ^ {n}: {found} {expected}");
            }
        }
        assert_eq!(
            [powi(0.0, 0), powi(0.0, 3), powi(0.9, u64::MAX)],
            [1.0, 0.0, 0.0]
        );
        assert_eq!(powi(2.0, 2000), f64::INFINITY);
        assert!(powi(f64::NAN, 1).is_nan());
    }

    #[test]
    fn tanh_is_the_hyperbolic_tangent() {
        for x in over(-25.0, 25.0).chain(over(-0.4, 0.4)) {
            assert!(units(tanh(x), x.tanh()) <= 4.0, "{x}: {}", tanh(x));
        }
        for exponent in 1..1074 {
            let x = 2_f64.powi(-exponent);
            assert!(units(tanh(x), x.tanh()) <= 4.0, "{x}: {}", tanh(x));
            assert_eq!(tanh(-x), -tanh(x));
        }
        assert_eq!([tanh(f64::INFINITY), tanh(f64::NEG_INFINITY)], [1.0, -1.0]);
        assert!(tanh(f64::NAN).is_nan());
        assert!(tanh(-0.0).is_sign_negative());
    }
}
