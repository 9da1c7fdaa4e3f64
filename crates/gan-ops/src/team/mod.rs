//! Threads that stay awake from one layer of a training step to the next, and take pieces of work from a counter.
//!
//! A job is published in one atomic word, so sharing it with helpers that are awake costs less than a
//! microsecond. They look for the next one for half a millisecond, then sleep. The caller takes pieces like any
//! helper and waits only for those still inside a piece: a helper that sleeps still delays nothing. While it
//! waits, the caller does no other work.

mod job;

use job::{Job, State};
use std::cell::OnceCell;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, yield_now};
use std::time::{Duration, Instant};

/// How long a helper looks for work before it sleeps: longer than the serial stretches of a step.
const AWAKE: Duration = Duration::from_micros(500);

/// The threads that help whoever computes in parallel; dropping it ends them.
#[derive(Debug)]
pub(crate) struct Team(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    helpers: usize,
    state: Line<State>,
    ended: AtomicBool,
    /// How many helpers sleep, or are about to; it is changed under the lock of `door` only.
    asleep: AtomicUsize,
    door: Mutex<()>,
    bell: Condvar,
}

/// On cache lines of its own, as helpers read it all the time.
#[derive(Debug)]
#[repr(align(128))]
struct Line<T>(T);

thread_local! {
    /// The team of the pool that the thread belongs to.
    static OWN: OnceCell<Arc<Shared>> = const { OnceCell::new() };
}

/// The team of threads that are in no pool.
static GLOBAL: LazyLock<Team> = LazyLock::new(|| {
    let mut threads = crate::pool::usual_threads();
    loop {
        match Team::new(threads) {
            Ok(team) => return team,
            // A team of one has no helper to start, so this ends.
            Err(_) => threads /= 2,
        }
    }
});

/// Runs `work(0)`, …, `work(count - 1)` on the calling thread and the helpers of its team, each once, in any
/// order; returns when all have ended. A panic in one continues here, and pieces that nobody has begun
/// by then are left out.
///
/// Inside another piece, and while another thread uses the team, the calling thread runs all pieces alone.
/// So nobody waits for another job, and no job for more than its own pieces.
pub(crate) fn for_each_piece(count: usize, work: impl Fn(usize) + Sync) {
    if count < 2 {
        return (0..count).for_each(work);
    }
    OWN.with(|own| own.get().unwrap_or_else(|| &GLOBAL.0).run(count, &work));
}

/// How many threads share the pieces of the calling thread's work.
pub(crate) fn threads() -> usize {
    OWN.with(|own| 1 + own.get().unwrap_or_else(|| &GLOBAL.0).helpers)
}

impl Team {
    /// Starts all threads but one, which is whoever has work.
    ///
    /// # Errors
    /// When the system cannot start so many threads.
    pub(crate) fn new(threads: usize) -> std::io::Result<Self> {
        let team = Self(Arc::new(Shared {
            helpers: threads.saturating_sub(1),
            state: Line(State::default()),
            ended: AtomicBool::new(false),
            asleep: AtomicUsize::new(0),
            door: Mutex::new(()),
            bell: Condvar::new(),
        }));
        for index in 1..threads {
            let member = team.member();
            let builder = Builder::new().name(format!("helper {index}"));
            builder
                .stack_size(crate::pool::STACK_BYTES)
                .spawn(move || member.help())?;
        }
        Ok(team)
    }

    /// What a thread needs to belong to the team; it does not keep the helpers alive.
    pub(crate) fn member(&self) -> Member {
        Member(Arc::clone(&self.0))
    }
}

impl Drop for Team {
    /// Helpers finish their pieces and end. Nobody waits for them: this may be one of them.
    fn drop(&mut self) {
        let door = self.0.close_door();
        self.0.ended.store(true, Relaxed);
        drop(door);
        self.0.bell.notify_all();
    }
}

/// A thread's place in a team.
#[derive(Clone, Debug)]
pub(crate) struct Member(Arc<Shared>);

impl Member {
    /// From now on, the calling thread has this team.
    pub(crate) fn join(&self) {
        OWN.with(|own| {
            own.get_or_init(|| Arc::clone(&self.0));
        });
    }

    /// A helper's life.
    fn help(&self) {
        self.join();
        let shared = &*self.0;
        let mut last = Instant::now();
        // Relaxed: nothing else is read because of it. A sleeper reads it under the lock.
        while !shared.ended.load(Relaxed) {
            if shared.state.0.watch() && shared.state.0.help() {
                last = Instant::now();
            } else if last.elapsed() < AWAKE {
                yield_now();
            } else {
                shared.sleep();
                last = Instant::now();
            }
        }
    }
}

impl Shared {
    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        if self.helpers == 0 || !self.state.0.take() {
            return (0..count).for_each(work);
        }
        let job = Job::new(work, count);
        // From here until the helpers have left nothing can panic but `work`, which is caught.
        self.state.0.open(&job);
        self.wake(count - 1);
        job.take_pieces();
        self.state.0.close();
        self.state.0.wait_for_helpers();
        self.state.0.give_back();
        if let Some(panic) = job.into_panic() {
            resume_unwind(panic);
        }
    }

    /// Wakes as many helpers as the job can use beside those that are awake.
    fn wake(&self, wanted: usize) {
        // SeqCst, like the opening of the job before it, and in `sleep` the two in the opposite order: either
        // the helper sees the job, or its falling asleep is seen here.
        let asleep = self.asleep.load(SeqCst);
        if asleep == 0 {
            return;
        }
        // Whoever is counted but does not wait yet holds the lock until it does.
        drop(self.close_door());
        for _ in self.helpers - asleep..wanted.min(self.helpers) {
            self.bell.notify_one();
        }
    }

    /// Sleeps until there is work, or the end; may return without a reason.
    fn sleep(&self) {
        let mut door = self.close_door();
        self.asleep.fetch_add(1, SeqCst);
        if !self.state.0.is_open() && !self.ended.load(Relaxed) {
            door = self.bell.wait(door).unwrap_or_else(PoisonError::into_inner);
        }
        // Under the lock still. A caller that reads the number from before rings in vain.
        self.asleep.fetch_sub(1, Relaxed);
        drop(door);
    }

    fn close_door(&self) -> MutexGuard<'_, ()> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
