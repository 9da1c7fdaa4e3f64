//! Spectral normalization of a weight.

use super::recorder::Recorder;
use crate::launch::{Argument, KernelFile, Module, Place};
use std::sync::Arc;

/// A weight under spectral normalization: the vectors of its estimate and the value in force.
#[derive(Clone, Copy)]
pub(super) struct Spectral {
    pub(super) trained: Place,
    pub(super) u: Place,
    pub(super) v: Place,
    pub(super) sigma: Place,
    pub(super) in_force: Place,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Spectral {
    fn module(&self) -> Arc<Module> {
        let module = Module::new(KernelFile::Spectral, 1024);
        Arc::new(module.with("ROWS", self.rows).with("COLUMNS", self.columns))
    }

    /// One step of power iteration, and the weight in force.
    pub(super) fn normalize(&self, recorder: &mut Recorder) {
        let arguments = vec![
            Argument::In(self.trained),
            Argument::Out(self.u),
            Argument::Out(self.v),
            Argument::Out(self.sigma),
            Argument::Out(self.in_force),
        ];
        recorder.launch(&self.module(), "normalize", [1, 1, 1], arguments);
    }

    /// The gradient by the trained weight in place of the one by the weight in force.
    pub(super) fn turn_to_trained(&self, recorder: &mut Recorder, gradient: Place) {
        let arguments = vec![
            Argument::Out(gradient),
            Argument::In(self.in_force),
            Argument::In(self.u),
            Argument::In(self.v),
            Argument::In(self.sigma),
        ];
        recorder.launch(&self.module(), "to_trained", [1, 1, 1], arguments);
    }
}
