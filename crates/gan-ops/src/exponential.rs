//! The exponential function in f32, for vector instructions.

/// eˣ within 2 units in the last place for x from −87 to 88. Below it is 0; NaN stays NaN.
///
/// 2ᵏ · eʳ with x = k ln 2 + r and |r| ≤ ½ ln 2, by the polynomial of the Cephes library (Moshier, `expf.c`). It
/// consists of operations that IEEE 754 defines to the bit and has no branches, so every processor gives the same
/// result, many at a time.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    /// Added to a small number, it leaves the nearest integer in the last bits.
    const ROUNDER: f32 = 12_582_912.0;
    /// ln 2 in two parts, of which the first times k is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let shifted = x * std::f32::consts::LOG2_E + ROUNDER;
    let k = shifted - ROUNDER;
    let r = x - k * LN_2[0] - k * LN_2[1];
    let mut series = 1.987_569_1e-4;
    for coefficient in [
        1.398_2e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        series = series * r + coefficient;
    }
    let bits = shifted.to_bits().wrapping_sub(ROUNDER.to_bits());
    let power = f32::from_bits(bits.wrapping_add(127) << 23);
    let value = (series * r * r + r + 1.0) * power;
    if x < -87.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn a_million_numbers_are_within_two_units_in_the_last_place() {
        for step in 0..1_000_000 {
            let x = -87.0 + 175.0 * (step as f32 / 1e6);
            let (found, expected) = (exp(x), f64::from(x).exp());
            let unit = f64::from((expected as f32).next_up()) - f64::from(expected as f32);
            let off = (f64::from(found) - expected).abs() / unit;
            assert!(off <= 2.0, "e^{x} is {found}, off by {off} units");
        }
    }

    #[test]
    fn far_below_it_is_zero_and_nan_stays() {
        assert_eq!([exp(-87.5), exp(-1e30), exp(f32::NEG_INFINITY)], [0.0; 3]);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
    }
}
