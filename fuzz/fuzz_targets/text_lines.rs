//! Lines of text, in several encodings and tokens.

#![no_main]

#[path = "../../crates/gan-text/tests/text/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::text_lines(bytes);
});
