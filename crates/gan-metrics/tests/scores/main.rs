//! The scores from outside: against formulas, other programs and what is known of real digits.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../../tests/support/splitmix.rs"]
mod splitmix;

mod evaluation;
mod feature_network;
mod golden;
mod properties;
mod real_images;
