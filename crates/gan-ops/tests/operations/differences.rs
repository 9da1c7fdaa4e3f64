//! Gradients of networks of all operations against finite differences.

use crate::common::numbers;
use crate::graphs::all;
use crate::passes::{batches, recorded, shown, waves_like};
use crate::plain::Plain;
use crate::sketch::Sketch;
use candle_core::{DType, Tensor};
use gan_ops::Network;

/// Of each tensor about this many numbers are moved.
const SAMPLES: usize = 11;

/// Central differences of `objective` by some numbers of a tensor, against its gradient.
pub(crate) fn check_differences(
    at: &Tensor,
    gradient: &Tensor,
    what: &str,
    objective: &dyn Fn(&Tensor) -> f64,
) {
    const STEP: f64 = 1e-6;
    let (values, gradient) = (numbers(at), numbers(gradient));
    assert_eq!(values.len(), gradient.len(), "{what}");
    let step = (values.len() / SAMPLES) | 1;
    for index in (0..values.len()).step_by(step) {
        let moved = |by: f64| {
            let mut moved = values.clone();
            moved[index] += by;
            objective(&Tensor::from_vec(moved, at.shape(), at.device()).unwrap())
        };
        let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        let found = gradient[index];
        assert!(
            (difference - found).abs() <= 1e-6 * (1.0 + difference.abs()),
            "{what}[{index}]: {found} against {difference}"
        );
    }
}

/// Calls `check` with each parameter's value, its gradient, its name and what the objective is when it is
/// moved.
pub(crate) fn check_parameters(
    network: &Network,
    gradients: &[(String, Tensor)],
    what: &str,
    objective: &dyn Fn(&Network) -> f64,
) {
    for (name, gradient) in gradients {
        let all = network.parameters().trainable();
        let var = &all.iter().find(|other| other.name == *name).unwrap().var;
        let before = var.copy().unwrap();
        let what = format!("{what}, {name}");
        check_differences(&before, gradient, &what, &|moved| {
            var.set(moved).unwrap();
            objective(network)
        });
        var.set(&before).unwrap();
    }
}

/// Σ slope · output over all batches.
fn objective(plain: &Plain, network: &Network, batches: &[Tensor], slopes: &[Tensor]) -> f64 {
    let outputs = recorded(plain.like(network), batches).outputs;
    let products = outputs.iter().zip(slopes);
    products
        .map(|(y, slope)| numbers(&(y * slope).unwrap()).iter().sum::<f64>())
        .sum()
}

pub(crate) fn gradients_equal_differences(name: &str, sketch: &Sketch, sizes: &[usize]) {
    let network = sketch.clone().network(DType::F64);
    let plain = Plain::of(sketch, &network);
    let batches = batches(&network, sizes);
    let pass = recorded(&network, &batches);
    let slopes = waves_like(&pass.outputs, 0.7);
    let what = format!("{name} of {sizes:?}");
    for (k, (x, slope)) in batches.iter().zip(&slopes).enumerate() {
        let gradient = pass.tape.input_gradient(k, slope).unwrap();
        let what = format!("{what}, input {k}");
        check_differences(x, &gradient, &what, &|moved| {
            let mut batches = batches.clone();
            batches[k] = moved.clone();
            objective(&plain, &network, &batches, &slopes)
        });
    }
    let gradients = shown(&network, &pass, &slopes, None);
    check_parameters(&network, &gradients, &what, &|network| {
        objective(&plain, network, &batches, &slopes)
    });
}

#[test]
fn gradients_of_all_networks_equal_finite_differences() {
    for (name, sketch) in all() {
        gradients_equal_differences(name, &sketch, &[7]);
        gradients_equal_differences(name, &sketch, &[5, 5]);
    }
}

#[test]
fn gradients_at_odd_sizes_equal_finite_differences() {
    for (name, sketch) in all() {
        let normalized = name.contains("generator") || name.contains("normalized");
        let normalized = normalized || name == "transposed";
        for n in [1, 16, 17, 33] {
            if n > 1 || !normalized {
                gradients_equal_differences(name, &sketch, &[n]);
            }
        }
        if !["classes", "conditional generator"].contains(&name) {
            gradients_equal_differences(name, &sketch, &[17, 3, 8]);
        }
    }
}
