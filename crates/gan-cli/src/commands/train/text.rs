//! A run of text, new or resumed.

use super::{TrainArguments, describe, dry};
use crate::commands::Done;
use crate::console::{Console, RunConsole};
use crate::exit::Failure;
use gan_run::{
    AnySession, Configuration, NewRun, RunFolder, SavedTextRun, TextPlan, TextRunConfig,
    TextSession, check_outside_texts,
};
use std::path::Path;

/// A new run; none for a dry run.
pub(super) fn begin(
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<Option<AnySession>, Failure> {
    let file = arguments.config.as_deref();
    let recipe = arguments.recipe.as_deref();
    let recipe = recipe.or(Some(TextRunConfig::RECIPE).filter(|_| file.is_none()));
    let config = arguments
        .flags
        .over_text(&TextRunConfig::layered(recipe, file)?)?;
    config.validate()?;
    let place = NewRun::of_text(arguments.out.as_deref(), &config.data);
    let out = place.path();
    check_outside_texts(&out, &config.data)?;
    RunFolder::check_free(&out, arguments.force)?;
    let plan = TextPlan::new(config, None, events)?;
    say(&plan, &out, console)?;
    if arguments.dry_run {
        dry(&out, console);
        return Ok(None);
    }
    let session = TextSession::create(plan, &place, arguments.force)?;
    Ok(Some(session.into()))
}

/// A run that is resumed.
pub(super) fn go_on(
    path: &Path,
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<AnySession, Failure> {
    let saved = SavedTextRun::open(path)?;
    let config = arguments.flags.over_text(&saved.config)?;
    config.validate()?;
    check_outside_texts(path, &config.data)?;
    config.data.check_found(path)?;
    let plan = TextPlan::new(config, saved.tokenizer(), events)?;
    let agreed = saved.agreed(plan, arguments.allow_change)?;
    say(agreed.plan(), path, console)?;
    Ok(TextSession::resume(agreed)?.into())
}

fn say(plan: &TextPlan, out: &Path, console: &Console) -> Done {
    let (sentences, places) = plan.in_words(out)?;
    describe(plan.config(), &sentences, &places, console)
}
