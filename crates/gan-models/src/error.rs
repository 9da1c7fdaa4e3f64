//! Why a network cannot be built.

use crate::{ArchitectureKind, ModelConfig};
use gan_core::{ImageShape, OutOfRange};

/// Why a network cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A value is out of its range.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
    /// An option of another architecture is set.
    #[error(
        "model.{key} is set, but architecture {architecture} has no such option, expected {}",
        options_of(*architecture)
    )]
    ForeignOption {
        /// The configuration key, without its section.
        key: &'static str,
        /// The architecture at hand.
        architecture: ArchitectureKind,
    },
    /// The networks are those of another program.
    #[error(
        "model.architecture is own, model.name is {name:?}: the program that trained it brings these \
         networks; expected mlp, dcgan, residual or maxout here, or that program"
    )]
    Own {
        /// What that program calls them.
        name: String,
    },
    /// The mean image cannot be set.
    #[error(
        "model.output_bias is mean-image, expected default: the generator has no bias for each pixel before its \
         output, as those of architecture mlp and maxout have"
    )]
    NoPixelBias,
    /// Images without pixels, or with too many.
    #[error("images have shape {shape}, expected 1 to {most} values per image")]
    Image {
        /// Their shape.
        shape: ImageShape,
        /// How many values an image may have.
        most: usize,
    },
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

fn options_of(architecture: ArchitectureKind) -> String {
    match ModelConfig::keys_of(architecture) {
        [] => "none".to_string(),
        [key] => format!("only {key}"),
        keys => format!("one of {}", keys.join(", ")),
    }
}
