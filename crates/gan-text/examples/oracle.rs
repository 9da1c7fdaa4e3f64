//! The synthetic benchmark: maximum likelihood, then adversarial steps, against an oracle that knows the truth.
//!
//! `cargo run -p gan-text --example oracle -- CONFIG.toml [ORACLE.safetensors [OUT.safetensors]]`: the configuration
//! has the tables `train` and `adversary`; without a file of weights the oracle is random. The generator goes to the last file.

use candle_core::DType;
use gan_core::{Purpose, Seed, Sequences, Weights};
use gan_ops::{Generation, TokenBatch};
use gan_text::{
    AdversaryConfig, GeneratorConfig, PartKind, TextCorpus, TextGenerator, TextGeneratorHeader,
    TextTrainConfig, TextTrainer, oracle, read_oracle,
};
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

/// Tokens of a sequence, and sequences of a set, as in the benchmark's program.
const STEPS: usize = 20;
const COUNT: usize = 9984;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Config {
    train: TextTrainConfig,
    adversary: AdversaryConfig,
}

fn draw(model: &dyn TextGenerator, purpose: Purpose, first: u64) -> candle_core::Result<Vec<u32>> {
    let request = Generation {
        count: COUNT,
        steps: STEPS,
        prefixes: None,
        alpha: 1.0,
        never: &[],
        end: None,
    };
    model.generate(&request, &|k| Seed(0).rng(purpose, first + k as u64))
}

fn mean_nll(model: &dyn TextGenerator, tokens: &[u32]) -> candle_core::Result<f64> {
    let nll = model.nll(TokenBatch::new(tokens, STEPS)?, 1.0)?;
    Ok(nll.iter().sum::<f64>() / nll.len() as f64)
}

#[allow(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let Config { train, adversary } = match arguments.next() {
        Some(path) => toml::from_str(&std::fs::read_to_string(path)?)?,
        None => Config::default(),
    };
    let oracle = match arguments.next() {
        Some(path) => read_oracle(&Weights::read(Path::new(&path))?, DType::F32)?,
        None => oracle(Seed(0), DType::F32)?,
    };
    let real = draw(&oracle, Purpose::OracleData, 0)?;
    let held_out = draw(&oracle, Purpose::OracleData, COUNT as u64)?;
    println!("real: NLL_oracle {:.3}", mean_nll(&oracle, &real)?);
    let corpus = TextCorpus {
        sequences: real.chunks(STEPS).collect::<Sequences>(),
        vocabulary: oracle.vocabulary(),
        start: 0,
        end: None,
        never: Vec::new(),
        steps: STEPS,
    };
    let (epoch, seed) = ((COUNT / train.batch_size) as u64, train.seed);
    let model = GeneratorConfig::default();
    let mut trainer = TextTrainer::new(corpus, &model, &train, &adversary)?;
    let likelihood_steps = trainer.pretraining_steps();
    let begin = Instant::now();
    while let Some(part) = trainer.advance()? {
        let seconds = begin.elapsed().as_secs_f64();
        let done = part.number + 1;
        let is_told = match part.kind {
            PartKind::Likelihood => done.is_multiple_of(10 * epoch),
            PartKind::Round => trainer.state().step == likelihood_steps,
            PartKind::Adversarial => (done - likelihood_steps).is_multiple_of(10),
        };
        if !is_told {
            continue;
        }
        println!("{seconds:.0} s: {part:?}");
        if part.kind != PartKind::Round {
            let drawn = draw(trainer.generator(), Purpose::Sample, 0)?;
            println!(
                "  NLL_oracle {:.3}, NLL_gen of new sequences {:.3}, {} distinct tokens",
                mean_nll(&oracle, &drawn)?,
                mean_nll(trainer.generator(), &held_out)?,
                drawn.iter().collect::<HashSet<_>>().len(),
            );
        }
    }
    match arguments.next() {
        Some(path) => {
            let header = TextGeneratorHeader::new(trainer.corpus(), None, trainer.state(), seed);
            Ok(header.save(trainer.generator(), Path::new(&path))?)
        }
        None => Ok(()),
    }
}
