//! An image file (PNG, JPEG, BMP, GIF, WebP or TIFF) in a folder of images.

#![no_main]

#[path = "../../tests/support/hostile_entries.rs"]
mod hostile_entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_entries::image_folder_entry(bytes);
});
