//! Batches: their order, sizes, values and labels.

use crate::support::assert_says;
use candle_core::{DType, Device};
use gan_core::{ImageShape, Seed};
use gan_data::{DataLoader, Dataset};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

const PIXEL: ImageShape = ImageShape {
    channels: 1,
    height: 1,
    width: 1,
};

/// Images of one pixel whose value, and label, is the image's index.
fn numbered(n: usize) -> Dataset {
    let pixels: Vec<u8> = (0..n).map(|i| i as u8).collect();
    let labels = (0..n as u32).collect();
    Dataset::new("numbered", PIXEL, pixels)
        .unwrap()
        .with_labels(labels)
        .unwrap()
}

fn loader(n: usize, batch_size: usize, seed: u64) -> DataLoader {
    DataLoader::new(
        numbered(n),
        batch_size,
        Seed(seed),
        DType::F32,
        &Device::Cpu,
    )
    .unwrap()
}

/// The labels of the batches, which are the indices of the images.
fn labels(
    batches: impl Iterator<Item = candle_core::Result<gan_core::ImageBatch>>,
) -> Vec<Vec<u32>> {
    batches
        .map(|batch| batch.unwrap().labels.unwrap().to_vec1().unwrap())
        .collect()
}

proptest! {
    #[test]
    fn an_epoch_shows_every_image_once_in_full_batches_and_a_rest(
        n in 1..200_usize, fraction in 0.0..1.0, seed: u64, epoch: u64,
    ) {
        let batch_size = 1 + (fraction * n as f64) as usize;
        let loader = loader(n, batch_size, seed);
        let batches = labels(loader.epoch(epoch));
        prop_assert_eq!(batches.len(), loader.steps_per_epoch());
        prop_assert_eq!(loader.epoch(epoch).len(), batches.len());
        let (last, full) = batches.split_last().unwrap();
        prop_assert!(full.iter().all(|batch| batch.len() == batch_size));
        prop_assert_eq!(last.len(), loader.last_batch_size());
        let mut seen = batches.concat();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..n as u32).collect::<Vec<_>>());
    }

    #[test]
    fn the_order_is_a_function_of_seed_and_epoch(seed: u64, epoch: u64, other: u64) {
        let order = loader(100, 7, seed).order(epoch);
        prop_assert_eq!(&order, &loader(100, 30, seed).order(epoch));
        // Two of 100! orders are the same by chance less often than once in 10^150.
        if other != epoch {
            prop_assert!(order != loader(100, 7, seed).order(other));
        }
        if other != seed {
            prop_assert!(order != loader(100, 7, other).order(epoch));
        }
    }

    #[test]
    fn skipping_batches_gives_the_rest_of_the_epoch(skip in 0..20_usize, epoch: u64) {
        let loader = loader(100, 9, 1);
        let expected = labels(loader.epoch(epoch)).split_off(skip.min(12));
        prop_assert_eq!(labels(loader.epoch(epoch).skip(skip)), expected);
    }

    #[test]
    fn a_run_from_any_step_has_the_batches_of_the_whole_run(step in 0..40_usize) {
        let loader = loader(100, 9, 1).mirroring();
        let whole: Vec<_> = (0..4).flat_map(|epoch| loader.epoch(epoch)).collect();
        let count = whole.len() - step;
        let rest = labels(loader.batches_from(step as u64).take(count));
        prop_assert_eq!(rest, labels(whole.into_iter().skip(step)));
    }

    #[test]
    fn labels_stay_with_their_images(epoch: u64) {
        for batch in loader(256, 100, 3).epoch(epoch) {
            let batch = batch.unwrap();
            let images = batch.images.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let labels = batch.labels.unwrap().to_vec1::<u32>().unwrap();
            let bytes = images.iter().map(|x| ((x + 1.0) * 127.5).round() as u32);
            prop_assert_eq!(bytes.collect::<Vec<_>>(), labels);
        }
    }
}

/// A regression pin, copied from this crate's own output: saved runs go on with the same images only
/// if this holds.
#[test]
fn the_order_of_the_first_epoch_stays_what_it_was() {
    assert_eq!(loader(10, 1, 7).order(0), [9, 4, 5, 6, 2, 3, 1, 7, 0, 8]);
}

#[test]
fn the_tutorials_epoch_has_469_steps_and_ends_with_96_images() {
    let data = Dataset::new("blank", PIXEL, vec![0; 60_000]).unwrap();
    let loader = DataLoader::new(data, 128, Seed(0), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(
        (loader.steps_per_epoch(), loader.last_batch_size()),
        (469, 96)
    );
    let last = loader.epoch(0).last().unwrap().unwrap();
    assert_eq!(last.images.dims(), [96, 1, 1, 1]);
    assert!(last.labels.is_none());
}

#[test]
fn batches_have_the_shape_of_their_images() {
    let shape = ImageShape {
        channels: 3,
        height: 2,
        width: 4,
    };
    let pixels: Vec<u8> = (0..48).collect();
    let data = Dataset::new("rgb", shape, pixels).unwrap();
    let loader = DataLoader::new(data, 2, Seed(0), DType::F64, &Device::Cpu).unwrap();
    let batch = loader.epoch(0).next().unwrap().unwrap();
    assert_eq!(batch.images.dims(), [2, 3, 2, 4]);
    let first = usize::from(loader.order(0)[0] == 1) * 24;
    let image = batch
        .images
        .get(0)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    let expected: Vec<f64> = (first..first + 24)
        .map(|x| x as f64 / 127.5 - 1.0)
        .collect();
    assert_eq!(image, expected);
}

/// Black is -1 and white 1 exactly; each f32 is the nearest to its exact value.
#[test]
fn bytes_become_the_nearest_numbers_in_minus_one_to_one() {
    let mut values = [0.0; 256];
    for batch in loader(256, 256, 0).epoch(0) {
        let batch = batch.unwrap();
        let images = batch
            .images
            .flatten_all()
            .unwrap()
            .to_vec1::<f32>()
            .unwrap();
        let labels = batch.labels.unwrap().to_vec1::<u32>().unwrap();
        for (value, byte) in images.into_iter().zip(labels) {
            values[byte as usize] = value;
        }
    }
    assert_eq!((values[0], values[51], values[255]), (-1.0, -0.6, 1.0));
    for (byte, value) in values.iter().enumerate() {
        let exact = (2.0 * byte as f64 - 255.0) / 255.0;
        assert!(
            (f64::from(*value) - exact).abs() <= f64::from(f32::EPSILON) / 4.0,
            "{byte}"
        );
        assert_eq!(*value, -values[255 - byte], "{byte}");
    }
}

#[test]
fn a_batch_size_that_does_not_fit_is_refused() {
    let build = |size| DataLoader::new(numbered(3), size, Seed(0), DType::F32, &Device::Cpu);
    assert!(build(3).is_ok());
    assert_says(
        build(0),
        &["batch size 0", "`train.batch_size` from 1 to 3"],
    );
    assert_says(
        build(4),
        &[
            "batch size 4",
            "3 images of numbered",
            "`train.batch_size` from 1 to 3",
        ],
    );
}

#[test]
fn other_types_of_numbers_are_refused() {
    for dtype in [DType::U8, DType::BF16, DType::I64] {
        let result = DataLoader::new(numbered(3), 1, Seed(0), dtype, &Device::Cpu);
        assert_says(result, &[&format!("{dtype:?}"), "F32 or F64"]);
    }
}

#[test]
fn about_half_of_the_images_are_mirrored_anew_in_each_epoch() {
    let shape = ImageShape {
        channels: 1,
        height: 2,
        width: 2,
    };
    let pixels = (0..400).flat_map(|_| [0, 255, 255, 0]).collect();
    let data = Dataset::new("two diagonals", shape, pixels).unwrap();
    let loader = DataLoader::new(data, 30, Seed(5), DType::F32, &Device::Cpu).unwrap();
    let mirrored = |epoch: u64, skip: usize| -> Vec<bool> {
        let loader = loader.clone().mirroring();
        let images = loader.epoch(epoch).skip(skip).flat_map(|batch| {
            let images = batch.unwrap().images.flatten_from(1).unwrap();
            images.to_vec2::<f32>().unwrap()
        });
        let is_mirrored = |image: Vec<f32>| {
            let plain = [-1.0, 1.0, 1.0, -1.0];
            let flipped: Vec<f32> = plain.iter().map(|value| -value).collect();
            assert!(image == plain || image == flipped);
            image == flipped
        };
        images.map(is_mirrored).collect()
    };
    let first = mirrored(0, 0);
    let count = first.iter().filter(|mirrored| **mirrored).count();
    // Five standard deviations of 400 throws: 5 * 10.
    assert!((150..250).contains(&count), "{count}");
    assert_eq!(first[60..], mirrored(0, 2));
    assert_ne!(first, mirrored(1, 0));
    let plain = loader.epoch(0).next().unwrap().unwrap().images;
    let row = plain.get(0).unwrap().flatten_all().unwrap();
    assert_eq!(row.to_vec1::<f32>().unwrap(), [-1.0, 1.0, 1.0, -1.0]);
}
