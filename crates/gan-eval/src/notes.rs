//! What a reader of an evaluation should know besides the scores.

use crate::{
    DataFacts, DataReference, EvalError, EvaluationData, LEAST_HELD_OUT, Protocol, Subject,
};
use gan_data::{Dataset, Division};
use gan_metrics::{Metric, STACKED_CHANNELS};

/// What to know about a data set without held-out images, or with few.
pub(crate) fn division_note(facts: &DataFacts, division: &Division) -> Option<String> {
    let held_out = facts.held_out_images;
    match (division, held_out) {
        (_, LEAST_HELD_OUT..) => None,
        (_, 1..) => Some(format!(
            "{held_out} images are held out, fewer than {LEAST_HELD_OUT}: too few for distances between \
             distributions. FID, KID, precision, recall, density and coverage are against training \
             images, with the held-out images as their control. Memorization, Parzen window and the \
             discriminator's gap are against the held-out images.",
        )),
        (division, 0) => {
            let reason = match division {
                Division::Nothing { reason } => reason,
                _ => "the test split has a single image",
            };
            Some(format!(
                "No images are held out ({reason}). Scores are against training images, and cannot \
                 tell learning from copying."
            ))
        }
    }
}

/// The score of a perfect generator of stacks.
pub(crate) fn stacked_floor(count: usize, classes: usize) -> String {
    let modes = classes.pow(STACKED_CHANNELS as u32);
    format!(
        "{count} images spread evenly over {modes} modes have a KL of about (modes - 1) / (2 images) \
         = {:.4} by chance alone. Stacks of training images, whose classes are not quite \
         equally frequent, are under `training images`.",
        (modes as f64 - 1.0) / (2.0 * count as f64)
    )
}

/// Refuses a data set that the generator was not trained on. If it was chosen all the same, the
/// difference is a note.
pub(crate) fn check_same_data(
    subject: &Subject,
    data: &EvaluationData,
) -> Result<Option<String>, EvalError> {
    let training = data.splits.training.sha256();
    let held_out = data.splits.held_out.as_ref();
    let held_out = held_out.map_or("nothing".to_string(), Dataset::sha256);
    let (path, folder) = (subject.facts.path.display(), data.path.display());
    let found = match (&subject.trained_on, &subject.held_out) {
        (Some(known), _) if *known != training => format!(
            "{path}: was trained on images with SHA-256 {known}; those in {folder} have {training}"
        ),
        (_, Some(known)) if *known != held_out => {
            format!("{path}: images with SHA-256 {known} were held out; of {folder} now {held_out}")
        }
        _ => return Ok(None),
    };
    if data.may_differ {
        return Ok(Some(format!("{found}. The scores are against other data.")));
    }
    Err(EvalError::OtherData { found })
}

/// The families that can be computed; a note says why others cannot.
///
/// # Errors
/// When none of those requested can be computed.
pub(crate) fn available(
    protocol: &Protocol,
    subject: &Subject,
    data: &mut DataReference,
) -> Result<Vec<Metric>, EvalError> {
    let (mut available, mut reasons) = (Vec::new(), Vec::new());
    for metric in protocol.families() {
        match why_not(metric, protocol, subject, data) {
            None => available.push(metric),
            Some(reason) => reasons.push(format!("No {metric}: it {reason}.")),
        }
    }
    if available.is_empty() {
        return Err(EvalError::NoScore {
            path: subject.facts.path.clone(),
            reasons: reasons.join(" "),
        });
    }
    data.notes.extend(reasons);
    Ok(available)
}

fn why_not(
    metric: Metric,
    protocol: &Protocol,
    subject: &Subject,
    data: &DataReference,
) -> Option<String> {
    match (metric, subject.discriminator(), &data.held_out) {
        (Metric::Stacked, ..) if !protocol.stacked => Some(
            "is a protocol of its own; give `protocol.stacked` instead of `protocol.metrics`"
                .to_string(),
        ),
        (Metric::Equilibrium, Err(reason), _) => Some(reason.to_string()),
        (Metric::Equilibrium, Ok(_), None) => {
            Some("needs images held out from training".to_string())
        }
        (Metric::Equilibrium, Ok(_), Some(held_out)) => {
            let unlabelled = subject.conditions().is_some() && held_out.labels().is_none();
            unlabelled.then(|| "needs the labels of held-out images".to_string())
        }
        _ => data.reference.unavailable(metric, data.count),
    }
}
