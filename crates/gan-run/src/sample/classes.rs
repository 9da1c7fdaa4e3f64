//! The class of each image of a class-conditional generator.

use super::job::Job;
use crate::RunError;
use crate::picture::{MOST_CLASS_ROWS, class_rows};
use gan_core::shown_text;
use gan_models::GeneratorHeader;
use gan_sample::{ClassShares, Classes};

/// The class of each image, of a class-conditional generator.
pub(super) fn chosen(
    class: Option<&str>,
    job: &Job,
    header: &GeneratorHeader,
    known: Option<usize>,
) -> Result<Classes, RunError> {
    if let Some(text) = class {
        return Ok(Classes::One(class_named(text, header, known)?));
    }
    let data = header.data.as_ref().filter(|_| known.is_some());
    Ok(match job {
        // One class for all frames.
        Job::Interpolation { .. } => class_rows(u64::MAX, known, data),
        Job::Grid { shape, .. } => class_rows(shape.columns as u64, known, data),
        Job::Files { .. } | Job::Npy { .. } => data
            .and_then(|data| ClassShares::of_counts(&data.class_counts))
            .map_or(Classes::InTurn, Classes::Shares),
    })
}

/// Names the classes of a class-conditional generator: those of a grid's rows, or the only one.
pub(super) fn captions(
    job: &Job,
    classes: &Classes,
    header: &GeneratorHeader,
    known: Option<usize>,
) -> Vec<String> {
    let Some(known) = known else {
        return Vec::new();
    };
    let caption = |class: u32| match &header.data {
        Some(data) => data.caption(class),
        None => class.to_string(),
    };
    match (classes, job) {
        (Classes::One(class), _) => vec![format!("class {}", caption(*class))],
        (Classes::Rows { columns, .. }, Job::Grid { shape, count }) => {
            let rows = (0..shape.rows as u64).filter(|row| row * columns < *count);
            let class = |row: u64| caption(classes.of(row * columns, known));
            rows.map(|row| format!("row {}: class {}", row + 1, class(row)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The class that a name or a number means.
fn class_named(
    text: &str,
    header: &GeneratorHeader,
    known: Option<usize>,
) -> Result<u32, RunError> {
    let Some(known) = known else {
        let labelled = header
            .data
            .as_ref()
            .is_some_and(|data| !data.class_names.is_empty());
        let other = match labelled {
            true => ", or train one with `model.classes = auto`",
            false => "",
        };
        let text = format!(
            "`sample.class = {text}`: the generator is not class-conditional; leave `sample.class` out{other}"
        );
        return Err(RunError::Refused(text));
    };
    let by_number = || text.parse().ok().filter(|class| (*class as usize) < known);
    let class = match &header.data {
        Some(data) => data.class_named(text).or_else(by_number),
        None => by_number(),
    };
    if let (Some(class), Some(data)) = (class, &header.data)
        && data.class_counts.get(class as usize) == Some(&0)
    {
        let text = format!(
            "`sample.class = {text}`: the generator was not trained on any image of that class"
        );
        return Err(RunError::Refused(text));
    }
    class.ok_or_else(|| {
        let mut expected = format!("one of the classes 0 to {}", known - 1);
        if let Some(data) = &header.data {
            let names = data.class_names.iter().take(MOST_CLASS_ROWS);
            let names: Vec<String> = names.map(|name| shown_text(name)).collect();
            expected += &format!(" ({})", names.join(", "));
        }
        RunError::Refused(format!("`sample.class = {text}`, expected {expected}"))
    })
}
