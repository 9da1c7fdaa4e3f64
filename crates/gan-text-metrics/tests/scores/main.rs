//! The scores from outside: against NLTK's figures, plain definitions and what must hold for any text.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../../../../tests/support/splitmix.rs"]
mod splitmix;

mod controls;
mod definitions;
mod golden;
mod invariances;
mod text;
