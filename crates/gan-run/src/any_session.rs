//! A session of whatever is trained.

use crate::{Ended, Events, RunError, RunFolder, Session, StopToken, TextSession};

/// A run that is ready to be trained, of images or of text.
pub enum AnySession {
    /// Of images.
    Images(Box<Session>),
    /// Of text.
    Text(Box<TextSession>),
}

impl From<Session> for AnySession {
    fn from(session: Session) -> Self {
        Self::Images(Box::new(session))
    }
}

impl From<TextSession> for AnySession {
    fn from(session: TextSession) -> Self {
        Self::Text(Box::new(session))
    }
}

impl AnySession {
    /// How far a resumed run has come, in a line; none at the start.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Self::Images(session) => session.in_words(),
            Self::Text(session) => session.in_words(),
        }
    }

    /// The run's folder.
    pub fn folder(&self) -> &RunFolder {
        match self {
            Self::Images(session) => session.folder(),
            Self::Text(session) => session.folder(),
        }
    }

    /// All steps of the run.
    pub fn steps(&self) -> u64 {
        match self {
            Self::Images(session) => session.plan().schedule().steps,
            Self::Text(session) => session.plan().steps(),
        }
    }

    /// Whether its generator can be scored: points in the plane cannot.
    pub fn can_be_evaluated(&self) -> bool {
        match self {
            Self::Images(session) => session.plan().config().data.toy().is_none(),
            Self::Text(_) => true,
        }
    }

    /// Trains to the end, or until `stop` is asked for.
    ///
    /// # Errors
    /// Those of [`Session::train`] and [`TextSession::train`].
    pub fn train(self, stop: &StopToken, events: &mut dyn Events) -> Result<Ended, RunError> {
        match self {
            Self::Images(session) => session.train(stop, events),
            Self::Text(session) => session.train(stop, events),
        }
    }
}
