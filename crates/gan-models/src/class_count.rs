//! The number of classes of class-conditional networks, as a configuration gives it.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// The number of classes of a class-conditional pair of networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "ClassCountText", try_from = "ClassCountText")]
pub enum ClassCount {
    /// This many.
    Known(usize),
    /// As many as the data set has: to be resolved before a network is built.
    Auto,
}

/// How a configuration spells it: a number, or `auto`.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of classes, `auto` or `none`")]
enum ClassCountText {
    Known(usize),
    Word(String),
}

impl From<ClassCount> for ClassCountText {
    fn from(classes: ClassCount) -> Self {
        match classes {
            ClassCount::Known(classes) => Self::Known(classes),
            ClassCount::Auto => Self::Word("auto".to_string()),
        }
    }
}

impl TryFrom<ClassCountText> for ClassCount {
    type Error = String;

    fn try_from(text: ClassCountText) -> Result<Self, String> {
        match text {
            ClassCountText::Known(classes) => Ok(Self::Known(classes)),
            ClassCountText::Word(word) => word.parse(),
        }
    }
}

impl From<usize> for ClassCount {
    fn from(classes: usize) -> Self {
        Self::Known(classes)
    }
}

impl FromStr for ClassCount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Known)
                .map_err(|_| format!("`{text}` is neither a number of classes nor `auto`")),
        }
    }
}
