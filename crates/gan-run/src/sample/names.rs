//! Whether the name of the place fits what is to be drawn.

use super::job::Job;
use crate::RunError;
use crate::picture::GridShape;
use crate::result_place::names_a_folder;
use serde::Deserialize;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Pictures.
    Png,
    /// Numbers: one array `[n, c, h, w]` of f32 in [-1, 1].
    Npy,
}

/// Extensions of files; a folder should not have one.
const FILE_ENDINGS: [&str; 12] = [
    "png",
    "npy",
    "npz",
    "jpg",
    "jpeg",
    "gif",
    "bmp",
    "webp",
    "tif",
    "tiff",
    "zip",
    "safetensors",
];

/// What was asked for, else what the name says, else pictures.
pub(super) fn format_of(given: Option<Format>, out: Option<&Path>) -> Format {
    match (given, out) {
        (Some(format), _) => format,
        (None, Some(out)) if ends_in(out, "npy") => Format::Npy,
        _ => Format::Png,
    }
}

impl Job {
    /// Refuses a name that does not fit what would be written under it.
    pub(super) fn check_name(&self, out: &Path) -> Result<(), RunError> {
        let wrong = |text: String| Err(RunError::refused(out, text));
        match self {
            Self::Npy { .. } if !ends_in(out, "npy") => wrong(format!(
                "{}, expected a name that ends in .npy for `sample.format = npy`",
                ending(out)
            )),
            Self::Grid { .. } if ends_in(out, "npy") => wrong(
                "ends in .npy, but `sample.format = png` writes a picture; leave `sample.format` out, or give a name \
                 that ends in .png"
                    .to_string(),
            ),
            Self::Grid { .. } if !ends_in(out, "png") => wrong(format!(
                "{}, expected a name that ends in .png for one picture, because PNG is written; \
                 `sample.count` alone writes single PNG files into a folder, and a name that ends in .npy \
                 gives numbers",
                ending(out)
            )),
            Self::Files { count } if is_a_file_name(out) => wrong(format!(
                "{}, but `sample.count = {count}` without `sample.grid` writes single PNG files, expected a folder's \
                 name; for one picture give `sample.grid` and a name that ends in .png",
                ending(out)
            )),
            Self::Interpolation { .. } if names_a_folder(out) => wrong(
                "names a folder, expected a file's name, such as walk.gif".to_string(),
            ),
            Self::Interpolation { .. } if strip_and_animation(out).is_none() => wrong(format!(
                "{}, expected a name that ends in .png or .gif, or has no dot: a strip and an \
                 animation are written, one under each ending",
                ending(out)
            )),
            _ => Ok(()),
        }
    }

    /// Every path that is written.
    pub(super) fn outputs(&self, out: &Path) -> Vec<PathBuf> {
        match self {
            Self::Interpolation { .. } => strip_and_animation(out)
                .map_or(Vec::new(), |(strip, animation)| vec![strip, animation]),
            _ => vec![out.to_path_buf()],
        }
    }

    /// The default name: what is drawn, after how many steps, of which class, from which seed.
    pub(super) fn default_name(&self, steps: u64, class: Option<u32>, seed: u64) -> String {
        let class = class.map_or(String::new(), |class| format!("-class-{class}"));
        let from = format!("step-{steps}{class}-seed-{seed}");
        match self {
            Self::Grid {
                shape: GridShape { rows, columns },
                ..
            } => format!("sample-{rows}x{columns}-{from}.png"),
            Self::Files { .. } => format!("sample-{from}"),
            Self::Npy { .. } => format!("sample-{from}.npy"),
            Self::Interpolation { .. } => format!("interpolation-{from}.png"),
        }
    }
}

/// `walk.png` and `walk.gif`, for one of these or `walk`; none for a name with another ending.
pub(super) fn strip_and_animation(out: &Path) -> Option<(PathBuf, PathBuf)> {
    out.file_name()?;
    match out.extension() {
        None => Some((out.with_extension("png"), out.with_extension("gif"))),
        Some(_) if ends_in(out, "png") => Some((out.to_path_buf(), out.with_extension("gif"))),
        Some(_) if ends_in(out, "gif") => Some((out.with_extension("png"), out.to_path_buf())),
        Some(_) => None,
    }
}

/// Compares without regard to case.
fn ends_in(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn is_a_file_name(path: &Path) -> bool {
    FILE_ENDINGS.iter().any(|ending| ends_in(path, ending))
}

fn ending(path: &Path) -> String {
    match path.extension().map(OsStr::to_string_lossy) {
        Some(ending) => format!("ends in .{ending}"),
        None => "has no ending".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_has_two_files_and_no_dot_of_its_name_is_lost() {
        for (out, strip, animation) in [
            ("walk", "walk.png", "walk.gif"),
            ("a/walk.png", "a/walk.png", "a/walk.gif"),
            ("walk.GIF", "walk.png", "walk.GIF"),
            ("v1.2.png", "v1.2.png", "v1.2.gif"),
            (".hidden", ".hidden.png", ".hidden.gif"),
        ] {
            let found = strip_and_animation(Path::new(out)).unwrap();
            assert_eq!(found, (strip.into(), animation.into()), "{out}");
        }
        for out in ["v1.2", "walk.jpg", "walk.npy", "walk.", "..", ""] {
            assert_eq!(strip_and_animation(Path::new(out)), None, "{out}");
        }
    }

    #[test]
    fn names_agree_with_what_is_drawn() {
        let shape = GridShape {
            rows: 5,
            columns: 5,
        };
        let grid = Job::Grid { shape, count: 25 };
        let (files, npy) = (Job::Files { count: 3 }, Job::Npy { count: 3 });
        for (job, good, bad) in [
            (
                &grid,
                &["x.png", "x.PNG", "v1.2.png"][..],
                &["x.jpg", "x.gif", "x", "x.", ".png"][..],
            ),
            (
                &files,
                &["x", "v1.2", "run-0.5"],
                &["x.png", "x.npy", "x.JPG"],
            ),
            (&npy, &["x.npy", "x.Npy"], &["x.png", "x", "x.npz"]),
        ] {
            for name in good {
                job.check_name(Path::new(name)).unwrap();
            }
            for name in bad {
                let error = job.check_name(Path::new(name)).unwrap_err().to_string();
                assert!(
                    error.starts_with(name) && error.contains("expected"),
                    "{error}"
                );
            }
        }
        let error = grid.check_name(Path::new("x.npy")).unwrap_err().to_string();
        assert!(error.contains("leave `sample.format` out"), "{error}");
    }

    #[test]
    fn the_name_decides_the_format_where_nothing_else_does() {
        let of = |given, out: &str| format_of(given, Some(Path::new(out)));
        assert_eq!(of(None, "x.npy"), Format::Npy);
        assert_eq!(of(None, "x.png"), Format::Png);
        assert_eq!(of(Some(Format::Png), "x.npy"), Format::Png);
        assert_eq!(format_of(None, None), Format::Png);
    }
}
