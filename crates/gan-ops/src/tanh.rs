//! The hyperbolic tangent in f32, for vector instructions.

/// tanh x within 3 units in the last place.
///
/// A quotient of polynomials in x² on the range where the result is not yet ±1 in f32; the
/// coefficients are those of the Eigen library (`generic_fast_tanh_float`). It consists of
/// operations that IEEE 754 defines to the bit and has no branches, so every processor gives the
/// same result, many at a time. NaN stays NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    // Beyond this the quotient rounds to ±1.
    const LARGEST: f32 = 7.998_811_7;
    // Below this tanh x rounds to x.
    const TINY: f32 = 0.000_4;
    const NUMERATOR: [f32; 7] = [
        -2.760_768_5e-16,
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619_3e-4,
        4.893_524_6e-3,
    ];
    const DENOMINATOR: [f32; 4] = [1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    // Not `clamp`: comparisons with NaN are false, so NaN goes on.
    let clamped = if x > LARGEST { LARGEST } else { x };
    let clamped = if clamped < -LARGEST {
        -LARGEST
    } else {
        clamped
    };
    let t = clamped * clamped;
    let mut numerator = NUMERATOR[0];
    for coefficient in &NUMERATOR[1..] {
        numerator = numerator * t + coefficient;
    }
    let mut denominator = DENOMINATOR[0];
    for coefficient in &DENOMINATOR[1..] {
        denominator = denominator * t + coefficient;
    }
    let quotient = clamped * numerator / denominator;
    if clamped < TINY && clamped > -TINY {
        x
    } else {
        quotient
    }
}

#[cfg(test)]
mod tests {
    use super::tanh;

    #[test]
    fn every_thousandth_float_is_within_three_units_in_the_last_place() {
        for bits in (0..f32::INFINITY.to_bits()).step_by(997) {
            let x = f32::from_bits(bits);
            let (found, expected) = (tanh(x), f64::from(x).tanh());
            let unit = f64::from((expected as f32).next_up()) - f64::from(expected as f32);
            let off = (f64::from(found) - expected).abs() / unit;
            assert!(off <= 3.0, "tanh {x} is {found}, off by {off} units");
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
