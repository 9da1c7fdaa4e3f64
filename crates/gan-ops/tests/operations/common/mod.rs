//! Inputs that are formulas, and comparisons of tensors.

use candle_core::{DType, Device, Tensor};
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::test_runner::TestCaseResult;

/// Values that are no kinks of an activation and differ from each other: a sine of the index.
pub(crate) fn wave(shape: &[usize], phase: f64) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|i| 1.5 * (phase + 1.7 * i as f64).sin() + 0.3 * (0.9 * i as f64 + 2.0 * phase).cos())
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub(crate) fn assert_close(
    found: &Tensor,
    expected: &Tensor,
    relative: f64,
    what: &str,
) -> TestCaseResult {
    prop_assert_eq!(found.dims(), expected.dims(), "{}", what);
    let (found, expected) = (numbers(found), numbers(expected));
    let scale = expected.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
    for (a, b) in found.iter().zip(&expected) {
        prop_assert!(
            (a - b).abs() <= relative * scale,
            "{}: {} against {}",
            what,
            a,
            b
        );
    }
    Ok(())
}

/// The slope of `objective` by each number, in f64.
pub(crate) fn central_differences(at: &Tensor, objective: &dyn Fn(&Tensor) -> f64) -> Tensor {
    let h = 1e-6;
    let base = numbers(at);
    let moved = |i: usize, by: f64| {
        let mut values = base.clone();
        values[i] += by;
        objective(&Tensor::from_vec(values, at.dims(), &Device::Cpu).unwrap())
    };
    let slopes = (0..base.len()).map(|i| (moved(i, h) - moved(i, -h)) / (2.0 * h));
    Tensor::from_vec(slopes.collect(), at.dims(), &Device::Cpu).unwrap()
}
