//! A job on its caller's stack, and the word by which helpers enter and leave it.

use std::any::Any;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicPtr, AtomicUsize};
use std::sync::{Mutex, PoisonError};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How long a caller waits for helpers before it offers its core to other threads.
const PATIENCE: Duration = Duration::from_micros(50);

/// Looks between two at the clock, a few microseconds.
const LOOKS: usize = 64;

/// A job has a caller, so the team is in use.
const TAKEN: usize = 1;
/// Helpers may enter the job.
const OPEN: usize = 2;
/// One helper inside the job; the word counts them from this bit on.
const HELPER: usize = 4;

#[derive(Debug, Default)]
pub(super) struct State {
    /// `TAKEN`, `OPEN` and the number of helpers inside; 0 when nobody uses the team.
    word: AtomicUsize,
    /// The job, which lives on its caller's stack; valid for a helper inside.
    job: AtomicPtr<Job<'static>>,
}

pub(super) struct Job<'a> {
    work: &'a (dyn Fn(usize) + Sync),
    count: usize,
    /// The first piece that nobody has taken.
    next: AtomicUsize,
    panics: Mutex<Vec<Box<dyn Any + Send>>>,
}

/// The caller's side.
impl State {
    /// Whether the team was free, and now is the caller's.
    pub(super) fn take(&self) -> bool {
        // Acquire: after the last job, whose caller gave the team back with Release.
        let taken = self.word.compare_exchange(0, TAKEN, Acquire, Relaxed);
        taken.is_ok()
    }

    /// Lets helpers enter.
    pub(super) fn open(&self, job: &Job<'_>) {
        let job = std::ptr::from_ref(job).cast::<Job<'static>>();
        self.job.store(job.cast_mut(), Relaxed);
        // Nobody else changes the word while it is TAKEN alone. SeqCst is also Release: who enters sees the job.
        self.word.store(TAKEN | OPEN, SeqCst);
    }

    /// Lets no more helpers enter: there are no more pieces.
    pub(super) fn close(&self) {
        // Relaxed: nothing is published. All changes of the word from its opening on are read-modify-write
        // operations, so they carry each other's Release on.
        self.word.fetch_and(!OPEN, Relaxed);
    }

    pub(super) fn wait_for_helpers(&self) {
        let mut since = None;
        loop {
            for _ in 0..LOOKS {
                // Acquire: sees what the helpers wrote before they left with Release.
                if self.word.load(Acquire) < HELPER {
                    return;
                }
                spin_loop();
            }
            if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                yield_now();
            }
        }
    }

    pub(super) fn give_back(&self) {
        self.word.store(0, Release);
    }
}

/// The helpers' side.
impl State {
    /// Whether helpers may enter. SeqCst: see `Shared::wake`.
    pub(super) fn is_open(&self) -> bool {
        self.word.load(SeqCst) & OPEN != 0
    }

    /// Looks for an open job for a few microseconds.
    pub(super) fn watch(&self) -> bool {
        (0..LOOKS).any(|_| {
            spin_loop();
            // Relaxed: entering looks again.
            self.word.load(Relaxed) & OPEN != 0
        })
    }

    /// Takes pieces until there are no more, if the job is still open.
    pub(super) fn help(&self) -> bool {
        let enter = |word| (word & OPEN != 0).then_some(word + HELPER);
        // Acquire: sees the job that was opened with Release.
        if self.word.fetch_update(Acquire, Relaxed, enter).is_err() {
            return false;
        }
        // SAFETY: the pointer was made from a reference to a job on the stack of the caller of
        // `Shared::run`, which stays there until it sees the word closed and without helpers. This
        // thread was counted while the word was open, so later that caller reads a number with it until it
        // leaves below; nor can another job replace the pointer before. The job is shared among threads
        // by shared reference only: `work` is `Sync`, `next` an atomic, `panics` a mutex of `Send` values.
        #[allow(unsafe_code)]
        let job = unsafe { &*self.job.load(Relaxed) };
        job.take_pieces();
        self.close();
        // Release: the caller sees what this thread wrote. The job must not be touched from here on.
        self.word.fetch_sub(HELPER, Release);
        true
    }
}

impl<'a> Job<'a> {
    pub(super) fn new(work: &'a (dyn Fn(usize) + Sync), count: usize) -> Self {
        Self {
            work,
            count,
            next: AtomicUsize::new(0),
            panics: Mutex::new(Vec::new()),
        }
    }

    /// What the first piece that panicked threw.
    pub(super) fn into_panic(self) -> Option<Box<dyn Any + Send>> {
        let panics = self.panics.into_inner();
        let panics = panics.unwrap_or_else(PoisonError::into_inner);
        panics.into_iter().next()
    }

    /// Runs pieces until none is left, or one panics.
    pub(super) fn take_pieces(&self) {
        // Relaxed: a counter gives each number once in any order; what the pieces read and write is ordered by
        // entering and leaving the job.
        let take = || Some(self.next.fetch_add(1, Relaxed)).filter(|piece| *piece < self.count);
        // Unwind safety: the panic continues in the caller, as if there were no threads.
        let pieces = || std::iter::from_fn(take).for_each(self.work);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(pieces)) {
            self.next.store(self.count, Relaxed);
            let panics = self.panics.lock();
            panics.unwrap_or_else(PoisonError::into_inner).push(panic);
        }
    }
}
