//! A tiny generator with batch-normalization state, and inputs that are formulas.

use crate::splitmix::u;
use candle_core::{DType, Device, Result, Tensor};
use gan_core::{Generator, ImageShape, Init, Mode, NormalPrior, ParameterStore, Purpose, Seed};
use gan_sample::Sampler;

/// A tensor whose value i is 2 u(t, i) - 1, exact in f32.
pub(crate) fn uniform(t: u64, shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>() as u64;
    let values: Vec<f32> = (0..count).map(|i| (2.0 * u(t, i) - 1.0) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub(crate) const LATENT_DIM: usize = 50;

/// tanh(z W - m): m is the running mean in evaluation; in training it is the batch's, towards
/// which the running mean moves by a tenth.
pub(crate) struct TinyGenerator {
    shape: ImageShape,
    store: ParameterStore,
}

impl TinyGenerator {
    pub(crate) fn new(shape: ImageShape, dtype: DType) -> Self {
        let rng = Seed(0).rng(Purpose::GeneratorInit, 0);
        let store = ParameterStore::new(rng, dtype, &Device::Cpu);
        let layer = store.builder();
        let pixels = shape.elements();
        layer.get((LATENT_DIM, pixels), "weight").unwrap();
        let init = Init::Const(0.0);
        store.buffer("running_mean", pixels, init).unwrap();
        let weight = (uniform(1, &[LATENT_DIM, pixels]) * 0.2).unwrap();
        store.set("weight", &weight).unwrap();
        let mean = (uniform(2, &[pixels]) * 0.1).unwrap();
        store.set("running_mean", &mean).unwrap();
        Self { shape, store }
    }

    pub(crate) fn mnist() -> Self {
        Self::new(ImageShape::MNIST, DType::F32)
    }

    /// Every tensor's values, in order.
    pub(crate) fn state(&self) -> Vec<Vec<f32>> {
        let values = |var: &Tensor| var.flatten_all().unwrap().to_vec1().unwrap();
        let all = self.store.all();
        all.iter().map(|p| values(p.var.as_tensor())).collect()
    }
}

impl Generator for TinyGenerator {
    fn forward(&self, z: &Tensor, _labels: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        let [weight, running_mean] = &self.store.all()[..] else {
            candle_core::bail!("two tensors")
        };
        let hidden = z.matmul(weight.var.as_tensor())?;
        let mean = match mode {
            Mode::Eval => running_mean.var.as_tensor().clone(),
            Mode::Train => {
                let mean = hidden.mean(0)?;
                let moved = ((running_mean.var.as_tensor() * 0.9)? + (&mean * 0.1)?)?;
                running_mean.var.set(&moved.detach())?;
                mean
            }
        };
        let ImageShape {
            channels,
            height,
            width,
        } = self.shape;
        let images = hidden.broadcast_sub(&mean)?.tanh()?;
        images.reshape(((), channels, height, width))
    }

    fn latent_dim(&self) -> usize {
        LATENT_DIM
    }

    fn image_shape(&self) -> ImageShape {
        self.shape
    }

    fn parameters(&self) -> &ParameterStore {
        &self.store
    }

    fn copy(&self) -> Result<Box<dyn Generator>> {
        let (shape, store) = (self.shape, self.store.copy()?);
        Ok(Box::new(Self { shape, store }))
    }
}

pub(crate) fn sampler(generator: &TinyGenerator, seed: u64, mode: Mode) -> Sampler<'_> {
    let prior = Box::new(NormalPrior::standard(LATENT_DIM));
    Sampler::new(generator, prior, Seed(seed), mode).unwrap()
}

pub(crate) fn values(images: &Tensor) -> Vec<f32> {
    images.flatten_all().unwrap().to_vec1().unwrap()
}
