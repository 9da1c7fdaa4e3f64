//! `evaluation.json`: the scores of one set of images, with everything that they depend on.

use super::PROTOCOL;
use super::controls::Control;
use crate::best_files::generator_step;
use crate::exit::WrongUse;
use crate::run_folder::RunFolder;
use anyhow::{Context, Result};
use gan_core::{read_regular, write_atomically};
use gan_metrics::{FeatureNetworkKind, RealImages, Score, ScoreKind};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The format that is written. A reader refuses any other.
const FORMAT_VERSION: u32 = 2;

/// Everything that an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EvaluationFile {
    evaluation_format_version: u32,
    /// See [`PROTOCOL`].
    pub(crate) protocol: u32,
    pub(crate) subject: SubjectFacts,
    pub(crate) data: DataFacts,
    pub(crate) features: FeatureFacts,
    /// Images scored, under each seed.
    pub(crate) count: usize,
    /// The generator's seeds; empty for images from a file.
    pub(crate) seeds: Vec<u64>,
    /// Means over the seeds; with one seed, its scores.
    pub(crate) scores: Vec<Score>,
    /// In the order of the seeds.
    pub(crate) scores_by_seed: Vec<Vec<Score>>,
    pub(crate) controls: Vec<Control>,
    /// Each class's share of the generated images, and of the data.
    pub(crate) classes: Option<ClassHistogram>,
    /// For a class-conditional generator: each class's name and its share of the requested images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) conditions: Option<Vec<(String, f64)>>,
    /// What could not be scored and why.
    pub(crate) notes: Vec<String>,
}

/// What was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SubjectFacts {
    pub(crate) path: PathBuf,
    /// `run`, `generator`, `npy` or `folder`.
    pub(crate) kind: String,
    /// Training steps of a generator.
    pub(crate) step: Option<u64>,
}

/// The data that it was scored against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataFacts {
    pub(crate) path: PathBuf,
    pub(crate) training_images: usize,
    pub(crate) training_sha256: String,
    pub(crate) held_out_images: usize,
    /// SHA-256 of the held-out images, where there are any.
    pub(crate) held_out_sha256: Option<String>,
    /// The images that distances between distributions are measured to.
    pub(crate) against: RealImages,
    /// How many of them.
    pub(crate) real_images: usize,
}

/// The features used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FeatureFacts {
    pub(crate) path: Option<PathBuf>,
    pub(crate) kind: FeatureNetworkKind,
    pub(crate) sha256: String,
    pub(crate) dimensions: usize,
    /// The share of held-out images that a classifier classifies correctly.
    pub(crate) test_accuracy: Option<f64>,
    /// The number of these held-out images.
    pub(crate) test_images: Option<usize>,
}

/// How the images are distributed over the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClassHistogram {
    pub(crate) names: Vec<String>,
    pub(crate) generated: Vec<f64>,
    pub(crate) data: Vec<f64>,
}

impl EvaluationFile {
    /// An evaluation without scores yet.
    pub(crate) fn new(subject: SubjectFacts, (data, features): (DataFacts, FeatureFacts)) -> Self {
        Self {
            evaluation_format_version: FORMAT_VERSION,
            protocol: PROTOCOL,
            subject,
            data,
            features,
            count: 0,
            seeds: Vec::new(),
            scores: Vec::new(),
            scores_by_seed: Vec::new(),
            controls: Vec::new(),
            classes: None,
            conditions: None,
            notes: Vec::new(),
        }
    }

    pub(crate) fn score(&self, kind: ScoreKind) -> Option<Score> {
        self.scores.iter().copied().find(|score| score.kind == kind)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        write_atomically(path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
    }

    /// The evaluation of a run. One of an earlier state of the generator is said to be one.
    pub(crate) fn read_of(run: &RunFolder) -> Result<Self> {
        let file = Self::read(&run.evaluation())?;
        if let (Some(scored), Some(step)) = (file.subject.step, generator_step(&run.generator()))
            && scored != step
        {
            tracing::warn!(
                "{}: the evaluation is of the generator after {scored} steps, which has done {} now; \
                 run `evaluate` again",
                run.path().display(),
                step
            );
        }
        Ok(file)
    }

    pub(crate) fn read(path: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        struct Version {
            evaluation_format_version: u32,
        }
        let wrong = |text: String| WrongUse(format!("{}: {text}", path.display()));
        let damaged = |error: &dyn Display| {
            wrong(format!(
                "not a readable evaluation ({error}), expected an evaluation.json that \
                 `evaluate` wrote, or a run folder with one"
            ))
        };
        let bytes = read_regular(path).map_err(|error| damaged(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| damaged(&error))?;
        let version: Version = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        if version.evaluation_format_version != FORMAT_VERSION {
            let found = version.evaluation_format_version;
            return Err(wrong(format!(
                "an evaluation of format version {found}, expected {FORMAT_VERSION}; evaluate the \
                 images again with this version"
            ))
            .into());
        }
        Ok(serde_json::from_str(&text).map_err(|error| damaged(&error))?)
    }
}
