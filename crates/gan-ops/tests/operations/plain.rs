//! A network's twin whose spectrally normalized weights are divided by hand.

use crate::common::numbers;
use crate::sketch::{SEED, Sketch};
use candle_core::{DType, Device, Tensor};
use gan_core::{Graph, Op, Weight};
use gan_ops::Network;
use std::collections::HashMap;

/// The same network without normalization, of weights W / σ where σ = uᵀ W v with u and v as training's next
/// step estimates them (Miyato et al., 2018, arXiv 1802.05957, algorithm 1): they are constants of the
/// gradient.
pub(crate) struct Plain {
    network: Network,
    vectors: HashMap<String, [Vec<f64>; 2]>,
}

impl Plain {
    /// network: `sketch`'s, before a pass.
    pub(crate) fn of(sketch: &Sketch, network: &Network) -> Self {
        let values: HashMap<String, Tensor> = network
            .parameters()
            .all()
            .into_iter()
            .map(|parameter| (parameter.name, parameter.var.copy().unwrap()))
            .collect();
        let mut graph = Graph::new(sketch.graph.input()).unwrap();
        let mut vectors = HashMap::new();
        for node in sketch.graph.nodes() {
            let mut op = node.op().clone();
            if let Some(weight) = weight_of(&mut op)
                && let Some(u) = weight.spectral.take()
            {
                let (w, u) = (&values[&weight.name], numbers(&values[&u]));
                vectors.insert(weight.name.clone(), estimate(w, &u));
            }
            graph.push(op, node.inputs()).unwrap();
        }
        let parameters = network.parameters().copy().unwrap();
        Self {
            network: Network::new(graph, parameters, SEED).unwrap(),
            vectors,
        }
    }

    /// With the values that the network has now, and its first dropout masks.
    pub(crate) fn like(&self, network: &Network) -> &Network {
        for parameter in network.parameters().all() {
            let mut value = parameter.var.copy().unwrap();
            if let Some([u, v]) = self.vectors.get(&parameter.name) {
                let sigma = dot(u, &product(&value, v));
                value = (value / sigma).unwrap();
            }
            if parameter.name == "dropout_count" {
                value = Tensor::zeros((), DType::F64, &Device::Cpu).unwrap();
            }
            let store = self.network.parameters();
            store.set(&parameter.name, &value).unwrap();
        }
        &self.network
    }
}

fn weight_of(op: &mut Op) -> Option<&mut Weight> {
    match op {
        Op::Linear { weight, .. }
        | Op::Convolution { weight, .. }
        | Op::TransposedConvolution { weight, .. } => Some(weight),
        _ => None,
    }
}

/// One step of power iteration from u: the next u, and v.
fn estimate(w: &Tensor, u: &[f64]) -> [Vec<f64>; 2] {
    let matrix = w.flatten_from(1).unwrap().t().unwrap();
    let v = unit(product(&matrix, u));
    [unit(product(w, &v)), v]
}

/// w, as a matrix of its first dimension, times a vector.
fn product(w: &Tensor, vector: &[f64]) -> Vec<f64> {
    let values = numbers(w);
    let rows = values.chunks_exact(vector.len());
    rows.map(|row| dot(row, vector)).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn unit(vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt();
    vector.into_iter().map(|value| value / length).collect()
}
