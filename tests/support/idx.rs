//! Files of MNIST's format.

/// An IDX file of bytes: its dimensions, then the values.
pub(crate) fn idx(sizes: &[u32], values: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, sizes.len() as u8];
    bytes.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    bytes.extend(values);
    bytes
}
