//! The exponential moving average of a network's weights (Yazıcı et al., 2019, arXiv 1806.04498).

use crate::TrainError;
use crate::checkpoint::restore_tensor;
use candle_core::{Result as TensorResult, Var};
use gan_core::exact::exp2;
use gan_core::{ParameterStore, Weights};
use gan_ops::moving_average_step;

/// Averages of all tensors. A generator with averaged weights draws better images than the trained one:
/// the average is stable where training oscillates.
///
/// Batch normalization's running statistics are averaged too, which is an approximation: they belong to
/// other weights. Exact statistics would need passes of latent vectors through the averaged network at
/// every use, as PyTorch's `swa_utils.update_bn` does.
pub struct Ema {
    slots: Vec<Slot>,
    half_life_images: f64,
}

/// A tensor with its average.
struct Slot {
    name: String,
    value: Var,
    average: Var,
}

impl Ema {
    /// Averages that begin at the network's current weights. After `half_life_images` real images, above
    /// 0, an average's old value has half of the weight.
    ///
    /// # Errors
    /// When the averages cannot be allocated.
    pub fn new(parameters: &ParameterStore, half_life_images: f64) -> TensorResult<Self> {
        let slot = |parameter: gan_core::Parameter| {
            let average = Var::from_tensor(&parameter.var.copy()?)?;
            Ok(Slot {
                name: parameter.name,
                value: parameter.var,
                average,
            })
        };
        Ok(Self {
            slots: parameters
                .all()
                .into_iter()
                .map(slot)
                .collect::<TensorResult<_>>()?,
            half_life_images,
        })
    }

    /// What is kept of the averages in a step of `images` real images, in [0, 1].
    pub fn kept(&self, images: usize) -> f64 {
        exp2(-(images as f64) / self.half_life_images)
    }

    /// Updates the averages with the network's weights, after a step of `images` real images.
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn update(&mut self, images: usize) -> TensorResult<()> {
        let decay = self.kept(images);
        for slot in &self.slots {
            moving_average_step(&slot.average, slot.value.as_tensor(), decay)?;
        }
        Ok(())
    }

    /// Sets a network's tensors, which have the names of this one's, to the averages.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn copy_into(&self, parameters: &ParameterStore) -> TensorResult<()> {
        for slot in &self.slots {
            parameters.set(&slot.name, &slot.average.as_detached_tensor())?;
        }
        Ok(())
    }

    /// Copies every average under `prefix`.
    ///
    /// # Errors
    /// When they cannot be allocated.
    pub fn save(&self, prefix: &str, weights: &mut Weights) -> Result<(), TrainError> {
        for slot in &self.slots {
            let name = format!("{prefix}{}", slot.name);
            weights.tensors.insert(name, slot.average.copy()?);
        }
        Ok(())
    }

    /// Sets every average from `weights`; `origin` is the file's name in errors.
    ///
    /// # Errors
    /// When one is missing or has another shape.
    pub fn restore(
        &mut self,
        prefix: &str,
        weights: &Weights,
        origin: &str,
    ) -> Result<(), TrainError> {
        for slot in &self.slots {
            let name = format!("{prefix}{}", slot.name);
            let of = ": a run with an averaged generator";
            restore_tensor(&slot.average, &name, weights, origin, of)?;
        }
        Ok(())
    }
}
