//! A [`ModelConfig`] as files hold it: one table with the keys that all architectures have and the options
//! of one of them.

use crate::{
    Architecture, ArchitectureKind, ClassCount, DiscriminatorNorm, DiscriminatorPixels,
    ModelConfig, ModelError, Output, OutputBias, Prior,
};
use serde::{Deserialize, Serialize};

/// A key that is missing has its default.
#[derive(Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Table {
    architecture: ArchitectureKind,
    latent_dim: usize,
    #[serde(skip_serializing_if = "is_default")]
    prior: Prior,
    sampling_deviation: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    generator_widths: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discriminator_widths: Option<Vec<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discriminator_norm: Option<DiscriminatorNorm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    classes: Option<ClassCount>,
    #[serde(skip_serializing_if = "is_default")]
    output: Output,
    #[serde(skip_serializing_if = "is_default")]
    output_bias: OutputBias,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    generator_range: Option<f64>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        deserialize_with = "gan_core::optional"
    )]
    discriminator_range: Option<f64>,
    #[serde(skip_serializing_if = "is_default")]
    discriminator_pixels: DiscriminatorPixels,
}

/// What is as it always was is left out, so that files of earlier versions have the same bytes.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Table {
    /// A model's table, still without the options of its architecture.
    fn without_options(model: &ModelConfig) -> Self {
        Self {
            architecture: model.architecture.kind(),
            latent_dim: model.latent_dim,
            prior: model.prior,
            sampling_deviation: model.sampling_deviation,
            generator_widths: None,
            discriminator_widths: None,
            width: None,
            discriminator_norm: None,
            name: None,
            classes: model.classes,
            output: model.output,
            output_bias: model.output_bias,
            generator_range: model.generator_range,
            discriminator_range: model.discriminator_range,
            discriminator_pixels: model.discriminator_pixels,
        }
    }

    /// Which options are there, in the order of [`ModelConfig::ARCHITECTURE_KEYS`].
    fn options(&self) -> [bool; 5] {
        [
            self.generator_widths.is_some(),
            self.discriminator_widths.is_some(),
            self.width.is_some(),
            self.discriminator_norm.is_some(),
            self.name.is_some(),
        ]
    }

    /// Refuses an option of another architecture. Version 0.1.0 wrote all options, whatever the
    /// architecture, and used only its own: of such a table the others are ignored.
    fn check_options(&self) -> Result<(), ModelError> {
        let (options, architecture) = (self.options(), self.architecture);
        if options[..4] == [true; 4] {
            return Ok(());
        }
        let own = ModelConfig::keys_of(architecture);
        let mut set = ModelConfig::ARCHITECTURE_KEYS.into_iter().zip(options);
        match set.find(|(key, is_set)| *is_set && !own.contains(key)) {
            None => Ok(()),
            Some((key, _)) => Err(ModelError::ForeignOption { key, architecture }),
        }
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::without_options(&ModelConfig::default())
    }
}

impl From<ModelConfig> for Table {
    fn from(model: ModelConfig) -> Self {
        let mut table = Self::without_options(&model);
        match model.architecture {
            Architecture::Mlp {
                generator_widths,
                discriminator_widths,
            } => {
                table.generator_widths = Some(generator_widths);
                table.discriminator_widths = Some(discriminator_widths);
            }
            Architecture::Dcgan {
                width,
                discriminator_norm,
            } => {
                table.width = Some(width);
                table.discriminator_norm = Some(discriminator_norm);
            }
            Architecture::Residual { width } => table.width = Some(width),
            Architecture::Maxout => {}
            Architecture::Own { name } => table.name = Some(name),
        }
        table
    }
}

impl TryFrom<Table> for ModelConfig {
    type Error = ModelError;

    fn try_from(table: Table) -> Result<Self, ModelError> {
        table.check_options()?;
        let mut architecture = Architecture::default_of(table.architecture);
        match &mut architecture {
            Architecture::Mlp {
                generator_widths,
                discriminator_widths,
            } => {
                set(generator_widths, table.generator_widths);
                set(discriminator_widths, table.discriminator_widths);
            }
            Architecture::Dcgan {
                width,
                discriminator_norm,
            } => {
                set(width, table.width);
                set(discriminator_norm, table.discriminator_norm);
            }
            Architecture::Residual { width } => set(width, table.width),
            Architecture::Maxout => {}
            Architecture::Own { name } => set(name, table.name),
        }
        Ok(Self {
            architecture,
            latent_dim: table.latent_dim,
            prior: table.prior,
            sampling_deviation: table.sampling_deviation,
            classes: table.classes,
            output: table.output,
            output_bias: table.output_bias,
            generator_range: table.generator_range,
            discriminator_range: table.discriminator_range,
            discriminator_pixels: table.discriminator_pixels,
        })
    }
}

fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ModelConfig, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What a run's config.toml of each architecture holds.
    fn written() -> [(ModelConfig, &'static str); 4] {
        let model = |architecture| ModelConfig {
            architecture,
            latent_dim: 64,
            sampling_deviation: 0.91,
            classes: Some(ClassCount::Known(10)),
            ..ModelConfig::default()
        };
        [
            (
                model(Architecture::Mlp {
                    generator_widths: vec![33, 97],
                    discriminator_widths: vec![17],
                }),
                "architecture = \"mlp\"\nlatent_dim = 64\nsampling_deviation = 0.91\n\
                 generator_widths = [33, 97]\ndiscriminator_widths = [17]\nclasses = 10\n",
            ),
            (
                model(Architecture::Dcgan {
                    width: 24,
                    discriminator_norm: DiscriminatorNorm::Spectral,
                }),
                "architecture = \"dcgan\"\nlatent_dim = 64\nsampling_deviation = 0.91\n\
                 width = 24\ndiscriminator_norm = \"spectral\"\nclasses = 10\n",
            ),
            (
                model(Architecture::Residual { width: 24 }),
                "architecture = \"residual\"\nlatent_dim = 64\nsampling_deviation = 0.91\n\
                 width = 24\nclasses = 10\n",
            ),
            (
                model(Architecture::Maxout),
                "architecture = \"maxout\"\nlatent_dim = 64\nsampling_deviation = 0.91\n\
                 classes = 10\n",
            ),
        ]
    }

    #[test]
    fn a_file_holds_the_options_of_its_architecture_alone() {
        for (model, text) in written() {
            assert_eq!(toml::to_string(&model).unwrap(), text);
            assert_eq!(read(text), Ok(model));
        }
    }

    /// Lines that version 0.1.0 wrote for the models of [`written`].
    #[test]
    fn files_of_version_0_1_0_have_the_options_of_all_architectures() {
        let all = "latent_dim = 64\nsampling_deviation = 0.91\ngenerator_widths = [33, 97]\n\
                   discriminator_widths = [17]\nwidth = 24\ndiscriminator_norm = \"spectral\"\n\
                   classes = 10\n";
        let header = "\"latent_dim\":64,\"sampling_deviation\":0.91,\"generator_widths\":[33,97],\
                      \"discriminator_widths\":[17],\"width\":24,\"discriminator_norm\":\"spectral\",\
                      \"classes\":10";
        for (model, _) in written() {
            let kind = model.architecture.kind();
            let text = format!("architecture = \"{kind}\"\n{all}");
            assert_eq!(read(&text), Ok(model.clone()));
            let text = format!("{{\"architecture\":\"{kind}\",{header}}}");
            assert_eq!(serde_json::from_str::<ModelConfig>(&text).unwrap(), model);
        }
    }

    #[test]
    fn options_that_are_missing_have_their_defaults() {
        assert_eq!(read(""), Ok(ModelConfig::default()));
        for kind in ["mlp", "dcgan", "residual", "maxout"] {
            let model = read(&format!("architecture = \"{kind}\"")).unwrap();
            let default = Architecture::default_of(model.architecture.kind());
            assert_eq!(model.architecture, default);
            assert_eq!(model.architecture.kind().to_string(), kind);
        }
        let model = read("architecture = \"dcgan\"\nwidth = 48").unwrap();
        assert_eq!(
            model.architecture,
            Architecture::Dcgan {
                width: 48,
                discriminator_norm: DiscriminatorNorm::None
            }
        );
    }

    #[test]
    fn options_of_another_architecture_are_refused_by_name() {
        for (text, expected) in [
            (
                "width = 8",
                "model.width is set, but architecture mlp has no such option, expected one of \
                 generator_widths, discriminator_widths",
            ),
            (
                "architecture = 'dcgan'\ngenerator_widths = [8]\nwidth = 8",
                "model.generator_widths is set, but architecture dcgan has no such option, expected \
                 one of width, discriminator_norm",
            ),
            (
                "architecture = 'residual'\ndiscriminator_norm = 'none'",
                "model.discriminator_norm is set, but architecture residual has no such option, \
                 expected only width",
            ),
            (
                "architecture = 'maxout'\ndiscriminator_widths = [8]",
                "model.discriminator_widths is set, but architecture maxout has no such option, \
                 expected none",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_number_of_classes_is_a_number_or_auto_or_none() {
        for (text, expected) in [
            ("10", Some(ClassCount::Known(10))),
            ("'auto'", Some(ClassCount::Auto)),
            ("'none'", None),
        ] {
            let model = read(&format!("classes = {text}")).unwrap();
            assert_eq!(model.classes, expected);
        }
        let error = read("classes = 'all'").unwrap_err();
        assert!(error.contains("`all` is neither a number"), "{error}");
    }

    #[test]
    fn options_of_all_architectures_are_in_the_table_where_they_are_not_the_default() {
        let text = "architecture = \"maxout\"\nlatent_dim = 100\nprior = \"uniform\"\nsampling_deviation = 1.0\n\
                    output = \"logistic\"\noutput_bias = \"mean-image\"\ngenerator_range = 0.05\n\
                    discriminator_range = 0.005\ndiscriminator_pixels = \"unit\"\n";
        let model = ModelConfig {
            architecture: Architecture::Maxout,
            prior: Prior::Uniform,
            output: Output::Logistic,
            output_bias: OutputBias::MeanImage,
            generator_range: Some(0.05),
            discriminator_range: Some(0.005),
            discriminator_pixels: DiscriminatorPixels::Unit,
            ..ModelConfig::default()
        };
        assert_eq!(toml::to_string(&model).unwrap(), text);
        assert_eq!(read(text), Ok(model));
    }
}
