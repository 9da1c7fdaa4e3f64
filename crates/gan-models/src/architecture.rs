//! The architectures, each with the options that it has.

use crate::mlp::{DISCRIMINATOR_WIDTHS, GENERATOR_WIDTHS};
use gan_core::{OutOfRange, Range};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The architectures, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArchitectureKind {
    /// The tutorial's multilayer perceptrons.
    #[default]
    Mlp,
    /// Strided convolutions, as in DCGAN.
    Dcgan,
    /// Small residual networks, as in R3GAN.
    Residual,
    /// The 2014 paper's: a rectifier generator, a discriminator of maxout units with dropout.
    Maxout,
    /// Networks that the program at hand brings, see [`Networks`](crate::Networks).
    Own,
}

/// The architecture of both networks with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// See [`ArchitectureKind::Mlp`].
    Mlp {
        /// Widths of the generator's hidden layers, 1 to 64 of them, each from 1 to 65,536; all but the
        /// first have batch normalization.
        generator_widths: Vec<usize>,
        /// Widths of the discriminator's hidden layers, as many.
        discriminator_widths: Vec<usize>,
    },
    /// See [`ArchitectureKind::Dcgan`].
    Dcgan {
        /// Channels of the widest images, from 1 to 1,024; deeper layers have multiples of it.
        width: usize,
        /// The discriminator's normalization.
        discriminator_norm: DiscriminatorNorm,
    },
    /// See [`ArchitectureKind::Residual`].
    Residual {
        /// The same as dcgan's.
        width: usize,
    },
    /// See [`ArchitectureKind::Maxout`].
    Maxout,
    /// See [`ArchitectureKind::Own`].
    Own {
        /// What the program calls them.
        name: String,
    },
}

/// The normalization of the layers of dcgan's discriminator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorNorm {
    /// None, as gradient penalties need.
    #[default]
    None,
    /// Batch normalization.
    Batch,
    /// Spectral normalization.
    Spectral,
}

const DEFAULT_WIDTH: usize = 64;

/// Far beyond any use: a typing error must not take all of the memory.
const MAX_MLP_WIDTH: u64 = 65_536;
const MAX_WIDTH: u64 = 1024;
/// Hidden layers of a perceptron.
const MAX_LAYERS: usize = 64;

impl Architecture {
    /// The architecture with its default options.
    pub fn default_of(kind: ArchitectureKind) -> Self {
        let width = DEFAULT_WIDTH;
        match kind {
            ArchitectureKind::Mlp => Self::Mlp {
                generator_widths: GENERATOR_WIDTHS.to_vec(),
                discriminator_widths: DISCRIMINATOR_WIDTHS.to_vec(),
            },
            ArchitectureKind::Dcgan => Self::Dcgan {
                width,
                discriminator_norm: DiscriminatorNorm::None,
            },
            ArchitectureKind::Residual => Self::Residual { width },
            ArchitectureKind::Maxout => Self::Maxout,
            ArchitectureKind::Own => Self::Own {
                name: String::new(),
            },
        }
    }

    /// Which it is, whatever its options.
    pub fn kind(&self) -> ArchitectureKind {
        match self {
            Self::Mlp { .. } => ArchitectureKind::Mlp,
            Self::Dcgan { .. } => ArchitectureKind::Dcgan,
            Self::Residual { .. } => ArchitectureKind::Residual,
            Self::Maxout => ArchitectureKind::Maxout,
            Self::Own { .. } => ArchitectureKind::Own,
        }
    }

    /// The width, if it has one.
    pub(crate) fn width_mut(&mut self) -> Option<&mut usize> {
        match self {
            Self::Dcgan { width, .. } | Self::Residual { width } => Some(width),
            Self::Mlp { .. } | Self::Maxout | Self::Own { .. } => None,
        }
    }

    /// Whether the options are in their ranges.
    pub(crate) fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::Mlp {
                generator_widths,
                discriminator_widths,
            } => {
                check_widths("model.generator_widths", generator_widths)?;
                check_widths("model.discriminator_widths", discriminator_widths)
            }
            Self::Dcgan { width, .. } | Self::Residual { width } => {
                Range::OneTo(MAX_WIDTH).check("model.width", *width)
            }
            Self::Maxout | Self::Own { .. } => Ok(()),
        }
    }
}

fn check_widths(key: &'static str, widths: &[usize]) -> Result<(), OutOfRange> {
    if !(1..=MAX_LAYERS).contains(&widths.len()) {
        return Err(OutOfRange {
            key,
            found: format!("{} widths", widths.len()),
            expected: format!("1 to {MAX_LAYERS} widths"),
        });
    }
    let range = Range::OneTo(MAX_MLP_WIDTH);
    widths.iter().try_for_each(|width| range.check(key, *width))
}

impl Default for Architecture {
    /// The tutorial's.
    fn default() -> Self {
        Self::default_of(ArchitectureKind::default())
    }
}

impl fmt::Display for ArchitectureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mlp => "mlp",
            Self::Dcgan => "dcgan",
            Self::Residual => "residual",
            Self::Maxout => "maxout",
            Self::Own => "own",
        })
    }
}
