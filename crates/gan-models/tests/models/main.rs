//! The architectures and the generator's file from outside.

#![allow(clippy::unwrap_used, reason = "a test")]

mod convolutional;
mod copies;
mod generator_file;
mod mlp;
