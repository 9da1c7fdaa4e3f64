//! The data set that images are scored against, in the features of its network.

use super::cache::Cache;
use super::controls;
use super::{ClassShares, DataFacts, FeatureFacts, Progress};
use crate::commands::program;
use crate::config::DataConfig;
use crate::exit::WrongUse;
use anyhow::Result;
use gan_core::Seed;
use gan_data::{DataError, Dataset, Split};
use gan_metrics::{
    Embedding, Evaluation, FeatureNetwork, ImageSet, Metric, Reference, TrainingReference,
};
use std::path::{Path, PathBuf};

/// The random network's weights are the same in every evaluation.
const RANDOM_FEATURES_SEED: Seed = Seed(0);

/// Training images that its features are whitened by.
const RANDOM_FEATURES_IMAGES: usize = 10_000;

/// Everything of a data set that evaluations of its imitations need.
pub(crate) struct DataReference {
    pub(crate) network: FeatureNetwork,
    pub(crate) reference: Reference,
    pub(crate) training_images: ImageSet,
    pub(crate) class_names: Vec<String>,
    pub(crate) cache: Cache,
    /// Images that are scored, and the most real ones that they are compared with.
    pub(crate) count: usize,
    pub(crate) facts: (DataFacts, FeatureFacts),
    pub(crate) notes: Vec<String>,
}

/// Where the features come from.
pub(crate) struct FeatureSource {
    network: FeatureNetwork,
    path: Option<PathBuf>,
}

impl FeatureSource {
    /// The network in `path`, or the one beside the data set, or one that knows nothing.
    pub(crate) fn open(
        path: Option<&Path>,
        data: &DataConfig,
        training: &ImageSet,
    ) -> Result<Self> {
        let shape = training.shape();
        let beside = data.feature_network();
        let path = match path {
            Some(path) => Some(path.to_path_buf()),
            None => beside.exists().then_some(beside),
        };
        let network = match &path {
            Some(path) => FeatureNetwork::load(path)?,
            None => {
                let network = FeatureNetwork::random(shape, RANDOM_FEATURES_SEED)?;
                network.whiten_by(&first(training, RANDOM_FEATURES_IMAGES)?)?;
                network
            }
        };
        if network.header().image_shape != shape {
            return Err(WrongUse(format!(
                "{}: takes images {}, expected {shape} as the data set's; train one with `{} \
                 train-classifier --data {}`",
                path.unwrap_or_default().display(),
                network.header().image_shape,
                program(),
                data.path.display(),
            ))
            .into());
        }
        Ok(Self { network, path })
    }

    /// What to know of features that no classifier made.
    fn note(&self, data: &DataConfig) -> Option<String> {
        self.path.is_none().then(|| {
            format!(
                "The features are those of a random network, since {} is not there: distances in \
                 them say less, and there are no classes. Labelled images get a network by \
                 `train-classifier`.",
                data.feature_network().display()
            )
        })
    }

    fn facts(&self) -> Result<FeatureFacts> {
        let header = self.network.header();
        Ok(FeatureFacts {
            path: self.path.clone(),
            kind: header.kind,
            sha256: self.network.sha256()?,
            dimensions: self.network.dimensions(),
            test_accuracy: header.test_accuracy,
        })
    }
}

impl DataReference {
    /// Reads the data set and prepares what `metrics` of `count` images need.
    pub(crate) fn open(
        config: &DataConfig,
        features: Option<&Path>,
        count: usize,
        metrics: &[Metric],
        progress: &Progress,
    ) -> Result<Self> {
        config.check_images("scores")?;
        let training = config.open(Split::Train)?;
        let (held_out, mut notes) = held_out(config)?;
        let training_images = image_set("training images", &training)?;
        let source = FeatureSource::open(features, config, &training_images)?;
        notes.extend(source.note(config));
        let feature_facts = source.facts()?;
        let data_facts = DataFacts {
            path: config.path.clone(),
            training_sha256: training.sha256(),
            held_out_sha256: held_out.as_ref().map(Dataset::sha256),
            real_images: held_out.as_ref().unwrap_or(&training).len().min(count),
        };
        let mut parts = Parts {
            network: &source.network,
            cache: Cache::open(
                &config.path,
                &[
                    &data_facts.training_sha256,
                    data_facts.held_out_sha256.as_deref().unwrap_or_default(),
                    &feature_facts.sha256,
                    &count.to_string(),
                ],
            ),
            progress,
        };
        let real = match &held_out {
            Some(data) => first(&image_set("held-out images", data)?, count)?,
            None => first(&training_images, count)?,
        };
        progress.expect(1);
        let real = parts.embed("held_out", real)?;
        let wants_training =
            |metric: &Metric| matches!(metric, Metric::Memorization | Metric::Parzen);
        let mut training_reference = None;
        if held_out.is_some() && metrics.iter().any(wants_training) {
            progress.expect(2);
            training_reference = Some(parts.training(&training_images, &real)?);
        }
        parts.cache.save()?;
        let cache = parts.cache;
        let missing = controls::missing(&cache, metrics);
        progress.expect(missing.iter().map(|(_, metrics)| metrics.len()).sum());

        let classes = source.network.header().classes;
        let labelled = training.labels().is_some() && classes == Some(training.class_count());
        let class_counts = labelled.then(|| training.images_per_class());
        let reference = Reference::new(real, class_counts, training_reference);
        for metric in metrics {
            if let Some(reason) = reference.unavailable(*metric) {
                notes.push(format!("No scores of {metric:?}: it {reason}."));
            }
        }
        Ok(Self {
            cache,
            class_names: class_names(&training),
            network: source.network,
            reference,
            training_images,
            count,
            facts: (data_facts, feature_facts),
            notes,
        })
    }
}

impl DataReference {
    /// As many training images as are scored.
    pub(crate) fn first_training_images(&self) -> Result<ImageSet> {
        first(&self.training_images, self.count)
    }

    /// How images spread over the classes, by the classes' names.
    pub(crate) fn class_shares(&self, evaluation: &Evaluation) -> Option<ClassShares> {
        evaluation.modes.as_ref().map(|modes| ClassShares {
            names: self.class_names.clone(),
            generated: modes.generated_shares.clone(),
            data: modes.data_shares.clone(),
        })
    }
}

/// The test split; without one, none and a note.
fn held_out(config: &DataConfig) -> Result<(Option<Dataset>, Vec<String>)> {
    let path = config.path.display();
    let error = match gan_data::open(&config.path, &config.image_folder_options()?, Split::Test) {
        Ok(data) if data.len() >= 2 => return Ok((Some(data), Vec::new())),
        Ok(data) => format!("a test split of {} image", data.len()),
        Err(DataError::Folder { found, .. }) => found,
        Err(error) => return Err(error.into()),
    };
    let note = format!(
        "{path}: {error}. Real images are the training images, so that scores cannot tell learning \
         from copying."
    );
    Ok((None, vec![note]))
}

fn image_set(name: &str, data: &Dataset) -> Result<ImageSet> {
    let images = ImageSet::from_bytes(name, data.shape(), data.pixels())?;
    Ok(match data.labels() {
        Some(labels) => images.with_labels(labels.to_vec())?,
        None => images,
    })
}

/// The first `count` images, or all where there are fewer.
fn first(images: &ImageSet, count: usize) -> Result<ImageSet> {
    let pixels = images.images().take(count).flatten().copied().collect();
    let first = ImageSet::new(images.name(), images.shape(), pixels)?;
    Ok(match images.labels() {
        Some(labels) => first.with_labels(labels.iter().take(count).copied().collect())?,
        None => first,
    })
}

fn class_names(data: &Dataset) -> Vec<String> {
    match data.class_names() {
        Some(names) => names.to_vec(),
        None => (0..data.class_count())
            .map(|class| class.to_string())
            .collect(),
    }
}

/// What makes features and distances, or finds them in the cache.
struct Parts<'a> {
    network: &'a FeatureNetwork,
    cache: Cache,
    progress: &'a Progress,
}

impl Parts<'_> {
    fn embed(&mut self, name: &str, images: ImageSet) -> Result<Embedding> {
        let (features, logits) = (format!("{name}.features"), format!("{name}.logits"));
        let known = |tensor: &str| self.cache.features(tensor, images.name(), images.count());
        let found = (known(&features), known(&logits));
        let embedding = match found {
            (Some(features), logits)
                if logits.is_some() == self.network.header().classes.is_some() =>
            {
                Embedding {
                    images,
                    features,
                    logits,
                }
            }
            _ => {
                self.progress
                    .begin(&format!("features of {}", images.name()));
                let embedding = Embedding::new(self.network, images)?;
                self.cache.keep_features(&features, &embedding.features)?;
                if let Some(found) = &embedding.logits {
                    self.cache.keep_features(&logits, found)?;
                }
                embedding
            }
        };
        self.progress.done();
        Ok(embedding)
    }

    fn training(&mut self, images: &ImageSet, held_out: &Embedding) -> Result<TrainingReference> {
        let training = self.embed("training", images.clone())?;
        let count = held_out.images.count();
        let known = |name: &str| self.cache.neighbors(name, count);
        let (pixels, features) = ("held_out_by_pixels", "held_out_by_features");
        let reference = match (known(pixels), known(features)) {
            (Some(held_out_by_pixels), Some(held_out_by_features)) => TrainingReference {
                images: training.images,
                features: training.features,
                held_out_by_pixels,
                held_out_by_features,
            },
            _ => {
                self.progress
                    .begin("distances of held-out images to training images");
                let reference = TrainingReference::new(training, held_out)?;
                self.cache
                    .keep_neighbors(pixels, &reference.held_out_by_pixels)?;
                self.cache
                    .keep_neighbors(features, &reference.held_out_by_features)?;
                reference
            }
        };
        self.progress.done();
        Ok(reference)
    }
}
