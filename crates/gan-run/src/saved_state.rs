//! What checkpoints of all kinds of runs have in common.

use gan_text::TextCheckpoint;
use gan_train::{Checkpoint, TrainError};
use serde_json::Value;
use std::path::Path;

/// A checkpoint of a run.
pub(crate) trait SavedState: Sized {
    /// Reads one whose checksum is right.
    fn read(path: &Path) -> Result<Self, TrainError>;

    /// Writes it, whole or not at all.
    fn write(&self, path: &Path) -> Result<(), TrainError>;

    /// The steps that were done, or the parts; its name has this number.
    fn done(&self) -> u64;

    /// What it says about its run.
    fn run(&mut self) -> &mut Value;
}

impl SavedState for Checkpoint {
    fn read(path: &Path) -> Result<Self, TrainError> {
        Self::read(path)
    }

    fn write(&self, path: &Path) -> Result<(), TrainError> {
        self.write(path)
    }

    fn done(&self) -> u64 {
        self.header.state.step
    }

    fn run(&mut self) -> &mut Value {
        &mut self.header.run
    }
}

impl SavedState for TextCheckpoint {
    fn read(path: &Path) -> Result<Self, TrainError> {
        Self::read(path)
    }

    fn write(&self, path: &Path) -> Result<(), TrainError> {
        self.write(path)
    }

    fn done(&self) -> u64 {
        self.header.state.parts()
    }

    fn run(&mut self) -> &mut Value {
        &mut self.header.run
    }
}
