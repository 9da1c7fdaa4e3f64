//! The Adam optimizer, which owns its state (Kingma & Ba, 2015).

use crate::{TrainConfig, TrainError};
use candle_core::Var;
use gan_core::{Gradients, ParameterStore, Weights};
use gan_ops::{AdamStep, adam_step};

/// PyTorch's default, which the tutorial keeps.
const EPS: f64 = 1e-8;

/// Adam over the trainable tensors of one network, without weight decay.
pub struct Adam {
    slots: Vec<Slot>,
    lr: f64,
    beta1: f64,
    beta2: f64,
    steps: u64,
}

/// A parameter with its moments.
struct Slot {
    name: String,
    theta: Var,
    m: Var,
    v: Var,
}

impl Adam {
    /// An optimizer with moments of zero.
    ///
    /// # Errors
    /// When the moments cannot be allocated.
    pub fn new(parameters: &ParameterStore, config: &TrainConfig) -> candle_core::Result<Self> {
        let mut slots = Vec::new();
        for parameter in parameters.trainable() {
            slots.push(Slot {
                m: Var::from_tensor(&parameter.var.zeros_like()?.detach())?,
                v: Var::from_tensor(&parameter.var.zeros_like()?.detach())?,
                name: parameter.name,
                theta: parameter.var,
            });
        }
        Ok(Self {
            slots,
            lr: config.lr,
            beta1: config.beta1,
            beta2: config.beta2,
            steps: 0,
        })
    }

    /// Moves every parameter along its gradient, and clears the gradients.
    ///
    /// # Errors
    /// When a parameter has no gradient: it would silently stay as it is.
    pub fn step(&mut self, gradients: &mut Gradients) -> candle_core::Result<()> {
        self.steps += 1;
        let step = AdamStep {
            lr: self.lr,
            beta1: self.beta1,
            beta2: self.beta2,
            eps: EPS,
            step: self.steps,
        };
        for slot in &self.slots {
            let Some(gradient) = gradients.get(&slot.theta) else {
                candle_core::bail!("no gradient reaches the parameter {}", slot.name);
            };
            adam_step(&slot.theta, gradient, &slot.m, &slot.v, &step)?;
        }
        gradients.clear();
        Ok(())
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Copies both moments of every parameter under `prefix`.
    pub(crate) fn save(&self, prefix: &str, weights: &mut Weights) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (moment, var) in [("m", &slot.m), ("v", &slot.v)] {
                let name = format!("{prefix}{moment}.{}", slot.name);
                weights.tensors.insert(name, var.copy()?);
            }
        }
        Ok(())
    }

    /// Sets both moments of every parameter from `weights`; `steps` is the number of steps taken.
    pub(crate) fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        steps: u64,
        origin: &str,
    ) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (moment, var) in [("m", &slot.m), ("v", &slot.v)] {
                let name = format!("{prefix}{moment}.{}", slot.name);
                let found = weights.tensors.get(&name);
                let Some(tensor) = found.filter(|t| t.dims() == var.dims()) else {
                    return Err(TrainError::Checkpoint {
                        origin: origin.to_string(),
                        found: format!(
                            "`{name}` has shape {:?}",
                            found.map(candle_core::Tensor::dims)
                        ),
                        expected: format!("shape {:?}", var.dims()),
                    });
                };
                var.set(&tensor.to_dtype(var.dtype())?.to_device(var.device())?)?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}
