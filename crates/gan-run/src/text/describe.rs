//! What a run of text will do, in a few lines.

use super::{TextPlan, TextSession};
use crate::{RunError, RunFolder};
use gan_core::{grouped, shown};
use gan_text::AdversaryConfig;
use std::path::Path;

impl TextPlan {
    /// What the run will do and where it writes: two sentences, and a line in parts.
    ///
    /// # Errors
    /// When the networks cannot be built.
    pub fn in_words(&self, out: &Path) -> Result<([String; 2], [String; 3]), RunError> {
        let config = &self.config;
        let method = match &config.adversary {
            AdversaryConfig::None(_) => "maximum likelihood".to_string(),
            adversary => format!(
                "{} steps of {}",
                grouped(adversary.steps()),
                adversary.name()
            ),
        };
        let parameters = self.trainer()?.generator().parameter_count();
        let networks = format!(
            "Generator: LSTM of {} cells, {} parameters; {method}",
            config.model.hidden,
            grouped(parameters as u64)
        );
        let pretraining = self.pretraining_steps.min(self.steps);
        let before = match (&config.adversary, pretraining) {
            (AdversaryConfig::None(_), _) | (_, 0) => String::new(),
            (_, all) if all == self.steps => ", all of them maximum likelihood".to_string(),
            _ => format!(
                ", {} of them maximum likelihood before",
                grouped(pretraining)
            ),
        };
        let (seed, batch) = (config.train.seed, config.train.batch_size);
        let plural = if self.steps == 1 { "" } else { "s" };
        let length = format!(
            "{} step{plural}{before}, {batch} texts each; seed {seed}",
            grouped(self.steps)
        );
        let output = &config.output;
        let checkpoints = match output.checkpoint_every {
            Some(every) => format!("checkpoints every {} parts", grouped(every)),
            None => "checkpoints every minute".to_string(),
        };
        let samples = format!("samples every {} steps,", grouped(output.sample_every));
        Ok((
            [networks, length],
            [format!("{}:", shown(out)), samples, checkpoints],
        ))
    }
}

impl RunFolder {
    /// What a run of text left, by name, and what it is for.
    pub(crate) fn of_text(&self, steps: u64) -> Vec<(String, &'static str)> {
        let mut places = vec![
            (
                format!("samples/{steps:06}.txt"),
                "what the generator writes now",
            ),
            (
                "generator.safetensors".to_string(),
                "its weights, for sample and evaluate",
            ),
        ];
        if self.pretrained().exists() {
            let what = "the same before its adversarial steps, a control of evaluate";
            places.push(("pretrained.safetensors".to_string(), what));
        }
        if self.text_best_files().generator().exists() {
            let what = "best-generator.safetensors: the lowest NLL of held-out texts";
            places.push(("checkpoints/".to_string(), what));
        }
        for (name, what) in [
            ("metrics.jsonl", "losses by step and round"),
            ("scores.jsonl", "scores by step"),
            ("checkpoints/", "what `resume` needs"),
            ("config.toml", "the configuration"),
        ] {
            places.push((name.to_string(), what));
        }
        places
    }
}

impl TextSession {
    /// How far a resumed run has come, in a line; none at the start.
    pub fn in_words(&self) -> Option<String> {
        let (done, steps) = (self.done(), self.plan().steps());
        let [of, all] = [done, steps].map(grouped);
        match done {
            0 => None,
            _ if done < steps => Some(format!("Resuming after step {of} of {all}")),
            _ => Some(format!(
                "All {all} steps of this run are done; more `train.epochs` or `train.steps` would continue it"
            )),
        }
    }
}
