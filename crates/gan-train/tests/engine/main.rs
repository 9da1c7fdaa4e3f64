//! The training engine from outside, with small networks.

#![allow(clippy::unwrap_used, reason = "a test")]

mod bursts;
mod divergence;
mod doctor;
mod losses;
mod options;
mod perceptrons;
mod regularizers;
mod resume;
mod step_gradients;
mod support;
mod threads;
mod trainer;
