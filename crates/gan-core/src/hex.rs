//! Bytes as text.

/// Lowercase hexadecimal digits, two per byte, as in checksums.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
