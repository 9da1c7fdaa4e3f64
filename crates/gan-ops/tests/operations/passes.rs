//! Passes through a network on inputs that are formulas, and what a tape shows.

use crate::common::wave;
use candle_core::{Device, Tensor};
use gan_core::{ImageShape, Recorded};
use gan_ops::Network;

/// A batch of `n` inputs.
pub(crate) fn batch(network: &Network, n: usize, phase: f64) -> Tensor {
    let ImageShape {
        channels,
        height,
        width,
    } = network.graph().input();
    let dtype = network.parameters().dtype();
    let batch = wave(&[n, channels, height, width], phase);
    batch.to_dtype(dtype).unwrap()
}

/// Batches of these sizes.
pub(crate) fn batches(network: &Network, sizes: &[usize]) -> Vec<Tensor> {
    let sizes = sizes.iter().enumerate();
    sizes
        .map(|(k, n)| batch(network, *n, 0.2 + k as f64))
        .collect()
}

/// Labels of three classes.
pub(crate) fn labels(n: usize) -> Tensor {
    let labels: Vec<u32> = (0..n as u32).map(|k| k * k % 3).collect();
    Tensor::new(labels, &Device::Cpu).unwrap()
}

/// A pass over batches, those of equal size with labels; logits if the output is one number.
pub(crate) fn recorded(network: &Network, batches: &[Tensor]) -> Recorded {
    let labels = labels(batches[0].dim(0).unwrap());
    let batches: Vec<&Tensor> = batches.iter().collect();
    if network.graph().output_shape().elements() == 1 {
        network.record_logits(&batches, Some(&labels)).unwrap()
    } else {
        network.record(&batches, Some(&labels)).unwrap()
    }
}

/// A tensor for each one, of its shape and type.
pub(crate) fn waves_like(tensors: &[Tensor], phase: f64) -> Vec<Tensor> {
    let like = |(k, tensor): (usize, &Tensor)| {
        let wave = wave(tensor.dims(), phase + k as f64);
        wave.to_dtype(tensor.dtype()).unwrap()
    };
    tensors.iter().enumerate().map(like).collect()
}

/// The gradient of every parameter that the tape shows, by name; with a penalty's directions, if there are
/// any.
pub(crate) fn shown(
    network: &Network,
    recorded: &Recorded,
    slopes: &[Tensor],
    directions: Option<&[Tensor]>,
) -> Vec<(String, Tensor)> {
    let all = network.parameters().trainable();
    let mut found = Vec::new();
    let mut show = |parameter: &Tensor, gradient: &Tensor| {
        let named = all.iter().find(|other| other.var.id() == parameter.id());
        found.push((named.unwrap().name.clone(), gradient.copy()?));
        Ok(())
    };
    let tape = &recorded.tape;
    match directions {
        None => tape.parameter_gradients(slopes, &mut show).unwrap(),
        Some(directions) => tape
            .penalized_parameter_gradients(slopes, directions, &mut show)
            .unwrap(),
    }
    assert_eq!(found.len(), all.len());
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// A copy of examples `start..start + len`.
pub(crate) fn part(tensor: &Tensor, start: usize, len: usize) -> Tensor {
    tensor.narrow(0, start, len).unwrap().contiguous().unwrap()
}
