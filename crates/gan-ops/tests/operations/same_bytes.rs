//! Numbers depend neither on threads nor on what is computed beside an example.

use crate::graphs::{all, convolutions, perceptron, residual};
use crate::passes::{batch, batches, labels, part, recorded, shown, waves_like};
use crate::sketch::{Sketch, shape, window};
use candle_core::{DType, Tensor};
use gan_core::Mode;
use gan_ops::{Network, Pool};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::process::Command;

const DTYPES: [DType; 2] = [DType::F32, DType::F64];

/// Wide enough that every kernel's work is shared out.
fn wide() -> Vec<(&'static str, Sketch)> {
    let linear = Sketch::of(shape(97, 1, 1)).linear(301).bias().batch_norm();
    let linear = linear.leaky_relu().linear(133).bias().maxout(7).linear(17);
    let images = Sketch::of(shape(17, 9, 7)).convolution(33, window(3, 2, 1, 1));
    let images = images
        .bias()
        .leaky_relu()
        .transposed(18, window(4, 2, 1, 3));
    let images = images
        .batch_norm()
        .tanh()
        .convolution(3, window(5, 1, 2, 1));
    vec![("wide", linear), ("wide images", images)]
}

/// The bits of some tensors; f64 has all numbers of f32.
fn bits<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Vec<u64> {
    let of = |tensor: &'a Tensor| crate::common::numbers(tensor);
    let numbers = tensors.into_iter().flat_map(of);
    numbers.map(f64::to_bits).collect()
}

/// Everything that passes over batches of these sizes give, by name.
fn everything(sketch: &Sketch, dtype: DType, sizes: &[usize]) -> Vec<(String, Vec<u64>)> {
    let network = sketch.clone().network(dtype);
    let batches = batches(&network, sizes);
    let labels = labels(sizes[0]);
    let mut found = Vec::new();
    for mode in [Mode::Eval, Mode::Train] {
        let y = network.infer(&batches[0], Some(&labels), mode).unwrap();
        found.push((format!("inferred in {mode:?}"), bits([&y])));
    }
    let pass = recorded(&network, &batches);
    found.push(("outputs".to_string(), bits(&pass.outputs)));
    let slopes = waves_like(&pass.outputs, 0.7);
    for (k, slope) in slopes.iter().enumerate() {
        let gradient = pass.tape.input_gradient(k, slope).unwrap();
        found.push((format!("input {k}"), bits([&gradient])));
    }
    let mut add = |what: &str, gradients: Vec<(String, Tensor)>| {
        let named = gradients.into_iter();
        found.extend(named.map(|(name, gradient)| (format!("{what} {name}"), bits([&gradient]))));
    };
    add("gradient", shown(&network, &pass, &slopes, None));
    if network.has_second_derivatives() && pass.outputs[0].rank() == 1 {
        let directions = waves_like(&batches, 1.2);
        let gradients = shown(&network, &pass, &slopes, Some(&directions));
        add("penalized", gradients);
    }
    let all = network.parameters().all();
    let left = all.iter().map(|parameter| parameter.var.as_tensor());
    found.push(("tensors after it".to_string(), bits(left)));
    found
}

fn assert_same_on_all_threads(name: &str, sketch: &Sketch, dtype: DType, sizes: &[usize]) {
    let on = |threads: usize| {
        let pool = Pool::new(Some(threads)).unwrap();
        pool.install(|| everything(sketch, dtype, sizes))
    };
    let expected = on(1);
    for threads in [2, 3, 5] {
        for ((what, found), (_, expected)) in on(threads).iter().zip(&expected) {
            let same = found == expected;
            assert!(same, "{name} in {dtype:?} on {threads} threads: {what}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    for (name, sketch) in all().into_iter().chain(wide()) {
        for dtype in DTYPES {
            for sizes in [&[2][..], &[16], &[131, 131]] {
                assert_same_on_all_threads(name, &sketch, dtype, sizes);
            }
        }
    }
    for (name, sketch) in [
        ("perceptron", perceptron()),
        ("convolutions", convolutions()),
        ("residual", residual()),
    ] {
        assert_same_on_all_threads(name, &sketch, DType::F32, &[1]);
        assert_same_on_all_threads(name, &sketch, DType::F32, &[17, 100, 3]);
    }
}

/// Run by the next test in a process of its own, as vectors are chosen once.
#[test]
#[ignore = "prints a number for another test"]
fn the_hash_of_everything_is_printed() {
    let mut hasher = DefaultHasher::new();
    for (_, sketch) in all().into_iter().chain(wide()) {
        for dtype in DTYPES {
            everything(&sketch, dtype, &[19, 19]).hash(&mut hasher);
        }
    }
    println!("hash {}", hasher.finish());
}

#[test]
fn shorter_vectors_do_not_change_a_bit() {
    let program = std::env::current_exe().unwrap();
    let by = |vectors: &str| {
        let name = "same_bytes::the_hash_of_everything_is_printed";
        let output = Command::new(&program)
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env("GAN_OPS_VECTORS", vectors)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let hash = text.split("hash ").nth(1).unwrap();
        hash.split_whitespace().next().unwrap().to_string()
    };
    let longest = by("");
    for vectors in ["avx2", "scalar"] {
        assert_eq!(by(vectors), longest, "{vectors}");
    }
}

/// Whether examples `start..start + len` give the bits that they have among all, from number `start` on.
fn assert_same_apart(network: &Network, x: &Tensor, together: &Tensor, start: usize, len: usize) {
    let labels = part(&labels(x.dim(0).unwrap()), start, len);
    let apart = network.infer(&part(x, start, len), Some(&labels), Mode::Eval);
    let expected = bits([&part(together, start, len)]);
    assert!(bits([&apart.unwrap()]) == expected, "{start} and {len}");
}

#[test]
fn an_example_has_the_same_bytes_alone_and_among_others() {
    for (name, sketch) in all().into_iter().chain(wide()) {
        for dtype in DTYPES {
            println!("{name} in {dtype:?}");
            let network = sketch.clone().network(dtype);
            let x = batch(&network, 256, 0.3);
            let together = network.infer(&x, Some(&labels(256)), Mode::Eval).unwrap();
            for start in [0, 7, 15, 16, 100, 239] {
                for len in [1, 2, 16, 17] {
                    assert_same_apart(&network, &x, &together, start, len);
                }
            }
        }
    }
}

/// What an earlier and larger batch has left in memory is not seen.
#[test]
fn a_pass_after_others_has_the_same_bytes() {
    for (name, sketch) in all() {
        let network = sketch.network(DType::F32);
        let huge = (batch(&network, 33, 0.3) * 1e30).unwrap();
        let x = batch(&network, 5, 0.3);
        let infer = |x: &Tensor| {
            let labels = labels(x.dim(0).unwrap());
            let y = network.infer(x, Some(&labels), Mode::Eval);
            bits([&y.unwrap()])
        };
        let before = infer(&x);
        infer(&huge);
        assert!(infer(&x) == before, "{name}");
    }
}
