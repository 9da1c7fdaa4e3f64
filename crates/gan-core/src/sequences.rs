//! Token sequences in memory.

/// Sequences of token ids, one after another in one piece of memory, that data sets and scores share.
///
/// ```
/// use gan_core::Sequences;
///
/// let mut sequences = Sequences::default();
/// sequences.push(&[3, 1, 4]);
/// sequences.push(&[]);
/// assert_eq!((sequences.len(), sequences.tokens()), (2, 3));
/// assert_eq!(sequences.get(0), Some(&[3, 1, 4][..]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequences {
    ids: Vec<u32>,
    /// Where each sequence ends.
    ends: Vec<usize>,
}

impl Sequences {
    /// Adds a sequence, which may be empty.
    pub fn push(&mut self, ids: &[u32]) {
        self.ids.extend_from_slice(ids);
        self.ends.push(self.ids.len());
    }

    /// The number of sequences.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no sequences.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of tokens in all sequences.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Sequence `index`, or `None` beyond the last.
    pub fn get(&self, index: usize) -> Option<&[u32]> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.ids.get(start..*self.ends.get(index)?)
    }

    /// All sequences, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u32]> {
        (0..self.len()).map(|index| self.get(index).unwrap_or_default())
    }

    /// Passes on all sequences as bytes, for a hash: of each its length as 8 bytes, then its ids as 4 each, the least
    /// first.
    pub fn each_byte_run(&self, each: &mut dyn FnMut(&[u8])) {
        for sequence in self.iter() {
            each(&(sequence.len() as u64).to_le_bytes());
            sequence.iter().for_each(|id| each(&id.to_le_bytes()));
        }
    }

    /// The sequences with these numbers, from 0, in their order; numbers may repeat.
    ///
    /// # Panics
    /// When a number is not below [`len`](Self::len).
    #[must_use]
    pub fn select(&self, numbers: impl IntoIterator<Item = usize>) -> Self {
        let mut selected = Self::default();
        for number in numbers {
            let sequence = self.get(number);
            assert!(sequence.is_some(), "sequence {number} of {}", self.len());
            selected.push(sequence.unwrap_or_default());
        }
        selected
    }
}

impl<'a> FromIterator<&'a [u32]> for Sequences {
    fn from_iter<I: IntoIterator<Item = &'a [u32]>>(sequences: I) -> Self {
        let mut all = Self::default();
        sequences
            .into_iter()
            .for_each(|sequence| all.push(sequence));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_come_back_as_they_were_added() {
        let parts: [&[u32]; 4] = [&[], &[7], &[1, 2, 3], &[]];
        let sequences: Sequences = parts.into_iter().collect();
        assert!(sequences.iter().eq(parts));
        assert_eq!((sequences.len(), sequences.tokens()), (4, 4));
        assert_eq!(sequences.get(4), None);
        let selected = sequences.select([2, 1, 2]);
        assert!(selected.iter().eq([parts[2], parts[1], parts[2]]));
    }
}
