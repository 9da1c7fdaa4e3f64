//! The binary cross-entropy of logits where it usually breaks: large logits, kinks, NaN.

use candle_core::{DType, Device, Tensor, Var};
use gan_ops::{bce_with_logits, composed, softplus};

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
fn the_slope_of_softplus_at_zero_is_a_half() {
    let x = Var::new(&[0f64], &CPU).unwrap();
    for y in [softplus(&x).unwrap(), composed::softplus(&x).unwrap()] {
        let gradients = y.backward().unwrap();
        assert_eq!(gradients.get(&x).unwrap().to_vec1::<f64>().unwrap(), [0.5]);
    }
}

#[test]
fn integers_are_refused() {
    assert!(softplus(&Tensor::zeros(3, DType::U32, &CPU).unwrap()).is_err());
}
