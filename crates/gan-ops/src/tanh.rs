//! The hyperbolic tangent in f32, for vector instructions.

use crate::exponential::exp;

/// tanh x within 2 units in the last place.
///
/// An odd polynomial near 0 and 1 − 2 / (e²ˣ + 1) elsewhere, both with the coefficients of the
/// Cephes library (Moshier, `tanhf.c` and `expf.c`). It consists of operations that IEEE 754
/// defines to the bit and has no branches, so every processor gives the same result, many at a
/// time. NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let magnitude = x.abs();
    let t = x * x;
    let mut series = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1] {
        series = series * t + coefficient;
    }
    let near_zero = x + x * t * series;
    // From here on the result rounds to 1; not `min`, which would make a number of NaN.
    let bounded = if magnitude > 9.1 { 9.1 } else { magnitude };
    let far = (1.0 - 2.0 / (exp(2.0 * bounded) + 1.0)).copysign(x);
    if magnitude < 0.625 { near_zero } else { far }
}

#[cfg(test)]
mod tests {
    use super::tanh;

    #[test]
    fn every_thousandth_float_is_within_two_units_in_the_last_place() {
        for bits in (0..f32::INFINITY.to_bits()).step_by(997) {
            let x = f32::from_bits(bits);
            let (found, expected) = (tanh(x), f64::from(x).tanh());
            let unit = f64::from((expected as f32).next_up()) - f64::from(expected as f32);
            let off = (f64::from(found) - expected).abs() / unit;
            assert!(off <= 2.0, "tanh {x} is {found}, off by {off} units");
            assert_eq!(tanh(-x), -found);
        }
    }

    #[test]
    fn the_ends_are_one_and_nan_stays() {
        assert_eq!(tanh(f32::INFINITY), 1.0);
        assert_eq!(tanh(f32::NEG_INFINITY), -1.0);
        assert!(tanh(f32::NAN).is_nan());
    }
}
