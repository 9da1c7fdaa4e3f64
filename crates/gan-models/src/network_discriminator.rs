//! The discriminator that a graph describes.

use crate::training_device::check_training;
use candle_core::{Result, Tensor};
use gan_core::{Discriminator, Graph, ImageShape, Mode, ParameterStore, Recorded, Seed};
use gan_ops::Network;

/// A discriminator of any architecture: a graph from images to one value, the logit.
pub struct NetworkDiscriminator {
    network: Network,
}

impl NetworkDiscriminator {
    /// parameters: holds the graph's tensors; seed: for dropout.
    ///
    /// # Errors
    /// When the graph's output is not one value, a tensor is missing or has another shape, or it cannot be
    /// trained on the tensors' device.
    pub fn new(graph: Graph, parameters: ParameterStore, seed: Seed) -> Result<Self> {
        check_training(&graph, parameters.device())?;
        let output = graph.output_shape();
        if output.elements() != 1 {
            candle_core::bail!("a discriminator's graph has output {output}, expected one value");
        }
        let network = Network::new(graph, parameters, seed)?;
        Ok(Self { network })
    }

    /// Whether `images` have the shape that it expects.
    fn check(&self, images: &Tensor) -> Result<()> {
        let (_, channels, height, width) = images.dims4()?;
        let found = ImageShape {
            channels,
            height,
            width,
        };
        let expected = self.network.graph().input();
        if found != expected {
            candle_core::bail!("images are {found}, the discriminator expects {expected}");
        }
        Ok(())
    }
}

impl Discriminator for NetworkDiscriminator {
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(images)?;
        self.network.forward(images, labels, mode)?.flatten_all()
    }

    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        batches.iter().try_for_each(|images| self.check(images))?;
        self.network.record_logits(batches, labels)
    }

    fn has_second_derivatives(&self) -> bool {
        self.network.has_second_derivatives()
    }

    fn parameters(&self) -> &ParameterStore {
        self.network.parameters()
    }

    fn graph(&self) -> Option<&Graph> {
        Some(self.network.graph())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use gan_core::Purpose;

    #[test]
    fn graphs_without_a_logit_are_refused() {
        let graph = Graph::new(ImageShape::MNIST).unwrap();
        let rng = Seed(1).rng(Purpose::DiscriminatorInit, 0);
        let parameters = ParameterStore::new(rng, DType::F32, &Device::Cpu);
        let discriminator = NetworkDiscriminator::new(graph, parameters, Seed(1));
        let error = discriminator.err().unwrap().to_string();
        assert!(error.contains("output [1, 28, 28]"), "{error}");
    }
}
