//! Which end of a history is looked at: spans are in steps, so that findings do not depend on how often a
//! run is logged.

use super::HistoryRecord;

/// The longest span that an ailment needs.
pub(super) const OSCILLATION_STEPS: u64 = 4000;

/// Records that lie closer than this are thinned out: one of so many steps is enough.
const SPACING: u64 = 100;

/// And a span is judged by at least so many records.
const FEWEST: usize = 5;

/// The newest record and earlier ones, each at least [`SPACING`] steps before the next; as far back as
/// any ailment needs, in the order of the steps.
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

/// The place of the first record that is looked at.
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

/// The last records that span at least `steps` steps, at least [`FEWEST`] of them; none where the history
/// is shorter.
pub(super) fn last(history: &[HistoryRecord], steps: u64) -> Option<&[HistoryRecord]> {
    let newest = history.last()?.step;
    let first = history
        .iter()
        .rposition(|record| record.step.saturating_add(steps) <= newest)?;
    Some(&history[first.min(history.len().checked_sub(FEWEST)?)..])
}
