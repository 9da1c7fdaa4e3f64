//! Trains every recipe on the GPU and on the CPU and compares.

use crate::recipes::{self, Players, Recipe};
use anyhow::{Result, bail};
use candle_core::DType;
use gan_cuda::{Gpu, MachineEngine, Places};
use gan_train::{Checkpoint, Engine, HostEngine, StepReport, Trainer};
use std::path::PathBuf;
use std::time::Instant;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Steps of each recipe.
    #[arg(long, default_value_t = 50)]
    steps: u64,
    /// The GPU's number.
    #[arg(long, default_value_t = 0)]
    gpu: usize,
    #[arg(skip)]
    cache: PathBuf,
}

/// Steps after which the tutorial's losses are compared, and how near they must be, relative to their size.
const FIRST: usize = 10;
const NEAR: f64 = 2e-6;
/// Elsewhere: so many times the distance between the CPU's own f32 and f64 steps.
const TIMES: f64 = 4.0;

pub(crate) fn run(options: &Options, cache: Option<PathBuf>) -> Result<()> {
    // Each recipe's kernels are needed several times.
    let options = &Options {
        cache: cache.unwrap_or_else(|| std::env::temp_dir().join("gan-cuda")),
        ..*options
    };
    let mut failures = Vec::new();
    let mut lines = Vec::new();
    for recipe in recipes::all()? {
        let begin = Instant::now();
        let line = match test(&recipe, options) {
            Ok((line, is_good)) => {
                if !is_good {
                    failures.push(recipe.name.clone());
                }
                line
            }
            Err(error) => {
                failures.push(recipe.name.clone());
                format!("{error:#}")
            }
        };
        let seconds = begin.elapsed().as_secs_f64();
        lines.push(format!("{:<14}{line} ({seconds:.1} s)", recipe.name));
        println!("{}", lines.last().map_or("", String::as_str));
    }
    println!(
        "\nrecipe        distance of figures after {FIRST} and {} steps, bound",
        options.steps
    );
    lines.iter().for_each(|line| println!("{line}"));
    match failures.is_empty() {
        true => Ok(()),
        false => bail!("not as they should be: {}", failures.join(", ")),
    }
}

fn test(recipe: &Recipe, options: &Options) -> Result<(String, bool)> {
    let single = on_cpu(recipe, DType::F32, options.steps)?;
    let double = on_cpu(recipe, DType::F64, options.steps)?;
    let (gpu, state) = on_gpu(recipe, options, None)?;
    let (again, same_state) = on_gpu(recipe, options, None)?;
    let (_, resumed_state) = on_gpu(recipe, options, Some(options.steps / 2))?;
    let is_equal = figures(&gpu) == figures(&again) && is_same(&state, &same_state)?;
    let resumes = is_same(&state, &resumed_state)?;
    let first = FIRST.min(gpu.len());
    let [after_first, after_all] =
        [first, gpu.len()].map(|count| distance(&gpu[..count], &single[..count]));
    let own = distance(&single[..first], &double[..first]);
    let bound = match recipe.name.as_str() {
        "tutorial" => NEAR,
        _ => (TIMES * own).max(NEAR),
    };
    let said = |is: bool| if is { "equal" } else { "DIFFERENT" };
    let line = format!(
        "{after_first:.1e} {after_all:.1e}, bound {bound:.1e}; again {}, resumed {}",
        said(is_equal),
        said(resumes)
    );
    Ok((line, after_first <= bound && is_equal && resumes))
}

fn on_cpu(recipe: &Recipe, dtype: DType, steps: u64) -> Result<Vec<StepReport>> {
    let loader = recipe.loader(dtype)?;
    let mut trainer = recipe.trainer(dtype, steps)?;
    let mut engine = HostEngine::new(loader.batches_from(0).take(steps as usize));
    let mut reports = Vec::new();
    while trainer.state().step < steps {
        engine.burst(&mut trainer, 1, &mut reports)?;
    }
    Ok(reports)
}

/// resumed_after: a checkpoint is taken there, and a new trainer on a new engine goes on.
fn on_gpu(
    recipe: &Recipe,
    options: &Options,
    resumed_after: Option<u64>,
) -> Result<(Vec<StepReport>, Checkpoint)> {
    let mut trainer = recipe.trainer(DType::F32, options.steps)?;
    let mut reports = Vec::new();
    let mut end = None;
    for until in resumed_after.into_iter().chain([options.steps]) {
        if let Some(checkpoint) = end {
            trainer = recipe.trainer(DType::F32, options.steps)?;
            Checkpoint::restore(&checkpoint, &mut trainer)?;
        }
        end = Some(some_steps(
            recipe,
            options,
            &mut trainer,
            until,
            &mut reports,
        )?);
    }
    match end {
        Some(end) => Ok((reports, end)),
        None => bail!("no steps"),
    }
}

fn some_steps(
    recipe: &Recipe,
    options: &Options,
    trainer: &mut Trainer,
    until: u64,
    reports: &mut Vec<StepReport>,
) -> Result<Checkpoint> {
    let players = Players::of(trainer)?;
    let task = players.task(recipe);
    let loader = recipe.loader(DType::F32)?;
    let first = trainer.state().step;
    let picks = loader.picks_from(first).take((until - first) as usize);
    let gpu = Gpu::new(
        options.gpu,
        &Places::of_this_machine(),
        Some(options.cache.clone()),
    )?;
    let graphs = [&players.graphs[0], &players.graphs[1]];
    let mut engine = MachineEngine::new(gpu, &task, graphs, picks)?;
    engine.burst(trainer, until - first, reports)?;
    engine.store(trainer)?;
    Ok(Checkpoint::of(trainer, serde_json::Value::Null)?)
}

fn figures(reports: &[StepReport]) -> Vec<[u64; 5]> {
    let bits = |report: &StepReport| numbers(report).map(f64::to_bits);
    reports.iter().map(bits).collect()
}

fn numbers(report: &StepReport) -> [f64; 5] {
    let StepReport {
        discriminator_loss,
        generator_loss,
        d_real,
        d_fake,
        value,
        ..
    } = *report;
    [discriminator_loss, generator_loss, d_real, d_fake, value]
}

/// The largest difference of figures, relative to their size or 1.
fn distance(a: &[StepReport], b: &[StepReport]) -> f64 {
    let pairs = a
        .iter()
        .zip(b)
        .flat_map(|(a, b)| numbers(a).into_iter().zip(numbers(b)));
    let distances = pairs.map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
    distances.fold(0.0, f64::max)
}

fn is_same(a: &Checkpoint, b: &Checkpoint) -> Result<bool> {
    for (name, tensor) in a.tensors() {
        let Some(other) = b.tensors().get(name) else {
            return Ok(false);
        };
        let [one, two] = [tensor, other].map(|t| t.flatten_all()?.to_vec1::<f32>());
        let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        if bits(one?) != bits(two?) {
            return Ok(false);
        }
    }
    Ok(a.header.state == b.header.state)
}
