//! `cpu`, `cuda` or `cuda:N`: where a run is trained.

use crate::RunError;

/// Where steps are computed. Pictures, scores and checkpoints are made on the CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrainingDevice {
    /// The CPU.
    Cpu,
    /// The NVIDIA GPU with this number, from 0.
    Cuda(usize),
}

impl TrainingDevice {
    /// The device with that name.
    ///
    /// # Errors
    /// When there is no such name, or this program cannot train there.
    pub(crate) fn named(name: &str) -> Result<Self, RunError> {
        let ordinal = match name.split_once(':') {
            None if name == "cpu" => return Ok(Self::Cpu),
            None if name == "cuda" => Some(0),
            Some(("cuda", ordinal)) => ordinal.parse().ok(),
            _ => None,
        };
        let Some(ordinal) = ordinal else {
            let text = format!("device is `{name}`, expected `cpu`, `cuda` or `cuda:N`");
            return Err(RunError::Refused(text));
        };
        if !cfg!(feature = "cuda") {
            let text = format!(
                "device is `{name}`, but this program was built without CUDA; build it with `feature cuda`"
            );
            return Err(RunError::Refused(text));
        }
        Ok(Self::Cuda(ordinal))
    }
}
