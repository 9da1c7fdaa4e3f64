//! All scores of a set of generated images against a data set.

use crate::reference::{ParzenReference, Reference, TrainingReference};
use crate::spread::share_error;
use crate::{
    DensityCoverage, Draw, Embedding, Equilibrium, InceptionScore, KernelDistance, Memorization,
    Metric, MetricError, ModeCoverage, NearestNeighbors, PARZEN_SIGMAS, ParzenWindow,
    PrecisionRecall, Score, ScoreKind, Sharpness, frechet_deviation, frechet_distance, spread,
    stacked_mode_counts,
};
use gan_core::Seed;

const KERNEL_SUBSETS: usize = 100;
const KERNEL_SUBSET_SIZE: usize = 1000;
/// With fewer images, half of them are not a pair.
pub(crate) const LEAST_KERNEL_IMAGES: usize = 4;
pub(crate) const PRECISION_RECALL_K: usize = 3;
pub(crate) const DENSITY_COVERAGE_K: usize = 5;
pub(crate) const INCEPTION_SPLITS: usize = 10;

/// The digits of a StackedMNIST image, one per channel.
pub const STACKED_CHANNELS: usize = 3;

/// A class counts as covered from this fraction of its share in the data: a smaller share could be due to
/// a classifier's errors on images of other classes.
pub const COVERED_PART: f64 = 0.1;

/// The scores of a set of images.
#[derive(Clone, Debug, Default)]
pub struct Evaluation {
    /// The scores, family by family in the requested order.
    pub scores: Vec<Score>,
    /// Class shares, if [`Metric::Modes`] was requested and there are classes.
    pub modes: Option<ModeCoverage>,
    /// The nearest training images in pixels, if [`Metric::Memorization`] was requested.
    pub nearest_by_pixels: Option<NearestNeighbors>,
    /// The same in features.
    pub nearest_by_features: Option<NearestNeighbors>,
    /// What could not be scored and why, and remarks on scores, in sentences.
    pub notes: Vec<String>,
}

impl Evaluation {
    /// Scores `generated` against `reference`. A family that cannot be computed gives a note that says why
    /// instead of scores; [`Metric::Equilibrium`], which needs a discriminator, gives neither
    /// ([`of_equilibrium`](Self::of_equilibrium)). `seed` determines the subsets and bootstraps.
    pub fn new(
        reference: &Reference,
        generated: &Embedding,
        metrics: &[Metric],
        seed: Seed,
    ) -> Self {
        let mut evaluation = Self::default();
        for metric in metrics {
            match reference.unavailable(*metric, generated.images.count()) {
                Some(reason) => evaluation.notes.push(format!("No {metric}: it {reason}.")),
                None => {
                    if let Err(error) = evaluation.add(*metric, reference, generated, seed) {
                        evaluation.notes.push(format!("No {metric}: {error}."));
                    }
                }
            }
        }
        evaluation
    }

    /// The value of one score.
    pub fn value(&self, kind: ScoreKind) -> Option<f64> {
        let score = self.scores.iter().find(|score| score.kind == kind);
        score.map(|score| score.value)
    }

    /// The scores of an equilibrium.
    pub fn of_equilibrium(found: &Equilibrium) -> Self {
        let mut evaluation = Self::default();
        for (kind, mean) in [
            (ScoreKind::DHeldOut, found.held_out),
            (ScoreKind::DTraining, found.training),
            (ScoreKind::DGenerated, found.generated),
            (ScoreKind::DGap, found.gap()),
        ] {
            evaluation.push(kind, mean.value, mean.standard_error);
        }
        evaluation
    }

    /// Adds the scores and notes of other families.
    pub fn extend(&mut self, other: Self) {
        self.scores.extend(other.scores);
        self.modes = other.modes.or(self.modes.take());
        self.nearest_by_pixels = other.nearest_by_pixels.or(self.nearest_by_pixels.take());
        self.nearest_by_features = other
            .nearest_by_features
            .or(self.nearest_by_features.take());
        self.notes.extend(other.notes);
    }

    /// Adds a score, or a note if it is not finite.
    fn push(&mut self, kind: ScoreKind, value: f64, uncertainty: f64) {
        if value.is_finite() {
            self.scores.push(Score::new(kind, value, uncertainty));
        } else {
            let label = kind.label();
            self.notes
                .push(format!("No {label}: it is {value} for these images."));
        }
    }

    /// A share of `count` images, with its standard error.
    fn push_share(&mut self, kind: ScoreKind, share: f64, count: usize) {
        self.push(kind, share, share_error(share, count));
    }

    fn add(
        &mut self,
        metric: Metric,
        reference: &Reference,
        generated: &Embedding,
        seed: Seed,
    ) -> Result<(), MetricError> {
        let (real, found) = (&reference.real.features, &generated.features);
        match metric {
            Metric::Fid => {
                let deviation = frechet_deviation(real, found, seed)?;
                self.push(
                    ScoreKind::FrechetDistance,
                    frechet_distance(real, found)?,
                    deviation,
                );
            }
            Metric::Kid => {
                // Subsets of more than half of a set overlap too much to show how the distance varies.
                let half = real.count().min(found.count()) / 2;
                let size = KERNEL_SUBSET_SIZE.min(half);
                let kid = KernelDistance::new(real, found, KERNEL_SUBSETS, size, seed)?;
                self.push(ScoreKind::KernelDistance, kid.mean, kid.standard_deviation);
            }
            Metric::PrecisionRecall => {
                let score = PrecisionRecall::new(real, found, PRECISION_RECALL_K)?;
                self.push_share(ScoreKind::Precision, score.precision, found.count());
                self.push_share(ScoreKind::Recall, score.recall, real.count());
            }
            Metric::DensityCoverage => {
                let score = DensityCoverage::new(real, found, DENSITY_COVERAGE_K)?;
                self.push(ScoreKind::Density, score.density, score.density_error);
                self.push_share(ScoreKind::Coverage, score.coverage, real.count());
                if score.points > 0 {
                    self.notes.push(format!(
                        "{} of {} real images have {DENSITY_COVERAGE_K} or more equal ones; for density \
                         and coverage each of these reaches its copies alone.",
                        score.points,
                        real.count(),
                    ));
                }
            }
            Metric::Modes => {
                let data = reference.class_counts.as_ref();
                if let Some((data, counts)) =
                    data.and_then(|data| Some((data, generated.class_counts(data)?)))
                {
                    self.add_modes(&counts, data, seed)?;
                }
            }
            Metric::Inception => {
                if let Some(logits) = &generated.logits {
                    // Images may be sorted, so the splits are drawn at random.
                    let order = Draw::Splits.order(logits.count(), seed);
                    let logits = logits.select(order.into_iter());
                    let score = InceptionScore::new(&logits, INCEPTION_SPLITS)?;
                    self.push(
                        ScoreKind::InceptionScore,
                        score.mean,
                        score.standard_deviation,
                    );
                }
            }
            Metric::Memorization => {
                if let Some(training) = &reference.training {
                    self.add_memorization(training, generated, seed)?;
                }
            }
            Metric::Sharpness => self.add_sharpness(reference, generated),
            Metric::Parzen => {
                if let Some(parzen) = &reference.parzen {
                    self.add_parzen(parzen, generated)?;
                }
            }
            Metric::Stacked => {
                if let Some((classes, logits)) = generated.classes().zip(generated.logits.as_ref())
                {
                    self.add_stacked(&classes, logits.dimensions(), seed)?;
                }
            }
            Metric::Equilibrium => {}
        }
        Ok(())
    }

    fn add_modes(
        &mut self,
        counts: &[usize],
        data: &[usize],
        seed: Seed,
    ) -> Result<(), MetricError> {
        let modes = ModeCoverage::new(counts, data)?;
        let total = counts.iter().sum::<usize>();
        let covered = modes.modes_with_part_of_their_share(COVERED_PART);
        self.scores.push(Score {
            kind: ScoreKind::ClassesCovered,
            value: covered as f64,
            uncertainty: None,
        });
        let shares = modes.generated_shares.iter().zip(&modes.data_shares);
        let parts = shares
            .filter(|(_, data)| **data > 0.0)
            .map(|(g, d)| (g / d, *g, *d));
        if let Some((part, share, data)) = parts.min_by(|a, b| a.0.total_cmp(&b.0)) {
            let error = share_error(share, total) / data;
            self.push(ScoreKind::RarestClass, part, error);
        }
        let again = |pick| resampled(counts, data, seed, pick);
        let entropy = again(|modes| modes.entropy_nats);
        self.push(ScoreKind::ClassEntropy, modes.entropy_nats, entropy);
        let kl = again(|modes| modes.kl_nats);
        self.push(ScoreKind::ClassKl, modes.kl_nats, kl);
        self.modes = Some(modes);
        Ok(())
    }

    fn add_stacked(
        &mut self,
        channel_classes: &[usize],
        classes: usize,
        seed: Seed,
    ) -> Result<(), MetricError> {
        let counts = stacked_mode_counts(channel_classes, STACKED_CHANNELS, classes)?;
        let uniform = vec![1; counts.len()];
        let modes = ModeCoverage::new(&counts, &uniform)?;
        self.scores.push(Score {
            kind: ScoreKind::StackedModes,
            value: modes.modes_found as f64,
            uncertainty: None,
        });
        let deviation = resampled(&counts, &uniform, seed, |modes| modes.kl_nats);
        self.push(ScoreKind::StackedKl, modes.kl_nats, deviation);
        Ok(())
    }

    fn add_memorization(
        &mut self,
        training: &TrainingReference,
        generated: &Embedding,
        seed: Seed,
    ) -> Result<(), MetricError> {
        let by_pixels = NearestNeighbors::by_pixels(&generated.images, &training.images)?;
        let pixels = Memorization::new(&by_pixels, &training.held_out_by_pixels, seed)?;
        self.push(
            ScoreKind::PixelDistanceRatio,
            pixels.distance_ratio,
            pixels.distance_ratio_deviation,
        );
        self.push_too_close(ScoreKind::PixelsTooClose, &pixels);
        self.push(ScoreKind::PixelCopyingZ, pixels.data_copying_z, 1.0);

        let by_features = NearestNeighbors::by_features(&generated.features, &training.features)?;
        let features = Memorization::new(&by_features, &training.held_out_by_features, seed)?;
        self.push(
            ScoreKind::FeatureDistanceRatio,
            features.distance_ratio,
            features.distance_ratio_deviation,
        );
        self.push_too_close(ScoreKind::FeaturesTooClose, &features);
        self.push(ScoreKind::FeatureCopyingZ, features.data_copying_z, 1.0);
        if pixels.held_out_copies > 0 {
            self.notes.push(format!(
                "{} of {} held-out images are training images too; memorization leaves them out.",
                pixels.held_out_copies,
                training.held_out_by_pixels.distances.len(),
            ));
        }
        self.nearest_by_pixels = Some(by_pixels);
        self.nearest_by_features = Some(by_features);
        Ok(())
    }

    fn push_too_close(&mut self, kind: ScoreKind, found: &Memorization) {
        match found.share_too_close {
            Some(share) => self.push(kind, share.value, share.standard_error),
            None => self.notes.push(format!(
                "No {}: it needs at least 99 held-out images.",
                kind.label()
            )),
        }
    }

    fn add_sharpness(&mut self, reference: &Reference, generated: &Embedding) {
        let (real, found) = (reference.sharpness, Sharpness::new(&generated.images));
        if real.gradient_energy == 0.0 {
            let text =
                "No sharpness: the real images are flat, so there is nothing to compare with.";
            self.notes.push(text.to_string());
            return;
        }
        self.push(
            ScoreKind::GradientEnergyRatio,
            found.gradient_energy / real.gradient_energy,
            found.gradient_energy_error / real.gradient_energy,
        );
        self.push(
            ScoreKind::HighFrequencyRatio,
            found.high_frequency_share / real.high_frequency_share,
            found.high_frequency_share_error / real.high_frequency_share,
        );
    }

    fn add_parzen(
        &mut self,
        parzen: &ParzenReference,
        generated: &Embedding,
    ) -> Result<(), MetricError> {
        let window = ParzenWindow::of_images(
            &generated.images,
            &parzen.width_images,
            &parzen.held_out,
            &PARZEN_SIGMAS,
        )?;
        self.push(
            ScoreKind::ParzenLogLikelihood,
            window.mean,
            window.standard_error,
        );
        Ok(())
    }
}

/// Standard deviation of a figure of the modes when the images are resampled.
fn resampled(counts: &[usize], data: &[usize], seed: Seed, pick: fn(&ModeCoverage) -> f64) -> f64 {
    let modes = counts.iter().enumerate();
    let images: Vec<usize> = modes.flat_map(|(mode, n)| vec![mode; *n]).collect();
    spread::bootstrap(seed, |draw| {
        let mut counts = vec![0; counts.len()];
        for mode in draw(&images) {
            counts[mode] += 1;
        }
        ModeCoverage::new(&counts, data).map_or(f64::NAN, |modes| pick(&modes))
    })
}
