//! A whole run without the command line: a recipe is trained, stopped half-way and resumed; its generator
//! draws a picture and is scored with controls; the doctor looks at it.
//!
//! `cargo run -p gan-run --example whole_run -- fast data/mnist runs/by-library 400`

#![allow(clippy::print_stdout, reason = "a program for people")]

use gan_data::Parts;
use gan_eval::{Protocol, evaluate, score_table};
use gan_models::KnownNetworks;
use gan_run::sample::Sample;
use gan_run::{
    Event, NewRun, Plan, Recipe, RunConfig, RunFolder, SavedRun, Session, StopToken, examine,
    open_subject,
};
use std::path::Path;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [recipe, data, folder, steps] = arguments.as_slice() else {
        return Err("usage: whole_run RECIPE DATA FOLDER STEPS".into());
    };
    let (data, folder, steps) = (Path::new(data), Path::new(folder), steps.parse()?);
    gan_ops::set_process_defaults(None);
    gan_ops::Pool::new(None)?.install(|| run(recipe, data, folder, steps))
}

/// Trains for `steps` in all. The files are those of a run that was never stopped.
pub(crate) fn run(recipe: &str, data: &Path, folder: &Path, steps: u64) -> Result<(), Failure> {
    let mut config: RunConfig = Recipe::named(recipe)?.config()?;
    config.data.path = data.to_path_buf();
    config.train.steps = Some(steps);
    let plan = Plan::new(config, Parts::Training, &mut show)?;
    let place = NewRun::Given(folder.to_path_buf());
    let session = Session::create(plan, &place, false, &mut show)?;
    let stop = StopToken::default();
    let mut stop_half_way = |event: Event<'_>| match event {
        Event::Step { done } if done == steps / 2 => stop.stop(),
        event => show(event),
    };
    println!("{}", session.train(&stop, &mut stop_half_way)?);

    let saved = SavedRun::open(folder)?;
    let plan = Plan::new(saved.config.clone(), Parts::Training, &mut show)?;
    let session = Session::resume(saved.agreed(plan, false)?, &mut show)?;
    println!("{}", session.train(&StopToken::default(), &mut show)?);

    let networks = &KnownNetworks;
    let drawn = Sample::default().draw(folder, networks, &mut |_, _| {})?;
    println!("{:?}", drawn.outputs);
    let (subject, data) = open_subject(folder, true, networks)?;
    let data = data
        .unwrap_or_default()
        .evaluation_data("train_classifier".into())?;
    let protocol = Protocol {
        count: Some(2000),
        ..Protocol::default()
    };
    let evaluated = evaluate(&subject, &data, &protocol, &mut |_| {})?;
    evaluated
        .file
        .write(&RunFolder::open(folder).evaluation())?;
    for line in score_table(&evaluated.file) {
        println!("{line}");
    }
    for finding in examine(&RunFolder::open(folder))?.findings {
        println!("{:?}: {}", finding.failure_mode, finding.evidence);
    }
    Ok(())
}

fn show(event: Event<'_>) {
    if let Event::Logged { line, .. } = event {
        let [real, fake] = ["d_real", "d_fake"].map(|name| line.figures.get(name));
        println!("step {}: D(x) {real:?}, D(G(z)) {fake:?}", line.step);
    }
}
