//! Configurations of networks and training, and manifests.

#![no_main]

#[path = "../../tests/support/hostile_entries.rs"]
mod hostile_entries;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    hostile_entries::config_toml(bytes);
});
