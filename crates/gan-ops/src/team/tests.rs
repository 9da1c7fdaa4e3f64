//! Teams of one to eight threads, also where there are fewer cores.

use super::*;
use std::collections::HashSet;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread::{current, scope, sleep};

const THREADS: [usize; 4] = [1, 2, 3, 8];

fn team(threads: usize) -> Team {
    Team::new(threads).unwrap()
}

/// Runs `job` on a thread of its own that belongs to the team.
fn inside<R: Send>(team: &Team, job: impl FnOnce() -> R + Send) -> R {
    let member = team.member();
    let run = || {
        member.join();
        job()
    };
    match scope(|scope| scope.spawn(run).join()) {
        Ok(result) => result,
        Err(panic) => resume_unwind(panic),
    }
}

/// How often each piece ran.
fn runs(count: usize) -> Vec<usize> {
    let runs: Vec<_> = (0..count).map(|_| AtomicUsize::new(0)).collect();
    for_each_piece(count, |piece| {
        runs[piece].fetch_add(1, Relaxed);
    });
    runs.into_iter().map(AtomicUsize::into_inner).collect()
}

/// Waits until `condition` holds, for a time that no machine needs.
#[track_caller]
fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_micros(100));
    }
}

fn all_sleep(team: &Team) -> bool {
    team.0.asleep.load(SeqCst) == team.0.helpers
}

#[test]
fn every_piece_runs_once() {
    for threads in THREADS {
        let team = team(threads);
        inside(&team, || {
            for count in [0, 1, 2, 7, 1000].repeat(20) {
                assert_eq!(runs(count), vec![1; count], "{threads} threads");
            }
        });
    }
}

#[test]
fn without_a_pool_every_piece_runs_once_too() {
    assert_eq!(runs(1000), vec![1; 1000]);
}

#[test]
fn all_threads_of_a_team_take_pieces() {
    for threads in THREADS {
        let team = team(threads);
        // Pieces that wait for each other end only if each has its own thread.
        let together = Barrier::new(threads);
        let seen = Mutex::new(HashSet::new());
        let caller = inside(&team, || {
            for_each_piece(threads, |_| {
                together.wait();
                seen.lock().unwrap().insert(current().id());
            });
            current().id()
        });
        let seen = seen.into_inner().unwrap();
        assert!(seen.len() == threads && seen.contains(&caller));
    }
}

#[test]
fn what_pieces_wrote_is_seen_after_the_job_and_in_the_next() {
    let team = team(3);
    inside(&team, || {
        let values: Vec<_> = (0..64).map(|_| AtomicUsize::new(0)).collect();
        for round in 0..5000 {
            for_each_piece(values.len(), |piece| {
                // What another thread wrote in the job before, not ordered by this atomic itself.
                let neighbour = &values[(piece + round) % values.len()];
                let old = neighbour.load(Relaxed);
                neighbour.store(old + 1, Relaxed);
            });
        }
        assert!(values.iter().all(|value| value.load(Relaxed) == 5000));
    });
}

#[test]
fn a_panic_reaches_the_caller_after_all_have_left_and_the_team_goes_on() {
    for threads in THREADS {
        let team = team(threads);
        for guilty in 0..threads {
            let together = Barrier::new(threads);
            let running = AtomicUsize::new(0);
            let panic = inside(&team, || {
                let job = || {
                    for_each_piece(threads, |piece| {
                        running.fetch_add(1, Relaxed);
                        together.wait();
                        if piece == guilty {
                            // Without the message of a panic.
                            resume_unwind(Box::new(piece));
                        }
                        sleep(Duration::from_millis(2));
                        running.fetch_sub(1, Relaxed);
                    });
                };
                let panic = catch_unwind(AssertUnwindSafe(job)).unwrap_err();
                // Only the guilty piece has not counted itself out.
                assert_eq!(running.load(Relaxed), 1);
                assert_eq!(runs(100), vec![1; 100]);
                panic
            });
            assert_eq!(panic.downcast_ref(), Some(&guilty));
        }
    }
}

#[test]
fn all_pieces_may_panic() {
    let team = team(3);
    inside(&team, || {
        for _ in 0..100 {
            let job = || for_each_piece(50, |piece| resume_unwind(Box::new(piece)));
            assert!(catch_unwind(job).unwrap_err().is::<usize>());
        }
        assert_eq!(runs(100), vec![1; 100]);
    });
}

#[test]
fn pieces_of_a_piece_run_on_its_thread() {
    for threads in THREADS {
        let team = team(threads);
        inside(&team, || {
            let ran = AtomicUsize::new(0);
            for_each_piece(20, |_| {
                let outer = current().id();
                for_each_piece(20, |_| {
                    assert_eq!(current().id(), outer);
                    for_each_piece(3, |_| {
                        ran.fetch_add(1, Relaxed);
                    });
                });
            });
            assert_eq!(ran.into_inner(), 20 * 20 * 3);
        });
    }
}

#[test]
fn while_a_team_is_used_other_callers_work_alone() {
    let team = team(2);
    let (begun, may_end) = (Barrier::new(3), Barrier::new(3));
    scope(|scope| {
        scope.spawn(|| {
            inside(&team, || {
                for_each_piece(2, |_| {
                    begun.wait();
                    may_end.wait();
                });
            });
        });
        // Both threads of the team are inside a piece, and end only after this job.
        begun.wait();
        inside(&team, || {
            let caller = current().id();
            for_each_piece(100, |_| assert_eq!(current().id(), caller));
        });
        may_end.wait();
    });
}

#[test]
fn two_callers_at_once_get_all_their_pieces() {
    for threads in THREADS {
        let team = team(threads);
        let job = || {
            inside(&team, || {
                for count in [2, 7, 100].repeat(300) {
                    assert_eq!(runs(count), vec![1; count]);
                }
            });
        };
        scope(|scope| {
            scope.spawn(job);
            scope.spawn(job);
        });
    }
}

#[test]
fn helpers_soon_sleep_and_wake_for_the_next_job() {
    for threads in THREADS {
        let team = team(threads);
        for _ in 0..10 {
            wait_until(|| all_sleep(&team));
            let together = Barrier::new(threads);
            inside(&team, || {
                for_each_piece(threads, |_| {
                    together.wait();
                });
            });
        }
    }
}

#[test]
fn no_job_is_lost_on_helpers_that_are_falling_asleep() {
    let team = team(3);
    inside(&team, || {
        for round in 0..200 {
            let together = Barrier::new(3);
            for_each_piece(3, |_| {
                together.wait();
            });
            let start = Instant::now();
            while start.elapsed() < AWAKE - Duration::from_micros(50) + Duration::from_micros(round)
            {
                spin_loop();
            }
        }
    });
}

#[test]
fn dropping_a_team_ends_its_helpers_whether_they_sleep_or_not() {
    for threads in THREADS {
        for asleep in [false, true] {
            let team = team(threads);
            if asleep {
                wait_until(|| all_sleep(&team));
            }
            let shared = Arc::downgrade(&team.0);
            drop(team);
            wait_until(|| shared.strong_count() == 0);
        }
    }
}

#[test]
fn a_helper_may_drop_its_own_team() {
    let team = team(2);
    let shared = Arc::downgrade(&team.0);
    let member = team.member();
    let team = Mutex::new(Some(team));
    let together = Barrier::new(2);
    scope(|scope| {
        scope.spawn(|| {
            member.join();
            let caller = current().id();
            for_each_piece(2, |_| {
                together.wait();
                if current().id() != caller {
                    drop(team.lock().unwrap().take());
                }
            });
            // Only the caller is left.
            assert_eq!(runs(100), vec![1; 100]);
        });
    });
    drop(member);
    wait_until(|| shared.strong_count() == 0);
}
