//! The IDX format of the MNIST files, plain or gzip. Nothing is allocated that the file could not fill: the
//! header is checked against the length of the file first. So memory is the length of a plain file, and
//! for gzip at most three times 64 MiB plus 64 times the file's length.

use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, ErrorKind, Read};

/// Images of one channel.
pub(crate) struct IdxImages {
    /// Rows of pixels in an image.
    pub(crate) height: usize,
    /// Columns of pixels in an image.
    pub(crate) width: usize,
    /// `[n, height, width]`.
    pub(crate) pixels: Vec<u8>,
}

/// What is wrong with a file; the caller, which knows the path, makes an error of it.
pub(crate) enum IdxProblem {
    /// The system could not read the file.
    Io(io::Error),
    /// The bytes are not valid.
    Format { found: String, expected: String },
}

/// Reads images, magic 0x00000803, from a file of `length` bytes.
pub(crate) fn read_images(file: impl BufRead, length: u64) -> Result<IdxImages, IdxProblem> {
    let ([_, height, width], pixels) = read(file, length, (0x0803, "an image file"))?;
    Ok(IdxImages {
        height: height as usize,
        width: width as usize,
        pixels,
    })
}

/// Reads labels, magic 0x00000801, from a file of `length` bytes.
pub(crate) fn read_labels(file: impl BufRead, length: u64) -> Result<Vec<u8>, IdxProblem> {
    let ([_], labels) = read(file, length, (0x0801, "a label file"))?;
    Ok(labels)
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The largest expansion by deflate: 258 bytes from two bits (RFC 1951), rounded up for the headers.
const DEFLATE_MAX_EXPANSION: u64 = 1032;

/// Above this many bytes an array may be at most `GZIP_MOST_EXPANSION` times as large as its gzip file.
/// Images are compressed to a tenth or a hundredth; a file that expands more is made to fill the memory.
const GZIP_FREE_BYTES: u64 = 1 << 26;
const GZIP_MOST_EXPANSION: u64 = 64;

/// The most bytes that are reserved before the first byte of a gzip stream is read.
const GZIP_FIRST_RESERVATION: u64 = 1 << 26;

/// The number of bytes of header and values together.
#[derive(Clone, Copy)]
enum Room {
    /// The length of a plain file.
    Exactly(u64),
    /// The most bytes to which a gzip file may expand.
    AtMost(u64),
}

type Magic = (u32, &'static str);

/// The sizes of an array of `N` dimensions and its bytes.
fn read<const N: usize>(
    mut file: impl BufRead,
    length: u64,
    magic: Magic,
) -> Result<([u32; N], Vec<u8>), IdxProblem> {
    if file.fill_buf()?.starts_with(&GZIP_MAGIC) {
        read_unpacked(MultiGzDecoder::new(file), gzip_room(length), magic)
    } else {
        read_unpacked(file, Room::Exactly(length), magic)
    }
}

/// The most bytes of a gzip file of `length` bytes: what deflate can reach, and what is plausible.
fn gzip_room(length: u64) -> Room {
    let possible = length.saturating_mul(DEFLATE_MAX_EXPANSION);
    let sensible = length
        .saturating_mul(GZIP_MOST_EXPANSION)
        .saturating_add(GZIP_FREE_BYTES);
    Room::AtMost(possible.min(sensible))
}

fn read_unpacked<const N: usize>(
    mut bytes: impl Read,
    room: Room,
    (magic, meaning): Magic,
) -> Result<([u32; N], Vec<u8>), IdxProblem> {
    let found = read_u32(&mut bytes)?;
    if found != magic {
        let expected = format!("{magic:#010x} ({meaning})");
        return Err(problem(format!("idx magic is {found:#010x}"), expected));
    }
    let mut sizes = [0; N];
    for size in &mut sizes {
        *size = read_u32(&mut bytes)?;
    }
    let header = 4 + 4 * N as u64;
    let values = checked_size(&sizes, header, room)?;
    Ok((sizes, read_values(bytes, values, room)?))
}

/// The number of values, if the file can hold them.
fn checked_size(sizes: &[u32], header: u64, room: Room) -> Result<u64, IdxProblem> {
    // Three factors below 2^32 fit.
    let values: u128 = sizes.iter().map(|size| u128::from(*size)).product();
    let promise = format!("the idx header says {sizes:?} values");
    if values == 0 {
        return Err(problem(promise, "sizes of at least 1"));
    }
    let bytes = values + u128::from(header);
    match room {
        Room::Exactly(length) if bytes != u128::from(length) => {
            let promise = format!("{promise}, {bytes} bytes with the header");
            Err(problem(promise, format!("the file's {length} bytes")))
        }
        Room::AtMost(limit) if bytes > u128::from(limit) => {
            let promise = format!("{promise}, {bytes} bytes with the header");
            let expected = format!(
                "at most the {limit} bytes that so short a gzip file may hold; if the header is \
                 right, unpack the file with gunzip"
            );
            Err(problem(promise, expected))
        }
        // Not above the room's u64.
        _ => Ok(values as u64),
    }
}

/// Reads to the end, where gzip's own checksum is compared, and expects `values` bytes.
fn read_values(bytes: impl Read, values: u64, room: Room) -> Result<Vec<u8>, IdxProblem> {
    let reservation = match room {
        Room::Exactly(_) => values,
        Room::AtMost(_) => values.min(GZIP_FIRST_RESERVATION),
    };
    let mut data = Vec::new();
    let reserved = usize::try_from(reservation).map(|n| data.try_reserve_exact(n));
    if !matches!(reserved, Ok(Ok(()))) {
        return Err(IdxProblem::Io(ErrorKind::OutOfMemory.into()));
    }
    bytes
        .take(values.saturating_add(1))
        .read_to_end(&mut data)?;
    match data.len() as u64 {
        found if found < values => Err(problem(
            format!("the file ends after {found} values"),
            format!("the {values} of its idx header"),
        )),
        found if found > values => Err(problem(
            "the file continues after its last value".to_string(),
            format!("the {values} values of its idx header and no more"),
        )),
        _ => Ok(data),
    }
}

fn read_u32(bytes: &mut impl Read) -> io::Result<u32> {
    let mut word = [0; 4];
    bytes.read_exact(&mut word)?;
    Ok(u32::from_be_bytes(word))
}

fn problem(found: String, expected: impl Into<String>) -> IdxProblem {
    IdxProblem::Format {
        found,
        expected: expected.into(),
    }
}

/// A short file and damaged gzip are errors of the format, not of the system.
impl From<io::Error> for IdxProblem {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => {
                problem("the file is truncated".to_string(), "a complete file")
            }
            ErrorKind::InvalidInput | ErrorKind::InvalidData => {
                problem(format!("damaged gzip ({error})"), "a complete gzip stream")
            }
            _ => Self::Io(error),
        }
    }
}
