//! What a run tells whoever started it.

use crate::TextMetricsLine;
use crate::log::{MetricsLine, ScoresLine, TimingLine};
use gan_data::DataSplits;
use gan_eval::{DataReference, EvalEvent};
use gan_text::{TextFinding, TextReport};
use gan_train::TrainError;
use gan_train::doctor::Finding;
use std::cell::RefCell;
use std::path::Path;

/// Something that happened in a run. Steps are counted from 1 where they are done, and from 0 in lines of
/// logs, as in the files.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The data set was read.
    DataRead(&'a DataSplits),
    /// The training data were prepared for scores.
    ReferenceReady(&'a DataReference),
    /// A text was read.
    TextRead(&'a TextReport),
    /// Something that a reader should know.
    Note(&'a str),
    /// Training starts, at the beginning, after a stop or after a rollback.
    Started {
        /// The steps that are done already.
        done: u64,
        /// The steps of the whole run.
        steps: u64,
    },
    /// A step is done.
    Step {
        /// The steps that are done.
        done: u64,
    },
    /// A line was written to the log.
    Logged {
        /// The step's figures.
        line: &'a MetricsLine,
        /// Its time.
        timing: &'a TimingLine,
    },
    /// The generator was scored.
    Scored(&'a ScoresLine),
    /// A line was written to the log of a run of text.
    TextLogged {
        /// The part's figures.
        line: &'a TextMetricsLine,
        /// Its time.
        timing: &'a TimingLine,
    },
    /// The generator of a run of text was scored.
    TextScored(&'a ScoresLine),
    /// A sample of texts was written.
    Text {
        /// The steps that were done then.
        done: u64,
        /// The file.
        path: &'a Path,
        /// The first of them.
        text: &'a str,
    },
    /// A picture was written.
    Picture {
        /// The steps that were done then.
        done: u64,
        /// The file.
        path: &'a Path,
    },
    /// A checkpoint was written, other than the best.
    Checkpoint {
        /// The steps that were done then.
        done: u64,
        /// The file.
        path: &'a Path,
    },
    /// A sign of trouble appeared.
    Finding(&'a Finding),
    /// A sign of trouble appeared in a run of text.
    TextFinding(&'a TextFinding),
    /// The run diverged and goes back to a checkpoint, with another seed.
    WentBack {
        /// The steps that are done there; 0: the run starts again.
        to: u64,
        /// Which rollback this is, from 1.
        rollback: u32,
        /// The most that there may be.
        most: u32,
        /// Why.
        cause: &'a TrainError,
    },
    /// Long work goes on: parts of preparing data or of scoring.
    Progress {
        /// What the parts belong to.
        work: &'static str,
        /// What happened.
        event: EvalEvent<'a>,
    },
    /// That work is done.
    ProgressEnded,
    /// Training has ended, also by an error.
    Ended,
}

/// A listener to a run. Every closure that takes an [`Event`] is one.
pub trait Events {
    /// Called on the thread that trains, which waits for the answer.
    fn event(&mut self, event: Event<'_>);
}

impl<F: FnMut(Event<'_>)> Events for F {
    fn event(&mut self, event: Event<'_>) {
        self(event);
    }
}

/// The listener of a run, for all parts of it.
pub(crate) trait Tell {
    /// Passes an event on.
    fn tell(&self, event: Event<'_>);
}

impl Tell for RefCell<&mut dyn Events> {
    fn tell(&self, event: Event<'_>) {
        self.borrow_mut().event(event);
    }
}
