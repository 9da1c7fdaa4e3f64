//! The loss of a classifier.

use candle_core::{Device, Result, Tensor};
use gan_core::exact::{exp, ln};

/// The mean cross-entropy of a batch, and what it becomes on the way back.
pub(super) struct CrossEntropy {
    /// In nats.
    pub(super) loss: f64,
    /// Its gradient with respect to the logits, of their shape: (softmax − one-hot) / n.
    pub(super) slope: Tensor,
}

impl CrossEntropy {
    /// logits: `[n, classes, 1, 1]`, f32; labels: `[n]`, u32.
    pub(super) fn new(logits: &Tensor, labels: &Tensor) -> Result<Self> {
        let (count, classes) = (logits.dim(0)?, logits.dim(1)?);
        let mut slopes = logits.flatten_all()?.to_vec1::<f32>()?;
        let labels = labels.to_vec1::<u32>()?;
        if labels.len() != count {
            candle_core::bail!("{} labels of {count} images", labels.len());
        }
        let mut sum = 0.0;
        for (row, label) in slopes.chunks_exact_mut(classes).zip(labels) {
            let label = label as usize;
            if label >= classes {
                candle_core::bail!("label {label}, expected less than {classes}");
            }
            let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let below = |logit: f32| f64::from(logit) - f64::from(top);
            let total: f64 = row.iter().map(|logit| exp(below(*logit))).sum();
            sum += ln(total) - below(row[label]);
            for (class, slope) in row.iter_mut().enumerate() {
                let aim = if class == label { 1.0 } else { 0.0 };
                *slope = ((exp(below(*slope)) / total - aim) / count as f64) as f32;
            }
        }
        Ok(Self {
            loss: sum / count as f64,
            slope: Tensor::from_vec(slopes, logits.dims(), &Device::Cpu)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Var};

    fn logits() -> Tensor {
        let values: Vec<f32> = (0..12).map(|i| 5.0 * (1.7 * i as f32).sin()).collect();
        Tensor::from_vec(values, (4, 3, 1, 1), &Device::Cpu).unwrap()
    }

    #[test]
    fn loss_and_slope_are_those_of_candles_graph() {
        let labels = Tensor::new(&[2u32, 0, 1, 1], &Device::Cpu).unwrap();
        let found = CrossEntropy::new(&logits(), &labels).unwrap();
        let double = Var::from_tensor(&logits().to_dtype(DType::F64).unwrap()).unwrap();
        let rows = double.flatten_from(1).unwrap();
        let expected = candle_nn::loss::cross_entropy(&rows, &labels).unwrap();
        let loss: f64 = expected.to_scalar().unwrap();
        assert!((found.loss - loss).abs() < 1e-12, "{} {loss}", found.loss);
        let gradients = expected.backward().unwrap();
        let values = |t: &Tensor| {
            let t = t.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
            t.to_vec1::<f64>().unwrap()
        };
        let expected = values(gradients.get(&double).unwrap());
        for (found, expected) in values(&found.slope).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-7, "{found} {expected}");
        }
    }

    #[test]
    fn labels_beyond_the_classes_are_refused() {
        let labels = Tensor::new(&[0u32, 1, 2, 3], &Device::Cpu).unwrap();
        let error = CrossEntropy::new(&logits(), &labels).err().unwrap();
        assert!(error.to_string().contains("label 3"), "{error}");
    }
}
