//! Samples of a run of text: twenty texts in a file at each interval.

use super::TextPlan;
use crate::events::Tell;
use crate::picture::PICTURE_SEED;
use crate::{Event, RunError, RunFolder};
use gan_core::Purpose;
use gan_text::TextGenerator;
use std::io::Write;

/// Texts in a file.
const TEXTS: usize = 20;

/// The first texts of a generator, those of `sample RUN`.
pub(super) fn drawn(
    generator: &dyn TextGenerator,
    plan: &TextPlan,
    count: usize,
) -> Result<Vec<u32>, RunError> {
    let request = plan.set.corpus.request(count);
    let stream = |k: usize| PICTURE_SEED.rng(Purpose::Sample, k as u64);
    Ok(generator.generate(&request, &stream)?)
}

/// Writes twenty texts after `done` steps, and tells the first.
pub(super) fn write_texts(
    run: &RunFolder,
    generator: &dyn TextGenerator,
    plan: &TextPlan,
    done: u64,
    events: &dyn Tell,
) -> Result<(), RunError> {
    let tokens = drawn(generator, plan, TEXTS)?;
    let texts = tokens.chunks(plan.set.corpus.steps);
    let texts: Vec<String> = texts.map(|tokens| plan.set.written(tokens)).collect();
    let path = run.samples().join(format!("{done:06}.txt"));
    run.check_in_place()?;
    let written = gan_core::write_atomically(&path, |out| {
        texts.iter().try_for_each(|text| writeln!(out, "{text}"))
    });
    written.map_err(RunError::io(&path, "written"))?;
    events.tell(Event::Text {
        done,
        path: &path,
        text: texts.first().map_or("", String::as_str),
    });
    Ok(())
}
