//! `gan-cli train`: data set → trained generator.

mod images;
mod text;

use super::{Done, program, quoted};
use crate::console::{Console, RunConsole};
use crate::exit::Failure;
use crate::flags::ConfigFlags;
use crate::spelling::spelled;
use crate::stop;
use gan_core::{ErrorClass, grouped, packed, with_causes};
use gan_run::{AnySession, Configuration, Ended, Kind, RunFolder, Summary};
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
    let session = match (&arguments.resume, arguments.kind()?) {
        (None, Kind::Images) => images::begin(arguments, &mut events, console)?,
        (Some(path), Kind::Images) => Some(images::go_on(path, arguments, &mut events, console)?),
        (None, Kind::Text) => text::begin(arguments, &mut events, console)?,
        (Some(path), Kind::Text) => Some(text::go_on(path, arguments, &mut events, console)?),
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

impl TrainArguments {
    /// What is to be trained.
    fn kind(&self) -> Result<Kind, Failure> {
        if let Some(run) = &self.resume {
            return Ok(Kind::of_run(run));
        }
        let (recipe, file) = (self.recipe.as_deref(), self.config.as_deref());
        Ok(Kind::of_new_run(recipe, file, self.flags.data())?)
    }
}

/// Says that a dry run has written nothing.
fn dry(out: &Path, console: &Console) {
    let out = out.display();
    console.result(format!("Dry run: nothing was written to {out}"));
}

/// Prints the whole configuration on a verbose console, and what the run will do.
fn describe(
    config: &impl Configuration,
    sentences: &[String],
    places: &[String],
    console: &Console,
) -> Done {
    if console.is_verbose() {
        console.lines(format!("\n{}", config.to_toml()?));
    }
    for sentence in sentences {
        console.sentence(sentence);
    }
    console.lines(packed(places.iter().map(String::as_str), " ", 2));
    Ok(())
}

fn train(session: AnySession, events: &mut RunConsole<'_>, console: &Console) -> Done {
    let run = session.folder().clone();
    let (steps, can_be_evaluated) = (session.steps(), session.can_be_evaluated());
    let again = format!("`{} train --resume {}`", program(), quoted(run.path()));
    match session.train(&stop::token(), events) {
        Ok(Ended::Complete(summary)) => {
            report(&run, steps, summary, can_be_evaluated, console);
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
fn report(
    run: &RunFolder,
    steps: u64,
    summary: Summary,
    can_be_evaluated: bool,
    console: &Console,
) {
    let path = run.path();
    if console.is_quiet() {
        console.result(path.display().to_string());
    }
    console.line(format!("{summary}; in {}:", path.display()));
    for (name, what) in run.in_words(steps) {
        console.line(format!("  {name:<22} {}", spelled(what)));
    }
    let commands = ["sample", "evaluate"];
    for command in commands.iter().take(1 + usize::from(can_be_evaluated)) {
        console.line(format!("Next: {} {command} {}", program(), quoted(path)));
    }
}
