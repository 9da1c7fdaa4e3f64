//! The crate from outside: folders written by the tests, and the real MNIST.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers may fail like the test"
)]

mod damage;
mod idx_folder;
mod image_folder;
mod loader;
mod manifest;
mod mnist;
mod support;
