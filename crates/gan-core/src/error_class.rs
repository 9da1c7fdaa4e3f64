//! Who can do something about an error.

/// Whether an error lies in what was given or in the work itself. An error type of which some
/// cases are failures has a `class`, all others are wrong use, so that a program can choose its exit code, or a server its status, without a list of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Arguments, a configuration, data or a file cannot be used as they are.
    WrongUse,
    /// The work failed: a file could not be written, a number was not finite, a computation failed.
    Failed,
}
