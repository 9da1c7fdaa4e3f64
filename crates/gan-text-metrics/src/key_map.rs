//! Maps from pairs of numbers, packed into 64 bits, with a hash that takes one multiplication.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Numbers by key. Keys are compared, so different ones never count as one.
pub(crate) type KeyMap = HashMap<u64, u32, BuildHasherDefault<KeyHasher>>;

/// Two numbers as one key.
pub(crate) fn key(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
}

/// The two halves of a product, one on the other, as in wyhash: all bits of a key count in all bits of the hash.
/// Nobody chooses keys to collide here, against whom the standard hash would take its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, key: u64) {
        let mixed = self.0 ^ key ^ 0xA076_1D64_78BD_642F;
        let product = u128::from(mixed) * 0xE703_7ED1_A0B4_28DB;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
