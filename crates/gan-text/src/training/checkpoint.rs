//! Everything that resuming a text run needs, in one file: all networks, all optimizers and the counters.

use super::{TextState, TextTrainer};
use gan_core::{Seed, Weights};
use gan_train::{ENGINE, TrainError};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The format that [`TextCheckpoint::save`] writes. A reader refuses any other.
const FORMAT_VERSION: u32 = 1;

/// 2⁵³: more steps than any run has.
const MOST_COUNTED: u64 = 1 << 53;

/// What a checkpoint stores besides its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TextCheckpointHeader {
    text_checkpoint_format_version: u32,
    /// The run's progress.
    pub state: TextState,
    /// The run's seed.
    pub seed: Seed,
    /// The [`ENGINE`] of the steps before it.
    pub engine: u32,
    /// What the caller wants to store, such as its configuration.
    pub run: serde_json::Value,
}

/// A checkpoint that has been read and whose checksum is right.
#[derive(Clone, Debug)]
pub struct TextCheckpoint {
    /// What it stores besides its tensors.
    pub header: TextCheckpointHeader,
    weights: Weights,
    /// The file's name in errors.
    origin: String,
}

impl TextCheckpoint {
    /// Writes the trainer's state with a checksum, whole or not at all. Equal states give equal bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(
        trainer: &TextTrainer,
        run: serde_json::Value,
        path: &Path,
    ) -> Result<(), TrainError> {
        let header = TextCheckpointHeader {
            text_checkpoint_format_version: FORMAT_VERSION,
            state: trainer.state(),
            seed: trainer.seed(),
            engine: ENGINE,
            run,
        };
        let mut weights = Weights {
            metadata: serde_json::json!(header).to_string(),
            ..Weights::default()
        };
        trainer.method.save(&mut weights)?;
        Ok(weights.write_with_checksum(path)?)
    }

    /// Writes it again, with whatever its header says now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let mut weights = self.weights.clone();
        weights.metadata = serde_json::json!(self.header).to_string();
        Ok(weights.write_with_checksum(path)?)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// When the file is damaged, has no checksum, or is not a text run's checkpoint of this format.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let weights = Weights::read_with_checksum(path)?;
        let origin = path.display().to_string();
        let header: Result<TextCheckpointHeader, _> = serde_json::from_str(&weights.metadata);
        match header {
            Ok(header) if header.text_checkpoint_format_version == FORMAT_VERSION => Ok(Self {
                header,
                weights,
                origin,
            }),
            found => Err(TrainError::Checkpoint {
                origin,
                found: match found {
                    Ok(header) => {
                        format!("format version {}", header.text_checkpoint_format_version)
                    }
                    Err(error) => format!("a header that is none of a text run ({error})"),
                },
                expected: format!("a text run's checkpoint of format version {FORMAT_VERSION}"),
            }),
        }
    }

    /// Restores a trainer of the same sizes and seed to the state of the checkpoint.
    ///
    /// # Errors
    /// When the checkpoint is of another seed, other sizes or a later engine, or counts more than 2⁵³ steps. The
    /// trainer may be partly restored then and must not be used.
    pub fn restore(&self, trainer: &mut TextTrainer) -> Result<(), TrainError> {
        let (header, weights, origin) = (&self.header, &self.weights, &self.origin);
        let TextState {
            step,
            rounds,
            discriminator_updates,
        } = header.state;
        let counts = [step, rounds, discriminator_updates];
        if counts.iter().any(|count| *count > MOST_COUNTED) {
            let most = format!("at most {MOST_COUNTED} of each");
            return Err(self.refusal(format!("{counts:?} steps, rounds and updates"), most));
        }
        if header.seed != trainer.seed() {
            let expected = format!("seed {}, the run's own", trainer.seed());
            return Err(self.refusal(format!("seed {}", header.seed), expected));
        }
        if header.engine > ENGINE {
            return Err(self.refusal(
                format!("numbers of engine {}", header.engine),
                format!("engine {ENGINE} or an earlier one: a later version wrote it"),
            ));
        }
        let method = &mut trainer.method;
        method.restore(weights, header.state, origin)?;
        trainer.state = header.state;
        Ok(())
    }

    fn refusal(&self, found: String, expected: String) -> TrainError {
        TrainError::Checkpoint {
            origin: self.origin.clone(),
            found,
            expected,
        }
    }
}
