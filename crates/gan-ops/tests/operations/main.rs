//! The operations against their twins, and both against formulas and finite differences.

#![allow(clippy::unwrap_used, reason = "a test")]

mod batch_norms;
mod common;
mod cross_entropy;
mod differences;
mod graphs;
mod networks;
mod not_numbers;
mod optimizer;
mod passes;
mod penalties;
mod perceptrons;
mod plain;
mod reductions;
mod refusals;
mod same_bytes;
mod sketch;
mod structures;
mod windows;
