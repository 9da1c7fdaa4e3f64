//! The losses against their papers' formulas, with σ and ln taken literally in f64, and their
//! gradients against finite differences.

use candle_core::{Device, Tensor, Var};
use gan_core::AdversarialLoss;
use gan_train::{
    Hinge, LeastSquares, LossKind, LossOptions, Minimax, NonSaturating, RelativisticPairing,
    Wasserstein,
};

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
            .build(LossOptions::default())
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
    let found: f64 = generator_loss(&NonSaturating { real_label: 1.0 }, &fake)
        .to_scalar()
        .unwrap();
    assert!((found + mean(FAKE, |x| sigma(x).ln())).abs() < 1e-14);
    let found: f64 = generator_loss(&Minimax { real_label: 1.0 }, &fake)
        .to_scalar()
        .unwrap();
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
    assert!((slope(&NonSaturating { real_label: 1.0 }) - (sigma(-20.0) - 1.0)).abs() < 1e-14);
    assert!((slope(&Minimax { real_label: 1.0 }) + sigma(-20.0)).abs() < 1e-14);
}

const KINDS: [LossKind; 6] = [
    LossKind::NonSaturating,
    LossKind::Minimax,
    LossKind::LeastSquares,
    LossKind::Wasserstein,
    LossKind::Hinge,
    LossKind::RelativisticPairing,
];

/// Both losses of REAL and FAKE.
fn losses(loss: &dyn AdversarialLoss) -> [f64; 2] {
    let (real, fake) = (tensor(REAL), tensor(FAKE));
    let both = [
        loss.discriminator(&real, &fake),
        loss.generator(&real, &fake),
    ];
    both.map(|loss| loss.unwrap().to_scalar().unwrap())
}

#[track_caller]
fn assert_losses(loss: &dyn AdversarialLoss, discriminator: f64, generator: f64) {
    let [found_discriminator, found_generator] = losses(loss);
    assert!(
        (found_discriminator - discriminator).abs() < 1e-14,
        "{found_discriminator} {discriminator}"
    );
    assert!(
        (found_generator - generator).abs() < 1e-14,
        "{found_generator} {generator}"
    );
}

/// Mao et al., 2017, equation 2 with a = 0 and b = c = 1.
#[test]
fn least_squares_is_its_papers() {
    let discriminator = 0.5 * mean(REAL, |x| (x - 1.0).powi(2)) + 0.5 * mean(FAKE, |x| x * x);
    let generator = 0.5 * mean(FAKE, |x| (x - 1.0).powi(2));
    assert_losses(&LeastSquares { real_label: 1.0 }, discriminator, generator);
}

/// Arjovsky et al., 2017, algorithm 1.
#[test]
fn wasserstein_is_a_difference_of_means() {
    let (real, fake) = (mean(REAL, |x| x), mean(FAKE, |x| x));
    assert_losses(&Wasserstein, fake - real, -fake);
}

/// Lim & Ye, 2017, equation 7.
#[test]
fn hinge_has_margins_of_one() {
    let real = mean(REAL, |x| (1.0 - x).max(0.0));
    let fake = mean(FAKE, |x| (1.0 + x).max(0.0));
    assert_losses(&Hinge, real + fake, -mean(FAKE, |x| x));
}

#[test]
fn hinge_is_zero_beyond_the_margin() {
    let loss = Hinge
        .discriminator(&tensor([1.5; 4]), &tensor([-2.0; 4]))
        .unwrap();
    assert_eq!(loss.to_scalar::<f64>().unwrap(), 0.0);
}

/// Sun, Fang & Schwing, 2020: −E ln σ of the pairs' differences.
#[test]
fn relativistic_pairing_compares_pairs() {
    let pairs = |sign: f64| {
        let terms = REAL
            .iter()
            .zip(FAKE)
            .map(|(real, fake)| -sigma(sign * (real - fake)).ln());
        terms.sum::<f64>() / 4.0
    };
    assert_losses(&RelativisticPairing, pairs(1.0), pairs(-1.0));
}

/// Cross-entropy against 0.9: 0.9 of the term of label 1 and 0.1 of that of label 0, real images alone.
#[test]
fn smoothed_labels_mix_the_terms_of_real_images() {
    let options = LossOptions {
        label_smoothing: 0.1,
    };
    let real = -mean(REAL, |x| 0.9 * sigma(x).ln() + 0.1 * (1.0 - sigma(x)).ln());
    let fake = -mean(FAKE, |x| (1.0 - sigma(x)).ln());
    for kind in [LossKind::NonSaturating, LossKind::Minimax] {
        let found = losses(kind.build(options).as_ref())[0];
        assert!(
            (found - 0.5 * (real + fake)).abs() < 1e-14,
            "{kind:?}: {found}"
        );
    }
    let squares = 0.5 * mean(REAL, |x| (x - 0.9).powi(2)) + 0.5 * mean(FAKE, |x| x * x);
    assert!((losses(LossKind::LeastSquares.build(options).as_ref())[0] - squares).abs() < 1e-14);
}

#[test]
fn gradients_equal_finite_differences() {
    type Objective = fn(&dyn AdversarialLoss, &Tensor, &Tensor) -> candle_core::Result<Tensor>;
    let discriminator: Objective = |loss, real, fake| loss.discriminator(real, fake);
    let generator: Objective = |loss, real, fake| loss.generator(real, fake);
    for (kind, objective) in KINDS
        .into_iter()
        .flat_map(|kind| [(kind, discriminator), (kind, generator)])
    {
        let loss = kind.build(LossOptions {
            label_smoothing: if kind.has_labels() { 0.1 } else { 0.0 },
        });
        let at = |logits: [[f64; 4]; 2]| -> f64 {
            let [real, fake] = logits.map(tensor);
            objective(loss.as_ref(), &real, &fake)
                .unwrap()
                .to_scalar()
                .unwrap()
        };
        let vars = [REAL, FAKE].map(|values| Var::from_tensor(&tensor(values)).unwrap());
        let gradients = objective(loss.as_ref(), &vars[0], &vars[1])
            .unwrap()
            .backward()
            .unwrap();
        for (side, var) in vars.iter().enumerate() {
            // A loss that does not depend on this side has no gradient with respect to it.
            let found = gradients
                .get(var)
                .map_or(vec![0.0; 4], |g| g.to_vec1::<f64>().unwrap());
            for (i, found) in found.iter().enumerate() {
                let moved = |by: f64| {
                    let mut logits = [REAL, FAKE];
                    logits[side][i] += by;
                    at(logits)
                };
                let slope = (moved(1e-6) - moved(-1e-6)) / 2e-6;
                assert!(
                    (found - slope).abs() < 1e-8,
                    "{kind:?} {side} {i}: {found} {slope}"
                );
            }
        }
    }
}
