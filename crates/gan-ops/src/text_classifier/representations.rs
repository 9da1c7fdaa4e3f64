//! The numbers that stand for a token, divided into representations that are classified by the same weights.

use crate::element::Element;
use crate::features::{Features, Size};
use crate::kernels::tile::lanes;
use crate::scratch::Scratch;

/// `[lines, steps, representations · width]` → `[lines · representations, steps, width]`
pub(crate) fn split<T: Element>(
    whole: Features<T>,
    representations: usize,
    scratch: &Scratch<T>,
) -> Features<T> {
    if representations == 1 {
        return whole;
    }
    let size = Size {
        channels: whole.size.channels / representations,
        pixels: whole.size.pixels,
    };
    let mut parts = Features::new(whole.lines() * representations, size, scratch);
    let run = size.channels * lanes::<T>();
    for (number, part) in parts.lines_mut().into_iter().enumerate() {
        let from = whole.line(number / representations).chunks_exact(run);
        let from = from.skip(number % representations).step_by(representations);
        let pairs = part.chunks_exact_mut(run).zip(from);
        pairs.for_each(|(to, from)| to.copy_from_slice(from));
    }
    parts
}

/// The reverse of [`split`].
pub(crate) fn joined<T: Element>(
    parts: Features<T>,
    representations: usize,
    scratch: &Scratch<T>,
) -> Features<T> {
    if representations == 1 {
        return parts;
    }
    let run = parts.size.channels * lanes::<T>();
    let size = Size {
        channels: parts.size.channels * representations,
        pixels: parts.size.pixels,
    };
    let mut whole = Features::new(parts.lines() / representations, size, scratch);
    for (number, line) in whole.lines_mut().into_iter().enumerate() {
        for (place, to) in line.chunks_exact_mut(run).enumerate() {
            let (step, part) = (place / representations, place % representations);
            let from = parts.line(number * representations + part);
            to.copy_from_slice(&from[step * run..][..run]);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_their_share_of_every_step_and_come_back() {
        let scratch = Scratch::<f64>::default();
        let (lines, steps, width) = (3, 5, 6);
        let size = Size {
            channels: width,
            pixels: steps,
        };
        for representations in [1, 2, 3, 6] {
            let mut whole = Features::new(lines, size, &scratch);
            let numbers = whole.lines_mut().into_iter().flatten().enumerate();
            numbers.for_each(|(place, number)| *number = place as f64);
            let before = whole.values().to_vec();
            let parts = split(whole, representations, &scratch);
            let share = width / representations;
            assert_eq!(parts.lines(), lines * representations);
            for number in 0..parts.lines() {
                for (place, found) in parts.line(number).iter().enumerate() {
                    let (line, part) = (number / representations, number % representations);
                    let (step, rest) = (place / (share * 8), place % (share * 8));
                    let expected = ((line * steps + step) * width + part * share) * 8 + rest;
                    assert_eq!(*found, expected as f64);
                }
            }
            assert_eq!(joined(parts, representations, &scratch).values(), before);
        }
    }
}
