//! Bytes as text.

/// Lowercase hexadecimal digits, two a byte, as checksums are written.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
