//! Activation functions that other operations fuse.

use crate::composed;
use crate::element::Element;
use candle_core::{Result, Tensor};

/// A function of one number, applied to every element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// x
    Identity,
    /// x where x > 0, else `slope` · x (Maas et al., 2013). The derivative at 0 is `slope`, as in PyTorch.
    LeakyRelu {
        /// The slope below 0; at least 0, so that the sign of the result is that of the input. 0: ReLU.
        slope: f64,
    },
    /// tanh x
    Tanh,
}

impl Activation {
    /// The twin of candle operations, differentiable any number of times; any shape, which is kept.
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

    /// Whether the derivative is piecewise constant.
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

    /// Replaces the gradient with respect to the activations `outputs` by the one with respect to the
    /// pre-activations.
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
