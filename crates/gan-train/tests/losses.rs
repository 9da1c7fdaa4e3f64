//! The losses against their formulas in the 2014 paper, with σ and ln taken literally in f64.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{Device, Tensor, Var};
use gan_core::AdversarialLoss;
use gan_train::{LossKind, Minimax, NonSaturating};

const REAL: [f64; 4] = [0.3, -1.2, 2.5, 0.0];
const FAKE: [f64; 4] = [-0.7, 1.9, -3.0, 0.4];

fn sigma(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn mean(values: [f64; 4], f: impl Fn(f64) -> f64) -> f64 {
    values.into_iter().map(f).sum::<f64>() / 4.0
}

fn tensor(values: [f64; 4]) -> Tensor {
    Tensor::new(&values, &Device::Cpu).unwrap()
}

fn generator_loss(loss: &dyn AdversarialLoss, fake: &Tensor) -> Tensor {
    let real = fake.zeros_like().unwrap();
    loss.generator(&real, fake).unwrap()
}

#[test]
fn the_discriminator_minimises_half_of_minus_v() {
    let v = mean(REAL, |x| sigma(x).ln()) + mean(FAKE, |x| (1.0 - sigma(x)).ln());
    for kind in [LossKind::NonSaturating, LossKind::Minimax] {
        let loss = kind
            .build()
            .discriminator(&tensor(REAL), &tensor(FAKE))
            .unwrap();
        let loss: f64 = loss.to_scalar().unwrap();
        assert!(
            (loss + v / 2.0).abs() < 1e-14,
            "{kind:?}: {loss} against {}",
            -v / 2.0
        );
    }
}

#[test]
fn the_generators_objectives_are_the_papers() {
    let fake = tensor(FAKE);
    let found: f64 = generator_loss(&NonSaturating, &fake).to_scalar().unwrap();
    assert!((found + mean(FAKE, |x| sigma(x).ln())).abs() < 1e-14);
    let found: f64 = generator_loss(&Minimax, &fake).to_scalar().unwrap();
    assert!((found - mean(FAKE, |x| (1.0 - sigma(x)).ln())).abs() < 1e-14);
}

#[test]
fn only_the_minimax_gradient_vanishes_where_the_discriminator_is_sure() {
    let slope = |loss: &dyn AdversarialLoss| {
        let fake = Var::new(&[-20.0_f64], &Device::Cpu).unwrap();
        let gradients = generator_loss(loss, &fake).backward().unwrap();
        gradients.get(&fake).unwrap().to_vec1::<f64>().unwrap()[0]
    };
    // d/dx −ln σ(x) = σ(x) − 1 and d/dx ln(1 − σ(x)) = −σ(x).
    assert!((slope(&NonSaturating) - (sigma(-20.0) - 1.0)).abs() < 1e-14);
    assert!((slope(&Minimax) + sigma(-20.0)).abs() < 1e-14);
}
