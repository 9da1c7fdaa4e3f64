//! The generator that a graph describes.

use crate::training_device::check_training;
use candle_core::{Result, Tensor};
use gan_core::{Generator, Graph, ImageShape, Mode, ParameterStore, Recorded, Seed};
use gan_ops::Network;

/// A generator of any architecture: a graph from latent vectors, images of one pixel, to images.
///
/// A program with a graph of its own makes it in [`Networks::generator`](crate::Networks::generator). The
/// file that it is saved in holds the graph, so that other programs can load it.
pub struct NetworkGenerator {
    network: Network,
}

impl NetworkGenerator {
    /// parameters: holds the graph's tensors; seed: for dropout.
    ///
    /// # Errors
    /// When the graph's input is not a vector, or a tensor is missing or has another shape.
    pub fn new(graph: Graph, parameters: ParameterStore, seed: Seed) -> Result<Self> {
        let input = graph.input();
        if (input.height, input.width) != (1, 1) {
            candle_core::bail!("a generator's graph has input {input}, expected one pixel");
        }
        let network = Network::new(graph, parameters, seed)?;
        Ok(Self { network })
    }

    fn check(&self, z: &Tensor) -> Result<()> {
        let (_, found) = z.dims2()?;
        let expected = self.latent_dim();
        if found != expected {
            candle_core::bail!("z has {found} components, the generator expects {expected}");
        }
        Ok(())
    }
}

impl Generator for NetworkGenerator {
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(z)?;
        self.network.forward(z, labels, mode)
    }

    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.check(z)?;
        self.network.infer(z, labels, mode)
    }

    fn record(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Recorded> {
        check_training(self.network.graph(), self.parameters().device())?;
        self.check(z)?;
        self.network.record(&[z], labels)
    }

    fn latent_dim(&self) -> usize {
        self.network.graph().input().channels
    }

    fn classes(&self) -> Option<usize> {
        self.network.graph().classes()
    }

    fn image_shape(&self) -> ImageShape {
        self.network.graph().output_shape()
    }

    fn parameters(&self) -> &ParameterStore {
        self.network.parameters()
    }

    fn graph(&self) -> Option<&Graph> {
        Some(self.network.graph())
    }

    fn copy(&self) -> Result<Box<dyn Generator>> {
        let network = self.network.copy()?;
        Ok(Box::new(Self { network }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device};
    use gan_core::{NodeId, Op, Purpose};

    fn refusal(input: ImageShape, op: Op) -> String {
        let mut graph = Graph::new(input).unwrap();
        graph.push(op, &[NodeId::INPUT]).unwrap();
        let rng = Seed(1).rng(Purpose::GeneratorInit, 0);
        let parameters = ParameterStore::new(rng, DType::F32, &Device::Cpu);
        let generator = NetworkGenerator::new(graph, parameters, Seed(1));
        generator.err().unwrap().to_string()
    }

    #[test]
    fn graphs_from_images_and_graphs_without_their_tensors_are_refused() {
        let error = refusal(ImageShape::MNIST, Op::Tanh);
        assert!(error.contains("input [1, 28, 28]"), "{error}");
        let vector = ImageShape {
            channels: 3,
            height: 1,
            width: 1,
        };
        let bias = "model.bias".to_string();
        let error = refusal(vector, Op::Bias { bias });
        assert!(error.contains("model.bias"), "{error}");
    }
}
