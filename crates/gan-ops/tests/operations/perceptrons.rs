//! Random fully connected networks against their twins and finite differences.

use crate::differences::gradients_equal_differences;
use crate::networks::{gradients_equal_the_twins, outputs_equal_the_twins};
use crate::sketch::{Sketch, shape};
use candle_core::DType;
use gan_core::Op;
use proptest::prelude::*;

/// A layer: outputs, whether it is normalized, and its activation.
type Layer = (usize, bool, Option<Op>);

fn layers(widths: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Layer>> {
    let affine = Op::Affine {
        scale: -0.7,
        shift: 0.3,
    };
    let activations = vec![
        None,
        Some(Op::LeakyRelu { slope: 0.2 }),
        Some(Op::Tanh),
        Some(affine),
    ];
    let layer = (widths, any::<bool>(), prop::sample::select(activations));
    prop::collection::vec(layer, 1..4)
}

fn sketch(inputs: usize, layers: &[Layer]) -> Sketch {
    let mut sketch = Sketch::of(shape(inputs, 1, 1));
    for (outputs, normalized, activation) in layers {
        sketch = sketch.linear(*outputs).bias();
        if *normalized {
            sketch = sketch.batch_norm();
        }
        if let Some(op) = activation {
            sketch = sketch.then(op.clone());
        }
    }
    sketch
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_perceptron_equals_its_twin_and_finite_differences(
        inputs in 1usize..8,
        layers in layers(1..8),
        sizes in prop::collection::vec(2usize..20, 1..3),
    ) {
        let sketch = sketch(inputs, &layers);
        outputs_equal_the_twins("perceptron", &sketch, &sizes);
        gradients_equal_the_twins("perceptron", &sketch, &sizes, (DType::F64, 1e-11));
        gradients_equal_differences("perceptron", &sketch, &sizes);
    }

    #[test]
    fn wide_perceptrons_equal_their_twins(
        inputs in 1usize..150,
        layers in layers(1..150),
        n in 2usize..70,
    ) {
        let sketch = sketch(inputs, &layers);
        gradients_equal_the_twins("perceptron", &sketch, &[n, 3], (DType::F64, 1e-10));
    }

    /// One layer: behind several, differences of rounding are not of one operation any more.
    #[test]
    fn a_layer_in_single_precision_equals_its_twin(
        inputs in 1usize..40,
        outputs in 1usize..40,
        normalized in any::<bool>(),
        n in 2usize..40,
    ) {
        let sketch = sketch(inputs, &[(outputs, normalized, Some(Op::Tanh))]);
        gradients_equal_the_twins("layer", &sketch, &[n, 3], (DType::F32, 1e-5));
    }
}
