//! Graphs of unusual structure: operations that begin a network, join others or stand alone, and results that
//! several operations read.

use crate::differences::gradients_equal_differences;
use crate::networks::{gradients_equal_the_twins, outputs_equal_the_twins};
use crate::sketch::{Sketch, shape, window};
use candle_core::{DType, Device, Tensor};
use gan_core::{NodeId, Op};

/// Against the twin and finite differences; `random`: by dropout, which the twin draws for each batch.
fn check(name: &str, sketch: &Sketch, random: bool) {
    outputs_equal_the_twins(name, sketch, &[2, 17]);
    let sizes: &[&[usize]] = if random {
        &[&[9]]
    } else {
        &[&[9], &[8, 8], &[17, 17]]
    };
    for sizes in sizes {
        gradients_equal_the_twins(name, sketch, sizes, (DType::F64, 1e-11));
    }
    gradients_equal_differences(name, sketch, &[5, 5]);
}

/// Square, as candle's own gradient of convolutions is right for such images only.
fn image() -> Sketch {
    Sketch::of(shape(2, 4, 4))
}

fn vector() -> Sketch {
    Sketch::of(shape(6, 1, 1))
}

#[test]
fn networks_of_one_operation() {
    let (pooling, upsampling) = (Op::AveragePooling { size: 2 }, Op::Upsampling { factor: 3 });
    for (name, sketch) in [
        ("linear", vector().linear(5)),
        ("convolution", image().convolution(3, window(3, 2, 1, 1))),
        ("transposed", image().transposed(3, window(3, 2, 1, 1))),
        ("pooling", Sketch::of(shape(3, 4, 6)).then(pooling)),
        ("upsampling", image().then(upsampling)),
        ("bias", image().bias()),
        ("batch norm", image().batch_norm()),
        ("leaky ReLU", image().leaky_relu()),
        ("ReLU", image().then(Op::LeakyRelu { slope: 0.0 })),
        ("tanh", image().tanh()),
        ("maxout", Sketch::of(shape(6, 4, 5)).maxout(3)),
        ("twice itself", image().sum(NodeId::INPUT, NodeId::INPUT)),
        ("unflatten", vector().unflatten(1, 2, 3)),
        ("class", vector().then(Op::AppendClass { classes: 3 })),
        (
            "logit",
            Sketch::of(shape(4, 1, 1)).then(Op::ClassLogit { classes: 3 }),
        ),
    ] {
        check(name, &sketch, false);
    }
    check("dropout", &image().dropout(0.5), true);
}

#[test]
fn pointwise_operations_come_first_and_in_any_order() {
    for (name, sketch) in [
        (
            "leaky ReLU",
            image().leaky_relu().convolution(3, window(3, 1, 1, 1)),
        ),
        (
            "bias and norm",
            image().bias().batch_norm().leaky_relu().flatten().linear(3),
        ),
        (
            "norm and bias",
            image()
                .convolution(3, window(3, 1, 1, 1))
                .batch_norm()
                .bias(),
        ),
        ("two norms", image().batch_norm().batch_norm().tanh()),
        ("two biases", vector().linear(5).bias().bias()),
        (
            "bias behind an activation",
            vector().linear(5).tanh().bias().leaky_relu(),
        ),
        ("two activations", vector().linear(5).leaky_relu().tanh()),
        (
            "norm behind an activation",
            image().tanh().batch_norm().leaky_relu(),
        ),
        ("norm of linear", vector().linear(33).batch_norm().linear(1)),
        (
            "maxout of images",
            image().convolution(6, window(2, 1, 0, 1)).maxout(2).tanh(),
        ),
        (
            "norm of maxout",
            image()
                .convolution(6, window(2, 1, 0, 1))
                .maxout(3)
                .batch_norm(),
        ),
        ("flattened twice", image().flatten().flatten().linear(3)),
        (
            "flattened last",
            image().convolution(3, window(3, 1, 1, 1)).bias().flatten(),
        ),
        (
            "flattened and back",
            image().flatten().linear(12).unflatten(3, 2, 2),
        ),
        (
            "an image of a vector",
            vector()
                .unflatten(1, 2, 3)
                .convolution(3, window(2, 1, 1, 1)),
        ),
        (
            "and of hidden ones",
            vector().linear(8).bias().unflatten(2, 2, 2).leaky_relu(),
        ),
        (
            "small and large",
            image()
                .then(Op::Upsampling { factor: 2 })
                .then(Op::AveragePooling { size: 2 }),
        ),
        (
            "a class behind features",
            vector()
                .linear(5)
                .tanh()
                .then(Op::AppendClass { classes: 3 })
                .linear(2),
        ),
        (
            "what follows a logit",
            vector()
                .linear(4)
                .then(Op::ClassLogit { classes: 3 })
                .bias()
                .tanh(),
        ),
    ] {
        check(name, &sketch, false);
    }
}

#[test]
fn dropout_comes_first_and_follows_images() {
    for (name, sketch) in [
        (
            "first",
            image()
                .dropout(0.5)
                .convolution(3, window(3, 1, 1, 1))
                .bias(),
        ),
        (
            "of images",
            image()
                .convolution(3, window(3, 1, 1, 1))
                .bias()
                .dropout(0.5)
                .tanh(),
        ),
        ("twice", vector().dropout(0.8).dropout(0.5).linear(3)),
        (
            "before a norm",
            image().dropout(0.5).batch_norm().leaky_relu(),
        ),
        ("last", vector().linear(5).bias().dropout(0.8)),
    ] {
        check(name, &sketch, true);
    }
}

/// A sum of the input and what a convolution makes of it, in either order.
fn shortcut_from_the_input(first: bool) -> Sketch {
    let sketch = image().convolution(2, window(3, 1, 1, 1)).bias();
    let last = sketch.last;
    let sum = match first {
        true => sketch.sum(NodeId::INPUT, last),
        false => sketch.sum(last, NodeId::INPUT),
    };
    sum.leaky_relu()
}

/// The sum of two convolutions of one result.
fn two_readers(first: Sketch) -> Sketch {
    let read = first.last;
    let a = first.convolution(4, window(3, 1, 1, 1)).bias();
    let left = a.last;
    let b = a.from(read).convolution(4, window(1, 1, 0, 2));
    let right = b.last;
    b.sum(left, right)
}

#[test]
fn results_have_several_readers() {
    let window = window(3, 1, 1, 1);
    let twice = image().convolution(2, window).bias();
    let last = twice.last;
    let twice = twice.sum(last, last).leaky_relu();

    let own = image().convolution(2, window);
    let read = own.last;
    let own = own.convolution(2, window);
    let last = own.last;
    let own = own.sum(read, last).tanh();

    // Three readers: two maps and a shortcut, beyond a sum.
    let three = two_readers(image().convolution(4, window).leaky_relu());
    let last = three.last;
    let third = three.from(NodeId::INPUT).convolution(4, window);
    let right = third.last;
    let three = third.sum(right, last).batch_norm().tanh();

    let normalized = image().convolution(2, window).batch_norm();
    let last = normalized.last;
    let normalized = normalized.sum(last, NodeId::INPUT).leaky_relu();

    let of_activations = image().tanh().leaky_relu();
    let last = of_activations.last;
    let of_activations = of_activations.sum(NodeId::INPUT, last).bias().batch_norm();

    let flattened = image().flatten();
    let read = flattened.last;
    let flattened = flattened.linear(32).bias();
    let last = flattened.last;
    let flattened = flattened.sum(last, read).leaky_relu().linear(1);

    let flattened_beside = image().flatten().linear(32).unflatten(2, 4, 4);
    let last = flattened_beside.last;
    let flattened_beside = flattened_beside.sum(NodeId::INPUT, last).tanh();

    for (name, sketch) in [
        ("from the input, first", shortcut_from_the_input(true)),
        ("from the input, last", shortcut_from_the_input(false)),
        ("two readers", two_readers(image().bias())),
        ("two readers of the input", two_readers(image())),
        (
            "two readers of a norm",
            two_readers(image().batch_norm().leaky_relu()),
        ),
        ("twice the same", twice),
        ("input and shortcut in one", own),
        ("three readers", three),
        ("a sum with a normalized one", normalized),
        ("a sum of activations", of_activations),
        ("flattened for two", flattened),
        ("flattened beside the image", flattened_beside),
    ] {
        check(name, &sketch, false);
    }
}

/// What all activations' and sums' gradients are added to is computed with others' masks.
#[test]
fn a_sum_of_what_is_dropped_and_kept() {
    let dropped = image().convolution(4, window(3, 1, 1, 1)).leaky_relu();
    let kept = dropped.last;
    let dropped = dropped.dropout(0.5);
    let last = dropped.last;
    let sum = dropped.sum(kept, last).convolution(1, window(3, 1, 0, 1));
    check("dropped and kept", &sum, true);
    let maxout = image().convolution(4, window(3, 1, 1, 1)).bias();
    let read = maxout.last;
    let maxout = maxout.maxout(2);
    let left = maxout.last;
    let other = maxout.from(read).convolution(2, window(1, 1, 0, 1));
    let right = other.last;
    check("a maximum and a sum", &other.sum(left, right), false);
}

/// As points in the plane are images of two channels and one pixel.
#[test]
fn gradients_of_one_pixel_have_the_shape_in_which_it_was_given() {
    let network = vector().linear(1).network(DType::F64);
    let pixels = Tensor::ones((3, 6), DType::F64, &Device::Cpu).unwrap();
    let images = pixels.reshape((3, 6, 1, 1)).unwrap();
    let recorded = network.record_logits(&[&pixels, &images], None).unwrap();
    let slopes = Tensor::ones(3, DType::F64, &Device::Cpu).unwrap();
    for (batch, given) in [&pixels, &images].into_iter().enumerate() {
        let gradient = recorded.tape.input_gradient(batch, &slopes).unwrap();
        assert_eq!(gradient.dims(), given.dims());
    }
}
