//! Image k is the same whatever the count, the offset and the function that draws it.

use crate::common::{LATENT_DIM, TinyGenerator, sampler, uniform, values};
use candle_core::{DType, Device, Result as TensorResult, Tensor};
use gan_core::{
    Generator, Graph, ImageShape, LatentPrior, Mode, NormalPrior, ParameterStore, Purpose, Seed,
};
use gan_models::{ArchitectureKind, ClassCount, ModelConfig};
use gan_sample::{BLOCK_IMAGES, SampleError, Sampler};
use std::sync::atomic::{AtomicUsize, Ordering};

const PIXELS: usize = 28 * 28;

#[test]
fn an_image_is_the_same_to_the_byte_whatever_the_range() {
    let generator = TinyGenerator::mnist();
    for mode in [Mode::Eval, Mode::Train] {
        let sampler = sampler(&generator, 7, mode);
        let all = values(&sampler.images(0..800).unwrap());
        let ranges = [
            0..1,
            0..5,
            0..256,
            0..257,
            3..4,
            250..270,
            256..512,
            255..780,
            799..800,
        ];
        for range in ranges {
            let images = sampler.images(range.clone()).unwrap();
            let count = (range.end - range.start) as usize;
            assert_eq!(images.dims(), [count, 1, 28, 28]);
            let expected = &all[range.start as usize * PIXELS..range.end as usize * PIXELS];
            assert!(values(&images) == expected, "{range:?} in {mode:?}");
        }
    }
}

/// A generator of a graph that counts the vectors it is given.
struct Counting {
    generator: Box<dyn Generator>,
    vectors: AtomicUsize,
}

impl Counting {
    fn new(architecture: ArchitectureKind) -> Self {
        let mut model = ModelConfig {
            latent_dim: LATENT_DIM,
            classes: Some(ClassCount::Known(10)),
            ..ModelConfig::default()
        };
        model.set_architecture(architecture);
        if architecture != ArchitectureKind::Mlp {
            model.set_width(4).unwrap();
        }
        let generator = model.generator(ImageShape::MNIST, Seed(1), DType::F32, &Device::Cpu);
        Self {
            generator: generator.unwrap(),
            vectors: AtomicUsize::new(0),
        }
    }

    fn sampler(&self, mode: Mode) -> Sampler<'_> {
        let prior = Box::new(NormalPrior::standard(LATENT_DIM));
        Sampler::new(self, prior, Seed(7), mode).unwrap()
    }
}

impl Generator for Counting {
    fn forward(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> TensorResult<Tensor> {
        self.generator.forward(z, labels, mode)
    }

    fn infer(&self, z: &Tensor, labels: Option<&Tensor>, mode: Mode) -> TensorResult<Tensor> {
        self.vectors.fetch_add(z.dim(0)?, Ordering::Relaxed);
        self.generator.infer(z, labels, mode)
    }

    fn latent_dim(&self) -> usize {
        LATENT_DIM
    }

    fn classes(&self) -> Option<usize> {
        self.generator.classes()
    }

    fn image_shape(&self) -> ImageShape {
        ImageShape::MNIST
    }

    fn parameters(&self) -> &ParameterStore {
        self.generator.parameters()
    }

    fn graph(&self) -> Option<&Graph> {
        self.generator.graph()
    }

    fn copy(&self) -> TensorResult<Box<dyn Generator>> {
        self.generator.copy()
    }
}

#[test]
fn a_graphs_image_has_the_same_bytes_alone_and_among_others_of_which_none_is_made_in_vain() {
    for architecture in [
        ArchitectureKind::Mlp,
        ArchitectureKind::Dcgan,
        ArchitectureKind::Residual,
    ] {
        let generator = Counting::new(architecture);
        let sampler = generator.sampler(Mode::Eval);
        let all = values(&sampler.images(0..300).unwrap());
        for range in [0..1, 0..16, 0..256, 3..5, 250..270, 299..300] {
            generator.vectors.store(0, Ordering::Relaxed);
            let images = values(&sampler.images(range.clone()).unwrap());
            let count = (range.end - range.start) as usize;
            assert_eq!(generator.vectors.load(Ordering::Relaxed), count);
            let expected = &all[range.start as usize * PIXELS..range.end as usize * PIXELS];
            assert!(images == expected, "{architecture}: {range:?}");
        }
    }
}

/// Batch normalization's statistics are those of the whole aligned block.
#[test]
fn a_graphs_image_in_training_mode_is_that_of_its_whole_block() {
    let generator = Counting::new(ArchitectureKind::Dcgan);
    let sampler = generator.sampler(Mode::Train);
    let all = values(&sampler.images(0..300).unwrap());
    for range in [3..5, 250..270, 299..300] {
        let images = values(&sampler.images(range.clone()).unwrap());
        let expected = &all[range.start as usize * PIXELS..range.end as usize * PIXELS];
        assert!(images == expected, "{range:?}");
    }
    let eval = generator.sampler(Mode::Eval).images(0..300).unwrap();
    assert!(values(&eval) != all);
}

#[test]
fn blocks_are_the_images_in_order_and_never_more_than_a_block() {
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    for count in [0, 1, 256, 257, 600] {
        let blocks: Vec<Tensor> = sampler.blocks(count).map(Result::unwrap).collect();
        assert_eq!(blocks.len() as u64, count.div_ceil(BLOCK_IMAGES as u64));
        assert!(blocks.iter().all(|b| b.dims()[0] <= BLOCK_IMAGES));
        let joined: Vec<f32> = blocks.iter().flat_map(values).collect();
        assert!(joined == values(&sampler.images(0..count).unwrap()));
    }
}

#[test]
fn a_million_million_images_are_made_one_block_at_a_time() {
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let mut blocks = sampler.blocks(1_000_000_000_000);
    assert_eq!(
        blocks.next().unwrap().unwrap().dims(),
        [BLOCK_IMAGES, 1, 28, 28]
    );
}

#[test]
fn images_are_the_generators_for_the_numbered_latent_vectors() {
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let latent = sampler.latent(70).unwrap();
    let mut rng = Seed(7).rng(Purpose::Sample, 70);
    let expected = NormalPrior::standard(LATENT_DIM)
        .sample(1, &mut rng)
        .unwrap();
    assert_eq!(latent.dims(), [LATENT_DIM]);
    assert_eq!(values(&latent), values(&expected));
    let alone = generator.forward(&expected, None, Mode::Eval).unwrap();
    let drawn = sampler.images(70..71).unwrap();
    for (a, b) in values(&alone).iter().zip(values(&drawn)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn other_numbers_and_other_seeds_give_other_images() {
    let generator = TinyGenerator::mnist();
    let image = |seed, number: u64| {
        let sampler = sampler(&generator, seed, Mode::Eval);
        values(&sampler.images(number..number + 1).unwrap())
    };
    assert!(image(7, 0) == image(7, 0));
    assert!(image(7, 0) != image(8, 0));
    assert!(image(7, 0) != image(7, 1));
    assert!(image(7, 0) != image(7, 256));
}

#[test]
fn neither_mode_changes_the_generator() {
    let generator = TinyGenerator::mnist();
    let before = generator.state();
    let draw = |mode| values(&sampler(&generator, 7, mode).images(0..270).unwrap());
    let eval = draw(Mode::Eval);
    assert_eq!(generator.state(), before);
    let train = draw(Mode::Train);
    assert_eq!(generator.state(), before);
    assert!(eval != train);
    let z = uniform(3, &[4, LATENT_DIM]);
    generator.forward(&z, None, Mode::Train).unwrap();
    assert_ne!(generator.state(), before, "the state can be seen to change");
}

#[test]
fn given_latent_vectors_decode_as_drawn_ones_do() {
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let latents: Vec<Tensor> = (0..270).map(|k| sampler.latent(k).unwrap()).collect();
    let z = Tensor::stack(&latents, 0).unwrap();
    for count in [1, 5, 256, 257, 270] {
        let decoded = sampler.decode(&z.narrow(0, 0, count).unwrap()).unwrap();
        let drawn = sampler.images(0..count as u64).unwrap();
        assert_eq!(decoded.dims(), drawn.dims());
        assert!(values(&decoded) == values(&drawn), "{count}");
    }
    let none = sampler.decode(&z.narrow(0, 0, 0).unwrap()).unwrap();
    assert_eq!(none.dims(), [0, 1, 28, 28]);
}

#[test]
fn batch_statistics_of_few_latent_vectors_are_their_own() {
    let generator = TinyGenerator::mnist();
    let z = uniform(3, &[32, LATENT_DIM]);
    let decoded = sampler(&generator, 7, Mode::Train).decode(&z).unwrap();
    let direct = generator.forward(&z, None, Mode::Train).unwrap();
    for (a, b) in values(&decoded).iter().zip(values(&direct)) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn a_double_precision_generator_gives_single_precision_images() {
    let (single, double) = (DType::F32, DType::F64);
    let images = [single, double].map(|dtype| {
        let generator = TinyGenerator::new(ImageShape::MNIST, dtype);
        let images = sampler(&generator, 7, Mode::Eval).images(0..3).unwrap();
        assert_eq!(images.dtype(), DType::F32);
        values(&images)
    });
    for (a, b) in images[0].iter().zip(&images[1]) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
}

#[test]
fn the_last_numbers_can_be_drawn_and_empty_ranges_are_empty() {
    let generator = TinyGenerator::mnist();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let count = |range| sampler.images(range).unwrap().dims()[0];
    assert_eq!(count(u64::MAX - 270..u64::MAX), 270);
    assert_eq!(count(5..5), 0);
    #[allow(
        clippy::reversed_empty_ranges,
        reason = "what a careless caller may pass"
    )]
    let reversed = 9..5;
    assert_eq!(count(reversed), 0);
}

#[test]
fn latent_vectors_of_another_width_are_refused() {
    let generator = TinyGenerator::mnist();
    let prior = Box::new(NormalPrior::standard(3));
    let error = Sampler::new(&generator, prior, Seed(7), Mode::Eval)
        .err()
        .unwrap();
    let text = error.to_string();
    assert!(
        text.contains("of 3 values") && text.contains("expected 50"),
        "{text}"
    );
    let sampler = sampler(&generator, 7, Mode::Eval);
    for shape in [&[2, LATENT_DIM + 1][..], &[LATENT_DIM]] {
        let error = sampler.decode(&uniform(3, shape)).unwrap_err();
        assert!(matches!(error, SampleError::Shape { .. }), "{error}");
    }
}

/// A generator that claims to make larger images than it does.
struct Boaster(TinyGenerator);

impl Generator for Boaster {
    fn forward(
        &self,
        z: &Tensor,
        labels: Option<&Tensor>,
        mode: Mode,
    ) -> candle_core::Result<Tensor> {
        self.0.forward(z, labels, mode)
    }

    fn latent_dim(&self) -> usize {
        LATENT_DIM
    }

    fn image_shape(&self) -> ImageShape {
        ImageShape {
            height: 56,
            ..ImageShape::MNIST
        }
    }

    fn parameters(&self) -> &gan_core::ParameterStore {
        self.0.parameters()
    }

    fn copy(&self) -> candle_core::Result<Box<dyn Generator>> {
        self.0.copy()
    }
}

#[test]
fn a_generator_that_breaks_its_word_is_refused() {
    let generator = Boaster(TinyGenerator::mnist());
    let prior = Box::new(NormalPrior::standard(LATENT_DIM));
    let sampler = Sampler::new(&generator, prior, Seed(7), Mode::Eval).unwrap();
    let error = sampler.images(0..1).unwrap_err().to_string();
    for part in ["generator's images", "[256, 1, 28, 28]", "[256, 1, 56, 28]"] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn images_that_are_not_finite_are_refused_by_their_number() {
    let generator = TinyGenerator::mnist();
    let finite = sampler(&generator, 7, Mode::Eval);
    let mut latents = values(&uniform(3, &[5, LATENT_DIM]));
    latents[3 * LATENT_DIM] = f32::NAN;
    let z = Tensor::from_vec(latents, (5, LATENT_DIM), &candle_core::Device::Cpu).unwrap();
    // Other images of a block must not make the requested ones fail.
    finite.decode(&z.narrow(0, 0, 3).unwrap()).unwrap();
    let error = finite.decode(&z).unwrap_err();
    assert!(
        matches!(
            error,
            SampleError::NotFinite {
                image: 3,
                value: 0,
                ..
            }
        ),
        "{error}"
    );

    let mut mean = values(&uniform(2, &[PIXELS]));
    mean[9] = f32::INFINITY;
    mean[10] = f32::NAN;
    let mean = Tensor::from_vec(mean, PIXELS, &candle_core::Device::Cpu).unwrap();
    generator.parameters().set("running_mean", &mean).unwrap();
    let sampler = sampler(&generator, 7, Mode::Eval);
    let error = sampler.images(300..301).unwrap_err();
    // tanh of an infinity is a number.
    assert!(
        matches!(
            error,
            SampleError::NotFinite {
                image: 300,
                value: 10,
                ..
            }
        ),
        "{error}"
    );
    assert!(
        error.to_string().contains("value 10 of image 300 is NaN"),
        "{error}"
    );
    assert!(sampler.blocks(5).next().unwrap().is_err());
}
