//! From a subject, a data set and a protocol to scores with controls beside them.

use crate::controls::controls;
use crate::event::{EvalEvent, Listener};
use crate::notes::{available, check_same_data, division_note, stacked_floor};
use crate::scores::{mean_scores, score};
use crate::subject::Wanted;
use crate::{
    DEFAULT_COUNT, DataReference, EvalError, EvaluationData, EvaluationFile, Protocol, Request,
    STACKED_COUNT, Subject,
};
use gan_core::Seed;
use gan_data::Dataset;
use gan_metrics::{Embedding, Evaluation, ImageSet, STACKED_CHANNELS};
use std::path::Path;

/// The scores, and what a report needs besides.
pub struct Evaluated {
    /// Everything that was found.
    pub file: EvaluationFile,
    pub(crate) data: DataReference,
    /// The images of the first seed.
    #[cfg_attr(not(feature = "report"), expect(dead_code, reason = "the report's"))]
    pub(crate) generated: Embedding,
    /// Their scores.
    #[cfg_attr(not(feature = "report"), expect(dead_code, reason = "the report's"))]
    pub(crate) evaluation: Evaluation,
}

/// Scores the images of `subject` against those of `data`, with controls. The same arguments give the same
/// scores to the last bit.
///
/// # Errors
/// When the images or the data cannot be used, or no score can be computed.
pub fn evaluate(
    subject: &Subject,
    data: &EvaluationData,
    protocol: &Protocol,
    tell: &mut dyn FnMut(EvalEvent<'_>),
) -> Result<Evaluated, EvalError> {
    protocol.check(subject)?;
    let families = protocol.families();
    // A generator of stacks was trained on stacks of these images.
    let foreign = match protocol.stacked {
        true => None,
        false => check_same_data(subject, data)?,
    };
    tell(EvalEvent::Expect(
        (1 + families.len()) * protocol.seeds as usize,
    ));
    tell(EvalEvent::Begin("images"));
    let first = images(subject, 0, data, protocol, tell)?;
    let (training, held_out) = (&data.splits.training, data.splits.held_out.as_ref());
    let request = Request {
        path: &data.path,
        feature_network: &data.feature_network,
        features: protocol.features.as_deref(),
        count: first.count(),
        metrics: &families,
        validation: data.splits.validation.as_ref(),
        how_to_train: &data.how_to_train,
    };
    let mut reference = DataReference::new(training, held_out, &request, tell)?;
    let notes = division_note(&reference.data, &data.splits.division);
    reference.notes.extend(notes);
    reference.notes.extend(foreign);
    let metrics = available(protocol, subject, &mut reference)?;

    let (data_facts, features) = (reference.data.clone(), reference.features.clone());
    let mut file = EvaluationFile::new(subject.facts.clone(), data_facts, features);
    file.count = first.count();
    file.conditions = conditions(subject, &first, training);
    let scored = |images: ImageSet| match protocol.stacked {
        // The network's input: the digits that are stacked in them.
        true => images.split_channels(),
        false => images,
    };
    let (generated, evaluation) = score(subject, &reference, scored(first), &metrics, tell)?;
    file.scores_by_seed.push(evaluation.scores.clone());
    for seed in 1..protocol.seeds {
        let images = images(subject, seed, data, protocol, tell)?;
        let (_, found) = score(subject, &reference, scored(images), &metrics, tell)?;
        file.scores_by_seed.push(found.scores);
    }
    if subject.is_generator() {
        file.seeds = (0..protocol.seeds).collect();
    }
    file.scores = mean_scores(&file.scores_by_seed);
    file.controls = controls(&mut reference, &metrics, tell)?;
    file.classes = reference.class_shares(&evaluation);
    file.notes.clone_from(&reference.notes);
    file.notes.extend(evaluation.notes.iter().cloned());
    if protocol.stacked {
        let classes = reference.class_names.len();
        file.notes.push(stacked_floor(reference.count, classes));
    }
    if file.scores.is_empty() {
        return Err(EvalError::NoScore {
            path: subject.facts.path.clone(),
            reasons: file.notes.join(" "),
        });
    }
    Ok(Evaluated {
        file,
        data: reference,
        generated,
        evaluation,
    })
}

impl Evaluated {
    /// The folder in which features and controls are saved for the next evaluation of the same data.
    pub fn cache_folder(&self) -> Option<&Path> {
        self.data.cache.folder()
    }
}

/// The subject's images under a seed, of the shape of the data set's or of stacks of them.
fn images(
    subject: &Subject,
    seed: u64,
    data: &EvaluationData,
    protocol: &Protocol,
    tell: Listener<'_>,
) -> Result<ImageSet, EvalError> {
    let training = &data.splits.training;
    let mut shape = training.shape();
    let mut default_count = DEFAULT_COUNT;
    if protocol.stacked {
        shape.channels *= STACKED_CHANNELS;
        default_count = STACKED_COUNT;
    }
    let wanted = Wanted {
        count: protocol.count,
        default_count,
        seed: Seed(seed),
        shape,
        image_size: data.image_size,
        training,
    };
    subject.images(&wanted, tell)
}

/// The classes requested from a generator: each with its name and its share of the images.
fn conditions(
    subject: &Subject,
    images: &ImageSet,
    training: &Dataset,
) -> Option<Vec<(String, f64)>> {
    let (classes, labels) = (subject.conditions()?, images.labels()?);
    let mut counts = vec![0_usize; classes];
    for label in labels {
        counts[*label as usize] += 1;
    }
    let share = |count: usize| count as f64 / labels.len() as f64;
    let named = counts.into_iter().enumerate();
    Some(
        named
            .map(|(class, n)| (training.class_name(class), share(n)))
            .collect(),
    )
}
