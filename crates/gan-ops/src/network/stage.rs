//! A stage of a network: a map, and what follows it part by part while the part is in a thread's cache.

use super::weight::WeightVar;
use crate::element::{Element, with_slice};
use crate::features::{Features, Size};
use crate::kernels::product::Product;
use crate::kernels::sliding::Sliding;
use crate::ops::activation::Activation;
use crate::ops::batch_norm::BatchNorm;
use crate::ops::classes::{Append, First, Logit, ToClass};
use crate::ops::convolution::Convolve;
use crate::ops::dropout::Factors;
use crate::ops::linear::Adjoint;
use crate::ops::maxout::{Chosen, Largest, ToChosen};
use crate::ops::resampling::{Gather, Resampling, Spread};
use crate::ops::reshape::Reshape;
use crate::ops::{Labels, Map, Point};
use crate::scratch::Scratch;
use candle_core::{Result, Var};
use gan_core::Source;

/// activation(norm(map(x) + bias) + shortcut)
pub(crate) struct Stage {
    pub(crate) input: Source,
    pub(crate) map: StageMap,
    pub(crate) bias: Option<Var>,
    pub(crate) norm: Option<BatchNorm>,
    pub(crate) shortcut: Option<Source>,
    pub(crate) activation: Activation,
    pub(crate) input_size: Size,
    pub(crate) size: Size,
}

/// What a stage does first.
pub(crate) enum StageMap {
    /// A weight `[o, i]`.
    Linear(WeightVar),
    /// Convolution.
    Shrinking(WeightVar, Sliding),
    /// Transposed convolution.
    Enlarging(WeightVar, Sliding),
    Pooling(Resampling),
    Upsampling(Resampling),
    /// The same numbers in another shape, or in the same one.
    Reshape,
    /// So many pieces.
    Maxout(usize),
    /// With the probability to be kept.
    Dropout(f64),
    AppendClass,
    ClassLogit,
}

impl StageMap {
    pub(crate) fn weight(&self) -> Option<&WeightVar> {
        match self {
            Self::Linear(weight) | Self::Shrinking(weight, _) | Self::Enlarging(weight, _) => {
                Some(weight)
            }
            _ => None,
        }
    }
}

/// A way through a stage's map.
pub(crate) enum Way<'a, T> {
    /// From the input to the output.
    Forward {
        /// Dropout's factors, in training.
        mask: Option<&'a Features<T>>,
        labels: &'a Labels,
        /// Whether all examples are in the first half of one line, and nobody reads the other.
        half: bool,
    },
    /// From a tangent at the input to the one at the output.
    Tangent(&'a Point<'a, T>),
    /// From a gradient by the output to the one by the input.
    Adjoint(&'a Point<'a, T>),
}

impl Stage {
    /// Calls `f` with the map and the weight that is in force now.
    pub(crate) fn with_map<T: Element, R>(
        &self,
        way: &Way<'_, T>,
        scratch: &Scratch<T>,
        f: impl FnOnce(&dyn Map<T>) -> Result<R>,
    ) -> Result<R> {
        match self.map.weight() {
            None => f(&*self.map_with(&[], way, scratch)),
            Some(weight) => with_slice::<T, _>(weight.in_force(), |weight| {
                f(&*self.map_with(weight, way, scratch))
            }),
        }
    }

    fn map_with<'a, T: Element>(
        &'a self,
        weight: &'a [T],
        way: &'a Way<'a, T>,
        scratch: &'a Scratch<T>,
    ) -> Box<dyn Map<T> + 'a> {
        let (from, to) = (self.input_size, self.size);
        let half = matches!(way, Way::Forward { half: true, .. });
        let product = Product {
            weight,
            outputs: to.channels,
            inputs: from.channels,
            half,
        };
        let convolve = |correlation| {
            Box::new(Convolve {
                correlation,
                half,
                scratch,
            })
        };
        match (&self.map, way) {
            (StageMap::Reshape, Way::Forward { .. } | Way::Tangent(_)) => {
                Box::new(Reshape { from, to })
            }
            (StageMap::Reshape, Way::Adjoint(_)) => Box::new(Reshape { from: to, to: from }),
            (StageMap::Linear(_), Way::Adjoint(_)) => Box::new(Adjoint { product, scratch }),
            (StageMap::Linear(_), _) => Box::new(product),
            (StageMap::Shrinking(_, sliding), Way::Adjoint(_))
            | (StageMap::Enlarging(_, sliding), Way::Forward { .. } | Way::Tangent(_)) => {
                convolve(sliding.enlarging(weight))
            }
            (StageMap::Shrinking(_, sliding) | StageMap::Enlarging(_, sliding), _) => {
                convolve(sliding.shrinking(weight))
            }
            (StageMap::Pooling(sizes), Way::Adjoint(_)) => Box::new(Spread(*sizes, sizes.mean())),
            (StageMap::Pooling(sizes), _) => Box::new(Gather(*sizes, sizes.mean())),
            (StageMap::Upsampling(sizes), Way::Adjoint(_)) => Box::new(Gather(*sizes, 1.0)),
            (StageMap::Upsampling(sizes), _) => Box::new(Spread(*sizes, 1.0)),
            (StageMap::Maxout(pieces), Way::Forward { .. }) => {
                Box::new(Largest { pieces: *pieces })
            }
            (StageMap::Maxout(pieces), Way::Tangent(point)) => Box::new(Chosen {
                pieces: *pieces,
                point,
            }),
            (StageMap::Maxout(pieces), Way::Adjoint(point)) => Box::new(ToChosen {
                pieces: *pieces,
                point,
            }),
            (StageMap::Dropout(_), Way::Forward { mask, .. }) => Box::new(Factors {
                mask: *mask,
                first: 0,
            }),
            (StageMap::Dropout(_), Way::Tangent(point) | Way::Adjoint(point)) => {
                Box::new(Factors {
                    mask: point.mask,
                    first: point.lines.start,
                })
            }
            (StageMap::AppendClass, Way::Forward { labels, .. }) => Box::new(Append {
                labels: Some(labels),
            }),
            (StageMap::AppendClass, Way::Tangent(_)) => Box::new(Append { labels: None }),
            (StageMap::AppendClass, Way::Adjoint(_)) => Box::new(First),
            (StageMap::ClassLogit, Way::Forward { labels, .. }) => Box::new(Logit {
                labels,
                lines: 0..0,
            }),
            (StageMap::ClassLogit, Way::Tangent(point)) => Box::new(Logit {
                labels: point.labels,
                lines: point.lines.clone(),
            }),
            (StageMap::ClassLogit, Way::Adjoint(point)) => Box::new(ToClass {
                labels: point.labels,
                lines: point.lines.clone(),
            }),
        }
    }
}
