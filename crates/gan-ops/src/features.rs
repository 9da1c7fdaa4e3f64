//! Feature maps of all examples, and their division among threads.

use crate::kernels::tile::lanes;
use crate::scratch::{Buffer, Scratch};
use gan_core::ImageShape;
use std::ops::Range;

/// The size of one example's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) channels: usize,
    pub(crate) pixels: usize,
}

impl Size {
    pub(crate) fn of(shape: ImageShape) -> Self {
        Self {
            channels: shape.channels,
            pixels: shape.height * shape.width,
        }
    }

    pub(crate) fn elements(self) -> usize {
        self.channels * self.pixels
    }
}

/// Features `[lines, pixels, channels, lanes]`: all channels of a pixel lie together, for the examples of a
/// line, so that a sum over channels reads memory in its order.
#[derive(Debug)]
pub(crate) struct Features<T> {
    values: Buffer<T>,
    pub(crate) size: Size,
}

/// How features are divided into parts that are computed independently of each other.
#[derive(Clone, Debug)]
pub(crate) enum Division {
    /// Each part has these channels of all pixels and examples.
    Channels(Vec<Range<usize>>),
    /// Each part has so many pixels, or the rest, of a line, with all channels.
    Pixels(usize),
}

impl Division {
    /// By channels, `step` of them a part.
    pub(crate) fn channels(channels: usize, step: usize) -> Self {
        let starts = (0..channels).step_by(step.max(1));
        Self::Channels(
            starts
                .map(|start| start..channels.min(start + step))
                .collect(),
        )
    }
}

/// Which part of features it is.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) lines: Range<usize>,
    pub(crate) pixels: Range<usize>,
    pub(crate) channels: Range<usize>,
    /// Whether its pixels lie together, so that they are one run.
    together: bool,
}

/// A part of features that one thread writes: slices `[pixels, channels, lanes]` in their order in memory,
/// as long as they lie together.
#[derive(Debug)]
pub(crate) struct Part<'a, T> {
    pub(crate) region: Region,
    pub(crate) runs: Vec<&'a mut [T]>,
}

impl<T: Copy + Default> Features<T> {
    /// Features with any values.
    pub(crate) fn new(lines: usize, size: Size, scratch: &Scratch<T>) -> Self {
        Self {
            values: scratch.take(lines * size.elements() * lanes::<T>()),
            size,
        }
    }

    /// Numbers of a line.
    fn line_len(&self) -> usize {
        self.size.elements() * lanes::<T>()
    }

    pub(crate) fn lines(&self) -> usize {
        self.values.len() / self.line_len().max(1)
    }

    /// `[pixels, channels, lanes]`
    pub(crate) fn line(&self, line: usize) -> &[T] {
        &self.values[line * self.line_len()..][..self.line_len()]
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn into_values(self) -> Buffer<T> {
        self.values
    }

    /// A copy of some lines.
    pub(crate) fn some_lines(&self, lines: Range<usize>, scratch: &Scratch<T>) -> Self {
        let range = lines.start * self.line_len()..lines.end * self.line_len();
        Self {
            values: scratch.copy_of(&self.values[range]),
            size: self.size,
        }
    }

    /// One slice a line.
    pub(crate) fn lines_mut(&mut self) -> Vec<&mut [T]> {
        let line_len = self.line_len();
        self.values.chunks_exact_mut(line_len).collect()
    }

    /// [`lines_mut`](Self::lines_mut) in groups of `count`, one after another.
    pub(crate) fn groups_mut(&mut self, count: usize) -> Vec<Vec<&mut [T]>> {
        let mut lines = self.lines_mut().into_iter();
        let mut groups = Vec::new();
        loop {
            let group: Vec<_> = lines.by_ref().take(count).collect();
            if group.is_empty() {
                return groups;
            }
            groups.push(group);
        }
    }

    /// All parts of a division, in its order.
    pub(crate) fn parts(&mut self, division: &Division) -> Vec<Part<'_, T>> {
        let (size, lines) = (self.size, self.lines());
        let lanes = lanes::<T>();
        match division {
            Division::Channels(ranges) => {
                let part = |channels: &Range<usize>| Part {
                    region: Region {
                        lines: 0..lines,
                        pixels: 0..size.pixels,
                        channels: channels.clone(),
                        together: false,
                    },
                    runs: Vec::with_capacity(lines * size.pixels),
                };
                let mut parts: Vec<_> = ranges.iter().map(part).collect();
                for pixel in self.values.chunks_exact_mut(size.channels * lanes) {
                    let mut rest = pixel;
                    for (part, channels) in parts.iter_mut().zip(ranges) {
                        let (run, after) = rest.split_at_mut(channels.len() * lanes);
                        part.runs.push(run);
                        rest = after;
                    }
                }
                parts
            }
            Division::Pixels(step) => {
                let line_len = self.line_len();
                let of_line = |(line, values)| {
                    let runs = <[T]>::chunks_mut(values, step * size.channels * lanes);
                    runs.enumerate().map(move |(index, run)| {
                        let first = index * step;
                        Part {
                            region: Region {
                                lines: line..line + 1,
                                pixels: first..size.pixels.min(first + step),
                                channels: 0..size.channels,
                                together: true,
                            },
                            runs: vec![run],
                        }
                    })
                };
                let lines = self.values.chunks_exact_mut(line_len).enumerate();
                lines.flat_map(of_line).collect()
            }
        }
    }

    /// The same part of these features as `region` is of others of this size, `lines_before` lines further
    /// on, in slices as [`Part::runs`].
    pub(crate) fn runs(&self, region: &Region, lines_before: usize) -> impl Iterator<Item = &[T]> {
        let (channels, pixels, lanes) =
            (region.channels.clone(), region.pixels.clone(), lanes::<T>());
        let (count, step) = if region.together {
            (1, pixels.len())
        } else {
            (pixels.len(), 1)
        };
        let lines = region.lines.start + lines_before..region.lines.end + lines_before;
        lines.flat_map(move |line| {
            let (values, channels) = (self.line(line), channels.clone());
            (0..count).map(move |run| {
                let place = (pixels.start + run) * self.size.channels + channels.start;
                &values[place * lanes..][..step * channels.len() * lanes]
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        channels: 5,
        pixels: 7,
    };

    fn divisions() -> Vec<Division> {
        let channels = [1, 2, 5, 8].map(|step| Division::channels(SIZE.channels, step));
        let pixels = [1, 3, 7, 9].map(Division::Pixels);
        channels.into_iter().chain(pixels).collect()
    }

    /// Features whose numbers are their places, from `first` on.
    fn places(lines: usize, first: usize) -> Features<f64> {
        let mut features = Features::new(lines, SIZE, &Scratch::default());
        let values = features.values.iter_mut().enumerate();
        values.for_each(|(place, value)| *value = (first + place) as f64);
        features
    }

    #[test]
    fn parts_have_every_number_once_and_it_lies_in_their_region() {
        for division in divisions() {
            let mut features = places(3, 0);
            let mut seen = vec![0; features.values.len()];
            for part in features.parts(&division) {
                let Region {
                    lines,
                    pixels,
                    channels,
                    ..
                } = part.region;
                let values = part.runs.iter().flat_map(|run| run.iter());
                let mut expected = Vec::new();
                for (line, pixel) in lines.flat_map(|line| pixels.clone().map(move |p| (line, p))) {
                    for channel in channels.clone() {
                        let row = (line * SIZE.pixels + pixel) * SIZE.channels + channel;
                        let numbers = row * lanes::<f64>()..(row + 1) * lanes::<f64>();
                        expected.extend(numbers.map(|number| number as f64));
                    }
                }
                assert!(values.clone().copied().eq(expected));
                values.for_each(|value| seen[*value as usize] += 1);
            }
            assert!(seen.iter().all(|count| *count == 1), "{division:?}");
        }
    }

    #[test]
    fn runs_of_others_are_those_of_the_part() {
        let before = 2;
        let others = places(5, 0);
        for division in divisions() {
            let line = SIZE.elements() * lanes::<f64>();
            let mut features = places(3, before * line);
            for part in features.parts(&division) {
                let runs = others.runs(&part.region, before);
                assert!(runs.eq(part.runs.iter().map(|run| &**run)), "{division:?}");
            }
        }
    }

    #[test]
    fn some_lines_are_copied() {
        let (all, scratch) = (places(5, 0), Scratch::default());
        let some = all.some_lines(1..4, &scratch);
        assert_eq!([all.lines(), some.lines()], [5, 3]);
        assert_eq!(some.line(0), all.line(1));
        assert_eq!(some.line(2), all.line(3));
        assert_eq!(some.values().len(), some.into_values().len());
    }
}
