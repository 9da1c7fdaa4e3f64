//! The feature network that a data set is scored with, and where it comes from.

use crate::{EvalError, FeatureFacts, Request, SCORE_SEED};
use gan_core::Seed;
use gan_metrics::{Draw, FeatureNetwork, ImageSet};
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
    /// training_sha256: of the training images; the network beside them must be trained on these, or on these and the
    /// validation images.
    pub(crate) fn open(
        request: &Request<'_>,
        training: &ImageSet,
        training_sha256: &str,
    ) -> Result<Self, EvalError> {
        let beside = Some(request.feature_network).filter(|path| path.exists());
        let Some(path) = request.features.or(beside) else {
            return Self::random(request, training);
        };
        let network = FeatureNetwork::load(path)?;
        check_shape(&network, path, request, training)?;
        let learnt_from = network.header().data_sha256.as_deref();
        let published = request
            .validation
            .map(|found| found.published_sha256.as_str());
        let same = learnt_from == Some(training_sha256)
            || (learnt_from.is_some() && learnt_from == published);
        if !same && request.features.is_none() {
            return Err(stale(path, learnt_from, request, training_sha256));
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
                request.path.display()
            ));
        }
        Ok(Self {
            network,
            path: Some(path.to_path_buf()),
            knows_classes: same,
            notes,
        })
    }

    /// An untrained network with random weights.
    fn random(request: &Request<'_>, training: &ImageSet) -> Result<Self, EvalError> {
        let network = FeatureNetwork::random(training.shape(), RANDOM_FEATURES_SEED)?;
        network.whiten_by(&training.draw(
            Draw::Whitening,
            RANDOM_FEATURES_IMAGES,
            SCORE_SEED,
        )?)?;
        let note = format!(
            "The features are those of a random network, since {} does not exist: distances in them \
             mean less, and there are no classes. For labelled images, train a network with `{}`.",
            request.feature_network.display(),
            request.how_to_train,
        );
        Ok(Self {
            network,
            path: None,
            knows_classes: false,
            notes: vec![note],
        })
    }

    pub(crate) fn facts(&self) -> Result<FeatureFacts, EvalError> {
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

fn check_shape(
    network: &FeatureNetwork,
    path: &Path,
    request: &Request<'_>,
    training: &ImageSet,
) -> Result<(), EvalError> {
    let (found, expected) = (network.header().image_shape, training.shape());
    if found == expected {
        return Ok(());
    }
    Err(EvalError::Features {
        path: path.to_path_buf(),
        found: format!("takes images {found}, expected {expected} as in the data set"),
        advice: format!("train one with `{}`", request.how_to_train),
    })
}

/// The error that the network beside a data set was trained on other images.
fn stale(
    path: &Path,
    learnt_from: Option<&str>,
    request: &Request<'_>,
    training: &str,
) -> EvalError {
    let learnt_from = learnt_from.unwrap_or("not known");
    EvalError::Features {
        path: path.to_path_buf(),
        found: format!(
            "was trained on other images: their SHA-256 is {learnt_from}, that of the training images of {} \
             is {training}",
            request.path.display()
        ),
        advice: format!(
            "train it again with `{}`, remove it to score in random features, or name it as `protocol.features`",
            request.how_to_train
        ),
    }
}
