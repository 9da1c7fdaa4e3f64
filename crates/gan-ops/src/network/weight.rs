//! A network's weights, some of them under a rule that gives the value in force.
//!
//! The rule is spectral normalization (Miyato et al., 2018, arXiv 1802.05957): a network computes with
//! Ŵ = W / σ, where σ = uᵀ W v estimates W's largest singular value by one step of power iteration per
//! training step, and W is trained. As u and v are constants, a gradient G with respect to Ŵ becomes
//! (G − ⟨G, Ŵ⟩ u vᵀ) / σ with respect to W.

use crate::element::{Element, with_slice, with_slice_mut};
use crate::kernels::sums::{sum, sum_of_products};
use candle_core::{Result, Tensor, Var};
use gan_core::Mode;

/// Keeps a vector's length above 0.
const SMALLEST_NORM: f64 = 1e-12;

/// A weight `[o, …]`.
#[derive(Clone)]
pub(crate) struct WeightVar {
    pub(crate) trained: Var,
    spectral: Option<Spectral>,
}

#[derive(Clone)]
struct Spectral {
    /// `[o]`
    u: Var,
    /// Ŵ
    in_force: Var,
}

/// The estimate of one step: unit vectors and the singular value.
#[derive(Clone, Debug)]
pub(crate) struct Estimate<T> {
    u: Vec<T>,
    v: Vec<T>,
    sigma: f64,
}

impl WeightVar {
    /// u: the vector of spectral normalization, if the weight is normalized.
    pub(crate) fn new(trained: Var, u: Option<Var>) -> Result<Self> {
        let spectral = match u {
            Some(u) => Some(Spectral {
                in_force: Var::from_tensor(&trained.copy()?)?,
                u,
            }),
            None => None,
        };
        Ok(Self { trained, spectral })
    }

    /// What the network computes with, once it is [refreshed](Self::refresh).
    pub(crate) fn in_force(&self) -> &Var {
        match &self.spectral {
            Some(spectral) => &spectral.in_force,
            None => &self.trained,
        }
    }

    /// Updates the value in force from the trained one; in training mode, u too.
    pub(crate) fn refresh<T: Element>(&self, mode: Mode) -> Result<Option<Estimate<T>>> {
        let Some(Spectral { u, in_force }) = &self.spectral else {
            return Ok(None);
        };
        let estimate = with_slice::<T, _>(&self.trained, |weight| {
            let u = with_slice::<T, _>(u, |u| Ok(unit(u)))?;
            Ok(Estimate::new(weight, u, mode))
        })?;
        if mode == Mode::Train {
            with_slice_mut::<T, _>(u, |u| {
                u.copy_from_slice(&estimate.u);
                Ok(())
            })?;
        }
        with_slice::<T, _>(&self.trained, |weight| {
            with_slice_mut::<T, _>(in_force, |used| {
                let sigma = T::from_f64(estimate.sigma);
                let pairs = used.iter_mut().zip(weight);
                pairs.for_each(|(used, weight)| *used = *weight / sigma);
                Ok(())
            })
        })?;
        Ok(Some(estimate))
    }

    /// The gradient with respect to the trained weight, in place of the one with respect to the weight in
    /// force.
    pub(crate) fn to_trained<T: Element>(
        &self,
        estimate: &Estimate<T>,
        gradient: &mut [T],
    ) -> Result<()> {
        with_slice::<T, _>(self.in_force(), |used| {
            let along = T::from_f64(sum_of_products(gradient, used));
            let sigma = T::from_f64(estimate.sigma);
            let rows = gradient.chunks_exact_mut(estimate.v.len());
            for (row, u) in rows.zip(&estimate.u) {
                for (g, v) in row.iter_mut().zip(&estimate.v) {
                    *g = (*g - along * (*u * *v)) / sigma;
                }
            }
            Ok(())
        })
    }

    /// The twin of [`Self::in_force`] in evaluation mode, of the parameter's type and device.
    pub(crate) fn twin(&self) -> Result<Tensor> {
        let Some(Spectral { u, .. }) = &self.spectral else {
            return Ok(self.trained.as_tensor().clone());
        };
        let matrix = self.trained.as_detached_tensor().flatten_from(1)?;
        let number = |t: &Tensor| {
            let sum = t.sqr()?.sum_all()?.to_dtype(candle_core::DType::F64)?;
            Result::Ok(sum.to_scalar::<f64>()?.sqrt().max(SMALLEST_NORM))
        };
        let u = (u.as_detached_tensor() / number(&u.as_detached_tensor())?)?.unsqueeze(1)?;
        let v = matrix.t()?.matmul(&u)?;
        let v = (&v / number(&v)?)?;
        let sigma = (matrix.matmul(&v)? * u)?.sum_all()?;
        self.trained.as_tensor().broadcast_div(&sigma)
    }
}

impl<T: Element> Estimate<T> {
    /// u: of length 1.
    fn new(weight: &[T], u: Vec<T>, mode: Mode) -> Self {
        let columns = weight.len() / u.len();
        let mut by_column = vec![T::zero(); columns];
        for (row, u) in weight.chunks_exact(columns).zip(&u) {
            let pairs = by_column.iter_mut().zip(row);
            pairs.for_each(|(sum, weight)| *sum += *weight * *u);
        }
        let v = unit(&by_column);
        let rows = weight.chunks_exact(columns);
        let product: Vec<T> = rows
            .map(|row| T::from_f64(sum_of_products(row, &v)))
            .collect();
        let u = match mode {
            Mode::Train => unit(&product),
            Mode::Eval => u,
        };
        Self {
            sigma: sum_of_products(&u, &product).max(SMALLEST_NORM),
            u,
            v,
        }
    }
}

/// A vector of length 1 in the same direction.
fn unit<T: Element>(vector: &[T]) -> Vec<T> {
    let length = sum(vector, |value| value * value).sqrt();
    let length = T::from_f64(length.max(SMALLEST_NORM));
    vector.iter().map(|value| *value / length).collect()
}
