//! The distribution of latent vectors.

use crate::normal::standard_normal;
use candle_core::{Device, Result, Tensor};
use rand::{Rng, RngCore};

/// A distribution over latent vectors.
pub trait LatentPrior: Send + Sync {
    /// Draws z: `[n, latent_dim]`, f32 on the CPU, so that every device gets the same numbers.
    ///
    /// # Errors
    /// When the tensor cannot be made.
    fn sample(&self, n: usize, rng: &mut dyn RngCore) -> Result<Tensor>;

    /// The width of a latent vector.
    fn latent_dim(&self) -> usize;
}

/// z ~ N(0, σ² I), with σ = `deviation`.
#[derive(Clone, Copy, Debug)]
pub struct NormalPrior {
    latent_dim: usize,
    deviation: f64,
}

impl NormalPrior {
    /// Vectors of `latent_dim` components, at least 1, with standard deviation `deviation`, above 0.
    ///
    /// Networks are trained with 1. Below 1 a trained generator draws more typical and less varied
    /// images: a soft form of the truncation trick (Brock et al., 2019, arXiv 1809.11096).
    pub fn new(latent_dim: usize, deviation: f64) -> Self {
        Self {
            latent_dim,
            deviation,
        }
    }

    /// The standard normal distribution: a deviation of 1.
    pub fn standard(latent_dim: usize) -> Self {
        Self::new(latent_dim, 1.0)
    }
}

/// Independent components of U(−√3 σ, √3 σ), whose standard deviation is σ = `deviation`.
#[derive(Clone, Copy, Debug)]
pub struct UniformPrior {
    latent_dim: usize,
    deviation: f64,
}

impl UniformPrior {
    /// Vectors of `latent_dim` components, at least 1, with standard deviation `deviation`, above 0, as of
    /// [`NormalPrior::new`].
    pub fn new(latent_dim: usize, deviation: f64) -> Self {
        Self {
            latent_dim,
            deviation,
        }
    }
}

impl LatentPrior for UniformPrior {
    fn sample(&self, n: usize, rng: &mut dyn RngCore) -> Result<Tensor> {
        let bound = 3.0_f64.sqrt() * self.deviation;
        let component = |_| ((2.0 * rng.random::<f64>() - 1.0) * bound) as f32;
        let values: Vec<f32> = (0..n * self.latent_dim).map(component).collect();
        Tensor::from_vec(values, (n, self.latent_dim), &Device::Cpu)
    }

    fn latent_dim(&self) -> usize {
        self.latent_dim
    }
}

impl LatentPrior for NormalPrior {
    fn sample(&self, n: usize, rng: &mut dyn RngCore) -> Result<Tensor> {
        let mut values = standard_normal(n * self.latent_dim, rng);
        if self.deviation != 1.0 {
            let deviation = self.deviation as f32;
            values.iter_mut().for_each(|value| *value *= deviation);
        }
        Tensor::from_vec(values, (n, self.latent_dim), &Device::Cpu)
    }

    fn latent_dim(&self) -> usize {
        self.latent_dim
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Purpose, Seed};

    #[test]
    fn moments_are_those_of_a_standard_normal() {
        let n = 20_000;
        let z = NormalPrior::standard(10)
            .sample(n, &mut Seed(3).rng(Purpose::Sample, 0))
            .unwrap();
        let z = z.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let moment = |k: i32| z.iter().map(|x| f64::from(*x).powi(k)).sum::<f64>() / z.len() as f64;
        // Five standard errors of each sample moment: sqrt(Var(x^k) / N), N = 200,000.
        let error = |variance: f64| 5.0 * (variance / z.len() as f64).sqrt();
        assert!(moment(1).abs() < error(1.0));
        assert!((moment(2) - 1.0).abs() < error(2.0));
        assert!(moment(3).abs() < error(15.0));
        assert!((moment(4) - 3.0).abs() < error(96.0));
    }

    /// Moments of U(−√3, √3): 0, 1, 0 and 9/5; the k-th has the variance 3ᵏ / (2k + 1) − moment².
    #[test]
    fn moments_are_those_of_a_uniform_distribution() {
        let mut rng = Seed(3).rng(Purpose::Sample, 0);
        let z = UniformPrior::new(10, 1.0).sample(20_000, &mut rng).unwrap();
        let z = z.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(z.iter().all(|x| f64::from(*x).abs() <= 1.732_051));
        for (k, moment) in [(1, 0.0), (2, 1.0), (3, 0.0), (4, 1.8)] {
            let powers = z.iter().map(|x| f64::from(*x).powi(k));
            let mean = powers.sum::<f64>() / z.len() as f64;
            let variance = 3.0_f64.powi(k) / f64::from(2 * k + 1) - moment * moment;
            let error = 5.0 * (variance / z.len() as f64).sqrt();
            assert!((mean - moment).abs() < error, "{k}: {mean}");
        }
        let mut rng = Seed(3).rng(Purpose::Sample, 0);
        let half = UniformPrior::new(10, 0.5).sample(20_000, &mut rng).unwrap();
        let half = half.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(
            z.iter()
                .zip(half)
                .all(|(z, half)| (z / 2.0 - half).abs() < 1e-6)
        );
    }
}
