//! What the program's exit code says.

use gan_core::ErrorClass;
use gan_run::RunError;
use std::process::ExitCode;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something could not be used, or failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A signal stopped it, which has been said.
    #[error("stopped")]
    Stopped {
        /// 128 plus the signal's number, as shells have it.
        code: u8,
    },
    /// Whatever failed has been said.
    #[error("failed")]
    Said(ErrorClass),
    /// Standard output could not be written.
    #[error("standard output: cannot be written")]
    Output(#[source] std::io::Error),
    /// The system refuses threads or handlers of signals.
    #[error(transparent)]
    System(#[from] std::io::Error),
}

impl Failure {
    /// 1 when the work failed, 2 when what was given is at fault, 128 plus the signal's number.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Run(error) => code(error.class()),
            Self::Said(class) => code(*class),
            Self::Stopped { code } => *code,
            Self::Output(_) | Self::System(_) => 1,
        })
    }
}

fn code(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::WrongUse => 2,
        ErrorClass::Failed => 1,
    }
}

/// Errors of the crates below, by way of [`RunError`].
macro_rules! by_way_of_run_error {
    ($($error:ty),*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Run(error.into())
            }
        }
    )*};
}
by_way_of_run_error!(
    gan_eval::EvalError,
    gan_core::WeightsError,
    gan_core::candle_core::Error,
    gan_metrics::FeatureNetworkError
);
