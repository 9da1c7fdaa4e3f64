//! Evaluations of edge cases: copies, flat images, few images, empty classes.

use gan_core::{ImageBytes, ImageShape, Seed};
use gan_metrics::{
    DensityCoverage, Draw, Embedding, Evaluation, Features, ImageRounding, ImageSet, Metric,
    MetricError, PARZEN_SIGMAS, ParzenWindow, RealImages, Reference, ScoreKind,
};

const SHAPE: ImageShape = ImageShape {
    channels: 1,
    height: 2,
    width: 2,
};

/// Images whose features are their pixels in [0, 1], so that all is known of them.
fn embedding(images: ImageSet) -> Embedding {
    let values = images
        .images()
        .flatten()
        .map(|byte| f64::from(*byte) / 255.0);
    let features = Features::new(images.name(), values.collect(), 4).unwrap();
    Embedding {
        images,
        features,
        logits: None,
    }
}

fn noise(count: usize, seed: u64) -> ImageSet {
    ImageSet::noise("noise", SHAPE, count, Seed(seed)).unwrap()
}

fn flat(count: usize) -> ImageSet {
    let images = ImageBytes::new(SHAPE, vec![255; 4 * count]).unwrap();
    ImageSet::new("white images", images).unwrap()
}

fn against(real: ImageSet) -> Reference {
    Reference::new(embedding(real), RealImages::Training, None, None)
}

fn evaluate(real: ImageSet, generated: ImageSet) -> Evaluation {
    Evaluation::new(&against(real), &embedding(generated), &Metric::ALL, Seed(0))
}

#[test]
fn what_twenty_images_allow_is_scored_and_the_rest_is_named_with_its_side() {
    let twenty = evaluate(noise(300, 1), noise(4, 2));
    assert!(twenty.value(ScoreKind::KernelDistance).is_some());
    assert!(twenty.value(ScoreKind::Precision).is_some());
    assert!(twenty.value(ScoreKind::FrechetDistance).is_none());
    let notes = twenty.notes.join("\n");
    assert!(
        notes.contains("No FID: it needs at least 5 generated images, found 4."),
        "{notes}"
    );
    let notes = evaluate(noise(3, 1), noise(300, 2)).notes.join("\n");
    assert!(
        notes.contains("No FID: it needs at least 5 training images to compare with, found 3."),
        "{notes}"
    );
}

#[test]
fn flat_images_have_scores_that_are_numbers_or_none() {
    for found in [
        evaluate(flat(80), noise(80, 1)),
        evaluate(noise(80, 1), flat(80)),
        evaluate(flat(80), flat(80)),
    ] {
        for score in &found.scores {
            assert!(score.value.is_finite(), "{score:?}");
            assert!(score.uncertainty.is_none_or(|u| u > 0.0), "{score:?}");
        }
    }
    let found = evaluate(flat(80), noise(80, 1));
    assert!(found.value(ScoreKind::GradientEnergyRatio).is_none());
    let notes = found.notes.join("\n");
    assert!(notes.contains("the real images are flat"), "{notes}");
    // Two points: |m₁ - m₂|² of equal images is 0.
    let same = evaluate(flat(80), flat(80));
    assert_eq!(same.value(ScoreKind::FrechetDistance), Some(0.0));
}

/// Every image eight times: each ball of the five nearest is a point, which its copies lie in.
#[test]
fn a_set_of_copies_covers_itself() {
    let images = noise(40, 1);
    let copies: Vec<usize> = (0..40).flat_map(|i| [i; 8]).collect();
    let copies = images.select(&copies).unwrap();
    let found = evaluate(copies.clone(), copies.clone());
    for kind in [ScoreKind::Precision, ScoreKind::Recall, ScoreKind::Coverage] {
        assert_eq!(found.value(kind), Some(1.0), "{kind:?}");
    }
    let notes = found.notes.join("\n");
    assert!(notes.contains("320 of 320 real images"), "{notes}");
    // Half of the images, each in place of eight: half of the points are reached.
    let half: Vec<usize> = (0..20).collect();
    let found = evaluate(copies, images.select(&half).unwrap());
    assert_eq!(found.value(ScoreKind::Coverage), Some(0.5));
}

/// prdc's figure for distinct images does not change.
#[test]
fn a_ball_that_is_not_a_point_excludes_its_border() {
    let line = |values: &[f64]| Features::new("line", values.to_vec(), 1).unwrap();
    let real = line(&[0.0, 1.0, 3.0]);
    let score = DensityCoverage::new(&real, &line(&[-1.0, 4.5]), 1).unwrap();
    // Balls of radius 1, 1 and 2: -1 lies on a border, 4.5 in the last.
    assert_eq!((score.coverage, score.points), (1.0 / 3.0, 0));
}

#[test]
fn kid_of_few_images_has_an_uncertainty_that_is_one() {
    let score = |count| {
        let found = evaluate(noise(count, 1), noise(count, 2));
        found
            .scores
            .iter()
            .copied()
            .find(|s| s.kind == ScoreKind::KernelDistance)
    };
    // Halves of a set differ; the whole set drawn a hundred times would not.
    let deviation = score(300).unwrap().uncertainty.unwrap();
    assert!(deviation > 1e-4, "{deviation}");
    assert!(score(3).is_none());
}

/// Sorted by class or not, splits have all classes: sure images of four classes score 4.
#[test]
fn the_order_of_images_does_not_decide_their_inception_score() {
    let sorted: Vec<f64> = (0..400)
        .flat_map(|i| [0, 1, 2, 3].map(|c| if i / 100 == c { 50.0 } else { 0.0 }))
        .collect();
    let mut generated = embedding(noise(400, 1));
    generated.logits = Some(Features::new("logits", sorted, 4).unwrap());
    let mut reference = against(noise(100, 2));
    reference.real.logits = Some(Features::new("logits", vec![0.0; 400], 4).unwrap());
    let found = Evaluation::new(&reference, &generated, &[Metric::Inception], Seed(0));
    let score = found.value(ScoreKind::InceptionScore).unwrap();
    // Splits of 40 images of four classes: exp of the mean entropy of such shares, a little below 4.
    assert!(score > 3.7, "{score}");
}

/// A class that the data has no image of, as 0 in EMNIST's letters, is neither missed nor found.
#[test]
fn a_class_without_images_is_left_out() {
    let mut generated = embedding(noise(40, 1));
    // The most likely class is 0, which has no images, then 1 and 2 in turn.
    let logits = (0..40).flat_map(|i| [9.0, f64::from(i % 2), 0.5]);
    generated.logits = Some(Features::new("logits", logits.collect(), 3).unwrap());
    assert_eq!(generated.class_counts(&[0, 5, 5]), Some(vec![0, 20, 20]));
    let real = Embedding {
        logits: generated.logits.clone(),
        ..embedding(noise(40, 2))
    };
    let reference = Reference::new(real, RealImages::Training, Some(vec![0, 5, 5]), None);
    let found = Evaluation::new(&reference, &generated, &[Metric::Modes], Seed(0));
    assert_eq!(found.value(ScoreKind::ClassesCovered), Some(2.0));
    assert_eq!(found.value(ScoreKind::ClassKl), Some(0.0));
}

#[test]
fn representatives_are_drawn_from_all_of_a_set_by_seed() {
    let draw = |seed| Draw::Real.numbers(10_000, 1000, Seed(seed));
    let numbers = draw(0);
    assert_eq!((numbers.len(), &numbers), (1000, &draw(0)));
    assert_ne!(numbers, draw(1));
    assert_ne!(numbers, Draw::Control.numbers(10_000, 1000, Seed(0)));
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    // Each tenth of the set has 100 of them, within six deviations of √(1000 · 0.1 · 0.9) = 9.5.
    for tenth in 0..10 {
        let inside = numbers.iter().filter(|n| **n / 1000 == tenth).count();
        assert!(inside.abs_diff(100) < 57, "{inside}");
    }
    assert_eq!(Draw::Real.numbers(5, 9, Seed(0)), [0, 1, 2, 3, 4]);
}

#[test]
fn values_are_rounded_to_the_bytes_of_a_picture_or_refused_by_their_place() {
    let mut rounding = ImageRounding::new("values", SHAPE, 2);
    rounding.push(&[-1.0, 1.0, 0.0, 0.2]).unwrap();
    rounding.push(&[-1.0005; 4]).unwrap();
    let images = rounding.finish().unwrap();
    // 255 · 0.6 = 153.
    assert_eq!(images.image(0), [0, 255, 128, 153]);
    assert_eq!(images.image(1), [0; 4]);
    for (value, part) in [
        (f32::NAN, "value 1 of row 1 is NaN"),
        (1.5, "value 1 of image 1 is 1.5"),
    ] {
        let mut rounding = ImageRounding::new("values", SHAPE, 2);
        rounding.push(&[0.0; 4]).unwrap();
        let error = rounding.push(&[0.0, value]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let mut cut = ImageRounding::new("values", SHAPE, 2);
    cut.push(&[0.0; 6]).unwrap();
    assert!(matches!(cut.finish(), Err(MetricError::Shape { .. })));
}

/// The one of images, in blocks, and the one of rows of features are the same formula.
#[test]
fn the_parzen_window_of_images_is_that_of_their_pixels() {
    let sets = [noise(300, 1), noise(150, 2), noise(140, 3)];
    let [samples, validation, test] = &sets;
    let found = ParzenWindow::of_images(samples, validation, test, &PARZEN_SIGMAS).unwrap();
    let rows = |images: &ImageSet| embedding(images.clone()).features;
    let expected = ParzenWindow::new(
        &rows(samples),
        &rows(validation),
        &rows(test),
        &PARZEN_SIGMAS,
    );
    let expected = expected.unwrap();
    assert_eq!(found.sigma, expected.sigma);
    assert!((found.mean - expected.mean).abs() < 1e-9);
    assert!((found.standard_error - expected.standard_error).abs() < 1e-9);
}
