//! The natural logarithm.

use std::f64::consts::LN_2;

/// ln x for normal x > 0, within 1e-13 · (1 + |ln x|): x = m · 2ᵉ with m in [√½, √2), and
/// ln m = 2 artanh((m − 1)/(m + 1)).
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let (exponent, m) = by_powers_of_two(x);
    logarithm(exponent, (m - 1.0) / (m + 1.0))
}

/// ln(1 + x) for x from −1 + 2⁻⁵³ to 1e300, with a relative error of at most 1e-14; next to 0 no digits of x are
/// lost. NaN stays NaN.
#[inline(always)]
pub fn ln_1p(x: f64) -> f64 {
    let (exponent, _) = by_powers_of_two(1.0 + x);
    // (1 + x) / 2ᵉ − 1, where 1 + x was rounded only to find e.
    let scale = f64::from_bits(((1023 - exponent) as u64) << 52);
    let beyond = x * scale + (scale - 1.0);
    logarithm(exponent, beyond / (2.0 + beyond))
}

/// The e and m of x = m · 2ᵉ with m in [√½, √2).
#[inline(always)]
fn by_powers_of_two(x: f64) -> (i32, f64) {
    const ONE: u64 = 1.0_f64.to_bits();
    const SQRT_HALF: u64 = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    const MANTISSA: u64 = (1 << 52) - 1;
    let shifted = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let m = f64::from_bits((shifted & MANTISSA) + SQRT_HALF);
    ((shifted >> 52) as i32 - 1023, m)
}

/// `exponent` · ln 2 + 2 artanh s for |s| < 0.172, with artanh s = s + s³/3 + s⁵/5 + …
#[inline(always)]
fn logarithm(exponent: i32, s: f64) -> f64 {
    let t = s * s;
    let mut series = 1.0 / 17.0;
    for divisor in [15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0] {
        series = series * t + 1.0 / divisor;
    }
    f64::from(exponent) * LN_2 + 2.0 * s * series
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ln_is_the_logarithm() {
        let words = (0..200_000_u32).map(|i| (f64::from(i * 21_474) + 1.0) / 4_294_967_296.0);
        let powers = (-1022..1024).flat_map(|k| [1.0, 1.4, 1.9].map(|m| m * 2_f64.powi(k)));
        for x in words.chain(powers) {
            let (found, expected) = (ln(x), x.ln());
            assert!(
                (found - expected).abs() <= 1e-13 * (1.0 + expected.abs()),
                "{x}"
            );
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn ln_1p_keeps_the_digits_of_small_numbers() {
        let even = (0..=200_000).map(|i| f64::from(i) / 200_000.0);
        let both = even.flat_map(|x| [x, -0.999_999 * x]);
        let small = (0..1074).flat_map(|k| [1.0, -1.0, 1.7].map(|m| 0.5 * m * 2_f64.powi(-k)));
        let large = (0..990).flat_map(|k| [1.1, 1.9].map(|m| m * 2_f64.powi(k)));
        for x in both
            .chain(small)
            .chain(large)
            .chain([2_f64.powi(-53) - 1.0, 1e300])
        {
            let (found, expected) = (ln_1p(x), x.ln_1p());
            assert!(
                (found - expected).abs() <= 1e-14 * expected.abs(),
                "{x}: {found} {expected}"
            );
        }
        assert!(ln_1p(f64::NAN).is_nan());
    }
}
