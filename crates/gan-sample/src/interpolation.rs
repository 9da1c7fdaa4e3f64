//! Interpolation between latent vectors.

use crate::SampleError;
use candle_core::{DType, Device, Tensor};

/// Below this sine of the angle the great circle is ill-conditioned or undefined.
const MIN_SINE: f64 = 1e-6;

/// Spherical interpolation (Shoemake, 1985): the point at `t` on the great circle from `a` to `b`.
///
/// a, b: `[latent_dim]` → `[latent_dim]`, f32. t = 0 gives `a` and t = 1 gives `b` exactly;
/// between vectors of equal norm the norm stays and the angle grows evenly with t. High-dimensional
/// Gaussian vectors lie near a sphere, which the straight line between two of them leaves (White,
/// 2016, "Sampling generative networks"). Vectors that are nearly parallel, opposite (where every
/// direction is as short) or zero are interpolated linearly.
///
/// # Errors
/// [`SampleError::Shape`] when `a` and `b` are not vectors of the same length.
pub fn slerp(a: &Tensor, b: &Tensor, t: f64) -> Result<Tensor, SampleError> {
    let (a, b) = read_vectors(a, b)?;
    let values = GreatCircle::between(&a, &b).at(t);
    Ok(Tensor::from_vec(values, a.len(), &Device::Cpu)?)
}

/// Points on the great circle from `a` to `b`, evenly spaced, both ends included.
///
/// a, b: `[latent_dim]` → `[frames, latent_dim]`, f32. One frame is `a` alone. See [`slerp`].
///
/// # Errors
/// [`SampleError::Shape`] when `a` and `b` are not vectors of the same length.
pub fn spherical_path(a: &Tensor, b: &Tensor, frames: usize) -> Result<Tensor, SampleError> {
    let (a, b) = read_vectors(a, b)?;
    let arc = GreatCircle::between(&a, &b);
    let last = frames.saturating_sub(1).max(1) as f64;
    let values: Vec<f32> = (0..frames).flat_map(|i| arc.at(i as f64 / last)).collect();
    Ok(Tensor::from_vec(values, (frames, a.len()), &Device::Cpu)?)
}

fn read_vectors(a: &Tensor, b: &Tensor) -> Result<(Vec<f64>, Vec<f64>), SampleError> {
    let read = |vector: &Tensor, expected: String| match vector.rank() {
        1 => Ok(vector.to_dtype(DType::F64)?.to_vec1()?),
        _ => Err(SampleError::Shape {
            what: "the latent vectors to interpolate",
            found: vector.dims().to_vec(),
            expected,
        }),
    };
    let a: Vec<f64> = read(a, "[latent_dim]".to_string())?;
    let expected = format!("[{}], both the same", a.len());
    let values: Vec<f64> = read(b, expected.clone())?;
    if values.len() != a.len() {
        return Err(SampleError::Shape {
            what: "the latent vectors to interpolate",
            found: b.dims().to_vec(),
            expected,
        });
    }
    Ok((a, values))
}

/// Two vectors and the angle between them.
struct GreatCircle<'a> {
    a: &'a [f64],
    b: &'a [f64],
    /// In radians; none if the path is a straight line.
    angle: Option<f64>,
}

impl<'a> GreatCircle<'a> {
    fn between(a: &'a [f64], b: &'a [f64]) -> Self {
        let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
        let (norm_a, norm_b) = (norm(a), norm(b));
        let combine = |sign: f64| {
            let pair = |(x, y): (&f64, &f64)| x / norm_a + sign * y / norm_b;
            norm(&a.iter().zip(b).map(pair).collect::<Vec<_>>())
        };
        // Accurate near 0 and π, where the arc cosine of the dot product is not (Kahan, 2006).
        let angle = 2.0 * f64::atan2(combine(-1.0), combine(1.0));
        // NaN, from a zero vector, compares false.
        let curved = angle.sin() >= MIN_SINE;
        let angle = curved.then_some(angle);
        Self { a, b, angle }
    }

    fn at(&self, t: f64) -> Vec<f32> {
        let (from, to) = match self.angle {
            Some(angle) => {
                let weight = |part: f64| (part * angle).sin() / angle.sin();
                (weight(1.0 - t), weight(t))
            }
            None => (1.0 - t, t),
        };
        let blend = |(x, y): (&f64, &f64)| (from * x + to * y) as f32;
        self.a.iter().zip(self.b).map(blend).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gan_core::{LatentPrior, NormalPrior, Purpose, Seed};

    fn vector(values: &[f32]) -> Tensor {
        Tensor::new(values, &Device::Cpu).unwrap()
    }

    fn random(index: u64) -> Vec<f32> {
        let mut rng = Seed(5).rng(Purpose::Sample, index);
        let z = NormalPrior::standard(100).sample(1, &mut rng).unwrap();
        z.flatten_all().unwrap().to_vec1().unwrap()
    }

    fn norm(v: &[f32]) -> f64 {
        v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt()
    }

    fn scaled(v: &[f32], to_norm: f64) -> Vec<f32> {
        let factor = to_norm / norm(v);
        v.iter().map(|x| (f64::from(*x) * factor) as f32).collect()
    }

    fn path(a: &[f32], b: &[f32], frames: usize) -> Vec<Vec<f32>> {
        let path = spherical_path(&vector(a), &vector(b), frames).unwrap();
        assert_eq!(path.dims(), [frames, a.len()]);
        path.to_vec2().unwrap()
    }

    #[test]
    fn the_ends_are_exact() {
        let (a, b) = (random(0), random(1));
        let opposite: Vec<f32> = a.iter().map(|x| -x).collect();
        for b in [&b, &a, &opposite, &scaled(&a, 1.0), &vec![0.0; 100]] {
            let path = path(&a, b, 7);
            assert_eq!(path[0], a);
            assert_eq!(&path[6], b);
            for (t, end) in [(0.0, &a), (1.0, b)] {
                let point = slerp(&vector(&a), &vector(b), t).unwrap();
                assert_eq!(&point.to_vec1::<f32>().unwrap(), end);
            }
        }
    }

    #[test]
    fn equal_norms_stay_and_the_angle_grows_evenly() {
        let (a, b) = (scaled(&random(0), 10.0), scaled(&random(1), 10.0));
        let path = path(&a, &b, 11);
        let chord = |x: &[f32], y: &[f32]| {
            let difference: Vec<f32> = x.iter().zip(y).map(|(x, y)| x - y).collect();
            norm(&difference)
        };
        let whole = 2.0 * (chord(&a, &b) / 20.0).asin();
        assert!(whole > 1.0, "nearly orthogonal vectors, {whole}");
        for pair in path.windows(2) {
            assert!((norm(&pair[1]) - 10.0).abs() < 1e-5);
            let step = 2.0 * (chord(&pair[0], &pair[1]) / 20.0).asin();
            assert!((step - whole / 10.0).abs() < 1e-6, "{step}");
        }
    }

    #[test]
    fn a_right_angle_is_halved() {
        let half = slerp(&vector(&[2.0, 0.0]), &vector(&[0.0, 2.0]), 0.5).unwrap();
        for value in half.to_vec1::<f32>().unwrap() {
            assert!((value - 2f32.sqrt()).abs() < 1e-6);
        }
    }

    #[test]
    fn small_angles_are_followed_without_a_jump() {
        for angle in [1e-9f64, 1e-7, 1e-6, 1e-5, 1e-3] {
            let a = [1.0, 0.0];
            let b = [angle.cos(), angle.sin()];
            let quarter = GreatCircle::between(&a, &b).at(0.25)[1];
            assert!((f64::from(quarter) / (0.25 * angle).sin() - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn vectors_without_a_great_circle_are_joined_by_a_line() {
        let a = [3.0, -4.0];
        for b in [[-3.0, 4.0], [0.0, 0.0], [6.0, -8.0], a] {
            let quarter = slerp(&vector(&a), &vector(&b), 0.25).unwrap();
            let expected = [0, 1].map(|i| 0.75 * a[i] + 0.25 * b[i]);
            assert_eq!(quarter.to_vec1::<f32>().unwrap(), expected);
        }
        let zero = [0.0; 2];
        assert_eq!(path(&zero, &zero, 3), vec![vec![0.0; 2]; 3]);
    }

    #[test]
    fn paths_of_no_or_one_frame_are_no_special_case() {
        assert!(path(&[1.0, 2.0], &[2.0, 1.0], 0).is_empty());
        assert_eq!(path(&[1.0, 2.0], &[2.0, 1.0], 1), [[1.0, 2.0]]);
    }

    #[test]
    fn vectors_of_different_widths_and_matrices_are_refused() {
        let a = vector(&[1.0, 2.0]);
        for b in [vector(&[1.0]), a.unsqueeze(0).unwrap()] {
            for (a, b) in [(&a, &b), (&b, &a)] {
                let error = slerp(a, b, 0.5).unwrap_err();
                assert!(matches!(error, SampleError::Shape { .. }), "{error}");
            }
        }
    }
}
