//! The discriminator of SeqGAN and LeakGAN: convolutions over time and a highway layer.

use super::{MOST_OF_A_SIZE, store};
use candle_core::{DType, Result};
use gan_core::candle_nn::Init;
use gan_core::{OutOfRange, Purpose, Range, Seed, check_ranges};
use gan_ops::TextClassifier;
use serde::{Deserialize, Serialize};

/// The sizes of a discriminator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiscriminatorConfig {
    /// Numbers that stand for a token; 1 or more.
    pub embedding: usize,
    /// The tokens that each convolution sees at once, each 1 or more.
    pub widths: Vec<usize>,
    /// The filters of each convolution.
    pub filters: Vec<usize>,
}

impl Default for DiscriminatorConfig {
    /// Five widths of 64 filters. SeqGAN has twelve, 1,720 filters in all, which take 20 times as long.
    fn default() -> Self {
        Self {
            embedding: 64,
            widths: vec![1, 2, 3, 4, 5],
            filters: vec![64; 5],
        }
    }
}

impl DiscriminatorConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        let size = Range::OneTo(MOST_OF_A_SIZE);
        size.check("adversary.embedding", self.embedding)?;
        for (width, filters) in self.widths.iter().zip(&self.filters) {
            check_ranges(&[
                ("adversary.widths", (*width).into(), size),
                ("adversary.filters", (*filters).into(), size),
            ])?;
        }
        let (widths, filters) = (self.widths.len(), self.filters.len());
        if widths == 0 || widths != filters {
            return Err(OutOfRange {
                key: "adversary.filters",
                found: format!("{:?}", self.filters),
                expected: format!(
                    "a number for each of the widths {:?}, of which there is one at least",
                    self.widths
                ),
            });
        }
        Ok(())
    }

    /// Checks that no convolution is wider than a sequence of `steps` tokens.
    ///
    /// # Errors
    /// Names the width.
    pub fn check_fits(&self, steps: usize) -> std::result::Result<(), OutOfRange> {
        match self.widths.iter().max() {
            Some(width) if *width > steps => Err(OutOfRange {
                key: "adversary.widths",
                found: format!("{:?}", self.widths),
                expected: format!(
                    "at most the {steps} tokens of the longest text, its end included"
                ),
            }),
            _ => Ok(()),
        }
    }
}

/// A discriminator over a vocabulary, with SeqGAN's first weights: embeddings uniform in [−1, 1], all other weights
/// normal with a standard deviation of 0.1, biases 0.1.
///
/// # Errors
/// When the tensors cannot be made.
pub fn text_discriminator(
    config: &DiscriminatorConfig,
    vocabulary: usize,
    seed: Seed,
    dtype: DType,
) -> Result<TextClassifier> {
    let rng = seed.rng(Purpose::DiscriminatorInit, 0);
    let parameters = store(rng, dtype);
    let uniform = Init::Uniform { lo: -1.0, up: 1.0 };
    let normal = Init::Randn {
        mean: 0.0,
        stdev: 0.1,
    };
    let builder = parameters.builder();
    let table = (vocabulary, config.embedding);
    builder.get_with_hints(table, "embedding.weight", uniform)?;
    let layer = |name: &str, shape: Vec<usize>| {
        let outputs = shape[0];
        let weight = format!("{name}.weight");
        builder.get_with_hints(shape, &weight, normal)?;
        builder.get_with_hints(outputs, &format!("{name}.bias"), Init::Const(0.1))
    };
    for (k, (width, filters)) in config.widths.iter().zip(&config.filters).enumerate() {
        let shape = vec![*filters, 1, *width, config.embedding];
        layer(&format!("convolutions.{k}"), shape)?;
    }
    let features: usize = config.filters.iter().sum();
    layer("highway.transform", vec![features, features])?;
    layer("highway.gate", vec![features, features])?;
    layer("output", vec![1, features])?;
    TextClassifier::new(parameters)
}
