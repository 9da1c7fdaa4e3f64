//! The Adam optimizer, which owns its state (Kingma & Ba, 2015).

use crate::TrainError;
use crate::checkpoint::restore_tensor;
use candle_core::{Tensor, Var};
use gan_core::{ParameterStore, Weights};
use gan_ops::{AdamStep, adam_step, sum_of_squares};

/// PyTorch's default, which the tutorial uses.
const EPS: f64 = 1e-8;

/// Called with each parameter and its gradient.
pub type Visit<'a> = dyn FnMut(&Tensor, &Tensor) -> candle_core::Result<()> + 'a;

/// Adam over the trainable tensors of one network, without weight decay.
pub struct Adam {
    slots: Vec<Slot>,
    lr: f64,
    beta1: f64,
    beta2: f64,
    steps: u64,
}

/// A parameter with its moments.
#[derive(Debug)]
struct Slot {
    name: String,
    theta: Var,
    m: Var,
    v: Var,
}

impl Adam {
    /// An optimizer with the learning rate `lr`, above 0, moments of 0 and their decay rates, in [0, 1).
    ///
    /// # Errors
    /// When the moments cannot be allocated.
    pub fn new(
        parameters: &ParameterStore,
        lr: f64,
        [beta1, beta2]: [f64; 2],
    ) -> candle_core::Result<Self> {
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
            lr,
            beta1,
            beta2,
            steps: 0,
        })
    }

    /// Begins a step with `lr_factor` times the learning rate. Every parameter must then be given its
    /// gradient exactly once.
    pub fn begin(&mut self, lr_factor: f64) -> AdamUpdate<'_> {
        self.steps += 1;
        AdamUpdate {
            step: AdamStep {
                lr: self.lr * lr_factor,
                beta1: self.beta1,
                beta2: self.beta2,
                eps: EPS,
                step: self.steps,
            },
            moved: vec![false; self.slots.len()],
            not_finite: None,
            slots: &self.slots,
        }
    }

    /// One step with `lr_factor` times the learning rate and the gradients that `gradients` passes on, scaled down
    /// to the norm `clip` if theirs is larger. Returns what is not finite: the gradients' norm, or the first such
    /// parameter.
    ///
    /// # Errors
    /// When a tensor operation fails, or a parameter is not given exactly one gradient.
    pub fn descend(
        &mut self,
        lr_factor: f64,
        clip: Option<f64>,
        gradients: impl FnOnce(&mut Visit<'_>) -> candle_core::Result<()>,
    ) -> candle_core::Result<Option<String>> {
        let mut update = self.begin(lr_factor);
        let Some(clip) = clip else {
            gradients(&mut |parameter, gradient| update.apply(parameter, gradient))?;
            return update.finish();
        };
        let mut all = Vec::new();
        let mut squares = 0.0;
        gradients(&mut |parameter, gradient| {
            // The squares of f32 numbers do not overflow in f64.
            squares += sum_of_squares(gradient)?;
            all.push((parameter.clone(), gradient.copy()?));
            Ok(())
        })?;
        let norm: f64 = squares.sqrt();
        if !norm.is_finite() {
            return Ok(Some("gradients' norm".to_string()));
        }
        let scale = (clip / norm).min(1.0);
        for (parameter, gradient) in &all {
            update.apply(parameter, &(gradient * scale)?)?;
        }
        update.finish()
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Copies both moments of every parameter under `prefix`.
    ///
    /// # Errors
    /// When they cannot be allocated.
    pub fn save(&self, prefix: &str, weights: &mut Weights) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (moment, var) in [("m", &slot.m), ("v", &slot.v)] {
                let name = format!("{prefix}{moment}.{}", slot.name);
                weights.tensors.insert(name, var.copy()?);
            }
        }
        Ok(())
    }

    /// Sets both moments of every parameter from `weights`; `steps` is the number of steps taken, and `origin` the
    /// file's name in errors.
    ///
    /// # Errors
    /// When one is missing or has another shape.
    pub fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        steps: u64,
        origin: &str,
    ) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (moment, var) in [("m", &slot.m), ("v", &slot.v)] {
                let name = format!("{prefix}{moment}.{}", slot.name);
                restore_tensor(var, &name, weights, origin, "")?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}

/// A step in progress.
#[must_use = "a step is complete once every parameter has been updated"]
pub struct AdamUpdate<'a> {
    step: AdamStep,
    slots: &'a [Slot],
    moved: Vec<bool>,
    not_finite: Option<&'a str>,
}

impl AdamUpdate<'_> {
    /// Updates one parameter by its gradient, of the same shape.
    ///
    /// # Errors
    /// When the optimizer does not have this parameter, or it was updated in this step already.
    pub fn apply(&mut self, parameter: &Tensor, gradient: &Tensor) -> candle_core::Result<()> {
        let mut slots = self.slots.iter().zip(&mut self.moved);
        let found = slots.find(|(slot, _)| slot.theta.id() == parameter.id());
        let Some((slot, moved)) = found else {
            let shape = parameter.dims();
            candle_core::bail!("a gradient of a tensor of shape {shape:?} that is not trainable");
        };
        if std::mem::replace(moved, true) {
            candle_core::bail!(
                "the parameter {} was given two gradients in one step",
                slot.name
            );
        }
        let finite = adam_step(&slot.theta, gradient, &slot.m, &slot.v, &self.step)?;
        if !finite && self.not_finite.is_none() {
            self.not_finite = Some(&slot.name);
        }
        Ok(())
    }

    /// Ends the step. Returns the name of the first parameter that is no longer finite, if there is one.
    ///
    /// # Errors
    /// When a parameter was given no gradient: it would silently stay the same.
    pub fn finish(self) -> candle_core::Result<Option<String>> {
        for (slot, moved) in self.slots.iter().zip(self.moved) {
            if !moved {
                candle_core::bail!("the parameter {} was given no gradient", slot.name);
            }
        }
        Ok(self.not_finite.map(str::to_string))
    }
}
