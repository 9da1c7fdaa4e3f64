//! Pictures of several evaluations of text.

use crate::RunError;
use gan_eval::{Plot, TextEvaluationFile, length_plots, trade_off_plots};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Draws the evaluations, by their names, into `out-trade-off.svg`, quality against diversity, and `out-length.svg`,
/// quality against length, as far as there is something to draw; returns what was written. Pictures that it wrote
/// before are replaced, and no other files.
///
/// # Errors
/// When another file is in the way, or a picture cannot be written.
pub fn write_comparison(
    files: &[(String, TextEvaluationFile)],
    out: &Path,
) -> Result<Vec<PathBuf>, RunError> {
    let name = out.as_os_str().as_encoded_bytes();
    let is_svg = out.extension().is_some_and(|ending| ending == "svg");
    if is_svg || out.is_dir() || matches!(name.last(), None | Some(b'/')) {
        let text = "not the beginning of two names, expected NAME for NAME-trade-off.svg and NAME-length.svg";
        return Err(RunError::refused(out, text));
    }
    let files: Vec<(&str, &TextEvaluationFile)> = files
        .iter()
        .map(|(name, file)| (name.as_str(), file))
        .collect();
    let place = |end: &str| {
        let mut name = out.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let pictures = [
        (trade_off_plots(&files), place("-trade-off.svg")),
        (length_plots(&files), place("-length.svg")),
    ];
    let mut written = Vec::new();
    for (plots, path) in pictures {
        if let Some(plot) = plots.first() {
            write(plot, &path)?;
            written.push(path);
        }
    }
    Ok(written)
}

fn write(plot: &Plot, path: &Path) -> Result<(), RunError> {
    let is_own = gan_core::read_regular(path).is_ok_and(|there| there.starts_with(b"<svg "));
    if path.exists() && !is_own {
        let text = "exists already and is no picture of this program; give another name";
        return Err(RunError::refused(path, text));
    }
    gan_core::write_atomically(path, |out| out.write_all(plot.svg().as_bytes()))
        .map_err(RunError::io(path, "written"))
}
