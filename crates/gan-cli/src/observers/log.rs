//! The log of a run: a line a log interval for the person, for `metrics.jsonl` and for the doctor, and
//! a progress bar.

use super::doctor::Doctor;
use super::{Observed, Schedule};
use crate::console::Console;
use crate::exit::WrongUse;
use anyhow::{Context, Result};
use gan_data::Dataset;
use gan_train::doctor::{GeneratedImages, HistoryRecord};
use gan_train::{Observer, StepReport, Trainer};
use indicatif::{HumanCount, ProgressBar};
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) struct LogObserver {
    file: File,
    schedule: Schedule,
    every: u64,
    console: Console,
    bar: ProgressBar,
    begin: Instant,
    interval: Interval,
    done: Done,
    /// Share of the data's pixels that are black or white.
    data_saturated_share: f64,
    doctor: Doctor,
}

/// Where the log interval began.
struct Interval {
    begin: Instant,
    images_seen: u64,
}

/// How far the run has come.
#[derive(Default)]
struct Done {
    steps: u64,
    images: u64,
}

/// A line of `metrics.jsonl`: figures of one step, and the rate since the line before. Numbers that are
/// not finite are null in JSON.
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
    images_per_second: f64,
    elapsed_seconds: f64,
}

impl LogObserver {
    pub(crate) fn new(
        path: &Path,
        schedule: Schedule,
        every: u64,
        data: &Dataset,
        console: &Console,
    ) -> Result<Self> {
        let file = File::create(path)
            .with_context(|| WrongUse(format!("{}: cannot be written", path.display())))?;
        let begin = Instant::now();
        Ok(Self {
            file,
            schedule,
            every,
            bar: console.progress(schedule.steps, "steps"),
            console: console.clone(),
            begin,
            interval: Interval {
                begin,
                images_seen: 0,
            },
            done: Done::default(),
            data_saturated_share: saturated_share(data),
            doctor: Doctor::new(console),
        })
    }

    /// How much was done in what time.
    pub(crate) fn summary(&self) -> String {
        let elapsed = self.begin.elapsed();
        format!(
            "{} steps in {}, {:.0} images/s",
            HumanCount(self.done.steps),
            clock(elapsed),
            self.done.images as f64 / elapsed.as_secs_f64(),
        )
    }

    fn line(&mut self, report: &StepReport) -> candle_core::Result<Line> {
        let images = report.images_seen - self.interval.images_seen;
        let seconds = self.interval.begin.elapsed().as_secs_f64();
        self.interval = Interval {
            begin: Instant::now(),
            images_seen: report.images_seen,
        };
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
            images_per_second: images as f64 / seconds.max(1e-9),
            elapsed_seconds: self.begin.elapsed().as_secs_f64(),
        })
    }

    /// Notes that a step found numbers that are not finite, and that nothing follows.
    pub(crate) fn diverged(&mut self, step: u64) -> Result<()> {
        self.bar.finish_and_clear();
        self.write(&Line {
            step,
            epoch: self.schedule.epoch(step),
            images_seen: self.done.images,
            discriminator_loss: f64::NAN,
            generator_loss: f64::NAN,
            d_real: f64::NAN,
            d_fake: f64::NAN,
            value: f64::NAN,
            fake_deviation: f64::NAN,
            fake_saturated_share: f64::NAN,
            data_saturated_share: self.data_saturated_share,
            images_per_second: 0.0,
            elapsed_seconds: self.begin.elapsed().as_secs_f64(),
        })
    }

    fn write(&mut self, line: &Line) -> Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        Ok(self.file.write_all(text.as_bytes())?)
    }

    fn print(&self, line: &Line) {
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
            line.images_per_second,
            clock(self.begin.elapsed()),
        ));
    }
}

impl Observer for LogObserver {
    fn on_step(&mut self, _trainer: &Trainer, report: &StepReport) -> Observed {
        self.bar.inc(1);
        self.done = Done {
            steps: self.done.steps + 1,
            images: report.images_seen,
        };
        if report.step.is_multiple_of(self.every) || self.schedule.is_last(report.step) {
            let line = self.line(report)?;
            self.write(&line)?;
            self.print(&line);
        }
        Ok(())
    }

    fn on_end(&mut self, _trainer: &Trainer) -> Observed {
        self.bar.finish_and_clear();
        Ok(())
    }
}

fn saturated_share(data: &Dataset) -> f64 {
    let saturated = data
        .pixels()
        .iter()
        .filter(|pixel| matches!(pixel, 0 | 255));
    saturated.count() as f64 / data.pixels().len() as f64
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
