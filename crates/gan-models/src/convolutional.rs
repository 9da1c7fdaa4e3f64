//! Generators and discriminators of convolutional layers, whatever their architecture.

use crate::classes::{readout, with_class};
use crate::spectral_norm::SpectralNorm;
use candle_core::{Device, Result, Tensor};
use gan_core::{Discriminator, Generator, ImageShape, Mode, ParameterStore, Recorded};
use gan_ops::ConvNet;

/// Whether convolutional networks can be trained on a device. On candle's graph the gradient of a strided
/// convolution fails or is wrong for images that are not square.
pub(crate) fn check_training_device(device: &Device) -> Result<()> {
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

/// What a convolutional generator is built from.
#[derive(Clone, Copy)]
pub(crate) struct ConvGeneratorPlan {
    pub(crate) latent_dim: usize,
    pub(crate) image: ImageShape,
    /// Of the layers before the image.
    pub(crate) width: usize,
    pub(crate) classes: Option<usize>,
    /// The architecture: layers from images of one pixel with `latent_dim` + `classes` channels to `image`.
    pub(crate) net: fn(&Self, &ParameterStore) -> Result<ConvNet>,
}

/// Latent vectors, with their one-hot classes if it has classes → layers → images.
pub(crate) struct ConvGenerator {
    plan: ConvGeneratorPlan,
    net: ConvNet,
    parameters: ParameterStore,
}

impl ConvGenerator {
    pub(crate) fn new(plan: ConvGeneratorPlan, parameters: ParameterStore) -> Result<Self> {
        Ok(Self {
            net: (plan.net)(&plan, &parameters)?,
            plan,
            parameters,
        })
    }

    /// The first layer's input, `[n, channels]`.
    fn input(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Tensor> {
        with_class(z, self.plan.latent_dim, labels, self.plan.classes)
    }
}

impl Generator for ConvGenerator {
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.net.forward(&self.input(z, labels)?, mode)
    }

    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        if !self.parameters.device().is_cpu() {
            return Ok(self.forward(z, labels, mode)?.detach());
        }
        self.net.infer(&self.input(z, labels)?, mode)
    }

    fn record(&self, z: &Tensor, labels: Option<&Tensor>) -> Result<Recorded> {
        check_training_device(self.parameters.device())?;
        self.net.record_images(&[&self.input(z, labels)?])
    }

    fn latent_dim(&self) -> usize {
        self.plan.latent_dim
    }

    fn classes(&self) -> Option<usize> {
        self.plan.classes
    }

    fn image_shape(&self) -> ImageShape {
        self.net.output_shape()
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    fn copy(&self) -> Result<Box<dyn Generator>> {
        Ok(Box::new(Self::new(self.plan, self.parameters.copy()?)?))
    }
}

/// Images → layers → logits.
pub(crate) struct ConvDiscriminator {
    net: ConvNet,
    norm: SpectralNorm,
    image_shape: ImageShape,
    classes: Option<usize>,
    parameters: ParameterStore,
}

impl ConvDiscriminator {
    /// net: from images to [`crate::classes::outputs`] outputs, on the CPU; norm: of its weights.
    pub(crate) fn new(
        net: ConvNet,
        norm: SpectralNorm,
        image_shape: ImageShape,
        classes: Option<usize>,
        parameters: ParameterStore,
    ) -> Self {
        Self {
            net,
            norm,
            image_shape,
            classes,
            parameters,
        }
    }
}

impl Discriminator for ConvDiscriminator {
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let readout = readout(images, self.image_shape, labels, self.classes)?;
        self.norm.refresh(Mode::Eval)?;
        (self.net.forward(images, mode)?.flatten_from(1)? * readout)?.sum(1)
    }

    fn record(&self, batches: &[&Tensor], labels: Option<&Tensor>) -> Result<Recorded> {
        let readouts = batches.iter();
        let readouts =
            readouts.map(|images| readout(images, self.image_shape, labels, self.classes));
        let readouts = readouts.collect::<Result<Vec<_>>>()?;
        self.norm
            .record(|| self.net.record_logits(batches, &readouts))
    }

    fn has_second_derivatives(&self) -> bool {
        self.net.has_second_derivatives()
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, ArchitectureKind, ModelConfig};
    use candle_core::{DType, Device, MetalDevice};
    use gan_core::{ImageShape, Seed};

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
        super::check_training_device(&Device::Cpu).unwrap();
    }
}
