//! Thread pools as values.

use crate::team::Team;
use candle_core::Result;

/// The stack of a pool's thread: as large as a main thread's usually is, as whole programs run on one.
pub(crate) const STACK_BYTES: usize = 8 << 20;

/// Threads that everything computes on that runs inside [`install`](Self::install).
///
/// A pool has a rayon pool and a team of helpers. The operations that train divide their work by a counter among
/// the thread that calls them and the helpers, which look for more work for half a millisecond after a
/// job, then sleep; all else runs on rayon's threads. What runs in no pool of this kind has one team for the
/// whole process, which starts when it is first needed, and rayon's own rules. Results do not depend on the number
/// of threads. Pools are independent of each other: give one to every long piece of work. Pieces of work in one
/// pool share its threads: while one has the helpers, another computes alone.
///
/// ```
/// use gan_ops::Pool;
///
/// let pool = Pool::new(Some(2))?;
/// let threads = std::thread::scope(|scope| {
///     let others = scope.spawn(|| pool.install(rayon::current_num_threads));
///     [pool.install(rayon::current_num_threads), others.join().unwrap_or(0)]
/// });
/// assert_eq!(threads, [2, 2]);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Pool {
    threads: rayon::ThreadPool,
    /// Helps whichever of the threads computes in parallel; kept for as long as the pool.
    _team: Team,
}

impl Pool {
    /// A pool of this many threads. `None`: `RAYON_NUM_THREADS`, or else as many as the process may use.
    ///
    /// # Errors
    /// When the number is 0, or the system cannot start so many threads.
    pub fn new(threads: Option<usize>) -> Result<Self> {
        let threads = threads.unwrap_or_else(usual_threads);
        if threads == 0 {
            candle_core::bail!("a pool of 0 threads, expected 1 or more");
        }
        match Self::start(threads) {
            Ok(pool) => Ok(pool),
            Err(error) => candle_core::bail!("{threads} threads: {error}; choose fewer"),
        }
    }

    fn start(threads: usize) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let team = Team::new(threads)?;
        let member = team.member();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("pool {index}"))
            .stack_size(STACK_BYTES)
            .start_handler(move |_| member.join())
            .build()?;
        Ok(Self {
            threads: pool,
            _team: team,
        })
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Runs `work` on one of the threads, which shares parallel work with the others, and returns its
    /// result. The calling thread only waits, unless it is one of the pool itself: no other thread ever
    /// waits for it.
    ///
    /// Run a whole training inside one call rather than a step: handing work to a sleeping thread and back
    /// costs as much as a small layer. A panic in `work` continues in the caller.
    ///
    /// A thread of the pool that waits for others in rayon's or candle's parallel work may begin another caller's
    /// `work` meanwhile. So `work` must not hold a lock, or borrow a `RefCell` of its thread, during such
    /// work, if other work in the pool needs the same one.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.threads.install(work)
    }
}

/// `RAYON_NUM_THREADS`, or else as many threads as the process may use.
pub(crate) fn usual_threads() -> usize {
    let set = std::env::var("RAYON_NUM_THREADS").ok();
    let set = set.and_then(|set| set.parse().ok());
    set.filter(|threads| *threads > 0)
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// Sets the two environment variables that candle reads, unless they are set; `threads` as for
/// [`Pool::new`]. They are all that is set for a whole process, so it is a program that calls this, first in
/// `main`; a library does not. It does nothing if the process has other threads, which may be reading
/// the environment, or if the system does not tell. No result depends on it.
///
/// - `RAYON_NUM_THREADS`, the number of threads: into how many parts candle divides a matrix product.
///   Without it, candle reads `/proc/cpuinfo` at each one to count the processor's cores. The parts are
///   of whole sums, which are added up in the same order for every number.
/// - `RUST_LIB_BACKTRACE=0`: otherwise candle writes a backtrace into the text of its errors where
///   `RUST_BACKTRACE` is set, which is for panics.
pub fn set_process_defaults(threads: Option<usize>) {
    if is_single_threaded() {
        set_default("RAYON_NUM_THREADS", threads.unwrap_or_else(usual_threads));
        set_default("RUST_LIB_BACKTRACE", 0);
    }
}

fn set_default(name: &str, value: usize) {
    if std::env::var_os(name).is_none() {
        // SAFETY: setting a variable is unsound only while another thread reads or writes the
        // environment. The one caller has just seen that this process has no other thread, and
        // nothing between that look and here starts one.
        #[allow(unsafe_code)]
        unsafe {
            std::env::set_var(name, value.to_string());
        }
    }
}

/// Whether the calling thread is the only one; `false` if the system does not say.
fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::current;

    #[test]
    fn the_calling_thread_is_not_one_of_the_pool() {
        let pool = Pool::new(Some(1)).unwrap();
        assert_eq!(pool.threads(), 1);
        let caller = current().id();
        let first = pool.install(|| current().id());
        assert_ne!(first, caller);
        // Another thread gets the pool's one thread, while this one does nothing for it.
        let second = std::thread::scope(|scope| {
            let other = scope.spawn(|| pool.install(|| current().id()));
            other.join().unwrap()
        });
        assert_eq!(first, second);
    }

    #[test]
    fn work_inside_work_stays_on_its_thread() {
        let pool = Pool::new(Some(1)).unwrap();
        let (outer, inner) = pool.install(|| (current().id(), pool.install(|| current().id())));
        assert_eq!(outer, inner);
    }

    #[test]
    fn no_threads_are_refused() {
        let error = Pool::new(Some(0)).unwrap_err().to_string();
        assert!(error.contains("0 threads") && error.contains("1 or more"));
    }
}
