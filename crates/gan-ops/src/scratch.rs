//! Memory that is used again: after the first steps, training takes none from the system.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// More free buffers than any network needs for two sizes of batch; what is longest unused goes.
const MOST_FREE: usize = 512;

/// Buffers that are free, of any lengths.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    free: Free<T>,
}

type Free<T> = Arc<Mutex<VecDeque<Vec<T>>>>;

impl<T: Copy + Default> Scratch<T> {
    /// A buffer of `len` numbers with any values; it comes back here when it is dropped.
    pub(crate) fn take(&self, len: usize) -> Buffer<T> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let position = free.iter().position(|values| values.len() == len);
        let values = position.and_then(|position| free.remove(position));
        Buffer {
            values: values.unwrap_or_else(|| vec![T::default(); len]),
            home: Arc::clone(&self.free),
        }
    }

    /// A buffer with these numbers.
    pub(crate) fn copy_of(&self, values: &[T]) -> Buffer<T> {
        let mut copy = self.take(values.len());
        copy.copy_from_slice(values);
        copy
    }
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self {
            free: Arc::default(),
        }
    }
}

/// A slice on loan from a [`Scratch`].
#[derive(Debug)]
pub(crate) struct Buffer<T> {
    values: Vec<T>,
    home: Free<T>,
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        let mut free = self.home.lock().unwrap_or_else(PoisonError::into_inner);
        free.push_back(std::mem::take(&mut self.values));
        if free.len() > MOST_FREE {
            free.pop_front();
        }
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

    #[test]
    fn ever_new_lengths_do_not_fill_the_memory() {
        let scratch = Scratch::<f32>::default();
        for len in 0..1000 {
            drop(scratch.take(len));
        }
        assert_eq!(scratch.free.lock().unwrap().len(), MOST_FREE);
    }
}
