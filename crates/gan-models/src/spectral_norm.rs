//! Spectral normalization of a discriminator's weights (Miyato et al., 2018, arXiv 1802.05957).
//!
//! The network computes with Ŵ = W / σ, where σ = uᵀ W v estimates W's largest singular value by one step
//! of power iteration per training step, and W is trained. As u and v are constants, a gradient G with
//! respect to Ŵ becomes (G − ⟨G, Ŵ⟩ u vᵀ) / σ with respect to W.

use candle_core::{Result, Tensor, Var};
use candle_nn::{Init, VarBuilder};
use gan_core::{Mode, ParameterStore, Recorded, Tape};
use std::sync::Arc;

/// Keeps a vector's length above 0.
const SMALLEST_NORM: f64 = 1e-12;

/// The normalized weights of a network.
#[derive(Clone, Default)]
pub(crate) struct SpectralNorm {
    weights: Arc<Vec<Weight>>,
}

struct Weight {
    /// W, `[o, …]`
    trained: Var,
    /// Ŵ, which the network computes with.
    used: Var,
    /// `[o]`
    u: Var,
}

/// A weight's estimate at one step.
struct Estimate {
    /// u vᵀ, of the weight's shape.
    directions: Tensor,
    sigma: f64,
}

impl SpectralNorm {
    /// Adds a trained weight `[o, …]` of the layer that `builder` makes in `parameters`. Returns the variable
    /// that the network is to compute with, of the same shape.
    pub(crate) fn add(
        &mut self,
        trained: &Var,
        parameters: &ParameterStore,
        builder: &VarBuilder<'_>,
    ) -> Result<Var> {
        let init = Init::Randn {
            mean: 0.0,
            stdev: 1.0,
        };
        let name = format!("{}.weight_u", builder.prefix());
        let u = parameters.buffer(&name, trained.dim(0)?, init)?;
        let used = Var::from_tensor(&trained.copy()?)?;
        let weight = Weight {
            trained: trained.clone(),
            used: used.clone(),
            u,
        };
        if let Some(weights) = Arc::get_mut(&mut self.weights) {
            weights.push(weight);
        }
        Ok(used)
    }

    /// Updates the normalized weights from the trained ones; in training mode, u too.
    pub(crate) fn refresh(&self, mode: Mode) -> Result<()> {
        for weight in self.weights.iter() {
            weight.refresh(mode)?;
        }
        Ok(())
    }

    /// A pass whose tape visits the trained weights.
    pub(crate) fn record(&self, pass: impl FnOnce() -> Result<Recorded>) -> Result<Recorded> {
        if self.weights.is_empty() {
            return pass();
        }
        let estimates = self
            .weights
            .iter()
            .map(|weight| weight.refresh(Mode::Train));
        let estimates = estimates.collect::<Result<_>>()?;
        let Recorded { outputs, tape } = pass()?;
        Ok(Recorded {
            outputs,
            tape: Box::new(NormalizedTape {
                tape,
                norm: self.clone(),
                estimates,
            }),
        })
    }
}

impl Weight {
    fn refresh(&self, mode: Mode) -> Result<Estimate> {
        let matrix = self.trained.as_detached_tensor().flatten_from(1)?;
        let u = unit(&self.u.as_detached_tensor())?;
        let v = unit(&matrix.t()?.matmul(&u.unsqueeze(1)?)?.squeeze(1)?)?;
        let product = matrix.matmul(&v.unsqueeze(1)?)?.squeeze(1)?;
        let u = match mode {
            Mode::Train => {
                let u = unit(&product)?;
                self.u.set(&u)?;
                u
            }
            Mode::Eval => u,
        };
        let sigma = number(&(&u * product)?)?.max(SMALLEST_NORM);
        self.used
            .set(&(self.trained.as_detached_tensor() / sigma)?)?;
        let directions = u.unsqueeze(1)?.matmul(&v.unsqueeze(0)?)?;
        Ok(Estimate {
            directions: directions.reshape(self.trained.shape())?,
            sigma,
        })
    }
}

impl Estimate {
    /// The gradient with respect to W from the one with respect to Ŵ, both of W's shape.
    fn trained_gradient(&self, gradient: &Tensor, used: &Tensor) -> Result<Tensor> {
        let along = number(&(gradient * used)?.flatten_all()?)?;
        (gradient - (&self.directions * along)?)? / self.sigma
    }
}

struct NormalizedTape {
    tape: Box<dyn Tape>,
    norm: SpectralNorm,
    estimates: Vec<Estimate>,
}

impl NormalizedTape {
    /// Calls `visit` with the trained weight and its gradient instead of the normalized one's.
    fn visit_trained(
        &self,
        parameter: &Tensor,
        gradient: &Tensor,
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let mut weights = self.norm.weights.iter().zip(&self.estimates);
        match weights.find(|(weight, _)| weight.used.id() == parameter.id()) {
            Some((weight, estimate)) => {
                let used = weight.used.as_detached_tensor();
                visit(
                    &weight.trained,
                    &estimate.trained_gradient(gradient, &used)?,
                )
            }
            None => visit(parameter, gradient),
        }
    }
}

impl Tape for NormalizedTape {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        self.tape.input_gradient(batch, output_gradient)
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let visit = &mut |p: &Tensor, g: &Tensor| self.visit_trained(p, g, visit);
        self.tape.parameter_gradients(output_gradients, visit)
    }

    fn penalized_parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        directions: &[Tensor],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let visit = &mut |p: &Tensor, g: &Tensor| self.visit_trained(p, g, visit);
        let tape = &self.tape;
        tape.penalized_parameter_gradients(output_gradients, directions, visit)
    }
}

/// A vector of length 1 in the same direction.
fn unit(vector: &Tensor) -> Result<Tensor> {
    let length = number(&vector.sqr()?)?.sqrt().max(SMALLEST_NORM);
    vector / length
}

/// The sum of a vector's elements.
fn number(vector: &Tensor) -> Result<f64> {
    vector
        .sum_all()?
        .to_dtype(candle_core::DType::F64)?
        .to_scalar()
}
