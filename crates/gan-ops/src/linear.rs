//! A linear layer with its bias and activation in one pass behind the matrix product.

use crate::element::{Element, elements, for_element, to_vec};
use crate::{Activation, composed};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// x `[n, i]`, weight `[o, i]`, bias `[o]` → activation(x · weightᵀ + bias) `[n, o]`.
///
/// # Errors
/// When the shapes do not fit, or the tensors are neither f32 nor f64.
pub fn linear(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    activation: Activation,
) -> Result<Tensor> {
    if !x.device().is_cpu() {
        return composed::linear(x, weight, bias, activation);
    }
    let product = x.matmul(&weight.t()?)?;
    let (_, columns) = product.dims2()?;
    if bias.dims() != [columns] {
        candle_core::bail!("bias has shape {:?}, expected [{columns}]", bias.dims());
    }
    product.apply_op2(&bias.contiguous()?, BiasActivation { activation })
}

/// x `[n, m]`, bias `[m]` → activation(x + bias).
struct BiasActivation {
    activation: Activation,
}

impl CustomOp2 for BiasActivation {
    fn name(&self) -> &'static str {
        "bias_activation"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        for_element!(
            x,
            self.name(),
            forward,
            (self.activation, x, x_layout, bias, bias_layout)
        )
    }

    fn bwd(
        &self,
        _x: &Tensor,
        bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (dx, dbias) = match result.dtype() {
            candle_core::DType::F32 => backward::<f32>(self.activation, result, gradient)?,
            _ => backward::<f64>(self.activation, result, gradient)?,
        };
        debug_assert_eq!(dbias.dims(), bias.dims());
        Ok((Some(dx), Some(dbias)))
    }
}

fn forward<T: Element>(
    activation: Activation,
    x: &CpuStorage,
    x_layout: &Layout,
    bias: &CpuStorage,
    bias_layout: &Layout,
) -> Result<(CpuStorage, Shape)> {
    let bias = elements::<T>(bias, bias_layout)?;
    let mut y = elements::<T>(x, x_layout)?.to_vec();
    for row in y.chunks_exact_mut(bias.len().max(1)) {
        row.iter_mut().zip(bias).for_each(|(v, b)| *v += *b);
    }
    activation.apply_in_place(&mut y);
    Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
}

fn backward<T: Element>(
    activation: Activation,
    result: &Tensor,
    gradient: &Tensor,
) -> Result<(Tensor, Tensor)> {
    let (_, columns) = result.dims2()?;
    let outputs = to_vec::<T>(result)?;
    let mut dx = to_vec::<T>(gradient)?;
    activation.backpropagate(&outputs, &mut dx);
    let mut dbias = vec![T::zero(); columns];
    for row in dx.chunks_exact(columns.max(1)) {
        dbias.iter_mut().zip(row).for_each(|(sum, g)| *sum += *g);
    }
    let dx = Tensor::from_vec(dx, result.shape(), result.device())?;
    Ok((dx, Tensor::from_vec(dbias, columns, result.device())?))
}
