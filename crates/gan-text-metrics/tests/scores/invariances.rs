//! What must hold for any sequences: limits, other ids, other numbers of threads, nothing to score.

use crate::text::{renamed, sentences, sequences};
use gan_core::{Seed, Sequences};
use gan_text_metrics::{
    Bleu, BleuReferences, CleanShare, Diversity, NgramModel, TextMemorization, TextMetricError,
    TokenLosses, hashed_ngrams, one_repeated, self_bleu, shuffled_tokens, uniform_tokens,
    unigram_tokens,
};
use proptest::prelude::*;

/// Everything that does not depend on ids, of one set against another.
#[derive(Debug, PartialEq)]
struct Scores {
    bleu: Bleu,
    self_bleu: Option<Bleu>,
    diversity: Diversity,
    memorization: TextMemorization,
    losses: [TokenLosses; 3],
}

fn scores(set: &Sequences, real: &Sequences) -> Scores {
    Scores {
        bleu: BleuReferences::new(real).unwrap().score(set).unwrap(),
        self_bleu: self_bleu(set).ok(),
        diversity: Diversity::new(set).unwrap(),
        memorization: TextMemorization::new(set, set, real).unwrap(),
        losses: [0, 1, 5].map(|order| NgramModel::new(real, order).unwrap().losses(set)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scores_do_not_depend_on_ids(set in sequences(1..12), real in sequences(1..12)) {
        prop_assert_eq!(scores(&set, &real), scores(&renamed(&set), &renamed(&real)));
    }

    #[test]
    fn scores_lie_in_their_ranges(set in sequences(2..12), real in sequences(1..12)) {
        let found = scores(&set, &real);
        for bleu in found.bleu.sentences.iter().chain(&found.self_bleu.unwrap().sentences) {
            prop_assert!(bleu.iter().all(|score| (0.0..=1.0).contains(score)), "{bleu:?}");
        }
        let overlap = found.memorization.generated;
        let shares = overlap.new_ngrams.into_iter().chain([Some(overlap.copies), overlap.longest_run_part]);
        for share in shares.flatten() {
            prop_assert!((0.0..=1.0).contains(&share.value) && share.standard_error.is_finite());
        }
        for losses in found.losses {
            prop_assert!(losses.sequences().flatten().all(|loss| loss.is_finite() && *loss > 0.0));
        }
    }

    #[test]
    fn models_draw_only_what_they_know(real in sequences(1..12), order in 0..=5_usize) {
        let known: Vec<&u32> = real.iter().flatten().collect();
        let drawn = NgramModel::new(&real, order).unwrap().sample(Seed(1), 20);
        prop_assert!(drawn.iter().flatten().all(|token| known.contains(&token)));
        let longest = real.iter().map(<[u32]>::len).max();
        prop_assert!(drawn.iter().map(<[u32]>::len).max() <= longest);
    }
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let (real, set) = (sentences(1, 200), sentences(2, 150));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let drawn = NgramModel::new(&real, 5).unwrap().sample(Seed(1), 50);
            (
                scores(&set, &real),
                drawn,
                hashed_ngrams("lines", &set).unwrap(),
            )
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn nothing_to_score_is_an_error_and_empty_sequences_are_not() {
    let (none, empty): (Sequences, Sequences) =
        (Sequences::default(), [&[][..], &[]].into_iter().collect());
    let too_few = |error| matches!(error, TextMetricError::TooFew { .. });
    assert!(too_few(BleuReferences::new(&none).unwrap_err()));
    assert!(too_few(
        BleuReferences::new(&empty)
            .unwrap()
            .score(&none)
            .unwrap_err()
    ));
    assert!(too_few(self_bleu(&empty.select([0])).unwrap_err()));
    assert!(too_few(Diversity::new(&none).unwrap_err()));
    assert!(too_few(
        TextMemorization::new(&empty, &none, &empty).unwrap_err()
    ));
    assert!(too_few(NgramModel::new(&none, 5).unwrap_err()));
    assert!(too_few(TokenLosses::default().mean().unwrap_err()));
    assert!(too_few(
        CleanShare::new(&TokenLosses::default(), &TokenLosses::default()).unwrap_err()
    ));
    assert!(too_few(one_repeated(&none, 1).unwrap_err()));
    let said = NgramModel::new(&empty, 6).unwrap_err().to_string();
    assert_eq!(
        said,
        "the order of an n-gram model is 6, expected 0 (uniform) to 5"
    );

    let found = scores(&empty, &empty);
    assert_eq!(found.bleu.means[3].value, 0.0);
    assert_eq!(found.memorization.generated.copies.value, 1.0);
    assert_eq!(found.memorization.generated.longest_run_part, None);
    assert_eq!(
        scores(&empty, &sentences(1, 3))
            .memorization
            .generated
            .longest_run
            .value,
        0.0
    );
    assert_eq!(
        NgramModel::new(&empty, 5)
            .unwrap()
            .sample(Seed(1), 4)
            .tokens(),
        0
    );
    assert_eq!(shuffled_tokens(&empty, Seed(1)), empty);
    assert_eq!(unigram_tokens(&empty, Seed(1), 2).unwrap(), empty);
    assert_eq!(uniform_tokens(&empty, Seed(1), 2).unwrap(), empty);
}
