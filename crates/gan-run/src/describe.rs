//! What a run will do, in a few lines.

use crate::log_table::clock;
use crate::picture::picture_name;
use crate::{Kind, Plan, RunError, RunFolder, Session, Summary};
use gan_core::{grouped, shown};
use gan_train::{LrSchedule, Trainer};
use serde::Serialize;
use std::fmt;
use std::path::Path;

impl Plan {
    /// What the run will do and where it writes: three sentences, and a line in parts.
    ///
    /// # Errors
    /// When the batches cannot be counted.
    pub fn in_words(
        &self,
        trainer: &Trainer,
        out: &Path,
        in_detail: bool,
    ) -> Result<([String; 3], [String; 3]), RunError> {
        let sentences = [
            self.networks(trainer),
            self.length(in_detail)?,
            self.rates(),
        ];
        Ok((sentences, self.output(out)))
    }

    fn networks(&self, trainer: &Trainer) -> String {
        format!(
            "{} networks: G {} and D {} parameters; {} loss",
            self.config.model.architecture.kind(),
            grouped(trainer.generator().parameters().trainable_count() as u64),
            grouped(trainer.discriminator().parameters().trainable_count() as u64),
            name(&self.config.train.loss),
        )
    }

    /// How many steps there are, and which key sets the number.
    fn length(&self, verbose: bool) -> Result<String, RunError> {
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
            LrSchedule::Exponential => "falling exponentially".to_string(),
            schedule => format!("falling to 0 by the {} schedule", name(&schedule)),
        };
        format!("Seed {}; learning {rates}, {schedule}", train.seed)
    }

    fn output(&self, out: &Path) -> [String; 3] {
        let config = &self.config.output;
        let checkpoints = match config.checkpoint_every {
            Some(every) => format!("checkpoints every {}", counted(every, "step")),
            None => "checkpoints every minute".to_string(),
        };
        [
            format!("{}:", shown(out)),
            format!("pictures every {},", counted(config.sample_every, "step")),
            checkpoints,
        ]
    }
}

impl Session {
    /// How far a resumed run has come, in a line; none at the start.
    pub fn in_words(&self) -> Option<String> {
        let (done, steps, train) = (
            self.done(),
            self.plan().schedule.steps,
            &self.plan().config.train,
        );
        if done == 0 {
            return None;
        }
        if done < steps {
            let (done, steps) = (grouped(done), grouped(steps));
            return Some(format!("Resuming after step {done} of {steps}"));
        }
        let more = match (train.steps, train.lr_schedule.depends_on_length()) {
            (_, true) => "its schedule has brought the learning rate to 0",
            (Some(_), _) => "more `train.steps` would continue it",
            (None, _) => "more `train.epochs` or `train.steps` would continue it",
        };
        Some(format!(
            "All {} steps of this run are done; {more}",
            grouped(steps)
        ))
    }
}

/// How much was done, and in what time.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps == 0 {
            return f.write_str("Nothing was left to do");
        }
        let rate = self.examples as f64 / self.elapsed.as_secs_f64();
        write!(
            f,
            "{} steps in {}, {} {}/s",
            grouped(self.steps),
            clock(self.elapsed),
            grouped(rate as u64),
            self.of,
        )
    }
}

impl RunFolder {
    /// What a run of `steps` steps left, by name, and what it is for.
    pub fn in_words(&self, steps: u64) -> Vec<(String, &'static str)> {
        let picture = picture_name(steps);
        let mut picture = format!("samples/{picture}");
        if !self.samples().with_file_name(&picture).exists() {
            picture = "samples/".to_string();
        }
        if Kind::of_run(self.path()) == Kind::Text {
            return self.of_text(steps);
        }
        let mut places = vec![
            (picture.as_str(), "what the generator draws now"),
            (
                "generator.safetensors",
                "its weights, for sample and evaluate",
            ),
            ("metrics.jsonl", "losses, D(x), D(G(z)) and V by step"),
            ("timing.jsonl", "images per second by step"),
        ];
        if self.scores().exists() {
            places.push(("scores.jsonl", "scores by step; checkpoints/ has the best"));
        }
        places.push(("checkpoints/", "what `resume` needs"));
        places.push(("config.toml", "the configuration"));
        let named = places.into_iter();
        named.map(|(name, what)| (name.to_string(), what)).collect()
    }
}

/// A value's name in files.
pub(crate) fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value
        .and_then(|value| value.as_str().map(str::to_string))
        .unwrap_or_default()
}

/// `1 step`, `2,000 steps`.
fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}
