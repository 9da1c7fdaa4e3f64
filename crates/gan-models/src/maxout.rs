//! The networks of the 2014 paper's MNIST experiment (Goodfellow et al., 2014, arXiv 1406.2661, section
//! 5, and the file mnist.yaml of their code): a rectifier generator of two layers of 1,200, and a
//! discriminator of two layers of 240 maxout units (Goodfellow et al., 2013, arXiv 1302.4389) of five
//! pieces each, trained with dropout.
//!
//! The discriminator uses candle's graph.

use crate::classes::{self, readout};
use crate::layers::linear;
use candle_core::{D, DType, Device, Result, Tensor, Var};
use candle_nn::{Init, VarBuilder};
use gan_core::{Discriminator, ImageShape, Mode, ParameterStore, Purpose, Seed};
use gan_ops::{Activation, Block, composed};
use rand::Rng;

/// Units of each hidden layer of the discriminator, and linear pieces of each unit.
const UNITS: [usize; 2] = [240, 240];
const PIECES: usize = 5;

/// Widths of the generator's hidden layers.
pub(crate) const GENERATOR_WIDTHS: [usize; 2] = [1200, 1200];

/// The probability in training that dropout keeps a pixel, and a unit of a hidden layer.
const KEPT_PIXELS: f64 = 0.8;
const KEPT_UNITS: f64 = 0.5;

/// Image → two maxout layers → a logit.
pub(crate) struct MaxoutDiscriminator {
    hidden: Vec<Block>,
    last: Block,
    /// How many times units were dropped, `[]`; each pass drops others. Beyond 2²⁴, where f32 cannot
    /// represent every whole number, it counts in those that it can.
    drops: Var,
    seed: Seed,
    image_shape: ImageShape,
    classes: Option<usize>,
    parameters: ParameterStore,
}

impl MaxoutDiscriminator {
    /// seed: determines the dropped units.
    pub(crate) fn new(
        image_shape: ImageShape,
        classes: Option<usize>,
        seed: Seed,
        parameters: ParameterStore,
    ) -> Result<Self> {
        let model = parameters.builder().pp("model");
        let layer = |inputs, outputs, builder: &VarBuilder<'_>| {
            linear(inputs, outputs, Activation::Identity, builder)
        };
        let mut inputs = image_shape.elements();
        let mut hidden = Vec::new();
        for (index, units) in UNITS.into_iter().enumerate() {
            hidden.push(layer(inputs, units * PIECES, &model.pp(index))?);
            inputs = units;
        }
        let last = layer(inputs, classes::outputs(classes), &model.pp(UNITS.len()))?;
        let drops = parameters.buffer("model.dropout_count", (), Init::Const(0.0))?;
        Ok(Self {
            hidden,
            last,
            drops,
            seed,
            image_shape,
            classes,
            parameters,
        })
    }

    /// Dropout: sets each value of x `[n, features]` to 0 with probability 1 − `kept` and divides the others
    /// by `kept` (Srivastava et al., 2014).
    fn dropped(&self, x: &Tensor, kept: f64, rng: &mut impl Rng) -> Result<Tensor> {
        let scale = (1.0 / kept) as f32;
        let value = |_| if rng.random_bool(kept) { scale } else { 0.0 };
        let mask: Vec<f32> = (0..x.elem_count()).map(value).collect();
        let mask = Tensor::from_vec(mask, x.shape(), &Device::Cpu)?;
        x * mask.to_dtype(x.dtype())?.to_device(x.device())?
    }
}

/// The next whole number that f32 can represent.
fn following(count: f64) -> f64 {
    (count + 1.0).max(f64::from((count as f32).next_up()))
}

impl Discriminator for MaxoutDiscriminator {
    fn forward(&self, images: &Tensor, labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let readout = readout(images, self.image_shape, labels, self.classes)?;
        let count = self.drops.to_dtype(DType::F64)?.to_scalar::<f64>()?;
        let mut rng = self.seed.rng(Purpose::Dropout, count as u64);
        let mut x = images.flatten_from(1)?;
        let mut kept = KEPT_PIXELS;
        for Block { weight, bias, .. } in &self.hidden {
            if mode == Mode::Train {
                x = self.dropped(&x, kept, &mut rng)?;
            }
            let pieces = composed::linear(&x, weight, bias, Activation::Identity)?;
            x = pieces.reshape((x.dim(0)?, (), PIECES))?.max(D::Minus1)?;
            kept = KEPT_UNITS;
        }
        if mode == Mode::Train {
            x = self.dropped(&x, kept, &mut rng)?;
            let next = Tensor::new(following(count), self.drops.device())?;
            self.drops.set(&next.to_dtype(self.drops.dtype())?)?;
        }
        let Block { weight, bias, .. } = &self.last;
        let outputs = composed::linear(&x, weight, bias, Activation::Identity)?;
        (outputs * readout)?.sum(1)
    }

    fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 3,
        width: 4,
    };

    fn discriminator(dtype: DType) -> MaxoutDiscriminator {
        let rng = Seed(1).rng(Purpose::DiscriminatorInit, 0);
        let parameters = ParameterStore::new(rng, dtype, &Device::Cpu);
        MaxoutDiscriminator::new(SHAPE, None, Seed(1), parameters).unwrap()
    }

    fn images(dtype: DType) -> Tensor {
        let values: Vec<f64> = (0..5 * 12).map(|i| (1.3 * f64::from(i)).sin()).collect();
        let images = Tensor::from_vec(values, (5, 1, 3, 4), &Device::Cpu).unwrap();
        images.to_dtype(dtype).unwrap()
    }

    fn numbers(tensor: &Tensor) -> Vec<f64> {
        let tensor = tensor.to_dtype(DType::F64).unwrap();
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// By hand: the largest of five affine pieces, twice, then one affine map.
    #[test]
    fn logits_are_those_of_the_formula() {
        let discriminator = discriminator(DType::F64);
        let x = images(DType::F64);
        let mut rows: Vec<Vec<f64>> = x.flatten_from(1).unwrap().to_vec2().unwrap();
        let affine = |x: &[f64], block: &Block| -> Vec<f64> {
            let weight: Vec<Vec<f64>> = block.weight.to_vec2().unwrap();
            let bias = numbers(&block.bias);
            let dot = |w: &Vec<f64>| w.iter().zip(x).map(|(w, x)| w * x).sum::<f64>();
            weight.iter().zip(bias).map(|(w, b)| dot(w) + b).collect()
        };
        for block in &discriminator.hidden {
            for row in &mut rows {
                let pieces = affine(row, block);
                let largest = |unit: &[f64]| unit.iter().copied().fold(f64::MIN, f64::max);
                *row = pieces.chunks(PIECES).map(largest).collect();
            }
        }
        let logits = numbers(&discriminator.forward(&x, None, Mode::Eval).unwrap());
        for (row, logit) in rows.iter().zip(logits) {
            assert!((affine(row, &discriminator.last)[0] - logit).abs() < 1e-12);
        }
    }

    #[test]
    fn every_pass_in_training_drops_others_and_a_restored_count_the_same() {
        let discriminator = discriminator(DType::F32);
        let x = images(DType::F32);
        let pass = || numbers(&discriminator.forward(&x, None, Mode::Train).unwrap());
        let (first, second) = (pass(), pass());
        assert_ne!(first, second);
        discriminator
            .parameters
            .set(
                "model.dropout_count",
                &Tensor::zeros((), DType::F32, &Device::Cpu).unwrap(),
            )
            .unwrap();
        assert_eq!(first, pass());
        let evaluate = || numbers(&discriminator.forward(&x, None, Mode::Eval).unwrap());
        assert_eq!(evaluate(), evaluate());
    }

    /// f32 has a significand of 24 bits: whole numbers are 1 apart up to 2²⁴, 2 apart from there on.
    #[test]
    fn passes_beyond_what_f32_counts_drop_other_units_each() {
        let limit = f64::from(1 << 24);
        let discriminator = discriminator(DType::F32);
        let x = images(DType::F32);
        let set = |count: f64| {
            discriminator
                .drops
                .set(&Tensor::new(count as f32, &Device::Cpu).unwrap())
        };
        set(limit - 2.0).unwrap();
        let mut seen = Vec::new();
        for count in [limit - 2.0, limit - 1.0, limit, limit + 2.0, limit + 4.0] {
            assert_eq!(numbers(&discriminator.drops), [count]);
            let logits = numbers(&discriminator.forward(&x, None, Mode::Train).unwrap());
            assert!(!seen.contains(&logits), "{count}");
            seen.push(logits);
        }
        assert_eq!(following(0.0), 1.0);
    }

    #[test]
    fn what_is_dropped_keeps_the_mean() {
        let discriminator = discriminator(DType::F32);
        let ones = Tensor::ones((200, 100), DType::F32, &Device::Cpu).unwrap();
        let mut rng = Seed(2).rng(Purpose::Dropout, 0);
        let dropped = numbers(&discriminator.dropped(&ones, 0.8, &mut rng).unwrap());
        let mean = dropped.iter().sum::<f64>() / dropped.len() as f64;
        // Five standard errors: a value's deviation is √(1/0.8 − 1) = 1/2.
        assert!((mean - 1.0).abs() < 5.0 * 0.5 / 20_000_f64.sqrt(), "{mean}");
    }

    #[test]
    fn gradients_equal_finite_differences() {
        const STEP: f64 = 1e-6;
        let discriminator = discriminator(DType::F64);
        let x = images(DType::F64);
        let sum = || {
            discriminator
                .forward(&x, None, Mode::Eval)
                .unwrap()
                .sum_all()
                .unwrap()
        };
        let gradients = sum().backward().unwrap();
        for parameter in discriminator.parameters.trainable() {
            let gradient = numbers(gradients.get(&parameter.var).unwrap());
            let values = numbers(&parameter.var);
            for index in (0..values.len()).step_by(values.len().div_ceil(11)) {
                let at = |shift: f64| {
                    let mut moved = values.clone();
                    moved[index] += shift;
                    let moved = Tensor::from_vec(moved, parameter.var.shape(), &Device::Cpu);
                    parameter.var.set(&moved.unwrap()).unwrap();
                    sum().to_scalar::<f64>().unwrap()
                };
                let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                at(0.0);
                let error = (difference - gradient[index]).abs();
                assert!(error < 1e-6, "{}[{index}]", parameter.name);
            }
        }
    }
}
