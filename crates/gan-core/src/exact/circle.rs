//! Sine and cosine.

use std::f64::consts::TAU;

/// Sine and cosine of `turns` full turns, that is of 2π · `turns`, within 1e-13. Near the zeros the relative
/// error is as small; whole quarters of a turn give 0 and ±1 exactly.
///
/// `turns` is within ±2⁴⁹. Infinity and NaN give NaN.
#[inline(always)]
pub fn sin_cos_turns(turns: f64) -> (f64, f64) {
    /// Added to a number within ±2⁵¹, it leaves the nearest integer in the last bits.
    const ROUNDER: f64 = 6_755_399_441_055_744.0;
    let shifted = 4.0 * turns + ROUNDER;
    let rest = turns - (shifted - ROUNDER) / 4.0;
    at_quarter(shifted.to_bits() as u32, rest * TAU)
}

/// Sine and cosine of `turns` / 2³² full turns, within 1e-13.
#[inline(always)]
pub(crate) fn sin_cos_of_word(turns: u32) -> (f64, f64) {
    let quarter = turns.wrapping_add(1 << 29) >> 30;
    let rest = turns.wrapping_sub(quarter << 30) as i32;
    at_quarter(quarter, f64::from(rest) * (TAU / 4_294_967_296.0))
}

/// Sine and cosine of `quarter` quarters of a turn, of which the last two bits count, and `x`, at most π/4
/// from 0, by the Taylor series around 0.
#[inline(always)]
fn at_quarter(quarter: u32, x: f64) -> (f64, f64) {
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
    // A quarter turn further: sin(x + π/2) = cos x, cos(x + π/2) = −sin x.
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

    fn assert_near(found: (f64, f64), angle: f64) {
        assert!((found.0 - angle.sin()).abs() < 1e-13, "sin {angle}");
        assert!((found.1 - angle.cos()).abs() < 1e-13, "cos {angle}");
    }

    #[test]
    fn sine_and_cosine_are_right_over_the_full_turn() {
        for i in 0..100_000_u32 {
            let word = i * 42_949;
            let turns = f64::from(word) / 4_294_967_296.0;
            assert_near(sin_cos_of_word(word), turns * TAU);
            assert_near(sin_cos_turns(turns), turns * TAU);
            assert_near(sin_cos_turns(-turns), -turns * TAU);
        }
    }

    #[test]
    fn whole_turns_change_nothing() {
        for turns in [0.0, 0.125, 0.3125, 0.75, 0.9375] {
            for whole in [1.0, -3.0, 2_f64.powi(40)] {
                let (sin, cos) = sin_cos_turns(turns);
                assert_eq!(sin_cos_turns(turns + whole), (sin, cos), "{turns} {whole}");
            }
        }
    }

    #[test]
    fn whole_quarters_are_exact() {
        let quarters = [0.0, 0.25, 0.5, 0.75].map(sin_cos_turns);
        assert_eq!(quarters, [(0.0, 1.0), (1.0, 0.0), (0.0, -1.0), (-1.0, 0.0)]);
    }

    #[test]
    fn the_relative_error_is_small_next_to_a_zero() {
        for exponent in 3..60 {
            let rest = 2_f64.powi(-exponent);
            let (sin, _) = sin_cos_turns(rest);
            assert!((sin / (rest * TAU).sin() - 1.0).abs() < 1e-13, "{exponent}");
        }
    }

    #[test]
    fn what_is_no_number_gives_none() {
        for turns in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let (sin, cos) = sin_cos_turns(turns);
            assert!(sin.is_nan() && cos.is_nan(), "{turns}");
        }
    }
}
