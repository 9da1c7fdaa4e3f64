//! The operations against slower twins, formulas and finite differences.

#![allow(clippy::unwrap_used, reason = "a test")]

mod common;
mod conv2d;
mod conv_net;
mod conv_net_differences;
mod conv_net_penalty;
mod edges;
mod network;
mod reductions;
mod twins;
