//! Where these operations usually break: large logits, kinks, NaN, one row, wrong shapes.

use candle_core::{DType, Device, Tensor, Var};
use gan_core::{ImageShape, Mode};
use gan_ops::{
    Activation, AdamStep, BatchNorm, Block, ConvNet, Layer, LinearMap, Sequence, adam_step,
    bce_with_logits, composed, softplus,
};

const CPU: Device = Device::Cpu;

/// A sequence of one linear block.
fn linear(weight: &Tensor, bias: &Tensor, activation: Activation) -> candle_core::Result<Sequence> {
    Sequence::new(vec![Block {
        weight: Var::from_tensor(weight)?,
        bias: Var::from_tensor(bias)?,
        norm: None,
        activation,
    }])
}

/// A sequence that hands its inputs on to batch normalization.
fn batch_norm(weight: &[f64], bias: &[f64], eps: f64, activation: Activation) -> Sequence {
    let c = weight.len();
    let var = |values: &[f64]| Var::new(values, &CPU).unwrap();
    let norm = BatchNorm {
        weight: var(weight),
        bias: var(bias),
        running_mean: Var::zeros(c, DType::F64, &CPU).unwrap(),
        running_variance: Var::ones(c, DType::F64, &CPU).unwrap(),
        eps,
        momentum: 1.0,
    };
    Sequence::new(vec![Block {
        weight: Var::from_tensor(&Tensor::eye(c, DType::F64, &CPU).unwrap()).unwrap(),
        bias: Var::zeros(c, DType::F64, &CPU).unwrap(),
        norm: Some(norm),
        activation,
    }])
    .unwrap()
}

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
    let one = Tensor::new(&[[1f64]], &CPU).unwrap();
    let zero = Tensor::new(&[0f64], &CPU).unwrap();
    let block = linear(&one, &zero, Activation::LeakyRelu { slope: 0.2 }).unwrap();
    let recorded = block.record(&[&zero.unsqueeze(0).unwrap()]).unwrap();
    let fused = recorded.tape.input_gradient(0, &one).unwrap();
    let x = Var::new(&[[0f64]], &CPU).unwrap();
    let y = composed::leaky_relu(&x, 0.2).unwrap();
    let twin = y.backward().unwrap().get(&x).unwrap().clone();
    for slope in [fused, twin] {
        assert_eq!(slope.to_vec2::<f64>().unwrap(), [[0.2]]);
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
fn nan_and_infinity_stay_in_their_own_example() {
    for activation in [Activation::LeakyRelu { slope: 0.2 }, Activation::Tanh] {
        // Enough examples and features for vector kernels and their edges.
        let (n, i, o) = (19, 3, 21);
        let mut values = vec![0.5f32; n * i];
        (values[3], values[6], values[9]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let x = Tensor::from_vec(values, (n, i), &CPU).unwrap();
        let w = Tensor::ones((o, i), DType::F32, &CPU).unwrap();
        let b = Tensor::zeros(o, DType::F32, &CPU).unwrap();
        let y = linear(&w, &b, activation).unwrap();
        let y = y.infer(&x, Mode::Eval).unwrap().to_vec2::<f32>().unwrap();
        let end = match activation {
            Activation::Tanh => 1.0,
            _ => f32::INFINITY,
        };
        assert!(y[1].iter().all(|v| v.is_nan()));
        assert!(y[2].iter().all(|v| *v == end));
        assert!(y[3].iter().all(|v| *v == -end));
        for row in y[4..].iter().chain(&y[..1]) {
            assert!(row.iter().all(|v| v.is_finite()), "{row:?}");
        }
    }
}

#[test]
fn a_nan_in_the_gradient_reaches_the_weights_and_stays_in_its_example() {
    let block = linear(
        &Tensor::ones((4, 3), DType::F32, &CPU).unwrap(),
        &Tensor::zeros(4, DType::F32, &CPU).unwrap(),
        Activation::Identity,
    );
    let x = Tensor::ones((5, 3), DType::F32, &CPU).unwrap();
    let recorded = block.unwrap().record(&[&x]).unwrap();
    let mut upstream = vec![1f32; 20];
    upstream[8] = f32::NAN;
    let upstream = Tensor::from_vec(upstream, (5, 4), &CPU).unwrap();
    let dx = recorded.tape.input_gradient(0, &upstream).unwrap();
    for (example, row) in dx.to_vec2::<f32>().unwrap().iter().enumerate() {
        assert!(
            row.iter().all(|v| v.is_nan() == (example == 2)),
            "{example}"
        );
    }
    let mut seen = 0;
    let mut show = |_: &Tensor, gradient: &Tensor| {
        let values = gradient.flatten_all()?.to_vec1::<f32>()?;
        // Feature 0 of example 2 is NaN: row 0 of the weights, element 0 of the bias.
        let row = values.len() / 4;
        assert!(values[..row].iter().all(|v| v.is_nan()));
        assert!(values[row..].iter().all(|v| v.is_finite()));
        seen += 1;
        Ok(())
    };
    recorded
        .tape
        .parameter_gradients(&[upstream], &mut show)
        .unwrap();
    assert_eq!(seen, 2);
}

#[test]
fn batch_norm_of_one_row_is_an_error() {
    let x = Tensor::zeros((1, 3), DType::F64, &CPU).unwrap();
    let block = batch_norm(&[1.0; 3], &[0.0; 3], 0.8, Activation::Identity);
    for error in [
        block.record(&[&x]).err().unwrap(),
        block.infer(&x, Mode::Train).unwrap_err(),
        block.forward(&x, Mode::Train).unwrap_err(),
    ] {
        assert!(error.to_string().contains("needs at least 2"), "{error}");
    }
    assert!(block.infer(&x, Mode::Eval).is_ok());
}

#[test]
fn wrong_shapes_and_types_are_errors() {
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &CPU).unwrap();
    assert!(linear(&zeros(&[5, 3]), &zeros(&[2]), Activation::Identity).is_err());
    assert!(linear(&zeros(&[0, 3]), &zeros(&[0]), Activation::Identity).is_err());
    assert!(Sequence::new(Vec::new()).is_err());
    let block = linear(&zeros(&[5, 3]), &zeros(&[5]), Activation::Identity).unwrap();
    assert!(block.infer(&zeros(&[4, 2]), Mode::Eval).is_err());
    assert!(
        block
            .infer(&zeros(&[4, 3]).to_dtype(DType::F64).unwrap(), Mode::Eval)
            .is_err()
    );
    assert!(softplus(&Tensor::zeros(3, DType::U32, &CPU).unwrap()).is_err());

    let recorded = block.record(&[&zeros(&[4, 3])]).unwrap();
    assert!(recorded.tape.input_gradient(0, &zeros(&[4, 3])).is_err());
    assert!(recorded.tape.input_gradient(1, &zeros(&[4, 5])).is_err());
    let mut ignore = |_: &Tensor, _: &Tensor| Ok(());
    assert!(recorded.tape.parameter_gradients(&[], &mut ignore).is_err());
}

#[test]
fn evaluation_with_the_batch_statistics_is_the_training_pass() {
    let values: Vec<f64> = (0..24).map(|i| f64::from(i).sin()).collect();
    let x = Tensor::from_vec(values, (8, 3), &CPU).unwrap();
    let activation = Activation::LeakyRelu { slope: 0.2 };
    let block = batch_norm(&[1.0, 0.5, -2.0], &[0.1, 0.0, 0.3], 0.8, activation);
    let y = block.infer(&x, Mode::Train).unwrap();
    let mean = x.mean(0).unwrap();
    let centred = x.broadcast_sub(&mean).unwrap();
    let statistics = composed::BatchStatistics {
        variance: centred.sqr().unwrap().mean(0).unwrap(),
        mean,
    };
    let weight = Tensor::new(&[1.0, 0.5, -2.0], &CPU).unwrap();
    let bias = Tensor::new(&[0.1, 0.0, 0.3], &CPU).unwrap();
    let again = composed::batch_norm_with(&x, &weight, &bias, &statistics, 0.8, activation);
    let difference = (y - again.unwrap())
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap();
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
    type Step = fn(&Var, &Tensor, &Var, &Var, &AdamStep) -> candle_core::Result<bool>;
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
    type Step = fn(&Var, &Tensor, &Var, &Var, &AdamStep) -> candle_core::Result<bool>;
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

/// A loss's mean over no examples is 0 / 0.
#[test]
fn empty_batches_are_refused_by_every_pass() {
    let weight = Tensor::ones((2, 9), DType::F32, &CPU).unwrap();
    let bias = Tensor::zeros(2, DType::F32, &CPU).unwrap();
    let sequence = linear(&weight, &bias, Activation::Identity).unwrap();
    let convolution = Layer {
        map: LinearMap::Convolution {
            weight: Var::from_tensor(&weight.reshape((2, 1, 3, 3)).unwrap()).unwrap(),
            stride: 1,
            padding: 0,
            groups: 1,
        },
        bias: None,
        norm: None,
        shortcut: None,
        activation: Activation::Identity,
    };
    let image = ImageShape {
        channels: 1,
        height: 3,
        width: 3,
    };
    let net = ConvNet::new(image, vec![convolution]).unwrap();
    let (none, two) = (zeros(0), zeros(2));
    let errors = [
        sequence.forward(&none, Mode::Eval).err(),
        sequence.infer(&none, Mode::Eval).err(),
        sequence.record(&[&two, &none]).err(),
        sequence.record_logits(&[], &[]).err(),
        net.forward(&none, Mode::Eval).err(),
        net.infer(&none, Mode::Eval).err(),
        net.record_images(&[&none]).err(),
        net.record_logits(&[&none], std::slice::from_ref(&none))
            .err(),
        net.record_logits(&[], &[]).err(),
    ];
    for error in errors {
        let error = error.unwrap().to_string();
        assert!(error.contains("batch"), "{error}");
    }
}

/// Images `[n, 1, 3, 3]`.
fn zeros(n: usize) -> Tensor {
    Tensor::zeros((n, 1, 3, 3), DType::F32, &CPU).unwrap()
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
