//! The gradients of one network's parameters, in buffers that are kept from step to step.

use crate::ParameterStore;
use candle_core::{Result, Tensor, Var};

/// A sum of gradients for each trainable parameter of a network, empty at first.
#[derive(Debug)]
pub struct Gradients {
    sums: Vec<Sum>,
}

#[derive(Debug)]
struct Sum {
    parameter: Var,
    /// Made when it is first needed; of the parameter's shape.
    buffer: Option<Var>,
    is_empty: bool,
}

/// What a buffer of [`Gradients`] holds, and so how it is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accumulation {
    /// Nothing that counts: write over it.
    Replace,
    /// Gradients of an earlier pass: add to them.
    Add,
}

impl Gradients {
    /// No gradients, for the trainable tensors of `parameters`.
    pub fn new(parameters: &ParameterStore) -> Self {
        let sum = |parameter: crate::Parameter| Sum {
            parameter: parameter.var,
            buffer: None,
            is_empty: true,
        };
        Self {
            sums: parameters.trainable().into_iter().map(sum).collect(),
        }
    }

    /// Forgets all gradients but keeps the memory.
    pub fn clear(&mut self) {
        self.sums.iter_mut().for_each(|sum| sum.is_empty = true);
    }

    /// The parameter's buffer, of its shape, to be written as told. From then on it counts as filled.
    ///
    /// # Errors
    /// When the tensor is no trainable parameter of this network.
    pub fn buffer(&mut self, parameter: &Tensor) -> Result<(Var, Accumulation)> {
        let sum = self.find(parameter)?;
        let accumulation = if sum.is_empty {
            Accumulation::Replace
        } else {
            Accumulation::Add
        };
        sum.is_empty = false;
        if let Some(buffer) = &sum.buffer {
            return Ok((buffer.clone(), accumulation));
        }
        let parameter = &sum.parameter;
        let buffer = Var::zeros(parameter.shape(), parameter.dtype(), parameter.device())?;
        sum.buffer = Some(buffer.clone());
        Ok((buffer, accumulation))
    }

    /// Adds a gradient to the parameter's sum.
    ///
    /// # Errors
    /// When the tensor is no trainable parameter of this network, or the shapes differ.
    pub fn add(&mut self, parameter: &Tensor, gradient: &Tensor) -> Result<()> {
        let (buffer, accumulation) = self.buffer(parameter)?;
        match accumulation {
            Accumulation::Replace => buffer.set(gradient),
            Accumulation::Add => buffer.set(&buffer.add(gradient)?),
        }
    }

    /// The sum for the parameter, or none while it is empty.
    pub fn get(&self, parameter: &Tensor) -> Option<&Tensor> {
        let mut sums = self.sums.iter();
        let sum = sums.find(|sum| sum.parameter.id() == parameter.id())?;
        let buffer = sum.buffer.as_ref().filter(|_| !sum.is_empty);
        buffer.map(Var::as_tensor)
    }

    fn find(&mut self, parameter: &Tensor) -> Result<&mut Sum> {
        let id = parameter.id();
        let index = self.sums.iter().position(|sum| sum.parameter.id() == id);
        let Some(index) = index else {
            let (shape, count) = (parameter.dims(), self.sums.len());
            candle_core::bail!(
                "a gradient of a tensor of shape {shape:?}, which is none of the network's {count} parameters"
            );
        };
        Ok(&mut self.sums[index])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};
    use candle_core::{DType, Device};

    #[test]
    fn gradients_add_up_until_they_are_cleared() {
        let store = ParameterStore::new(
            Seed(0).rng(Purpose::GeneratorInit, 0),
            DType::F32,
            &Device::Cpu,
        );
        let weight = store.builder().get(2, "weight").unwrap();
        let mut gradients = Gradients::new(&store);
        assert!(gradients.get(&weight).is_none());
        let one = Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap();
        let sum = |g: &Gradients| g.get(&weight).unwrap().to_vec1::<f32>().unwrap();
        gradients.add(&weight, &one).unwrap();
        gradients.add(&weight, &one).unwrap();
        assert_eq!(sum(&gradients), [2.0, 4.0]);
        gradients.clear();
        assert!(gradients.get(&weight).is_none());
        gradients.add(&weight, &one).unwrap();
        assert_eq!(sum(&gradients), [1.0, 2.0]);
        assert!(gradients.add(&one, &one).is_err());
    }
}
