//! Adam, momentum and moving averages against their twins and formulas.

use crate::common::{assert_close, wave};
use candle_core::{DType, Device, Result, Tensor, Var};
use gan_ops::{AdamStep, MomentumStep, adam_step, composed, momentum_step};
use proptest::prelude::*;

const CPU: Device = Device::Cpu;

type Step = fn(&Var, &Tensor, &Var, &Var, &AdamStep) -> Result<bool>;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn adam_equals_its_twin(n in 1usize..200, phase in 0.0..6.0f64, step in 1u64..50) {
        let step = AdamStep { lr: 0.01, beta1: 0.5, beta2: 0.999, eps: 1e-8, step };
        for (dtype, tolerance) in [(DType::F32, 1e-5), (DType::F64, 1e-14)] {
            let tensor = |phase: f64| wave(&[n], phase).to_dtype(dtype).unwrap();
            let var = |tensor: Tensor| Var::from_tensor(&tensor).unwrap();
            let state = || [
                var(tensor(phase)),
                var(tensor(phase + 1.0)),
                var(tensor(phase + 2.0).sqr().unwrap()),
            ];
            let (fused, twin, gradient) = (state(), state(), tensor(phase + 3.0));
            adam_step(&fused[0], &gradient, &fused[1], &fused[2], &step).unwrap();
            composed::adam_step(&twin[0], &gradient, &twin[1], &twin[2], &step).unwrap();
            for (fused, twin) in fused.iter().zip(&twin) {
                assert_close(fused, twin, tolerance, "adam")?;
            }
        }
    }
}

#[test]
fn a_moving_average_equals_its_twin() {
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-15)] {
        let tensor = |phase: f64| wave(&[300, 257], phase).to_dtype(dtype).unwrap();
        let averages = [0.1, 0.1].map(|phase| Var::from_tensor(&tensor(phase)).unwrap());
        gan_ops::moving_average_step(&averages[0], &tensor(2.0), 0.9).unwrap();
        composed::moving_average_step(&averages[1], &tensor(2.0), 0.9).unwrap();
        assert_close(&averages[0], &averages[1], tolerance, "average").unwrap();
        let other = wave(&[3], 0.0);
        assert!(gan_ops::moving_average_step(&averages[0], &other, 0.9).is_err());
    }
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
            assert!(adam(&theta, &gradient, &m, &v, &step).unwrap());
        }
        for value in theta.to_vec1::<f64>().unwrap() {
            assert!(
                (value - expected).abs() < 1e-14,
                "{value} against {expected}"
            );
        }
    }
}

#[test]
fn adam_and_its_twin_tell_when_a_parameter_is_no_number() {
    let step = AdamStep {
        lr: 0.01,
        beta1: 0.5,
        beta2: 0.999,
        eps: 1e-8,
        step: 1,
    };
    // Large enough for several threads, with the odd one in the last vector's edge.
    let count = 100_003;
    for adam in [adam_step as Step, composed::adam_step as Step] {
        for place in [0, count / 2, count - 1] {
            for bad in [f32::NAN, f32::INFINITY] {
                let [theta, m, v] = [1.0, 0.0, 0.0].map(|x: f32| {
                    Var::from_tensor(&Tensor::full(x, count, &CPU).unwrap()).unwrap()
                });
                let mut gradient = vec![0.5_f32; count];
                gradient[place] = bad;
                let gradient = Tensor::from_vec(gradient, count, &CPU).unwrap();
                assert!(!adam(&theta, &gradient, &m, &v, &step).unwrap(), "{place}");
            }
        }
    }
}

/// 1e25² overflows f32: θ would never move again, and stay finite.
#[test]
fn an_infinite_second_moment_is_told() {
    for adam in [adam_step, composed::adam_step] {
        let var = |value: f32| Var::new(&[value], &CPU).unwrap();
        let (theta, m, v) = (var(1.0), var(0.0), var(0.0));
        let step = AdamStep {
            lr: 0.1,
            beta1: 0.5,
            beta2: 0.999,
            eps: 1e-8,
            step: 1,
        };
        let huge = Tensor::new(&[1e25f32], &CPU).unwrap();
        assert!(!adam(&theta, &huge, &m, &v, &step).unwrap());
        assert_eq!(theta.to_vec1::<f32>().unwrap(), [1.0]);
    }
}

type Momentum = fn(&Var, &Tensor, &Var, &MomentumStep) -> Result<bool>;

/// velocity ← μ velocity − lr g, θ ← θ + velocity; exact in binary for these numbers.
#[test]
fn momentum_and_its_twin_follow_the_formula() {
    for momentum in [
        momentum_step as Momentum,
        composed::momentum_step as Momentum,
    ] {
        let [theta, velocity] = [1.0, 0.0].map(|x: f64| Var::new(&[x, -x], &CPU).unwrap());
        let steps = [(0.5, 0.5, 2.0), (0.5, 0.75, -1.0), (0.25, 0.5, 4.0)];
        for (lr, momentum_of_step, gradient) in steps {
            let step = MomentumStep {
                lr,
                momentum: momentum_of_step,
            };
            let gradient = Tensor::new(&[gradient, -gradient], &CPU).unwrap();
            assert!(momentum(&theta, &gradient, &velocity, &step).unwrap());
        }
        // Velocities −1, −¾ + ½ = −¼, −⅛ − 1 = −9/8.
        assert_eq!(velocity.to_vec1::<f64>().unwrap(), [-1.125, 1.125]);
        assert_eq!(theta.to_vec1::<f64>().unwrap(), [-1.375, 1.375]);
    }
}

#[test]
fn momentum_equals_its_twin_on_several_threads_and_tells_what_is_no_number() {
    let (count, step) = (
        100_003,
        MomentumStep {
            lr: 0.1,
            momentum: 0.7,
        },
    );
    let state = || [0.3, 1.3].map(|phase| Var::from_tensor(&wave(&[count], phase)).unwrap());
    let (fused, twin, gradient) = (state(), state(), wave(&[count], 2.3));
    assert!(momentum_step(&fused[0], &gradient, &fused[1], &step).unwrap());
    assert!(composed::momentum_step(&twin[0], &gradient, &twin[1], &step).unwrap());
    for (fused, twin) in fused.iter().zip(&twin) {
        assert_close(fused, twin, 1e-14, "momentum").unwrap();
    }
    for momentum in [
        momentum_step as Momentum,
        composed::momentum_step as Momentum,
    ] {
        for place in [0, count / 2, count - 1] {
            let mut bad = vec![0.5; count];
            bad[place] = f64::INFINITY;
            let bad = Tensor::from_vec(bad, count, &CPU).unwrap();
            let [theta, velocity] = state();
            assert!(
                !momentum(&theta, &bad, &velocity, &step).unwrap(),
                "{place}"
            );
        }
    }
    let short = wave(&[3], 0.0);
    assert!(momentum_step(&fused[0], &short, &fused[1], &step).is_err());
}
