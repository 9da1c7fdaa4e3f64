//! What an evaluation takes of memory: the bytes of the images and 300 MB, however many there are.

#![allow(clippy::unwrap_used, reason = "a test")]

use candle_core::{DType, Device};
use gan_core::{ImageBytes, ImageShape, Purpose, Seed};
use gan_data::{DataLoader, Dataset};
use gan_metrics::{
    Draw, Embedding, Evaluation, FeatureNetwork, ImageRounding, ImageSet, Metric, ParzenReference,
    RealImages, Reference, TrainingReference,
};
use peak_alloc::PeakAlloc;
use rand::{Rng, RngCore};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Beside the bytes of the images.
const MOST_BYTES: usize = 300_000_000;

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 64,
    width: 64,
};

/// Every score that needs no classes, as `evaluate` computes them, beside the batches of a training run.
/// The heap at its highest beside the images' bytes.
fn peak(training: usize, held_out: usize, generated: usize) -> usize {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let mut pixels = vec![0; (training + held_out) * SHAPE.elements()];
    Seed(1).rng(Purpose::NoiseImages, 0).fill_bytes(&mut pixels);
    let all = Dataset::new("noise", SHAPE, pixels).unwrap();
    let part = |numbers: std::ops::Range<usize>| all.select(&numbers.collect::<Vec<_>>());
    let (learnt, new) = (part(0..training), part(training..training + held_out));
    let loader = DataLoader::new(learnt.clone(), 64, Seed(0), DType::F32, &Device::Cpu).unwrap();
    let mut batches = loader.batches_from(0);
    let batch = batches.next().unwrap().unwrap();

    let set = |name: &str, images: &ImageBytes| ImageSet::new(name, images.clone()).unwrap();
    let learnt = set("training images", learnt.images());
    let new = set("held-out images", new.images());
    let network = FeatureNetwork::random(SHAPE, Seed(0)).unwrap();
    let some = learnt.draw(Draw::Whitening, 1000, Seed(0)).unwrap();
    network.whiten_by(&some).unwrap();
    let embed = |images: ImageSet| Embedding::new(&network, images).unwrap();
    let (widths, new) = (
        learnt.draw(Draw::ParzenWidth, 100, Seed(0)).unwrap(),
        embed(new),
    );
    let nearest = TrainingReference::new(embed(learnt), &new).unwrap();
    let parzen = ParzenReference {
        width_images: widths,
        held_out: new.images.clone(),
    };
    let reference = Reference::new(new, RealImages::HeldOut, None, Some(nearest));
    let reference = reference.with_parzen(Some(parzen));

    let mut rng = Seed(2).rng(Purpose::NoiseImages, 0);
    let mut images = ImageRounding::new("generated images", SHAPE, generated);
    for _ in 0..generated {
        let image: Vec<f32> = (0..SHAPE.elements())
            .map(|_| rng.random_range(-1.0..1.0))
            .collect();
        images.push(&image).unwrap();
    }
    let generated = embed(images.finish().unwrap());
    let found = Evaluation::new(&reference, &generated, &Metric::ALL, Seed(0));
    assert!(found.scores.len() >= 15, "{:?}", found.notes);
    assert_eq!(batch.images.dim(0).unwrap(), 64);
    let count = all.len() + generated.images.count();
    HEAP.peak_usage() - before - count * SHAPE.elements()
}

#[test]
fn memory_is_the_bytes_of_the_images_and_300_mb() {
    let small = peak(600, 120, 500);
    let large = peak(2400, 120, 2000);
    assert!(
        small <= MOST_BYTES && large <= MOST_BYTES,
        "{small} {large}"
    );
    // 3,300 more images: as f32 they would take 160 MB. Their features, as f64 and once more as f32
    // and in products with each other, take a kilobyte each.
    let more = large.saturating_sub(small);
    assert!(more <= 40_000_000, "{small} {large}");
}
