//! A run of images, new or resumed.

use super::{TrainArguments, describe, dry};
use crate::commands::{Done, train_classifier_command};
use crate::console::{Console, RunConsole};
use crate::exit::Failure;
use gan_data::Parts;
use gan_run::{
    AnySession, Configuration, NewRun, Plan, RunConfig, RunFolder, SavedRun, Session,
    check_outside_data,
};
use std::path::Path;

/// A new run; none for a dry run.
pub(super) fn begin(
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<Option<AnySession>, Failure> {
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
    say(&plan, &out, console)?;
    if arguments.dry_run {
        dry(&out, console);
        return Ok(None);
    }
    let session = Session::create(plan, &place, arguments.force, events)?;
    Ok(Some(session.into()))
}

/// A run that is resumed.
pub(super) fn go_on(
    path: &Path,
    arguments: &TrainArguments,
    events: &mut RunConsole<'_>,
    console: &Console,
) -> Result<AnySession, Failure> {
    let saved = SavedRun::open(path)?;
    let config = arguments.flags.over(&saved.config)?;
    config.validate()?;
    check_outside_data(path, &config.data)?;
    config.data.check_found(path)?;
    let plan = Plan::new(config, Parts::Training, events)?;
    let advice = train_classifier_command(&plan.config().data.base());
    let plan = plan.telling_how_to_train_classifiers(advice);
    let agreed = saved.agreed(plan, arguments.allow_change)?;
    say(agreed.plan(), path, console)?;
    Ok(Session::resume(agreed, events)?.into())
}

fn say(plan: &Plan, out: &Path, console: &Console) -> Done {
    let trainer = plan.trainer()?;
    let (sentences, places) = plan.in_words(&trainer, out, console.is_verbose())?;
    describe(plan.config(), &sentences, &places, console)
}
