//! The gradients of a network's parameters, and the tangents that those of a penalty need.

use super::maps::Way;
use super::network::{Deltas, Network, Pass, flat, is_flat, pixels, weight_of};
use super::product::{Geometry, GradientTerms};
use super::recorder::{Activation, Finish, Recorder};
use crate::launch::Place;
use candle_core::Result;
use gan_core::Source;

struct Tangents {
    input: Place,
    stages: Vec<Place>,
}

impl Tangents {
    fn at(&self, source: Source) -> Place {
        match source {
            Source::Input => self.input,
            Source::Stage(stage) => self.stages[stage],
        }
    }
}

impl Network<'_> {
    /// Writes the gradient of every trained tensor, those of γ and β excepted. weights: factors of the examples;
    /// directions: of a gradient penalty, the tangents at the input in PyTorch's order.
    pub(crate) fn parameter_gradients(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        deltas: &Deltas,
        weights: Option<Place>,
        directions: Option<Place>,
    ) -> Result<()> {
        let (first, batches) = (deltas.first, deltas.batches);
        let all = batches * pass.examples;
        let tangents = directions.map(|directions| self.tangents(recorder, pass, directions));
        let tangents = tangents.transpose()?;
        for (index, stage) in self.stages.stages.iter().enumerate() {
            let delta = deltas.products[index];
            if let (Some(geometry), Some(weight)) = (Geometry::of(stage), weight_of(stage)) {
                let terms = GradientTerms {
                    delta,
                    input: self.seen(pass, index, first, batches).input,
                    weights,
                    tangent: tangents.as_ref().map(|tangents| tangents.at(stage.input)),
                };
                let gradient = self.gradient_of(&weight.name)?;
                recorder.weight_gradient(&geometry, all, &terms, gradient);
                if let Some(spectral) = &self.spectral[index] {
                    spectral.turn_to_trained(recorder, gradient);
                }
            }
            // A bias before a normalization only shifts the mean, which is subtracted: its gradient stays 0.
            if let (Some(bias), None) = (stage.bias, stage.norm) {
                let result = self.gradient_of(bias)?;
                let (rows, channels) = (pixels(stage.shape), stage.shape.channels);
                recorder.column_sums(delta, weights, result, all, rows, channels);
            }
        }
        Ok(())
    }

    /// The tangents at the results of all stages, in a piecewise linear network.
    fn tangents(
        &self,
        recorder: &mut Recorder,
        pass: &Pass,
        directions: Place,
    ) -> Result<Tangents> {
        let all = pass.batches * pass.examples;
        let shape = self.stages.input;
        let input = match is_flat(shape) {
            true => directions,
            false => recorder.reordered(all, directions, [flat(shape), shape], &Finish::default()),
        };
        let stages = Vec::new();
        let mut tangents = Tangents { input, stages };
        for (index, stage) in self.stages.stages.iter().enumerate() {
            let finish = Finish {
                activation: Activation::of(stage.activation),
                is_backward: true,
                more: stage.shortcut.map(|source| tangents.at(source)),
                saved: Some(pass.stages[index].output),
                ..Finish::default()
            };
            let x = tangents.at(stage.input);
            let tangent = match Geometry::of(stage) {
                Some(geometry) => {
                    let weight = self.weight(index)?;
                    recorder.product(&geometry, true, all, x, weight, &finish)
                }
                None => {
                    let seen = self.seen(pass, index, 0, pass.batches);
                    recorder.map(stage, Way::Tangent, &seen, all, x, &finish)
                }
            };
            tangents.stages.push(tangent);
        }
        Ok(tangents)
    }
}
