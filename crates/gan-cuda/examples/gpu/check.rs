//! What is found of CUDA at run time.

use anyhow::{Result, bail};
use gan_cuda::{Compiler, CudaError, GpuFacts, Places};

/// Prints a line for each part; fails if one is missing.
pub(crate) fn run() -> Result<()> {
    let places = Places::of_this_machine();
    let gpu = GpuFacts::of(0);
    let architecture = gpu.as_ref().map_or(90, |facts| facts.architecture);
    let newest = gpu
        .as_ref()
        .map_or(13, |facts| facts.driver.0.unsigned_abs());
    let parts = [
        ("driver and GPU", gpu.map(|facts| described(&facts))),
        ("NVRTC", nvrtc(&places, newest, architecture)),
    ];
    let mut missing = Vec::new();
    for (name, found) in parts {
        match found {
            Ok(found) => println!("{name:<16} {found}"),
            Err(error) => {
                println!("{name:<16} {error}");
                missing.push(name);
            }
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => bail!("training on a GPU needs {}", missing.join(" and ")),
    }
}

fn described(facts: &GpuFacts) -> String {
    let driver = loaded("libcuda.so").unwrap_or_default();
    let [all, free] = facts.memory_mib;
    let (major, minor) = facts.driver;
    format!(
        "{}, compute capability {}, {free} of {all} MiB free; the driver, {driver}, knows CUDA up to {major}.{minor}",
        facts.name,
        f64::from(facts.architecture) / 10.0
    )
}

/// The file of a library that this process has opened.
fn loaded(name: &str) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let paths = maps
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    let mut found = paths.filter(|path| path.contains(name));
    found.next().map(str::to_string)
}

fn nvrtc(places: &Places, newest: u32, architecture: u32) -> Result<String, CudaError> {
    let (major, minor) = Compiler::new(places, newest, architecture, None)?.version();
    let path = places
        .nvrtc(newest)
        .map(|nvrtc| nvrtc.compiler.display().to_string());
    Ok(format!("{major}.{minor}, {}", path.unwrap_or_default()))
}
