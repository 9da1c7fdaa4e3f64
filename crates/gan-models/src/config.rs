//! Which networks to build, and the ranges of what describes them.

use crate::config_file::Table;
use crate::{
    Architecture, ArchitectureKind, ClassCount, DiscriminatorNorm, DiscriminatorPixels, ModelError,
    Output, OutputBias, Prior,
};
use gan_core::{LatentPrior, NormalPrior, OutOfRange, Range, UniformPrior, check_ranges};
use serde::{Deserialize, Serialize};

/// Which networks to build. In files it is one table: the options of its architecture are beside the keys
/// that all architectures have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "Table", try_from = "Table")]
pub struct ModelConfig {
    /// The architecture of both networks, with its options.
    pub architecture: Architecture,
    /// The width of a latent vector; at least 1.
    pub latent_dim: usize,
    /// Their distribution.
    pub prior: Prior,
    /// Standard deviation of the latent vectors that images are sampled from, positive; it is 1 in
    /// training. Below 1 images are more typical and less varied.
    pub sampling_deviation: f64,
    /// The number of classes of a class-conditional pair; at least 1. None: not conditional.
    pub classes: Option<ClassCount>,
    /// What makes pixels of the generator's last numbers.
    pub output: Output,
    /// The first values of its last bias; a mean image needs one for each pixel, as mlp and maxout have.
    pub output_bias: OutputBias,
    /// The generator's weights start at U(±this) and its biases at 0; positive. None: PyTorch's initialisation.
    pub generator_range: Option<f64>,
    /// The discriminator's, likewise.
    pub discriminator_range: Option<f64>,
    /// The pixels that the discriminator computes with.
    pub discriminator_pixels: DiscriminatorPixels,
}

impl Default for ModelConfig {
    /// The tutorial's model.
    fn default() -> Self {
        Self {
            architecture: Architecture::default(),
            latent_dim: 100,
            prior: Prior::default(),
            sampling_deviation: 1.0,
            classes: None,
            output: Output::default(),
            output_bias: OutputBias::default(),
            generator_range: None,
            discriminator_range: None,
            discriminator_pixels: DiscriminatorPixels::default(),
        }
    }
}

/// Far beyond any use: a typing error must not take all of the memory.
const MAX_LATENT_DIM: u64 = 65_536;
const MAX_CLASSES: u64 = 65_536;

impl ModelConfig {
    /// The keys of the options of all architectures, in their order in files.
    pub const ARCHITECTURE_KEYS: [&str; 5] = [
        "generator_widths",
        "discriminator_widths",
        "width",
        "discriminator_norm",
        "name",
    ];

    /// The keys of an architecture's own options.
    pub fn keys_of(kind: ArchitectureKind) -> &'static [&'static str] {
        match kind {
            ArchitectureKind::Mlp => &["generator_widths", "discriminator_widths"],
            ArchitectureKind::Dcgan => &["width", "discriminator_norm"],
            ArchitectureKind::Residual => &["width"],
            ArchitectureKind::Maxout => &[],
            ArchitectureKind::Own => &["name"],
        }
    }

    /// Changes the architecture. Options that both have keep their values, the others get the defaults.
    pub fn set_architecture(&mut self, kind: ArchitectureKind) {
        if kind == self.architecture.kind() {
            return;
        }
        let mut architecture = Architecture::default_of(kind);
        if let (Some(new), Some(old)) = (architecture.width_mut(), self.architecture.width_mut()) {
            *new = *old;
        }
        self.architecture = architecture;
    }

    /// Sets the width of an architecture that has one.
    ///
    /// # Errors
    /// [`ModelError::ForeignOption`] for one that has none.
    pub fn set_width(&mut self, width: usize) -> Result<(), ModelError> {
        let foreign = self.foreign("width");
        *self.architecture.width_mut().ok_or(foreign)? = width;
        Ok(())
    }

    /// Sets the normalization of dcgan's discriminator.
    ///
    /// # Errors
    /// [`ModelError::ForeignOption`] for another architecture.
    pub fn set_discriminator_norm(&mut self, norm: DiscriminatorNorm) -> Result<(), ModelError> {
        match &mut self.architecture {
            Architecture::Dcgan {
                discriminator_norm, ..
            } => *discriminator_norm = norm,
            _ => return Err(self.foreign("discriminator_norm")),
        }
        Ok(())
    }

    fn foreign(&self, key: &'static str) -> ModelError {
        ModelError::ForeignOption {
            key,
            architecture: self.architecture.kind(),
        }
    }

    /// Whether the values are in range.
    ///
    /// # Errors
    /// Names the key, the value and the range.
    pub fn validate(&self) -> Result<(), OutOfRange> {
        let classes = match self.classes {
            Some(ClassCount::Known(classes)) => Some(classes),
            Some(ClassCount::Auto) | None => None,
        };
        check_ranges(&[
            (
                "model.latent_dim",
                self.latent_dim.into(),
                Range::OneTo(MAX_LATENT_DIM),
            ),
            (
                "model.sampling_deviation",
                self.sampling_deviation.into(),
                Range::Positive { such_as: "1" },
            ),
            ("model.classes", classes.into(), Range::OneTo(MAX_CLASSES)),
            (
                "model.generator_range",
                self.generator_range.into(),
                Range::Positive { such_as: "0.05" },
            ),
            (
                "model.discriminator_range",
                self.discriminator_range.into(),
                Range::Positive { such_as: "0.005" },
            ),
        ])?;
        self.architecture.validate()
    }

    /// The prior that images are sampled from, with [`sampling_deviation`](Self::sampling_deviation).
    pub fn sampling_prior(&self) -> Box<dyn LatentPrior> {
        self.prior_of(self.sampling_deviation)
    }

    /// The prior of training, with a deviation of 1.
    pub fn training_prior(&self) -> Box<dyn LatentPrior> {
        self.prior_of(1.0)
    }

    fn prior_of(&self, deviation: f64) -> Box<dyn LatentPrior> {
        match self.prior {
            Prior::Normal => Box::new(NormalPrior::new(self.latent_dim, deviation)),
            Prior::Uniform => Box::new(UniformPrior::new(self.latent_dim, deviation)),
        }
    }

    /// The number of classes that networks are built for; `None` if they are not class-conditional.
    ///
    /// # Errors
    /// [`OutOfRange`] for `auto`, which [`with_classes_of`](Self::with_classes_of) resolves.
    pub fn class_count(&self) -> Result<Option<usize>, OutOfRange> {
        match self.classes {
            None => Ok(None),
            Some(ClassCount::Known(classes)) => Ok(Some(classes)),
            Some(ClassCount::Auto) => Err(OutOfRange {
                key: "model.classes",
                found: "auto".to_string(),
                expected: "a number, once the data set is known".to_string(),
            }),
        }
    }

    /// The model with `auto` replaced by the number of classes of a data set, `None` if it has no labels.
    #[must_use]
    pub fn with_classes_of(mut self, data: Option<usize>) -> Self {
        if self.classes == Some(ClassCount::Auto) {
            self.classes = data.map(ClassCount::Known);
        }
        self
    }

    /// Whether a training batch needs at least two images, because the generator has batch normalization.
    pub fn needs_two_images_a_batch(&self) -> bool {
        match self.architecture {
            Architecture::Mlp { .. } | Architecture::Dcgan { .. } => true,
            Architecture::Residual { .. } | Architecture::Maxout | Architecture::Own { .. } => {
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(architecture: Architecture) -> ModelConfig {
        ModelConfig {
            architecture,
            ..ModelConfig::default()
        }
    }

    #[test]
    fn another_architecture_keeps_the_options_that_both_have() {
        let mut model = of(Architecture::Dcgan {
            width: 24,
            discriminator_norm: DiscriminatorNorm::Spectral,
        });
        model.set_architecture(ArchitectureKind::Dcgan);
        assert_eq!(
            model.architecture,
            Architecture::Dcgan {
                width: 24,
                discriminator_norm: DiscriminatorNorm::Spectral
            }
        );
        model.set_architecture(ArchitectureKind::Residual);
        assert_eq!(model.architecture, Architecture::Residual { width: 24 });
        model.set_architecture(ArchitectureKind::Mlp);
        assert_eq!(model, ModelConfig::default());
        model.set_architecture(ArchitectureKind::Dcgan);
        let default = Architecture::default_of(ArchitectureKind::Dcgan);
        assert_eq!(model.architecture, default);
    }

    #[test]
    fn options_are_set_where_there_are_such_and_refused_by_name_elsewhere() {
        let mut dcgan = of(Architecture::default_of(ArchitectureKind::Dcgan));
        dcgan.set_width(24).unwrap();
        let norm = DiscriminatorNorm::Batch;
        dcgan.set_discriminator_norm(norm).unwrap();
        assert_eq!(
            dcgan.architecture,
            Architecture::Dcgan {
                width: 24,
                discriminator_norm: norm
            }
        );
        let mut mlp = ModelConfig::default();
        assert_eq!(
            mlp.set_width(24).unwrap_err().to_string(),
            "model.width is set, but architecture mlp has no such option, expected one of \
             generator_widths, discriminator_widths"
        );
        for (kind, expected) in [
            (ArchitectureKind::Residual, "expected only width"),
            (ArchitectureKind::Maxout, "expected none"),
        ] {
            let refused = of(Architecture::default_of(kind)).set_discriminator_norm(norm);
            let error = refused.unwrap_err().to_string();
            assert!(
                error.contains("model.discriminator_norm") && error.ends_with(expected),
                "{error}"
            );
        }
    }

    fn widths(model: &mut ModelConfig) -> (&mut Vec<usize>, &mut Vec<usize>) {
        match &mut model.architecture {
            Architecture::Mlp {
                generator_widths,
                discriminator_widths,
            } => (generator_widths, discriminator_widths),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn values_out_of_range_are_refused_by_key() {
        type Spoil = fn(&mut ModelConfig);
        let cases: [(&str, Spoil); 12] = [
            ("model.generator_range", |c| c.generator_range = Some(0.0)),
            ("model.discriminator_range", |c| {
                c.discriminator_range = Some(f64::NAN);
            }),
            ("model.latent_dim", |c| c.latent_dim = 0),
            ("model.latent_dim", |c| c.latent_dim = 65_537),
            ("model.sampling_deviation", |c| c.sampling_deviation = 0.0),
            ("model.sampling_deviation", |c| {
                c.sampling_deviation = f64::NAN;
            }),
            ("model.classes", |c| c.classes = Some(ClassCount::Known(0))),
            ("model.width", |c| {
                c.architecture = Architecture::Residual { width: 0 };
            }),
            ("model.width", |c| {
                c.set_architecture(ArchitectureKind::Dcgan);
                c.set_width(1025).unwrap();
            }),
            ("model.generator_widths", |c| widths(c).0.clear()),
            ("model.generator_widths", |c| widths(c).0.push(0)),
            ("model.discriminator_widths", |c| widths(c).1.push(65_537)),
        ];
        assert_eq!(ModelConfig::default().validate(), Ok(()));
        for (key, spoil) in cases {
            let mut config = ModelConfig::default();
            spoil(&mut config);
            assert_eq!(config.validate().map_err(|e| e.key), Err(key));
        }
    }
}
