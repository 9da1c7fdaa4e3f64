//! The scores by name: what each measures, and which values are better.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A family of scores that are computed together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Fréchet distance of features.
    Fid,
    /// Kernel distance of features.
    Kid,
    /// Inception score by the data set's own classifier.
    Inception,
    /// Precision and recall, k = 3.
    PrecisionRecall,
    /// Density and coverage, k = 5.
    DensityCoverage,
    /// Which classes are generated, and how often.
    Modes,
    /// The 2014 paper's log-likelihood.
    Parzen,
    /// Whether training images are copied.
    Memorization,
    /// Fine detail.
    Sharpness,
    /// The discriminator's outputs.
    Equilibrium,
    /// PacGAN's StackedMNIST protocol, on images with a digit in each of three channels.
    Stacked,
}

impl Metric {
    /// All families that any set of images can have, in the order of a report; without
    /// [`Stacked`](Self::Stacked), which is for StackedMNIST.
    pub const ALL: [Self; 10] = [
        Self::Fid,
        Self::Kid,
        Self::PrecisionRecall,
        Self::DensityCoverage,
        Self::Modes,
        Self::Inception,
        Self::Memorization,
        Self::Sharpness,
        Self::Parzen,
        Self::Equilibrium,
    ];

    /// Whether it compares the distributions of generated and of real images, which needs many images.
    pub fn compares_distributions(self) -> bool {
        matches!(
            self,
            Self::Fid | Self::Kid | Self::PrecisionRecall | Self::DensityCoverage
        )
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fid => "FID",
            Self::Kid => "KID",
            Self::Inception => "Inception-style score",
            Self::PrecisionRecall => "precision and recall",
            Self::DensityCoverage => "density and coverage",
            Self::Modes => "classes covered",
            Self::Parzen => "Parzen window",
            Self::Memorization => "memorization",
            Self::Sharpness => "sharpness",
            Self::Equilibrium => "equilibrium",
            Self::Stacked => "stacked modes",
        })
    }
}

/// Which values of a score are good.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Better {
    /// The lower, the better.
    Lower,
    /// The higher, the better.
    Higher,
    /// The closer to this value, the better.
    Near(f64),
    /// The closer to the data's value, the better.
    NearData,
}

macro_rules! score_kinds {
    ($($(#[$doc:meta])* $kind:ident $name:literal => $metric:ident, $label:literal, $better:expr, $spread:literal;)*) => {
        /// One figure of an evaluation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ScoreKind {
            $($(#[$doc])* #[serde(rename = $name)] $kind,)*
        }

        impl ScoreKind {
            /// Its family.
            pub fn metric(self) -> Metric {
                match self { $(Self::$kind => Metric::$metric,)* }
            }

            /// Its name in files.
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// Its name in tables.
            pub fn label(self) -> &'static str {
                match self { $(Self::$kind => $label,)* }
            }

            /// Which values are better.
            pub fn better(self) -> Better {
                match self { $(Self::$kind => $better,)* }
            }

            /// Whether it depends on the feature network.
            pub fn uses_features(self) -> bool {
                let memorization = [
                    Self::FeatureDistanceRatio, Self::FeaturesTooClose, Self::FeatureCopyingZ,
                ];
                self.metric().compares_distributions() || memorization.contains(&self)
            }

            /// What its uncertainty is.
            pub fn uncertainty(self) -> &'static str {
                match self { $(Self::$kind => $spread,)* }
            }
        }
    };
}

score_kinds! {
    /// [`frechet_distance`](crate::frechet_distance).
    FrechetDistance "frechet-distance" => Fid, "FID", Better::Lower, "bootstrap of both sets";
    /// Mean of [`KernelDistance`](crate::KernelDistance).
    KernelDistance "kernel-distance" => Kid, "KID", Better::Lower, "deviation over 100 subsets of half the images, at most 1,000";
    /// See [`PrecisionRecall`](crate::PrecisionRecall).
    Precision "precision" => PrecisionRecall, "precision (k = 3)", Better::Higher, "standard error over images";
    /// See [`PrecisionRecall`](crate::PrecisionRecall).
    Recall "recall" => PrecisionRecall, "recall (k = 3)", Better::Higher, "standard error over images";
    /// See [`DensityCoverage`](crate::DensityCoverage).
    Density "density" => DensityCoverage, "density (k = 5)", Better::Near(1.0), "standard error over images";
    /// See [`DensityCoverage`](crate::DensityCoverage).
    Coverage "coverage" => DensityCoverage, "coverage (k = 5)", Better::Higher, "standard error over images";
    /// Classes with at least a tenth of their share in the data.
    ClassesCovered "classes-covered" => Modes, "classes covered", Better::Higher, "none: a count";
    /// The share of the rarest class over its share in the data.
    RarestClass "rarest-class" => Modes, "rarest class, of its share", Better::Near(1.0), "standard error over images";
    /// Entropy of the class shares in nats.
    ClassEntropy "class-entropy" => Modes, "entropy of classes (nats)", Better::NearData, "bootstrap of the images";
    /// KL(generated ‖ data) of the class shares in nats.
    ClassKl "class-kl" => Modes, "KL of classes (nats)", Better::Lower, "bootstrap of the images";
    /// See [`InceptionScore`](crate::InceptionScore).
    InceptionScore "inception-score" => Inception, "Inception-style score", Better::Higher, "deviation over 10 splits";
    /// Median distance to the nearest training image over that of new images, in pixels.
    PixelDistanceRatio "pixel-distance-ratio" => Memorization, "distance to training, pixels", Better::Near(1.0), "bootstrap of both sets";
    /// Share of images closer than the closest hundredth of new ones, in pixels.
    PixelsTooClose "pixels-too-close" => Memorization, "too close, pixels", Better::Near(0.01), "standard error over images of both sets";
    /// Rank test of the two sets of distances, in pixels.
    PixelCopyingZ "pixel-copying-z" => Memorization, "copying z, pixels", Better::Near(0.0), "1 by construction";
    /// The ratio in features.
    FeatureDistanceRatio "feature-distance-ratio" => Memorization, "distance to training, features", Better::Near(1.0), "bootstrap of both sets";
    /// The share in features.
    FeaturesTooClose "features-too-close" => Memorization, "too close, features", Better::Near(0.01), "standard error over images of both sets";
    /// The rank test in features.
    FeatureCopyingZ "feature-copying-z" => Memorization, "copying z, features", Better::Near(0.0), "1 by construction";
    /// Gradient energy over that of real images.
    GradientEnergyRatio "gradient-energy-ratio" => Sharpness, "gradient energy, of real", Better::Near(1.0), "standard error over images";
    /// Share of high frequencies over that of real images.
    HighFrequencyRatio "high-frequency-ratio" => Sharpness, "high frequencies, of real", Better::Near(1.0), "standard error over images";
    /// See [`ParzenWindow`](crate::ParzenWindow).
    ParzenLogLikelihood "parzen-log-likelihood" => Parzen, "Parzen log-likelihood (nats)", Better::Higher, "standard error over test images";
    /// Mean D over real images that were not trained on.
    DHeldOut "d-held-out" => Equilibrium, "D(held-out real)", Better::Near(0.5), "standard error over images";
    /// Mean D over training images.
    DTraining "d-training" => Equilibrium, "D(training real)", Better::Near(0.5), "standard error over images";
    /// Mean D over generated images.
    DGenerated "d-generated" => Equilibrium, "D(generated)", Better::Near(0.5), "standard error over images";
    /// D of training images less D of new ones.
    DGap "d-gap" => Equilibrium, "D(training) - D(held-out)", Better::Near(0.0), "standard error over images";
    /// Modes of stacked digits with at least one image.
    StackedModes "stacked-modes" => Stacked, "modes of stacked digits", Better::Higher, "none: a count";
    /// KL(generated ‖ uniform) of stacked digits' modes, in nats.
    StackedKl "stacked-kl" => Stacked, "KL to uniform (nats)", Better::Lower, "bootstrap of the images";
}

/// A score with its uncertainty.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Which.
    pub kind: ScoreKind,
    /// Its value.
    pub value: f64,
    /// One standard deviation, above 0; [`ScoreKind::uncertainty`] says of what. `None` if it is not known
    /// or the score cannot vary.
    pub uncertainty: Option<f64>,
}

impl Score {
    /// A score with its standard deviation. A deviation that is 0 or not finite counts as not known.
    pub fn new(kind: ScoreKind, value: f64, uncertainty: f64) -> Self {
        // A deviation of the size of rounding errors counts as 0.
        let least = 1e-12 * value.abs();
        let known = uncertainty.is_finite() && uncertainty > least;
        Self {
            kind,
            value,
            uncertainty: known.then_some(uncertainty),
        }
    }
}
