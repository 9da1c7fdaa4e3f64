//! Each fused operation against its composed twin and against finite differences, over random
//! shapes and values.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{DType, Device, Result, Tensor, Var};
use gan_ops::{Activation, batch_norm, composed, linear, softplus};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const ACTIVATIONS: [Activation; 3] = [
    Activation::Identity,
    Activation::LeakyRelu { slope: 0.2 },
    Activation::Tanh,
];

/// Values that are no kinks of an activation and differ from each other: a sine of the index.
fn wave(shape: &[usize], phase: f64) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|i| 1.5 * (phase + 1.7 * i as f64).sin() + 0.3 * (0.9 * i as f64 + 2.0 * phase).cos())
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

type Operation<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// The operation's values, and the gradients of Σ y·wave(y) by every input.
fn values_and_gradients(op: Operation<'_>, inputs: &[Tensor]) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<Var> = inputs
        .iter()
        .map(|t| Var::from_tensor(t).unwrap())
        .collect();
    let arguments: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let y = op(&arguments).unwrap();
    let weights = wave(y.dims(), 0.4).to_dtype(y.dtype()).unwrap();
    let gradients = (&y * weights)
        .unwrap()
        .sum_all()
        .unwrap()
        .backward()
        .unwrap();
    let gradient = |v: &Var| {
        gradients
            .get(v)
            .expect("a gradient for every input")
            .clone()
    };
    let all = vars.iter().map(gradient).collect();
    (y.detach(), all)
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn assert_close(found: &Tensor, expected: &Tensor, relative: f64, what: &str) -> TestCaseResult {
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

/// Fused against composed in both types; fused against central differences in f64.
fn check(fused: Operation<'_>, twin: Operation<'_>, inputs: &[Tensor]) -> TestCaseResult {
    for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-12)] {
        let typed: Vec<Tensor> = inputs.iter().map(|t| t.to_dtype(dtype).unwrap()).collect();
        let (y, gradients) = values_and_gradients(fused, &typed);
        let (twin_y, twin_gradients) = values_and_gradients(twin, &typed);
        assert_close(&y, &twin_y, tolerance, "values")?;
        for (i, (g, t)) in gradients.iter().zip(&twin_gradients).enumerate() {
            // Sums over a batch: a digit less than the values in f32.
            assert_close(g, t, 3.0 * tolerance, &format!("gradient {i}"))?;
        }
    }
    let (_, gradients) = values_and_gradients(fused, inputs);
    for (i, gradient) in gradients.iter().enumerate() {
        let differences = central_differences(fused, inputs, i);
        assert_close(gradient, &differences, 1e-6, &format!("difference {i}"))?;
    }
    Ok(())
}

fn central_differences(op: Operation<'_>, inputs: &[Tensor], which: usize) -> Tensor {
    let h = 1e-6;
    let base = numbers(&inputs[which]);
    let objective = |values: Vec<f64>| {
        let mut moved = inputs.to_vec();
        moved[which] = Tensor::from_vec(values, inputs[which].dims(), &Device::Cpu).unwrap();
        let y = op(&moved).unwrap();
        let products = (&y * wave(y.dims(), 0.4)).unwrap();
        products.sum_all().unwrap().to_scalar::<f64>().unwrap()
    };
    let slope = |i: usize| {
        let (mut up, mut down) = (base.clone(), base.clone());
        up[i] += h;
        down[i] -= h;
        (objective(up) - objective(down)) / (2.0 * h)
    };
    let slopes: Vec<f64> = (0..base.len()).map(slope).collect();
    Tensor::from_vec(slopes, inputs[which].dims(), &Device::Cpu).unwrap()
}

/// The same values, laid out so that they are not contiguous.
fn transposed_storage(t: &Tensor) -> Tensor {
    t.t().unwrap().contiguous().unwrap().t().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn linear_equals_its_twin(
        (n, i, o) in (1usize..7, 1usize..7, 1usize..7),
        phase in 0.0..6.0f64,
        which in 0usize..3,
    ) {
        let activation = ACTIVATIONS[which];
        let inputs = [wave(&[n, i], phase), wave(&[o, i], phase + 1.0), wave(&[o], phase + 2.0)];
        check(
            &|t| linear(&t[0], &t[1], &t[2], activation),
            &|t| composed::linear(&t[0], &t[1], &t[2], activation),
            &inputs,
        )?;
        let strided = [transposed_storage(&inputs[0]), transposed_storage(&inputs[1])];
        let from_strided = linear(&strided[0], &strided[1], &inputs[2], activation).unwrap();
        let straight = linear(&inputs[0], &inputs[1], &inputs[2], activation).unwrap();
        assert_close(&from_strided, &straight, 1e-14, "strided")?;
    }

    #[test]
    fn batch_norm_equals_its_twin(
        (n, c) in (2usize..9, 1usize..6),
        phase in 0.0..6.0f64,
        which in 0usize..3,
        eps in prop::sample::select(vec![0.8, 1e-5]),
    ) {
        let activation = ACTIVATIONS[which];
        let inputs = [wave(&[n, c], phase), wave(&[c], phase + 1.0), wave(&[c], phase + 2.0)];
        check(
            &|t| Ok(batch_norm(&t[0], &t[1], &t[2], eps, activation)?.0),
            &|t| Ok(composed::batch_norm(&t[0], &t[1], &t[2], eps, activation)?.0),
            &inputs,
        )?;
        let [x, w, b] = &inputs;
        let (_, fused) = batch_norm(&transposed_storage(x), w, b, eps, activation).unwrap();
        let (_, twin) = composed::batch_norm(x, w, b, eps, activation).unwrap();
        assert_close(&fused.mean, &twin.mean, 1e-13, "mean")?;
        assert_close(&fused.variance, &twin.variance, 1e-13, "variance")?;
    }

    #[test]
    fn softplus_equals_its_twin(n in 1usize..20, phase in 0.0..6.0f64, scale in 0.1..30.0f64) {
        let inputs = [(wave(&[n], phase) * scale).unwrap()];
        check(&|t| softplus(&t[0]), &|t| composed::softplus(&t[0]), &inputs)?;
    }
}
