//! Batch normalization's tensors and running statistics.

use crate::affine::Affine;
use crate::composed::BatchStatistics;
use crate::element::{Element, with_slice, with_slice_mut};
use candle_core::{Result, Var};

/// Batch normalization with running statistics (Ioffe & Szegedy, 2015), all tensors `[o]`.
pub struct BatchNorm {
    /// γ, the factor of the normalized values.
    pub weight: Var,
    /// β, which is added afterwards.
    pub bias: Var,
    /// The mean in evaluation mode.
    pub running_mean: Var,
    /// The variance in evaluation mode; an average of unbiased batch variances.
    pub running_variance: Var,
    /// Added to the variance; above 0.
    pub eps: f64,
    /// The weight of a batch in the running statistics, in [0, 1].
    pub momentum: f64,
}

/// A feature's mean and biased variance over a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    pub(crate) variance: f64,
}

/// What batch normalization does to one feature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normalization<T> {
    /// The linear layer's bias, which comes before.
    pub(crate) linear_bias: T,
    /// γ and β, which come after.
    pub(crate) affine: Affine<T>,
}

/// 1 / √(variance + eps)
pub(crate) fn inverse_std(variance: f64, eps: f64) -> f64 {
    1.0 / (variance + eps).sqrt()
}

impl BatchNorm {
    pub(crate) fn tensors(&self) -> [&Var; 4] {
        [
            &self.weight,
            &self.bias,
            &self.running_mean,
            &self.running_variance,
        ]
    }

    /// running ← (1 − momentum) · running + momentum · batch, with the unbiased variance.
    pub(crate) fn track(&self, batch: &BatchStatistics, rows: usize) -> Result<()> {
        let unbiased = (&batch.variance * (rows as f64 / (rows as f64 - 1.0)))?;
        for (running, new) in [
            (&self.running_mean, &batch.mean),
            (&self.running_variance, &unbiased),
        ] {
            let old = running.as_detached_tensor();
            running.set(&((old * (1.0 - self.momentum))? + (new * self.momentum)?)?)?;
        }
        Ok(())
    }

    /// [`track`](Self::track) for one batch after the other. moments: by feature, then batch; rows: the
    /// number of values in each batch.
    pub(crate) fn follow<T: Element>(&self, moments: &[Moments], rows: &[usize]) -> Result<()> {
        let batches = rows.len();
        let toward = |running: &mut T, batch: f64| {
            let kept = *running * T::from_f64(1.0 - self.momentum);
            *running = kept + T::from_f64(batch * self.momentum);
        };
        with_slice_mut::<T, _>(&self.running_mean, |means| {
            for (mean, moments) in means.iter_mut().zip(moments.chunks_exact(batches)) {
                moments.iter().for_each(|batch| toward(mean, batch.mean));
            }
            Ok(())
        })?;
        with_slice_mut::<T, _>(&self.running_variance, |variances| {
            for (variance, moments) in variances.iter_mut().zip(moments.chunks_exact(batches)) {
                for (batch, rows) in moments.iter().zip(rows) {
                    let rows = *rows as f64;
                    toward(variance, batch.variance * (rows / (rows - 1.0)));
                }
            }
            Ok(())
        })
    }

    /// What training mode does to each feature before and after the normalization.
    pub(crate) fn affine<T: Element>(&self, linear_bias: &[T]) -> Result<Vec<Normalization<T>>> {
        with_slice::<T, _>(&self.weight, |weight| {
            with_slice::<T, _>(&self.bias, |bias| {
                let all = weight.iter().zip(bias).zip(linear_bias);
                let normalization = |((weight, bias), linear_bias): ((&T, &T), &T)| Normalization {
                    linear_bias: *linear_bias,
                    affine: Affine {
                        weight: *weight,
                        bias: *bias,
                    },
                };
                Ok(all.map(normalization).collect())
            })
        })
    }

    /// Everything after the matrix product, with running statistics.
    pub(crate) fn evaluation<T: Element>(&self, linear_bias: &[T]) -> Result<Vec<Affine<T>>> {
        let normalizations = self.affine(linear_bias)?;
        with_slice::<T, _>(&self.running_mean, |mean| {
            with_slice::<T, _>(&self.running_variance, |variance| {
                let running = mean.iter().zip(variance).map(|(mean, variance)| Moments {
                    mean: mean.to_f64(),
                    variance: variance.to_f64(),
                });
                let pairs = normalizations.iter().zip(running);
                let fold = |(normalization, running): (&Normalization<T>, Moments)| {
                    normalization.evaluation(running, self.eps)
                };
                Ok(pairs.map(fold).collect())
            })
        })
    }
}

impl<T: Element> Normalization<T> {
    /// The same by running statistics.
    fn evaluation(&self, running: Moments, eps: f64) -> Affine<T> {
        let weight = self.affine.weight * T::from_f64(inverse_std(running.variance, eps));
        let centred = self.linear_bias - T::from_f64(running.mean);
        Affine {
            weight,
            bias: centred * weight + self.affine.bias,
        }
    }
}
