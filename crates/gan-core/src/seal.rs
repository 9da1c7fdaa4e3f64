//! A checksum of a whole safetensors file, stored in the file's own metadata.
//!
//! The metadata is a JSON object in a string of the file's JSON header. The value of its key `sha256` is
//! the SHA-256 of the file with 64 zeros in that value's place.

use crate::hex;
use sha2::{Digest, Sha256};

const KEY: &str = "sha256";

/// The checksum's placeholder while it is computed.
const BLANK: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The key as written in the header, where the quotes of a string in a string are escaped.
const KEY_IN_HEADER: &[u8] = br#"\"sha256\":\""#;

/// Bytes before the header, which hold its length.
const PREFIX: usize = 8;

/// `metadata` with a blank checksum; `None` if it is not a JSON object.
pub(crate) fn with_blank(metadata: &str) -> Option<String> {
    let mut object: serde_json::Map<_, _> = serde_json::from_str(metadata).ok()?;
    object.insert(KEY.to_string(), BLANK.into());
    serde_json::to_string(&object).ok()
}

/// Replaces a file's blank checksum by the right one; false if there is no blank checksum.
pub(crate) fn fill(file: &mut [u8]) -> bool {
    let Some(place) = place(file) else {
        return false;
    };
    let sum = sum(file, place);
    file[place..place + BLANK.len()].copy_from_slice(sum.as_bytes());
    true
}

/// The metadata of `file` without its checksum, and true, if the checksum is right; unchanged, and false,
/// if there is none.
///
/// # Errors
/// What was found, if the checksum is wrong.
pub(crate) fn check(file: &[u8], metadata: String) -> Result<(String, bool), String> {
    let object = serde_json::from_str::<serde_json::Map<_, _>>(&metadata);
    let Ok(mut object) = object else {
        return Ok((metadata, false));
    };
    let Some(serde_json::Value::String(stated)) = object.remove(KEY) else {
        return Ok((metadata, false));
    };
    let found = place(file).map(|place| sum(file, place));
    if found.as_ref() != Some(&stated) {
        let found = found.unwrap_or_else(|| "not in the expected place".to_string());
        return Err(format!("SHA-256 is {found}, expected {stated}"));
    }
    let metadata = serde_json::to_string(&object).map_err(|error| error.to_string())?;
    Ok((metadata, true))
}

/// The position of the checksum, if there is exactly one.
fn place(file: &[u8]) -> Option<usize> {
    let length = file.first_chunk::<PREFIX>()?;
    let end = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header = file.get(PREFIX..end.checked_add(PREFIX)?)?;
    let mut keys = header
        .windows(KEY_IN_HEADER.len())
        .enumerate()
        .filter(|(_, window)| *window == KEY_IN_HEADER);
    let (key, _) = keys.next()?;
    let place = PREFIX + key + KEY_IN_HEADER.len();
    let whole = place + BLANK.len() <= PREFIX + header.len();
    (whole && keys.next().is_none()).then_some(place)
}

/// The checksum of `file`, as 64 hexadecimal digits, with a blank one at `place`.
fn sum(file: &[u8], place: usize) -> String {
    let mut hasher = Sha256::new();
    hasher.update(&file[..place]);
    hasher.update(BLANK);
    hasher.update(&file[place + BLANK.len()..]);
    hex(&hasher.finalize())
}
