//! Classifiers of token sequences: convolutions over time, the largest value of each filter, a highway layer and
//! one logit (Kim, 2014; Yu et al., 2017).

mod backward;
mod convolution;
mod forward;
mod weights;

use crate::element::{Element, for_dtype};
use crate::language::{TokenBatch, check_token};
use crate::scratch::Scratch;
use candle_core::{Result, Tensor};
use gan_core::ParameterStore;
use rand::{Rng, RngCore};
use std::any::Any;
use weights::{Sizes, WeightVars};

/// A classifier of sequences on the CPU, in f32 or f64.
///
/// Its tensors have the names and shapes of PyTorch's `Embedding`, `Conv2d` (from one channel, kernels as wide
/// as the embedding) and `Linear`: `embedding`, `convolutions.K`, `highway.transform`, `highway.gate`
/// (Srivastava et al., 2015) and `output`.
pub struct TextClassifier {
    parameters: ParameterStore,
    vars: WeightVars,
    sizes: Sizes,
    scratch: (Scratch<f32>, Scratch<f64>),
}

/// A classifier's pass over a batch, whose gradients can be asked for.
pub struct TextPass<'a> {
    classifier: &'a TextClassifier,
    logits: Vec<f64>,
    /// A `forward::Pass` of the parameters' type.
    pass: Box<dyn Any>,
}

/// Which features of a pass are dropped before the last layer.
pub struct FeatureDropout<'a> {
    /// The share that is dropped, in [0, 1).
    pub share: f64,
    /// Random numbers; one is drawn for each feature of each sequence.
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

    /// A pass over sequences.
    ///
    /// # Errors
    /// When a token is not in the vocabulary, or sequences are shorter than the widest convolution.
    pub fn record(
        &self,
        batch: TokenBatch<'_>,
        dropout: Option<FeatureDropout<'_>>,
    ) -> Result<TextPass<'_>> {
        self.check(batch)?;
        let dropped = dropout.map(|dropout| self.dropped(batch.len(), dropout));
        for_dtype!(
            self.parameters.dtype(),
            "a text classifier",
            record_of(self, batch, dropped.as_deref())
        )
    }

    /// The logit of each sequence.
    ///
    /// # Errors
    /// Those of [`record`](Self::record).
    pub fn logits(&self, batch: TokenBatch<'_>) -> Result<Vec<f64>> {
        Ok(self.record(batch, None)?.logits)
    }

    fn check(&self, batch: TokenBatch<'_>) -> Result<()> {
        check_token(batch.largest(), self.sizes.vocabulary)?;
        let (steps, widest) = (batch.steps(), self.sizes.widest());
        if steps < widest {
            candle_core::bail!(
                "sequences of {steps} tokens, expected the widest kernel's {widest} or more"
            );
        }
        Ok(())
    }

    /// The factor of each feature, `[n, features]`: 0, or 1 / (1 − share).
    fn dropped(&self, n: usize, dropout: FeatureDropout<'_>) -> Vec<f64> {
        let FeatureDropout { share, rng } = dropout;
        let kept = 1.0 / (1.0 - share);
        let mut factor = || {
            let draw: f64 = rng.random();
            if draw < share { 0.0 } else { kept }
        };
        (0..n * self.sizes.features()).map(|_| factor()).collect()
    }
}

impl TextPass<'_> {
    /// The logit of each sequence.
    pub fn logits(&self) -> &[f64] {
        &self.logits
    }

    /// Calls `visit` with each parameter and the gradient of Σ slope · logit over the sequences.
    ///
    /// # Errors
    /// When the number of slopes differs from that of sequences.
    pub fn gradients(
        self,
        slopes: &[f64],
        visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
    ) -> Result<()> {
        if slopes.len() != self.logits.len() {
            let (found, expected) = (slopes.len(), self.logits.len());
            candle_core::bail!("{found} slopes of {expected} sequences");
        }
        for_dtype!(
            self.classifier.parameters.dtype(),
            "a text classifier",
            gradients_of(self, slopes, visit)
        )
    }
}

fn record_of<'a, T: Element>(
    classifier: &'a TextClassifier,
    batch: TokenBatch<'_>,
    factors: Option<&[f64]>,
) -> Result<TextPass<'a>> {
    let scratch = T::scratch(&classifier.scratch);
    let (logits, pass) = classifier.vars.with::<T, _>(&classifier.sizes, |weights| {
        Ok(forward::forward(weights, batch, factors, scratch))
    })?;
    Ok(TextPass {
        classifier,
        logits,
        pass: Box::new(pass),
    })
}

fn gradients_of<T: Element>(
    pass: TextPass<'_>,
    slopes: &[f64],
    visit: &mut dyn FnMut(&Tensor, &Tensor) -> Result<()>,
) -> Result<()> {
    let classifier = pass.classifier;
    let Ok(pass) = pass.pass.downcast::<forward::Pass<T>>() else {
        candle_core::bail!("a pass of another type");
    };
    let scratch = T::scratch(&classifier.scratch);
    let gradients = classifier.vars.with::<T, _>(&classifier.sizes, |weights| {
        Ok(backward::backward(weights, &pass, slopes, scratch))
    })?;
    classifier.vars.pass_on(gradients, visit)
}
