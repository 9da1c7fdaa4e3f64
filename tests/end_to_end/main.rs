//! The built binary from end to end: one program, so that one is linked.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../support/idx.rs"]
mod idx;
#[path = "../support/splitmix.rs"]
mod splitmix;
mod support;

mod cli;
mod data_sets;
mod evaluate;
mod evaluate_refusals;
mod faults;
mod first_hour;
mod help;
mod hostile;
mod outputs;
mod own;
mod recipes;
mod resume;
mod resume_changes;
mod rollback;
mod run_folders;
mod terminal;
mod text;
mod threads;
