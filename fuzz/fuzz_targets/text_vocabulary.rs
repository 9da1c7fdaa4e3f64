//! The `vocab.txt` of a tokenizer.

#![no_main]

#[path = "../../crates/gan-text/tests/text/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::text_vocabulary(bytes);
});
