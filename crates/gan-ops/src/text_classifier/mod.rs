//! Classifiers of token sequences: convolutions over time, the largest value of each filter, a highway layer and
//! one logit (Kim, 2014; Yu et al., 2017), or one for each of several representations (Nie et al., 2019).

mod backward;
mod convolution;
mod counts;
mod forward;
mod prefixes;
mod representations;
mod weights;

use crate::element::{Element, for_dtype};
use crate::language::{SoftPass, TokenBatch, check_token};
use crate::scratch::Scratch;
use candle_core::{Device, Result, Tensor};
use counts::Counts;
use gan_core::ParameterStore;
use rand::{Rng, RngCore};
use std::any::Any;
use weights::{Sizes, WeightVars};

pub(crate) use prefixes::Prefixes;
pub(crate) use weights::Weights;

/// A classifier of sequences on the CPU, in f32 or f64.
///
/// Its tensors have the names and shapes of PyTorch's `Embedding`, `Conv2d` (from one channel, kernels as wide
/// as the embedding) and `Linear`: `embedding`, `convolutions.K`, `highway.transform`, `highway.gate`
/// (Srivastava et al., 2015) and `output`, before which there may be a linear layer `hidden`.
///
/// Where the kernels are a share of the embedding wide, it falls into so many representations of a token, which have
/// the same weights and a logit each. Sequences may be tokens or soft, that is probabilities of all tokens.
pub struct TextClassifier {
    parameters: ParameterStore,
    vars: WeightVars,
    sizes: Sizes,
    scratch: (Scratch<f32>, Scratch<f64>),
}

/// A classifier's pass over a batch, whose gradients can be asked for.
pub struct TextPass<'a> {
    classifier: &'a TextClassifier,
    soft: Option<&'a SoftPass<'a>>,
    logits: Vec<f64>,
    /// A `forward::Pass` of the parameters' type.
    pass: Box<dyn Any>,
}

/// Which features of a pass are dropped before the last layer.
pub struct FeatureDropout<'a> {
    /// The share that is dropped, in [0, 1).
    pub share: f64,
    /// Random numbers; one is drawn for each feature of each sequence and representation.
    pub rng: &'a mut dyn RngCore,
}

impl TextClassifier {
    /// # Errors
    /// When a tensor is missing or shapes don't fit each other.
    pub fn new(parameters: ParameterStore) -> Result<Self> {
        let (vars, sizes) = WeightVars::new(&parameters)?;
        Ok(Self {
            parameters,
            vars,
            sizes,
            scratch: Default::default(),
        })
    }

    /// The tensors.
    pub fn parameters(&self) -> &ParameterStore {
        &self.parameters
    }

    /// The rows that stand for tokens, `[vocabulary, embedding]`.
    pub fn embedding(&self) -> &Tensor {
        self.vars.embedding()
    }

    /// The logits of a sequence.
    pub fn representations(&self) -> usize {
        self.sizes.representations
    }

    /// The number of tokens.
    pub fn vocabulary(&self) -> usize {
        self.sizes.vocabulary
    }

    /// The numbers that stand for a sequence before the last layer: one of each filter.
    pub fn features(&self) -> usize {
        self.sizes.features()
    }

    /// Calls `read` with all numbers, which are locked for reading meanwhile.
    pub(crate) fn with<T: Element, R>(
        &self,
        read: impl FnOnce(&Weights<'_, T>) -> Result<R>,
    ) -> Result<R> {
        self.vars.with(&self.sizes, read)
    }

    /// A pass over sequences.
    ///
    /// # Errors
    /// When a token is not in the vocabulary, or sequences are shorter than the widest convolution.
    pub fn record(
        &self,
        batch: TokenBatch<'_>,
        dropout: Option<FeatureDropout<'_>>,
    ) -> Result<TextPass<'_>> {
        self.record_all(batch, None, dropout)
    }

    /// A pass over sequences and, after them, soft ones of as many steps, which this classifier's
    /// [`embedding`](Self::embedding) has embedded and which must not have changed since.
    ///
    /// # Errors
    /// Those of [`record`](Self::record), and when the soft sequences have another length or embedding.
    pub fn record_with<'a>(
        &'a self,
        batch: TokenBatch<'_>,
        soft: &'a SoftPass<'a>,
        dropout: Option<FeatureDropout<'_>>,
    ) -> Result<TextPass<'a>> {
        if soft.steps() != batch.steps() || !soft.has_table(self.embedding()) {
            let (found, expected) = (soft.steps(), batch.steps());
            candle_core::bail!(
                "soft sequences of {found} steps, expected {expected} in this classifier's embedding"
            );
        }
        self.record_all(batch, Some(soft), dropout)
    }

    fn record_all<'a>(
        &'a self,
        batch: TokenBatch<'_>,
        soft: Option<&'a SoftPass<'a>>,
        dropout: Option<FeatureDropout<'_>>,
    ) -> Result<TextPass<'a>> {
        self.check(batch)?;
        let counts = Counts {
            tokens: batch.len(),
            soft: soft.map_or(0, SoftPass::count),
        };
        let dropped = dropout.map(|dropout| self.dropped(counts.all(), dropout));
        for_dtype!(
            self.parameters.dtype(),
            "a text classifier",
            record_of(self, batch, soft, counts, dropped.as_deref())
        )
    }

    /// The logits of each sequence, `[n, representations]`.
    ///
    /// # Errors
    /// Those of [`record`](Self::record).
    pub fn logits(&self, batch: TokenBatch<'_>) -> Result<Vec<f64>> {
        Ok(self.record(batch, None)?.logits)
    }

    /// Refuses a batch that it cannot read.
    pub(crate) fn check(&self, batch: TokenBatch<'_>) -> Result<()> {
        check_token(batch.largest(), self.sizes.vocabulary)?;
        let (steps, widest) = (batch.steps(), self.sizes.widest());
        if steps < widest {
            candle_core::bail!(
                "sequences of {steps} tokens, expected the widest kernel's {widest} or more"
            );
        }
        Ok(())
    }

    /// The factor of each feature, `[n, representations, features]`: 0, or 1 / (1 − share).
    fn dropped(&self, n: usize, dropout: FeatureDropout<'_>) -> Vec<f64> {
        let FeatureDropout { share, rng } = dropout;
        let kept = 1.0 / (1.0 - share);
        let mut factor = || {
            let draw: f64 = rng.random();
            if draw < share { 0.0 } else { kept }
        };
        let all = n * self.sizes.representations * self.sizes.features();
        (0..all).map(|_| factor()).collect()
    }
}

impl TextPass<'_> {
    /// The logits of each sequence, `[n, representations]`.
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// Calls `visit` with each parameter and the gradient of Σ slope · logit.
    ///
    /// # Errors
    /// When the number of slopes differs from that of logits.
    pub fn gradients(
        &self,
        slopes: &[f64],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        self.check(slopes)?;
        for_dtype!(
            self.classifier.parameters.dtype(),
            "a text classifier",
            gradients_of(self, slopes, visit)
        )
    }

    /// The gradient of Σ slope · logit with respect to the embedded soft sequences, `[soft sequences, steps,
    /// embedding]`.
    ///
    /// # Errors
    /// When the number of slopes differs from that of logits.
    pub fn soft_gradient(&self, slopes: &[f64]) -> Result<Tensor> {
        self.check(slopes)?;
        for_dtype!(
            self.classifier.parameters.dtype(),
            "a text classifier",
            soft_gradient_of(self, slopes)
        )
    }

    fn check(&self, slopes: &[f64]) -> Result<()> {
        if slopes.len() != self.logits.len() {
            let (found, expected) = (slopes.len(), self.logits.len());
            candle_core::bail!("{found} slopes of {expected} logits");
        }
        Ok(())
    }

    /// What is kept of the pass, in the parameters' type.
    fn pass<T: Element>(&self) -> Result<&forward::Pass<T>> {
        match self.pass.downcast_ref() {
            Some(pass) => Ok(pass),
            None => candle_core::bail!("a pass of another type"),
        }
    }
}

fn record_of<'a, T: Element>(
    classifier: &'a TextClassifier,
    batch: TokenBatch<'_>,
    soft: Option<&'a SoftPass<'a>>,
    counts: Counts,
    factors: Option<&[f64]>,
) -> Result<TextPass<'a>> {
    let scratch = T::scratch(&classifier.scratch);
    let input = forward::Input {
        tokens: batch,
        soft: soft.map(SoftPass::soft::<T>).transpose()?,
        counts,
    };
    let (logits, pass) = classifier.vars.with::<T, _>(&classifier.sizes, |weights| {
        Ok(forward::forward(weights, &input, factors, scratch))
    })?;
    Ok(TextPass {
        classifier,
        soft,
        logits,
        pass: Box::new(pass),
    })
}

fn gradients_of<T: Element>(
    pass: &TextPass<'_>,
    slopes: &[f64],
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let (classifier, kept) = (pass.classifier, pass.pass::<T>()?);
    let soft = pass.soft.map(SoftPass::soft::<T>).transpose()?;
    let scratch = T::scratch(&classifier.scratch);
    let gradients = classifier.vars.with::<T, _>(&classifier.sizes, |weights| {
        Ok(backward::gradients(weights, kept, slopes, soft, scratch))
    })?;
    classifier.vars.pass_on(gradients, visit)
}

fn soft_gradient_of<T: Element>(pass: &TextPass<'_>, slopes: &[f64]) -> Result<Tensor> {
    let (classifier, kept) = (pass.classifier, pass.pass::<T>()?);
    let scratch = T::scratch(&classifier.scratch);
    let gradient = classifier.vars.with::<T, _>(&classifier.sizes, |weights| {
        Ok(backward::soft_gradient(weights, kept, slopes, scratch))
    })?;
    let shape = (kept.counts.soft, kept.steps, classifier.sizes.embedding);
    Tensor::from_vec(gradient, shape, &Device::Cpu)
}
