//! Trains a generator of text and evaluates it.
//!
//! `cargo run -p gan-eval --example evaluate_text -- TEXT CONFIG.toml OUT.json`: TEXT is a file or a folder as
//! `TextData::open` reads it, or `oracle`; the configuration has the tables `data`, `model`, `train` and `adversary`.

use gan_core::candle_core::DType;
use gan_core::{Purpose, Seed, Sequences};
use gan_eval::{
    EvalEvent, TextEvaluationData, TextProtocol, TextSubject, evaluate_text, text_score_table,
};
use gan_ops::Generation;
use gan_text::{
    AdversaryConfig, GeneratorConfig, PartKind, TextConfig, TextCorpus, TextData,
    TextGeneratorFile, TextGeneratorHeader, TextTrainConfig, TextTrainer, oracle,
};
use std::error::Error;
use std::path::Path;
use std::time::Instant;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Config {
    data: TextConfig,
    model: GeneratorConfig,
    train: TextTrainConfig,
    adversary: AdversaryConfig,
}

#[allow(clippy::print_stdout, reason = "an example")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [text, config, out] = &arguments[..] else {
        return Err("expected TEXT CONFIG.toml OUT.json".into());
    };
    let config: Config = toml::from_str(&std::fs::read_to_string(config)?)?;
    let data = match text.as_str() {
        "oracle" => oracle_data()?,
        path => {
            let data = TextData::open(Path::new(path), &config.data)?;
            println!("{}", data.report);
            TextEvaluationData::of_text(Path::new(path), &data)
        }
    };
    let subject = trained(&data, &config, Path::new(out))?;
    let (begin, mut part) = (Instant::now(), String::new());
    let mut since = begin;
    let file = evaluate_text(&subject, &data, &TextProtocol::default(), &mut |event| {
        if let EvalEvent::Begin(name) = event {
            println!("{:6.2} s {part}", since.elapsed().as_secs_f64());
            (part, since) = (name.to_string(), Instant::now());
        }
    })?;
    println!("{:6.2} s in all", begin.elapsed().as_secs_f64());
    text_score_table(&file)
        .iter()
        .for_each(|line| println!("{line}"));
    file.notes.iter().for_each(|note| println!("{note}"));
    if let Some(verdict) = &file.verdict {
        println!("{}", verdict.sentence);
    }
    Ok(file.write(Path::new(out))?)
}

/// A small random oracle's sequences, as many as in the benchmark.
fn oracle_data() -> Result<TextEvaluationData, Box<dyn Error>> {
    const COUNT: usize = 9984;
    let oracle = oracle(Seed(0), DType::F32)?;
    let draw = |first: u64| {
        let request = Generation {
            count: COUNT,
            steps: 20,
            prefixes: None,
            alpha: 1.0,
            never: &[],
            end: None,
        };
        let tokens = oracle.generate(&request, &|k| {
            Seed(0).rng(Purpose::OracleData, first + k as u64)
        })?;
        Ok::<_, gan_core::candle_core::Error>(tokens.chunks(20).collect::<Sequences>())
    };
    let (sequences, held_out) = (draw(0)?, draw(COUNT as u64)?);
    let corpus = TextCorpus {
        sequences,
        vocabulary: oracle.vocabulary(),
        start: 0,
        end: None,
        never: Vec::new(),
        steps: 20,
    };
    Ok(TextEvaluationData {
        path: "oracle".into(),
        corpus,
        held_out,
        tokenizer: None,
        oracle: Some(oracle),
    })
}

/// A generator after all its steps, beside itself before the adversarial ones.
fn trained(
    data: &TextEvaluationData,
    config: &Config,
    out: &Path,
) -> Result<TextSubject, Box<dyn Error>> {
    let corpus = data.corpus.clone();
    let mut trainer = TextTrainer::new(corpus, &config.model, &config.train, &config.adversary)?;
    let hash = data.tokenizer_sha256();
    let save = |trainer: &TextTrainer, path: &Path| {
        let (state, seed) = (trainer.state(), config.train.seed);
        let header = TextGeneratorHeader::new(trainer.corpus(), hash.clone(), state, seed);
        header.save(trainer.generator(), path)
    };
    let pretrained = out.with_extension("pretrained.safetensors");
    let last = out.with_extension("safetensors");
    while let Some(part) = trainer.advance()? {
        let is_last = part.number + 1 == trainer.pretraining_steps();
        if is_last && part.kind == PartKind::Likelihood {
            save(&trainer, &pretrained)?;
        }
    }
    save(&trainer, &last)?;
    let subject = TextSubject::of_generator(&last, "generator", TextGeneratorFile::read(&last)?);
    Ok(subject.with_pretrained(TextGeneratorFile::read(&pretrained)?))
}
