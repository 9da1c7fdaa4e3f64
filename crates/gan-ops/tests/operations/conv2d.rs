//! The fused convolution against its composed twin and against finite differences.

use crate::common::{assert_close, numbers, wave};
use candle_core::{DType, Device, Tensor, Var};
use gan_ops::{Activation, Convolution, composed, conv2d};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// Image, kernel and how it moves.
#[derive(Clone, Debug)]
struct Plan {
    x: [usize; 4],
    weight: [usize; 4],
    convolution: Convolution,
    activation: Activation,
}

/// Shapes of image, weight and bias, and a stride.
type Shapes<'a> = (&'a [usize], &'a [usize], &'a [usize], usize);

type Operation =
    fn(&Tensor, &Tensor, &Tensor, Convolution, Activation) -> candle_core::Result<Tensor>;

impl Plan {
    /// Input, weight and bias.
    fn variables(&self, dtype: DType) -> [Var; 3] {
        let var = |shape: &[usize], phase| {
            let tensor = wave(shape, phase).to_dtype(dtype).unwrap();
            Var::from_tensor(&tensor).unwrap()
        };
        let bias = [self.weight[0]];
        [var(&self.x, 0.3), var(&self.weight, 1.1), var(&bias, 2.2)]
    }

    /// The outputs, and the gradient of their weighted sum by each variable.
    fn run(&self, operation: Operation, variables: &[Var; 3]) -> (Tensor, Vec<Tensor>) {
        let [x, weight, bias] = variables;
        let y = operation(x, weight, bias, self.convolution, self.activation).unwrap();
        let upstream = wave(y.dims(), 0.4).to_dtype(y.dtype()).unwrap();
        let objective = (&y * upstream).unwrap().sum_all().unwrap();
        let gradients = objective.backward().unwrap();
        let by = |var: &Var| gradients.get(var).unwrap().clone();
        (y, variables.iter().map(by).collect())
    }
}

fn plans(square: bool) -> impl Strategy<Value = Plan> {
    let sizes = (1usize..20, 1usize..4, 3usize..8, 3usize..8);
    let kernel = (1usize..4, 1usize..4, 1usize..4);
    let activations = vec![
        Activation::Identity,
        Activation::LeakyRelu { slope: 0.1 },
        Activation::Tanh,
    ];
    let activation = prop::sample::select(activations);
    (sizes, kernel, 1usize..4, 0usize..3, activation).prop_map(
        move |((n, c, h, w), (o, kh, kw), stride, padding, activation)| {
            let (w, kw) = if square { (h, kh) } else { (w, kw) };
            Plan {
                x: [n, c, h, w],
                weight: [o, c, kh, kw],
                convolution: Convolution { stride, padding },
                activation,
            }
        },
    )
}

/// candle's own gradient is right for square images only.
fn check_twin(plan: &Plan, dtype: DType, tolerance: f64) -> TestCaseResult {
    let variables = plan.variables(dtype);
    let (y, gradients) = plan.run(conv2d, &variables);
    let (expected, twins) = plan.run(composed::conv2d, &variables);
    assert_close(&y, &expected, tolerance, "values")?;
    for (name, (found, twin)) in ["input", "weight", "bias"]
        .iter()
        .zip(gradients.iter().zip(&twins))
    {
        assert_close(found, twin, 3.0 * tolerance, name)?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_convolution_equals_its_twin(plan in plans(true)) {
        check_twin(&plan, DType::F64, 1e-12)?;
        check_twin(&plan, DType::F32, 1e-5)?;
    }

    #[test]
    fn gradients_equal_finite_differences_of_the_twin(plan in plans(false)) {
        let variables = plan.variables(DType::F64);
        let (y, gradients) = plan.run(conv2d, &variables);
        let upstream = wave(y.dims(), 0.4);
        let objective = || {
            let [x, weight, bias] = &variables;
            let y = composed::conv2d(x, weight, bias, plan.convolution, plan.activation).unwrap();
            numbers(&(y * &upstream).unwrap()).iter().sum::<f64>()
        };
        for (var, gradient) in variables.iter().zip(&gradients) {
            let base = numbers(var);
            let moved = |i: usize, by: f64| {
                let mut values = base.clone();
                values[i] += by;
                var.set(&Tensor::from_vec(values, var.dims(), &Device::Cpu).unwrap()).unwrap();
                objective()
            };
            // Every seventh value: all kinds of places, in little time.
            for i in (0..base.len()).step_by(7) {
                let slope = (moved(i, 1e-6) - moved(i, -1e-6)) / 2e-6;
                let found = numbers(gradient)[i];
                prop_assert!((found - slope).abs() <= 1e-6 * slope.abs().max(1.0), "{} {}", found, slope);
            }
            var.set(&Tensor::from_vec(base, var.dims(), &Device::Cpu).unwrap()).unwrap();
        }
    }
}

/// Sizes at which threads share the work.
#[test]
fn a_batch_in_parts_equals_its_twin_too() {
    let plan = Plan {
        x: [67, 5, 14, 14],
        weight: [24, 5, 3, 3],
        convolution: Convolution {
            stride: 2,
            padding: 1,
        },
        activation: Activation::LeakyRelu { slope: 0.1 },
    };
    check_twin(&plan, DType::F64, 1e-11).unwrap();
    check_twin(&plan, DType::F32, 3e-5).unwrap();
}

#[test]
fn shapes_that_do_not_fit_are_refused_with_their_sizes() {
    let tensor = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let (image, weight, bias) = ([2, 3, 4, 4], [5, 3, 3, 3], [5]);
    let bad: [Shapes<'_>; 6] = [
        (&[2, 2, 4, 4], &weight, &bias, 1),
        (&image, &[5, 3, 7, 7], &bias, 1),
        (&image, &weight, &[4], 1),
        (&image, &weight, &bias, 0),
        (&[2, 3, 0, 4], &[5, 3, 1, 1], &bias, 1),
        (&image, &[0, 3, 3, 3], &[0], 1),
    ];
    for (x, weight, bias, stride) in bad {
        let convolution = Convolution { stride, padding: 1 };
        let found = conv2d(
            &tensor(x),
            &tensor(weight),
            &tensor(bias),
            convolution,
            Activation::Identity,
        );
        let text = found.unwrap_err().to_string();
        assert!(text.contains(&format!("{x:?}")), "{text}");
    }
}
