//! `gan-cli recipes`: what `train --recipe` offers.

use super::{Done, program};
use crate::console::Console;
use gan_run::Recipe;

#[derive(clap::Args)]
pub(crate) struct RecipesArguments {
    /// Print this recipe as a file for train --config, with the same effect as train --recipe
    name: Option<String>,
}

pub(crate) fn run(arguments: &RecipesArguments, console: &Console) -> Done {
    if let Some(name) = &arguments.name {
        console.result_lines(Recipe::named(name)?.as_config());
        return Ok(());
    }
    for Recipe { name, about, .. } in Recipe::all()? {
        console.result(format!("{name:<14}{}", about.about));
        console.result_sentence(format!("{:14}{}; {}", "", about.time, about.scores));
    }
    console.line(format!("Next: {} train --recipe NAME", program()));
    Ok(())
}
