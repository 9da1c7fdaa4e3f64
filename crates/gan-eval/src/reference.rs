//! The data set that images are scored against, in the features of its network.

use crate::cache::Cache;
use crate::controls;
use crate::event::{EvalEvent, Listener};
use crate::features::FeatureSource;
use crate::{ClassHistogram, DataFacts, EvalError, FeatureFacts, SCORE_SEED};
use gan_data::{Dataset, Validation};
use gan_metrics::{
    Draw, Embedding, Evaluation, FeatureNetwork, ImageSet, Metric, ParzenReference, RealImages,
    Reference, TrainingReference,
};
use std::path::Path;

/// Fewer held-out images than this are too few for distances between distributions.
pub(crate) const LEAST_HELD_OUT: usize = 1000;

/// Validation images, or else training images, that choose the Parzen window's width.
const PARZEN_WIDTH_IMAGES: usize = 1000;

/// Everything about a data set that evaluations need.
#[derive(Debug)]
pub struct DataReference {
    /// The network whose activations are compared.
    pub network: FeatureNetwork,
    /// The real images in its features.
    pub reference: Reference,
    pub(crate) training_images: ImageSet,
    pub(crate) held_out: Option<ImageSet>,
    pub(crate) class_names: Vec<String>,
    pub(crate) cache: Cache,
    /// The number of images that are scored, and the most real ones that they are compared with.
    pub(crate) count: usize,
    /// What an evaluation says about the data.
    pub data: DataFacts,
    /// And about the features.
    pub features: FeatureFacts,
    /// What a reader of the scores should know.
    pub(crate) notes: Vec<String>,
}

/// What is to be scored against a data set.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where the data set is, for messages and files.
    pub path: &'a Path,
    /// Where its own feature network is, if one was trained.
    pub feature_network: &'a Path,
    /// The feature network to use instead.
    pub features: Option<&'a Path>,
    /// How many images are scored.
    pub count: usize,
    /// By which families of scores.
    pub metrics: &'a [Metric],
    /// Images that were kept apart to choose by.
    pub validation: Option<&'a Validation>,
    /// What to do to train a feature network, for messages.
    pub how_to_train: &'a str,
}

impl DataReference {
    /// Prepares what `request` needs from the training images and from the held-out ones, if there are
    /// any.
    ///
    /// # Errors
    /// When the feature network cannot be used or does not belong to the training images.
    pub fn new(
        training: &Dataset,
        held_out: Option<&Dataset>,
        request: &Request<'_>,
        tell: Listener<'_>,
    ) -> Result<Self, EvalError> {
        let training_images = image_set("training images", training)?;
        // A single image has no distribution.
        let held_out = held_out.filter(|data| data.len() >= 2);
        let held_out_images = held_out.map(|data| image_set("held-out images", data));
        let held_out_images = held_out_images.transpose()?;
        let training_sha256 = training.sha256();
        let source = FeatureSource::open(request, &training_images, &training_sha256)?;
        let feature_facts = source.facts()?;
        let against = match &held_out_images {
            Some(images) if images.count() >= LEAST_HELD_OUT => RealImages::HeldOut,
            _ => RealImages::Training,
        };
        let real = match (&held_out_images, against) {
            (Some(held_out), RealImages::HeldOut) => held_out,
            _ => &training_images,
        };
        let real = real.draw(Draw::Real, request.count, SCORE_SEED)?;
        let data_facts = DataFacts {
            path: request.path.to_path_buf(),
            training_images: training_images.count(),
            training_sha256,
            held_out_images: held_out_images.as_ref().map_or(0, ImageSet::count),
            held_out_sha256: held_out.map(Dataset::sha256),
            against,
            real_images: real.count(),
            validation_images: request.validation.map_or(0, |found| found.images.len()),
        };
        let mut parts = Parts {
            network: &source.network,
            cache: Cache::open(&data_facts, &feature_facts.sha256, request.count),
            tell: &mut *tell,
        };
        (parts.tell)(EvalEvent::Expect(1));
        let real = parts.embed("real", real)?;
        let wants = |metric| request.metrics.contains(&metric);
        let mut training_reference = None;
        if let Some(held_out) = &held_out_images
            && wants(Metric::Memorization)
        {
            (parts.tell)(EvalEvent::Expect(2));
            let held_out = match against {
                RealImages::HeldOut => real.clone(),
                RealImages::Training => parts.embed("held_out", held_out.clone())?,
            };
            training_reference = Some(parts.training(&training_images, &held_out)?);
        }
        let mut parzen = None;
        if let Some(held_out) = &held_out_images
            && wants(Metric::Parzen)
        {
            let scored = data_facts.held_out_sha256.as_ref();
            let may_choose = match request.validation {
                Some(validation) if Some(&validation.images.sha256()) != scored => {
                    image_set("validation images", &validation.images)?
                }
                _ => training_images.clone(),
            };
            let drawn = may_choose.draw(Draw::ParzenWidth, PARZEN_WIDTH_IMAGES, SCORE_SEED)?;
            parzen = Some(ParzenReference {
                width_images: drawn,
                held_out: match against {
                    RealImages::HeldOut => real.images.clone(),
                    RealImages::Training => held_out.clone(),
                },
            });
        }
        parts.cache.save()?;
        let cache = parts.cache;
        let labelled = training.labels().is_some() && source.knows_classes;
        let class_counts = labelled.then(|| training.images_per_class());
        let reference = Reference::new(real, against, class_counts, training_reference);
        let reference = reference.with_parzen(parzen);
        let names = 0..training.class_count();
        let reference = Self {
            cache,
            class_names: names.map(|class| training.class_name(class)).collect(),
            network: source.network,
            reference,
            training_images,
            held_out: held_out_images,
            count: request.count,
            data: data_facts,
            features: feature_facts,
            notes: source.notes,
        };
        let missing = controls::missing(&reference, request.metrics);
        let missing = missing.iter().map(|(_, metrics)| metrics.len()).sum();
        tell(EvalEvent::Expect(missing));
        Ok(reference)
    }

    /// How the images are distributed over the classes, by the classes' names.
    pub fn class_shares(&self, evaluation: &Evaluation) -> Option<ClassHistogram> {
        evaluation.modes.as_ref().map(|modes| ClassHistogram {
            names: self.class_names.clone(),
            generated: modes.generated_shares.clone(),
            data: modes.data_shares.clone(),
        })
    }
}

/// The images of a data set with their labels, without copying them.
pub(crate) fn image_set(name: &str, data: &Dataset) -> Result<ImageSet, EvalError> {
    let images = ImageSet::new(name, data.images().clone())?;
    Ok(match data.labels() {
        Some(labels) => images.with_labels(labels.to_vec())?,
        None => images,
    })
}

/// Computes features and distances, or reads them from the cache.
struct Parts<'a> {
    network: &'a FeatureNetwork,
    cache: Cache,
    tell: Listener<'a>,
}

impl Parts<'_> {
    fn embed(&mut self, name: &str, images: ImageSet) -> Result<Embedding, EvalError> {
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
                let part = format!("features of {}", images.name());
                (self.tell)(EvalEvent::Begin(&part));
                let embedding = Embedding::new(self.network, images)?;
                self.cache.keep_features(&features, &embedding.features)?;
                if let Some(found) = &embedding.logits {
                    self.cache.keep_features(&logits, found)?;
                }
                embedding
            }
        };
        (self.tell)(EvalEvent::Done);
        Ok(embedding)
    }

    fn training(
        &mut self,
        images: &ImageSet,
        held_out: &Embedding,
    ) -> Result<TrainingReference, EvalError> {
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
                let part = "distances of held-out images to training images";
                (self.tell)(EvalEvent::Begin(part));
                let reference = TrainingReference::new(training, held_out)?;
                self.cache
                    .keep_neighbors(pixels, &reference.held_out_by_pixels)?;
                self.cache
                    .keep_neighbors(features, &reference.held_out_by_features)?;
                reference
            }
        };
        (self.tell)(EvalEvent::Done);
        Ok(reference)
    }
}
