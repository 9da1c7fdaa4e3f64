//! Compiles every kernel of every recipe, without a GPU.

use crate::recipes::{self, Players};
use anyhow::{Result, bail};
use candle_core::DType;
use gan_cuda::{Compiler, Module, Places, planned};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// What to compile.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Compute capabilities without the point.
    #[arg(long, value_delimiter = ',', default_value = "80,90")]
    arch: Vec<u32>,
}

/// What the assembler says about a kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    registers: u32,
    shared_bytes: u32,
    spilled_bytes: u32,
    stack_bytes: u32,
}

/// All modules of all recipes, with the recipe that needs each first.
fn modules() -> Result<BTreeMap<Arc<Module>, String>> {
    let mut modules = BTreeMap::new();
    for recipe in recipes::all()? {
        let trainer = recipe.trainer(DType::F32, 10)?;
        let players = Players::of(&trainer)?;
        let graphs = [&players.graphs[0], &players.graphs[1]];
        let plan = planned(&players.task(&recipe), graphs)?;
        for launch in plan.sequences.into_iter().flatten() {
            let first = || recipe.name.clone();
            modules.entry(launch.module).or_insert_with(first);
        }
    }
    Ok(modules)
}

pub(crate) fn run(options: &Options, cache: Option<&Path>) -> Result<()> {
    let modules = modules()?;
    let places = Places::of_this_machine();
    let mut failures = 0;
    for arch in &options.arch {
        let compiler = Compiler::new(&places, 13, *arch, cache.map(Path::to_path_buf))?;
        let (major, minor) = compiler.version();
        println!(
            "sm_{arch}, NVRTC {major}.{minor}: {} modules",
            modules.len()
        );
        println!(
            "{:<32}{:>8}{:>11}{:>8}{:>9}{:>7}  recipe of the largest",
            "kernel", "modules", "registers", "shared", "spilled", "stack"
        );
        let mut rows: BTreeMap<String, (usize, Use, String)> = BTreeMap::new();
        for (module, recipe) in &modules {
            match compiler.compile(module) {
                Ok(compiled) => {
                    for (kernel, found) in uses(&compiled.log) {
                        let name = format!("{}/{kernel}", module.file.name());
                        let row = rows.entry(name).or_insert((0, found, recipe.clone()));
                        row.0 += 1;
                        if found > row.1 {
                            (row.1, row.2) = (found, recipe.clone());
                        }
                    }
                }
                Err(error) => {
                    println!("{recipe}: {error}");
                    failures += 1;
                }
            }
        }
        for (name, (count, most, recipe)) in rows {
            let Use {
                registers,
                shared_bytes,
                spilled_bytes,
                stack_bytes,
            } = most;
            println!(
                "{name:<32}{count:>8}{registers:>11}{shared_bytes:>8}{spilled_bytes:>9}{stack_bytes:>7}  {recipe}"
            );
        }
    }
    match failures {
        0 => Ok(()),
        _ => bail!("{failures} modules do not compile"),
    }
}

/// The kernels of a log of `ptxas -v` with what they use.
fn uses(log: &str) -> Vec<(String, Use)> {
    let mut found: Vec<(String, Use)> = Vec::new();
    for line in log.lines() {
        if let Some((_, rest)) = line.split_once("Compiling entry function '")
            && let Some((kernel, _)) = rest.split_once('\'')
        {
            found.push((kernel.to_string(), Use::default()));
        }
        let Some((_, last)) = found.last_mut() else {
            continue;
        };
        let before = |unit: &str| {
            let (text, _) = line.split_once(unit)?;
            text.rsplit([' ', ','])
                .find(|word| !word.is_empty())?
                .parse::<u32>()
                .ok()
        };
        if let Some(bytes) = before(" bytes spill stores") {
            last.spilled_bytes = bytes;
        }
        if let Some(bytes) = before(" bytes stack frame") {
            last.stack_bytes = bytes;
        }
        if let Some(registers) = before(" registers") {
            last.registers = registers;
            last.shared_bytes = before(" bytes smem").unwrap_or(0);
        }
    }
    found
}
