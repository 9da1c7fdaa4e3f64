//! The figures that the doctor examines.

use candle_core::{DType, Result, Tensor};

/// One logged step of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryRecord {
    /// The step, from 0.
    pub step: u64,
    /// The discriminator's loss; NaN or infinite where training diverged.
    pub discriminator_loss: f64,
    /// The generator's loss, likewise.
    pub generator_loss: f64,
    /// Mean D(x), in [0, 1].
    pub d_real: f64,
    /// Mean D(G(z)), in [0, 1].
    pub d_fake: f64,
    /// Statistics of the generated images, where they were measured.
    pub generated: Option<GeneratedImages>,
}

/// Statistics of a batch of generated images that show a collapsed generator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneratedImages {
    /// Standard deviation of a pixel over the images, averaged over the pixels; in [0, 1], where pixel
    /// values lie in [-1, 1].
    pub deviation: f64,
    /// Share of pixels within a thousandth of black or white, in [0, 1].
    pub saturated_share: f64,
    /// The same share of the data's pixels, in [0, 1].
    pub data_saturated_share: f64,
}

/// The share of each class among generated images and in the data, after some step; both lists have an
/// entry for each class and sum to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassBalance {
    /// The step, from 0.
    pub step: u64,
    /// Shares among the generated images.
    pub generated: Vec<f64>,
    /// Shares in the data.
    pub data: Vec<f64>,
}

/// Pixels beyond this count as black or white: tanh's slope there is below 0.002.
const SATURATED: f64 = 0.999;

impl GeneratedImages {
    /// Measures a batch `[n, c, h, w]` with values in [-1, 1]; `data_saturated_share` is in [0, 1].
    ///
    /// # Errors
    /// When a tensor operation fails.
    pub fn measure(images: &Tensor, data_saturated_share: f64) -> Result<Self> {
        let images = images.to_dtype(DType::F64)?.flatten_from(1)?;
        let rows = images.to_vec2::<f64>()?;
        let (count, pixels) = (rows.len() as f64, rows.first().map_or(0, Vec::len));
        let deviation_at = |pixel: usize| {
            let mean = rows.iter().map(|row| row[pixel]).sum::<f64>() / count;
            let squares = rows.iter().map(|row| (row[pixel] - mean).powi(2));
            (squares.sum::<f64>() / count).sqrt()
        };
        let values = rows.iter().flatten();
        let saturated = values.filter(|value| value.abs() > SATURATED).count() as f64;
        let deviations: f64 = (0..pixels).map(deviation_at).sum();
        Ok(Self {
            deviation: deviations / pixels.max(1) as f64,
            saturated_share: saturated / (count * pixels as f64).max(1.0),
            data_saturated_share,
        })
    }
}
