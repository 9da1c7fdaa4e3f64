//! Whether a recipe's scores are still within the ranges in its file.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

use crate::usage::WrongUse;
use crate::{cargo, workspace};

/// The folder of the recipes.
const FOLDER: &str = "crates/gan-run/recipes";

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Train by this recipe, evaluate, and compare the scores with its file; takes a long time
    #[arg(long, value_name = "NAME")]
    check: String,
}

/// The part of a recipe's file that is checked.
#[derive(Deserialize)]
struct File {
    recipe: About,
}

#[derive(Deserialize)]
struct About {
    /// Flags that make the run shorter.
    #[serde(default)]
    check: String,
    /// The lowest and the highest value of each score, by its name in evaluation.json.
    #[serde(default)]
    expected: BTreeMap<String, [f64; 2]>,
}

#[derive(Deserialize)]
struct Evaluation {
    scores: Vec<Score>,
}

#[derive(Deserialize)]
struct Score {
    kind: String,
    value: f64,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let name = &options.check;
    let file = workspace::root().join(FOLDER).join(format!("{name}.toml"));
    let text = fs::read_to_string(&file)
        .with_context(|| WrongUse(format!("{}: there is no such recipe", file.display())))?;
    let About { check, expected } = about(&text).with_context(|| file.display().to_string())?;
    if expected.is_empty() {
        bail!("{}: no [recipe.expected] to check", file.display());
    }
    let out = workspace::target()?.join("recipes").join(name);
    let gan_cli = |arguments: &str| {
        let mut command = cargo::command("run --release -p gan-cli --");
        command.args(arguments.split_whitespace()).arg(&out);
        cargo::run(&mut command)
    };
    gan_cli(&format!("train --recipe {name} {check} --force --out"))?;
    gan_cli("evaluate")?;
    let misses = misses(&out.join("evaluation.json"), &expected)?;
    if misses.is_empty() {
        println!(
            "{name}: all {} scores are within their ranges",
            expected.len()
        );
        return Ok(());
    }
    bail!("{name}: {}", misses.join("; "))
}

fn about(text: &str) -> Result<About> {
    Ok(toml::from_str::<File>(text)?.recipe)
}

/// The scores outside their ranges.
fn misses(path: &Path, expected: &BTreeMap<String, [f64; 2]>) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let evaluation: Evaluation =
        serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let mut misses = Vec::new();
    for (kind, [least, most]) in expected {
        let score = evaluation.scores.iter().find(|score| score.kind == *kind);
        match score {
            Some(score) if (*least..=*most).contains(&score.value) => {}
            Some(score) => misses.push(format!(
                "{kind} is {:.4}, expected {least} to {most}",
                score.value
            )),
            None => misses.push(format!("{kind} was not scored")),
        }
    }
    Ok(misses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_outside_of_their_bands_and_missing_ones_are_said() {
        let About { check, expected } = about(
            "[recipe]\nabout = 'x'\ncheck = '--epochs 5'\n[recipe.expected]\nrecall = [0.7, 1]\nfid = [0, 3]\nkid = [0, 1]",
        )
        .unwrap();
        assert_eq!(check, "--epochs 5");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        let scores =
            r#"{"scores": [{"kind": "recall", "value": 0.8}, {"kind": "fid", "value": 4}]}"#;
        fs::write(&path, scores).unwrap();
        let misses = misses(&path, &expected).unwrap();
        assert_eq!(
            misses,
            ["fid is 4.0000, expected 0 to 3", "kid was not scored"]
        );
    }

    #[test]
    fn every_file_has_bands_that_can_be_read() {
        let folder = workspace::root().join(FOLDER);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let bands = about(&text).unwrap().expected;
            // Points have no scores, and other texts are the user's.
            let is_text = text.contains("kind = \"text\"") && !path.ends_with("names.toml");
            let has_none = path.ends_with("ring.toml") || is_text;
            assert_eq!(bands.is_empty(), has_none, "{}", path.display());
        }
    }
}
