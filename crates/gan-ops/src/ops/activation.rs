//! Activation functions, which follow other operations part by part.

use crate::element::Element;
use candle_core::{Result, Tensor};
use gan_core::Op;

/// A function of one number, applied to every element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Activation {
    /// x
    Identity,
    /// x where x > 0, else `slope` · x (Maas et al., 2013). The derivative at 0 is `slope`, as in PyTorch.
    LeakyRelu {
        /// The slope below 0; at least 0, so that the sign of the result is that of the input. 0: ReLU.
        slope: f64,
    },
    /// tanh x
    Tanh,
    /// scale · x + shift
    Affine { scale: f64, shift: f64 },
}

impl Activation {
    /// Of an operation; those that are none keep each number.
    pub(crate) fn of(op: &Op) -> Self {
        match op {
            Op::LeakyRelu { slope } => Self::LeakyRelu { slope: *slope },
            Op::Tanh => Self::Tanh,
            Op::Affine { scale, shift } => Self::Affine {
                scale: *scale,
                shift: *shift,
            },
            _ => Self::Identity,
        }
    }

    /// The twin of candle operations, differentiable any number of times; any shape, which is kept.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub(crate) fn twin(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Identity => Ok(x.clone()),
            Self::LeakyRelu { slope } => x.gt(0.0)?.where_cond(x, &(x * slope)?),
            Self::Tanh => x.tanh(),
            Self::Affine { scale, shift } => x.affine(scale, shift),
        }
    }

    /// Replaces pre-activations by activations.
    #[inline(always)]
    pub(crate) fn apply_in_place<T: Element>(self, values: &mut [T]) {
        match self {
            Self::Identity => {}
            Self::LeakyRelu { slope } => {
                for value in values {
                    *value *= rectifier_slope(*value, slope);
                }
            }
            Self::Tanh => {
                for value in values {
                    *value = value.tanh();
                }
            }
            Self::Affine { scale, shift } => {
                let (scale, shift) = (T::from_f64(scale), T::from_f64(shift));
                for value in values {
                    *value = scale * *value + shift;
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
                for (g, y) in pairs {
                    *g *= rectifier_slope(*y, slope);
                }
            }
            Self::Tanh => {
                for (g, y) in pairs {
                    *g *= T::one() - *y * *y;
                }
            }
            Self::Affine { scale, .. } => {
                let scale = T::from_f64(scale);
                pairs.for_each(|(g, _)| *g *= scale);
            }
        }
    }
}

/// 1 where x > 0, else `slope`. A product with it is always stored: the compiler makes a choice between two
/// values of one place a store under a mask, which is slow on some processors.
#[inline(always)]
fn rectifier_slope<T: Element>(x: T, slope: f64) -> T {
    if x > T::zero() {
        T::one()
    } else {
        T::from_f64(slope)
    }
}
