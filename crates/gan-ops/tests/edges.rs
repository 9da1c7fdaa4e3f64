//! Where these operations usually break: large logits, kinks, NaN, one row, wrong shapes.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{DType, Device, Tensor, Var};
use gan_ops::{
    Activation, AdamStep, BatchStatistics, adam_step, batch_norm, batch_norm_with, bce_with_logits,
    composed, linear, softplus,
};

const CPU: Device = Device::Cpu;

/// (loss, derivative) of one logit in f32.
fn bce(logit: f32, target: f64) -> (f64, f64) {
    let x = Var::new(&[logit], &CPU).unwrap();
    let loss = bce_with_logits(&x, target).unwrap();
    let gradients = loss.backward().unwrap();
    let slope = gradients.get(&x).unwrap().to_vec1::<f32>().unwrap()[0];
    (
        f64::from(loss.to_scalar::<f32>().unwrap()),
        f64::from(slope),
    )
}

#[test]
fn bce_and_its_slope_are_right_from_minus_200_to_200() {
    for logit in [-200.0, -90.0, -17.0, -1.0, 0.0, 1.0, 17.0, 90.0, 200.0_f32] {
        for target in [0.0, 0.1, 1.0] {
            let x = f64::from(logit);
            let sigma = 1.0 / (1.0 + (-x).exp());
            // In f64 through e^-|x|, which does not overflow: the defining formula.
            let expected = x.max(0.0) - x * target + (-x.abs()).exp().ln_1p();
            let (loss, slope) = bce(logit, target);
            assert!(
                (loss - expected).abs() <= 1e-6 * expected.abs() + f64::from(f32::MIN_POSITIVE),
                "{logit}: {loss} {expected}"
            );
            assert!(
                (slope - (sigma - target)).abs() <= 1e-6,
                "{logit}: slope {slope}"
            );
        }
    }
}

#[test]
fn bce_of_a_nan_logit_is_nan() {
    assert!(bce(f32::NAN, 1.0).0.is_nan());
    assert!(bce(f32::NAN, 0.0).0.is_nan());
}

#[test]
fn the_slope_of_leaky_relu_at_zero_is_the_left_one() {
    let activation = Activation::LeakyRelu { slope: 0.2 };
    let x = Var::new(&[[0f64]], &CPU).unwrap();
    let (one, zero) = (
        Tensor::new(&[[1f64]], &CPU).unwrap(),
        Tensor::new(&[0f64], &CPU).unwrap(),
    );
    let fused = linear(&x, &one, &zero, activation).unwrap();
    for y in [fused, composed::leaky_relu(&x, 0.2).unwrap()] {
        let gradients = y.backward().unwrap();
        assert_eq!(
            gradients.get(&x).unwrap().to_vec2::<f64>().unwrap(),
            [[0.2]]
        );
    }
}

#[test]
fn the_slope_of_softplus_at_zero_is_a_half() {
    let x = Var::new(&[0f64], &CPU).unwrap();
    for y in [softplus(&x).unwrap(), composed::softplus(&x).unwrap()] {
        let gradients = y.backward().unwrap();
        assert_eq!(gradients.get(&x).unwrap().to_vec1::<f64>().unwrap(), [0.5]);
    }
}

#[test]
fn nan_and_infinity_pass_through_a_linear_layer() {
    let x = Tensor::new(&[[f32::NAN], [f32::INFINITY], [-1.0]], &CPU).unwrap();
    let (w, b) = (
        Tensor::new(&[[1f32]], &CPU).unwrap(),
        Tensor::new(&[0f32], &CPU).unwrap(),
    );
    let y = linear(&x, &w, &b, Activation::LeakyRelu { slope: 0.2 }).unwrap();
    let y = y.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    assert!(y[0].is_nan());
    assert_eq!(y[1..], [f32::INFINITY, -0.2]);
}

#[test]
fn batch_norm_of_one_row_is_an_error() {
    let x = Tensor::zeros((1, 3), DType::F32, &CPU).unwrap();
    let w = Tensor::ones(3, DType::F32, &CPU).unwrap();
    let error = batch_norm(&x, &w, &w, 0.8, Activation::Identity).unwrap_err();
    assert!(error.to_string().contains("needs at least 2"), "{error}");
}

#[test]
fn wrong_shapes_are_errors() {
    let x = Tensor::zeros((4, 3), DType::F32, &CPU).unwrap();
    let two = Tensor::ones(2, DType::F32, &CPU).unwrap();
    assert!(batch_norm(&x, &two, &two, 0.8, Activation::Identity).is_err());
    let w = Tensor::zeros((5, 3), DType::F32, &CPU).unwrap();
    assert!(linear(&x, &w, &two, Activation::Identity).is_err());
    let integers = Tensor::zeros(3, DType::U32, &CPU).unwrap();
    assert!(softplus(&integers).is_err());
}

#[test]
fn evaluation_with_the_batch_statistics_is_the_training_pass() {
    let values: Vec<f64> = (0..24).map(|i| f64::from(i).sin()).collect();
    let x = Tensor::from_vec(values, (8, 3), &CPU).unwrap();
    let w = Tensor::new(&[1.0, 0.5, -2.0], &CPU).unwrap();
    let b = Tensor::new(&[0.1, 0.0, 0.3], &CPU).unwrap();
    let activation = Activation::LeakyRelu { slope: 0.2 };
    let (y, statistics) = batch_norm(&x, &w, &b, 0.8, activation).unwrap();
    let BatchStatistics { mean, variance } = &statistics;
    assert_eq!((mean.dims(), variance.dims()), (&[3][..], &[3][..]));
    let again = batch_norm_with(&x, &w, &b, &statistics, 0.8, activation).unwrap();
    let difference = (y - again).unwrap().abs().unwrap().max_all().unwrap();
    assert!(difference.to_scalar::<f64>().unwrap() < 1e-14);
}

/// The paper's Algorithm 1 for one number, with PyTorch's order of operations.
fn adam_by_hand(gradients: &[f64], lr: f64, (beta1, beta2): (f64, f64), eps: f64) -> f64 {
    let (mut theta, mut m, mut v) = (1.0, 0.0, 0.0);
    for (i, g) in gradients.iter().enumerate() {
        let t = i as i32 + 1;
        m = beta1 * m + (1.0 - beta1) * g;
        v = beta2 * v + (1.0 - beta2) * g * g;
        let (m_hat, v_hat) = (m / (1.0 - beta1.powi(t)), v / (1.0 - beta2.powi(t)));
        theta -= lr * m_hat / (f64::sqrt(v_hat) + eps);
    }
    theta
}

#[test]
fn adam_and_its_twin_follow_the_paper() {
    let history = [0.3, -0.2, 1e-4, 5.0, -0.7];
    let expected = adam_by_hand(&history, 0.01, (0.5, 0.999), 1e-8);
    type Step = fn(&Var, &Tensor, &Var, &Var, &AdamStep) -> candle_core::Result<()>;
    for adam in [adam_step as Step, composed::adam_step as Step] {
        let [theta, m, v] = [1.0, 0.0, 0.0].map(|x: f64| Var::new(&[x, x], &CPU).unwrap());
        for (i, g) in history.iter().enumerate() {
            let step = AdamStep {
                lr: 0.01,
                beta1: 0.5,
                beta2: 0.999,
                eps: 1e-8,
                step: i as u64 + 1,
            };
            let gradient = Tensor::new(&[*g, *g], &CPU).unwrap();
            adam(&theta, &gradient, &m, &v, &step).unwrap();
        }
        for value in theta.to_vec1::<f64>().unwrap() {
            assert!(
                (value - expected).abs() < 1e-14,
                "{value} against {expected}"
            );
        }
    }
}
