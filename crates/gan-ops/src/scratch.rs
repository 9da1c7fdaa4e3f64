//! Reused memory: after the first steps, training allocates none from the system.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Free buffers hold at most this many times the numbers that were lent at one time: enough for two
/// alternating batch sizes, and for buffers of several lengths that are lent one after the other.
const MOST_FREE_SHARE: usize = 4;

/// More free buffers than any network needs for two sizes of batch.
const MOST_FREE: usize = 512;

/// Free buffers of any lengths; if they are too many, the least recently used one is freed. Clones share
/// them.
#[derive(Clone, Debug)]
pub(crate) struct Scratch<T> {
    shelf: Arc<Mutex<Shelf<T>>>,
}

#[derive(Debug)]
struct Shelf<T> {
    free: VecDeque<Vec<T>>,
    /// Numbers in free buffers, in those on loan, and the most that were on loan at one time.
    free_numbers: usize,
    lent: usize,
    most_lent: usize,
}

impl<T: Copy + Default> Scratch<T> {
    /// A buffer of `len` numbers with any values; it comes back here when it is dropped.
    pub(crate) fn take(&self, len: usize) -> Buffer<T> {
        let values = lock(&self.shelf).take(len);
        Buffer {
            values: values.unwrap_or_else(|| vec![T::default(); len]),
            home: Arc::clone(&self.shelf),
        }
    }

    /// A buffer with these numbers.
    pub(crate) fn copy_of(&self, values: &[T]) -> Buffer<T> {
        let mut copy = self.take(values.len());
        copy.copy_from_slice(values);
        copy
    }
}

fn lock<T>(shelf: &Mutex<Shelf<T>>) -> MutexGuard<'_, Shelf<T>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Shelf<T> {
    /// Lends `len` numbers: a free buffer of that length, if there is one.
    fn take(&mut self, len: usize) -> Option<Vec<T>> {
        self.lent += len;
        self.most_lent = self.most_lent.max(self.lent);
        let position = self.free.iter().position(|values| values.len() == len)?;
        self.free_numbers -= len;
        self.free.remove(position)
    }

    fn give_back(&mut self, values: Vec<T>) {
        self.lent -= values.len();
        if values.is_empty() {
            return;
        }
        self.free_numbers += values.len();
        self.free.push_back(values);
        let most = self.most_lent.saturating_mul(MOST_FREE_SHARE);
        while self.free_numbers > most || self.free.len() > MOST_FREE {
            let oldest = self.free.pop_front();
            self.free_numbers -= oldest.map_or(0, |values| values.len());
        }
    }
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        let shelf = Shelf {
            free: VecDeque::new(),
            free_numbers: 0,
            lent: 0,
            most_lent: 0,
        };
        Self {
            shelf: Arc::new(Mutex::new(shelf)),
        }
    }
}

/// A slice on loan from a [`Scratch`].
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    values: Vec<T>,
    home: Arc<Mutex<Shelf<T>>>,
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        lock(&self.home).give_back(std::mem::take(&mut self.values));
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values
    }
}

impl<T> AsRef<[T]> for Buffer<T> {
    fn as_ref(&self) -> &[T] {
        &self.values
    }
}

impl<T> DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_that_was_given_back_is_lent_again_to_who_asks_for_its_length() {
        let scratch = Scratch::<f32>::default();
        let first = scratch.take(3);
        let (place, other) = (first.as_ptr(), scratch.take(3));
        assert_ne!(place, other.as_ptr());
        drop(first);
        assert_ne!(place, scratch.take(4).as_ptr());
        assert_eq!(place, scratch.take(3).as_ptr());
    }

    /// A training step's loans: some together, some one after the other, of two batches in turn.
    fn step(scratch: &Scratch<f32>, n: usize) -> Vec<*const f32> {
        let kept: Vec<_> = (1..=5).map(|layer| scratch.take(layer * n)).collect();
        let mut places: Vec<_> = kept.iter().map(|buffer| buffer.as_ptr()).collect();
        places.extend((6..=9).map(|layer| scratch.take(layer * n).as_ptr()));
        places
    }

    #[test]
    fn two_sizes_of_batch_in_turn_take_no_new_memory() {
        let scratch = Scratch::<f32>::default();
        let sizes = [10, 9, 10, 9, 10, 9];
        let places = sizes.map(|n| step(&scratch, n));
        let (first, last) = places.split_at(2);
        let known = |place: &*const f32| first.iter().flatten().any(|first| first == place);
        assert!(last.iter().flatten().all(known));
    }

    #[test]
    fn ever_new_lengths_do_not_fill_the_memory() {
        let scratch = Scratch::<f32>::default();
        for n in 1..1000 {
            step(&scratch, n);
            let shelf = lock(&scratch.shelf);
            let held: usize = shelf.free.iter().map(Vec::len).sum();
            // At one time: 1 + … + 5 parts, and one of 9.
            assert_eq!((shelf.lent, shelf.most_lent), (0, 24 * n));
            assert!(held == shelf.free_numbers && held <= 4 * shelf.most_lent);
            assert!(shelf.free.len() <= MOST_FREE);
        }
    }
}
