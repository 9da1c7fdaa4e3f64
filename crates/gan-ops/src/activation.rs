//! Activation functions that other operations fuse.

use crate::composed;
use crate::element::Element;
use candle_core::{Result, Tensor};

/// A function of one number, applied to every element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// x
    Identity,
    /// x where x > 0, else `slope` · x (Maas et al., 2013). The derivative at 0 is `slope`, as PyTorch's.
    LeakyRelu {
        /// The slope left of 0; not negative, so that the result's sign tells the input's. 0 is the
        /// rectifier.
        slope: f64,
    },
    /// tanh x
    Tanh,
}

impl Activation {
    /// The composed, any-number-of-times differentiable form.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn apply(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::LeakyRelu { slope } => composed::leaky_relu(x, slope),
            Self::Tanh => x.tanh(),
        }
    }

    /// Whether the derivative is constant but for kinks.
    pub(crate) fn is_piecewise_linear(self) -> bool {
        match self {
            Self::Identity | Self::LeakyRelu { .. } => true,
            Self::Tanh => false,
        }
    }

    /// Replaces pre-activations by activations.
    #[inline(always)]
    pub(crate) fn apply_in_place<T: Element>(self, values: &mut [T]) {
        match self {
            Self::Identity => {}
            Self::LeakyRelu { slope } => {
                let slope = T::from_f64(slope);
                for value in values {
                    let scaled = *value * slope;
                    *value = if *value > T::zero() { *value } else { scaled };
                }
            }
            Self::Tanh => {
                for value in values {
                    *value = value.tanh();
                }
            }
        }
    }

    /// Turns the gradient by the activations `outputs` into the gradient by the pre-activations.
    #[inline(always)]
    pub(crate) fn backpropagate<T: Element>(self, outputs: &[T], gradient: &mut [T]) {
        let pairs = gradient.iter_mut().zip(outputs);
        match self {
            Self::Identity => {}
            Self::LeakyRelu { slope } => {
                let slope = T::from_f64(slope);
                for (g, y) in pairs {
                    let scaled = *g * slope;
                    *g = if *y > T::zero() { *g } else { scaled };
                }
            }
            Self::Tanh => {
                for (g, y) in pairs {
                    *g *= T::one() - *y * *y;
                }
            }
        }
    }
}
