//! The feature network that a data set is scored with, and where it comes from.

use super::{FeatureFacts, SCORE_SEED};
use crate::config::DataConfig;
use crate::data_arguments::train_classifier_command;
use crate::exit::WrongUse;
use anyhow::Result;
use gan_core::Seed;
use gan_metrics::{Draw, FeatureNetwork, FeatureNetworkKind, ImageSet};
use std::path::{Path, PathBuf};

/// The random network's weights are the same in every evaluation.
const RANDOM_FEATURES_SEED: Seed = Seed(0);

/// How many training images its features are whitened by.
const RANDOM_FEATURES_IMAGES: usize = 10_000;

/// A feature network, and what is known about it.
pub(crate) struct FeatureSource {
    pub(crate) network: FeatureNetwork,
    path: Option<PathBuf>,
    /// Whether its classes are those of the data.
    pub(crate) knows_classes: bool,
    pub(crate) notes: Vec<String>,
}

impl FeatureSource {
    /// The network in `chosen`, or the one beside the data set, or a random one.
    /// training_sha256: of the training images; the network beside them must be trained on these.
    pub(crate) fn open(
        chosen: Option<&Path>,
        data: &DataConfig,
        training: &ImageSet,
        training_sha256: &str,
    ) -> Result<Self> {
        let beside = data.feature_network();
        let path = match chosen {
            Some(path) => Some(path.to_path_buf()),
            None => beside.exists().then_some(beside),
        };
        let Some(path) = path else {
            return Self::random(data, training);
        };
        let network = FeatureNetwork::load(&path)?;
        check_shape(&network, &path, data, training)?;
        let learnt_from = network.header().data_sha256.as_deref();
        let same = learnt_from == Some(training_sha256);
        if !same && chosen.is_none() {
            return Err(stale(&path, learnt_from, data, training_sha256).into());
        }
        let mut notes = Vec::new();
        if let Some(accuracy) = network.header().test_accuracy.filter(|share| *share < 0.5) {
            notes.push(format!(
                "{}: classifies only {:.1} % of held-out images correctly, so its scores, especially of \
                 classes, mean little.",
                path.display(),
                100.0 * accuracy
            ));
        }
        if !same {
            notes.push(format!(
                "{}: was not trained on the training images of {}, so its classes may differ: no scores \
                 of classes.",
                path.display(),
                data.folder().display()
            ));
        }
        Ok(Self {
            network,
            path: Some(path),
            knows_classes: same,
            notes,
        })
    }

    /// An untrained network with random weights.
    fn random(data: &DataConfig, training: &ImageSet) -> Result<Self> {
        let network = FeatureNetwork::random(training.shape(), RANDOM_FEATURES_SEED)?;
        network.whiten_by(&training.draw(
            Draw::Whitening,
            RANDOM_FEATURES_IMAGES,
            SCORE_SEED,
        )?)?;
        let note = format!(
            "The features are those of a random network, since {} does not exist: distances in them \
             mean less, and there are no classes. For labelled images, train a network with `{}`.",
            data.feature_network().display(),
            train_classifier_command(data),
        );
        Ok(Self {
            network,
            path: None,
            knows_classes: false,
            notes: vec![note],
        })
    }

    pub(crate) fn facts(&self) -> Result<FeatureFacts> {
        let header = self.network.header();
        Ok(FeatureFacts {
            path: self.path.clone(),
            kind: header.kind,
            sha256: self.network.sha256()?,
            dimensions: self.network.dimensions(),
            test_accuracy: header.test_accuracy,
            test_images: header.test_images,
        })
    }
}

impl FeatureFacts {
    /// What the features are and how good they are, in one line.
    pub(crate) fn in_words(&self) -> String {
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

fn check_shape(
    network: &FeatureNetwork,
    path: &Path,
    data: &DataConfig,
    training: &ImageSet,
) -> Result<()> {
    let (found, expected) = (network.header().image_shape, training.shape());
    if found == expected {
        return Ok(());
    }
    Err(WrongUse(format!(
        "{}: takes images {found}, expected {expected} as in the data set; train one with `{}`",
        path.display(),
        train_classifier_command(data),
    ))
    .into())
}

/// The error that the network beside a data set was trained on other images.
fn stale(path: &Path, learnt_from: Option<&str>, data: &DataConfig, training: &str) -> WrongUse {
    let (path, folder) = (path.display(), data.folder().display());
    let learnt_from = learnt_from.unwrap_or("not known");
    WrongUse(format!(
        "{path}: was trained on other images: their SHA-256 is {learnt_from}, that of the training \
         images of {folder} is {training}. Train it again with `{}`, remove it to score in random \
         features, or name it with --features",
        train_classifier_command(data),
    ))
}
