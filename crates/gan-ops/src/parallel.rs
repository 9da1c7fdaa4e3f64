//! How work is divided among threads.

use std::sync::{Mutex, PoisonError};

pub(crate) use crate::team::for_each_piece;

/// Bytes of each slice in a piece: a few microseconds of work, so that all threads end together, and far more
/// than handing it out takes.
const PIECE_BYTES: usize = 32 << 10;

/// How many numbers of each slice make a piece, in loops that do little with each.
pub(crate) const fn piece_len<T>() -> usize {
    PIECE_BYTES / size_of::<T>()
}

/// [`for_each_piece`] with a value for each, such as a slice to write to: `work(k, parts[k])` for every k.
pub(crate) fn for_each_part<P: Send>(parts: Vec<P>, work: impl Fn(usize, P) + Sync) {
    map_parts(parts, work);
}

/// [`for_each_part`] with the results in order.
pub(crate) fn map_parts<P: Send, R: Send>(
    parts: Vec<P>,
    work: impl Fn(usize, P) -> R + Sync,
) -> Vec<R> {
    let slots: Vec<_> = parts
        .into_iter()
        .map(|part| Mutex::new((Some(part), None)))
        .collect();
    let lock = |k: usize| slots[k].lock().unwrap_or_else(PoisonError::into_inner);
    for_each_piece(slots.len(), |k| {
        let part = lock(k).0.take();
        if let Some(part) = part {
            let result = work(k, part);
            lock(k).1 = Some(result);
        }
    });
    let results = slots.into_iter().map(Mutex::into_inner);
    results
        .filter_map(|slot| slot.unwrap_or_else(PoisonError::into_inner).1)
        .collect()
}

/// `[f(0), …, f(count - 1)]`, computed by [`for_each_piece`].
pub(crate) fn map_pieces<R: Send>(count: usize, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    map_parts((0..count).collect(), |_, k| f(k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_handed_out_once_with_its_number() {
        let mut values = vec![0; 100];
        let parts = values.chunks_mut(7).collect();
        for_each_part(parts, |k, part: &mut [usize]| {
            part.iter_mut().for_each(|value| *value += k + 1);
        });
        let expected = (0..100).map(|place| place / 7 + 1);
        assert!(values.into_iter().eq(expected));
    }

    #[test]
    fn results_come_in_order() {
        for count in [0, 1, 2, 1000] {
            let squares = map_pieces(count, |k| Box::new(k * k));
            assert!(
                squares
                    .into_iter()
                    .map(|square| *square)
                    .eq((0..count).map(|k| k * k))
            );
        }
    }
}
