//! `cargo xtask bench`: measures the speed on this machine and prints a table.

mod endurance;
mod measure;
mod peers;
mod table;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{cargo, workspace};
use measure::{Figures, Workloads, watch};
use peers::Peer;
use table::Row;

/// A step's batch size and threads; the first is compared with the peers.
const STEPS: [(usize, usize); 6] = [(128, 2), (128, 1), (16, 2), (64, 2), (256, 2), (1024, 2)];

/// Images in the sample that `gan-cli` writes to a file.
const SAMPLED_IMAGES: u32 = 100_000;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Also run bench/peers, alternating with the workloads
    #[arg(long)]
    peers: bool,
    /// A Python with the peers' packages
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Rounds, each with one measurement of everything
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Also measure each fused operation and its twin
    #[arg(long)]
    operations: bool,
    /// Only train a small model for 50,000 steps and check that neither memory nor the time of a step grows
    #[arg(long, conflicts_with_all = ["peers", "operations"])]
    endurance: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.endurance {
        return endurance::run(&Programs::build()?.release);
    }
    let peers = if options.peers {
        Peer::all(&options.python)?
    } else {
        Vec::new()
    };
    let workloads = Workloads::build()?;
    let programs = Programs::build()?;
    // One that fails does not take with it what was measured before.
    let sections: [&dyn Fn() -> Result<Vec<Row>>; 5] = [
        &|| steps(&workloads, &peers, options.rounds),
        &|| compared(&workloads, &peers, options.rounds),
        &|| recipes(&workloads, options.rounds),
        &|| other_work(&workloads, options.rounds),
        &|| programs.run(options.rounds),
    ];
    let mut rows = Vec::new();
    let measured: Result<()> = sections.iter().try_for_each(|section| {
        rows.extend(section()?);
        Ok(())
    });
    println!("{}", table::render(&rows));
    measured?;
    if options.operations {
        cargo("bench -p gan-ops --bench operations")?;
    }
    Ok(())
}

/// Workloads that peers have too, with their names, batch sizes and repetitions.
const COMPARED: [(&str, &str, usize, usize); 6] = [
    ("dcgan64", "step of DCGAN, width 64", 128, 20),
    ("dcgan32", "step of DCGAN, width 32", 128, 60),
    ("penalized32", "step of DCGAN, width 32, R1 and R2", 128, 60),
    (
        "text-mle",
        "step of maximum likelihood, 64 × 20 tokens",
        64,
        100,
    ),
    ("text-sample", "9,984 sequences of 20 tokens", 9984, 3),
    ("text-policy", "SeqGAN's generator step, 8 rollouts", 64, 10),
];

/// Recipes whose steps are measured, with their batch sizes and repetitions.
const RECIPES: [(&str, usize, usize); 3] = [
    ("best", 64, 100),
    ("r3gan-small", 128, 15),
    ("paper-2014", 100, 50),
];

fn recipes(workloads: &Workloads, rounds: u32) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (name, batch, repeat) in RECIPES {
        let mut found = Vec::new();
        for _ in 0..rounds {
            found.push(workloads.run(name, batch, 2, repeat)?);
        }
        let title = format!("step of `{name}`, batch {batch}, 2 threads");
        rows.push(Row::new(title, &Figures::middle(&found)).images(batch));
    }
    Ok(rows)
}

/// This project's work and the peers', each round one after the other.
fn compared(workloads: &Workloads, peers: &[Peer], rounds: u32) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (workload, name, batch, repeat) in COMPARED {
        let peers: Vec<&Peer> = peers.iter().filter(|p| p.workload == workload).collect();
        let mut ours = Vec::new();
        let mut others = vec![Vec::new(); peers.len()];
        for round in 1..=rounds {
            println!("round {round} of {rounds}: {name}");
            ours.push(workloads.run(workload, batch, 2, repeat)?);
            for (peer, found) in peers.iter().zip(&mut others) {
                found.push(peer.run()?);
            }
        }
        let ours = Figures::middle(&ours);
        rows.push(Row::new(format!("{name}, 2 threads"), &ours).images(batch));
        for (peer, found) in peers.iter().zip(&others) {
            let name = format!("{name}, {}", peer.name);
            let row = Row::new(name, &Figures::middle(found)).images(batch);
            rows.push(row.slower_than(&ours));
        }
    }
    Ok(rows)
}

/// Steps, their floors and the peers, each round one after the other.
fn steps(workloads: &Workloads, peers: &[Peer], rounds: u32) -> Result<Vec<Row>> {
    let peers: Vec<&Peer> = peers.iter().filter(|p| p.workload == "step").collect();
    let mut steps = vec![Vec::new(); STEPS.len()];
    let mut floors = steps.clone();
    let mut others = vec![Vec::new(); peers.len()];
    for round in 1..=rounds {
        println!("round {round} of {rounds}: steps");
        for (index, (batch, threads)) in STEPS.into_iter().enumerate() {
            let repeat = (300 * 128 / batch).clamp(60, 600);
            steps[index].push(workloads.run("step", batch, threads, repeat)?);
            floors[index].push(workloads.run("floor", batch, threads, repeat)?);
        }
        for (peer, found) in peers.iter().zip(&mut others) {
            found.push(peer.run()?);
        }
    }
    let mut rows = Vec::new();
    let first = Figures::middle(&steps[0]);
    for (index, (batch, threads)) in STEPS.into_iter().enumerate() {
        let name = format!("step, batch {batch}, {}", counted(threads));
        let (step, floor) = (
            Figures::middle(&steps[index]),
            Figures::middle(&floors[index]),
        );
        rows.push(Row::new(name, &step).images(batch).share_of(&floor));
    }
    for (peer, found) in peers.iter().zip(&others) {
        let figures = Figures::middle(found);
        let name = format!("step, batch 128, {}", peer.name);
        rows.push(Row::new(name, &figures).images(128).slower_than(&first));
    }
    Ok(rows)
}

fn counted(threads: usize) -> String {
    match threads {
        1 => "1 thread".to_string(),
        more => format!("{more} threads"),
    }
}

fn other_work(workloads: &Workloads, rounds: u32) -> Result<Vec<Row>> {
    let mut all = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..rounds {
        all[0].push(workloads.run("infer", 256, 2, 200)?);
        all[1].push(workloads.run("infer", 1, 2, 1000)?);
        all[2].push(workloads.run("infer-best", 1, 2, 1000)?);
        all[3].push(workloads.run("load", 128, 2, 10)?);
    }
    let [infer, one, one_of_best, load] = all.map(|found| Figures::middle(&found));
    Ok(vec![
        Row::new("generator in evaluation mode, 256 images".into(), &infer).images(256),
        Row::new("the same, 1 image".into(), &one).images(1),
        Row::new("generator of `best`, 1 image".into(), &one_of_best).images(1),
        Row::new("loading MNIST's 60,000 images".into(), &load),
    ])
}

/// `gan-cli` as a user runs it.
struct Programs {
    release: PathBuf,
    dev: PathBuf,
}

impl Programs {
    fn build() -> Result<Self> {
        cargo("build --release -p gan-cli")?;
        cargo("build -p gan-cli")?;
        let program = |profile: &str| {
            let name = format!("gan-cli{}", std::env::consts::EXE_SUFFIX);
            workspace::target()?
                .join(profile)
                .join(name)
                .canonicalize()
                .with_context(|| {
                    format!("gan-cli of the {profile} profile was built but not found")
                })
        };
        Ok(Self {
            release: program("release")?,
            dev: program("debug")?,
        })
    }

    fn run(&self, rounds: u32) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir().context("no temporary folder")?;
        let mut found = [const { Vec::new() }; 4];
        for round in 0..rounds {
            println!("round {} of {rounds}: gan-cli", round + 1);
            for (index, program) in [(0, &self.release), (1, &self.dev)] {
                let run = folder.path().join(format!("run-{index}-{round}"));
                let mut command = Command::new(program);
                command
                    .args(["-q", "train", "--epochs", "1", "--out"])
                    .arg(&run);
                found[index].push(watch(command.current_dir(workspace::root()))?);
            }
            let run = folder.path().join(format!("run-0-{round}"));
            let mut sample = Command::new(&self.release);
            let count = SAMPLED_IMAGES.to_string();
            sample
                .args(["-q", "sample", "--format", "npy", "--count", &count])
                .arg(&run);
            found[2].push(watch(&mut sample)?);
            let mut picture = Command::new(&self.release);
            picture.args(["-q", "sample"]).arg(&run);
            found[3].push(watch(&mut picture)?);
        }
        let [release, dev, sample, picture] = found.map(|found| Figures::middle(&found));
        let epoch = |name: &str| format!("gan-cli train --epochs 1{name}");
        Ok(vec![
            Row::new(epoch(""), &release).images(60_000),
            Row::new(epoch(", dev profile"), &dev).images(60_000),
            Row::new(
                format!("gan-cli sample --count {SAMPLED_IMAGES} --format npy"),
                &sample,
            )
            .images(SAMPLED_IMAGES as usize),
            Row::new("gan-cli sample, one picture".into(), &picture),
        ])
    }
}

/// Prints and runs a cargo command.
fn cargo(arguments: &str) -> Result<()> {
    println!("cargo {arguments}");
    cargo::run(&mut cargo::command(arguments)).with_context(|| format!("cargo {arguments}"))
}
