//! Images together with their features and class logits by a feature network.

use crate::{FeatureNetwork, FeatureNetworkError, Features, ImageSet, MetricError};
use candle_core::{DType, Tensor};

/// Why images have no features.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingError {
    /// The network does not accept them.
    #[error(transparent)]
    Network(#[from] FeatureNetworkError),
    /// The features cannot be scored.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

/// A set of images, their features and, from a classifier, the logits of their classes.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The images.
    pub images: ImageSet,
    /// `[n, dimensions]`
    pub features: Features,
    /// `[n, classes]`
    pub logits: Option<Features>,
}

impl Embedding {
    /// Runs the network over `images`.
    ///
    /// # Errors
    /// When the network does not accept the images, or fails.
    pub fn new(network: &FeatureNetwork, images: ImageSet) -> Result<Self, EmbeddingError> {
        let (mut features, mut logits) = (Vec::new(), Vec::new());
        for block in images.blocks() {
            let activations = network.activations(&block?)?;
            append(&mut features, &activations.features)?;
            if let Some(found) = &activations.logits {
                append(&mut logits, found)?;
            }
        }
        let classes = network.header().classes;
        let logits = classes.map(|classes| Features::new(images.name(), logits, classes));
        Ok(Self {
            features: Features::new(images.name(), features, network.dimensions())?,
            logits: logits.transpose()?,
            images,
        })
    }

    /// Each image's most likely class, the first of equals; `None` without a classifier.
    pub fn classes(&self) -> Option<Vec<usize>> {
        self.likeliest(|_| true)
    }

    /// The number of images in each class, counting only classes of which `data` has images; `None` without
    /// a classifier or for another number of classes.
    pub fn class_counts(&self, data: &[usize]) -> Option<Vec<usize>> {
        let mut counts = vec![0; self.logits.as_ref()?.dimensions()];
        if counts.len() != data.len() {
            return None;
        }
        for class in self.likeliest(|class| data[class] > 0)? {
            counts[class] += 1;
        }
        Some(counts)
    }

    /// Each image's most likely class among the `known` ones.
    fn likeliest(&self, known: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        let logits = self.logits.as_ref()?;
        let known: Vec<usize> = (0..logits.dimensions()).filter(|c| known(*c)).collect();
        let (first, others) = known.split_first()?;
        let better = |row: &[f64], best, class| if row[class] > row[best] { class } else { best };
        let likeliest = |row: &[f64]| {
            others
                .iter()
                .fold(*first, |best, class| better(row, best, *class))
        };
        Some(logits.rows().map(likeliest).collect())
    }
}

fn append(values: &mut Vec<f64>, block: &Tensor) -> candle_core::Result<()> {
    values.extend(
        block
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?,
    );
    Ok(())
}
