//! Which networks can be trained on which devices.

use candle_core::{Device, Result};
use gan_core::{Graph, Node, Op};

/// Whether convolutional networks can be trained on a device. On candle's graph the gradient of a strided
/// convolution fails or is wrong for images that are not square.
pub(crate) fn check_convolutions(device: &Device) -> Result<()> {
    if device.is_cpu() {
        return Ok(());
    }
    let found = if device.is_cuda() { "cuda" } else { "metal" };
    candle_core::bail!(
        "convolutional networks, dcgan and residual, can only be trained on the CPU, not on {found}: \
         candle's gradients of strided convolutions are wrong for images that are not square; \
         train with `device = cpu`, or with `model.architecture = mlp` or maxout"
    )
}

/// Whether a network can be trained on a device.
pub(crate) fn check_training(graph: &Graph, device: &Device) -> Result<()> {
    let mut ops = graph.nodes().iter().map(Node::op);
    let is_convolution = |op: &Op| {
        matches!(
            op,
            Op::Convolution { .. } | Op::TransposedConvolution { .. }
        )
    };
    match ops.any(is_convolution) {
        true => check_convolutions(device),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, ArchitectureKind, ModelConfig};
    use candle_core::{DType, Device, MetalDevice};
    use gan_core::{Graph, ImageShape, NodeId, Op, Seed, Weight, Window};

    /// candle without `metal` still has a Metal device, which cannot compute anything.
    #[test]
    fn convolutional_discriminators_are_refused_on_another_device_before_it_is_used() {
        for kind in [ArchitectureKind::Dcgan, ArchitectureKind::Residual] {
            let model = ModelConfig {
                architecture: Architecture::default_of(kind),
                ..ModelConfig::default()
            };
            let elsewhere = Device::Metal(MetalDevice);
            let discriminator =
                model.discriminator(ImageShape::MNIST, Seed(0), DType::F32, &elsewhere);
            let error = discriminator.err().unwrap().to_string();
            for part in [
                &kind.to_string(),
                "`device = cpu`",
                "`model.architecture = mlp`",
            ] {
                assert!(error.contains(part), "`{part}` is missing in: {error}");
            }
        }
        super::check_convolutions(&Device::Cpu).unwrap();
    }

    #[test]
    fn only_graphs_with_convolutions_are_refused_on_another_device() {
        let elsewhere = Device::Metal(MetalDevice);
        let mut graph = Graph::new(ImageShape::MNIST).unwrap();
        let flat = graph.push(Op::Flatten, &[NodeId::INPUT]).unwrap();
        let linear = Op::Linear {
            weight: Weight::plain("linear"),
            outputs: 1,
        };
        graph.push(linear, &[flat]).unwrap();
        assert!(super::check_training(&graph, &elsewhere).is_ok());
        let convolution = Op::Convolution {
            weight: Weight::plain("convolution"),
            outputs: 1,
            window: Window::of([1, 1]),
        };
        graph.push(convolution, &[NodeId::INPUT]).unwrap();
        assert!(super::check_training(&graph, &elsewhere).is_err());
        assert!(super::check_training(&graph, &Device::Cpu).is_ok());
    }
}
