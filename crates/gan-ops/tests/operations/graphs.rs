//! Networks of all operations.

use crate::sketch::{Sketch, shape, window};
use gan_core::{Op, Window};

/// Networks with all operations, with names; labels are of three classes.
pub(crate) fn all() -> Vec<(&'static str, Sketch)> {
    [discriminators(), generators()].concat()
}

/// Networks with logits.
pub(crate) fn discriminators() -> Vec<(&'static str, Sketch)> {
    vec![
        ("perceptron", perceptron()),
        ("classes", classes()),
        ("convolutions", convolutions()),
        ("normalized convolutions", normalized_convolutions()),
        ("residual", residual()),
        ("maxout", maxout()),
        ("flattened features", flattened_features()),
        ("spectral convolutions", spectral_convolutions()),
    ]
}

fn generators() -> Vec<(&'static str, Sketch)> {
    vec![
        ("perceptron generator", perceptron_generator()),
        ("conditional generator", conditional_generator()),
        ("transposed", transposed()),
        ("upsampling", upsampling()),
    ]
}

/// Widths that leave a single row behind multiples of 16.
pub(crate) fn perceptron() -> Sketch {
    let hidden = Sketch::of(shape(1, 5, 7)).flatten().linear(33).bias();
    let hidden = hidden.leaky_relu().linear(97).bias().leaky_relu();
    hidden.linear(17).bias().leaky_relu().linear(1).bias()
}

fn perceptron_generator() -> Sketch {
    let hidden = Sketch::of(shape(7, 1, 1)).linear(19).bias().leaky_relu();
    let hidden = hidden.linear(40).bias().batch_norm().leaky_relu();
    let pixels = hidden.linear(18).bias().affine(0.5, 0.0).tanh();
    pixels.unflatten(2, 3, 3)
}

fn conditional_generator() -> Sketch {
    let hidden = Sketch::of(shape(5, 1, 1)).then(Op::AppendClass { classes: 3 });
    let hidden = hidden.unflatten(8, 1, 1).transposed(6, window(2, 1, 0, 1));
    hidden.batch_norm().leaky_relu().flatten().linear(4).tanh()
}

fn classes() -> Sketch {
    let hidden = Sketch::of(shape(4, 1, 1)).then(Op::AppendClass { classes: 3 });
    let hidden = hidden.linear(6).bias().leaky_relu().linear(4).bias();
    hidden.then(Op::ClassLogit { classes: 3 })
}

fn transposed() -> Sketch {
    let output_padded = Window {
        output_padding: 1,
        ..window(3, 2, 1, 1)
    };
    let hidden = Sketch::of(shape(5, 1, 1)).transposed(12, window(3, 1, 0, 1));
    let hidden = hidden
        .batch_norm()
        .leaky_relu()
        .transposed(7, output_padded);
    let hidden = hidden.batch_norm().leaky_relu();
    hidden.transposed(1, window(4, 2, 1, 1)).bias().tanh()
}

pub(crate) fn convolutions() -> Sketch {
    let hidden = Sketch::of(shape(1, 8, 8)).convolution(5, window(4, 2, 1, 1));
    let hidden = hidden.bias().leaky_relu();
    let hidden = hidden.convolution(19, window(3, 2, 1, 1)).bias();
    let hidden = hidden.leaky_relu();
    hidden.convolution(1, window(2, 1, 0, 1)).bias()
}

fn normalized_convolutions() -> Sketch {
    let hidden = Sketch::of(shape(2, 6, 6)).convolution(6, window(4, 2, 1, 1));
    let hidden = hidden.batch_norm().leaky_relu();
    hidden.convolution(1, window(3, 1, 0, 1)).bias()
}

/// The sum of an earlier result and the last one, after a convolution in groups.
pub(crate) fn residual() -> Sketch {
    let first = Sketch::of(shape(3, 6, 6)).convolution(8, window(3, 1, 1, 1));
    let earlier = first.last;
    let other = first.bias().leaky_relu();
    let other = other.convolution(8, window(3, 1, 1, 2)).bias();
    let last = other.last;
    let sum = other.sum(last, earlier).leaky_relu();
    let pooled = sum.then(Op::AveragePooling { size: 2 });
    pooled.convolution(1, window(3, 1, 0, 1))
}

fn upsampling() -> Sketch {
    let large = Sketch::of(shape(4, 2, 3)).then(Op::Upsampling { factor: 2 });
    large.convolution(4, window(3, 1, 1, 4)).bias().tanh()
}

pub(crate) fn maxout() -> Sketch {
    let hidden = Sketch::of(shape(1, 3, 4)).flatten().affine(0.5, 0.5);
    let hidden = hidden.dropout(0.8).linear(30);
    let hidden = hidden.bias().maxout(5).dropout(0.5).linear(15).bias();
    hidden.maxout(3).linear(1).bias()
}

fn flattened_features() -> Sketch {
    let features = Sketch::of(shape(2, 4, 4)).convolution(3, window(3, 1, 1, 1));
    let hidden = features.leaky_relu().flatten().spectral_linear(5).bias();
    hidden.leaky_relu().spectral_linear(1)
}

fn spectral_convolutions() -> Sketch {
    let image = Sketch::of(shape(5, 4, 4));
    let weight = image.spectral_weight();
    let hidden = image.then(Op::Convolution {
        weight,
        outputs: 4,
        window: window(3, 1, 1, 1),
    });
    let weight = hidden.spectral_weight();
    let larger = hidden.bias().leaky_relu().then(Op::TransposedConvolution {
        weight,
        outputs: 6,
        window: window(2, 2, 0, 2),
    });
    larger.leaky_relu().flatten().linear(1)
}
