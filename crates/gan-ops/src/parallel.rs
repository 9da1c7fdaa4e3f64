//! How work is divided among threads, and loops among vector lanes.

/// Below this many multiplications a second thread costs more than it saves.
const SERIAL_WORK: usize = 200_000;

/// Boundaries between threads lie at multiples of this many rows, so that few kernels see an edge, and
/// no share is smaller: faer computes a product of one row by other code than one of many.
const ROW_ALIGNMENT: usize = 16;

/// The fewest multiplications of a share: faer also computes products of at most 4,096 by other code, and
/// up to three batches side by side are separate products.
const LEAST_WORK: usize = 4 * 4096;

/// How many of `rows` rows a thread takes at once, when each costs `work_per_row` multiplications.
///
/// Threads never share a row, and a row's numbers do not depend on which other rows are computed
/// beside it as long as those are not too few. The last share is as large as the others or the
/// smallest that is allowed, at least; so results are the same for every number of threads.
pub(crate) fn rows_per_task(rows: usize, work_per_row: usize) -> usize {
    share(rows, work_per_row, rayon::current_num_threads())
}

fn share(rows: usize, work_per_row: usize, threads: usize) -> usize {
    if threads == 1 || rows.saturating_mul(work_per_row) < SERIAL_WORK {
        return rows.max(1);
    }
    let least = LEAST_WORK.div_ceil(work_per_row).max(ROW_ALIGNMENT);
    let even = rows.div_ceil(threads).max(least);
    let mut shares = (even.next_multiple_of(ROW_ALIGNMENT)..rows).step_by(ROW_ALIGNMENT);
    let leaves_enough = |share: &usize| rows.is_multiple_of(*share) || rows % share >= least;
    shares.find(leaves_enough).unwrap_or(rows)
}

/// Loops over slices.
///
/// `call` must be marked `#[inline(always)]`, and so must be all that it calls: only what is
/// inlined is compiled for the processor at hand.
pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel as compiled for the processor's widest vector instructions.
///
/// They only change the speed: the compiler neither reorders a sum nor fuses a product and a sum into one
/// rounding.
pub(crate) fn vectorized<T>(kernel: impl Kernel<Output = T>) -> T {
    pulp::Arch::new().dispatch(kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `par_chunks` gives each task.
    fn shares(threads: usize, rows: usize, work_per_row: usize) -> Vec<usize> {
        let share = share(rows, work_per_row, threads);
        let firsts = (0..rows).step_by(share);
        firsts.map(|first| share.min(rows - first)).collect()
    }

    #[test]
    fn no_share_is_smaller_than_sixteen_rows_or_a_small_product() {
        for threads in [2, 3, 4, 7] {
            for rows in (1..200).chain([289, 784, 1000, 1025, 60_001]) {
                for work_per_row in [1, 5, 1000, 100_000] {
                    let shares = shares(threads, rows, work_per_row);
                    let enough = |share: usize| share >= 16 && share * work_per_row >= LEAST_WORK;
                    assert!(
                        shares.len() == 1 || shares.iter().all(|share| enough(*share)),
                        "{threads} {rows} {work_per_row}: {shares:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn usual_widths_are_shared_out_evenly() {
        assert_eq!(shares(2, 1024, 10_000), [512, 512]);
        assert_eq!(shares(2, 784, 10_000), [400, 384]);
        assert_eq!(shares(2, 97, 10_000), [64, 33]);
        assert_eq!(shares(4, 512, 10_000), [128; 4]);
        // One row cannot stand alone.
        assert_eq!(shares(2, 33, 10_000), [33]);
    }
}
