//! Whether a file holds several pictures: an animation, or pages.

/// Whether a second picture follows the first one of a GIF file (its specification, 89a).
pub(crate) fn in_gif(file: &[u8]) -> bool {
    let mut rest = file.get(6..).unwrap_or_default();
    let mut frames = 0;
    // The screen descriptor; its flags say how long the colour table is.
    let table = |flags: u8| {
        if flags & 0x80 == 0 {
            0
        } else {
            3 << ((flags & 7) + 1)
        }
    };
    let Some(flags) = rest.get(4) else {
        return false;
    };
    rest = rest.get(7 + table(*flags)..).unwrap_or_default();
    while let Some((kind, after)) = rest.split_first() {
        let skipped = match kind {
            // An extension has a label before its blocks.
            0x21 => Some(1),
            // An image has its position, a colour table and a code size before its blocks.
            0x2c => after.get(8).map(|flags| 9 + table(*flags) + 1),
            _ => None,
        };
        frames += usize::from(*kind == 0x2c);
        let Some(blocks) = skipped.and_then(|skipped| after.get(skipped..)) else {
            break;
        };
        rest = after_blocks(blocks);
    }
    frames > 1
}

/// The bytes after a series of blocks, each a size and that many bytes, the last one empty.
fn after_blocks(mut blocks: &[u8]) -> &[u8] {
    while let Some((size, after)) = blocks.split_first() {
        blocks = after.get(usize::from(*size)..).unwrap_or_default();
        if *size == 0 {
            break;
        }
    }
    blocks
}

/// Whether a second directory follows the first one of a TIFF file (TIFF 6.0, section 2).
pub(crate) fn in_tiff(file: &[u8]) -> bool {
    let little = file.starts_with(b"II");
    let number = |start: usize, length: usize| -> Option<usize> {
        let bytes = file.get(start..start.checked_add(length)?)?;
        let add = |number: usize, byte: &u8| number << 8 | usize::from(*byte);
        Some(if little {
            bytes.iter().rev().fold(0, add)
        } else {
            bytes.iter().fold(0, add)
        })
    };
    let next = || {
        let directory = number(4, 4)?;
        let entries = number(directory, 2)?;
        number(directory + 2 + 12 * entries, 4)
    };
    next().is_some_and(|next| next > 0)
}
