//! The discriminator of RelGAN: several representations of a text, each judged by the same convolutions.

use super::{DiscriminatorConfig, MOST_OF_A_SIZE, store};
use candle_core::{DType, Result};
use gan_core::candle_nn::Init;
use gan_core::{OutOfRange, Purpose, Range, Seed};
use gan_ops::TextClassifier;

/// The sizes of a discriminator of several representations.
#[derive(Clone, Debug, PartialEq)]
pub struct RelganDiscriminatorConfig {
    /// Numbers that stand for a token in all representations, and the convolutions.
    pub convolutions: DiscriminatorConfig,
    /// Representations, which share the numbers equally; each is given a logit.
    pub representations: usize,
    /// Outputs of the linear layer before a logit.
    pub hidden: usize,
}

impl Default for RelganDiscriminatorConfig {
    /// Eight representations of 8 numbers and four widths of 64 filters. RelGAN has 64 of one number and four widths of
    /// 300 filters, which take 60 times as long.
    fn default() -> Self {
        Self {
            convolutions: DiscriminatorConfig {
                embedding: 64,
                widths: vec![2, 3, 4, 5],
                filters: vec![64; 4],
            },
            representations: 8,
            hidden: 100,
        }
    }
}

impl RelganDiscriminatorConfig {
    /// Checks that every value is in its range.
    ///
    /// # Errors
    /// Names the key, its value and its range.
    pub fn validate(&self) -> std::result::Result<(), OutOfRange> {
        self.convolutions.validate()?;
        Range::OneTo(MOST_OF_A_SIZE).check("adversary.hidden", self.hidden)?;
        let (parts, embedding) = (self.representations, self.convolutions.embedding);
        if parts == 0 || !embedding.is_multiple_of(parts) {
            return Err(OutOfRange {
                key: "adversary.representations",
                found: parts.to_string(),
                expected: format!("a divisor of adversary.embedding, {embedding}"),
            });
        }
        Ok(())
    }
}

/// A discriminator over a vocabulary, with RelGAN's first weights: normal with a variance of 1 / inputs, of convolutions
/// twice that, and biases of 0.
///
/// # Errors
/// When the tensors cannot be made.
pub fn relgan_discriminator(
    config: &RelganDiscriminatorConfig,
    vocabulary: usize,
    seed: Seed,
    dtype: DType,
) -> Result<TextClassifier> {
    let rng = seed.rng(Purpose::DiscriminatorInit, 0);
    let parameters = store(rng, dtype);
    let normal = |variance: f64| Init::Randn {
        mean: 0.0,
        stdev: variance.sqrt(),
    };
    let builder = parameters.builder();
    let DiscriminatorConfig {
        embedding,
        widths,
        filters,
    } = &config.convolutions;
    let first = normal(1.0 / vocabulary as f64);
    builder.get_with_hints((vocabulary, *embedding), "embedding.weight", first)?;
    let layer = |name: &str, shape: Vec<usize>, init: Init| {
        let outputs = shape[0];
        let weight = format!("{name}.weight");
        builder.get_with_hints(shape, &weight, init)?;
        builder.get_with_hints(outputs, &format!("{name}.bias"), Init::Const(0.0))
    };
    let share = embedding / config.representations;
    for (k, (width, filters)) in widths.iter().zip(filters).enumerate() {
        let init = normal(2.0 / (width * share) as f64);
        let shape = vec![*filters, 1, *width, share];
        layer(&format!("convolutions.{k}"), shape, init)?;
    }
    let features: usize = filters.iter().sum();
    for (name, outputs, inputs) in [
        ("highway.transform", features, features),
        ("highway.gate", features, features),
        ("hidden", config.hidden, features),
        ("output", 1, config.hidden),
    ] {
        layer(name, vec![outputs, inputs], normal(1.0 / inputs as f64))?;
    }
    TextClassifier::new(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_do_not_divide_among_the_representations_are_refused() {
        let said = |representations| {
            let config = RelganDiscriminatorConfig {
                representations,
                ..RelganDiscriminatorConfig::default()
            };
            config.validate().map_err(|error| error.to_string())
        };
        assert_eq!(said(16), Ok(()));
        for representations in [0, 7, 128] {
            let expected = format!(
                "adversary.representations is {representations}, expected a divisor of \
                 adversary.embedding, 64"
            );
            assert_eq!(said(representations), Err(expected));
        }
    }

    #[test]
    fn first_weights_have_the_variances_of_the_published_program() {
        let config = RelganDiscriminatorConfig::default();
        let made = relgan_discriminator(&config, 1000, Seed(1), DType::F64).unwrap();
        assert_eq!(made.representations(), 8);
        let all = made.parameters().all();
        let variance = |name: &str| {
            let found = all.iter().find(|parameter| parameter.name == name).unwrap();
            gan_ops::sum_of_squares(&found.var).unwrap() / found.var.elem_count() as f64
        };
        for (name, expected) in [
            ("embedding.weight", 1.0 / 1000.0),
            ("convolutions.1.weight", 2.0 / 24.0),
            ("highway.gate.weight", 1.0 / 256.0),
            ("hidden.weight", 1.0 / 256.0),
            ("output.weight", 1.0 / 100.0),
            ("hidden.bias", 0.0),
        ] {
            let found = variance(name);
            // The output layer has 100 numbers: three standard deviations of their mean square are 0.42.
            assert!(
                (found - expected).abs() <= 0.42 * expected,
                "{name}: {found}"
            );
        }
    }
}
