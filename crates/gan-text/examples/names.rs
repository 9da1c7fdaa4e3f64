//! Names, letter by letter: a generator's scores beside those of a 5-gram model and of real names.
//!
//! `cargo run -p gan-text --example names -- CONFIG.toml`: the tables `model`, `train` and `adversary` of a run.

use gan_core::{Purpose, Seed, Sequences};
use gan_metrics::{Features, frechet_distance};
use gan_ops::Pool;
use gan_text::{
    AdversaryConfig, GeneratorConfig, TextConfig, TextCorpus, TextData, TextTrainConfig,
    TextTrainer,
};
use gan_text_metrics::{NgramModel, hashed_ngrams};
use rand::seq::SliceRandom;
use serde::Deserialize;
use std::collections::HashSet;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

/// Names of a set.
const COUNT: usize = 5000;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    model: GeneratorConfig,
    train: TextTrainConfig,
    adversary: AdversaryConfig,
}

/// What sets of names are compared with.
struct Real<'a> {
    training: HashSet<&'a [u32]>,
    held_out: HashSet<&'a [u32]>,
    features: Features,
}

impl Real<'_> {
    fn line(&self, names: &Sequences) -> Result<String, Box<dyn Error>> {
        let distance = frechet_distance(&self.features, &hashed_ngrams("names", names)?)?;
        let share = |set: &HashSet<&[u32]>| {
            let known = names.iter().filter(|name| set.contains(name)).count();
            100.0 * known as f64 / names.len() as f64
        };
        let different = names.iter().collect::<HashSet<_>>().len();
        let (training, held_out) = (share(&self.training), share(&self.held_out));
        Ok(format!(
            "distance {distance:.3}, {training:.1} % training names, {held_out:.2} % held-out ones, {different} different"
        ))
    }
}

fn some(names: &Sequences, seed: u64) -> Sequences {
    let mut numbers: Vec<usize> = (0..names.len()).collect();
    numbers.shuffle(&mut Seed(seed).rng(Purpose::ScoreSubset, 0));
    names.select(numbers.into_iter().take(COUNT))
}

fn draw(trainer: &TextTrainer) -> candle_core::Result<Sequences> {
    let (corpus, seed) = (trainer.corpus(), Seed(trainer.seed().0 + 1000));
    let stream = |k: usize| seed.rng(Purpose::Sample, k as u64);
    let drawn = trainer
        .generator()
        .generate(&corpus.request(COUNT), &stream)?;
    let until_end = |name| {
        let name: &[u32] = name;
        let end = name.iter().position(|token| Some(*token) == corpus.end);
        &name[..end.unwrap_or(name.len())]
    };
    Ok(drawn.chunks(corpus.steps).map(until_end).collect())
}

#[allow(clippy::print_stdout, reason = "an example")]
fn run() -> Result<(), Box<dyn Error>> {
    let config = std::env::args()
        .nth(1)
        .map(std::fs::read_to_string)
        .transpose()?;
    let config: Config = toml::from_str(&config.unwrap_or_default())?;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/names");
    let data = TextData::open(Path::new(folder), &TextConfig::default())?;
    let real = Real {
        training: data.train.iter().collect(),
        held_out: data.held_out.iter().collect(),
        features: hashed_ngrams("held-out names", &some(&data.held_out, 77))?,
    };
    let seed = config.train.seed;
    println!("training names: {}", real.line(&some(&data.train, seed.0))?);
    let ngrams = NgramModel::new(&data.train, 5)?.sample(seed, COUNT);
    println!("5-gram: {}", real.line(&ngrams)?);
    let corpus = TextCorpus::of(&data);
    let mut trainer = TextTrainer::new(corpus, &config.model, &config.train, &config.adversary)?;
    let begin = Instant::now();
    let every = (trainer.steps() / 10).max(1);
    while let Some(part) = trainer.advance()? {
        if trainer.state().step.is_multiple_of(every) {
            let seconds = begin.elapsed().as_secs();
            println!(
                "{seconds} s, {}: {}",
                part.number + 1,
                real.line(&draw(&trainer)?)?
            );
            println!("  {:?}", part.figures);
        }
    }
    let names = draw(&trainer)?;
    let names = names
        .iter()
        .take(30)
        .map(|name| data.tokenizer.decode(name));
    println!("{}", names.collect::<Vec<_>>().join(" "));
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let done = Pool::new(Some(2))?.install(|| run().map_err(|error| error.to_string()));
    Ok(done?)
}
