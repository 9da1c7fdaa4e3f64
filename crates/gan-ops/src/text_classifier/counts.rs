//! How many sequences are tokens and how many are soft, and how both lie in lines.

use crate::kernels::tile::lanes;
use crate::language::{from_lines, to_lines};

/// The number of sequences of each kind. Those of tokens come first; soft ones begin with a line of their own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    pub(crate) tokens: usize,
    pub(crate) soft: usize,
}

impl Counts {
    pub(crate) fn all(self) -> usize {
        self.tokens + self.soft
    }

    /// The lines that hold tokens.
    pub(crate) fn lines_of_tokens<T>(self) -> usize {
        self.tokens.div_ceil(lanes::<T>())
    }

    /// Numbers `[n, each]` as lines `[lines, each, lanes]`; `other` where there is no sequence.
    pub(crate) fn lines<T, V: Copy>(self, numbers: &[V], each: usize, other: V) -> Vec<V> {
        let (tokens, soft) = numbers.split_at(self.tokens * each);
        let mut lines = to_lines::<T, _>(tokens, each, other);
        lines.extend(to_lines::<T, _>(soft, each, other));
        lines
    }

    /// The reverse of [`lines`](Self::lines).
    pub(crate) fn sequences<T, V: Copy>(self, lines: &[V], each: usize) -> Vec<V> {
        let of_tokens = self.lines_of_tokens::<T>() * each * lanes::<T>();
        let (tokens, soft) = lines.split_at(of_tokens);
        let mut numbers = from_lines::<T, _>(tokens, each, self.tokens);
        numbers.extend(from_lines::<T, _>(soft, each, self.soft));
        numbers
    }
}
