//! The rows of a table that stand for tokens.

use crate::element::Element;
use crate::kernels::tile::lanes;

/// x `[width, lanes]` ← the row of each lane's token, in a table `[vocabulary, width]`.
pub(crate) fn embed<T: Element>(table: &[T], width: usize, tokens: &[u32], x: &mut [T]) {
    for (lane, token) in tokens.iter().enumerate() {
        let row = &table[*token as usize * width..];
        let numbers = x[lane..].iter_mut().step_by(tokens.len()).zip(row);
        numbers.for_each(|(to, from)| *to = *from);
    }
}

/// The gradient with respect to a table of `len` numbers, from those with respect to embedded tokens,
/// `[tokens, width, lanes]`; tokens `[tokens, lanes]`. Rows are summed in the order of the tokens.
pub(crate) fn by_embedding<T: Element>(
    len: usize,
    width: usize,
    tokens: &[u32],
    by_embedded: &[T],
) -> Vec<T> {
    let lanes = lanes::<T>();
    let mut gradient = vec![T::zero(); len];
    let lines = tokens
        .chunks_exact(lanes)
        .zip(by_embedded.chunks_exact(width * lanes));
    for (tokens, values) in lines {
        for (lane, token) in tokens.iter().enumerate() {
            let row = &mut gradient[*token as usize * width..][..width];
            let values = values[lane..].iter().step_by(lanes);
            row.iter_mut()
                .zip(values)
                .for_each(|(sum, value)| *sum += *value);
        }
    }
    gradient
}
