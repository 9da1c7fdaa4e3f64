//! The exit code of an error: 1 when the work failed, 2 when the input is at fault, 128 plus the number
//! of the signal that stopped the work.

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
    // Only anyhow's own downcast finds what was added as context.
    let given_wrong = error.is::<WrongUse>() || error.chain().any(is_wrong_use);
    ExitCode::from(if given_wrong { 2 } else { 1 })
}

/// The exit code of a program that a signal stopped.
pub(crate) fn signalled(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

fn is_wrong_use(cause: &(dyn Error + 'static)) -> bool {
    if let Some(error) = cause.downcast_ref::<TrainError>() {
        return match error {
            TrainError::Tensor(_) | TrainError::NonFinite { .. } | TrainError::Observer(_) => false,
            TrainError::Weights(error) => is_wrong_file(error),
            _ => true,
        };
    }
    if let Some(error) = cause.downcast_ref::<FeatureNetworkError>() {
        return match error {
            FeatureNetworkError::Tensor(_) | FeatureNetworkError::NonFinite { .. } => false,
            FeatureNetworkError::Weights(error) => is_wrong_file(error),
            FeatureNetworkError::Metric(error) => is_wrong_set(error),
            _ => true,
        };
    }
    if let Some(GeneratorFileError::Weights(error)) = cause.downcast_ref() {
        return is_wrong_file(error);
    }
    if let Some(error) = cause.downcast_ref::<SampleError>() {
        return !matches!(
            error,
            SampleError::Tensor(_) | SampleError::Encode { .. } | SampleError::Write { .. }
        );
    }
    cause.downcast_ref().is_some_and(is_wrong_file)
        || cause.downcast_ref().is_some_and(is_wrong_set)
        || cause.is::<ConfigError>()
        || cause.is::<DataError>()
        || cause.is::<GeneratorFileError>()
        || cause.is::<ModelError>()
}

/// A file that cannot be read is wrong input; one that cannot be written is not.
fn is_wrong_file(error: &WeightsError) -> bool {
    !matches!(error, WeightsError::Write { .. })
}

fn is_wrong_set(error: &MetricError) -> bool {
    !matches!(error, MetricError::Eigenvalues { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::Weights;
    use std::path::Path;

    /// Exit codes cannot be compared, but they can be formatted.
    fn shown(error: impl Into<anyhow::Error>) -> String {
        format!("{:?}", code(&error.into()))
    }

    #[test]
    fn reading_is_wrong_use_and_writing_a_failure_whoever_wraps_them() {
        let (wrong, failed) = (
            format!("{:?}", ExitCode::from(2)),
            format!("{:?}", ExitCode::from(1)),
        );
        let nowhere = Path::new("/dev/null/file");
        let read = || Weights::read(nowhere).unwrap_err();
        let write = || Weights::default().write(nowhere).unwrap_err();
        assert_eq!(shown(read()), wrong);
        assert_eq!(shown(write()), failed);
        assert_eq!(shown(GeneratorFileError::from(read())), wrong);
        assert_eq!(shown(GeneratorFileError::from(write())), failed);
        assert_eq!(shown(FeatureNetworkError::from(read())), wrong);
        assert_eq!(shown(FeatureNetworkError::from(write())), failed);
        assert_eq!(shown(TrainError::from(read())), wrong);
        assert_eq!(shown(TrainError::from(write())), failed);
        assert_eq!(shown(gan_sample::read_npy(nowhere).unwrap_err()), wrong);
        let unwritten = gan_sample::write_npy(nowhere, 0, gan_core::ImageShape::MNIST, []);
        assert_eq!(shown(unwritten.unwrap_err()), failed);
    }
}
