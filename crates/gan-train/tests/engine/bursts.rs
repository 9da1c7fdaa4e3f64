//! Observers, and engines that take several steps between their looks.

use crate::perceptrons::{batch, trainer, values};
use candle_core::Tensor;
use gan_train::{Checkpoint, Engine, Look, Observer, StepReport, TrainConfig, TrainError, Trainer};

/// Remembers the steps that it saw, and those after which it looked; fails at a look.
struct FailsAt {
    step: u64,
    seen: Vec<u64>,
    looked: Vec<u64>,
}

impl FailsAt {
    fn step(step: u64) -> Self {
        let (seen, looked) = (Vec::new(), Vec::new());
        Self { step, seen, looked }
    }
}

impl Observer for FailsAt {
    fn looks_after(&self, step: u64) -> u64 {
        step.next_multiple_of(3)
    }

    fn on_step(
        &mut self,
        report: &StepReport,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.seen.push(report.step);
        Ok(())
    }

    fn on_look(
        &mut self,
        look: &mut Look<'_>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let step = look.report().step;
        assert_eq!(look.trainer()?.state().step, step + 1);
        assert_eq!(look.fake()?.dims(), [8, 1, 4, 4]);
        self.looked.push(step);
        match step == self.step {
            true => Err("enough".into()),
            false => Ok(()),
        }
    }
}

#[test]
fn an_observers_error_stops_the_run() {
    let mut observer = FailsAt::step(1);
    let batches = (0..5).map(|i| Ok(batch(i)));
    let error = trainer(&TrainConfig::default()).run(batches, &mut [&mut observer]);
    assert_eq!(error.unwrap_err().to_string(), "enough");
    assert_eq!(observer.seen, [0, 1]);
}

/// The trainer's own steps in bursts, kept from the trainer until it is stored.
struct Bursts {
    inner: Trainer,
    batches: std::ops::Range<u64>,
    stored: u32,
}

impl Engine for Bursts {
    fn burst(
        &mut self,
        _trainer: &mut Trainer,
        most: u64,
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError> {
        for _ in 0..most {
            let Some(step) = self.batches.next() else {
                break;
            };
            reports.push(self.inner.step(&batch(step))?);
        }
        Ok(())
    }

    fn store(&mut self, trainer: &mut Trainer) -> Result<(), TrainError> {
        self.stored += 1;
        Checkpoint::of(&self.inner, serde_json::Value::Null)?.restore(trainer)
    }

    fn fake(&mut self, _trainer: &Trainer) -> Result<Tensor, TrainError> {
        Ok(self.inner.fake().unwrap().clone())
    }
}

#[test]
fn an_engine_of_bursts_shows_every_step_and_stores_where_someone_looks() {
    let config = TrainConfig {
        ema_half_life_images: Some(100.0),
        ..TrainConfig::default()
    };
    let mut by_steps = trainer(&config);
    let batches = |steps: std::ops::Range<u64>| steps.map(|i| Ok(batch(i)));
    by_steps.run(batches(0..8), &mut []).unwrap();

    let mut by_bursts = trainer(&config);
    let mut engine = Bursts {
        inner: trainer(&config),
        batches: 0..8,
        stored: 0,
    };
    let mut observer = FailsAt::step(100);
    by_bursts.run_on(&mut engine, &mut [&mut observer]).unwrap();
    assert_eq!(observer.seen, [0, 1, 2, 3, 4, 5, 6, 7]);
    // The last burst ends with the batches.
    assert_eq!(observer.looked, [0, 3, 6, 7]);
    assert_eq!(engine.stored, 4 + 1);
    let state = |trainer: &Trainer| {
        let parameters = [
            trainer.generator().parameters(),
            trainer.discriminator().parameters(),
        ];
        let averaged = trainer.averaged_generator().unwrap();
        (
            trainer.state(),
            parameters.map(values),
            values(averaged.parameters()),
        )
    };
    assert_eq!(state(&by_bursts), state(&by_steps));
}

/// What an engine did before it failed is reported, and nobody looks at a trainer that is out of date.
#[test]
fn the_steps_before_an_engines_failure_are_reported() {
    let mut trainer = trainer(&TrainConfig::default());
    let mut observer = FailsAt::step(100);
    let mut engine = FailsAfterTwo;
    let error = trainer.run_on(&mut engine, &mut [&mut observer]);
    assert_eq!(error.unwrap_err().to_string(), "lost");
    assert_eq!(observer.seen, [0, 1]);
    assert!(observer.looked.is_empty());
}

struct FailsAfterTwo;

impl Engine for FailsAfterTwo {
    fn burst(
        &mut self,
        _trainer: &mut Trainer,
        _most: u64,
        reports: &mut Vec<StepReport>,
    ) -> Result<(), TrainError> {
        let mut trainer = trainer(&TrainConfig::default());
        for step in 0..2 {
            reports.push(trainer.step(&batch(step))?);
        }
        Err(TrainError::Observer("lost".into()))
    }

    fn fake(&mut self, _trainer: &Trainer) -> Result<Tensor, TrainError> {
        unreachable!("nobody looks")
    }
}
