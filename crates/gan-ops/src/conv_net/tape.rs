//! The tape of a convolutional network.

use super::ConvNet;
use super::backward::{Deltas, back};
use super::blocks::{Blocks, FeatureMap};
use super::forward::{Activations, images, run};
use crate::element::{Element, with_slice};
use crate::scratch::{Buffer, Scratch};
use candle_core::{Device, Result, Tensor};
use gan_core::{Mode, Recorded, Tape};
use rayon::prelude::*;
use std::ops::Range;
use std::sync::OnceLock;

pub(super) fn record<T: Element>(
    net: &ConvNet,
    batches: &[&Tensor],
    readout: Option<&[Tensor]>,
) -> Result<Recorded> {
    let sizes = batches.iter().map(|x| x.dim(0));
    let blocks = Blocks::new(sizes.collect::<Result<Vec<_>>>()?);
    let scratch = T::scratch(&net.inner.scratch);
    let batches: Vec<Tensor> = batches.iter().map(|x| (*x).clone()).collect();
    let all = 0..batches.len();
    let input = blocks.cut(all.clone(), &batches, net.inner.input.elements(), scratch)?;
    let elements = net.inner.output.elements();
    let readout = match readout {
        Some(readout) if readout.len() != batches.len() => {
            let (found, expected) = (readout.len(), batches.len());
            candle_core::bail!("{found} readouts of {expected} batches")
        }
        Some(readout) => Some(blocks.cut(all.clone(), readout, elements, scratch)?),
        None => None,
    };
    let activations = run(net, &blocks, &input, Mode::Train, true)?;
    let outputs = match &readout {
        None => all
            .map(|batch| images(net, &blocks, &activations, batch))
            .collect::<Result<_>>()?,
        Some(readout) => {
            let last = activations.last().map_or(&[][..], |last| &last.output);
            let logits = last.iter().zip(readout).zip(&blocks.sizes);
            let logits = logits.map(|((output, readout), n)| scores(output, readout, *n));
            let logits: Vec<Vec<T>> = logits.collect();
            let of_batch = |range: &Range<usize>| {
                let logits = logits[range.clone()].concat();
                let n = logits.len();
                Tensor::from_vec(logits, n, &Device::Cpu)
            };
            blocks.batches.iter().map(of_batch).collect::<Result<_>>()?
        }
    };
    Ok(Recorded {
        outputs,
        tape: Box::new(NetTape {
            scales: readout.is_some() && net.has_second_derivatives(),
            net: net.clone(),
            blocks,
            input,
            activations,
            readout,
            by_logits: OnceLock::new(),
        }),
    })
}

/// Σ output · readout of each of n examples.
fn scores<T: Element>(output: &[T], readout: &[T], n: usize) -> Vec<T> {
    let mut sums = vec![T::zero(); n];
    for (output, readout) in output.chunks_exact(n).zip(readout.chunks_exact(n)) {
        for ((sum, output), readout) in sums.iter_mut().zip(output).zip(readout) {
            *sum += *output * *readout;
        }
    }
    sums
}

struct NetTape<T> {
    net: ConvNet,
    blocks: Blocks,
    input: FeatureMap<T>,
    activations: Vec<Activations<T>>,
    /// The factors of the outputs in the logits, if the network's output is logits.
    readout: Option<FeatureMap<T>>,
    /// Whether an example's gradients are those of its logit times the gradient with respect to the logit.
    scales: bool,
    /// The gradients of each example's own logit, of all batches, if that is so.
    by_logits: OnceLock<Deltas<T>>,
}

impl<T: Element> Tape for NetTape<T> {
    fn input_gradient(&self, batch: usize, output_gradient: &Tensor) -> Result<Tensor> {
        let Some(range) = self.blocks.batches.get(batch).cloned() else {
            let batches = self.blocks.batches.len();
            candle_core::bail!("there is no batch {batch}, only {batches}");
        };
        let elements = self.net.inner.input.elements();
        let batches = batch..batch + 1;
        let gradient = if self.scales {
            let weights = self.example_weights(batches, std::slice::from_ref(output_gradient))?;
            let by_input = self.by_logits()?.input.as_ref();
            let by_input = by_input.map_or(&[][..], |map| &map[range]);
            let scaled = by_input.par_iter().zip(&weights);
            let scaled = scaled.map(|(block, weights)| self.weighted(block, weights));
            self.blocks.join(&scaled.collect::<Vec<_>>(), elements)?
        } else {
            let gradients = std::slice::from_ref(output_gradient);
            let deltas = self.deltas(batches, gradients, true)?;
            self.blocks
                .join(&deltas.input.unwrap_or_default(), elements)?
        };
        let shape = self.net.inner.input;
        gradient.reshape(((), shape.channels, shape.height, shape.width))
    }

    fn parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let batches = 0..self.blocks.batches.len();
        if self.scales {
            let weights = self.example_weights(batches, output_gradients)?;
            return self.show_all(self.by_logits()?, &weights, None, show);
        }
        let deltas = self.deltas(batches, output_gradients, false)?;
        let sizes = self.blocks.sizes.iter();
        let ones: Vec<Vec<T>> = sizes.map(|n| vec![T::one(); *n]).collect();
        self.show_all(&deltas, &ones, None, show)
    }

    fn penalized_parameter_gradients(
        &self,
        output_gradients: &[Tensor],
        directions: &[Tensor],
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if !self.scales {
            candle_core::bail!(
                "a gradient penalty needs logits of a network without batch normalization whose \
                 activations are piecewise linear"
            );
        }
        let batches = 0..self.blocks.batches.len();
        let weights = self.example_weights(batches.clone(), output_gradients)?;
        let elements = self.net.inner.input.elements();
        let directions = self
            .blocks
            .cut(batches, directions, elements, self.scratch())?;
        self.show_all(self.by_logits()?, &weights, Some(directions), show)
    }
}

impl<T: Element> NetTape<T> {
    fn scratch(&self) -> &Scratch<T> {
        T::scratch(&self.net.inner.scratch)
    }

    fn by_logits(&self) -> Result<&Deltas<T>> {
        if let Some(deltas) = self.by_logits.get() {
            return Ok(deltas);
        }
        let readout = self.readout.iter().flatten();
        let copies = readout.map(|block| self.scratch().copy_of(block));
        let (blocks, all) = (&self.blocks, 0..self.blocks.batches.len());
        let deltas = back(
            &self.net,
            blocks,
            all,
            &self.activations,
            copies.collect(),
            true,
        )?;
        Ok(self.by_logits.get_or_init(|| deltas))
    }

    fn deltas(
        &self,
        batches: Range<usize>,
        output_gradients: &[Tensor],
        with_input: bool,
    ) -> Result<Deltas<T>> {
        let (blocks, net) = (&self.blocks, &self.net);
        let by_output = match &self.readout {
            Some(readout) => {
                let weights = self.example_weights(batches.clone(), output_gradients)?;
                let first = blocks.batches[batches.start].start;
                let pairs = readout[first..].iter().zip(&weights);
                pairs
                    .map(|(block, weights)| self.weighted(block, weights))
                    .collect()
            }
            None => {
                let elements = net.inner.output.elements();
                self.check_count(&batches, output_gradients)?;
                blocks.cut(batches.clone(), output_gradients, elements, self.scratch())?
            }
        };
        back(
            net,
            blocks,
            batches,
            &self.activations,
            by_output,
            with_input,
        )
    }

    fn check_count(&self, batches: &Range<usize>, gradients: &[Tensor]) -> Result<()> {
        if gradients.len() == batches.len() {
            return Ok(());
        }
        let (found, expected) = (gradients.len(), batches.len());
        candle_core::bail!("{found} output gradients were given, expected {expected}")
    }

    /// Gradients with respect to logits `[n]`, by block.
    fn example_weights(&self, batches: Range<usize>, gradients: &[Tensor]) -> Result<Vec<Vec<T>>> {
        self.check_count(&batches, gradients)?;
        let mut weights = Vec::new();
        for (range, gradient) in self.blocks.batches[batches].iter().zip(gradients) {
            let sizes = &self.blocks.sizes[range.clone()];
            let n: usize = sizes.iter().sum();
            if gradient.dims() != [n] {
                let found = gradient.dims();
                candle_core::bail!("a gradient of shape {found:?} by logits of shape [{n}]");
            }
            with_slice::<T, _>(&gradient.contiguous()?, |mut values| {
                for size in sizes {
                    let (these, rest) = values.split_at(*size);
                    weights.push(these.to_vec());
                    values = rest;
                }
                Ok(())
            })?;
        }
        Ok(weights)
    }

    /// Each example's values times its weight.
    fn weighted(&self, block: &[T], weights: &[T]) -> Buffer<T> {
        let mut scaled = self.scratch().take(block.len());
        let rows = scaled.chunks_exact_mut(weights.len());
        for (to, from) in rows.zip(block.chunks_exact(weights.len())) {
            for ((to, from), weight) in to.iter_mut().zip(from).zip(weights) {
                *to = *from * *weight;
            }
        }
        scaled
    }

    /// Calls `show` with every parameter and its gradient. The gradients of `deltas` are multiplied for each
    /// example by `weights`; `directions` are tangents at the input, along which the derivative of the
    /// logits' sum is added to the objective.
    ///
    /// In a piecewise linear network the derivative of Σ logits along a tangent t at the input is the
    /// network's linear part at each example applied to t, and its gradient with respect to a layer's weight
    /// is the one with respect to the products times the tangent at the layer's input.
    fn show_all(
        &self,
        deltas: &Deltas<T>,
        weights: &[Vec<T>],
        directions: Option<FeatureMap<T>>,
        show: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        let sizes = &self.blocks.sizes;
        let mut tangents: Vec<FeatureMap<T>> = Vec::new();
        let mut tangent = directions;
        for (index, plan) in self.net.inner.plans.iter().enumerate() {
            let x = match index.checked_sub(1) {
                Some(previous) => &self.activations[previous].output,
                None => &self.input,
            };
            // Before the parameters are visited: they may change then.
            let next = match &tangent {
                Some(tangent) => {
                    let at = |from: usize| tangents.get(from).unwrap_or(tangent);
                    let shortcut = plan.layer.shortcut.map(at);
                    Some(self.next_tangent(index, tangent, shortcut)?)
                }
                None => None,
            };
            let products = &deltas.products[index];
            let by_weight = if self.scales {
                let inputs = x.par_iter().enumerate().map(|(block, x)| {
                    let mut input = self.weighted(x, &weights[block]);
                    if let Some(tangent) = &tangent {
                        let pairs = input.iter_mut().zip(&tangent[block][..]);
                        pairs.for_each(|(input, tangent)| *input += *tangent);
                    }
                    input
                });
                let inputs: FeatureMap<T> = inputs.collect();
                plan.weight_gradient(&inputs, products, sizes, self.scratch())
            } else {
                plan.weight_gradient(x, products, sizes, self.scratch())
            };
            if let Some(weight) = plan.layer.map.weight() {
                show(
                    weight,
                    &Tensor::from_vec(by_weight, weight.shape(), &Device::Cpu)?,
                )?;
            }
            if let Some(bias) = &plan.layer.bias {
                let gradient = plan.bias_gradient(products, weights);
                show(
                    bias,
                    &Tensor::from_vec(gradient, bias.shape(), &Device::Cpu)?,
                )?;
            }
            if let Some(norm) = &plan.layer.norm {
                let of = |get: fn(&super::normalize::NormGradients) -> f64| -> Vec<T> {
                    let all = deltas.norms[index].iter();
                    all.map(|gradients| T::from_f64(get(gradients))).collect()
                };
                for (var, gradient) in [
                    (&norm.weight, of(|gradients| gradients.weight)),
                    (&norm.bias, of(|gradients| gradients.bias)),
                ] {
                    show(var, &Tensor::from_vec(gradient, var.shape(), &Device::Cpu)?)?;
                }
            }
            if let Some(next) = next {
                let kept = tangent.replace(next);
                if index > 0 {
                    tangents.extend(kept);
                }
            }
        }
        Ok(())
    }

    /// The tangent at a layer's output from the one at its input.
    fn next_tangent(
        &self,
        index: usize,
        tangent: &FeatureMap<T>,
        shortcut: Option<&FeatureMap<T>>,
    ) -> Result<FeatureMap<T>> {
        let plan = &self.net.inner.plans[index];
        let output = &self.activations[index].output;
        let map = plan.map::<T>()?;
        let next = tangent.par_iter().enumerate().map(|(block, tangent)| {
            let mut next = self.scratch().take(output[block].len());
            map.apply(tangent, &mut next, self.blocks.sizes[block], self.scratch());
            if let Some(shortcut) = shortcut {
                let pairs = next.iter_mut().zip(&shortcut[block][..]);
                pairs.for_each(|(next, more)| *next += *more);
            }
            plan.layer
                .activation
                .backpropagate(&output[block], &mut next);
            next
        });
        Ok(next.collect())
    }
}
