//! The start-up lines of a run.

use super::plan::Plan;
use crate::console::{Console, pack};
use anyhow::Result;
use gan_core::shown;
use gan_train::{LrSchedule, Trainer};
use indicatif::HumanCount;
use serde::Serialize;
use std::path::Path;

impl Plan {
    /// Prints what the run will do and where it writes, in four lines; a verbose console gets the whole
    /// configuration before them.
    pub(crate) fn describe(&self, trainer: &Trainer, out: &Path, console: &Console) -> Result<()> {
        // A path that is not UTF-8 has no place in it, which is to be said before anything is written.
        let configuration = self.config.to_toml()?;
        if console.is_verbose() {
            console.lines(format!(
                "
{configuration}"
            ));
        }
        console.sentence(self.networks(trainer));
        console.sentence(self.length(console.is_verbose())?);
        console.sentence(self.rates());
        console.lines(self.output(out));
        Ok(())
    }

    fn networks(&self, trainer: &Trainer) -> String {
        format!(
            "{} networks: G {} and D {} parameters; {} loss",
            name(&self.config.model.architecture),
            HumanCount(trainer.generator().parameters().trainable_count() as u64),
            HumanCount(trainer.discriminator().parameters().trainable_count() as u64),
            name(&self.config.train.loss),
        )
    }

    /// How many steps there are, and which key sets the number.
    fn length(&self, verbose: bool) -> Result<String> {
        let (schedule, train) = (self.schedule, &self.config.train);
        let (steps, per_epoch) = (schedule.steps, schedule.steps_per_epoch);
        let what = match self.config.data.toy() {
            Some(_) => "points",
            None => "images",
        };
        let mut epoch = format!(
            "{} of {} {what}",
            counted(per_epoch, "step"),
            train.batch_size
        );
        let last = self.loader(train.seed)?.last_batch_size();
        if verbose && last != train.batch_size {
            epoch += &format!(", the last of {last}");
        }
        let all = counted(steps, "step");
        Ok(if train.steps != Some(steps) {
            format!("{all}: {} of {epoch}", counted(schedule.epochs(), "epoch"))
        } else if steps < per_epoch {
            format!("{all} (train.steps), less than an epoch of {epoch}")
        } else {
            let epochs = steps as f64 / per_epoch as f64;
            format!("{all} (train.steps), {epochs:.1} epochs of {epoch}")
        })
    }

    fn rates(&self) -> String {
        let train = &self.config.train;
        let rates = match train.discriminator_lr {
            Some(lr) if lr != train.lr => format!("rates {:?} (G) and {lr:?} (D)", train.lr),
            _ => format!("rate {:?}", train.lr),
        };
        let schedule = match train.lr_schedule {
            LrSchedule::Constant => "constant".to_string(),
            schedule => format!("falling to 0 by the {} schedule", name(&schedule)),
        };
        format!("Seed {}; learning {rates}, {schedule}", train.seed)
    }

    fn output(&self, out: &Path) -> String {
        let config = &self.config.output;
        let checkpoints = match config.checkpoint_every {
            Some(every) => format!("checkpoints every {}", counted(every, "step")),
            None => "checkpoints every minute".to_string(),
        };
        let parts = [
            format!("{}:", shown(out)),
            format!("pictures every {},", counted(config.sample_every, "step")),
            checkpoints,
        ];
        pack(parts.iter().map(String::as_str), " ", 2)
    }
}

/// A value's name in a configuration.
fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value
        .and_then(|value| value.as_str().map(str::to_string))
        .unwrap_or_default()
}

/// `1 step`, `2,000 steps`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", HumanCount(number))
}
