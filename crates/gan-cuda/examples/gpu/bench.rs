//! Measures the steps of recipes on a GPU, beside other programs.

use crate::recipes::{self, Players, Recipe};
use anyhow::{Context, Result, bail};
use candle_core::DType;
use gan_cuda::{Gpu, GpuFacts, MachineEngine, Places};
use gan_train::{Engine, Precision};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Measure PyTorch and JAX too, by the scripts of this folder. Needs python3 with both.
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = "bench/peers")]
    peers: Option<PathBuf>,
    /// The GPU's number.
    #[arg(long, default_value_t = 0)]
    gpu: usize,
    /// Only this recipe.
    #[arg(long)]
    recipe: Option<String>,
}

/// Bursts that are measured, and their steps; what is said is the median burst's.
const BURSTS: usize = 9;
const STEPS: u64 = 500;

/// The other programs: name, what they compute, script, arguments.
const PEERS: [(&str, &str, &str, &[&str]); 8] = [
    (
        "PyTorch, eager",
        "tutorial",
        "torch_gpu.py",
        &["mlp", "eager"],
    ),
    (
        "PyTorch, CUDA graph",
        "tutorial",
        "torch_gpu.py",
        &["mlp", "graph"],
    ),
    (
        "PyTorch, CUDA graph, TF32",
        "tutorial",
        "torch_gpu.py",
        &["mlp", "graph", "--tf32"],
    ),
    (
        "PyTorch, compiled",
        "tutorial",
        "torch_gpu.py",
        &["mlp", "compile"],
    ),
    (
        "JAX, jitted",
        "tutorial",
        "jax_step.py",
        &["--burst", "100", "--repeat", "20"],
    ),
    (
        "PyTorch, CUDA graph",
        "dcgan64",
        "torch_gpu.py",
        &["dcgan", "graph"],
    ),
    (
        "PyTorch, CUDA graph, TF32",
        "dcgan64",
        "torch_gpu.py",
        &["dcgan", "graph", "--tf32"],
    ),
    (
        "PyTorch, compiled, TF32",
        "dcgan64",
        "torch_gpu.py",
        &["dcgan", "compile", "--tf32"],
    ),
];

pub(crate) fn run(options: &Options, cache: Option<PathBuf>) -> Result<()> {
    let cache = cache.unwrap_or_else(|| std::env::temp_dir().join("gan-cuda"));
    let facts = GpuFacts::of(options.gpu)?;
    println!(
        "{}; milliseconds a step, median of {BURSTS} times {STEPS} steps\n",
        facts.name
    );
    let mut rows = Vec::new();
    for mut recipe in measured()? {
        if options
            .recipe
            .as_ref()
            .is_some_and(|wanted| *wanted != recipe.name)
        {
            continue;
        }
        for (precision, name) in [
            (Precision::F32, "f32"),
            (Precision::Tf32, "TF32"),
            (Precision::Bf16, "bf16"),
        ] {
            recipe.config.train.precision = precision;
            let row = match measure(&recipe, options.gpu, &cache) {
                Ok(milliseconds) => (
                    recipe.name.clone(),
                    format!("gan-cuda, {name}"),
                    milliseconds,
                ),
                Err(error) => bail!("{}: {error:#}", recipe.name),
            };
            print_row(&row);
            rows.push(row);
        }
        for (name, workload, script, arguments) in PEERS {
            let Some(folder) = options.peers.as_ref().filter(|_| workload == recipe.name) else {
                continue;
            };
            match measure_peer(&folder.join(script), arguments) {
                Ok(milliseconds) => {
                    let row = (recipe.name.clone(), name.to_string(), milliseconds);
                    print_row(&row);
                    rows.push(row);
                }
                Err(error) => println!("{:<14}{name}: left out: {error:#}", recipe.name),
            }
        }
    }
    println!("\n{:<14}{:<28}{:>10}", "recipe", "program", "ms a step");
    rows.iter().for_each(print_row);
    Ok(())
}

fn print_row((recipe, program, milliseconds): &(String, String, f64)) {
    println!("{recipe:<14}{program:<28}{milliseconds:>10.4}");
}

/// All recipes, and DCGAN at width 64 as the peers have it: batch normalization in the generator alone.
fn measured() -> Result<Vec<Recipe>> {
    let mut all = recipes::all()?;
    let mut wide = recipes::all()?
        .into_iter()
        .find(|recipe| recipe.name == "dcgan")
        .context("dcgan")?;
    wide.name = "dcgan64".to_string();
    wide.config.model.set_width(64)?;
    wide.config
        .model
        .set_discriminator_norm(gan_models::DiscriminatorNorm::None)?;
    all.push(wide);
    Ok(all)
}

/// Milliseconds a step.
fn measure(recipe: &Recipe, gpu: usize, cache: &Path) -> Result<f64> {
    let steps = STEPS * (BURSTS as u64 + 1);
    let mut trainer = recipe.trainer(DType::F32, steps)?;
    let players = Players::of(&trainer)?;
    let task = players.task(recipe);
    let loader = recipe.loader(DType::F32)?;
    // A smaller last batch would be a second graph: whole batches alone are measured.
    let size = recipe.config.train.batch_size;
    let picks = loader.picks_from(0).filter(|picks| picks.len() == size);
    let gpu = Gpu::new(gpu, &Places::of_this_machine(), Some(cache.to_path_buf()))?;
    let graphs = [&players.graphs[0], &players.graphs[1]];
    let mut engine = MachineEngine::new(gpu, &task, graphs, picks)?;
    let mut times = Vec::new();
    for _ in 0..=BURSTS {
        let begin = Instant::now();
        engine.burst(&mut trainer, STEPS, &mut Vec::new())?;
        times.push(begin.elapsed().as_secs_f64() * 1e3 / STEPS as f64);
    }
    // The first one compiles.
    let mut times = times.split_off(1);
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// The median that a script prints as JSON.
fn measure_peer(script: &Path, arguments: &[&str]) -> Result<f64> {
    let output = Command::new("python3")
        .arg(script)
        .args(arguments)
        .output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("{}", said.lines().last().unwrap_or("it failed"));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().last().context("no output")?;
    let figures: serde_json::Value = serde_json::from_str(line)?;
    figures["median_ms"].as_f64().context("no median_ms")
}
