//! The networks of the 2014 paper's MNIST experiment (Goodfellow et al., 2014, arXiv 1406.2661, section
//! 5, and the file mnist.yaml of their code): a rectifier generator of two layers of 1,200, see
//! [`crate::mlp`], and a discriminator of two layers of 240 maxout units (Goodfellow et al., 2013, arXiv
//! 1302.4389) of five pieces each, trained with dropout.

use crate::builder::Builder;
use crate::mlp;
use candle_core::Result;
use gan_core::Op;

/// Units of each hidden layer of the discriminator, and linear pieces of each unit.
const UNITS: [usize; 2] = [240, 240];
const PIECES: usize = 5;

/// Widths of the generator's hidden layers.
pub(crate) const GENERATOR_WIDTHS: [usize; 2] = [1200, 1200];

/// The probability in training that dropout keeps a pixel, and a unit of a hidden layer.
const KEPT_PIXELS: f64 = 0.8;
const KEPT_UNITS: f64 = 0.5;

/// Image → two maxout layers → outputs.
pub(crate) fn discriminator(network: &mut Builder<'_>, outputs: usize) -> Result<()> {
    network.apply(Op::Flatten)?;
    network.see_pixels()?;
    network.apply(dropout(KEPT_PIXELS))?;
    for (index, units) in UNITS.into_iter().enumerate() {
        mlp::layer(network, index, units * PIECES)?;
        network.apply(Op::Maxout { pieces: PIECES })?;
        network.apply(dropout(KEPT_UNITS))?;
    }
    mlp::layer(network, UNITS.len(), outputs)
}

fn dropout(kept: f64) -> Op {
    let count = "model.dropout_count".to_string();
    Op::Dropout { kept, count }
}

#[cfg(test)]
mod tests {
    use crate::{Architecture, ModelConfig};
    use candle_core::{DType, Device, Tensor};
    use gan_core::{ImageShape, Mode, ParameterStore, Seed};

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 3,
        width: 4,
    };

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// W · x + b of layer `index`.
    fn affine(parameters: &ParameterStore, index: usize, x: &[f64]) -> Vec<f64> {
        let all = parameters.all();
        let find = |name: &str| {
            let name = format!("model.{index}.{name}");
            numbers(&all.iter().find(|p| p.name == name).unwrap().var)
        };
        let dot = |w: &[f64]| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
        let (weight, bias) = (find("weight"), find("bias"));
        let rows = weight.chunks(x.len()).zip(bias);
        rows.map(|(w, b)| dot(w) + b).collect()
    }

    /// By hand: the largest of five affine pieces, twice, then one affine map.
    #[test]
    fn logits_are_those_of_the_formula() {
        let model = ModelConfig {
            architecture: Architecture::Maxout,
            ..ModelConfig::default()
        };
        let discriminator = model.discriminator(SHAPE, Seed(1), DType::F64, &Device::Cpu);
        let discriminator = discriminator.unwrap();
        let pixels: Vec<f64> = (0..5 * 12).map(|i| (1.3 * f64::from(i)).sin()).collect();
        let images = Tensor::from_slice(&pixels, (5, 1, 3, 4), &Device::Cpu).unwrap();
        let logits = numbers(&discriminator.forward(&images, None, Mode::Eval).unwrap());
        let parameters = discriminator.parameters();
        let largest = |unit: &[f64]| unit.iter().copied().fold(f64::MIN, f64::max);
        for (image, logit) in pixels.chunks(12).zip(logits) {
            let mut x = image.to_vec();
            for index in 0..2 {
                let pieces = affine(parameters, index, &x);
                x = pieces.chunks(5).map(largest).collect();
                assert_eq!(x.len(), 240);
            }
            let expected = affine(parameters, 2, &x)[0];
            assert!((expected - logit).abs() < 1e-12, "{expected} {logit}");
        }
    }
}
