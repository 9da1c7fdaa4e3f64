//! How images are scored: how many, by which scores, under which seeds.

use crate::{EvalError, Subject};
use gan_core::Seed;
use gan_metrics::Metric;
use std::path::PathBuf;

/// Incremented when scores are computed differently, so that old figures are not taken for new ones.
/// 2: subsets are drawn by seed; generated images are rounded to bytes; class-conditional generators
/// draw classes at the data's shares; a small held-out part is not a reference of distances.
pub const PROTOCOL: u32 = 2;

/// Seed of the random numbers of subsets, bootstraps and controls, fixed so that scores of two
/// generators differ only because the generators do.
pub const SCORE_SEED: Seed = Seed(0);

/// Images that are drawn from a generator by default; the number that published scores use.
pub const DEFAULT_COUNT: usize = 10_000;

/// The same for stacks, in PacGAN's protocol (Lin et al., 2018, arXiv 1712.04086).
pub const STACKED_COUNT: usize = 26_000;

/// What an evaluation computes. The default is every score of 10,000 images of a generator, or of all
/// images of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    /// How many images are scored, at least 2. None: [`DEFAULT_COUNT`] or [`STACKED_COUNT`] of a
    /// generator, all of a file or a folder.
    pub count: Option<usize>,
    /// The families of scores; empty: all.
    pub metrics: Vec<Metric>,
    /// A generator's images are scored under the seeds 0 to this, exclusively; at least 1.
    pub seeds: u64,
    /// Whether each channel of an image is an image of the data set, whose modes are counted.
    pub stacked: bool,
    /// The feature network, if not the data set's own.
    pub features: Option<PathBuf>,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            count: None,
            metrics: Vec::new(),
            seeds: 1,
            stacked: false,
            features: None,
        }
    }
}

impl Protocol {
    /// The families of scores that are wanted.
    pub fn families(&self) -> Vec<Metric> {
        if self.stacked {
            return vec![Metric::Stacked];
        }
        let chosen = |metric: &Metric| self.metrics.is_empty() || self.metrics.contains(metric);
        Metric::ALL.into_iter().filter(chosen).collect()
    }

    /// Whether a run's discriminator is wanted.
    pub fn needs_discriminator(&self) -> bool {
        self.families().contains(&Metric::Equilibrium)
    }

    /// Whether images of this kind can be scored in this way, which is known before the data are read.
    ///
    /// # Errors
    /// When several seeds are wanted of images from a file.
    pub fn check(&self, subject: &Subject) -> Result<(), EvalError> {
        if self.seeds > 1 && !subject.is_generator() {
            return Err(EvalError::subject(
                &subject.facts.path,
                "images from a file, which do not depend on a seed",
                "a generator for `protocol.seeds`",
            ));
        }
        Ok(())
    }
}
