//! Which exit code an error has: 1 when the work failed, 2 when what was given is at fault, 128 and a
//! signal's number when that stopped the work.

use crate::stop::Stopped;
use gan_core::WeightsError;
use gan_data::DataError;
use gan_metrics::{FeatureNetworkError, MetricError};
use gan_models::{GeneratorFileError, ModelError};
use gan_sample::SampleError;
use gan_train::{ConfigError, TrainError};
use std::error::Error;
use std::process::ExitCode;

/// Arguments, a configuration or a folder that cannot be used as they are.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WrongUse(pub(crate) String);

/// The exit code for an error of a command.
pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
    if let Some(stopped) = error.downcast_ref::<Stopped>() {
        return ExitCode::from(stopped.exit_code());
    }
    // What was added as context is found by anyhow's own downcast alone.
    let given_wrong = error.is::<WrongUse>() || error.chain().any(is_wrong_use);
    ExitCode::from(if given_wrong { 2 } else { 1 })
}

/// The exit code of a program that a signal has stopped.
pub(crate) fn signalled(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

fn is_wrong_use(cause: &(dyn Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<TrainError>() {
        return !matches!(
            error,
            TrainError::Tensor(_) | TrainError::NonFinite { .. } | TrainError::Observer(_)
        );
    }
    if let Some(error) = cause.downcast_ref::<SampleError>() {
        return !matches!(error, SampleError::Tensor(_) | SampleError::Encode { .. });
    }
    if let Some(error) = cause.downcast_ref::<FeatureNetworkError>() {
        return !matches!(
            error,
            FeatureNetworkError::Tensor(_) | FeatureNetworkError::NonFinite { .. }
        );
    }
    if let Some(error) = cause.downcast_ref::<MetricError>() {
        return !matches!(error, MetricError::Eigenvalues { .. });
    }
    cause.is::<ConfigError>()
        || cause.is::<DataError>()
        || cause.is::<GeneratorFileError>()
        || cause.is::<ModelError>()
        || cause.is::<WeightsError>()
}
