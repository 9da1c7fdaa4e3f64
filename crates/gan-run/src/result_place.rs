//! Where results go: checked before the work, so that none is done in vain.

use crate::{RunError, RunFolder};
use gan_core::check_folder;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Checks that a file may be written to `path`. Without `replace` nothing may exist there; with it a
/// file may, but not a folder.
///
/// # Errors
/// The error says what is in the way and what to do.
pub(crate) fn check_file(path: &Path, replace: bool) -> Result<(), RunError> {
    let shown = path.display();
    if path.file_name().is_none() || names_a_folder(path) {
        return refuse(format!("{shown}: names a folder, expected a file's name"));
    }
    // A link is followed, unless it is broken: then the link itself is in the way.
    let there = fs::metadata(path).or_else(|_| fs::symlink_metadata(path));
    match there {
        Ok(there) if there.is_dir() => refuse(format!(
            "{shown}: is a folder, expected a file or a free name; `replace` does not replace folders \
             with files; choose another name"
        )),
        Ok(there) if !there.is_file() && !there.is_symlink() => refuse(format!(
            "{shown}: is a device, a pipe or a socket, expected a file or a free name"
        )),
        Ok(_) if !replace => refuse(is_there(path)),
        _ => check_new_entry(path),
    }
}

/// Checks that a folder of files may be written to `path`: there must be no folder, an empty one or,
/// with `replace`, one without anything `foreign`.
///
/// # Errors
/// As [`check_file`].
pub(crate) fn check_files_in(
    path: &Path,
    replace: bool,
    foreign: impl FnOnce(&Path) -> Result<Option<PathBuf>, RunError>,
) -> Result<(), RunError> {
    let shown = path.display();
    if fs::symlink_metadata(path).is_err() {
        return check_new_entry(path);
    }
    if !path.is_dir() {
        return refuse(format!(
            "{shown}: is not a folder, expected a folder or a free name; `replace` does not replace \
             files with folders; choose another name"
        ));
    }
    let is_empty = fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
    if !is_empty {
        if let Some(entry) = foreign(path)? {
            return refuse(format!(
                "{shown}: holds {}, which `sample` did not write; choose another folder",
                Path::new(entry.file_name().unwrap_or_default()).display()
            ));
        }
        if !replace {
            return refuse(is_there(path));
        }
    }
    writable(path, path)
}

/// Whether a file may be replaced: there is none, or its beginning holds `mark`, which says who wrote it.
///
/// # Errors
/// Names the file.
fn check_own(path: &Path, mark: &str) -> Result<(), RunError> {
    let mut start = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(64 << 10).read_to_end(&mut start));
    let is_own = String::from_utf8_lossy(&start).contains(mark);
    if read.is_err() || start.is_empty() || is_own {
        return Ok(());
    }
    refuse(format!(
        "{}: was not written by `evaluate`, and is not replaced; move it away, or give another `out`",
        path.display()
    ))
}

/// Where the scores and the report of a subject go: into `out`, or into a run, or beside anything else. Both
/// may be replaced if `evaluate` wrote them.
///
/// # Errors
/// When something else is in the way, or the place cannot be written.
pub fn evaluation_places(
    subject: &Path,
    out: Option<&Path>,
) -> Result<(PathBuf, PathBuf), RunError> {
    let is_run = RunFolder::open(subject).config().exists();
    let (scores, report) = match out {
        Some(folder) => (folder.join("evaluation.json"), folder.join("report.html")),
        None if is_run => (subject.join("evaluation.json"), subject.join("report.html")),
        None => {
            let name = subject.file_name().unwrap_or_default().to_string_lossy();
            let beside = |end: &str| subject.with_file_name(format!("{name}.{end}"));
            (beside("evaluation.json"), beside("report.html"))
        }
    };
    // The report lies beside it. If only the report cannot be written, the images are scored anyway.
    check_file(&scores, true)?;
    check_own(&scores, "evaluation_format_version")?;
    if report.is_file() {
        check_own(&report, "<title>Evaluation of ")?;
    }
    Ok((scores, report))
}

/// Checks that a feature network may be written to `out`: with `replace` over another, and over no other
/// file.
///
/// # Errors
/// Names what is in the way.
pub fn check_feature_network(out: &Path, replace: bool) -> Result<(), RunError> {
    check_file(out, true)?;
    if fs::symlink_metadata(out).is_err() {
        return Ok(());
    }
    let text = match (gan_eval::is_feature_network(out), replace) {
        (true, true) => return Ok(()),
        (true, false) => "exists already; give another `out`, or `replace` to replace it",
        (false, _) => {
            "exists already and is not a feature network that can be read. `replace` replaces no other \
             file: give another `out`, or remove it"
        }
    };
    Err(RunError::refused(out, text))
}

/// The error that `path` exists, where `replace` would replace it.
fn is_there(path: &Path) -> String {
    let path = path.display();
    format!("{path}: exists already; give another name, or `replace` to replace it")
}

fn check_new_entry(path: &Path) -> Result<(), RunError> {
    writable(path, path.parent().unwrap_or(Path::new("")))
}

fn writable(path: &Path, folder: &Path) -> Result<(), RunError> {
    let Err(error) = check_folder(folder) else {
        return Ok(());
    };
    let path = path.display();
    refuse(format!(
        "{path}: cannot be written: {error}; choose another `out`"
    ))
}

/// Whether a path ends with a separator, as a folder's may.
pub(crate) fn names_a_folder(path: &Path) -> bool {
    let last = path.as_os_str().as_encoded_bytes().last();
    last.is_some_and(|last| std::path::is_separator(char::from(*last)))
}

fn refuse(text: String) -> Result<(), RunError> {
    Err(RunError::Refused(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_folders_do_not_replace_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("folder")).unwrap();
        fs::write(path("file"), b"").unwrap();
        let none = |_: &Path| Ok(None);
        let said = |result: Result<(), RunError>| result.unwrap_err().to_string();
        for replace in [false, true] {
            assert!(said(check_file(&path("folder"), replace)).contains("is a folder"));
            assert!(said(check_file(&path("new/"), replace)).contains("names a folder"));
            let error = said(check_files_in(&path("file"), replace, none));
            assert!(error.contains("is not a folder"), "{error}");
            let error = said(check_file(&path("file/below"), replace));
            assert!(error.contains("file is not a folder"), "{error}");
            check_file(&path("new"), replace).unwrap();
            check_file(&path("a/b/new"), replace).unwrap();
            check_files_in(&path("folder"), replace, none).unwrap();
            check_files_in(&path("a/b"), replace, none).unwrap();
        }
        assert!(said(check_file(&path("file"), false)).contains("`replace`"));
        check_file(&path("file"), true).unwrap();
    }

    #[test]
    fn force_is_advised_where_it_helps() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("x"), b"").unwrap();
        let foreign = |path: &Path| Ok(Some(path.join("x")));
        for replace in [false, true] {
            let error = check_files_in(folder.path(), replace, foreign).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains("holds x") && !text.contains("`replace`"),
                "{text}"
            );
        }
        let error = check_files_in(folder.path(), false, |_| Ok(None)).unwrap_err();
        assert!(error.to_string().contains("`replace`"));
    }
}
