//! BLEU and self-BLEU are NLTK's (`tests/golden/make_text.py` states the formulas, `text.json` the figures).

use crate::splitmix::u;
use gan_core::Sequences;
use gan_text_metrics::{Bleu, BleuReferences, self_bleu};
use serde_json::Value;

/// Sentence k of 4 to 15 words, of which small ones are frequent.
fn sentences(first: u64, count: u64) -> Sequences {
    let mut all = Sequences::default();
    for k in first..first + count {
        let length = 4 + (12.0 * u(k, 0)).floor() as u64;
        let words = (1..=length).map(|j| (30.0 * u(k, j).powi(2)).floor() as u32);
        all.push(&words.collect::<Vec<_>>());
    }
    all
}

fn assert_figures(found: &Bleu, name: &str) {
    let json: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/text.json")).unwrap();
    for (n, mean) in (2..).zip(found.means) {
        let expected = json
            .pointer(&format!("/bleu/{name}/{n}"))
            .and_then(Value::as_f64)
            .unwrap();
        let error = (mean.value - expected).abs() / expected;
        assert!(
            error <= 1e-12,
            "{name}-{n}: {}, expected {expected}: off by {error:.1e}",
            mean.value
        );
    }
}

#[test]
fn bleu_is_nltks() {
    let references = BleuReferences::new(&sentences(7000, 60)).unwrap();
    assert_figures(&references.score(&sentences(6000, 40)).unwrap(), "bleu");
}

#[test]
fn self_bleu_is_nltks() {
    assert_figures(&self_bleu(&sentences(6000, 40)).unwrap(), "self_bleu");
}
