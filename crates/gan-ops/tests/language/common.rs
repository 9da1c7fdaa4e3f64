//! Models whose tensors are formulas.

use candle_core::{DType, Device, Tensor, Var};
use gan_core::candle_nn::Init;
use gan_core::{ParameterStore, Purpose, Seed};
use gan_ops::LanguageModel;

/// The names of a model's tensors, in PyTorch's order.
pub(crate) const NAMES: [&str; 7] = [
    "embedding.weight",
    "lstm.weight_ih_l0",
    "lstm.weight_hh_l0",
    "lstm.bias_ih_l0",
    "lstm.bias_hh_l0",
    "output.weight",
    "output.bias",
];

fn shapes(vocabulary: usize, embedding: usize, hidden: usize) -> [Vec<usize>; 7] {
    let gates = 4 * hidden;
    [
        vec![vocabulary, embedding],
        vec![gates, embedding],
        vec![gates, hidden],
        vec![gates],
        vec![gates],
        vec![vocabulary, hidden],
        vec![vocabulary],
    ]
}

/// Tensors of these names and shapes; number i of tensor k is `value(k, i)`.
pub(crate) fn store(
    dtype: DType,
    shapes: &[(String, Vec<usize>)],
    value: impl Fn(usize, usize) -> f64,
) -> ParameterStore {
    let rng = Seed(0).rng(Purpose::GeneratorInit, 0);
    let parameters = ParameterStore::new(rng, dtype, &Device::Cpu);
    for (k, (name, shape)) in shapes.iter().enumerate() {
        let builder = parameters.builder();
        builder
            .get_with_hints(shape.clone(), name, Init::Const(0.0))
            .unwrap();
        let count: usize = shape.iter().product();
        let values: Vec<f64> = (0..count).map(|i| value(k, i)).collect();
        let tensor = Tensor::from_vec(values, &shape[..], &Device::Cpu).unwrap();
        parameters
            .set(name, &tensor.to_dtype(dtype).unwrap())
            .unwrap();
    }
    parameters
}

/// A language model whose number i of tensor k is `value(k, i)`.
pub(crate) fn model(
    dtype: DType,
    (vocabulary, embedding, hidden): (usize, usize, usize),
    start: u32,
    value: impl Fn(usize, usize) -> f64,
) -> LanguageModel {
    let names = NAMES.iter().map(ToString::to_string);
    let shapes = names.zip(shapes(vocabulary, embedding, hidden));
    LanguageModel::new(store(dtype, &shapes.collect::<Vec<_>>(), value), start).unwrap()
}

/// A small model with irregular numbers.
pub(crate) fn waves(dtype: DType, sizes: (usize, usize, usize)) -> LanguageModel {
    model(dtype, sizes, 1, |k, i| {
        0.8 * (0.7 * k as f64 + 1.7 * i as f64).sin()
    })
}

/// `[n, steps]`, below `vocabulary`.
pub(crate) fn tokens(n: usize, steps: usize, vocabulary: usize) -> Vec<u32> {
    let token = |i: usize| ((0.5 + 0.5 * (2.3 * i as f64).sin()) * vocabulary as f64) as u32;
    (0..n * steps).map(token).collect()
}

pub(crate) fn numbers(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The slope of `objective` by number `place` of `var`, from `h` below to `h` above.
pub(crate) fn slope(var: &Var, place: usize, h: f64, objective: &dyn Fn() -> f64) -> f64 {
    let values = numbers(var);
    let set = |values: &[f64]| {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap();
        var.set(&tensor.reshape(var.shape()).unwrap()).unwrap();
    };
    let slope = [h, -h].map(|h| {
        let mut moved = values.clone();
        moved[place] += h;
        set(&moved);
        objective() / (2.0 * h)
    });
    set(&values);
    slope.iter().sum()
}
