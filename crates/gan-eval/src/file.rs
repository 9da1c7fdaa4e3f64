//! `evaluation.json`: the scores of one set of images, with everything that they depend on.

use crate::{ClassHistogram, Control, DataFacts, EvalError, FeatureFacts, PROTOCOL, SubjectFacts};
use gan_core::{read_regular, write_atomically};
use gan_metrics::{Score, ScoreKind};
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::io::Write;
use std::path::Path;

/// The format that is written. A reader refuses any other.
const FORMAT_VERSION: u32 = 2;

/// Everything that an evaluation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvaluationFile {
    evaluation_format_version: u32,
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// What was scored.
    pub subject: SubjectFacts,
    /// The data that it was scored against.
    pub data: DataFacts,
    /// The features used.
    pub features: FeatureFacts,
    /// Images scored, under each seed.
    pub count: usize,
    /// The generator's seeds; empty for images from a file.
    pub seeds: Vec<u64>,
    /// Means over the seeds; with one seed, its scores.
    pub scores: Vec<Score>,
    /// In the order of the seeds.
    pub scores_by_seed: Vec<Vec<Score>>,
    /// Scores of images whose quality is known.
    pub controls: Vec<Control>,
    /// Each class's share of the generated images, and of the data.
    pub classes: Option<ClassHistogram>,
    /// For a class-conditional generator: each class's name and its share of the requested images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<(String, f64)>>,
    /// What could not be scored and why.
    pub notes: Vec<String>,
}

impl EvaluationFile {
    /// An evaluation without scores yet.
    pub(crate) fn new(subject: SubjectFacts, data: DataFacts, features: FeatureFacts) -> Self {
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

    /// One of the scores.
    pub fn score(&self, kind: ScoreKind) -> Option<Score> {
        self.scores.iter().copied().find(|score| score.kind == kind)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), EvalError> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let written = write_atomically(path, |out| out.write_all(text.as_bytes()));
        written.map_err(|source| EvalError::Write {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Reads an evaluation.
    ///
    /// # Errors
    /// When the file is not an evaluation, or one of another format.
    pub fn read(path: &Path) -> Result<Self, EvalError> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(default)]
            kind: Option<String>,
            #[serde(default)]
            evaluation_format_version: Option<u32>,
        }
        let wrong = |found: String, expected: String| EvalError::File {
            path: path.to_path_buf(),
            found,
            expected,
        };
        let damaged = |error: &dyn Display| {
            wrong(
                format!("not a readable evaluation ({error})"),
                "an evaluation.json that `evaluate` wrote, or a run folder with one".to_string(),
            )
        };
        let bytes = read_regular(path).map_err(|error| damaged(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| damaged(&error))?;
        let version: Version = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        if let Some(kind) = version.kind {
            let expected = "one of images; evaluations of images and of text cannot be compared";
            return Err(wrong(
                format!("an evaluation of {kind}"),
                expected.to_string(),
            ));
        }
        let Some(found) = version.evaluation_format_version else {
            return Err(damaged(&"it has no format version"));
        };
        if found != FORMAT_VERSION {
            return Err(wrong(
                format!("an evaluation of format version {found}"),
                format!("{FORMAT_VERSION}; evaluate the images again with this version"),
            ));
        }
        serde_json::from_str(&text).map_err(|error| damaged(&error))
    }
}
