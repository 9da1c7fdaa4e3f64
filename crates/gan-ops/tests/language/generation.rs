//! Sequences that are drawn: from the right distribution, and each from its own stream alone.

use crate::common::{tokens, waves};
use candle_core::DType;
use gan_core::{Purpose, Seed};
use gan_ops::{Generation, LanguageModel, TokenBatch};
use rand_chacha::ChaCha8Rng;

const ALL: Generation<'_> = Generation {
    count: 0,
    steps: 6,
    prefixes: None,
    alpha: 1.0,
    never: &[],
    end: None,
};

fn stream(k: usize) -> ChaCha8Rng {
    Seed(5).rng(Purpose::Sample, k as u64)
}

fn draw(model: &LanguageModel, request: Generation<'_>) -> Vec<u32> {
    model.generate(&request, &stream).unwrap()
}

#[test]
fn shares_are_the_probabilities_of_the_first_two_tokens() {
    const N: usize = 40_000;
    for alpha in [1.0, 2.0] {
        let model = waves(DType::F32, (4, 5, 6));
        let steps = 2;
        let drawn = draw(
            &model,
            Generation {
                count: N,
                steps,
                alpha,
                ..ALL
            },
        );
        let pairs: Vec<u32> = (0..16).flat_map(|k| [k / 4, k % 4]).collect();
        let nll = model
            .nll(TokenBatch::new(&pairs, 2).unwrap(), alpha)
            .unwrap();
        for (pair, nll) in pairs.chunks(2).zip(nll.chunks(2)) {
            let p = (-nll[0] - nll[1]).exp();
            let share = drawn.chunks(2).filter(|drawn| *drawn == pair).count() as f64 / N as f64;
            // Five standard deviations.
            let bound = 5.0 * (p * (1.0 - p) / N as f64).sqrt();
            assert!(
                (share - p).abs() < bound,
                "{pair:?} at {alpha}: {share} {p}"
            );
        }
    }
}

#[test]
fn a_sequence_does_not_depend_on_the_others() {
    let model = waves(DType::F32, (70, 5, 7));
    let all = draw(&model, Generation { count: 50, ..ALL });
    for count in [1, 16, 17, 49] {
        let some = draw(&model, Generation { count, ..ALL });
        assert_eq!(some, all[..count * ALL.steps]);
    }
    let later = model
        .generate(&Generation { count: 3, ..ALL }, &|k| stream(k + 20))
        .unwrap();
    assert_eq!(later, all[20 * ALL.steps..23 * ALL.steps]);
}

#[test]
fn prefixes_stay_and_what_follows_is_conditioned_on_them() {
    let model = waves(DType::F64, (9, 5, 7));
    let free = draw(&model, Generation { count: 20, ..ALL });
    let prefixes: Vec<u32> = free
        .chunks(ALL.steps)
        .flat_map(|sequence| sequence[..4].to_vec())
        .collect();
    let given = Generation {
        count: 20,
        prefixes: Some(TokenBatch::new(&prefixes, 4).unwrap()),
        ..ALL
    };
    let found = draw(&model, given);
    let starts = found.chunks(ALL.steps).zip(prefixes.chunks(4));
    starts.for_each(|(sequence, prefix)| assert_eq!(&sequence[..4], prefix));
    // A stream that begins where the free sequence's stood after its prefix draws the same rest.
    let rest = model
        .generate(&given, &|k| {
            let mut rng = stream(k);
            for _ in 0..4 {
                let _: f64 = rand::Rng::random(&mut rng);
            }
            rng
        })
        .unwrap();
    assert_eq!(rest, free);
}

#[test]
fn forbidden_tokens_are_never_drawn_and_the_end_fills_the_rest() {
    let model = waves(DType::F32, (9, 5, 7));
    let request = Generation {
        count: 300,
        never: &[0, 3],
        end: Some(2),
        ..ALL
    };
    let drawn = draw(&model, request);
    assert!(drawn.iter().all(|token| *token != 0 && *token != 3));
    let mut ended = 0;
    for sequence in drawn.chunks(ALL.steps) {
        if let Some(end) = sequence.iter().position(|token| *token == 2) {
            assert!(sequence[end..].iter().all(|token| *token == 2));
            ended += 1;
        }
    }
    assert!(ended > 10, "{ended}");
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let model = waves(DType::F32, (3, 2, 2));
    let refused =
        |request: Generation<'_>| model.generate(&request, &stream).unwrap_err().to_string();
    assert!(refused(Generation { never: &[3], ..ALL }).contains("token 3 of a vocabulary of 3"));
    assert!(
        refused(Generation {
            never: &[2, 0, 1],
            ..ALL
        })
        .contains("none of the vocabulary")
    );
    let one = tokens(2, 1, 3);
    let prefixes = Some(TokenBatch::new(&one, 1).unwrap());
    assert!(
        refused(Generation {
            count: 3,
            prefixes,
            ..ALL
        })
        .contains("2 prefixes")
    );
    let batch = TokenBatch::new(&[7], 1).unwrap();
    assert!(model.nll(batch, 1.0).is_err());
    let few = model.nll_gradients(TokenBatch::new(&[1], 1).unwrap(), &[], &mut |_, _| Ok(()));
    assert!(
        few.unwrap_err()
            .to_string()
            .contains("0 weights of 1 tokens")
    );
}
