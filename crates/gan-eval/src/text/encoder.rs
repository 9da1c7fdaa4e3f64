//! The encoder: a language model of the training text, whose whitened states represent a text.

use super::batches::{losses, states};
use super::data::sha256_of_model;
use super::facts::EncoderFacts;
use super::protocol::{Choice, HELD_OUT_TEXTS, Network, chosen};
use super::training::{Schedule, language_model};
use super::{TEXT_PROTOCOL, TextDataFacts, TextEvaluationData};
use crate::EvalError;
use crate::cache::{CacheFile, NoFacts, cache_folder};
use gan_core::Sequences;
use gan_metrics::{Features, Whitening};
use gan_ops::LanguageModel;

/// Twice as many features.
const HIDDEN: usize = 32;
const UPDATES: usize = 300;

/// Training texts by which the features are whitened.
const WHITENING_TEXTS: usize = 5000;

/// No direction is scaled more than √10 times as much as the widest: the last state of real text, which is that after
/// a full stop, hardly varies, and texts without one would be infinitely far away.
const LEAST_VARIANCE: f64 = 0.1;

/// Texts → [`Features`]: the mean and the last of a language model's states.
pub(crate) struct Encoder {
    model: LanguageModel,
    whitening: Whitening,
    pub(crate) facts: EncoderFacts,
}

impl Encoder {
    /// Trains one on the training text, or reads it from the cache.
    pub(crate) fn new(data: &TextEvaluationData, facts: &TextDataFacts) -> Result<Self, EvalError> {
        let (corpus, training) = (&data.corpus, data.training());
        let version = TEXT_PROTOCOL.to_string();
        let vocabulary = facts.vocabulary.to_string();
        let sizes = format!("{HIDDEN} {UPDATES}");
        let determined_by = [
            version.as_str(),
            &sizes,
            &facts.training.sha256,
            &vocabulary,
        ];
        let folder = cache_folder();
        let mut cache: CacheFile<NoFacts> =
            CacheFile::open(folder.as_deref(), "text-encoder", &determined_by);
        let schedule = |updates| Schedule {
            hidden: HIDDEN,
            updates,
            network: Network::Encoder,
        };
        let untrained = language_model(corpus, training, schedule(0))?;
        let origin = "the evaluation's cache";
        let loaded = cache.weights.load_into("", untrained.parameters(), origin);
        let model = match loaded {
            Ok(()) => untrained,
            Err(_) => {
                let trained = language_model(corpus, training, schedule(UPDATES))?;
                cache.weights.insert_all("", trained.parameters())?;
                cache.changed = true;
                cache.save()?;
                trained
            }
        };
        let white = chosen(training, WHITENING_TEXTS, Choice::Whitening);
        let (values, width) = states(&model, corpus, &white)?;
        let features = Features::new("training texts", values, width)?;
        let held_out = chosen(&data.known(&data.held_out), HELD_OUT_TEXTS, Choice::HeldOut);
        let held_out = losses(&model, corpus, &held_out, 1.0)?;
        Ok(Self {
            facts: EncoderFacts {
                sha256: sha256_of_model(&model)?,
                dimensions: width,
                held_out_nll: held_out.mean().ok().map(|mean| mean.value),
            },
            whitening: Whitening::new(&features, LEAST_VARIANCE)?,
            model,
        })
    }

    /// The features of texts, one row each; at least two texts.
    pub(crate) fn features(
        &self,
        data: &TextEvaluationData,
        name: &str,
        texts: &Sequences,
    ) -> Result<Features, EvalError> {
        let (values, width) = states(&self.model, &data.corpus, texts)?;
        let width = width.max(self.facts.dimensions);
        Ok(self.whitening.apply(&Features::new(name, values, width)?)?)
    }
}
