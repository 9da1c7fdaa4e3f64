//! `cargo xtask golden`: reruns the reference scripts in tests/golden and compares their figures.

mod compare;
mod python;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::python::Python;
use crate::{cargo, workspace};

/// Relative tolerance; the figures are in double precision and differ slightly between machines.
const TOLERANCE: f64 = 1e-6;

const TRAIN_IMAGES: &str = "data/mnist/train-images-idx3-ubyte.gz";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Replace the stored figures by the new ones.
    #[arg(long)]
    write: bool,
    /// A Python with torch, numpy, torch-fidelity, prdc, torchvision and nltk.
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// The published oracle of SeqGAN as safetensors: also rerun make_text.py, and the test that needs this file.
    #[arg(long, value_name = "FILE")]
    oracle: Option<PathBuf>,
}

/// Compares, or replaces with `--write`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let stored = workspace::root().join("tests/golden");
    let python = Python::with_modules(&options.python)?;
    let fresh = tempfile::tempdir().context("no temporary folder")?;
    let at = |name: &str| fresh.path().join(name);

    println!("make_parity.py: 200 training steps in float64 and float32 …");
    let images = workspace::root().join(TRAIN_IMAGES);
    python.run(
        &stored.join("make_parity.py"),
        &[&images, &at("parity.json")],
    )?;
    println!("make_metrics.py …");
    python.run(
        &stored.join("make_metrics.py"),
        &[&at("metrics.json"), &at("grid.png")],
    )?;

    let mut figures = vec!["parity.json", "metrics.json"];
    if let Some(oracle) = &options.oracle {
        println!("make_text.py …");
        python.run(&stored.join("make_text.py"), &[oracle, &at("text.json")])?;
        figures.push("text.json");
        let mut test = cargo::command("test --workspace --test training oracle::");
        let oracle = oracle
            .canonicalize()
            .with_context(|| oracle.display().to_string())?;
        cargo::run(test.env("SEQGAN_ORACLE", oracle))?;
    }

    let mut differences = Vec::new();
    for name in &figures {
        let found = compare_json(&stored.join(name), &at(name))?;
        differences.extend(found.into_iter().map(|said| format!("{name}: {said}")));
    }
    differences.extend(compare_png(
        &python,
        &stored.join("grid.png"),
        &at("grid.png"),
    )?);
    for said in &differences {
        println!("{said}");
    }
    if options.write {
        figures.push("grid.png");
        return write(&stored, fresh.path(), &figures);
    }
    if differences.is_empty() {
        println!("tests/golden: the figures are reproduced to {TOLERANCE:e}");
        return Ok(());
    }
    bail!(
        "tests/golden: figures that differ: {}; if the scripts or PyTorch changed on purpose, run \
         `cargo xtask golden --write` and say so in the commit",
        differences.len()
    )
}

fn compare_json(stored: &Path, fresh: &Path) -> Result<Vec<String>> {
    let (stored, fresh) = (read_json(stored)?, read_json(fresh)?);
    Ok(compare::differences(&stored, &fresh, TOLERANCE))
}

fn read_json(path: &Path) -> Result<Value> {
    let place = || path.display().to_string();
    let text = fs::read_to_string(path).with_context(place)?;
    serde_json::from_str(&text).with_context(place)
}

/// Different bytes with the same pixels come from another zlib and are only reported.
fn compare_png(python: &Python, stored: &Path, fresh: &Path) -> Result<Option<String>> {
    let bytes = |path: &Path| fs::read(path).with_context(|| path.display().to_string());
    if bytes(stored)? == bytes(fresh)? {
        return Ok(None);
    }
    if python.same_pixels(stored, fresh)? {
        println!("grid.png: different bytes but equal pixels (another zlib); counted as equal");
        return Ok(None);
    }
    Ok(Some("grid.png: the pixels differ".to_owned()))
}

/// Replaces each file atomically, by renaming a temporary file beside it.
fn write(stored: &Path, fresh: &Path, names: &[&str]) -> Result<()> {
    for name in names {
        let target = stored.join(name);
        let beside = stored.join(format!("{name}.new"));
        fs::copy(fresh.join(name), &beside)
            .and_then(|_| fs::rename(&beside, &target))
            .with_context(|| format!("{}: cannot be replaced", target.display()))?;
        println!("tests/golden/{name}: written");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_replaces_the_files_and_leaves_nothing_else() {
        const NAMES: [&str; 3] = ["parity.json", "metrics.json", "grid.png"];
        let (stored, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in NAMES {
            fs::write(stored.path().join(name), "old").unwrap();
            fs::write(fresh.path().join(name), name).unwrap();
        }
        write(stored.path(), fresh.path(), &NAMES).unwrap();
        for name in NAMES {
            assert_eq!(fs::read_to_string(stored.path().join(name)).unwrap(), name);
        }
        assert_eq!(fs::read_dir(stored.path()).unwrap().count(), 3);
    }

    #[test]
    fn figures_are_compared_as_files() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let stored = put("a.json", r#"{"fid": 1.0}"#);
        let near = put("b.json", r#"{"fid": 1.0000001}"#);
        let far = put("c.json", r#"{"fid": 1.1}"#);
        assert!(compare_json(&stored, &near).unwrap().is_empty());
        assert_eq!(compare_json(&stored, &far).unwrap().len(), 1);
        let broken = put("d.json", "{");
        assert!(format!("{:#}", compare_json(&stored, &broken).unwrap_err()).contains("d.json"));
    }
}
