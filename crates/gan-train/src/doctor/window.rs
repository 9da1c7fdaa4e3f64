//! The part of a history that is examined. Spans are in steps, so that findings do not depend on how
//! often a run is logged.

use super::HistoryRecord;

/// The longest span that a failure mode needs.
pub(super) const OSCILLATION_STEPS: u64 = 4000;

/// Records closer together than this many steps are thinned out.
const SPACING: u64 = 100;

/// The fewest records that a span is assessed with.
const FEWEST: usize = 5;

/// The newest record and earlier ones, each at least [`SPACING`] steps before the next, as far back as
/// any failure mode needs; in the order of the steps.
pub(super) fn spaced(history: &[HistoryRecord]) -> Vec<HistoryRecord> {
    let mut kept: Vec<HistoryRecord> = Vec::new();
    for record in history[first_needed(history)..].iter().rev() {
        if kept
            .last()
            .is_none_or(|next| record.step.saturating_add(SPACING) <= next.step)
        {
            kept.push(*record);
        }
    }
    kept.reverse();
    kept
}

/// The index of the first record that is examined.
pub(super) fn first_needed(history: &[HistoryRecord]) -> usize {
    let newest = history.last().map_or(0, |record| record.step);
    let old = |record: &HistoryRecord| record.step.saturating_add(OSCILLATION_STEPS) < newest;
    let recent = history.iter().rev().take_while(|record| !old(record));
    history.len() - recent.count().max(FEWEST).min(history.len())
}

/// The records of the last `steps` steps.
pub(super) fn within(history: &[HistoryRecord], steps: u64) -> &[HistoryRecord] {
    let newest = history.last().map_or(0, |record| record.step);
    let first = history.partition_point(|record| record.step.saturating_add(steps) < newest);
    &history[first..]
}

/// The last records that span at least `steps` steps, and at least [`FEWEST`] of them; `None` if the
/// history is shorter.
pub(super) fn last(history: &[HistoryRecord], steps: u64) -> Option<&[HistoryRecord]> {
    let newest = history.last()?.step;
    let first = history
        .iter()
        .rposition(|record| record.step.saturating_add(steps) <= newest)?;
    Some(&history[first.min(history.len().checked_sub(FEWEST)?)..])
}
