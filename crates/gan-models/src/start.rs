//! Where networks of all architectures begin and end: the latent vectors, the pixels, the first weights.

use crate::ModelError;
use candle_core::Tensor;
use gan_core::{Generator, Graph, Op};
use serde::{Deserialize, Serialize};

/// The distribution of latent vectors; either has mean 0 and variance 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Prior {
    /// N(0, 1)
    #[default]
    Normal,
    /// U(−√3, √3), as in the 2014 paper's program.
    Uniform,
}

/// What makes pixels in [-1, 1] of the generator's last numbers x.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// tanh x
    #[default]
    Tanh,
    /// 2 σ(x) − 1, with the logistic function σ: pixels in [0, 1] as the 2014 paper's program has them.
    Logistic,
}

/// The first values of the generator's last bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputBias {
    /// As other biases.
    #[default]
    Default,
    /// Those that alone would draw the mean of the training images.
    MeanImage,
}

/// The range of pixels that the discriminator computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiscriminatorPixels {
    /// [-1, 1]: a pixel that dropout drops is gray.
    #[default]
    Symmetric,
    /// [0, 1]: it is black.
    Unit,
}

/// Shares of white that are nearer to 0 or 1 count as these: their logits are infinite.
const LEAST_SHARE: f64 = 1e-7;

/// Sets the last bias of a new generator so that it alone would draw the image `mean`, with pixels in [0, 1], of the
/// generator's shape.
///
/// # Errors
/// When there is no bias of each pixel before the hyperbolic tangent.
pub fn set_output_bias(generator: &dyn Generator, mean: &[f64]) -> Result<(), ModelError> {
    let found = generator.graph().and_then(last_bias);
    let parameters = generator.parameters();
    let Some((name, scale)) = found.filter(|(name, _)| {
        let all = parameters.trainable();
        let bias = all.iter().find(|parameter| parameter.name == *name);
        bias.is_some_and(|bias| bias.var.elem_count() == mean.len())
    }) else {
        return Err(ModelError::NoPixelBias);
    };
    // tanh(scale · b) = 2 p − 1, so b = ½ logit(p) / scale.
    let bias = |share: &f64| {
        let share = share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
        0.5 * (share / (1.0 - share)).ln() / scale
    };
    let values: Vec<f64> = mean.iter().map(bias).collect();
    let tensor = Tensor::new(values, parameters.device())?.to_dtype(parameters.dtype())?;
    Ok(parameters.set(name, &tensor)?)
}

/// The bias that is added last, and the scale between it and the hyperbolic tangent.
fn last_bias(graph: &Graph) -> Option<(&str, f64)> {
    let mut scale = 1.0;
    for node in graph.nodes().iter().rev() {
        match node.op() {
            Op::Unflatten { .. } | Op::Tanh => {}
            Op::Affine {
                scale: factor,
                shift,
            } if *shift == 0.0 => scale *= factor,
            Op::Bias { bias } => return Some((bias, scale)),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Architecture, ArchitectureKind, ModelConfig};
    use candle_core::{DType, Device};
    use gan_core::{ImageShape, Mode, Seed};

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 2,
        width: 2,
    };

    fn model(kind: ArchitectureKind, output: Output) -> ModelConfig {
        ModelConfig {
            architecture: Architecture::default_of(kind),
            output,
            generator_range: Some(1e-12),
            latent_dim: 3,
            ..ModelConfig::default()
        }
    }

    #[test]
    fn a_generator_without_weights_draws_the_mean_image() {
        for output in [Output::Tanh, Output::Logistic] {
            let model = model(ArchitectureKind::Maxout, output);
            let cpu = Device::Cpu;
            let generator = model.generator(SHAPE, Seed(1), DType::F64, &cpu).unwrap();
            set_output_bias(generator.as_ref(), &[0.0, 0.25, 0.5, 1.0]).unwrap();
            let z = Tensor::ones((2, 3), DType::F64, &cpu).unwrap();
            let images = generator.forward(&z, None, Mode::Eval).unwrap();
            let pixels = images.flatten_all().unwrap().to_vec1::<f64>().unwrap();
            let expected = [2e-7 - 1.0, -0.5, 0.0, 1.0 - 2e-7];
            for (pixel, expected) in pixels.iter().zip(expected.iter().cycle()) {
                assert!((pixel - expected).abs() < 1e-9, "{pixel} {expected}");
            }
        }
    }

    #[test]
    fn a_bias_of_channels_is_refused() {
        let model = model(ArchitectureKind::Dcgan, Output::Tanh);
        let generator = model.generator(SHAPE, Seed(1), DType::F64, &Device::Cpu);
        let error = set_output_bias(generator.unwrap().as_ref(), &[0.5; 4]);
        assert!(error.unwrap_err().to_string().contains("model.output_bias"));
    }

    /// U(±0.01) has a standard deviation of 0.01 / √3; five standard errors of 784 · 512 weights.
    #[test]
    fn weights_start_in_their_range_and_biases_at_0() {
        let model = ModelConfig {
            discriminator_range: Some(0.01),
            ..ModelConfig::default()
        };
        let discriminator =
            model.discriminator(ImageShape::MNIST, Seed(1), DType::F64, &Device::Cpu);
        let discriminator = discriminator.unwrap();
        for parameter in discriminator.parameters().trainable() {
            let values = parameter
                .var
                .flatten_all()
                .unwrap()
                .to_vec1::<f64>()
                .unwrap();
            if parameter.name.ends_with("bias") {
                assert!(values.iter().all(|value| *value == 0.0));
                continue;
            }
            assert!(values.iter().all(|value| value.abs() <= 0.01));
            let squares = values.iter().map(|value| value * value).sum::<f64>();
            let variance = squares / values.len() as f64 / (0.0001 / 3.0);
            // x² / σ² has the variance 4/5.
            let error = 5.0 * (0.8 / values.len() as f64).sqrt();
            assert!(
                (variance - 1.0).abs() < error,
                "{}: {variance}",
                parameter.name
            );
        }
    }
}
