//! Adam with decoupled weight decay (Loshchilov & Hutter, 2019, arXiv 1711.05101).

use candle_core::{Result, Tensor, Var};
use gan_ops::{AdamStep, adam_step};

/// How much of a parameter, times the learning rate, is taken from it in a step.
const WEIGHT_DECAY: f64 = 0.01;

/// The optimizer of some parameters.
pub(super) struct AdamW {
    slots: Vec<Slot>,
    steps: u64,
}

/// A parameter with its moments.
struct Slot {
    theta: Var,
    m: Var,
    v: Var,
}

impl AdamW {
    /// With moments of 0.
    pub(super) fn new(parameters: &[Var]) -> Result<Self> {
        let slot = |theta: &Var| {
            Ok(Slot {
                m: Var::from_tensor(&theta.zeros_like()?.detach())?,
                v: Var::from_tensor(&theta.zeros_like()?.detach())?,
                theta: theta.clone(),
            })
        };
        Ok(Self {
            slots: parameters.iter().map(slot).collect::<Result<_>>()?,
            steps: 0,
        })
    }

    /// Begins a step. The function that it returns takes each parameter with its gradient, once.
    pub(super) fn step(&mut self, lr: f64) -> impl FnMut(&Tensor, &Tensor) -> Result<()> {
        self.steps += 1;
        let step = AdamStep {
            lr,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            step: self.steps,
        };
        move |parameter, gradient| {
            let mut slots = self.slots.iter();
            let Some(slot) = slots.find(|slot| slot.theta.id() == parameter.id()) else {
                candle_core::bail!("a gradient of a tensor that is not trained");
            };
            let decayed = (slot.theta.as_detached_tensor() * (1.0 - lr * WEIGHT_DECAY))?;
            slot.theta.set(&decayed)?;
            adam_step(&slot.theta, gradient, &slot.m, &slot.v, &step)?;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// The first step moves by the learning rate against the gradient's sign, after the decay.
    #[test]
    fn the_decay_is_apart_from_the_gradient() {
        let theta = Var::new(&[2f32, -3.0, 5.0], &Device::Cpu).unwrap();
        let gradient = Tensor::new(&[0.5f32, 7.0, 0.0], &Device::Cpu).unwrap();
        let mut optimizer = AdamW::new(std::slice::from_ref(&theta)).unwrap();
        optimizer.step(0.1)(&theta, &gradient).unwrap();
        let found = theta.to_vec1::<f32>().unwrap();
        let kept = 1.0 - 0.1 * 0.01;
        for (found, expected) in found
            .iter()
            .zip([2.0 * kept - 0.1, -3.0 * kept - 0.1, 5.0 * kept])
        {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
