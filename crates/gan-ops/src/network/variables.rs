//! A network's tensors by name.

use super::weight::WeightVar;
use crate::ops::batch_norm::BatchNorm;
use candle_core::{Result, Var};
use gan_core::{Graph, Op, ParameterStore, Weight};
use std::collections::HashMap;

/// The tensors that a graph names.
pub(crate) struct Variables(HashMap<String, Var>);

impl Variables {
    /// Refuses a missing tensor of `graph`, and one of another shape or type.
    pub(crate) fn new(graph: &Graph, parameters: &ParameterStore) -> Result<Self> {
        let all = parameters.all().into_iter();
        let variables = Self(
            all.map(|parameter| (parameter.name, parameter.var))
                .collect(),
        );
        for parameter in graph.parameters() {
            let name = &parameter.name;
            let var = variables.get(name)?;
            if var.dims() != parameter.shape {
                let (found, expected) = (var.dims(), &parameter.shape);
                candle_core::bail!("{name} has shape {found:?}, expected {expected:?}");
            }
            if var.dtype() != parameters.dtype() {
                let (found, expected) = (var.dtype(), parameters.dtype());
                candle_core::bail!("{name} is of type {found:?} among {expected:?}");
            }
        }
        Ok(variables)
    }

    pub(crate) fn get(&self, name: &str) -> Result<Var> {
        match self.0.get(name) {
            Some(var) => Ok(var.clone()),
            None => candle_core::bail!("the tensor {name} of the network is missing"),
        }
    }

    pub(crate) fn weight(&self, weight: &Weight) -> Result<WeightVar> {
        let u = weight.spectral.as_ref().map(|u| self.get(u));
        WeightVar::new(self.get(&weight.name)?, u.transpose()?)
    }

    /// Refuses every operation but a batch normalization.
    pub(crate) fn batch_norm(&self, op: &Op) -> Result<BatchNorm> {
        let Op::BatchNorm {
            weight,
            bias,
            running_mean,
            running_var,
            eps,
            momentum,
        } = op
        else {
            candle_core::bail!("{op:?}, expected a batch normalization");
        };
        Ok(BatchNorm {
            weight: self.get(weight)?,
            bias: self.get(bias)?,
            running_mean: self.get(running_mean)?,
            running_variance: self.get(running_var)?,
            eps: *eps,
            momentum: *momentum,
        })
    }
}
