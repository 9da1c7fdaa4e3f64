//! The log of a run: one line per log interval in `metrics.jsonl` and to the doctor, its time in
//! `timing.jsonl`.

use super::Observed;
use super::doctor::Doctor;
use crate::events::Tell;
use crate::examination::history_record;
use crate::figures::Figures;
use crate::json_lines::JsonLines;
use crate::log::{MetricsLine, TimingLine};
use crate::{Event, Plan, RunError, RunFolder, Schedule, Summary};
use candle_core::Tensor;
use gan_data::Dataset;
use gan_train::doctor::GeneratedImages;
use gan_train::{Look, Observer, StepReport, TrainState};
use std::time::{Duration, Instant};

pub(crate) struct LogObserver<'a> {
    events: &'a dyn Tell,
    metrics: JsonLines,
    timing: JsonLines,
    schedule: Schedule,
    every: u64,
    begin: Instant,
    /// The run's seconds before this process resumed it.
    seconds_before: f64,
    interval: Interval,
    done: Done,
    /// In the whole run.
    images_seen: u64,
    /// Share of the data's pixels that are black or white.
    data_saturated_share: f64,
    doctor: Doctor<'a>,
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

impl<'a> LogObserver<'a> {
    /// The log of a run that has reached `state`.
    pub(crate) fn new(
        run: &RunFolder,
        plan: &Plan,
        state: TrainState,
        events: &'a dyn Tell,
    ) -> Result<Self, RunError> {
        let metrics = JsonLines::open(run, run.metrics())?;
        let timing = JsonLines::open(run, run.timing())?;
        let begin = Instant::now();
        let history = run.read_metrics()?;
        Ok(Self {
            events,
            metrics,
            timing,
            schedule: plan.schedule,
            every: plan.config.output.log_every,
            begin,
            seconds_before: run.read_elapsed_seconds(),
            interval: Interval { begin, images: 0 },
            done: Done::default(),
            images_seen: state.images_seen,
            data_saturated_share: saturated_share(&plan.data),
            doctor: Doctor::new(history.iter().map(history_record).collect(), events),
        })
    }

    /// How much was done, and in what time.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            steps: self.done.steps,
            examples: self.done.images,
            of: "images",
            elapsed: self.begin.elapsed(),
        }
    }

    fn line(&mut self, report: &StepReport, fake: &Tensor) -> candle_core::Result<MetricsLine> {
        let fake = GeneratedImages::measure(fake, self.data_saturated_share)?;
        let figures = Figures::default()
            .with_count("images_seen", report.images_seen)
            .with("discriminator_loss", report.discriminator_loss)
            .with("generator_loss", report.generator_loss)
            .with("d_real", report.d_real)
            .with("d_fake", report.d_fake)
            .with("value", report.value)
            .with("fake_deviation", fake.deviation)
            .with("fake_saturated_share", fake.saturated_share)
            .with("data_saturated_share", fake.data_saturated_share);
        let line = MetricsLine {
            step: report.step,
            epoch: self.schedule.epoch(report.step),
            figures,
        };
        self.doctor.examine(history_record(&line));
        Ok(line)
    }

    fn timing(&mut self, step: u64) -> TimingLine {
        let images = self.done.images - self.interval.images;
        let seconds = self.interval.begin.elapsed().as_secs_f64();
        self.interval = Interval {
            begin: Instant::now(),
            images: self.done.images,
        };
        let rate = images as f64 / seconds.max(1e-9);
        TimingLine {
            step,
            rates: Figures::default().with("images_per_second", rate),
            elapsed_seconds: self.elapsed().as_secs_f64(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.begin.elapsed() + Duration::from_secs_f64(self.seconds_before)
    }

    /// Records that a step found numbers that are not finite, and that no step follows.
    pub(crate) fn diverged(&mut self, step: u64) -> Result<(), RunError> {
        let unknown = [
            "discriminator_loss",
            "generator_loss",
            "d_real",
            "d_fake",
            "value",
            "fake_deviation",
            "fake_saturated_share",
        ];
        let figures = Figures::default().with_count("images_seen", self.images_seen);
        let figures = unknown
            .into_iter()
            .fold(figures, |figures, name| figures.with(name, f64::NAN));
        self.metrics.append(&MetricsLine {
            step,
            epoch: self.schedule.epoch(step),
            figures: figures.with("data_saturated_share", self.data_saturated_share),
        })
    }
}

impl Observer for LogObserver<'_> {
    fn looks_after(&self, step: u64) -> u64 {
        self.schedule.next_multiple(step, self.every)
    }

    fn on_step(&mut self, report: &StepReport) -> Observed {
        self.done = Done {
            steps: self.done.steps + 1,
            images: self.done.images + (report.images_seen - self.images_seen),
        };
        self.images_seen = report.images_seen;
        self.events.tell(Event::Step {
            done: report.step + 1,
        });
        Ok(())
    }

    fn on_look(&mut self, look: &mut Look<'_>) -> Observed {
        let report = look.report();
        if report.step.is_multiple_of(self.every) || self.schedule.is_last(report.step) {
            let line = self.line(report, &look.fake()?)?;
            let timing = self.timing(report.step);
            self.metrics.append(&line)?;
            self.timing.append(&timing)?;
            self.events.tell(Event::Logged {
                line: &line,
                timing: &timing,
            });
        }
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
