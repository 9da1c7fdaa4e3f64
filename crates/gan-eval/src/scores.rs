//! The scores of one set of images, and means over several.

use crate::event::{EvalEvent, Listener};
use crate::{DataReference, EvalError, SCORE_SEED, Subject};
use gan_metrics::{Draw, Embedding, Equilibrium, Evaluation, ImageSet, Metric, Score};

/// The families of scores of some images; the equilibrium scores need the subject's discriminator.
pub(crate) fn score(
    subject: &Subject,
    data: &DataReference,
    images: ImageSet,
    metrics: &[Metric],
    tell: Listener<'_>,
) -> Result<(Embedding, Evaluation), EvalError> {
    tell(EvalEvent::Begin("features of generated images"));
    let generated = Embedding::new(&data.network, images)?;
    tell(EvalEvent::Done);
    let mut evaluation = Evaluation::default();
    for metric in metrics {
        tell(EvalEvent::Begin(&metric.to_string()));
        evaluation.extend(if *metric == Metric::Equilibrium {
            equilibrium(subject, data, &generated.images)?
        } else {
            Evaluation::new(&data.reference, &generated, &[*metric], SCORE_SEED)
        });
        tell(EvalEvent::Done);
    }
    Ok((generated, evaluation))
}

/// The discriminator's outputs for images that it was trained on, for others and for generated ones.
fn equilibrium(
    subject: &Subject,
    data: &DataReference,
    generated: &ImageSet,
) -> Result<Evaluation, EvalError> {
    let (Ok(discriminator), Some(held_out)) = (subject.discriminator(), &data.held_out) else {
        return Ok(Evaluation::default());
    };
    let training = &data.training_images;
    let training = training.draw(Draw::Discriminator, data.count, SCORE_SEED)?;
    let held_out = held_out.draw(Draw::Real, data.count, SCORE_SEED)?;
    let found = Equilibrium::new(discriminator, &held_out, &training, generated)?;
    Ok(Evaluation::of_equilibrium(&found))
}

/// Means over the seeds, with their standard deviation as the uncertainty; with one seed, its scores
/// unchanged.
pub(crate) fn mean_scores(by_seed: &[Vec<Score>]) -> Vec<Score> {
    let [first, others @ ..] = by_seed else {
        return Vec::new();
    };
    if others.is_empty() {
        return first.clone();
    }
    let mean = |score: &Score| {
        let of_kind = |scores: &Vec<Score>| {
            scores
                .iter()
                .find(|other| other.kind == score.kind)
                .copied()
        };
        let values: Vec<f64> = by_seed
            .iter()
            .filter_map(of_kind)
            .map(|score| score.value)
            .collect();
        let count = values.len() as f64;
        let value = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|v| (v - value).powi(2)).sum::<f64>();
        // NaN for a single value.
        Score::new(score.kind, value, (squares / (count - 1.0)).sqrt())
    };
    first.iter().map(mean).collect()
}
