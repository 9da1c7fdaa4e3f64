//! Language models with goals, against their formulas in loops, and gradients against slopes.

use crate::common::{numbers, slope, store, tokens};
use candle_core::{DType, Tensor};
use gan_core::{ParameterStore, Purpose, Seed};
use gan_ops::{
    Generation, GoalLanguageModel, GoalPass, GoalSettings, Pool, TextClassifier, TokenBatch,
};
use std::collections::HashMap;

const VOCABULARY: usize = 11;
const STEPS: usize = 7;
const FEATURES: usize = 9;
const HIDDEN: usize = 5;
const ACTIONS: usize = 3;
const SETTINGS: GoalSettings = GoalSettings {
    start: 1,
    pad: 11,
    duration: 3,
};

fn lstm(inputs: usize, hidden: usize) -> Vec<(String, Vec<usize>)> {
    let tensor = |name: &str, shape: &[usize]| (format!("lstm.{name}_l0"), shape.to_vec());
    vec![
        tensor("weight_ih", &[4 * hidden, inputs]),
        tensor("weight_hh", &[4 * hidden, hidden]),
        tensor("bias_ih", &[4 * hidden]),
        tensor("bias_hh", &[4 * hidden]),
    ]
}

/// A small model with irregular numbers; its classifier has a token more, the pad.
fn model(dtype: DType, vocabulary: usize) -> GoalLanguageModel {
    let tensor = |name: &str, shape: &[usize]| (name.to_string(), shape.to_vec());
    let waves = |phase: f64, shapes: &[(String, Vec<usize>)]| {
        store(dtype, shapes, |k, i| {
            0.7 * (phase + 0.7 * k as f64 + 1.7 * i as f64).sin()
        })
    };
    let mut manager = lstm(FEATURES, 4);
    manager.push(tensor("goal.weight", &[FEATURES, 4]));
    manager.push(tensor("goal.bias", &[FEATURES]));
    let mut worker = vec![tensor("embedding.weight", &[vocabulary, 6])];
    worker.extend(lstm(6, HIDDEN));
    worker.push(tensor("output.weight", &[vocabulary * ACTIONS, HIDDEN]));
    worker.push(tensor("output.bias", &[vocabulary * ACTIONS]));
    worker.push(tensor("first_goal", &[FEATURES]));
    worker.push(tensor("goal_embedding.weight", &[ACTIONS, FEATURES]));
    let mut classifier = vec![tensor("embedding.weight", &[vocabulary + 1, 4])];
    for (k, (width, filters)) in [(1, 4), (2, 5)].into_iter().enumerate() {
        let name = format!("convolutions.{k}");
        classifier.push(tensor(&format!("{name}.weight"), &[filters, 1, width, 4]));
        classifier.push(tensor(&format!("{name}.bias"), &[filters]));
    }
    for (layer, outputs) in [
        ("highway.transform", FEATURES),
        ("highway.gate", FEATURES),
        ("output", 1),
    ] {
        classifier.push(tensor(&format!("{layer}.weight"), &[outputs, FEATURES]));
        classifier.push(tensor(&format!("{layer}.bias"), &[outputs]));
    }
    let settings = GoalSettings {
        pad: vocabulary as u32,
        ..SETTINGS
    };
    let classifier = TextClassifier::new(waves(0.0, &classifier)).unwrap();
    GoalLanguageModel::new(
        waves(0.3, &manager),
        waves(0.6, &worker),
        classifier,
        settings,
    )
    .unwrap()
}

/// The numbers of all tensors by name.
struct Named(HashMap<String, Vec<f64>>);

impl Named {
    fn new(parameters: &ParameterStore) -> Self {
        let all = parameters.all().into_iter();
        Self(all.map(|p| (p.name, numbers(&p.var))).collect())
    }

    /// weight · x, and a bias if there is one.
    fn linear(&self, name: &str, x: &[f64]) -> Vec<f64> {
        let rows = self.0[&format!("{name}.weight")].chunks(x.len());
        let bias = self.0.get(&format!("{name}.bias"));
        let row = |(k, row): (usize, &[f64])| dot(row, x) + bias.map_or(0.0, |bias| bias[k]);
        rows.enumerate().map(row).collect()
    }

    fn row(&self, name: &str, row: u32, width: usize) -> &[f64] {
        &self.0[name][row as usize * width..][..width]
    }

    /// h and c ← those of the next step.
    fn lstm(&self, x: &[f64], h: &mut [f64], c: &mut [f64]) {
        let get = |name: &str| &self.0[&format!("lstm.{name}_l0")];
        let sum = |k: usize| {
            let weights = dot(&get("weight_ih")[k * x.len()..][..x.len()], x)
                + dot(&get("weight_hh")[k * h.len()..][..h.len()], h);
            weights + get("bias_ih")[k] + get("bias_hh")[k]
        };
        let n = h.len();
        let gates: Vec<f64> = (0..4 * n).map(sum).collect();
        for k in 0..n {
            let [i, f, g, o] = [0, 1, 2, 3].map(|gate| gates[gate * n + k]);
            c[k] = sigmoid(f) * c[k] + sigmoid(i) * g.tanh();
            h[k] = sigmoid(o) * c[k].tanh();
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// f of a prefix.
fn leaked(classifier: &Named, prefix: &[u32], pad: u32) -> Vec<f64> {
    let mut filled = prefix.to_vec();
    filled.resize(STEPS, pad);
    let mut pooled = Vec::new();
    for width in [1, 2] {
        let name = format!("convolutions.{}", width - 1);
        let windows = filled.windows(width).map(|window| {
            let rows = window
                .iter()
                .map(|t| classifier.row("embedding.weight", *t, 4));
            classifier.linear(&name, &rows.flatten().copied().collect::<Vec<_>>())
        });
        let windows: Vec<Vec<f64>> = windows.collect();
        let most = |k: usize| windows.iter().map(|w| w[k]).fold(0.0, f64::max);
        pooled.extend((0..windows[0].len()).map(most));
    }
    let transform = classifier.linear("highway.transform", &pooled);
    let gate = classifier.linear("highway.gate", &pooled);
    let feature = |k: usize| {
        let gate = sigmoid(gate[k]);
        gate * transform[k].max(0.0) + (1.0 - gate) * pooled[k]
    };
    (0..FEATURES).map(feature).collect()
}

/// What the formulas make of one sequence: f, g, and ln p of each token.
struct Reference {
    features: Vec<Vec<f64>>,
    goals: Vec<Vec<f64>>,
    nll: Vec<f64>,
}

fn reference(model: &GoalLanguageModel, sequence: &[u32], alpha: f64) -> Reference {
    let stores = [
        model.manager(),
        model.worker(),
        model.classifier().parameters(),
    ];
    let [manager, worker, classifier] = stores.map(Named::new);
    let (pad, c) = (model.settings().pad, model.settings().duration);
    let prefixes = (0..=STEPS).map(|len| leaked(&classifier, &sequence[..len], pad));
    let features: Vec<Vec<f64>> = prefixes.collect();
    let (mut h, mut state) = (vec![0.0; 4], vec![0.0; 4]);
    let goals = features.iter().map(|f| {
        manager.lstm(f, &mut h, &mut state);
        let goal = manager.linear("goal", &h);
        let length = dot(&goal, &goal).sqrt();
        goal.iter().map(|x| x / length).collect()
    });
    let goals: Vec<Vec<f64>> = goals.collect();
    let (mut h, mut state) = (vec![0.0; HIDDEN], vec![0.0; HIDDEN]);
    let mut nll = Vec::new();
    for (t, token) in sequence.iter().enumerate() {
        let sum: Vec<f64> = match t / c {
            0 => worker.0["first_goal"].clone(),
            block => (0..FEATURES)
                .map(|k| goals[(block - 1) * c..block * c].iter().map(|g| g[k]).sum())
                .collect(),
        };
        let w = worker.linear("goal_embedding", &sum);
        let length = dot(&w, &w).sqrt();
        let before = if t == 0 {
            SETTINGS.start
        } else {
            sequence[t - 1]
        };
        worker.lstm(
            worker.row("embedding.weight", before, 6),
            &mut h,
            &mut state,
        );
        // O, `[vocabulary, actions]`.
        let matrix = worker.linear("output", &h);
        let logits = matrix
            .chunks(ACTIONS)
            .map(|row| alpha * dot(row, &w) / length);
        let logits: Vec<f64> = logits.collect();
        let sum: f64 = logits.iter().map(|x| x.exp()).sum();
        nll.push(sum.ln() - logits[*token as usize]);
    }
    Reference {
        features,
        goals,
        nll,
    }
}

/// As long as the widths allow, and more than a line of sequences.
const N: usize = 19;

fn near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (k, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance, "{k}: {found} {expected}");
    }
}

#[test]
fn likelihoods_directions_and_rewards_are_those_of_the_formulas() {
    for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 2e-4)] {
        let model = model(dtype, VOCABULARY);
        let tokens = tokens(N, STEPS, VOCABULARY);
        let batch = TokenBatch::new(&tokens, STEPS).unwrap();
        let (c, alpha) = (SETTINGS.duration, 1.3);
        let references = tokens.chunks(STEPS).map(|s| reference(&model, s, alpha));
        let (mut nll, mut directions, mut rewards) = (Vec::new(), Vec::new(), Vec::new());
        for Reference {
            features,
            goals,
            nll: of_tokens,
        } in references
        {
            let cosine = |from: usize, to: usize| {
                let pairs = features[to].iter().zip(&features[from]);
                let moved: Vec<f64> = pairs.map(|(to, from)| to - from).collect();
                match dot(&moved, &moved) > 0.0 {
                    true => cosine(&moved, &goals[from]),
                    false => 0.0,
                }
            };
            nll.extend(of_tokens);
            directions.extend((0..=STEPS - c).map(|t| cosine(t, t + c)));
            rewards.extend((1..=STEPS).map(|t| {
                let all = (1..=c.min(t)).map(|i| cosine(t - i, t));
                all.sum::<f64>() / c as f64
            }));
        }
        let pass = model.record(batch).unwrap();
        near(&model.nll(batch, alpha).unwrap(), &nll, tolerance);
        near(&pass.directions().unwrap(), &directions, tolerance);
        near(&pass.intrinsic_rewards().unwrap(), &rewards, tolerance);
    }
}

/// Irregular numbers of both signs, as rewards are.
fn weights(count: usize) -> Vec<f64> {
    (0..count).map(|k| (1.3 * k as f64).sin()).collect()
}

type Gradients = HashMap<candle_core::TensorId, Tensor>;

fn check_slopes(parameters: &ParameterStore, gradients: &Gradients, objective: &dyn Fn() -> f64) {
    assert_eq!(gradients.len(), parameters.all().len());
    for parameter in parameters.all() {
        let found = numbers(&gradients[&parameter.var.id()]);
        for place in (0..found.len()).step_by(3) {
            let slope = slope(&parameter.var, place, 1e-6, objective);
            let error = (found[place] - slope).abs();
            let name = &parameter.name;
            assert!(error < 1e-6, "{name} {place}: {} {slope}", found[place]);
        }
    }
}

fn collect<R>(
    run: impl FnOnce(&mut dyn FnMut(&Tensor, &Tensor) -> candle_core::Result<()>) -> R,
) -> (R, Gradients) {
    let mut all = Gradients::new();
    let result = run(&mut |parameter, gradient| {
        assert!(all.insert(parameter.id(), gradient.copy()?).is_none());
        Ok(())
    });
    (result, all)
}

#[test]
fn the_managers_gradients_are_slopes_of_its_weighted_cosines() {
    let model = model(DType::F64, VOCABULARY);
    let tokens = tokens(N, STEPS, VOCABULARY);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let directions = || model.record(batch).unwrap().directions().unwrap();
    let weights = weights(directions().len());
    let pass = model.record(batch).unwrap();
    let (result, gradients) = collect(|visit| pass.manager_gradients(&weights, visit));
    result.unwrap();
    check_slopes(model.manager(), &gradients, &|| {
        -dot(&directions(), &weights)
    });
    assert!(
        pass.manager_gradients(&weights[1..], &mut |_, _| Ok(()))
            .is_err()
    );
}

/// With equal weights this is maximum likelihood, with others the policy gradient of the samples.
#[test]
fn the_workers_gradients_are_slopes_of_its_weighted_likelihoods() {
    let model = model(DType::F64, VOCABULARY);
    let tokens = tokens(N, STEPS, VOCABULARY);
    let batch = TokenBatch::new(&tokens, STEPS).unwrap();
    let pass = model.record(batch).unwrap();
    let count = N * STEPS;
    for (weights, alpha) in [
        (vec![1.0 / count as f64; count], 1.0),
        (weights(count), 1.4),
    ] {
        let run = |visit: &mut dyn FnMut(&Tensor, &Tensor) -> candle_core::Result<()>| {
            pass.worker_gradients(&weights, alpha, visit)
        };
        let (nll, gradients) = collect(run);
        assert_eq!(nll.unwrap(), model.nll(batch, alpha).unwrap());
        let objective = || dot(&model.nll(batch, alpha).unwrap(), &weights);
        check_slopes(model.worker(), &gradients, &objective);
    }
    assert!(
        pass.worker_gradients(&[1.0], 1.0, &mut |_, _| Ok(()))
            .is_err()
    );
}

fn stream(k: usize) -> rand_chacha::ChaCha8Rng {
    Seed(5).rng(Purpose::Sample, k as u64)
}

#[test]
fn shares_are_the_probabilities_of_whole_sequences_given_their_prefix() {
    const DRAWN: usize = 40_000;
    let (model, alpha) = (model(DType::F32, 3), 1.5);
    // Two tokens of the second block are left: their guide is the sum of the first block's goals.
    let prefix = [2, 0, 1];
    let prefixes = prefix.repeat(DRAWN);
    let request = Generation {
        count: DRAWN,
        steps: 5,
        prefixes: Some(TokenBatch::new(&prefixes, 3).unwrap()),
        alpha,
        never: &[],
        end: None,
    };
    let drawn = model.generate(&request, &stream).unwrap();
    let ends = (0..9u32).map(|k| [&prefix[..], &[k / 3, k % 3]].concat());
    let all: Vec<u32> = ends.flatten().collect();
    let nll = model.nll(TokenBatch::new(&all, 5).unwrap(), alpha).unwrap();
    for (sequence, nll) in all.chunks(5).zip(nll.chunks(5)) {
        let p = (-nll[3] - nll[4]).exp();
        let share = drawn.chunks(5).filter(|drawn| *drawn == sequence).count() as f64;
        // Five standard deviations.
        let bound = 5.0 * (p * (1.0 - p) / DRAWN as f64).sqrt();
        let error = (share / DRAWN as f64 - p).abs();
        assert!(error < bound, "{sequence:?}: {share} {p}");
    }
}

/// All numbers that training makes of a batch and of draws.
fn everything() -> (Vec<u32>, Vec<f64>) {
    let model = model(DType::F32, VOCABULARY);
    let request = Generation {
        count: 50,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[3],
        end: Some(2),
    };
    let drawn = model.generate(&request, &stream).unwrap();
    let pass: GoalPass<'_> = model
        .record(TokenBatch::new(&drawn, STEPS).unwrap())
        .unwrap();
    let mut all = pass.intrinsic_rewards().unwrap();
    let directions = pass.directions().unwrap();
    let mut add = |_: &Tensor, gradient: &Tensor| {
        all.extend(numbers(gradient));
        Ok(())
    };
    let weights = weights(50 * STEPS);
    pass.manager_gradients(&weights[..directions.len()], &mut add)
        .unwrap();
    pass.worker_gradients(&weights, 1.0, &mut add).unwrap();
    (drawn, all)
}

#[test]
fn any_number_of_threads_gives_the_same_bytes_and_a_sequence_does_not_depend_on_the_others() {
    let [first, second, third] =
        [1, 2, 3].map(|threads| Pool::new(Some(threads)).unwrap().install(everything));
    assert_eq!(first, second);
    assert_eq!(first, third);
    assert!(!first.0.contains(&3));
    let request = Generation {
        count: 17,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[3],
        end: Some(2),
    };
    let some = model(DType::F32, VOCABULARY)
        .generate(&request, &stream)
        .unwrap();
    assert_eq!(some, first.0[..17 * STEPS]);
}
