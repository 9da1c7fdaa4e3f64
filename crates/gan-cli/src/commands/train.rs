//! `gan-cli train`: data set → trained generator.

use super::{Done, program, quoted, train_classifier_command};
use crate::console::{Console, RunConsole};
use crate::exit::Failure;
use crate::flags::ConfigFlags;
use crate::spelling::spelled;
use crate::stop;
use gan_core::{ErrorClass, grouped, packed, with_causes};
use gan_data::Parts;
use gan_run::{
    Ended, NewRun, Plan, RunConfig, RunFolder, SavedRun, Session, Summary, check_outside_data,
};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(crate) struct TrainArguments {
    /// Start from this recipe; `gan-cli recipes` lists them [default: tutorial]
    #[arg(long, value_name = "NAME")]
    recipe: Option<String>,
    /// Read the configuration from this TOML file. It overrides the recipe; flags override it
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Run folder to write [default: the next free runs/NAME-001]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run in that folder, but no other files in it
    #[arg(long)]
    force: bool,
    /// Resume a run that was stopped; the result is the same to the byte as without the stop
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "config", "out", "force", "dry_run"])]
    resume: Option<PathBuf>,
    /// With --resume: accept another configuration or data set, which changes the results
    #[arg(long, requires = "resume")]
    allow_change: bool,
    /// Check everything and print the configuration; do not train or write anything
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: ConfigFlags,
}

pub(crate) fn run(arguments: &TrainArguments, console: &Console) -> Done {
    let console = &console.in_detail(arguments.dry_run);
    let mut events = RunConsole::new(console);
    let session = match &arguments.resume {
        None => begin(arguments, &mut events, console)?,
        Some(path) => Some(go_on(path, arguments, &mut events, console)?),
    };
    let Some(session) = session else {
        return Ok(());
    };
    if let Some(line) = session.in_words() {
        console.line(spelled(&line));
    }
    console.print_in_background()?;
    train(session, &mut events, console)
}

/// A new run; none for a dry run.
fn begin(
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<Option<Session>, Failure> {
    let (recipe, file) = (arguments.recipe.as_deref(), arguments.config.as_deref());
    let config = arguments.flags.over(&RunConfig::layered(recipe, file)?)?;
    config.validate()?;
    let place = NewRun::new(arguments.out.as_deref(), &config.data);
    let out = place.path();
    check_outside_data(&out, &config.data)?;
    RunFolder::check_free(&out, arguments.force)?;
    // Training does not need a published test split, but it is checked.
    let parts = match arguments.dry_run {
        true => Parts::All,
        false => Parts::Training,
    };
    let plan = Plan::new(config, parts, events)?;
    let advice = train_classifier_command(&plan.config().data.base());
    let plan = plan.telling_how_to_train_classifiers(advice);
    describe(&plan, &out, console)?;
    if arguments.dry_run {
        let out = out.display();
        console.result(format!("Dry run: nothing was written to {out}"));
        return Ok(None);
    }
    Ok(Some(Session::create(
        plan,
        &place,
        arguments.force,
        events,
    )?))
}

/// A run that is resumed.
fn go_on(
    path: &Path,
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<Session, Failure> {
    let saved = SavedRun::open(path)?;
    let config = arguments.flags.over(&saved.config)?;
    config.validate()?;
    check_outside_data(path, &config.data)?;
    config.data.check_found(path)?;
    let plan = Plan::new(config, Parts::Training, events)?;
    let advice = train_classifier_command(&plan.config().data.base());
    let plan = plan.telling_how_to_train_classifiers(advice);
    let agreed = saved.agreed(plan, arguments.allow_change)?;
    describe(agreed.plan(), path, console)?;
    Ok(Session::resume(agreed, events)?)
}

/// What the run will do and where it writes, in four lines; a verbose console gets the whole configuration
/// before them.
fn describe(plan: &Plan, out: &Path, console: &Console) -> Done {
    let trainer = plan.trainer()?;
    if console.is_verbose() {
        console.lines(format!("\n{}", plan.config().to_toml()?));
    }
    let (sentences, places) = plan.in_words(&trainer, out, console.is_verbose())?;
    for sentence in sentences {
        console.sentence(sentence);
    }
    console.lines(packed(places.iter().map(String::as_str), " ", 2));
    Ok(())
}

fn train(session: Session, events: &mut RunConsole<'_>, console: &Console) -> Done {
    let run = session.folder().clone();
    let steps = session.plan().schedule().steps;
    let is_toy = session.plan().config().data.toy().is_some();
    let again = format!("`{} train --resume {}`", program(), quoted(run.path()));
    match session.train(&stop::token(), events) {
        Ok(Ended::Complete(summary)) => {
            report(&run, steps, summary, is_toy, console);
            Ok(())
        }
        Ok(Ended::Stopped { done }) => {
            let (name, code) = stop::received().unwrap_or(("a signal", 1));
            console.result(format!(
                "Stopped by {name} after {} of {} steps, all saved; resume with {again}",
                grouped(done),
                grouped(steps),
            ));
            Err(Failure::Stopped { code })
        }
        Ok(ended) => {
            console.error_text(&format!("{}: {ended}", run.path().display()));
            Err(Failure::Said(ErrorClass::Failed))
        }
        Err(error) if error.is_resumable() => {
            let (text, class) = (with_causes(&error), error.class());
            console.error_text(&format!("{text}; resume with {again}"));
            Err(Failure::Said(class))
        }
        Err(error) => Err(error.into()),
    }
}

/// Where the results are, and what to do with them.
fn report(run: &RunFolder, steps: u64, summary: Summary, is_toy: bool, console: &Console) {
    let path = run.path();
    if console.is_quiet() {
        console.result(path.display().to_string());
    }
    console.line(format!("{summary}; in {}:", path.display()));
    for (name, what) in run.in_words(steps) {
        console.line(format!("  {name:<22} {}", spelled(what)));
    }
    let commands = ["sample", "evaluate"];
    for command in commands.iter().take(if is_toy { 1 } else { 2 }) {
        console.line(format!("Next: {} {command} {}", program(), quoted(path)));
    }
}
