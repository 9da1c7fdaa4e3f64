//! Properties of the scores for any data, and the errors for bad data.

use gan_core::{LatentPrior, NormalPrior, Purpose, Seed};
use gan_metrics::{
    DensityCoverage, Features, InceptionScore, KernelDistance, Memorization, MetricError,
    ModeCoverage, NearestNeighbors, ParzenWindow, PrecisionRecall, frechet_distance,
    squared_kernel_distance, stacked_mode_counts,
};
use proptest::prelude::*;
use rand::Rng;

/// `count` rows of standard normal numbers.
fn normal(seed: u64, count: usize, dimensions: usize) -> Vec<f64> {
    let mut rng = Seed(seed).rng(Purpose::Sample, 0);
    let rows = NormalPrior::standard(dimensions).sample(count, &mut rng);
    let rows = rows.unwrap().flatten_all().unwrap().to_vec1::<f32>();
    rows.unwrap().into_iter().map(f64::from).collect()
}

/// `count` rows of standard normal numbers, each scaled and moved.
fn cloud(seed: u64, count: usize, dimensions: usize, scale: f64, shift: f64) -> Features {
    let mut values = normal(seed, count, dimensions);
    values.iter_mut().for_each(|x| *x = scale * *x + shift);
    Features::new("cloud", values, dimensions).unwrap()
}

/// Clouds of 100 rows around the first `classes` unit vectors times 20.
fn classes(seed: u64, classes: usize) -> Features {
    const WIDTH: usize = 10;
    let mut values = normal(seed, 100 * classes, WIDTH);
    for (i, row) in values.chunks_exact_mut(WIDTH).enumerate() {
        row[i / 100] += 20.0;
    }
    Features::new("classes", values, WIDTH).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn frechet_distance_is_symmetric_and_zero_to_itself(
        seed in any::<u64>(), width in 1_usize..12, scale in 0.1..10.0, shift in -3.0..3.0,
    ) {
        let a = cloud(seed, 60, width, 1.0, 0.0);
        let b = cloud(seed ^ 1, 50, width, scale, shift);
        let (there, back) = (frechet_distance(&a, &b).unwrap(), frechet_distance(&b, &a).unwrap());
        prop_assert!((there - back).abs() <= 1e-9 * (1.0 + there), "{there} and {back}");
        prop_assert!(frechet_distance(&b, &b).unwrap() <= 1e-6);
    }

    /// In one dimension the formula is (m₁ - m₂)² + (s₁ - s₂)²: y = a x + b has a known distance.
    #[test]
    fn frechet_distance_of_a_line_is_its_closed_form(
        seed in any::<u64>(), scale in 0.1..10.0, shift in -3.0..3.0,
    ) {
        let x = cloud(seed, 40, 1, 1.0, 0.0);
        let y = cloud(seed, 40, 1, scale, shift);
        let values = normal(seed, 40, 1);
        let mean = values.iter().sum::<f64>() / 40.0;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / 39.0;
        let expected = ((scale - 1.0) * mean + shift).powi(2) + (scale - 1.0).powi(2) * variance;
        let found = frechet_distance(&x, &y).unwrap();
        prop_assert!((found - expected).abs() <= 1e-9 * (1.0 + scale * scale), "{found}, {expected}");
    }

    #[test]
    fn precision_and_recall_swap_with_the_sets(seed in any::<u64>(), k in 1_usize..6, scale in 0.2..2.0) {
        let (a, b) = (cloud(seed, 70, 4, 1.0, 0.0), cloud(seed ^ 1, 90, 4, scale, 0.5));
        let there = PrecisionRecall::new(&a, &b, k).unwrap();
        let back = PrecisionRecall::new(&b, &a, k).unwrap();
        prop_assert_eq!((there.precision, there.recall), (back.recall, back.precision));
    }

    #[test]
    fn a_set_reaches_all_of_itself(seed in any::<u64>(), k in 1_usize..6) {
        let a = cloud(seed, 70, 4, 1.0, 0.0);
        let score = PrecisionRecall::new(&a, &a, k).unwrap();
        prop_assert_eq!((score.precision, score.recall), (1.0, 1.0));
        prop_assert_eq!(DensityCoverage::new(&a, &a, k).unwrap().coverage, 1.0);
    }
}

#[test]
fn a_collapsed_generator_has_precision_without_recall() {
    let real = cloud(1, 500, 4, 1.0, 0.0);
    let collapsed = cloud(2, 500, 4, 0.05, 0.0);
    let score = PrecisionRecall::new(&real, &collapsed, 3).unwrap();
    assert!(score.precision > 0.9, "{score:?}");
    assert!(score.recall < 0.05, "{score:?}");
    let scattered = PrecisionRecall::new(&collapsed, &real, 3).unwrap();
    assert!(scattered.precision < 0.05, "{scattered:?}");
}

#[test]
fn one_image_over_and_over_reaches_nothing() {
    let real = cloud(1, 300, 4, 1.0, 0.0);
    let same = Features::new("the same image", [0.3, -0.7, 0.1, 0.9].repeat(300), 4).unwrap();
    let score = PrecisionRecall::new(&real, &same, 3).unwrap();
    assert_eq!(score.recall, 0.0);
    assert_eq!(PrecisionRecall::new(&same, &same, 3).unwrap().recall, 1.0);
    assert!(DensityCoverage::new(&real, &same, 5).unwrap().coverage < 0.1);
}

#[test]
fn every_distance_grows_and_coverage_falls_as_classes_go() {
    let real = classes(1, 10);
    let score = |left: usize| {
        let generated = classes(2, left);
        let kernel = KernelDistance::new(&real, &generated, 10, 100, Seed(0)).unwrap();
        (
            DensityCoverage::new(&real, &generated, 5).unwrap().coverage,
            PrecisionRecall::new(&real, &generated, 3).unwrap().recall,
            frechet_distance(&real, &generated).unwrap(),
            kernel.mean,
        )
    };
    let scores: Vec<_> = (1..=10).map(score).collect();
    for (left, pair) in scores.windows(2).enumerate() {
        let (fewer, more) = (pair[0], pair[1]);
        let told = format!("{} classes {fewer:?}, one more {more:?}", left + 1);
        assert!(fewer.0 < more.0 && fewer.1 < more.1, "{told}");
        assert!(fewer.2 > more.2 && fewer.3 > more.3, "{told}");
    }
    // No image of a lost class is covered, nearly all of the others are.
    for (i, (coverage, ..)) in scores.iter().enumerate() {
        let share = (i + 1) as f64 / 10.0;
        assert!(
            *coverage <= share && *coverage > 0.9 * share,
            "{coverage} of {share}"
        );
    }
}

#[test]
fn kernel_distance_of_equal_distributions_is_zero_on_average() {
    let distances: Vec<f64> = (0..200)
        .map(|i| {
            let (a, b) = (
                cloud(2 * i, 30, 3, 1.0, 0.0),
                cloud(2 * i + 1, 40, 3, 1.0, 0.0),
            );
            squared_kernel_distance(&a, &b).unwrap()
        })
        .collect();
    let mean = distances.iter().sum::<f64>() / 200.0;
    let variance = distances.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 199.0;
    let standard_error = (variance / 200.0).sqrt();
    assert!(
        mean.abs() < 4.0 * standard_error,
        "{mean} ± {standard_error}"
    );
    // The biased estimate never goes below zero.
    assert!(distances.iter().any(|d| *d < 0.0));
}

#[test]
fn kernel_distance_is_of_its_seed() {
    let (a, b) = (cloud(1, 90, 3, 1.0, 0.0), cloud(2, 80, 3, 1.0, 0.0));
    let score = |seed| KernelDistance::new(&a, &b, 5, 40, Seed(seed)).unwrap();
    assert_eq!(score(1), score(1));
    assert_ne!(score(1), score(2));
    assert!(score(1).standard_deviation > 0.0);
}

#[test]
fn inception_score_lies_between_one_and_the_classes() {
    let sure: Vec<f64> = (0..40)
        .flat_map(|i| [0, 1, 2, 3].map(|c| if i % 4 == c { 2000.0 } else { 0.0 }))
        .collect();
    let score =
        |logits| InceptionScore::new(&Features::new("logits", logits, 4).unwrap(), 2).unwrap();
    assert!((score(sure).mean - 4.0).abs() < 1e-9);
    assert!((score(vec![0.5; 160]).mean - 1.0).abs() < 1e-12);
}

/// Two samples, one dimension: the mean of two Gaussian densities.
#[test]
fn parzen_window_of_two_samples_is_its_closed_form() {
    let set = |values: &[f64]| Features::new("set", values.to_vec(), 1).unwrap();
    let (samples, test) = (set(&[0.0, 1.0]), set(&[0.25, 0.5]));
    let sigma: f64 = 0.5;
    let score = ParzenWindow::new(&samples, &test, &test, &[sigma]).unwrap();
    let gaussian =
        |d: f64| (-d * d / (2.0 * sigma * sigma)).exp() / (sigma * std::f64::consts::TAU.sqrt());
    let density = |x: f64| 0.5 * (gaussian(x) + gaussian(1.0 - x));
    let (first, second) = (density(0.25).ln(), density(0.5).ln());
    assert!((score.mean - 0.5 * (first + second)).abs() < 1e-12);
    let deviation = 0.5 * (first - second).abs();
    assert!((score.standard_error - deviation / 2_f64.sqrt()).abs() < 1e-12);
}

#[test]
fn parzen_window_chooses_the_most_likely_width() {
    let (samples, test) = (cloud(1, 400, 2, 1.0, 0.0), cloud(2, 200, 2, 1.0, 0.0));
    let mean = |sigma| {
        ParzenWindow::new(&samples, &test, &test, &[sigma])
            .unwrap()
            .mean
    };
    let sigmas = [0.01, 0.3, 30.0];
    let chosen = ParzenWindow::new(&samples, &test, &test, &sigmas).unwrap();
    assert_eq!(chosen.sigma, 0.3);
    assert!(sigmas.iter().all(|sigma| mean(*sigma) <= chosen.mean));
}

#[test]
fn bad_sets_are_refused_by_name() {
    let set =
        |values: Vec<f64>, width| Features::new("images", values, width).map_err(|e| e.to_string());
    let refused = |values, width, part: &str| {
        let error = set(values, width).unwrap_err();
        assert!(
            error.starts_with("images: ") && error.contains(part),
            "{error}"
        );
    };
    refused(vec![1.0, 2.0, f64::NAN, 4.0], 2, "value 0 of row 1 is NaN");
    refused(
        vec![1.0, 2.0, 3.0, f64::NEG_INFINITY],
        2,
        "value 1 of row 1 is -inf",
    );
    refused(vec![1.0, 2.0, 3.0], 2, "not whole rows of 2");
    refused(vec![1.0], 0, "not whole rows of 0");
    refused(vec![], 2, "0 of them, expected at least 2");
    refused(vec![1.0, 2.0], 2, "1 of them, expected at least 2");
}

#[test]
fn scores_that_cannot_be_computed_are_refused() {
    let (small, wide) = (cloud(1, 4, 3, 1.0, 0.0), cloud(1, 9, 8, 1.0, 0.0));
    let dimensions = |result: Result<(), MetricError>| {
        assert!(
            matches!(result, Err(MetricError::Dimensions { .. })),
            "{result:?}"
        );
    };
    dimensions(frechet_distance(&small, &wide).map(drop));
    dimensions(squared_kernel_distance(&small, &wide).map(drop));
    dimensions(PrecisionRecall::new(&small, &wide, 3).map(drop));
    dimensions(DensityCoverage::new(&small, &wide, 3).map(drop));
    dimensions(ParzenWindow::new(&small, &wide, &small, &[1.0]).map(drop));

    let few = |result: Result<(), MetricError>, expected: usize| match result {
        Err(MetricError::TooFew { expected: said, .. }) => assert_eq!(said, expected),
        other => panic!("{other:?}"),
    };
    few(
        frechet_distance(&cloud(1, 8, 8, 1.0, 0.0), &wide).map(drop),
        9,
    );
    few(PrecisionRecall::new(&small, &small, 4).map(drop), 5);
    few(
        KernelDistance::new(&small, &small, 1, 5, Seed(0)).map(drop),
        5,
    );
    few(InceptionScore::new(&small, 5).map(drop), 5);

    let setting = |result: Result<(), MetricError>| {
        assert!(
            matches!(result, Err(MetricError::Setting { .. })),
            "{result:?}"
        );
    };
    setting(PrecisionRecall::new(&small, &small, 0).map(drop));
    setting(KernelDistance::new(&small, &small, 0, 2, Seed(0)).map(drop));
    setting(KernelDistance::new(&small, &small, 1, 1, Seed(0)).map(drop));
    setting(InceptionScore::new(&small, 0).map(drop));
    setting(ParzenWindow::new(&small, &small, &small, &[]).map(drop));
    setting(ParzenWindow::new(&small, &small, &small, &[0.1, f64::NAN]).map(drop));
}

#[test]
fn memorization_fires_on_copies_alone() {
    let training = cloud(1, 1000, 6, 1.0, 0.0);
    let held_out = cloud(2, 500, 6, 1.0, 0.0);
    let nearest = |points: &Features| NearestNeighbors::by_features(points, &training).unwrap();
    let reference = nearest(&held_out);
    let score =
        |generated: &Features| Memorization::new(&nearest(generated), &reference, Seed(0)).unwrap();

    let honest = score(&cloud(3, 500, 6, 1.0, 0.0));
    assert!(
        (honest.distance_ratio - 1.0).abs() < 0.1,
        "{}",
        honest.distance_ratio
    );
    let too_close = honest.share_too_close.unwrap();
    assert!((too_close.value - 0.01).abs() < 4.0 * too_close.standard_error);
    assert!(
        honest.data_copying_z.abs() < 4.0,
        "{}",
        honest.data_copying_z
    );

    let copied = score(&training);
    let too_close = copied.share_too_close.unwrap().value;
    assert_eq!((copied.distance_ratio, too_close), (0.0, 1.0));
    assert!(copied.data_copying_z < -20.0, "{}", copied.data_copying_z);
    assert_eq!(nearest(&training).rows, (0..1000).collect::<Vec<_>>());

    let far = score(&cloud(3, 500, 6, 3.0, 0.0));
    assert!(far.distance_ratio > 1.5 && far.data_copying_z > 5.0);
}

#[test]
fn held_out_images_must_not_be_training_images() {
    let training = cloud(1, 100, 6, 1.0, 0.0);
    let nearest = |points: &Features| NearestNeighbors::by_features(points, &training).unwrap();
    let generated = nearest(&cloud(2, 50, 6, 1.0, 0.0));
    let error = Memorization::new(&generated, &nearest(&training), Seed(0)).unwrap_err();
    assert!(error.to_string().contains("not training images"), "{error}");
}

/// Two in a hundred held-out images lie among the training images, as where a picture was published twice:
/// the closest hundredth would be at distance 0, and no copy closer.
#[test]
fn held_out_copies_of_training_images_do_not_hide_copying() {
    let training = cloud(1, 1000, 6, 1.0, 0.0);
    let nearest = |points: &Features| NearestNeighbors::by_features(points, &training).unwrap();
    let mut held_out = nearest(&cloud(2, 500, 6, 1.0, 0.0));
    let clean = Memorization::new(&nearest(&training), &held_out, Seed(0)).unwrap();
    held_out.rows.extend([0; 10]);
    held_out.distances.extend([0.0; 10]);
    let found = Memorization::new(&nearest(&training), &held_out, Seed(0)).unwrap();
    assert_eq!((found.held_out_copies, clean.held_out_copies), (10, 0));
    assert_eq!(found.share_too_close, clean.share_too_close);
    assert_eq!(found.share_too_close.unwrap().value, 1.0);
}

/// The smallest of 5 distances is not a hundredth: a sixth of new images is below it.
#[test]
fn few_held_out_images_have_no_closest_hundredth() {
    let training = cloud(1, 1000, 6, 1.0, 0.0);
    let nearest = |points: &Features| NearestNeighbors::by_features(points, &training).unwrap();
    let generated = nearest(&cloud(3, 5000, 6, 1.0, 0.0));
    let share = |held_out: usize| {
        let held_out = nearest(&cloud(2, held_out, 6, 1.0, 0.0));
        Memorization::new(&generated, &held_out, Seed(0))
            .unwrap()
            .share_too_close
    };
    assert_eq!((share(5), share(98)), (None, None));
    let least = share(99).unwrap();
    assert!(
        (least.value - 0.01).abs() < 4.0 * least.standard_error,
        "{least:?}"
    );
}

#[test]
fn mode_coverage_is_its_formula() {
    let even = ModeCoverage::new(&[5, 5, 5, 5], &[10, 10, 10, 10]).unwrap();
    assert_eq!((even.modes_found, even.kl_nats), (4, 0.0));
    assert!((even.entropy_nats - 4_f64.ln()).abs() < 1e-12);

    // Half of the modes, evenly: KL is ln 2. A single image is found, but is less than a tenth of its share.
    let half = ModeCoverage::new(&[50, 50, 0, 0], &[7, 7, 7, 7]).unwrap();
    assert_eq!(half.modes_found, 2);
    assert!((half.kl_nats - 2_f64.ln()).abs() < 1e-12);
    assert!((half.entropy_nats - 2_f64.ln()).abs() < 1e-12);
    let stray = ModeCoverage::new(&[500, 499, 1, 0], &[7, 7, 7, 7]).unwrap();
    assert_eq!(
        (stray.modes_found, stray.modes_with_part_of_their_share(0.1)),
        (3, 2)
    );
}

#[test]
fn modes_that_cannot_be_compared_are_refused() {
    let refused = |generated: &[usize], data: &[usize], part: &str| {
        let error = ModeCoverage::new(generated, data).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    refused(&[1, 2], &[1, 2, 3], "2 beside 3");
    refused(&[0, 0], &[1, 2], "generated images is 0");
    refused(&[0, 0], &[0, 0], "generated images is 0");
    refused(&[3, 4], &[1, 0], "0 of mode 1, of which 4 were generated");
}

/// 26,000 images over 1,000 modes, as PacGAN has it: the expected KL of n draws from m equal modes
/// is about (m - 1) / 2n (Miller, 1955), 0.0192 here.
#[test]
fn a_perfect_generator_of_stacked_digits_has_the_divergence_of_its_number_alone() {
    let mut rng = Seed(5).rng(Purpose::Sample, 0);
    let digits: Vec<usize> = (0..3 * 26_000).map(|_| rng.random_range(0..10)).collect();
    let counts = stacked_mode_counts(&digits, 3, 10).unwrap();
    let modes = ModeCoverage::new(&counts, &[1; 1000]).unwrap();
    assert_eq!(modes.modes_found, 1000);
    assert!(
        (modes.kl_nats - 999.0 / 52_000.0).abs() < 0.003,
        "{}",
        modes.kl_nats
    );

    let counts = stacked_mode_counts(&[7, 0, 3, 7, 0, 3, 9, 9, 9], 3, 10).unwrap();
    assert_eq!(
        (counts[703], counts[999], counts.iter().sum::<usize>()),
        (2, 1, 3)
    );
    for (classes, channels, of) in [
        (vec![1, 2], 3, 10),
        (vec![10], 1, 10),
        (vec![1; 12], 12, 10),
    ] {
        assert!(
            stacked_mode_counts(&classes, channels, of).is_err(),
            "{classes:?}"
        );
    }
}
