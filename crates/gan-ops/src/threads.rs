//! The one thread pool.

/// Sets the number of threads that everything runs on; call it first in `main`, on the thread
/// that will train or sample, which becomes one of them.
///
/// `None`: `RAYON_NUM_THREADS`, or else as many as the process may use. Candle's own second pool,
/// which would compete with this one, gets no threads unless `CANDLE_NUM_THREADS` says otherwise.
/// Errors get no backtrace in their text, which candle adds where `RUST_BACKTRACE` is set, unless
/// `RUST_LIB_BACKTRACE` says otherwise. Results do not depend on the number. Returns the number; if
/// there is a pool already, that of the pool.
pub fn settle_threads(threads: Option<usize>) -> usize {
    let threads = threads.or_else(from_environment);
    let threads =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if is_single_threaded() {
        // Without this variable candle parses `/proc/cpuinfo` at each of its matrix products.
        set_default("RAYON_NUM_THREADS", threads);
        set_default("CANDLE_NUM_THREADS", 1);
        // Or else candle writes a backtrace into the text of its errors. RUST_BACKTRACE is for panics.
        set_default("RUST_LIB_BACKTRACE", 0);
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    // The calling thread works too: it need not wake another one and wait for it.
    match pool.use_current_thread().build_global() {
        Ok(()) => threads,
        Err(_) => rayon::current_num_threads(),
    }
}

fn from_environment() -> Option<usize> {
    let set = std::env::var("RAYON_NUM_THREADS").ok()?;
    set.parse().ok().filter(|threads| *threads > 0)
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
