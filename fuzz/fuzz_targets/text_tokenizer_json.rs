//! A `tokenizer.json` of the crate `tokenizers`.

#![no_main]

#[path = "../../crates/gan-text/tests/text/entries.rs"]
mod entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    entries::text_tokenizer_json(bytes);
});
