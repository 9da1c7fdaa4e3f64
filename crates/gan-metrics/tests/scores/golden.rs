//! The scores are those that torch-fidelity and prdc compute from the same numbers
//! (`tests/golden/make_metrics.py` states the formulas, `metrics.json` beside it the figures).

use crate::splitmix::u;
use gan_metrics::{
    DensityCoverage, Features, InceptionScore, PARZEN_SIGMAS, ParzenWindow, PrecisionRecall,
    frechet_distance, squared_kernel_distance,
};
use serde_json::Value;

const DIMENSIONS: usize = 32;

/// Each figure to this, relative; those behind eigenvalues to [`EIGEN_TOLERANCE`].
const TOLERANCE: f64 = 1e-6;
const EIGEN_TOLERANCE: f64 = 1e-5;

/// The sum of four uniform numbers less 2: roughly normal.
fn n(t: u64, i: usize) -> f64 {
    (0..4).map(|j| u(t, 4 * i as u64 + j)).sum::<f64>() - 2.0
}

fn real() -> Features {
    let values = (0..600 * DIMENSIONS).map(|i| n(2001, i)).collect();
    Features::new("real", values, DIMENSIONS).unwrap()
}

fn generated() -> Features {
    let value = |i| 0.8 * n(2002, i) + 0.05 * (i % DIMENSIONS) as f64 / DIMENSIONS as f64;
    let values = (0..500 * DIMENSIONS).map(value).collect();
    Features::new("generated", values, DIMENSIONS).unwrap()
}

fn uniform(t: u64, count: usize) -> Features {
    let values = (0..count as u64 * 20).map(|i| u(t, i)).collect();
    Features::new("uniform", values, 20).unwrap()
}

/// The figure at a path of `tests/golden/metrics.json`.
fn golden(path: &str) -> f64 {
    let json: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/metrics.json")).unwrap();
    json.pointer(path).and_then(Value::as_f64).unwrap()
}

fn assert_close(found: f64, path: &str, tolerance: f64) {
    let expected = golden(path);
    let error = (found - expected).abs() / expected.abs();
    assert!(
        error <= tolerance,
        "{path}: {found}, expected {expected}: off by {error:.1e}"
    );
}

#[test]
fn frechet_distance_is_torch_fidelitys() {
    let distance = frechet_distance(&real(), &generated()).unwrap();
    assert_close(distance, "/fid", EIGEN_TOLERANCE);
}

#[test]
fn kernel_distance_is_torch_fidelitys() {
    // Its program takes sets of one size: the first 500 real rows.
    let values = (0..500 * DIMENSIONS).map(|i| n(2001, i)).collect();
    let real = Features::new("real", values, DIMENSIONS).unwrap();
    let distance = squared_kernel_distance(&real, &generated()).unwrap();
    assert_close(distance, "/kid/value", TOLERANCE);
}

#[test]
fn inception_score_is_torch_fidelitys() {
    let logits = (0..5000).map(|i| 4.0 * n(2003, i)).collect();
    let logits = Features::new("logits", logits, 10).unwrap();
    let one = InceptionScore::new(&logits, 1).unwrap();
    assert_close(one.mean, "/inception_score/splits_1", TOLERANCE);
    let ten = InceptionScore::new(&logits, 10).unwrap();
    assert_close(ten.mean, "/inception_score/splits_10_mean", TOLERANCE);
    let spread = ten.standard_deviation;
    assert_close(spread, "/inception_score/splits_10_std", TOLERANCE);
}

#[test]
fn precision_and_recall_are_torch_fidelitys() {
    let score = PrecisionRecall::new(&real(), &generated(), 3).unwrap();
    assert_close(score.precision, "/precision_recall_k3/precision", TOLERANCE);
    assert_close(score.recall, "/precision_recall_k3/recall", TOLERANCE);
    assert_close(score.f_score(), "/precision_recall_k3/f_score", TOLERANCE);
}

#[test]
fn precision_recall_density_and_coverage_are_prdcs() {
    let score = PrecisionRecall::new(&real(), &generated(), 5).unwrap();
    assert_close(score.precision, "/prdc_k5/precision", TOLERANCE);
    assert_close(score.recall, "/prdc_k5/recall", TOLERANCE);
    let score = DensityCoverage::new(&real(), &generated(), 5).unwrap();
    assert_close(score.density, "/prdc_k5/density", TOLERANCE);
    assert_close(score.coverage, "/prdc_k5/coverage", TOLERANCE);
}

#[test]
fn parzen_window_is_the_papers() {
    let (samples, validation, test) = (uniform(2004, 400), uniform(2005, 100), uniform(2006, 200));
    let score = ParzenWindow::new(&samples, &validation, &test, &PARZEN_SIGMAS).unwrap();
    assert_close(score.sigma, "/parzen/sigma", TOLERANCE);
    assert_close(score.mean, "/parzen/mean", TOLERANCE);
    assert_close(score.standard_error, "/parzen/standard_error", TOLERANCE);
    for (i, sigma) in PARZEN_SIGMAS.iter().enumerate() {
        assert_close(*sigma, &format!("/parzen/sigmas/{i}"), TOLERANCE);
    }
}
