//! Takes a run folder back to a checkpoint, so that training can write again what came after it.

use crate::json_lines::keep_lines;
use crate::{OutputConfig, RunError, RunFolder};
use gan_train::Checkpoint;

/// Removes what a run wrote after `done` steps: lines of logs, pictures, checkpoints, better scores.
///
/// ended: the output of a shorter run that ended there and is now extended. What it wrote at its last
/// step only because it was the last is removed as well: a run that was this long from the start would
/// not have it.
///
/// log_every: the steps between the lines that are there.
pub(super) fn go_back(
    run: &RunFolder,
    done: u64,
    ended: Option<&OutputConfig>,
    log_every: u64,
) -> Result<(), RunError> {
    run.check_in_place()?;
    let last = done.saturating_sub(1);
    let is_extra =
        |at: u64, every: Option<u64>| every.is_some_and(|every| !at.is_multiple_of(every));
    let extra_line = is_extra(last, ended.map(|output| output.log_every));
    let extra_score = is_extra(done, ended.and_then(|output| output.evaluate_every));
    let extra_picture = is_extra(done, ended.map(|output| output.sample_every));
    let is_kept = |step: u64| step < done && !(extra_line && step == last);
    let found = keep_lines(&run.metrics(), is_kept)?;
    keep_lines(&run.timing(), is_kept)?;
    let expected = last - last % log_every;
    if done > 0 && found.is_none_or(|found| found < expected) {
        tracing::warn!(
            "{}: {done} steps are done, but {}; lines may be missing",
            run.metrics().display(),
            match found {
                Some(step) => format!("the last line is of step {step}"),
                None => "there is no line".to_string(),
            },
        );
    }
    keep_lines(&run.scores(), |step| {
        step < done && !(extra_score && step == last)
    })?;
    run.remove_pictures(|step| step > done || (extra_picture && step == done))?;
    run.checkpoints().remove_after(done)?;
    run.best_files()
        .go_back::<Checkpoint>(if extra_score { last } else { done })?;
    if done == 0 {
        run.remove_generator()?;
    }
    Ok(())
}
