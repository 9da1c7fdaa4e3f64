//! What losses and penalties are made of, against its twins, finite differences and formulas.

use crate::common::{assert_close, central_differences, numbers, wave};
use candle_core::{DType, Device, Result, Tensor, Var};
use gan_ops::{composed, mean, sigmoid, softplus, squared_norms, sum_of_squares};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

type Operation = fn(&Tensor) -> Result<Tensor>;

/// Each operation with its twin.
const OPERATIONS: [(&str, Operation, Operation); 4] = [
    ("softplus", softplus, composed::softplus),
    ("sigmoid", sigmoid, composed::sigmoid),
    ("mean", mean, composed::mean),
    ("squared norms", squared_norms, composed::squared_norms),
];

/// Σ y · g with upstream gradients g that differ.
fn objective(y: &Tensor) -> Tensor {
    let upstream = wave(y.dims(), 0.4).to_dtype(y.dtype()).unwrap();
    y.mul(&upstream).unwrap().sum_all().unwrap()
}

/// The value at `x` and the slope of its [`objective`].
fn pass(operation: Operation, x: &Tensor) -> [Tensor; 2] {
    let x = Var::from_tensor(x).unwrap();
    let y = operation(&x).unwrap();
    let gradients = objective(&y).backward().unwrap();
    [y.detach(), gradients.get(&x).unwrap().clone()]
}

fn check(x: &Tensor) -> TestCaseResult {
    for (name, operation, twin) in OPERATIONS {
        for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-12)] {
            let x = x.to_dtype(dtype).unwrap();
            let (found, expected) = (pass(operation, &x), pass(twin, &x));
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, tolerance, name)?;
            }
        }
        let [_, slope] = pass(operation, x);
        let of_moved = |x: &Tensor| numbers(&objective(&operation(x).unwrap()))[0];
        let differences = central_differences(x, &of_moved);
        assert_close(&slope, &differences, 1e-6, name)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn operations_equal_their_twins_and_finite_differences(
        shape in prop::collection::vec(1usize..7, 1..5),
        phase in 0.0..6.0f64,
        scale in 0.1..30.0f64,
    ) {
        check(&(wave(&shape, phase) * scale).unwrap())?;
    }
}

#[test]
fn the_order_in_memory_does_not_matter() {
    let x = wave(&[5, 7], 0.3);
    let turned = x.t().unwrap().contiguous().unwrap().t().unwrap();
    let part = Tensor::cat(&[&x, &x], 1).unwrap().narrow(1, 7, 7).unwrap();
    for (name, operation, _) in OPERATIONS {
        let expected = numbers(&operation(&x).unwrap());
        for x in [&turned, &part] {
            assert_eq!(numbers(&operation(x).unwrap()), expected, "{name}");
        }
    }
    assert_eq!(
        sum_of_squares(&turned).unwrap(),
        sum_of_squares(&x).unwrap()
    );
}

/// Numbers whose sum depends on its order.
#[test]
fn sums_are_taken_in_sixteen_interleaved_parts() {
    let values: Vec<f32> = (0..1003).map(|i| 1e4_f32.powf((i as f32).sin())).collect();
    let in_parts = |f: fn(f64) -> f64| -> f64 {
        let part = |lane| values.iter().skip(lane).step_by(16);
        let sum = |lane| part(lane).fold(0.0, |sum, x| sum + f(f64::from(*x)));
        (0..16).map(sum).fold(0.0, |sum, part| sum + part)
    };
    let x = Tensor::new(values.as_slice(), &Device::Cpu).unwrap();
    assert_eq!(sum_of_squares(&x).unwrap(), in_parts(|x| x * x));
    let found = mean(&x).unwrap().to_scalar::<f32>().unwrap();
    assert_eq!(found, (in_parts(|x| x) / 1003.0) as f32);
    let row = x.unsqueeze(0).unwrap();
    let found = squared_norms(&row).unwrap();
    assert_eq!(
        found.to_vec2::<f32>().unwrap(),
        [[in_parts(|x| x * x) as f32]]
    );
}

#[test]
fn a_sum_of_squares_is_its_twin_and_does_not_overflow() {
    let x = Tensor::full(1e30_f32, 100, &Device::Cpu).unwrap();
    let (found, twin) = (sum_of_squares(&x), composed::sum_of_squares(&x));
    for sum in [found.unwrap(), twin.unwrap()] {
        assert!((sum / 1e62 - 1.0).abs() < 1e-6, "{sum}");
    }
}

#[test]
fn squared_norms_have_one_number_for_each_example() {
    for (_, operation, twin) in &OPERATIONS[3..] {
        for f in [operation, twin] {
            assert_eq!(f(&wave(&[3, 2, 4, 5], 0.1)).unwrap().dims(), [3, 1, 1, 1]);
            assert!(f(&wave(&[], 0.1)).is_err());
        }
    }
}

#[test]
fn sigmoid_is_right_at_its_ends() {
    let values = [f64::NEG_INFINITY, -740.0, 0.0, 40.0, f64::INFINITY];
    let found = sigmoid(&Tensor::new(&values, &Device::Cpu).unwrap()).unwrap();
    let found = found.to_vec1::<f64>().unwrap();
    assert_eq!(found[2..], [0.5, 1.0, 1.0]);
    assert_eq!(found[0], 0.0);
    // σ(x) is eˣ to rounding.
    assert!((found[1] - (-740_f64).exp()).abs() <= 1e-322);
    let nan = sigmoid(&Tensor::new(&[f64::NAN], &Device::Cpu).unwrap()).unwrap();
    assert!(nan.to_vec1::<f64>().unwrap()[0].is_nan());
}

#[test]
fn a_mean_of_no_numbers_is_none_and_integers_are_refused() {
    let none = Tensor::zeros(0, DType::F64, &Device::Cpu).unwrap();
    assert!(mean(&none).unwrap().to_scalar::<f64>().unwrap().is_nan());
    assert_eq!(sum_of_squares(&none).unwrap(), 0.0);
    let integers = Tensor::zeros(3, DType::U32, &Device::Cpu).unwrap();
    assert!(mean(&integers).is_err() && squared_norms(&integers).is_err());
    assert!(sigmoid(&integers).is_err() && sum_of_squares(&integers).is_err());
}
