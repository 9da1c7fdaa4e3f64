//! The oracle that SeqGAN published, against NumPy's program (`tests/golden/make_text.py` states the formulas). Its
//! weights have no licence, so they are not in the repository.

use crate::skips::skipped;
use crate::splitmix::u;
use candle_core::DType;
use gan_core::{Purpose, Seed, Weights};
use gan_ops::{Generation, TokenBatch};
use gan_text::read_oracle;
use serde_json::Value;
use std::path::Path;

const STEPS: usize = 20;

#[test]
fn the_published_oracle_scores_as_in_numpy() {
    let Some(file) = std::env::var_os("SEQGAN_ORACLE") else {
        return skipped("no SEQGAN_ORACLE; `cargo xtask golden --oracle FILE` sets it");
    };
    let weights = Weights::read(Path::new(&file)).unwrap();
    let oracle = read_oracle(&weights, DType::F64).unwrap();
    let golden: Value =
        serde_json::from_str(include_str!("../../../../tests/golden/text.json")).unwrap();
    let golden = &golden["oracle"];
    let token = |s: u64, t: u64| (u(5000 + s, t) * oracle.vocabulary() as f64) as u32;
    let tokens: Vec<u32> = (0..64)
        .flat_map(|s| (0..20).map(move |t| token(s, t)))
        .collect();
    let score = |tokens: &[u32]| -> Vec<f64> {
        let nll = oracle
            .nll(TokenBatch::new(tokens, STEPS).unwrap(), 1.0)
            .unwrap();
        nll.chunks(STEPS)
            .map(|nll| nll.iter().sum::<f64>() / STEPS as f64)
            .collect()
    };
    for (found, expected) in score(&tokens).iter().zip(golden["nll"].as_array().unwrap()) {
        let expected = expected.as_f64().unwrap();
        assert!((found - expected).abs() <= 1e-9, "{found} {expected}");
    }
    let request = Generation {
        count: 4992,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    let stream = |k: usize| Seed(0).rng(Purpose::OracleData, k as u64);
    let own = score(&oracle.generate(&request, &stream).unwrap());
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    // Other draws than the reference program's: four standard errors of it.
    let expected = golden["own_samples"]["mean"].as_f64().unwrap();
    assert!((mean - expected).abs() < 0.03, "{mean} {expected}");
}
