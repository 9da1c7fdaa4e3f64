//! Elementary functions that are equal to the bit on every processor.
//!
//! A system's `exp`, `ln` or `cos` rounds as its authors chose, so a number that has gone through one differs
//! from computer to computer. These functions consist of additions, multiplications, divisions and selections
//! in f64, each of which IEEE 754 defines to the bit. They have no branches and are inlined, so that the
//! compiler can vectorise loops over them, which does not change a bit.
//!
//! Every number that enters training comes from here; √x is exact in the standard library already.

mod circle;
mod exponential;
mod logarithm;

pub(crate) use circle::sin_cos_of_word;
pub use circle::sin_cos_turns;
pub use exponential::{exp, exp2, powi, tanh};
pub use logarithm::{ln, ln_1p};
