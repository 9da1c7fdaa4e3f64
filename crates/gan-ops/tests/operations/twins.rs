//! Each fused operation against its composed twin and against finite differences, over random
//! shapes and values.

use crate::common::{assert_close, central_differences, numbers, wave};
use candle_core::{DType, Device, Tensor, Var};
use gan_core::{Mode, Recorded};
use gan_ops::{Activation, AdamStep, BatchNorm, Block, Sequence, adam_step, composed};
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

const ACTIVATIONS: [Activation; 3] = [
    Activation::Identity,
    Activation::LeakyRelu { slope: 0.2 },
    Activation::Tanh,
];

/// What a random sequence is made of.
#[derive(Clone, Debug)]
struct Plan {
    /// Inputs, then outputs of each block.
    widths: Vec<usize>,
    activations: Vec<Activation>,
    normalized: Vec<bool>,
    eps: f64,
    phase: f64,
}

/// A sequence and its parameters by name.
fn build(plan: &Plan, dtype: DType) -> (Sequence, Vec<(String, Var)>) {
    let mut parameters = Vec::new();
    let mut blocks = Vec::new();
    for (k, widths) in plan.widths.windows(2).enumerate() {
        let (i, o) = (widths[0], widths[1]);
        let mut var = |name: &str, tensor: Tensor| {
            let var = Var::from_tensor(&tensor.to_dtype(dtype).unwrap()).unwrap();
            parameters.push((format!("{k}.{name}"), var.clone()));
            var
        };
        let phase = plan.phase + 10.0 * k as f64;
        let positive = |phase: f64| (wave(&[o], phase).abs().unwrap() + 0.5).unwrap();
        blocks.push(Block {
            weight: var(
                "weight",
                (wave(&[o, i], phase) / (i as f64).sqrt()).unwrap(),
            ),
            bias: var("bias", wave(&[o], phase + 1.0)),
            norm: plan.normalized[k].then(|| BatchNorm {
                weight: var("norm.weight", wave(&[o], phase + 2.0)),
                bias: var("norm.bias", wave(&[o], phase + 3.0)),
                running_mean: var("running_mean", wave(&[o], phase + 4.0)),
                running_variance: var("running_variance", positive(phase + 5.0)),
                eps: plan.eps,
                momentum: 0.1,
            }),
            activation: plan.activations[k],
        });
    }
    (Sequence::new(blocks).unwrap(), parameters)
}

/// The gradient of every visited parameter, by its name.
fn parameter_gradients(
    recorded: &Recorded,
    upstream: &[Tensor],
    parameters: &[(String, Var)],
) -> Vec<(String, Tensor)> {
    let mut found = Vec::new();
    let mut show = |parameter: &Tensor, gradient: &Tensor| {
        let name = parameters
            .iter()
            .find(|(_, var)| var.id() == parameter.id());
        found.push((name.unwrap().0.clone(), gradient.copy()?));
        Ok(())
    };
    recorded
        .tape
        .parameter_gradients(upstream, &mut show)
        .unwrap();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// The same through candle's graph over the twin: outputs, input gradients, parameter gradients.
type Twin = (Vec<Tensor>, Vec<Tensor>, Vec<(String, Tensor)>);

fn twin(plan: &Plan, dtype: DType, batches: &[Tensor], upstream: &[Tensor]) -> Twin {
    let (sequence, parameters) = build(plan, dtype);
    let inputs: Vec<Var> = batches
        .iter()
        .map(|x| Var::from_tensor(x).unwrap())
        .collect();
    let outputs: Vec<Tensor> = inputs
        .iter()
        .map(|x| sequence.forward(x, Mode::Train).unwrap())
        .collect();
    let products = outputs
        .iter()
        .zip(upstream)
        .map(|(y, g)| (y * g).unwrap().sum_all().unwrap());
    let objective = products.reduce(|a, b| (a + b).unwrap()).unwrap();
    let gradients = objective.backward().unwrap();
    let by_input = inputs
        .iter()
        .map(|x| gradients.get(x).unwrap().clone())
        .collect();
    let mut by_parameter = Vec::new();
    for (name, var) in parameters
        .iter()
        .filter(|(name, _)| !name.contains("running"))
    {
        by_parameter.push((name.clone(), gradients.get(var).unwrap().clone()));
    }
    by_parameter.sort_by(|a, b| a.0.cmp(&b.0));
    (outputs, by_input, by_parameter)
}

/// Explicit passes against the twin in one type of numbers.
fn check_twin(plan: &Plan, dtype: DType, batches: &[Tensor], tolerance: f64) -> TestCaseResult {
    let typed = |t: &Tensor| t.to_dtype(dtype).unwrap();
    let batches: Vec<Tensor> = batches.iter().map(typed).collect();
    let outputs = *plan.widths.last().unwrap();
    let upstream = batches
        .iter()
        .map(|x| typed(&wave(&[x.dim(0).unwrap(), outputs], 0.4)));
    let upstream: Vec<Tensor> = upstream.collect();
    let (expected, by_input, by_parameter) = twin(plan, dtype, &batches, &upstream);

    let (sequence, parameters) = build(plan, dtype);
    let inputs: Vec<&Tensor> = batches.iter().collect();
    let recorded = sequence.record(&inputs).unwrap();
    // Sums over a batch: a digit less than the values in f32.
    let summed = 3.0 * tolerance;
    for (b, upstream) in upstream.iter().enumerate() {
        assert_close(&recorded.outputs[b], &expected[b], tolerance, "values")?;
        let gradient = recorded.tape.input_gradient(b, upstream).unwrap();
        assert_close(&gradient, &by_input[b], summed, "input gradient")?;
    }
    let found = parameter_gradients(&recorded, &upstream, &parameters);
    prop_assert_eq!(found.len(), by_parameter.len());
    for ((name, gradient), (_, expected)) in found.iter().zip(&by_parameter) {
        assert_close(gradient, expected, summed, name)?;
    }
    check_running_statistics(plan, &batches, &parameters, tolerance)?;
    for (x, mode) in batches
        .iter()
        .flat_map(|x| [(x, Mode::Eval), (x, Mode::Train)])
    {
        let (sequence, _) = build(plan, dtype);
        let found = sequence.infer(x, mode).unwrap();
        let (sequence, _) = build(plan, dtype);
        assert_close(
            &found,
            &sequence.forward(x, mode).unwrap(),
            tolerance,
            "inference",
        )?;
    }
    Ok(())
}

/// After a recorded pass the running statistics are those that the twin leaves.
fn check_running_statistics(
    plan: &Plan,
    batches: &[Tensor],
    after: &[(String, Var)],
    tolerance: f64,
) -> TestCaseResult {
    let (sequence, expected) = build(plan, batches[0].dtype());
    for x in batches {
        sequence.forward(x, Mode::Train).unwrap();
    }
    for ((name, found), (_, expected)) in after.iter().zip(&expected) {
        assert_close(found, expected, tolerance, name)?;
    }
    Ok(())
}

/// Explicit gradients against central differences, in f64.
fn check_differences(plan: &Plan, batches: &[Tensor]) -> TestCaseResult {
    let outputs = *plan.widths.last().unwrap();
    let upstream = batches
        .iter()
        .map(|x| wave(&[x.dim(0).unwrap(), outputs], 0.4));
    let upstream: Vec<Tensor> = upstream.collect();
    let objective = |sequence: &Sequence, batches: &[Tensor]| -> f64 {
        let inputs: Vec<&Tensor> = batches.iter().collect();
        let outputs = sequence.record(&inputs).unwrap().outputs;
        let products = outputs.iter().zip(&upstream);
        products
            .map(|(y, g)| numbers(&(y * g).unwrap()).iter().sum::<f64>())
            .sum()
    };
    let (sequence, parameters) = build(plan, DType::F64);
    let inputs: Vec<&Tensor> = batches.iter().collect();
    let recorded = sequence.record(&inputs).unwrap();
    for (b, x) in batches.iter().enumerate() {
        let gradient = recorded.tape.input_gradient(b, &upstream[b]).unwrap();
        let differences = central_differences(x, &|x| {
            let mut moved = batches.to_vec();
            moved[b] = x.clone();
            objective(&sequence, &moved)
        });
        assert_close(&gradient, &differences, 1e-6, "difference by the input")?;
    }
    for (name, gradient) in parameter_gradients(&recorded, &upstream, &parameters) {
        let (_, var) = parameters.iter().find(|(found, _)| *found == name).unwrap();
        let before = var.copy().unwrap();
        let differences = central_differences(&before, &|moved| {
            var.set(moved).unwrap();
            objective(&sequence, batches)
        });
        var.set(&before).unwrap();
        assert_close(&gradient, &differences, 1e-6, &name)?;
    }
    Ok(())
}

/// The same values in the orders in memory that a tensor can have.
fn layouts(x: &Tensor) -> Vec<Tensor> {
    let (n, i) = x.dims2().unwrap();
    let by_feature = x.t().unwrap().contiguous().unwrap().t().unwrap();
    let padded = Tensor::cat(&[x, x, x], 1).unwrap().narrow(1, i, i).unwrap();
    let later = Tensor::cat(&[x, x], 0).unwrap().narrow(0, n, n).unwrap();
    let padded_by_feature = {
        let three = Tensor::cat(&[&by_feature.t().unwrap(); 3], 1).unwrap();
        three.narrow(1, n, n).unwrap().t().unwrap()
    };
    let every_second = {
        let pairs = Tensor::stack(&[x, x], 2).unwrap();
        pairs.narrow(2, 1, 1).unwrap().squeeze(2).unwrap()
    };
    vec![by_feature, padded, later, padded_by_feature, every_second]
}

fn plans() -> impl Strategy<Value = Plan> {
    let blocks = 1usize..4;
    blocks.prop_flat_map(|blocks| {
        (
            prop::collection::vec(1usize..8, blocks + 1),
            prop::collection::vec(prop::sample::select(ACTIVATIONS.to_vec()), blocks),
            prop::collection::vec(any::<bool>(), blocks),
            prop::sample::select(vec![0.8, 1e-3]),
            0.0..6.0f64,
        )
            .prop_map(|(widths, activations, normalized, eps, phase)| Plan {
                widths,
                activations,
                normalized,
                eps,
                phase,
            })
    })
}

fn batches_for(plan: &Plan, sizes: &[usize]) -> Vec<Tensor> {
    let least = if plan.normalized.contains(&true) {
        2
    } else {
        1
    };
    let batch = |(b, n): (usize, &usize)| wave(&[(*n).max(least), plan.widths[0]], b as f64);
    sizes.iter().enumerate().map(batch).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_sequence_equals_its_twin_and_finite_differences(
        plan in plans(),
        sizes in prop::collection::vec(1usize..7, 1..3),
    ) {
        let batches = batches_for(&plan, &sizes);
        check_twin(&plan, DType::F64, &batches, 1e-11)?;
        check_differences(&plan, &batches)?;
    }

    #[test]
    fn a_layer_in_single_precision_equals_its_twin(
        mut plan in plans(),
        sizes in prop::collection::vec(1usize..40, 1..3),
    ) {
        // One block: behind several, differences of rounding are not of one operation any more.
        plan.widths.truncate(2);
        plan.eps = 0.8;
        check_twin(&plan, DType::F32, &batches_for(&plan, &sizes), 1e-5)?;
    }

    #[test]
    fn the_order_in_memory_does_not_matter(plan in plans(), n in 1usize..6) {
        let x = batches_for(&plan, &[n]).remove(0);
        let outputs = *plan.widths.last().unwrap();
        let upstream = wave(&[x.dim(0).unwrap(), outputs], 0.4);
        let (sequence, parameters) = build(&plan, DType::F64);
        let straight = sequence.record(&[&x]).unwrap();
        let expected = parameter_gradients(&straight, std::slice::from_ref(&upstream), &parameters);
        let by_input = straight.tape.input_gradient(0, &upstream).unwrap();
        for (x, upstream) in layouts(&x).iter().zip(layouts(&upstream)) {
            let recorded = sequence.record(&[x]).unwrap();
            assert_close(&recorded.outputs[0], &straight.outputs[0], 1e-14, "values")?;
            let gradient = recorded.tape.input_gradient(0, &upstream).unwrap();
            assert_close(&gradient, &by_input, 1e-13, "input gradient")?;
            let found = parameter_gradients(&recorded, &[upstream], &parameters);
            for ((name, gradient), (_, expected)) in found.iter().zip(&expected) {
                assert_close(gradient, expected, 1e-13, name)?;
            }
        }
    }

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

/// Sizes at which threads share the work and every kernel runs, with odd edges.
#[test]
fn large_and_odd_shapes_equal_their_twins_too() {
    let plan = Plan {
        widths: vec![101, 257, 131, 1],
        activations: vec![
            Activation::LeakyRelu { slope: 0.2 },
            Activation::Tanh,
            Activation::Identity,
        ],
        normalized: vec![true, false, false],
        eps: 0.8,
        phase: 0.3,
    };
    let batches = [wave(&[67, 101], 0.0), wave(&[33, 101], 1.0)];
    check_twin(&plan, DType::F64, &batches, 1e-10).unwrap();
    check_twin(&plan, DType::F32, &batches, 3e-5).unwrap();
}

/// The gradient of a term in the gradient of the inputs, against central differences of that term.
#[test]
fn penalized_gradients_equal_finite_differences() {
    const STEP: f64 = 1e-6;
    let plan = Plan {
        widths: vec![7, 9, 5, 3],
        activations: vec![ACTIVATIONS[1], ACTIVATIONS[1], ACTIVATIONS[0]],
        normalized: vec![false; 3],
        eps: 0.1,
        phase: 0.4,
    };
    let (sequence, parameters) = build(&plan, DType::F64);
    let batches = [wave(&[6, 7], 0.3), wave(&[4, 7], 0.8)];
    let inputs: Vec<&Tensor> = batches.iter().collect();
    let of = |width: Option<usize>, phase: f64| -> Vec<Tensor> {
        let shape = |n: usize| width.map_or(vec![n], |width| vec![n, width]);
        [6, 4].iter().map(|n| wave(&shape(*n), phase)).collect()
    };
    let (readout, slopes, directions) = (of(Some(3), 0.1), of(None, 0.6), of(Some(7), 1.2));
    let objective = || -> f64 {
        let recorded = sequence.record_logits(&inputs, &readout).unwrap();
        let mut sum = 0.0;
        for (b, logits) in recorded.outputs.iter().enumerate() {
            let ones = logits.ones_like().unwrap();
            let gradient = recorded.tape.input_gradient(b, &ones).unwrap();
            sum += numbers(&(logits * &slopes[b]).unwrap()).iter().sum::<f64>();
            sum += numbers(&(gradient * &directions[b]).unwrap())
                .iter()
                .sum::<f64>();
        }
        sum
    };
    let recorded = sequence.record_logits(&inputs, &readout).unwrap();
    let mut found = Vec::new();
    let mut show = |parameter: &Tensor, gradient: &Tensor| {
        found.push((parameter.id(), gradient.copy()?));
        Ok(())
    };
    let tape = &recorded.tape;
    tape.penalized_parameter_gradients(&slopes, &directions, &mut show)
        .unwrap();
    assert_eq!(found.len(), 6);
    for (name, var) in parameters {
        let (_, gradient) = found.iter().find(|(id, _)| *id == var.id()).unwrap();
        let values = numbers(&var);
        for (index, expected) in numbers(gradient).into_iter().enumerate() {
            let at = |shift: f64| {
                let mut moved = values.clone();
                moved[index] += shift;
                var.set(&Tensor::from_vec(moved, var.shape(), &Device::Cpu).unwrap())
                    .unwrap();
                objective()
            };
            let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
            at(0.0);
            assert!(
                (difference - expected).abs() <= 1e-6 * (1.0 + difference.abs()),
                "{name}[{index}]: {expected} against {difference}"
            );
        }
    }
}
