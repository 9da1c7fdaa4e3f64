//! The doctor's look at a run of images, from the files that it wrote.

use crate::log::MetricsLine;
use crate::{Configuration, RunConfig, RunError, RunFolder};
use gan_eval::EvaluationFile;
use gan_train::doctor::{ClassBalance, Finding, GeneratedImages, HistoryRecord, diagnose};
use std::fmt;
use std::path::Path;

/// What was examined and what was found.
#[derive(Debug)]
pub struct Examination {
    /// The logged steps.
    pub history: Vec<HistoryRecord>,
    /// The newest class shares, if any were measured.
    pub classes: Option<ClassBalance>,
    /// The signs of trouble.
    pub findings: Vec<Finding>,
}

/// What was examined, in words.
impl fmt::Display for Examination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.history[..] {
            [first, .., last] => write!(
                f,
                "{} records, steps {} to {}",
                self.history.len(),
                first.step,
                last.step
            )?,
            [only] => write!(f, "the only record, of step {}", only.step)?,
            [] => write!(f, "no records")?,
        }
        match &self.classes {
            Some(classes) => write!(f, ", and {} classes", classes.data.len()),
            None => Ok(()),
        }
    }
}

/// Why lost classes were not looked for in a run, and how they can be. evaluate: what to do to evaluate it.
pub fn without_classes(run: &RunFolder, evaluate: &str) -> String {
    let data = RunConfig::read(&run.config()).map(|config| config.data);
    let how = match data {
        Ok(data) if data.toy().is_some() => "scores need images, and these are points".to_string(),
        Ok(data) if data.is_stacked() => {
            "this needs images of one digit, and these are stacks".to_string()
        }
        _ if run.evaluation().exists() || run.scores().exists() => {
            "the run's scores have no classes; they need a classifier of the labelled training images, \
             see `train_classifier`"
                .to_string()
        }
        _ => format!("`{evaluate}` shows them where the data set has a classifier"),
    };
    format!("Lost classes were not looked for: {how}.")
}

/// Looks for signs of trouble in a run.
///
/// # Errors
/// When its files cannot be read.
pub fn examine(run: &RunFolder) -> Result<Examination, RunError> {
    let history: Vec<_> = run.read_metrics()?.iter().map(history_record).collect();
    let classes = class_shares(run)?;
    Ok(Examination {
        findings: diagnose(&history, classes.as_ref()),
        history,
        classes,
    })
}

/// The figures of a line that the doctor knows. JSON has no NaN: numbers that are missing or null are NaN.
pub(crate) fn history_record(line: &MetricsLine) -> HistoryRecord {
    let figure = |name: &str| line.figures.get(name);
    let number = |name: &str| figure(name).unwrap_or(f64::NAN);
    let known = |name: &str| figure(name).filter(|value| value.is_finite());
    let generated = || {
        Some(GeneratedImages {
            deviation: known("fake_deviation")?,
            saturated_share: known("fake_saturated_share")?,
            data_saturated_share: known("data_saturated_share")?,
        })
    };
    HistoryRecord {
        step: line.step,
        discriminator_loss: number("discriminator_loss"),
        generator_loss: number("generator_loss"),
        d_real: number("d_real"),
        d_fake: number("d_fake"),
        generated: generated(),
    }
}

/// The class shares of the newest scores: those of an evaluation, or the last during training.
fn class_shares(run: &RunFolder) -> Result<Option<ClassBalance>, RunError> {
    let mut newest = run.read_scores()?.into_iter().rev().find_map(|line| {
        let (generated, data) = line.class_shares.zip(line.data_class_shares)?;
        Some(ClassBalance {
            step: line.step,
            generated,
            data,
        })
    });
    if run.evaluation().exists() {
        let file = run.read_evaluation()?;
        let step = file.subject.step.unwrap_or(0).saturating_sub(1);
        if let Some(classes) = file.classes
            && newest.as_ref().is_none_or(|newest| newest.step <= step)
        {
            newest = Some(ClassBalance {
                step,
                generated: classes.generated,
                data: classes.data,
            });
        }
    }
    Ok(newest)
}

/// The evaluation of a run, or the one in a file. evaluate: what to do to evaluate the run, for messages.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn read_evaluation(path: &Path, evaluate: &str) -> Result<EvaluationFile, RunError> {
    let run = RunFolder::open(path);
    if !path.is_dir() {
        return Ok(EvaluationFile::read(path)?);
    }
    if run.evaluation().exists() {
        return run.read_evaluation();
    }
    let mut advice = "give run folders or evaluation.json files".to_string();
    if run.config().exists() {
        RunConfig::read(&run.config())?
            .data
            .check_images("scores")?;
        advice = format!("run `{evaluate}` first");
    }
    let text = format!("does not exist; {advice}");
    Err(RunError::refused(&run.evaluation(), text))
}

impl RunFolder {
    /// The evaluation of a run. For one of an earlier state of the generator there is a warning.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn read_evaluation(&self) -> Result<EvaluationFile, RunError> {
        let file = EvaluationFile::read(&self.evaluation())?;
        let now = crate::best::generator_step(&self.generator());
        if let (Some(scored), Some(step)) = (file.subject.step, now)
            && scored != step
        {
            tracing::warn!(
                "{}: the evaluation is of the generator after {scored} steps, which has done {step} now; \
                 run `evaluate` again",
                self.path().display(),
            );
        }
        Ok(file)
    }
}
