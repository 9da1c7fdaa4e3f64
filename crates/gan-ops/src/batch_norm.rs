//! Batch normalization of vectors with its activation (Ioffe & Szegedy, 2015).

use crate::element::{Element, elements, for_element, to_vec};
use crate::{Activation, composed};
use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor};
use std::sync::{Arc, OnceLock};

/// What a batch says about its distribution, one number a feature. Not differentiable.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// `[c]`
    pub mean: Tensor,
    /// `[c]`, biased: the sum of squared deviations over n.
    pub variance: Tensor,
}

/// Training mode: x `[n, c]`, weight `[c]`, bias `[c]` →
/// activation((x − mean) / √(variance + eps) · weight + bias) `[n, c]` with the batch's own mean
/// and biased variance, which are returned for the running statistics.
///
/// # Errors
/// When n < 2 (one row has no variance), the shapes do not fit, or the tensors are neither f32 nor f64.
pub fn batch_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    eps: f64,
    activation: Activation,
) -> Result<(Tensor, BatchStatistics)> {
    let (rows, columns) = x.dims2()?;
    if rows < 2 {
        candle_core::bail!("batch normalization in training mode got {rows} row, needs at least 2");
    }
    if weight.dims() != [columns] || bias.dims() != [columns] {
        let (w, b) = (weight.dims(), bias.dims());
        candle_core::bail!("weight and bias have shapes {w:?} and {b:?}, expected [{columns}]");
    }
    if !x.device().is_cpu() {
        return composed::batch_norm(x, weight, bias, eps, activation);
    }
    let saved = Arc::new(OnceLock::new());
    let op = BatchNorm {
        eps,
        activation,
        saved: Arc::clone(&saved),
    };
    let y = x
        .contiguous()?
        .apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    let Some(Saved { mean, variance }) = saved.get() else {
        candle_core::bail!("batch_norm: the forward pass kept no statistics");
    };
    let tensor = |v: &[f64]| Tensor::new(v, x.device())?.to_dtype(x.dtype());
    let statistics = BatchStatistics {
        mean: tensor(mean)?,
        variance: tensor(variance)?,
    };
    Ok((y, statistics))
}

/// Evaluation mode: as [`batch_norm`], with the given statistics instead of the batch's.
///
/// # Errors
/// When the shapes do not fit.
pub fn batch_norm_with(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    statistics: &BatchStatistics,
    eps: f64,
    activation: Activation,
) -> Result<Tensor> {
    let scale = weight.div(&(&statistics.variance + eps)?.sqrt()?)?;
    let shift = bias.sub(&statistics.mean.mul(&scale)?)?;
    activation.apply(&x.broadcast_mul(&scale)?.broadcast_add(&shift)?)
}

struct BatchNorm {
    eps: f64,
    activation: Activation,
    saved: Arc<OnceLock<Saved>>,
}

/// Statistics of the forward pass, in f64 because they are sums over the batch.
#[derive(Debug)]
struct Saved {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl CustomOp3 for BatchNorm {
    fn name(&self) -> &'static str {
        "batch_norm"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (weight, bias) = ((weight, weight_layout), (bias, bias_layout));
        for_element!(x, self.name(), forward, (self, x, x_layout, weight, bias))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _bias: &Tensor,
        result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [dx, dweight, dbias] = match x.dtype() {
            DType::F32 => backward::<f32>(self, x, weight, result, gradient)?,
            _ => backward::<f64>(self, x, weight, result, gradient)?,
        };
        Ok((Some(dx), Some(dweight), Some(dbias)))
    }
}

impl Saved {
    /// Two passes over `x` (rows of `columns` values): the mean, then the squared deviations.
    fn of<T: Element>(x: &[T], columns: usize) -> Self {
        let rows = (x.len() / columns) as f64;
        let mut mean = vec![0.0; columns];
        for row in x.chunks_exact(columns) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += v.to_f64());
        }
        mean.iter_mut().for_each(|m| *m /= rows);
        let mut variance = vec![0.0; columns];
        for row in x.chunks_exact(columns) {
            for ((s, v), m) in variance.iter_mut().zip(row).zip(&mean) {
                let deviation = v.to_f64() - m;
                *s += deviation * deviation;
            }
        }
        variance.iter_mut().for_each(|v| *v /= rows);
        Self { mean, variance }
    }

    /// The means, and 1 / √(variance + eps), in the element type.
    fn normalizer<T: Element>(&self, eps: f64) -> (Vec<T>, Vec<T>) {
        let mean = self.mean.iter().map(|m| T::from_f64(*m)).collect();
        let inverse = |v: &f64| T::from_f64(1.0 / (v + eps).sqrt());
        (mean, self.variance.iter().map(inverse).collect())
    }
}

fn forward<T: Element>(
    op: &BatchNorm,
    x: &CpuStorage,
    x_layout: &Layout,
    weight: (&CpuStorage, &Layout),
    bias: (&CpuStorage, &Layout),
) -> Result<(CpuStorage, Shape)> {
    let weight = elements::<T>(weight.0, weight.1)?;
    let bias = elements::<T>(bias.0, bias.1)?;
    let x = elements::<T>(x, x_layout)?;
    let columns = weight.len();
    let (mean, inverse_std) = op
        .saved
        .get_or_init(|| Saved::of(x, columns))
        .normalizer::<T>(op.eps);
    let mut y = x.to_vec();
    for row in y.chunks_exact_mut(columns) {
        for (j, v) in row.iter_mut().enumerate() {
            *v = (*v - mean[j]) * inverse_std[j] * weight[j] + bias[j];
        }
    }
    op.activation.apply_in_place(&mut y);
    Ok((T::to_cpu_storage_owned(y), x_layout.shape().clone()))
}

/// With g the gradient by the normalized, scaled and shifted values and x̂ the normalized ones:
/// dbias = Σ g, dweight = Σ g·x̂, dx = weight / σ · (g − dbias / n − x̂ · dweight / n).
fn backward<T: Element>(
    op: &BatchNorm,
    x: &Tensor,
    weight: &Tensor,
    result: &Tensor,
    gradient: &Tensor,
) -> Result<[Tensor; 3]> {
    let Some(saved) = op.saved.get() else {
        candle_core::bail!("batch_norm: a backward pass without a forward pass");
    };
    let (rows, columns) = x.dims2()?;
    let (mean, inverse_std) = saved.normalizer::<T>(op.eps);
    let (x, weight) = (to_vec::<T>(x)?, to_vec::<T>(weight)?);
    let mut g = to_vec::<T>(gradient)?;
    op.activation.backpropagate(&to_vec::<T>(result)?, &mut g);

    let (mut dweight, mut dbias) = (vec![0.0; columns], vec![0.0; columns]);
    for (x, g) in x.chunks_exact(columns).zip(g.chunks_exact(columns)) {
        for j in 0..columns {
            let normalized = (x[j] - mean[j]) * inverse_std[j];
            dbias[j] += g[j].to_f64();
            dweight[j] += (g[j] * normalized).to_f64();
        }
    }
    let per_row = |sum: &f64| T::from_f64(sum / rows as f64);
    let mean_g: Vec<T> = dbias.iter().map(per_row).collect();
    let mean_gx: Vec<T> = dweight.iter().map(per_row).collect();
    for (x, g) in x.chunks_exact(columns).zip(g.chunks_exact_mut(columns)) {
        for j in 0..columns {
            let normalized = (x[j] - mean[j]) * inverse_std[j];
            g[j] = weight[j] * inverse_std[j] * (g[j] - mean_g[j] - normalized * mean_gx[j]);
        }
    }
    let vector = |v: Vec<f64>| Tensor::new(v, result.device())?.to_dtype(result.dtype());
    let dx = Tensor::from_vec(g, result.shape(), result.device())?;
    Ok([dx, vector(dweight)?, vector(dbias)?])
}
