//! The optimizers, which own their state: Adam (Kingma & Ba, 2015), and gradient descent with momentum (Polyak, 1964).

use crate::TrainError;
use crate::checkpoint::restore_tensor;
use candle_core::{Tensor, Var};
use gan_core::{ParameterStore, Weights};
use gan_ops::{AdamStep, MomentumStep, adam_step, momentum_step, sum_of_squares};
use serde::{Deserialize, Serialize};

/// Adam's eps: PyTorch's default, which the tutorial uses.
pub const ADAM_EPS: f64 = 1e-8;

/// Called with each parameter and its gradient.
pub type Visit<'a> = dyn FnMut(&Tensor, &Tensor) -> candle_core::Result<()> + 'a;

/// The optimizers, by the name that a configuration gives them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Adam.
    #[default]
    Adam,
    /// Gradient descent with momentum.
    Momentum,
}

impl OptimizerKind {
    /// The names of the tensors that it keeps beside each parameter.
    pub fn kept(self) -> &'static [&'static str] {
        match self {
            Self::Adam => &["m", "v"],
            Self::Momentum => &["velocity"],
        }
    }
}

/// A number that goes from one value to another in a straight line and then stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ramp {
    /// At the first step.
    pub from: f64,
    /// From step `steps` on, counted from 0.
    pub to: f64,
    /// The length.
    pub steps: u64,
}

impl Ramp {
    /// The value at a step, from 0.
    pub fn at(self, step: u64) -> f64 {
        match step < self.steps {
            true => self.from + (self.to - self.from) * (step as f64 / self.steps as f64),
            false => self.to,
        }
    }
}

/// How a parameter moves.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Adam { lr: f64, betas: [f64; 2] },
    Momentum { lr: f64, momentum: Ramp },
}

impl Rule {
    fn state(self) -> &'static [&'static str] {
        match self {
            Self::Adam { .. } => OptimizerKind::Adam.kept(),
            Self::Momentum { .. } => OptimizerKind::Momentum.kept(),
        }
    }
}

/// The settings of one step.
#[derive(Clone, Copy, Debug)]
pub enum StepSettings {
    /// Of Adam.
    Adam(AdamStep),
    /// Of gradient descent with momentum.
    Momentum(MomentumStep),
}

/// An optimizer of the trainable tensors of one network, without weight decay.
pub struct Optimizer {
    slots: Vec<Slot>,
    rule: Rule,
    steps: u64,
}

/// A parameter with what the optimizer keeps beside it.
#[derive(Debug)]
struct Slot {
    name: String,
    theta: Var,
    /// In the order of [`Rule::state`].
    state: Vec<Var>,
}

impl Optimizer {
    /// Adam with the learning rate `lr`, above 0, moments of 0 and their decay rates, in [0, 1).
    ///
    /// # Errors
    /// When the moments cannot be allocated.
    pub fn adam(
        parameters: &ParameterStore,
        lr: f64,
        betas: [f64; 2],
    ) -> candle_core::Result<Self> {
        Self::new(parameters, Rule::Adam { lr, betas })
    }

    /// Gradient descent with the learning rate `lr`, above 0, velocities of 0 and a momentum in [0, 1):
    /// velocity ← momentum · velocity − lr · gradient, θ ← θ + velocity.
    ///
    /// # Errors
    /// When the velocities cannot be allocated.
    pub fn momentum(
        parameters: &ParameterStore,
        lr: f64,
        momentum: Ramp,
    ) -> candle_core::Result<Self> {
        Self::new(parameters, Rule::Momentum { lr, momentum })
    }

    fn new(parameters: &ParameterStore, rule: Rule) -> candle_core::Result<Self> {
        let mut slots = Vec::new();
        for parameter in parameters.trainable() {
            let zero = |_: &&str| Var::from_tensor(&parameter.var.zeros_like()?.detach());
            slots.push(Slot {
                state: rule.state().iter().map(zero).collect::<Result<_, _>>()?,
                name: parameter.name,
                theta: parameter.var,
            });
        }
        Ok(Self {
            slots,
            rule,
            steps: 0,
        })
    }

    /// Begins a step with `lr_factor` times the learning rate. Every parameter must then be given its
    /// gradient exactly once.
    pub fn begin(&mut self, lr_factor: f64) -> OptimizerStep<'_> {
        self.steps += 1;
        OptimizerStep {
            step: self.settings(self.steps, lr_factor),
            moved: vec![false; self.slots.len()],
            not_finite: None,
            slots: &self.slots,
        }
    }

    /// The settings of its step number `step`, from 1, with `lr_factor` times the learning rate.
    pub fn settings(&self, step: u64, lr_factor: f64) -> StepSettings {
        match self.rule {
            Rule::Adam {
                lr,
                betas: [beta1, beta2],
            } => StepSettings::Adam(AdamStep {
                lr: lr * lr_factor,
                beta1,
                beta2,
                eps: ADAM_EPS,
                step,
            }),
            Rule::Momentum { lr, momentum } => StepSettings::Momentum(MomentumStep {
                lr: lr * lr_factor,
                momentum: momentum.at(step.saturating_sub(1)),
            }),
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

    /// Copies what is kept beside every parameter under `prefix`.
    ///
    /// # Errors
    /// When it cannot be allocated.
    pub fn save(&self, prefix: &str, weights: &mut Weights) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (kept, var) in self.rule.state().iter().zip(&slot.state) {
                let name = format!("{prefix}{kept}.{}", slot.name);
                weights.tensors.insert(name, var.copy()?);
            }
        }
        Ok(())
    }

    /// Sets what is kept beside every parameter from `weights`; `steps` is the number of steps taken, and `origin`
    /// the file's name in errors.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        steps: u64,
        origin: &str,
    ) -> Result<(), TrainError> {
        for slot in &self.slots {
            for (kept, var) in self.rule.state().iter().zip(&slot.state) {
                let name = format!("{prefix}{kept}.{}", slot.name);
                restore_tensor(var, &name, weights, origin, "")?;
            }
        }
        self.steps = steps;
        Ok(())
    }
}

/// A step in progress.
#[must_use = "a step is complete once every parameter has been updated"]
pub struct OptimizerStep<'a> {
    step: StepSettings,
    slots: &'a [Slot],
    moved: Vec<bool>,
    not_finite: Option<&'a str>,
}

impl OptimizerStep<'_> {
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
        let finite = match (&self.step, slot.state.as_slice()) {
            (StepSettings::Adam(step), [m, v]) => adam_step(&slot.theta, gradient, m, v, step),
            (StepSettings::Momentum(step), [velocity]) => {
                momentum_step(&slot.theta, gradient, velocity, step)
            }
            (_, state) => candle_core::bail!("{} tensors beside {}", state.len(), slot.name),
        }?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_straight_line_and_then_stays() {
        let ramp = Ramp {
            from: 0.5,
            to: 0.75,
            steps: 4,
        };
        let values = [0, 1, 2, 4, 5, 1 << 60].map(|step| ramp.at(step));
        assert_eq!(values, [0.5, 0.5625, 0.625, 0.75, 0.75, 0.75]);
        assert_eq!(Ramp { steps: 0, ..ramp }.at(0), 0.75);
    }
}
