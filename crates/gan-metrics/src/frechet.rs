//! Fréchet distance of two Gaussians fitted to features (Heusel et al., 2017, arXiv 1706.08500).

use crate::spread::bootstrap;
use crate::{Features, MetricError};
use faer::{Mat, Side};
use gan_core::Seed;

/// |m₁ - m₂|² + tr(S₁ + S₂ - 2 (S₁ S₂)^½), with the means and the unbiased covariances of both
/// sets: at least 0, and 0 for equal sets. The FID in these features.
///
/// The trace of (S₁ S₂)^½ is that of (S₁^½ S₂ S₁^½)^½, a symmetric matrix with real eigenvalues; those
/// that rounding made negative count as 0. At equal quality the distance falls with the number of
/// images: compare it at equal counts only.
///
/// # Errors
/// [`MetricError::Dimensions`]; [`MetricError::TooFew`] if a set has no more rows than dimensions, since
/// its covariance is singular then and the distance an artefact of the count.
pub fn frechet_distance(first: &Features, second: &Features) -> Result<f64, MetricError> {
    first.as_wide_as(second)?;
    let width = first.dimensions();
    for set in [first, second] {
        set.at_least(width + 1, || {
            format!("for a Fréchet distance in {width} dimensions")
        })?;
    }
    let ((m1, s1), (m2, s2)) = (moments(first), moments(second));
    let between: f64 = m1.iter().zip(&m2).map(|(a, b)| (a - b) * (a - b)).sum();

    let failed = |set: &Features| MetricError::Eigenvalues {
        what: format!("the covariance of {}", set.name()),
    };
    let eigen = s1
        .self_adjoint_eigen(Side::Lower)
        .map_err(|_| failed(first))?;
    let (u, values) = (eigen.U(), eigen.S().column_vector());
    let root = Mat::from_fn(u.nrows(), u.ncols(), |i, j| {
        u[(i, j)] * values[j].max(0.0).sqrt()
    });
    // (U Λ^½)ᵀ S₂ (U Λ^½) is S₁^½ S₂ S₁^½ in another basis.
    let inner = root.transpose() * &s2 * &root;
    let inner = inner.self_adjoint_eigenvalues(Side::Lower);
    let cross: f64 = inner
        .map_err(|_| failed(second))?
        .iter()
        .map(|value| value.max(0.0).sqrt())
        .sum();
    Ok((between + trace(&s1) + trace(&s2) - 2.0 * cross).max(0.0))
}

/// Bootstrap standard deviation of [`frechet_distance`] over the rows of both sets: how far the distance
/// depends on which images were drawn.
///
/// # Errors
/// Those of [`frechet_distance`].
pub fn frechet_deviation(
    first: &Features,
    second: &Features,
    seed: Seed,
) -> Result<f64, MetricError> {
    frechet_distance(first, second)?;
    let rows = |set: &Features| (0..set.count()).collect::<Vec<usize>>();
    let (rows1, rows2) = (rows(first), rows(second));
    Ok(bootstrap(seed, |draw| {
        let first = first.select(draw(&rows1).into_iter());
        let second = second.select(draw(&rows2).into_iter());
        frechet_distance(&first, &second).unwrap_or(f64::NAN)
    }))
}

/// Mean `[d]` and unbiased covariance `[d, d]`.
pub(crate) fn moments(features: &Features) -> (Vec<f64>, Mat<f64>) {
    let (count, width) = (features.count(), features.dimensions());
    let mut mean = vec![0.0; width];
    for row in features.rows() {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += value;
        }
    }
    for sum in &mut mean {
        *sum /= count as f64;
    }
    let centered = Mat::from_fn(count, width, |i, j| features.row(i)[j] - mean[j]);
    let covariance = centered.transpose() * &centered * faer::Scale(1.0 / (count as f64 - 1.0));
    (mean, covariance)
}

fn trace(matrix: &Mat<f64>) -> f64 {
    (0..matrix.nrows()).map(|i| matrix[(i, i)]).sum()
}
