//! Everything that resuming a run needs, in one file: both networks, both optimizers and the counters.
//!
//! The random state is not saved: the seed and the step's number determine it.

use crate::{TrainError, TrainState, Trainer};
use candle_core::{Tensor, Var};
use gan_core::{Discriminator, Graph, ParameterStore, Seed, Weights, is_finite};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The format that [`save`] writes. A reader refuses any other. Version 2 has a checksum.
pub const CHECKPOINT_FORMAT_VERSION: u32 = 2;

/// Which numbers the same configuration gives in training. Incremented when they change, if only in their last
/// digits: 0 is version 0.1.0; 1 computes networks as graphs, with elementary functions and sums of its own.
pub const ENGINE: u32 = 1;

/// 2⁵³: more steps or images than any run has.
const MOST_COUNTED: u64 = 1 << 53;

/// How the names of the generator's tensors begin.
pub const GENERATOR: &str = "generator.";
/// How the names of the discriminator's tensors begin.
pub const DISCRIMINATOR: &str = "discriminator.";
/// How the names of the averages of the generator's tensors begin.
pub const AVERAGED_GENERATOR: &str = "averaged_generator.";
/// How the names of what the generator's optimizer keeps, before its own name for it begin.
pub const GENERATOR_OPTIMIZER: &str = "generator_optimizer.";
/// How the names of what the discriminator's optimizer keeps, before its own name for it begin.
pub const DISCRIMINATOR_OPTIMIZER: &str = "discriminator_optimizer.";

/// What a checkpoint stores besides its tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointHeader {
    /// See [`CHECKPOINT_FORMAT_VERSION`].
    pub checkpoint_format_version: u32,
    /// The run's progress.
    pub state: TrainState,
    /// The run's seed.
    pub seed: Seed,
    /// Steps taken by the generator's optimizer.
    pub generator_optimizer_steps: u64,
    /// Steps taken by the discriminator's optimizer.
    pub discriminator_optimizer_steps: u64,
    /// The [`ENGINE`] of the steps before it.
    #[serde(default)]
    pub engine: u32,
    /// The generator's operations, if it is made of a graph; not known for files of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<Graph>,
    /// The discriminator's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<Graph>,
    /// What the caller wants to store, such as its configuration.
    pub run: serde_json::Value,
}

/// Writes a checkpoint of the trainer with a checksum, whole or not at all. Equal states give equal bytes.
///
/// # Errors
/// Those of [`Checkpoint::of`], and when the file cannot be written.
pub fn save(trainer: &Trainer, run: serde_json::Value, path: &Path) -> Result<(), TrainError> {
    Checkpoint::of(trainer, run)?.write(path)
}

fn check_finite(step: u64, whose: &str, parameters: &ParameterStore) -> Result<(), TrainError> {
    for parameter in parameters.all() {
        if !is_finite(&parameter.var)? {
            return Err(TrainError::NonFinite {
                step,
                tensor: format!("{whose} {}", parameter.name),
            });
        }
    }
    Ok(())
}

/// A checkpoint that has been read and whose checksum is right.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What it stores besides its tensors.
    pub header: CheckpointHeader,
    weights: Weights,
    /// The file's name in errors.
    origin: String,
}

impl Checkpoint {
    /// A copy of the trainer's state; `run` is what the caller wants to store beside it.
    ///
    /// # Errors
    /// [`TrainError::NonFinite`] when a weight or a running statistic is not finite: an earlier checkpoint is
    /// worth more then.
    pub fn of(trainer: &Trainer, run: serde_json::Value) -> Result<Self, TrainError> {
        let step = trainer.state.step.saturating_sub(1);
        check_finite(step, "generator's", trainer.generator.parameters())?;
        check_finite(step, "discriminator's", trainer.discriminator.parameters())?;
        let header = CheckpointHeader {
            checkpoint_format_version: CHECKPOINT_FORMAT_VERSION,
            state: trainer.state,
            seed: trainer.seed,
            generator_optimizer_steps: trainer.generator_optimizer.steps(),
            discriminator_optimizer_steps: trainer.discriminator_optimizer.steps(),
            engine: ENGINE,
            generator: trainer.generator.graph().cloned(),
            discriminator: trainer.discriminator.graph().cloned(),
            run,
        };
        let mut weights = Weights::default();
        weights.insert_all(GENERATOR, trainer.generator.parameters())?;
        weights.insert_all(DISCRIMINATOR, trainer.discriminator.parameters())?;
        if let Some(ema) = &trainer.ema {
            ema.save(AVERAGED_GENERATOR, &mut weights)?;
        }
        trainer
            .generator_optimizer
            .save(GENERATOR_OPTIMIZER, &mut weights)?;
        trainer
            .discriminator_optimizer
            .save(DISCRIMINATOR_OPTIMIZER, &mut weights)?;
        Ok(Self {
            header,
            weights,
            origin: "the trainer's state".to_string(),
        })
    }

    /// Reads the file onto the CPU.
    ///
    /// # Errors
    /// [`gan_core::WeightsError::Format`] when the file is damaged,
    /// [`gan_core::WeightsError::NoChecksum`] when it has no checksum, [`TrainError::Checkpoint`] when it
    /// is not a checkpoint, or is one of another format version.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let weights = Weights::read_with_checksum(path)?;
        Ok(Self {
            header: read_header(&weights, path)?,
            weights,
            origin: path.display().to_string(),
        })
    }

    /// Writes it with what its header says now, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), TrainError> {
        let weights = Weights {
            metadata: serde_json::json!(self.header).to_string(),
            tensors: self.weights.tensors.clone(),
        };
        Ok(weights.write_with_checksum(path)?)
    }

    /// Restores a trainer of the same architecture and seed to the state of the checkpoint.
    ///
    /// # Errors
    /// When the checkpoint is of another seed or architecture, or counts more than 2⁵³ steps. The trainer
    /// may be partly restored then and must not be used.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<(), TrainError> {
        let (header, weights, origin) = (&self.header, &self.weights, &self.origin);
        if header.seed != trainer.seed {
            return Err(self.refusal(
                format!("seed {}", header.seed),
                format!("seed {}, the run's own", trainer.seed),
            ));
        }
        self.check_counts()?;
        weights.load_into(GENERATOR, trainer.generator.parameters(), origin)?;
        weights.load_into(DISCRIMINATOR, trainer.discriminator.parameters(), origin)?;
        self.check_computation(trainer)?;
        let averaged = |name: &&String| name.starts_with(AVERAGED_GENERATOR);
        match (&mut trainer.ema, weights.tensors.keys().find(averaged)) {
            (Some(ema), _) => ema.restore(AVERAGED_GENERATOR, weights, origin)?,
            (None, None) => {}
            (None, Some(name)) => {
                return Err(self.refusal(
                    format!("there is a tensor `{name}`"),
                    "none: this run has no ema_half_life_images".to_string(),
                ));
            }
        }
        let steps = header.generator_optimizer_steps;
        let optimizer = &mut trainer.generator_optimizer;
        optimizer.restore(GENERATOR_OPTIMIZER, weights, steps, origin)?;
        let steps = header.discriminator_optimizer_steps;
        let optimizer = &mut trainer.discriminator_optimizer;
        optimizer.restore(DISCRIMINATOR_OPTIMIZER, weights, steps, origin)?;
        trainer.state = header.state;
        Ok(())
    }

    /// Whether the networks compute what they computed when the checkpoint was written.
    fn check_computation(&self, trainer: &Trainer) -> Result<(), TrainError> {
        let header = &self.header;
        if header.engine > ENGINE {
            return Err(self.refusal(
                format!("numbers of engine {}", header.engine),
                format!("engine {ENGINE} or an earlier one: a later version wrote it"),
            ));
        }
        for (whose, found, expected) in [
            ("generator", &header.generator, trainer.generator.graph()),
            (
                "discriminator",
                &header.discriminator,
                trainer.discriminator.graph(),
            ),
        ] {
            if let (Some(found), Some(expected)) = (found, expected)
                && found != expected
            {
                let sha256 = |graph: &Graph| graph.sha256()[..12].to_string();
                return Err(self.refusal(
                    format!(
                        "a {whose} that computes a graph of SHA-256 {}…",
                        sha256(found)
                    ),
                    format!("{}…, the one that this version builds", sha256(expected)),
                ));
            }
        }
        Ok(())
    }

    /// Its tensors by name: a part's beginning, such as [`GENERATOR`], and the tensor's own name in it.
    pub fn tensors(&self) -> &BTreeMap<String, Tensor> {
        &self.weights.tensors
    }

    /// Sets one of its tensors; [`restore`](Self::restore) checks its name and shape.
    pub fn set_tensor(&mut self, name: String, tensor: Tensor) {
        self.weights.tensors.insert(name, tensor);
    }

    /// Sets the weights of `discriminator` from the checkpoint.
    ///
    /// # Errors
    /// When it has another architecture.
    pub fn restore_discriminator(
        &self,
        discriminator: &dyn Discriminator,
    ) -> Result<(), TrainError> {
        let parameters = discriminator.parameters();
        Ok(self
            .weights
            .load_into(DISCRIMINATOR, parameters, &self.origin)?)
    }

    /// Refuses counts beyond those of any run: one from a damaged file must not overflow in the next step.
    fn check_counts(&self) -> Result<(), TrainError> {
        let header = &self.header;
        for (name, count) in [
            ("step", header.state.step),
            ("images_seen", header.state.images_seen),
            (
                "generator_optimizer_steps",
                header.generator_optimizer_steps,
            ),
            (
                "discriminator_optimizer_steps",
                header.discriminator_optimizer_steps,
            ),
        ] {
            if count > MOST_COUNTED {
                let expected = format!("at most {MOST_COUNTED}");
                return Err(self.refusal(format!("{name} is {count}"), expected));
            }
        }
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

/// Sets `var` from the tensor `name` of a checkpoint from `origin`. `of` ends the error's message: which
/// runs have this tensor.
pub(crate) fn restore_tensor(
    var: &Var,
    name: &str,
    weights: &Weights,
    origin: &str,
    of: &str,
) -> Result<(), TrainError> {
    let found = weights.tensors.get(name);
    let Some(tensor) = found.filter(|tensor| tensor.dims() == var.dims()) else {
        return Err(TrainError::Checkpoint {
            origin: origin.to_string(),
            found: format!("`{name}` has shape {:?}", found.map(Tensor::dims)),
            expected: format!("shape {:?}{of}", var.dims()),
        });
    };
    Ok(var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?)
}

/// The header of a checkpoint that has been read from `path`.
///
/// # Errors
/// When the file is not a checkpoint, or is one of another format version.
pub fn read_header(weights: &Weights, path: &Path) -> Result<CheckpointHeader, TrainError> {
    #[derive(Deserialize)]
    struct Version {
        checkpoint_format_version: u32,
    }
    let wrong = |found: String| TrainError::Checkpoint {
        origin: path.display().to_string(),
        found,
        expected: format!("a checkpoint of format version {CHECKPOINT_FORMAT_VERSION}"),
    };
    let version: Version = serde_json::from_str(&weights.metadata)
        .map_err(|_| wrong("a safetensors file without a checkpoint's header".to_string()))?;
    if version.checkpoint_format_version != CHECKPOINT_FORMAT_VERSION {
        let found = version.checkpoint_format_version;
        return Err(wrong(format!("a checkpoint of format version {found}")));
    }
    serde_json::from_str(&weights.metadata).map_err(|e| wrong(format!("a damaged header ({e})")))
}
