//! Whether two evaluations can be compared.

use crate::{EvalError, EvaluationFile};
use gan_metrics::RealImages;

/// Scores can be compared only if everything but the images was the same.
///
/// # Errors
/// Names the first thing that differs.
pub fn check_comparable(
    (name, first): &(String, EvaluationFile),
    (other_name, other): &(String, EvaluationFile),
) -> Result<(), EvalError> {
    let facts = facts(first).into_iter().zip(facts(other));
    let mut different = facts.filter(|((_, a), (_, b))| a != b);
    match different.next() {
        None => Ok(()),
        Some(((what, a), (_, b))) => Err(EvalError::NotComparable {
            first: name.clone(),
            second: other_name.clone(),
            what,
            a,
            b,
        }),
    }
}

/// What must be the same, in words.
fn facts(file: &EvaluationFile) -> [(&'static str, String); 5] {
    let (data, held_out) = (&file.data, file.data.held_out_sha256.as_ref());
    let real = match data.against {
        RealImages::HeldOut => held_out.unwrap_or(&data.training_sha256),
        RealImages::Training => &data.training_sha256,
    };
    [
        ("the protocol's version", file.protocol.to_string()),
        (
            "the feature network's SHA-256",
            file.features.sha256.clone(),
        ),
        ("the number of images", file.count.to_string()),
        (
            "the real images' SHA-256",
            format!("{real} ({} {})", data.real_images, data.against),
        ),
        (
            "the held-out images' SHA-256",
            held_out.cloned().unwrap_or_default(),
        ),
    ]
}
