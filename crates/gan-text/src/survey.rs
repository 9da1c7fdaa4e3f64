//! The first reading of a text: what is in it, and what becomes of each line.

use crate::TextError;
use crate::config::{DEFAULT_HELD_OUT, TextConfig};
use crate::division::{Division, content_hash};
use crate::error::Problem;
use crate::reading::{DoubleEncoding, Side, Source, Text};
use crate::tokens::Script;
use gan_core::shown;
use std::collections::HashSet;
use std::path::Path;

/// What was found, and the fate of each text in order: its side, or `None` if it is left out.
pub(crate) struct Survey {
    fates: Vec<Option<Side>>,
    pub(crate) blank: u64,
    /// Repetitions of texts of the same side, or of any in a text without a split of its own.
    pub(crate) duplicates: u64,
    /// Training texts of a split that are also held out.
    pub(crate) shared: u64,
    pub(crate) script: Script,
    pub(crate) double_encoding: DoubleEncoding,
    /// What is held out, or why nothing is.
    pub(crate) division: String,
}

impl Survey {
    pub(crate) fn of(source: &Source, config: &TextConfig) -> Result<Self, TextError> {
        let mut counts = Counting::default();
        source.each_text(|text| {
            counts.add(&text, config.remove_duplicates);
            Ok(())
        })?;
        if counts.seen.is_empty() {
            let found = match counts.fates.len() {
                0 => "there is nothing in it".to_string(),
                lines => format!("all of its {lines} lines are blank"),
            };
            let problem = Problem::new(
                found,
                "at least one line of text",
                "give another as `data.path`",
            );
            return Err(problem.of(source.path(), None));
        }
        let share = config.held_out.unwrap_or(DEFAULT_HELD_OUT);
        Ok(counts.divided(source, share))
    }

    /// The number of texts, left out or not.
    pub(crate) fn lines(&self) -> u64 {
        self.fates.len() as u64
    }

    /// The number of texts of a side.
    pub(crate) fn sides(&self, side: Side) -> usize {
        let fates = self.fates.iter().flatten();
        fates.filter(|fate| **fate == side).count()
    }

    /// Reads the text again and gives what is not left out to `visit`.
    pub(crate) fn each_kept(
        &self,
        source: &Source,
        mut visit: impl FnMut(Side, &str),
    ) -> Result<(), TextError> {
        let changed = || {
            let advice = "read it when nothing writes to it";
            Problem::new("it changed while it was read", "a text at rest", advice)
                .of(source.path(), None)
        };
        let mut fates = self.fates.iter();
        source.each_text(|text| {
            let fate = fates.next().ok_or_else(changed)?;
            if let Some(side) = fate {
                visit(*side, text.normal);
            }
            Ok(())
        })?;
        match fates.next() {
            Some(_) => Err(changed()),
            None => Ok(()),
        }
    }
}

/// A survey that does not know yet which texts are held out.
#[derive(Default)]
struct Counting {
    /// The hashes of texts that are kept.
    fates: Vec<Option<u64>>,
    seen: HashSet<u64>,
    /// How many of the texts are of a held-out file.
    held_out: usize,
    /// The hashes that a held-out file has.
    held_out_hashes: HashSet<u64>,
    blank: u64,
    duplicates: u64,
    shared: u64,
    script: Script,
    double_encoding: DoubleEncoding,
}

impl Counting {
    fn add(&mut self, text: &Text<'_>, remove_duplicates: bool) {
        let is_held_out = text.published == Some(Side::HeldOut);
        self.held_out += usize::from(is_held_out);
        if text.normal.is_empty() {
            self.blank += 1;
            self.fates.push(None);
            return;
        }
        self.double_encoding.add(text.raw);
        let hash = content_hash(text.normal);
        let is_new = self.seen.insert(hash);
        if is_held_out {
            self.held_out_hashes.insert(hash);
        }
        if !is_new && !is_held_out && self.held_out_hashes.contains(&hash) {
            self.shared += 1;
        } else {
            self.duplicates += u64::from(!is_new);
        }
        let is_kept = is_new || !remove_duplicates;
        if is_kept {
            self.script.add(text.normal);
        }
        self.fates.push(is_kept.then_some(hash));
    }

    fn divided(self, source: &Source, share: f64) -> Survey {
        let published = source.held_out().and_then(Path::file_name);
        let division = match published {
            Some(_) => Division::Nothing(""),
            None => Division::of(&self.seen, share),
        };
        let said = match (published, &division) {
            (Some(name), _) => shown(name.as_ref()),
            (None, Division::UpTo(_)) => "by a hash of the text".to_string(),
            (None, Division::Nothing(reason)) => (*reason).to_string(),
        };
        let side = |(place, hash): (usize, Option<u64>)| match hash {
            Some(_) if place < self.held_out => Some(Side::HeldOut),
            hash => hash.map(|hash| division.side(hash)),
        };
        Survey {
            fates: self.fates.into_iter().enumerate().map(side).collect(),
            blank: self.blank,
            duplicates: self.duplicates,
            shared: self.shared,
            script: self.script,
            double_encoding: self.double_encoding,
            division: said,
        }
    }
}
