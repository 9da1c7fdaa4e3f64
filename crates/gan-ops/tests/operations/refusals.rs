//! What is refused: graphs without a meaning, tensors that are missing, inputs and labels that do not fit.

use crate::common::wave;
use crate::graphs::{perceptron, residual};
use crate::sketch::{SEED, Sketch, shape, window};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::Init;
use gan_core::{Mode, NodeId, Op, ParameterStore, Purpose, Recorded};
use gan_ops::Network;

fn zeros(dims: &[usize]) -> Tensor {
    Tensor::zeros(dims, DType::F64, &Device::Cpu).unwrap()
}

#[track_caller]
fn assert_says<T>(result: Result<T>, parts: &[&str]) {
    let Err(error) = result else {
        panic!("nothing was refused, expected {parts:?}");
    };
    let error = error.to_string();
    for part in parts {
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
}

fn empty_store() -> ParameterStore {
    let rng = SEED.rng(Purpose::DiscriminatorInit, 0);
    ParameterStore::new(rng, DType::F64, &Device::Cpu)
}

#[test]
fn graphs_that_compute_nothing_are_refused() {
    for sketch in [
        Sketch::of(shape(2, 3, 3)),
        Sketch::of(shape(2, 3, 3)).flatten(),
    ] {
        let network = Network::new(sketch.graph, empty_store(), SEED);
        assert_says(network, &["without operations"]);
    }
}

#[test]
fn a_result_that_nothing_reads_is_refused() {
    let sketch = Sketch::of(shape(2, 3, 3)).convolution(2, window(3, 1, 1, 1));
    let sketch = sketch.from(NodeId::INPUT).leaky_relu();
    let store = sketch.store(DType::F64);
    let network = Network::new(sketch.graph, store, SEED);
    assert_says(network, &["nothing uses the result of operation 1"]);
}

#[test]
fn missing_tensors_and_those_of_another_shape_are_refused() {
    let graph = || Sketch::of(shape(3, 1, 1)).linear(2).bias().graph;
    let add = |store: &ParameterStore, name: &str, dims: &[usize]| {
        let builder = store.builder();
        builder
            .get_with_hints(dims, name, Init::Const(0.0))
            .unwrap();
    };
    let store = empty_store();
    assert_says(
        Network::new(graph(), store.clone(), SEED),
        &["0.weight", "missing"],
    );
    add(&store, "0.weight", &[2, 3]);
    assert_says(
        Network::new(graph(), store.clone(), SEED),
        &["1.bias", "missing"],
    );
    add(&store, "1.bias", &[3]);
    assert_says(
        Network::new(graph(), store, SEED),
        &["1.bias", "[3]", "[2]"],
    );
}

/// Of every way to compute with these batches.
fn every_pass(
    network: &Network,
    batches: &[&Tensor],
    labels: Option<&Tensor>,
) -> Vec<Option<String>> {
    let said = |result: Result<()>| result.err().map(|error| error.to_string());
    let mut found = vec![
        said(network.record(batches, labels).map(drop)),
        said(network.record_logits(batches, labels).map(drop)),
    ];
    if let [x] = batches {
        for mode in [Mode::Eval, Mode::Train] {
            found.push(said(network.infer(x, labels, mode).map(drop)));
            found.push(said(network.forward(x, labels, mode).map(drop)));
        }
    }
    found
}

#[track_caller]
fn assert_all_say(network: &Network, batches: &[&Tensor], labels: Option<&Tensor>, part: &str) {
    for said in every_pass(network, batches, labels) {
        let said = said.unwrap();
        assert!(said.contains(part), "`{part}` is missing in: {said}");
    }
}

/// A loss's mean over no examples is 0 / 0.
#[test]
fn empty_batches_are_refused_by_every_pass() {
    for sketch in [perceptron(), residual()] {
        let network = sketch.network(DType::F64);
        let input = network.graph().input();
        let dims = |n| [n, input.channels, input.height, input.width];
        let (none, two) = (zeros(&dims(0)), zeros(&dims(2)));
        assert_all_say(&network, &[&none], None, "batch 0");
        assert_all_say(&network, &[&two, &none], None, "batch 1");
        assert_all_say(&network, &[], None, "no batch");
        let wrong = zeros(&[2, input.elements() + 1]);
        assert_all_say(&network, &[&wrong], None, "expected examples of");
        assert_all_say(&network, &[&two, &wrong], None, "batch 1");
        assert_all_say(&network, &[&zeros(&[])], None, "batch 0");
    }
}

#[test]
fn inputs_of_another_type_are_refused() {
    let network = residual().network(DType::F64);
    let x = zeros(&[2, 3, 6, 6]).to_dtype(DType::F32).unwrap();
    assert!(
        every_pass(&network, &[&x], None)
            .iter()
            .all(Option::is_some)
    );
}

#[test]
fn labels_are_needed_one_for_each_example_and_known() {
    let sketch = Sketch::of(shape(4, 1, 1)).then(Op::AppendClass { classes: 3 });
    let network = sketch.linear(1).network(DType::F64);
    let labels = |labels: &[u32]| Tensor::new(labels, &Device::Cpu).unwrap();
    let x = wave(&[3, 4], 0.1);
    assert_all_say(&network, &[&x], None, "label for each image");
    assert_all_say(
        &network,
        &[&x],
        Some(&labels(&[0, 1])),
        "2 labels for 3 images",
    );
    let many = labels(&[0, 1, 2, 0]);
    assert_all_say(&network, &[&x], Some(&many), "4 labels for 3 images");
    let unknown = labels(&[0, 3, 1]);
    assert_all_say(&network, &[&x], Some(&unknown), "label 3 of 3 classes");
    let good = labels(&[0, 2, 1]);
    assert!(
        every_pass(&network, &[&x], Some(&good))
            .iter()
            .all(Option::is_none)
    );
    let other = wave(&[2, 4], 0.1);
    assert_all_say(
        &network,
        &[&x, &other],
        Some(&good),
        "3 labels for 2 images",
    );
    // Networks without classes ignore them.
    let network = perceptron().network(DType::F64);
    let x = wave(&[3, 35], 0.1);
    assert!(
        every_pass(&network, &[&x], Some(&unknown))
            .iter()
            .all(Option::is_none)
    );
}

#[test]
fn batch_norm_in_training_needs_two_values() {
    let network = Sketch::of(shape(3, 1, 1)).batch_norm().network(DType::F64);
    let (one, two) = (wave(&[1, 3], 0.1), wave(&[2, 3], 0.1));
    let needs = &["needs at least 2"];
    assert_says(network.record(&[&one], None), needs);
    assert_says(network.record(&[&two, &one], None), needs);
    assert_says(network.infer(&one, None, Mode::Train), needs);
    assert_says(network.forward(&one, None, Mode::Train), needs);
    assert!(network.infer(&one, None, Mode::Eval).is_ok());
    let image = Sketch::of(shape(3, 1, 2)).batch_norm().network(DType::F64);
    assert!(image.record(&[&wave(&[1, 3, 1, 2], 0.1)], None).is_ok());
}

#[test]
fn logits_are_of_networks_with_one_output() {
    let network = Sketch::of(shape(3, 1, 1)).linear(2).network(DType::F64);
    let x = wave(&[2, 3], 0.1);
    assert_says(network.record_logits(&[&x], None), &["one logit"]);
}

#[test]
fn output_gradients_that_do_not_fit_are_refused() {
    let network = residual().network(DType::F64);
    let x = wave(&[4, 3, 6, 6], 0.1);
    let Recorded { tape, .. } = network.record_logits(&[&x, &x], None).unwrap();
    let slopes = |n: usize| wave(&[n], 0.3);
    assert_says(tape.input_gradient(2, &slopes(4)), &["no batch 2"]);
    assert_says(tape.input_gradient(0, &slopes(3)), &["[3]", "expected 4"]);
    let single = slopes(4).to_dtype(DType::F32).unwrap();
    assert!(tape.input_gradient(0, &single).is_err());
    let mut ignore = |_: &Tensor, _: &Tensor| Ok(());
    for gradients in [vec![], vec![slopes(4)], vec![slopes(4), slopes(5)]] {
        assert!(tape.parameter_gradients(&gradients, &mut ignore).is_err());
    }
    let mut refuse = |_: &Tensor, _: &Tensor| candle_core::bail!("enough");
    let gradients = [slopes(4), slopes(4)];
    assert_says(
        tape.parameter_gradients(&gradients, &mut refuse),
        &["enough"],
    );
}
