//! The generator of LeakGAN (Guo et al., 2017): a language model that is guided by goals in its discriminator's
//! feature space.

use super::{DiscriminatorConfig, GeneratorConfig, TextGenerator, text_discriminator};
use candle_core::{DType, Device, Result, Tensor};
use gan_core::candle_nn::Init;
use gan_core::{ParameterStore, Purpose, Seed, Weights, WeightsError};
use gan_ops::{Generation, GoalLanguageModel, GoalSettings, Stream, TextClassifier, TokenBatch};

const MANAGER: &str = "manager.";
const WORKER: &str = "worker.";
const DISCRIMINATOR: &str = "discriminator.";
const DURATION: &str = "goal_duration";

/// The sizes that goals add to a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoalSizes {
    /// The Manager's LSTM cells; 1 or more.
    pub manager_hidden: usize,
    /// Numbers of an embedded goal; 1 or more.
    pub actions: usize,
    /// The tokens over which a goal is to be reached; 1 or more.
    pub duration: usize,
}

/// A generator over a vocabulary, whose sequences come after `start` and may end with `end`, and its discriminator.
///
/// The discriminator reads sequences that are filled up with their end. Where they have none, prefixes are filled up
/// with a token of its own that no sequence has and whose row stays as it is drawn.
///
/// # Errors
/// When the tensors cannot be made, or a token is not in the vocabulary.
pub fn goal_generator(
    model: &GeneratorConfig,
    sizes: GoalSizes,
    discriminator: &DiscriminatorConfig,
    (vocabulary, start, end): (usize, u32, Option<u32>),
    seed: Seed,
    dtype: DType,
) -> Result<GoalLanguageModel> {
    let pad = pad(end, vocabulary);
    let known = vocabulary.max(pad as usize + 1);
    let discriminator = text_discriminator(discriminator, known, seed, dtype)?;
    let (features, hidden) = (discriminator.features(), model.hidden);
    let normal = Init::Randn {
        mean: 0.0,
        stdev: model.initial_std,
    };
    let lstm = |inputs: usize, hidden: usize| {
        [
            ("lstm.weight_ih_l0", vec![4 * hidden, inputs]),
            ("lstm.weight_hh_l0", vec![4 * hidden, hidden]),
            ("lstm.bias_ih_l0", vec![4 * hidden]),
            ("lstm.bias_hh_l0", vec![4 * hidden]),
        ]
    };
    let store = |index: u64, shapes: Vec<(&str, Vec<usize>)>| {
        let rng = seed.rng(Purpose::LeakganInit, index);
        let parameters = super::store(rng, dtype);
        for (name, shape) in shapes {
            parameters.builder().get_with_hints(shape, name, normal)?;
        }
        Result::Ok(parameters)
    };
    let mut manager = lstm(features, sizes.manager_hidden).to_vec();
    manager.extend([
        ("goal.weight", vec![features, sizes.manager_hidden]),
        ("goal.bias", vec![features]),
    ]);
    let mut worker = vec![("embedding.weight", vec![vocabulary, model.embedding])];
    worker.extend(lstm(model.embedding, hidden));
    worker.extend([
        ("output.weight", vec![vocabulary * sizes.actions, hidden]),
        ("output.bias", vec![vocabulary * sizes.actions]),
        ("first_goal", vec![features]),
        ("goal_embedding.weight", vec![sizes.actions, features]),
    ]);
    let settings = GoalSettings {
        start,
        pad,
        duration: sizes.duration,
    };
    GoalLanguageModel::new(
        store(0, manager)?,
        store(1, worker)?,
        discriminator,
        settings,
    )
}

/// The token that fills up prefixes.
fn pad(end: Option<u32>, vocabulary: usize) -> u32 {
    end.unwrap_or(vocabulary as u32)
}

impl TextGenerator for GoalLanguageModel {
    fn vocabulary(&self) -> usize {
        self.vocabulary()
    }

    fn parameter_count(&self) -> usize {
        self.manager().trainable_count() + self.worker().trainable_count()
    }

    fn generate(&self, request: &Generation<'_>, stream: &Stream<'_>) -> Result<Vec<u32>> {
        self.generate(request, stream)
    }

    fn nll(&self, batch: TokenBatch<'_>, alpha: f64) -> Result<Vec<f64>> {
        self.nll(batch, alpha)
    }

    fn save(&self, weights: &mut Weights) -> std::result::Result<(), WeightsError> {
        weights.insert_all(MANAGER, self.manager())?;
        weights.insert_all(WORKER, self.worker())?;
        weights.insert_all(DISCRIMINATOR, self.classifier().parameters())?;
        let duration = Tensor::new(&[self.settings().duration as u32], &Device::Cpu)?;
        weights.tensors.insert(DURATION.to_string(), duration);
        Ok(())
    }
}

/// Sets all tensors to those that [`TextGenerator::save`] added; `origin` names the file in errors.
///
/// # Errors
/// When one is missing or has another shape.
pub(crate) fn load(
    generator: &GoalLanguageModel,
    weights: &Weights,
    origin: &str,
) -> std::result::Result<(), WeightsError> {
    weights.load_into(MANAGER, generator.manager(), origin)?;
    weights.load_into(WORKER, generator.worker(), origin)?;
    weights.load_into(DISCRIMINATOR, generator.classifier().parameters(), origin)
}

/// Whether the tensors are those of a generator with goals.
pub(super) fn is_in(weights: &Weights) -> bool {
    weights.tensors.contains_key(DURATION)
}

/// A generator of the tensors that [`TextGenerator::save`] added, in f32.
///
/// # Errors
/// When one is missing, or shapes don't fit each other.
pub(super) fn of_weights(
    weights: &Weights,
    start: u32,
    end: Option<u32>,
) -> Result<GoalLanguageModel> {
    let manager = store_of(weights, MANAGER)?;
    let worker = store_of(weights, WORKER)?;
    let classifier = TextClassifier::new(store_of(weights, DISCRIMINATOR)?)?;
    let Some(table) = weights.tensors.get("worker.embedding.weight") else {
        candle_core::bail!("the tensor worker.embedding.weight is missing");
    };
    let duration = match weights.tensors.get(DURATION) {
        Some(tensor) => tensor.to_vec1::<u32>()?.first().copied(),
        None => None,
    };
    let settings = GoalSettings {
        start,
        pad: pad(end, table.dims2()?.0),
        duration: duration.unwrap_or_default() as usize,
    };
    GoalLanguageModel::new(manager, worker, classifier, settings)
}

/// The tensors under a prefix.
fn store_of(weights: &Weights, prefix: &str) -> Result<ParameterStore> {
    // The random numbers that first values are drawn from; none are.
    let rng = Seed(0).rng(Purpose::LeakganInit, 0);
    let parameters = ParameterStore::new(rng, DType::F32, &Device::Cpu);
    for (name, value) in &weights.tensors {
        if let Some(name) = name.strip_prefix(prefix) {
            let builder = parameters.builder();
            builder.get_with_hints(value.shape(), name, Init::Const(0.0))?;
            parameters.set(name, &value.to_dtype(DType::F32)?)?;
        }
    }
    Ok(parameters)
}
