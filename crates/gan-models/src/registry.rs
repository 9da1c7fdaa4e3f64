//! From a configuration to its networks.

use crate::{Architecture, DiscriminatorNorm, KnownNetworks, ModelConfig, ModelError, Networks};
use candle_core::{DType, Device};
use gan_core::{Discriminator, Generator, ImageShape, OutOfRange, ParameterStore, Purpose, Seed};

/// Values of an image; far beyond any use, but a typing error must not take all of the memory.
const MAX_PIXELS: usize = 1 << 26;
/// The most values of a network, 1 GiB as f32.
pub const MAX_VALUES: usize = 1 << 28;

impl ModelConfig {
    /// A new generator with initial weights from `seed`.
    ///
    /// # Errors
    /// When the configuration is out of range, the network has more than 2²⁸ values, or a tensor cannot be
    /// created.
    pub fn generator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.generator_within(MAX_VALUES, image_shape, seed, dtype, device)
    }

    /// [`generator`](Self::generator) for an untrusted configuration: a network of more than `most_values`
    /// values, buffers included, is refused before memory is allocated for them.
    ///
    /// # Errors
    /// When the configuration or the image is out of range, the network is larger, or a tensor cannot be
    /// created.
    pub fn generator_within(
        &self,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.generator_by(
            &KnownNetworks,
            most_values,
            image_shape,
            seed,
            dtype,
            device,
        )
    }

    /// [`generator_within`](Self::generator_within) of networks that `networks` builds.
    ///
    /// # Errors
    /// Those of [`generator_within`](Self::generator_within), and of `networks`.
    pub fn generator_by(
        &self,
        networks: &dyn Networks,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        self.validate()?;
        validate_image(image_shape)?;
        let parameters = ParameterStore::new(seed.rng(Purpose::GeneratorInit, 0), dtype, device)
            .holding_at_most(most_values);
        networks.generator(self, image_shape, parameters)
    }

    /// A new discriminator with initial weights from `seed`.
    ///
    /// # Errors
    /// Those of [`generator`](Self::generator), and when it cannot be trained on this device.
    pub fn discriminator(
        &self,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.discriminator_within(MAX_VALUES, image_shape, seed, dtype, device)
    }

    /// [`discriminator`](Self::discriminator) for an untrusted configuration, like
    /// [`generator_within`](Self::generator_within).
    ///
    /// # Errors
    /// Those of [`generator_within`](Self::generator_within), and when it cannot be trained on this device.
    pub fn discriminator_within(
        &self,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.discriminator_by(
            &KnownNetworks,
            most_values,
            image_shape,
            seed,
            dtype,
            device,
        )
    }

    /// [`discriminator_within`](Self::discriminator_within) of networks that `networks` builds.
    ///
    /// # Errors
    /// Those of [`discriminator_within`](Self::discriminator_within), and of `networks`.
    pub fn discriminator_by(
        &self,
        networks: &dyn Networks,
        most_values: usize,
        image_shape: ImageShape,
        seed: Seed,
        dtype: DType,
        device: &Device,
    ) -> Result<Box<dyn Discriminator>, ModelError> {
        self.validate()?;
        self.check_device(device)?;
        validate_image(image_shape)?;
        let parameters =
            ParameterStore::new(seed.rng(Purpose::DiscriminatorInit, 0), dtype, device)
                .holding_at_most(most_values);
        networks.discriminator(self, image_shape, seed, parameters)
    }

    /// Whether the discriminator can be trained on a device. With spectral normalization only the
    /// hand-written tapes give gradients of the trained weights; candle's graph ends at the normalized ones.
    fn check_device(&self, device: &Device) -> Result<(), OutOfRange> {
        match self.architecture {
            Architecture::Dcgan {
                discriminator_norm: DiscriminatorNorm::Spectral,
                ..
            } if !device.is_cpu() => Err(OutOfRange {
                key: "model.discriminator_norm",
                found: "spectral".to_string(),
                expected: "none or batch on devices other than the CPU".to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Refuses images without values, or with more than [`MAX_PIXELS`].
fn validate_image(shape: ImageShape) -> Result<(), ModelError> {
    let sizes = [shape.channels, shape.height, shape.width];
    let pixels = sizes.into_iter().try_fold(1, usize::checked_mul);
    match pixels {
        Some(1..=MAX_PIXELS) => Ok(()),
        _ => Err(ModelError::Image {
            shape,
            most: MAX_PIXELS,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::MetalDevice;

    /// candle without `metal` still has a Metal device, which cannot compute anything.
    #[test]
    fn spectral_normalization_is_refused_on_another_device_before_it_is_used() {
        let model = |discriminator_norm| ModelConfig {
            architecture: Architecture::Dcgan {
                width: 64,
                discriminator_norm,
            },
            ..ModelConfig::default()
        };
        let (image, elsewhere) = (ImageShape::MNIST, Device::Metal(MetalDevice));
        let spectral = model(DiscriminatorNorm::Spectral);
        let error = spectral.discriminator(image, Seed(0), DType::F32, &elsewhere);
        let error = error.err().unwrap().to_string();
        assert!(
            error.contains("model.discriminator_norm is spectral") && error.contains("CPU"),
            "{error}"
        );
        assert!(spectral.check_device(&Device::Cpu).is_ok());
        for norm in [DiscriminatorNorm::None, DiscriminatorNorm::Batch] {
            assert!(model(norm).check_device(&elsewhere).is_ok());
        }
    }
}
