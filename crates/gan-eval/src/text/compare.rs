//! Whether two evaluations of text can be compared.

use super::TextEvaluationFile;
use crate::EvalError;

/// Scores can be compared only if everything but the texts was the same.
///
/// # Errors
/// Names the first thing that differs.
pub fn check_texts_comparable(
    (name, first): &(String, TextEvaluationFile),
    (other_name, other): &(String, TextEvaluationFile),
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
fn facts(file: &TextEvaluationFile) -> [(&'static str, String); 7] {
    let data = &file.data;
    let hash = |known: &Option<String>| known.clone().unwrap_or("none".to_string());
    [
        ("the protocol's version", file.protocol.to_string()),
        ("the tokens' SHA-256", hash(&data.tokenizer_sha256)),
        ("the oracle's SHA-256", hash(&data.oracle_sha256)),
        ("the training text's SHA-256", data.training.sha256.clone()),
        ("the held-out text's SHA-256", data.held_out.sha256.clone()),
        ("the number of texts", file.count.to_string()),
        (
            "the encoder's SHA-256",
            hash(&file.encoder.as_ref().map(|encoder| encoder.sha256.clone())),
        ),
    ]
}
