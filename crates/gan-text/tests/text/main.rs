//! The crate from outside: texts written by the tests, and those of the repository.

#![expect(
    clippy::unwrap_used,
    reason = "a test's helpers may fail like the test"
)]

mod entries;
mod fields;
mod folders;
mod hostile;
mod lines;
mod shipped;
mod split;
mod support;
mod tokenizer_file;
mod vocabularies;
