//! The log of a run: one line per log interval on the console, in `metrics.jsonl` and to the doctor, its
//! time in `timing.jsonl`, and a progress bar.

use super::doctor::Doctor;
use super::{Observed, Schedule};
use crate::config::RunConfig;
use crate::console::{Bar, Console};
use crate::history::{read_elapsed, read_history};
use crate::json_lines::JsonLines;
use crate::run_folder::RunFolder;
use anyhow::Result;
use gan_data::Dataset;
use gan_train::doctor::{GeneratedImages, HistoryRecord};
use gan_train::{Observer, StepReport, TrainState, Trainer};
use indicatif::HumanCount;
use serde::Serialize;
use std::time::{Duration, Instant};

pub(crate) struct LogObserver {
    metrics: JsonLines,
    timing: JsonLines,
    schedule: Schedule,
    every: u64,
    console: Console,
    bar: Bar,
    /// Whether the columns' names were printed.
    headed: bool,
    begin: Instant,
    /// The run's seconds before this process resumed it.
    seconds_before: f64,
    interval: Interval,
    done: Done,
    /// In the whole run.
    images_seen: u64,
    /// Share of the data's pixels that are black or white.
    data_saturated_share: f64,
    doctor: Doctor,
}

/// Where the log interval started.
struct Interval {
    begin: Instant,
    /// Images that this process had seen by then.
    images: u64,
}

/// How far this process has come.
#[derive(Default)]
struct Done {
    steps: u64,
    images: u64,
}

/// A line of `metrics.jsonl`: the values of one step. They do not depend on a clock, so that a run that
/// was stopped leaves the same lines. Numbers that are not finite are null in JSON.
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

/// A line of `timing.jsonl`: the rate since the previous line, and the run's time without stops.
#[derive(Serialize)]
struct TimingLine {
    step: u64,
    images_per_second: f64,
    elapsed_seconds: f64,
}

impl LogObserver {
    /// The log of a run that has reached `state`.
    pub(crate) fn new(
        run: &RunFolder,
        schedule: Schedule,
        state: TrainState,
        config: &RunConfig,
        data: &Dataset,
        console: &Console,
    ) -> Result<Self> {
        let metrics = JsonLines::open(run, run.metrics())?;
        let timing = JsonLines::open(run, run.timing())?;
        let begin = Instant::now();
        let bar = console.progress_beside_log(schedule.steps, "steps");
        bar.begin_at(state.step);
        Ok(Self {
            metrics,
            timing,
            schedule,
            every: config.output.log_every,
            bar,
            headed: false,
            console: console.clone(),
            begin,
            seconds_before: read_elapsed(&run.timing()),
            interval: Interval { begin, images: 0 },
            done: Done::default(),
            images_seen: state.images_seen,
            data_saturated_share: saturated_share(data),
            doctor: Doctor::new(read_history(&run.metrics())?, console),
        })
    }

    /// How much was done, and in what time.
    pub(crate) fn summary(&self) -> String {
        if self.done.steps == 0 {
            return "Nothing was left to do".to_string();
        }
        let elapsed = self.begin.elapsed();
        format!(
            "{} steps in {}, {} images/s",
            HumanCount(self.done.steps),
            clock(elapsed),
            HumanCount((self.done.images as f64 / elapsed.as_secs_f64()) as u64),
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

    /// Records that a step found numbers that are not finite, and that no step follows.
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

    fn print(&mut self, line: &Line, timing: &TimingLine) {
        if !self.headed {
            self.console.line(row(COLUMNS.map(str::to_string)));
            self.headed = true;
        }
        let rate = timing.images_per_second as u64;
        self.console.line(row([
            HumanCount(line.step).to_string(),
            (line.epoch + 1).to_string(),
            fitted(line.discriminator_loss, 7, 4),
            fitted(line.generator_loss, 7, 4),
            fitted(line.d_real, 5, 3),
            fitted(line.d_fake, 7, 3),
            fitted(line.value, 7, 4),
            HumanCount(rate).to_string(),
            clock(self.elapsed()),
        ]));
        self.bar.told();
    }
}

/// The columns of a log.
const COLUMNS: [&str; 9] = [
    "step", "epoch", "D loss", "G loss", "D(x)", "D(G(z))", "V", "images/s", "time",
];

/// Cells in columns; 79 characters in all, unless a cell is too long.
fn row(cells: [String; 9]) -> String {
    let [
        step,
        epoch,
        d_loss,
        g_loss,
        d_real,
        d_fake,
        value,
        rate,
        time,
    ] = cells;
    format!(
        "{step:>9}  {epoch:>5}  {d_loss:>7}  {g_loss:>7}  {d_real:>5}  {d_fake:>7}  {value:>7}  \
         {rate:>8}  {time:>8}"
    )
}

/// With `places` decimal places, or as many as fit in `width` characters.
fn fitted(value: f64, width: usize, places: usize) -> String {
    let texts = (0..=places).rev().map(|places| format!("{value:.places$}"));
    let mut fitting = texts.filter(|text| text.len() <= width);
    fitting.next().unwrap_or_else(|| format!("{value:.0e}"))
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

/// Hours, minutes and seconds, such as `0:06:10`.
fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_any_size_fit_their_columns() {
        for (value, text) in [
            (0.712_345, "0.7123"),
            (-1.386_29, "-1.3863"),
            (123.456_78, "123.457"),
            (-123_456.7, "-123457"),
            (-1_234_567.0, "-1e6"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "inf"),
        ] {
            assert_eq!(fitted(value, 7, 4), text);
        }
        assert_eq!(row(COLUMNS.map(str::to_string)).len(), 79);
    }
}
