//! How work is divided among threads, and loops among vector lanes.

/// Below this many multiplications a second thread costs more than it saves.
const SERIAL_WORK: usize = 200_000;

/// Boundaries between threads lie at multiples of this many rows, so that few kernels see an edge.
const ROW_ALIGNMENT: usize = 16;

/// How many of `rows` rows a thread takes at once, when each costs `work_per_row` multiplications.
///
/// Threads never share a row, and a row's numbers do not depend on which other rows are computed
/// beside it, so results are the same for every number of threads.
pub(crate) fn rows_per_task(rows: usize, work_per_row: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 || rows.saturating_mul(work_per_row) < SERIAL_WORK {
        return rows.max(1);
    }
    let share = rows.div_ceil(threads);
    share.next_multiple_of(ROW_ALIGNMENT).min(rows).max(1)
}

/// Loops over slices.
///
/// `call` must be marked `#[inline(always)]`, and so must be all that it calls: only what is
/// inlined is compiled for the processor at hand.
pub(crate) use pulp::NullaryFnOnce as Kernel;

/// Runs a kernel as compiled for the processor's widest vector instructions.
///
/// They change the speed alone: the compiler neither reorders a sum nor joins a product and a sum
/// into one rounding.
pub(crate) fn vectorized<T>(kernel: impl Kernel<Output = T>) -> T {
    pulp::Arch::new().dispatch(kernel)
}
