//! The training text that shares the longest run of tokens with a text, to be read beside it.

use gan_core::Sequences;

/// The longest run of tokens that a text has in common with a training text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedRun {
    /// The training text's number: of several with as long a run, the shortest one, and of these the first.
    pub training: usize,
    /// Where the run begins in the text.
    pub start: usize,
    /// How many tokens it has, at least one.
    pub length: usize,
}

/// The longest shared run of each of a few `texts`; `None` if it has no token in common with the `training` texts.
///
/// The time is that of all training tokens times the texts' lengths, so this is for texts that someone reads.
/// [`Overlap`](crate::Overlap) has the lengths alone, of any number of texts.
///
/// ```
/// use gan_core::Sequences;
/// use gan_text_metrics::nearest_by_run;
///
/// let training: Sequences = [&[1, 2, 3, 4][..], &[7, 2, 3]].into_iter().collect();
/// let texts: Sequences = [&[9, 2, 3, 5][..], &[8]].into_iter().collect();
/// let found = nearest_by_run(&texts, &training);
/// assert_eq!(found[0].map(|run| (run.training, run.start, run.length)), Some((1, 1, 2)));
/// assert_eq!(found[1], None);
/// ```
pub fn nearest_by_run(texts: &Sequences, training: &Sequences) -> Vec<Option<SharedRun>> {
    texts.iter().map(|text| nearest(text, training)).collect()
}

fn nearest(text: &[u32], training: &Sequences) -> Option<SharedRun> {
    let mut known: Vec<u32> = text.to_vec();
    known.sort_unstable();
    // Of each beginning of the text, how many of its last tokens are the last ones of the other text so far.
    let mut lengths = vec![0; text.len() + 1];
    let mut best: Option<(SharedRun, usize)> = None;
    for (number, other) in training.iter().enumerate() {
        let found = longest_run(text, other, &known, &mut lengths);
        let Some((start, length)) = found else {
            continue;
        };
        let better = best.is_none_or(|(run, others_length)| {
            length > run.length || (length == run.length && other.len() < others_length)
        });
        if better {
            let run = SharedRun {
                training: number,
                start,
                length,
            };
            best = Some((run, other.len()));
        }
    }
    best.map(|(run, _)| run)
}

/// The first of the longest runs that two texts share: where it begins in the first one, and its length.
fn longest_run(
    text: &[u32],
    other: &[u32],
    known: &[u32],
    lengths: &mut [usize],
) -> Option<(usize, usize)> {
    lengths.fill(0);
    let (mut end, mut longest, mut zero) = (0, 0, true);
    for token in other {
        if known.binary_search(token).is_err() {
            if !zero {
                lengths.fill(0);
                zero = true;
            }
            continue;
        }
        zero = false;
        for place in (0..text.len()).rev() {
            let length = if text[place] == *token {
                lengths[place] + 1
            } else {
                0
            };
            lengths[place + 1] = length;
            if length > longest {
                (end, longest) = (place + 1, length);
            }
        }
    }
    (longest > 0).then(|| (end - longest, longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Overlap;
    use gan_core::Seed;
    use rand::Rng;

    #[test]
    fn the_longest_run_is_that_of_all_pairs_of_beginnings() {
        let mut rng = Seed(3).rng(gan_core::Purpose::Sample, 0);
        let mut random = |count: usize| -> Sequences {
            let mut all = Sequences::default();
            for _ in 0..count {
                let length = rng.random_range(0..12);
                all.push(
                    &(0..length)
                        .map(|_| rng.random_range(0..4))
                        .collect::<Vec<u32>>(),
                );
            }
            all
        };
        let (texts, training) = (random(60), random(20));
        let overlap = Overlap::new("texts", &texts, &training).unwrap();
        let found = nearest_by_run(&texts, &training);
        for ((text, run), expected) in texts.iter().zip(found).zip(overlap.runs) {
            let Some(run) = run else {
                assert_eq!(expected, 0);
                continue;
            };
            assert_eq!(run.length, expected);
            let shared = &text[run.start..run.start + run.length];
            let other = training.get(run.training).unwrap();
            assert!(other.windows(run.length).any(|part| part == shared));
        }
    }

    #[test]
    fn of_equal_runs_the_shortest_text_has_it() {
        let training: Sequences = [&[1, 2, 9, 9][..], &[5, 1, 2], &[1, 2, 5]]
            .into_iter()
            .collect();
        let texts: Sequences = [&[1, 2][..], &[]].into_iter().collect();
        let found = nearest_by_run(&texts, &training);
        assert_eq!(found[0].map(|run| run.training), Some(1));
        assert_eq!(found[1], None);
        assert_eq!(nearest_by_run(&texts, &Sequences::default()), [None, None]);
    }
}
