//! A trained generator in one safetensors file that describes itself.

use crate::builder::make;
use crate::{KnownNetworks, ModelConfig, ModelError, NetworkGenerator, Networks};
use candle_core::{DType, Device, Tensor};
use gan_core::{
    ErrorClass, Generator, Graph, ImageShape, Init, Node, ParameterStore, Purpose, Seed, Weights,
    WeightsError,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The format that [`GeneratorHeader::save`] writes. A reader refuses any other.
pub const GENERATOR_FORMAT_VERSION: u32 = 1;

/// A loaded graph may compute on this many times the pixels of its images.
const MOST_OVERSAMPLING: usize = 16;

/// Values of all results of a loaded graph for one image, of which sixteen are computed side by side: 2 GiB.
const MOST_RESULTS: usize = 1 << 25;

/// The description in a generator's file: enough to build the network again, and its origin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeneratorHeader {
    /// See [`GENERATOR_FORMAT_VERSION`].
    pub generator_format_version: u32,
    /// The architecture.
    pub model: ModelConfig,
    /// The shape of an image.
    pub image_shape: ImageShape,
    /// Training steps done.
    pub step: u64,
    /// The seed of the run.
    pub seed: Seed,
    /// The generator's operations, if it is made of a graph; not known for files of version 0.1.0, whose
    /// generators are rebuilt from `model`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graph: Option<Graph>,
    /// Its training data; not known for files of version 0.1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<TrainingData>,
}

/// A generator's training data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingData {
    /// SHA-256 of the training images and labels.
    pub data_sha256: String,
    /// The same of the images that were held out by their contents, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_sha256: Option<String>,
    /// The names of the classes by number; empty without labels.
    pub class_names: Vec<String>,
    /// Training images of each class.
    pub class_counts: Vec<u64>,
}

impl TrainingData {
    /// The class with this name, or else with this number.
    pub fn class_named(&self, text: &str) -> Option<u32> {
        let by_name = self.class_names.iter().position(|name| name == text);
        let by_number = || text.parse().ok().filter(|k| *k < self.class_names.len());
        by_name.or_else(by_number)?.try_into().ok()
    }

    /// The numbers of the classes that have images.
    pub fn classes_with_images(&self) -> Vec<u32> {
        let counts = (0..).zip(&self.class_counts);
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(class, _)| class)
            .collect()
    }

    /// Number, name and share of a class, such as `3 cat (12.5 % of the data)`.
    pub fn caption(&self, class: u32) -> String {
        let name = self
            .class_names
            .get(class as usize)
            .map_or("", String::as_str);
        let count = self.class_counts.get(class as usize).copied().unwrap_or(0);
        let all: f64 = self.class_counts.iter().map(|count| *count as f64).sum();
        let share = 100.0 * count as f64 / all.max(1.0);
        if name == class.to_string() {
            format!("{class} ({share:.1} % of the data)")
        } else {
            format!("{class} {} ({share:.1} % of the data)", name.escape_debug())
        }
    }
}

/// Why a generator could not be written or loaded.
#[derive(Debug, thiserror::Error)]
pub enum GeneratorFileError {
    /// The file could not be read or written, or its tensors do not fit its header.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The header's architecture cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The file's header is missing or cannot be used.
    #[error(
        "{path}: {found}, expected a generator that `train` wrote (format version {GENERATOR_FORMAT_VERSION})"
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
}

impl GeneratorFileError {
    /// Whether the file is at fault, or the writing of one.
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Weights(error) => error.class(),
            _ => ErrorClass::WrongUse,
        }
    }
}

impl GeneratorHeader {
    /// A header of the current format.
    pub fn new(model: ModelConfig, image_shape: ImageShape, step: u64, seed: Seed) -> Self {
        Self {
            generator_format_version: GENERATOR_FORMAT_VERSION,
            model,
            image_shape,
            step,
            seed,
            graph: None,
            data: None,
        }
    }

    /// The header with the generator's training data.
    #[must_use]
    pub fn of_data(mut self, data: TrainingData) -> Self {
        self.data = Some(data);
        self
    }

    /// Writes `generator` with this header, its own graph in it, and a checksum, whole or not at all. Equal
    /// networks give equal bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, generator: &dyn Generator, path: &Path) -> Result<(), GeneratorFileError> {
        let header = Self {
            graph: generator.graph().cloned(),
            ..self.clone()
        };
        let mut weights = Weights {
            metadata: serde_json::json!(header).to_string(),
            ..Weights::default()
        };
        weights.insert_all("", generator.parameters())?;
        Ok(weights.write_with_checksum(path)?)
    }

    /// Builds the generator in the file, of f32 on `device`: from its graph alone, whatever its architecture
    /// is called, or else from its architecture.
    ///
    /// Nothing is allocated for a header that claims far more than the file holds: a network of more than
    /// twice as many values as the file's tensors is refused. So memory is at most eight times the file's
    /// length, if these are f32.
    ///
    /// # Errors
    /// When the file is damaged, has no checksum, is not a generator, has another format version, its graph
    /// contradicts its header, or its tensors are not those of the graph or the architecture.
    pub fn load(
        path: &Path,
        device: &Device,
    ) -> Result<(Self, Box<dyn Generator>), GeneratorFileError> {
        Self::load_by(&KnownNetworks, path, device)
    }

    /// [`load`](Self::load), where `networks` builds what has no graph.
    ///
    /// # Errors
    /// Those of [`load`](Self::load).
    pub fn load_by(
        networks: &dyn Networks,
        path: &Path,
        device: &Device,
    ) -> Result<(Self, Box<dyn Generator>), GeneratorFileError> {
        let weights = Weights::read_with_checksum(path)?;
        let header = Self::parse(&weights.metadata, path)?;
        let generator = header.build(networks, &weights, path, device)?;
        weights.load_into("", generator.parameters(), &path.display().to_string())?;
        Ok((header, generator))
    }

    /// The network with initial weights. One that is a little larger than the file is still built, so that
    /// the error can name the tensor that does not fit.
    fn build(
        &self,
        networks: &dyn Networks,
        weights: &Weights,
        path: &Path,
        device: &Device,
    ) -> Result<Box<dyn Generator>, GeneratorFileError> {
        let held: usize = weights.tensors.values().map(Tensor::elem_count).sum();
        let most = held.saturating_mul(2);
        let (shape, seed) = (self.image_shape, self.seed);
        let built = match &self.graph {
            Some(graph) => {
                self.check_graph(graph, path)?;
                self.check_results(graph, held, path)?;
                self.generator_of(graph, most, device)
            }
            None => {
                let model = &self.model;
                model.generator_by(networks, most, shape, seed, DType::F32, device)
            }
        };
        built.map_err(|error| match error {
            ModelError::OutOfRange(_)
            | ModelError::ForeignOption { .. }
            | ModelError::Own { .. }
            | ModelError::NoPixelBias => error.into(),

            ModelError::Image { .. } | ModelError::Tensor(_) => GeneratorFileError::Header {
                path: path.to_path_buf(),
                found: format!(
                    "{held} values for a generator ({}) of images of {} ({error})",
                    self.model.architecture.kind(),
                    self.image_shape
                ),
            },
        })
    }

    /// The network of the graph, of at most so many values, all 0 yet.
    fn generator_of(
        &self,
        graph: &Graph,
        most_values: usize,
        device: &Device,
    ) -> Result<Box<dyn Generator>, ModelError> {
        let rng = self.seed.rng(Purpose::GeneratorInit, 0);
        let parameters = ParameterStore::new(rng, DType::F32, device).holding_at_most(most_values);
        for parameter in graph.parameters() {
            make(&parameters, &parameter, Init::Const(0.0))?;
        }
        let generator = NetworkGenerator::new(graph.clone(), parameters, self.seed)?;
        Ok(Box::new(generator))
    }

    /// Whether the graph is that of a generator as the rest of the header describes it.
    fn check_graph(&self, graph: &Graph, path: &Path) -> Result<(), GeneratorFileError> {
        self.model.validate().map_err(ModelError::from)?;
        let latents = ImageShape {
            channels: self.model.latent_dim,
            height: 1,
            width: 1,
        };
        let classes = self.model.class_count().map_err(ModelError::from)?;
        let counted =
            |classes: Option<usize>| classes.map_or("none".to_string(), |n| n.to_string());
        self.check_classes(classes, path)?;
        for (key, expected, found) in [
            ("latent_dim", latents.to_string(), graph.input().to_string()),
            (
                "image_shape",
                self.image_shape.to_string(),
                graph.output_shape().to_string(),
            ),
            ("classes", counted(classes), counted(graph.classes())),
        ] {
            if found != expected {
                return Err(GeneratorFileError::Header {
                    path: path.to_path_buf(),
                    found: format!("{key} is {expected} in the header, {found} in the graph"),
                });
            }
        }
        Ok(())
    }

    /// Whether the training data of a conditional generator have its classes.
    fn check_classes(&self, classes: Option<usize>, path: &Path) -> Result<(), GeneratorFileError> {
        let (Some(classes), Some(data)) = (classes, &self.data) else {
            return Ok(());
        };
        let found = [data.class_names.len(), data.class_counts.len()];
        if found == [classes; 2] || found == [0; 2] {
            return Ok(());
        }
        let [names, counts] = found;
        Err(GeneratorFileError::Header {
            path: path.to_path_buf(),
            found: format!("{names} class names and {counts} class counts for {classes} classes"),
        })
    }

    /// Whether no result is far larger than a network of `held` values makes: every channel has a value of its
    /// own, and no architecture computes on more than a few times the image's pixels.
    fn check_results(
        &self,
        graph: &Graph,
        held: usize,
        path: &Path,
    ) -> Result<(), GeneratorFileError> {
        let pixels = self.image_shape.height * self.image_shape.width;
        let most = pixels
            .saturating_mul(held)
            .saturating_mul(MOST_OVERSAMPLING);
        let mut results = graph.nodes().iter().map(Node::shape);
        let all = results.clone().map(ImageShape::elements);
        let all = all.fold(0, usize::saturating_add);
        match results.find(|shape| shape.elements() > most) {
            None if all <= MOST_RESULTS => Ok(()),
            None => Err(GeneratorFileError::Header {
                path: path.to_path_buf(),
                found: format!(
                    "operations with {all} values an image, more than the {MOST_RESULTS} that are computed"
                ),
            }),
            Some(shape) => Err(GeneratorFileError::Header {
                path: path.to_path_buf(),
                found: format!(
                    "an operation with a result {shape} for {held} values and images of {}",
                    self.image_shape
                ),
            }),
        }
    }

    /// The header in a file's metadata; `path` names the file in errors.
    ///
    /// # Errors
    /// When there is no header, or one of another format version.
    pub fn parse(metadata: &str, path: &Path) -> Result<Self, GeneratorFileError> {
        #[derive(Deserialize)]
        struct Version {
            generator_format_version: u32,
        }
        let wrong = |found: String| GeneratorFileError::Header {
            path: path.to_path_buf(),
            found,
        };
        let version: Version =
            serde_json::from_str(metadata).map_err(|_| {
                wrong(match metadata.contains("checkpoint_format_version") {
                true => "a checkpoint; its generator is the file beside it, or in the run folder",
                false => "no generator's header in its metadata",
            }
            .to_string())
            })?;
        if version.generator_format_version != GENERATOR_FORMAT_VERSION {
            let found = version.generator_format_version;
            return Err(wrong(format!("a generator of format version {found}")));
        }
        serde_json::from_str(metadata).map_err(|e| wrong(format!("a damaged header ({e})")))
    }
}
