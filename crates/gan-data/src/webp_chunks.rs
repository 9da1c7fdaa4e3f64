//! Checks the sizes in a WebP file before it is decoded: the decoder allocates the memory that a chunk's
//! header asks for.

use crate::decode::MAX_DECODED_BYTES;

/// Sizes before the chunks of a file and before those of an animation's frame.
const FILE_HEADER: usize = 12;
const FRAME_HEADER: usize = 16;

/// Whether all chunks lie within the file, and no frame is larger than an image may be.
pub(crate) fn are_sound(file: &[u8]) -> bool {
    file.get(FILE_HEADER..).is_some_and(chunks_are_sound)
}

fn chunks_are_sound(mut bytes: &[u8]) -> bool {
    while let Some((header, rest)) = bytes.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *header;
        // Padded to an even size, except for the last chunk of some writers.
        let size = u32::from_le_bytes(size) as usize;
        let Some(data) = rest.get(..size) else {
            return false;
        };
        let sound = match &[a, b, c, d] {
            b"ANMF" => data.get(FRAME_HEADER..).is_some_and(chunks_are_sound),
            b"VP8 " => frame_is_small(data),
            _ => true,
        };
        if !sound {
            return false;
        }
        bytes = rest.get(size + size % 2..).unwrap_or_default();
    }
    true
}

/// Whether a lossy frame, whose sizes are in bits 48 to 61 and 64 to 77 (RFC 6386, 9.1), is not too large.
fn frame_is_small(frame: &[u8]) -> bool {
    let Some([a, b, c, d]) = frame.get(6..).and_then(|rest| rest.first_chunk()) else {
        return false;
    };
    let side = |low: u8, high: u8| u64::from(u16::from_le_bytes([low, high]) & 0x3fff);
    4 * side(*a, *b) * side(*c, *d) <= MAX_DECODED_BYTES
}
