//! Takes the folder of a run of text back to a checkpoint, so that training can write again what came after it.

use super::TextOutputConfig;
use crate::json_lines::{keep_lines, keep_lines_by};
use crate::{RunError, RunFolder};
use gan_text::{TextCheckpoint, TextState};
use serde::Deserialize;

/// The number by which lines are kept.
#[derive(Deserialize)]
struct Part {
    part: u64,
    step: u64,
}

/// Removes what a run wrote after `state`.
///
/// ended: the output of a shorter run that ended there and is now extended. What it wrote only because a step was its
/// last is removed as well.
pub(super) fn go_back(
    run: &RunFolder,
    state: TextState,
    ended: Option<&TextOutputConfig>,
) -> Result<(), RunError> {
    run.check_in_place()?;
    let done = state.step;
    let last = done.saturating_sub(1);
    let is_extra =
        |at: u64, every: Option<u64>| every.is_some_and(|every| !at.is_multiple_of(every));
    let extra_line = is_extra(last, ended.map(|output| output.log_every));
    let extra_score = is_extra(done, ended.map(|output| output.evaluate_every));
    let extra_sample = is_extra(done, ended.map(|output| output.sample_every));
    // A round has a line of its own, and belongs to the step after it.
    let last_part = state.parts().saturating_sub(1);
    if state.parts() > 0 && !run.metrics().exists() {
        tracing::warn!(
            "{}: is missing; it begins again here",
            run.metrics().display()
        );
    }
    for path in [run.metrics(), run.timing()] {
        let number = |line: &Part| match extra_line && line.part == last_part && line.step == last {
            true => u64::MAX,
            false => line.part,
        };
        keep_lines_by(&path, number, |part| part < state.parts())?;
    }
    keep_lines(&run.scores(), |step| {
        step < done && !(extra_score && step == last)
    })?;
    run.remove_pictures(|step| step > done || (extra_sample && step == done))?;
    run.text_checkpoints().remove_after(state.parts())?;
    let best = match extra_score {
        true => state.parts().saturating_sub(1),
        false => state.parts(),
    };
    run.text_best_files().go_back::<TextCheckpoint>(best)?;
    if done == 0 {
        run.remove_generator()?;
    }
    Ok(())
}
