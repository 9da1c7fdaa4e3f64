//! Whether a JPEG file is complete. The decoder silently fills missing pixels with gray.

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// Whether the end-of-image marker (ITU T.81, B.1.1.3) follows the first scan. Markers before that belong
/// to previews inside the file.
pub(crate) fn has_end(jpeg: &[u8]) -> bool {
    let scan = first_scan(jpeg).unwrap_or_default();
    scan.windows(2).any(|pair| pair == [0xff, END_OF_IMAGE])
}

/// The bytes from the first scan on, past all the segments before it.
fn first_scan(jpeg: &[u8]) -> Option<&[u8]> {
    let mut rest = jpeg;
    loop {
        let mark = rest.windows(2).position(is_mark)?;
        let kind = rest[mark + 1];
        rest = &rest[mark + 2..];
        match kind {
            START_OF_SCAN => return Some(rest),
            // The start of the image, restarts and TEM have no length; the other markers have.
            0xd8 | 0xd0..=0xd7 | 0x01 => {}
            _ => {
                let length = rest.first_chunk().copied().map(u16::from_be_bytes)?;
                rest = rest.get(usize::from(length)..)?;
            }
        }
    }
}

fn is_mark(pair: &[u8]) -> bool {
    pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: [u8; 2] = [0xff, 0xd8];
    const PREVIEW: [u8; 6] = [0xff, 0xe1, 0, 4, 0xff, END_OF_IMAGE];
    const SCAN: [u8; 6] = [0xff, START_OF_SCAN, 0, 2, 0xff, 0x00];
    const END: [u8; 2] = [0xff, END_OF_IMAGE];

    #[test]
    fn the_end_counts_only_behind_the_first_scan() {
        let whole = [&START[..], &PREVIEW, &SCAN, &END].concat();
        assert!(has_end(&whole));
        for length in 0..whole.len() {
            assert!(!has_end(&whole[..length]), "{length}");
        }
        assert!(!has_end(&[&START[..], &PREVIEW, &END].concat()));
    }

    #[test]
    fn bytes_after_the_end_do_no_harm() {
        assert!(has_end(&[&START[..], &SCAN, &END, b"appended"].concat()));
    }
}
