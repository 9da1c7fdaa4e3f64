//! Log-likelihood under a Parzen window (Goodfellow et al., 2014, arXiv 1406.2661, section 5).

use crate::pairs::{map_squared_distances, map_squared_pixel_distances};
use crate::spread::mean_and_deviation;
use crate::{Features, ImageSet, MetricError};
use std::f64::consts::TAU;

/// Ten widths from 0.1 to 1, evenly spaced on a logarithmic scale: those that the paper's program tried.
pub const PARZEN_SIGMAS: [f64; 10] = [
    0.1,
    0.129_154_966_501_488_4,
    0.166_810_053_720_005_9,
    0.215_443_469_003_188_37,
    0.278_255_940_220_712_5,
    0.359_381_366_380_462_8,
    0.464_158_883_361_277_9,
    0.599_484_250_318_940_9,
    0.774_263_682_681_127,
    1.0,
];

/// Mean log-likelihood, in nats, of held-out images in [0, 1] under Gaussians around samples.
///
/// The estimator is known to mislead: its variance is high, it is poor in high dimensions and it can
/// rank models wrongly (Theis, van den Oord & Bethge, 2016, arXiv 1511.01844). It is here for comparison
/// with the paper's figures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParzenWindow {
    /// The Gaussians' standard deviation, chosen for the validation images.
    pub sigma: f64,
    /// Mean over the test images.
    pub mean: f64,
    /// Standard deviation over the test images, divided by the square root of their number.
    pub standard_error: f64,
}

impl ParzenWindow {
    /// Chooses the one of `sigmas` under which `validation` is most likely, and scores `test` with it.
    ///
    /// # Errors
    /// [`MetricError::Dimensions`], [`MetricError::Setting`] for no sigma or one that is not
    /// positive.
    pub fn new(
        samples: &Features,
        validation: &Features,
        test: &Features,
        sigmas: &[f64],
    ) -> Result<Self, MetricError> {
        validation.as_wide_as(samples)?;
        test.as_wide_as(samples)?;
        check_sigmas(sigmas)?;
        let under = |images: &Features, sigmas: &[f64]| {
            map_squared_distances(images, samples, |_, distances| {
                log_likelihoods(distances, samples.dimensions(), sigmas)
            })
        };
        Ok(Self::chosen(validation, test, sigmas, under))
    }

    /// [`new`](Self::new) for images, with values in [0, 1]. Memory is bounded for images of any size.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn of_images(
        samples: &ImageSet,
        validation: &ImageSet,
        test: &ImageSet,
        sigmas: &[f64],
    ) -> Result<Self, MetricError> {
        validation.alike(samples)?;
        test.alike(samples)?;
        check_sigmas(sigmas)?;
        let under = |images: &ImageSet, sigmas: &[f64]| {
            map_squared_pixel_distances(images, samples, |_, distances| {
                log_likelihoods(distances, samples.shape().elements(), sigmas)
            })
        };
        Ok(Self::chosen(validation, test, sigmas, under))
    }

    /// under: the log-likelihoods of each image of a set, under each of some sigmas.
    fn chosen<S>(
        validation: &S,
        test: &S,
        sigmas: &[f64],
        under: impl Fn(&S, &[f64]) -> Vec<Vec<f64>>,
    ) -> Self {
        let by_image = under(validation, sigmas);
        let total = |i: usize| by_image.iter().map(|image| image[i]).sum::<f64>();
        let totals: Vec<f64> = (0..sigmas.len()).map(total).collect();
        let best =
            (1..sigmas.len()).fold(0, |best, i| if totals[i] > totals[best] { i } else { best });
        let sigma = sigmas[best];
        let likelihoods = under(test, &[sigma]).concat();
        let (mean, standard_deviation) = mean_and_deviation(&likelihoods);
        Self {
            sigma,
            mean,
            standard_error: standard_deviation / (likelihoods.len() as f64).sqrt(),
        }
    }
}

fn check_sigmas(sigmas: &[f64]) -> Result<(), MetricError> {
    let positive = |sigma: &f64| *sigma > 0.0 && sigma.is_finite();
    if !sigmas.is_empty() && sigmas.iter().all(positive) {
        return Ok(());
    }
    Err(MetricError::Setting {
        name: "the list of sigmas",
        found: format!("{sigmas:?}"),
        expected: "one or more positive numbers",
    })
}

/// An image's log-likelihood under each width, from its squared distances to all samples.
fn log_likelihoods(distances: &[f64], dimensions: usize, sigmas: &[f64]) -> Vec<f64> {
    let width = dimensions as f64;
    let nearest = distances.iter().copied().fold(f64::INFINITY, f64::min);
    let under = |&sigma: &f64| {
        let scale = -0.5 / (sigma * sigma);
        // The nearest sample's term is factored out, so that not all of them underflow.
        let terms = distances.iter().map(|d| (scale * (d - nearest)).exp());
        let mean = terms.sum::<f64>() / distances.len() as f64;
        scale * nearest + mean.ln() - 0.5 * width * (TAU * sigma * sigma).ln()
    };
    sigmas.iter().map(under).collect()
}
