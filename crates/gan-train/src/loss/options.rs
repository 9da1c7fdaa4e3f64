//! The losses by name, and their options.

use super::{Hinge, LeastSquares, Minimax, NonSaturating, RelativisticPairing, Wasserstein};
use gan_core::AdversarialLoss;
use serde::{Deserialize, Serialize};

/// The adversarial losses, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LossKind {
    /// −ln D(G(z)) for the generator.
    #[default]
    NonSaturating,
    /// ln(1 − D(G(z))) for the generator.
    Minimax,
    /// Squared distances of logits from 0 and 1.
    LeastSquares,
    /// Difference of mean logits; needs a Lipschitz bound on the discriminator.
    Wasserstein,
    /// Margins of 1 on both sides.
    Hinge,
    /// Pairs of a real and a generated image.
    RelativisticPairing,
}

/// The options of a loss.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LossOptions {
    /// One-sided label smoothing (Salimans et al., 2016, arXiv 1606.03498): the label of real images is
    /// 1 minus this; in [0, 0.5], usually 0.1.
    pub label_smoothing: f64,
}

impl LossKind {
    /// The loss of that name.
    pub fn build(self, options: LossOptions) -> Box<dyn AdversarialLoss> {
        let real_label = 1.0 - options.label_smoothing;
        match self {
            Self::NonSaturating => Box::new(NonSaturating { real_label }),
            Self::Minimax => Box::new(Minimax { real_label }),
            Self::LeastSquares => Box::new(LeastSquares { real_label }),
            Self::Wasserstein => Box::new(Wasserstein),
            Self::Hinge => Box::new(Hinge),
            Self::RelativisticPairing => Box::new(RelativisticPairing),
        }
    }

    /// Whether the loss has labels that can be smoothed.
    pub fn has_labels(self) -> bool {
        matches!(
            self,
            Self::NonSaturating | Self::Minimax | Self::LeastSquares
        )
    }
}
