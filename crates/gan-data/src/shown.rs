//! Names and numbers as they are shown in messages.

use gan_core::grouped;
pub(crate) use gan_core::{shown, shown_text};

/// The number with its digits in groups of three: `60,000`.
pub(crate) fn thousands(number: usize) -> String {
    grouped(number as u64)
}
