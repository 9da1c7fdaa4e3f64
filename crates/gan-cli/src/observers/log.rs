//! The log of a run: a line a log interval for the person, for `metrics.jsonl` and for the doctor, its
//! time for `timing.jsonl`, and a progress bar.

use super::doctor::Doctor;
use super::{Observed, Schedule};
use crate::config::RunConfig;
use crate::console::Console;
use crate::history::{read_elapsed, read_history};
use crate::json_lines::JsonLines;
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_data::Dataset;
use gan_train::doctor::{GeneratedImages, HistoryRecord};
use gan_train::{Observer, StepReport, Trainer};
use indicatif::{HumanCount, ProgressBar};
use serde::Serialize;
use std::time::{Duration, Instant};

pub(crate) struct LogObserver {
    metrics: JsonLines,
    timing: JsonLines,
    schedule: Schedule,
    every: u64,
    console: Console,
    bar: ProgressBar,
    begin: Instant,
    /// Of the run before this process went on with it.
    seconds_before: f64,
    interval: Interval,
    done: Done,
    /// By the whole run.
    images_seen: u64,
    /// Share of the data's pixels that are black or white.
    data_saturated_share: f64,
    doctor: Doctor,
}

/// Where the log interval began.
struct Interval {
    begin: Instant,
    /// That this process had seen.
    images: u64,
}

/// How far this process has come.
#[derive(Default)]
struct Done {
    steps: u64,
    images: u64,
}

/// A line of `metrics.jsonl`: figures of one step. They depend on no clock, so that a run that was
/// stopped leaves the same lines. Numbers that are not finite are null in JSON.
#[derive(Serialize)]
struct Line {
    step: u64,
    epoch: u64,
    images_seen: u64,
    discriminator_loss: f64,
    generator_loss: f64,
    d_real: f64,
    d_fake: f64,
    value: f64,
    fake_deviation: f64,
    fake_saturated_share: f64,
    data_saturated_share: f64,
}

/// A line of `timing.jsonl`: the rate since the line before, and the run's time, stops left out.
#[derive(Serialize)]
struct TimingLine {
    step: u64,
    images_per_second: f64,
    elapsed_seconds: f64,
}

impl LogObserver {
    /// The log of a run that has done `done` steps.
    pub(crate) fn new(
        run: &RunFolder,
        schedule: Schedule,
        done: u64,
        config: &RunConfig,
        data: &Dataset,
        console: &Console,
    ) -> Result<Self> {
        let metrics = JsonLines::open(run, run.metrics())?;
        let timing = JsonLines::open(run, run.timing())?;
        let begin = Instant::now();
        let bar = console.progress(schedule.steps, "steps");
        bar.set_position(done);
        bar.reset_eta();
        Ok(Self {
            metrics,
            timing,
            schedule,
            every: config.output.log_every,
            bar,
            console: console.clone(),
            begin,
            seconds_before: read_elapsed(&run.timing())?,
            interval: Interval { begin, images: 0 },
            done: Done::default(),
            images_seen: 0,
            data_saturated_share: saturated_share(data),
            doctor: Doctor::new(read_history(&run.metrics())?, console),
        })
    }

    /// How much was done in what time.
    pub(crate) fn summary(&self) -> String {
        if self.done.steps == 0 {
            return "Nothing was left to do".to_string();
        }
        let elapsed = self.begin.elapsed();
        format!(
            "{} steps in {}, {:.0} images/s",
            HumanCount(self.done.steps),
            clock(elapsed),
            self.done.images as f64 / elapsed.as_secs_f64(),
        )
    }

    fn line(&mut self, report: &StepReport) -> candle_core::Result<Line> {
        let fake = GeneratedImages::measure(&report.fake, self.data_saturated_share)?;
        self.doctor.examine(HistoryRecord {
            step: report.step,
            discriminator_loss: report.discriminator_loss,
            generator_loss: report.generator_loss,
            d_real: report.d_real,
            d_fake: report.d_fake,
            generated: Some(fake),
        });
        Ok(Line {
            step: report.step,
            epoch: self.schedule.epoch(report.step),
            images_seen: report.images_seen,
            discriminator_loss: report.discriminator_loss,
            generator_loss: report.generator_loss,
            d_real: report.d_real,
            d_fake: report.d_fake,
            value: report.value,
            fake_deviation: fake.deviation,
            fake_saturated_share: fake.saturated_share,
            data_saturated_share: fake.data_saturated_share,
        })
    }

    fn timing(&mut self, step: u64) -> TimingLine {
        let images = self.done.images - self.interval.images;
        let seconds = self.interval.begin.elapsed().as_secs_f64();
        self.interval = Interval {
            begin: Instant::now(),
            images: self.done.images,
        };
        TimingLine {
            step,
            images_per_second: images as f64 / seconds.max(1e-9),
            elapsed_seconds: self.elapsed().as_secs_f64(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.begin.elapsed() + Duration::from_secs_f64(self.seconds_before)
    }

    /// Notes that a step found numbers that are not finite, and that nothing follows.
    pub(crate) fn diverged(&mut self, step: u64) -> Result<()> {
        self.bar.finish_and_clear();
        self.metrics.append(&Line {
            step,
            epoch: self.schedule.epoch(step),
            images_seen: self.images_seen,
            discriminator_loss: f64::NAN,
            generator_loss: f64::NAN,
            d_real: f64::NAN,
            d_fake: f64::NAN,
            value: f64::NAN,
            fake_deviation: f64::NAN,
            fake_saturated_share: f64::NAN,
            data_saturated_share: self.data_saturated_share,
        })
    }

    fn print(&self, line: &Line, timing: &TimingLine) {
        self.console.line(format!(
            "epoch {}/{}  step {}  D loss {:.4}  G loss {:.4}  D(x) {:.3}  D(G(z)) {:.3}  \
             V {:.4}  {:.0} images/s  {}",
            line.epoch + 1,
            self.schedule.epochs(),
            HumanCount(line.step),
            line.discriminator_loss,
            line.generator_loss,
            line.d_real,
            line.d_fake,
            line.value,
            timing.images_per_second,
            clock(self.elapsed()),
        ));
    }
}

impl Observer for LogObserver {
    fn on_step(&mut self, _trainer: &Trainer, report: &StepReport) -> Observed {
        self.bar.inc(1);
        self.done = Done {
            steps: self.done.steps + 1,
            images: self.done.images + report.fake.dim(0)? as u64,
        };
        self.images_seen = report.images_seen;
        if report.step.is_multiple_of(self.every) || self.schedule.is_last(report.step) {
            let line = self.line(report)?;
            let timing = self.timing(report.step);
            self.metrics.append(&line)?;
            self.timing.append(&timing)?;
            self.print(&line, &timing);
        }
        Ok(())
    }

    fn on_end(&mut self, _trainer: &Trainer) -> Observed {
        self.bar.finish_and_clear();
        Ok(())
    }
}

fn saturated_share(data: &Dataset) -> f64 {
    let (mut saturated, mut all) = (0_usize, 0_usize);
    for image in data.images().iter() {
        saturated += image.iter().filter(|byte| matches!(byte, 0 | 255)).count();
        all += image.len();
    }
    saturated as f64 / all as f64
}

/// Hours, minutes and seconds, as `0:06:10`.
fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
