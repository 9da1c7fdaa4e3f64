//! Progress of long work: a bar on a terminal, a plain line now and then elsewhere.

use super::printer::Stream;
use super::{Console, Output};
use gan_core::grouped;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The least time between plain lines; shorter work has none.
const INTERVAL: Duration = Duration::from_secs(5);

/// The most time between plain lines: for work that takes minutes, and for work whose log also shows
/// progress.
const LONG_INTERVAL: Duration = Duration::from_secs(30);

/// How often a bar updates its time while nothing moves it.
const TICK: Duration = Duration::from_secs(1);

/// The progress of some work. Clones are of the same work.
#[derive(Clone)]
pub(crate) struct Bar {
    /// Hidden if standard error is not a terminal that can draw it.
    drawn: ProgressBar,
    /// Only if no bar is drawn.
    teller: Option<Arc<Teller>>,
}

impl Console {
    /// A bar over `total` units that shows the rate and the time left.
    pub(crate) fn progress(&self, total: u64, unit: &str) -> Bar {
        self.counted(total, unit, INTERVAL)
    }

    /// The same for work with a log: whoever prints its lines calls [`Bar::told`].
    pub(crate) fn progress_beside_log(&self, total: u64, unit: &str) -> Bar {
        self.counted(total, unit, LONG_INTERVAL)
    }

    /// A bar over parts of `work` that differ too much in length to estimate the time left; the message
    /// names the current part.
    pub(crate) fn parts(&self, work: &str) -> Bar {
        let template = "{bar:30} {human_pos}/{human_len}  {elapsed}  {msg}";
        let bar = self.bar(0, template, work, INTERVAL);
        if !bar.drawn.is_hidden() {
            bar.drawn.enable_steady_tick(TICK);
        }
        bar
    }

    fn counted(&self, total: u64, unit: &str, interval: Duration) -> Bar {
        let template = format!(
            "{{bar:30}} {{human_pos}}/{{human_len}} {unit}  {{per_sec}}  {{eta}} left  {{msg}}"
        );
        self.bar(total, &template, unit, interval)
    }

    fn bar(&self, total: u64, template: &str, name: &str, interval: Duration) -> Bar {
        if self.quiet {
            let drawn = ProgressBar::hidden();
            return Bar {
                drawn,
                teller: None,
            };
        }
        let style = ProgressStyle::with_template(template);
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::new(total).with_style(style);
        let drawn = self.output.screen.bars.add(bar);
        let plain = drawn.is_hidden();
        let teller = || Teller::start(&drawn, name.to_string(), interval, &self.output);
        Bar {
            teller: plain.then(teller).flatten().map(Arc::new),
            drawn,
        }
    }
}

impl Bar {
    pub(crate) fn inc(&self, units: u64) {
        self.drawn.inc(units);
    }

    /// Announces more units.
    pub(crate) fn inc_length(&self, units: u64) {
        self.drawn.inc_length(units);
    }

    /// Starts at `position`; the work before it was not done by this process.
    pub(crate) fn begin_at(&self, position: u64) {
        self.drawn.set_position(position);
        self.drawn.reset_eta();
    }

    pub(crate) fn set_message(&self, message: &str) {
        self.drawn.set_message(message.to_string());
        self.drawn.tick();
    }

    /// Records that a line was printed that shows the progress.
    pub(crate) fn told(&self) {
        if let Some(teller) = &self.teller {
            lock(&teller.pace).told(Instant::now());
        }
    }

    /// Stops showing the work.
    pub(crate) fn finish_and_clear(&self) {
        self.drawn.finish_and_clear();
        if let Some(teller) = &self.teller {
            lock(&teller.pace).ended = true;
        }
    }
}

/// A thread that prints plain lines, also during one long part; it ends when this is dropped.
struct Teller {
    pace: Arc<Mutex<Pace>>,
    _alive: Sender<()>,
}

impl Teller {
    /// None if no thread can be started: the work continues without plain lines.
    fn start(
        bar: &ProgressBar,
        name: String,
        interval: Duration,
        output: &Arc<Output>,
    ) -> Option<Self> {
        let pace = Arc::new(Mutex::new(Pace::new(interval, Instant::now())));
        let (alive, dropped) = mpsc::channel();
        let (bar, shared, output) = (bar.clone(), Arc::clone(&pace), Arc::clone(output));
        let print = move |elapsed| {
            let mut line = plain_line(&name, &bar, elapsed);
            line.push('\n');
            output.print(Stream::Diagnostics, line.into_bytes());
        };
        let thread = thread::Builder::new().name("progress".to_string());
        thread.spawn(move || tell(&shared, &dropped, print)).ok()?;
        Some(Self {
            pace,
            _alive: alive,
        })
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        lock(&self.pace).ended = true;
    }
}

/// Calls `print` with the elapsed time whenever a line is due, until the other end of `dropped` is gone or
/// the work has ended.
fn tell(pace: &Mutex<Pace>, dropped: &Receiver<()>, print: impl Fn(Duration)) {
    loop {
        let wait = {
            // Held while printing, so that no line comes after the end.
            let mut pace = lock(pace);
            let now = Instant::now();
            if pace.ended {
                return;
            }
            if pace.wait(now).is_zero() {
                print(now - pace.begin);
                pace.told(now);
            }
            pace.wait(now)
        };
        if dropped.recv_timeout(wait) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}

fn lock(pace: &Mutex<Pace>) -> MutexGuard<'_, Pace> {
    pace.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When plain lines are due.
struct Pace {
    begin: Instant,
    /// When the progress was last printed, or the work started.
    last: Instant,
    interval: Duration,
    ended: bool,
}

impl Pace {
    fn new(interval: Duration, now: Instant) -> Self {
        Self {
            begin: now,
            last: now,
            interval,
            ended: false,
        }
    }

    /// How long it takes from `now` until a line is due.
    fn wait(&self, now: Instant) -> Duration {
        // A tenth of the time so far: nobody wants a line every five seconds for half an hour.
        let apart = (self.last - self.begin) / 10;
        let due = self.last + apart.clamp(self.interval, LONG_INTERVAL);
        due.saturating_duration_since(now)
    }

    fn told(&mut self, now: Instant) {
        self.last = now;
    }
}

fn plain_line(name: &str, bar: &ProgressBar, elapsed: Duration) -> String {
    let (done, all) = (bar.position(), bar.length().unwrap_or(0));
    let (message, seconds) = (bar.message(), elapsed.as_secs());
    let time = match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    };
    if message.is_empty() {
        return format!("{name}: {} of {}, {time}", grouped(done), grouped(all));
    }
    // The current part is not done yet.
    let part = grouped((done + 1).min(all));
    format!("{name}: {part} of {} ({message}), {time}", grouped(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The seconds at which lines are printed for work that takes `seconds`, checked every second;
    /// `others`: when something else prints the progress.
    fn told_at(interval: Duration, seconds: u32, others: &[u32]) -> Vec<u32> {
        let begin = Instant::now();
        let mut pace = Pace::new(interval, begin);
        let mut told = Vec::new();
        for second in 0..seconds {
            let now = begin + second * SECOND;
            if others.contains(&second) {
                pace.told(now);
            }
            if pace.wait(now).is_zero() {
                told.push(second);
                pace.told(now);
            }
        }
        told
    }

    #[test]
    fn short_work_has_no_plain_line_and_long_work_one_every_five_seconds() {
        assert_eq!(told_at(INTERVAL, 5, &[]), [0; 0]);
        assert_eq!(told_at(INTERVAL, 17, &[]), [5, 10, 15]);
        // Half an hour: half a minute apart in the end.
        let told = told_at(INTERVAL, 1800, &[]);
        assert!(told.windows(2).all(|pair| pair[1] - pair[0] <= 30));
        assert!(told.len() < 100, "{told:?}");
    }

    #[test]
    fn beside_a_log_plain_lines_come_only_where_it_was_silent_for_half_a_minute() {
        let log: Vec<u32> = (0..100).step_by(7).collect();
        assert_eq!(told_at(LONG_INTERVAL, 100, &log), [0; 0]);
        assert_eq!(told_at(LONG_INTERVAL, 100, &[20]), [50, 80]);
    }

    #[test]
    fn work_that_has_ended_is_not_told_of() {
        let mut pace = Pace::new(Duration::ZERO, Instant::now());
        pace.ended = true;
        let (_alive, dropped) = mpsc::channel();
        tell(&Mutex::new(pace), &dropped, |_| panic!("told"));
    }

    #[test]
    fn a_plain_line_has_the_work_the_part_and_the_time() {
        let bar = ProgressBar::hidden();
        bar.set_length(60_000);
        bar.set_position(20_000);
        let line = |bar: &ProgressBar, seconds| plain_line("images", bar, seconds * SECOND);
        assert_eq!(line(&bar, 7), "images: 20,000 of 60,000, 7 s");
        let bar = ProgressBar::hidden();
        bar.set_length(11);
        bar.set_position(3);
        bar.set_message("kid");
        assert_eq!(line(&bar, 135), "images: 4 of 11 (kid), 2 min 15 s");
    }
}
