//! What an evaluation says about the images, the data set and the features.

use gan_metrics::{FeatureNetworkKind, RealImages};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What was scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubjectFacts {
    /// Where it is.
    pub path: PathBuf,
    /// `run`, `generator`, `npy` or `folder`.
    pub kind: String,
    /// Training steps of a generator.
    pub step: Option<u64>,
}

/// The data that it was scored against.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Where they are.
    pub path: PathBuf,
    /// How many images are there to train on.
    pub training_images: usize,
    /// SHA-256 of these.
    pub training_sha256: String,
    /// How many images are held out.
    pub held_out_images: usize,
    /// SHA-256 of the held-out images, where there are any.
    pub held_out_sha256: Option<String>,
    /// The images that distances between distributions are measured to.
    pub against: RealImages,
    /// How many of them.
    pub real_images: usize,
    /// How many published training images were kept apart to choose by.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub validation_images: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// The features used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeatureFacts {
    /// The network's file; none of a random network.
    pub path: Option<PathBuf>,
    /// Whether the network was trained.
    pub kind: FeatureNetworkKind,
    /// SHA-256 of its tensors.
    pub sha256: String,
    /// How many features an image has.
    pub dimensions: usize,
    /// The share of held-out images that a classifier classifies correctly.
    pub test_accuracy: Option<f64>,
    /// The number of these held-out images.
    pub test_images: Option<usize>,
}

/// How the images are distributed over the classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassHistogram {
    /// The classes' names.
    pub names: Vec<String>,
    /// Each class's share of the generated images.
    pub generated: Vec<f64>,
    /// And of the data.
    pub data: Vec<f64>,
}

impl FeatureFacts {
    /// What the features are and how good they are, in one line.
    pub fn in_words(&self) -> String {
        let path = self.path.as_deref().unwrap_or(Path::new("")).display();
        let dimensions = self.dimensions;
        match (self.kind, self.test_accuracy, self.test_images) {
            (FeatureNetworkKind::Random, ..) => {
                format!("{dimensions} activations of a random, untrained network")
            }
            (_, Some(accuracy), images) => format!(
                "{dimensions} activations of the classifier {path}, which classifies {:.2} % of {}\
                 held-out images correctly",
                100.0 * accuracy,
                images.map_or(String::new(), |images| format!("{images} ")),
            ),
            (_, None, _) => format!(
                "{dimensions} activations of the classifier {path}, whose accuracy was not measured"
            ),
        }
    }
}

/// The most classes that one line names.
const LISTED_CLASSES: usize = 40;

impl ClassHistogram {
    /// Each class's share of the images and of the data, on one line.
    pub fn in_words(&self) -> String {
        let shares = self.generated.iter().zip(&self.data).zip(&self.names);
        let shares: Vec<String> = shares
            .map(|((generated, data), name)| {
                format!("{name} {:.1} ({:.1})", 100.0 * generated, 100.0 * data)
            })
            .collect();
        let more = match shares.len().saturating_sub(LISTED_CLASSES) {
            0 => String::new(),
            more => format!(", … and {more} more"),
        };
        let listed = shares.into_iter().take(LISTED_CLASSES).collect::<Vec<_>>();
        format!(
            "Classes, % of images (of the data): {}{more}",
            listed.join(", ")
        )
    }
}
