//! Pictures of points, real and generated.

use candle_core::{DType, Device, Tensor};
use gan_core::{Discriminator, Mode, byte_to_value};
use gan_data::Dataset;
use gan_sample::{Raster, SampleError, Sampler, Scatter};

/// How many real and how many generated points a picture has.
const POINTS: usize = 500;

/// The discriminator is evaluated at this many places along each side.
const FIELD: usize = 100;

/// Real points, under the generated ones.
pub(super) struct Points {
    real: Tensor,
}

impl Points {
    pub(super) fn new(data: &Dataset) -> candle_core::Result<Self> {
        let count = POINTS.min(data.len());
        // Points are drawn independently: the first are as good as any.
        let bytes = data.images().iter().take(count).flatten().copied();
        let values: Vec<f32> = bytes.map(byte_to_value).collect();
        Ok(Self {
            real: Tensor::from_vec(values, (count, 2, 1, 1), &Device::Cpu)?,
        })
    }

    /// Real points, the sampler's, and behind them the logits of an unconditional discriminator, darker
    /// for higher ones.
    pub(super) fn draw(
        &self,
        sampler: &Sampler<'_>,
        discriminator: Option<&dyn Discriminator>,
    ) -> Result<Raster, SampleError> {
        let mut picture = Scatter::default();
        if let Some(discriminator) = discriminator {
            picture = picture.field(&field(discriminator)?)?;
        }
        let picture = picture.real(&self.real)?;
        let generated = sampler.images(0..POINTS as u64)?;
        Ok(picture.generated(&generated)?.raster())
    }
}

/// The discriminator's logits at the places of a field, scaled from 0 (lowest) to 1 (highest):
/// relativistic losses determine logits only up to a constant, so only differences count.
fn field(discriminator: &dyn Discriminator) -> Result<Tensor, SampleError> {
    let places = Scatter::places(FIELD)?.to_device(discriminator.parameters().device())?;
    let logits = discriminator.forward(&places, None, Mode::Eval)?;
    let logits = logits.to_dtype(DType::F32)?;
    let (least, most) = (logits.min(0)?, logits.max(0)?);
    let range = (most - &least)?;
    let field = logits.broadcast_sub(&least)?.broadcast_div(&range)?;
    Ok(field.to_device(&Device::Cpu)?)
}
