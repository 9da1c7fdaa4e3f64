//! The number of threads that matrix products run on.

/// Sizes the thread pools of the tensor library; call it first in `main`.
///
/// The matrix product takes as many threads as the process may use, unless `RAYON_NUM_THREADS`
/// says otherwise; without the variable candle would parse `/proc/cpuinfo` at every product.
/// Elementwise operations run on the calling thread, because candle's second pool spins against
/// the first. Variables that the user has set are left alone. Returns the number of threads.
pub fn settle_threads() -> usize {
    let available = std::thread::available_parallelism().map_or(1, usize::from);
    if is_single_threaded() {
        set_default("RAYON_NUM_THREADS", available);
        set_default("CANDLE_NUM_THREADS", 1);
    }
    let set = std::env::var("RAYON_NUM_THREADS").ok();
    set.and_then(|n| n.parse().ok()).unwrap_or(available)
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

/// Whether the calling thread is the only one; `false` where the system does not tell.
fn is_single_threaded() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|tasks| tasks.count() == 1)
}
