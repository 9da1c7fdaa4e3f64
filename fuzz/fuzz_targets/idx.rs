//! Plain IDX files of images and labels.

#![no_main]

#[path = "../../tests/support/hostile_entries.rs"]
mod hostile_entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_entries::idx(bytes);
});
