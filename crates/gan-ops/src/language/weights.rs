//! The tensors of a language model, under PyTorch's names.

use super::cell::GATES;
use crate::element::{Element, with_slices};
use crate::language::lstm::Lstm;
use candle_core::{Result, Var};
use gan_core::ParameterStore;

/// How many numbers stand for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub(crate) vocabulary: usize,
    pub(crate) embedding: usize,
    pub(crate) hidden: usize,
}

/// The seven tensors.
pub(crate) struct WeightVars {
    pub(crate) embedding: Var,
    pub(crate) weight_ih: Var,
    pub(crate) weight_hh: Var,
    pub(crate) bias_ih: Var,
    pub(crate) bias_hh: Var,
    pub(crate) output_weight: Var,
    pub(crate) output_bias: Var,
}

/// Their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a, T> {
    pub(crate) sizes: Sizes,
    /// `[vocabulary, embedding]`
    pub(crate) embedding: &'a [T],
    pub(crate) lstm: Lstm<'a, T>,
    /// `[vocabulary, hidden]`
    pub(crate) output_weight: &'a [T],
    /// `[vocabulary]`
    pub(crate) output_bias: &'a [T],
}

impl WeightVars {
    /// Refuses a missing tensor, and one whose shape doesn't fit the others.
    pub(crate) fn new(parameters: &ParameterStore) -> Result<(Self, Sizes)> {
        let all = parameters.all();
        let get = |name: &str| match all.iter().find(|parameter| parameter.name == name) {
            Some(parameter) => Ok(parameter.var.clone()),
            None => candle_core::bail!("the tensor {name} of the language model is missing"),
        };
        let vars = Self {
            embedding: get("embedding.weight")?,
            weight_ih: get("lstm.weight_ih_l0")?,
            weight_hh: get("lstm.weight_hh_l0")?,
            bias_ih: get("lstm.bias_ih_l0")?,
            bias_hh: get("lstm.bias_hh_l0")?,
            output_weight: get("output.weight")?,
            output_bias: get("output.bias")?,
        };
        let (vocabulary, embedding) = vars.embedding.dims2()?;
        let sizes = Sizes {
            vocabulary,
            embedding,
            hidden: vars.output_weight.dims2()?.1,
        };
        vars.check(sizes)?;
        Ok((vars, sizes))
    }

    fn check(&self, sizes: Sizes) -> Result<()> {
        let Sizes {
            vocabulary,
            embedding,
            hidden,
        } = sizes;
        if vocabulary == 0 || embedding == 0 || hidden == 0 {
            candle_core::bail!("a language model of the sizes {sizes:?}: all must be above 0");
        }
        let gates = GATES * hidden;
        let expected: [(&str, &Var, &[usize]); 6] = [
            ("lstm.weight_ih_l0", &self.weight_ih, &[gates, embedding]),
            ("lstm.weight_hh_l0", &self.weight_hh, &[gates, hidden]),
            ("lstm.bias_ih_l0", &self.bias_ih, &[gates]),
            ("lstm.bias_hh_l0", &self.bias_hh, &[gates]),
            ("output.weight", &self.output_weight, &[vocabulary, hidden]),
            ("output.bias", &self.output_bias, &[vocabulary]),
        ];
        for (name, var, shape) in expected {
            if var.dims() != shape || var.dtype() != self.embedding.dtype() {
                let (found, of) = (var.dims(), var.dtype());
                let expected = self.embedding.dtype();
                candle_core::bail!(
                    "{name} has shape {found:?} of {of:?}, expected {shape:?} of {expected:?}"
                );
            }
        }
        Ok(())
    }

    /// Calls `read` with all numbers, which are locked for reading meanwhile.
    pub(crate) fn with<T: Element, R>(
        &self,
        sizes: Sizes,
        read: impl FnOnce(&Weights<'_, T>) -> Result<R>,
    ) -> Result<R> {
        let tensors = [
            self.embedding.as_tensor(),
            &self.weight_ih,
            &self.weight_hh,
            &self.bias_ih,
            &self.bias_hh,
            &self.output_weight,
            &self.output_bias,
        ];
        with_slices::<T, _>(&tensors, |slices| {
            let [
                embedding,
                weight_ih,
                weight_hh,
                bias_ih,
                bias_hh,
                output_weight,
                output_bias,
            ] = slices[..]
            else {
                candle_core::bail!("a language model without some of its tensors");
            };
            let biases = bias_ih.iter().zip(bias_hh);
            let bias: Vec<T> = biases.map(|(input, hidden)| *input + *hidden).collect();
            read(&Weights {
                sizes,
                embedding,
                lstm: Lstm {
                    weight_ih,
                    weight_hh,
                    bias: &bias,
                    inputs: sizes.embedding,
                    hidden: sizes.hidden,
                },
                output_weight,
                output_bias,
            })
        })
    }
}
