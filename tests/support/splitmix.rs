//! The uniform numbers that the reference programs in `golden/` build their inputs from.

/// u(t, i) in [0, 1): 24 bits of the splitmix64 finaliser of t · 2³² + i.
pub(crate) fn u(t: u64, i: u64) -> f64 {
    let mut x = (t << 32)
        .wrapping_add(i)
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^= x >> 31;
    (x >> 40) as f64 / f64::from(1 << 24)
}
