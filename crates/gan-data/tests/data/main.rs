//! The crate from outside: folders written by the tests, and the real MNIST.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers may fail like the test"
)]

mod alpha;
mod channels;
mod damage;
mod formats;
mod held_out;
mod idx_folder;
mod image_folder;
mod links;
mod loader;
mod manifest;
mod mnist;
mod parts;
mod support;
