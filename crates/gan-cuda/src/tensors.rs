//! How a network's tensors lie in a machine's memory: one after the other, first those that are trained.

use candle_core::{Device, Result, Tensor};
use gan_core::{Graph, Op, ParameterKind, ParameterStore};
use std::collections::HashMap;
use std::ops::Range;

/// Numbers that are read together: each tensor begins at a multiple.
const ALIGNMENT: usize = 4;

/// The tensors of a network and their places, in f32 numbers.
#[derive(Clone, Debug)]
pub(crate) struct Tensors {
    entries: Vec<Entry>,
    trained: usize,
    count: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    kind: ParameterKind,
    first: usize,
    /// Whether its dimensions are [small, large, height, width] in PyTorch, and [small, height, width, large] here.
    is_kernel: bool,
}

impl Entry {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The sizes large and height · width of a convolution's kernel, which change places; [1, 1] for others.
    fn turned(&self) -> [usize; 2] {
        match (self.is_kernel, self.shape.as_slice()) {
            (true, [_, large, height, width]) => [*large, height * width],
            _ => [1, 1],
        }
    }
}

impl Tensors {
    /// Those of a graph's network.
    pub(crate) fn new(graph: &Graph, parameters: &ParameterStore) -> Self {
        let mut entries: Vec<Entry> = parameters
            .all()
            .into_iter()
            .map(|parameter| Entry {
                shape: parameter.var.dims().to_vec(),
                kind: parameter.kind,
                first: 0,
                is_kernel: is_kernel(graph, &parameter.name),
                name: parameter.name,
            })
            .collect();
        entries.sort_by_key(|entry| entry.kind != ParameterKind::Trainable);
        let (mut count, mut trained) = (0, 0);
        for entry in &mut entries {
            entry.first = count;
            count += entry.count().next_multiple_of(ALIGNMENT);
            if entry.kind == ParameterKind::Trainable {
                trained = count;
            }
        }
        Self {
            entries,
            trained,
            count,
        }
    }

    /// Numbers of all tensors, with the gaps between them.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Those of the trained ones, which come first.
    pub(crate) fn trained(&self) -> usize {
        self.trained
    }

    /// Where a tensor lies.
    pub(crate) fn range(&self, name: &str) -> Result<Range<usize>> {
        match self.entries.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(entry.first..entry.first + entry.count()),
            None => candle_core::bail!("the tensor {name} of the network is missing"),
        }
    }

    /// The name of the trained tensor at a place.
    pub(crate) fn name_at(&self, place: usize) -> &str {
        let before = self.entries.iter().take_while(|entry| entry.first <= place);
        before.last().map_or("", |entry| &entry.name)
    }

    /// All numbers in their places; of tensors that `values` lacks, zeros.
    pub(crate) fn laid_out(
        &self,
        values: &HashMap<String, Tensor>,
        trained: bool,
    ) -> Result<Vec<f32>> {
        let mut all = vec![0.0; if trained { self.trained } else { self.count }];
        for entry in self.wanted(trained) {
            let Some(tensor) = values.get(&entry.name) else {
                continue;
            };
            let numbers = tensor.flatten_all()?.to_vec1::<f32>()?;
            let [large, taps] = entry.turned();
            let place = &mut all[entry.first..entry.first + entry.count()];
            turn(&numbers, place, large, taps);
        }
        Ok(all)
    }

    /// The tensors of numbers in their places.
    pub(crate) fn taken_up(&self, all: &[f32], trained: bool) -> Result<Vec<(String, Tensor)>> {
        let tensors = self.wanted(trained).map(|entry| {
            let mut numbers = vec![0.0; entry.count()];
            let [large, taps] = entry.turned();
            let place = &all[entry.first..entry.first + entry.count()];
            turn(place, &mut numbers, taps, large);
            let shape = entry.shape.as_slice();
            let tensor = Tensor::from_vec(numbers, shape, &Device::Cpu)?;
            Ok((entry.name.clone(), tensor))
        });
        tensors.collect()
    }

    fn wanted(&self, trained: bool) -> impl Iterator<Item = &Entry> {
        let wanted = move |entry: &&Entry| !trained || entry.kind == ParameterKind::Trainable;
        self.entries.iter().filter(wanted)
    }
}

fn is_kernel(graph: &Graph, name: &str) -> bool {
    graph.nodes().iter().any(|node| match node.op() {
        Op::Convolution { weight, .. } | Op::TransposedConvolution { weight, .. } => {
            weight.name == name
        }
        _ => false,
    })
}

/// Turns each matrix [rows, columns] of `from` into [columns, rows].
fn turn(from: &[f32], to: &mut [f32], rows: usize, columns: usize) {
    let size = rows * columns;
    for (from, to) in from.chunks_exact(size).zip(to.chunks_exact_mut(size)) {
        for (row, values) in from.chunks_exact(columns).enumerate() {
            for (column, value) in values.iter().enumerate() {
                to[column * rows + row] = *value;
            }
        }
    }
}
