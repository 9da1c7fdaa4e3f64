//! Pictures of evaluations of text: quality against diversity, and quality against length.

mod length;
mod trade_off;

pub use length::length_plots;
pub use trade_off::trade_off_plots;

use super::TextEvaluationFile;

/// Something that several evaluations may have in common, such as the pretrained generator's curve: each kind of it
/// once, with its name.
fn distinct<'a, T: PartialEq>(
    files: &[(&str, &'a TextEvaluationFile)],
    label: &str,
    find: impl Fn(&'a TextEvaluationFile) -> Option<&'a T>,
) -> Vec<(String, &'a T)> {
    let mut found: Vec<(String, &T)> = Vec::new();
    for (name, file) in files {
        if let Some(one) = find(file)
            && !found.iter().any(|(_, other)| *other == one)
        {
            found.push((format!("{label} of {name}"), one));
        }
    }
    if let [(name, _)] = &mut found[..] {
        label.clone_into(name);
    }
    found
}

#[cfg(test)]
mod tests;
