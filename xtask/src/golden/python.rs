//! A Python that is known to have the modules of the reference scripts.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The modules that the scripts import, and their packages.
const MODULES: &[(&str, &str)] = &[
    ("torch", "torch"),
    ("numpy", "numpy"),
    ("torch_fidelity", "torch-fidelity"),
    ("prdc", "prdc"),
    ("torchvision", "torchvision"),
    ("nltk", "nltk"),
];

/// Prints the arguments that are not names of modules.
const PROBE: &str = "import importlib.util, sys
print(*(m for m in sys.argv[1:] if importlib.util.find_spec(m) is None))";

/// Prints whether two images have the same shape and pixels.
const SAME_PIXELS: &str = "import sys, numpy
from PIL import Image
a, b = (numpy.asarray(Image.open(path)) for path in sys.argv[1:])
print('same' if a.shape == b.shape and (a == b).all() else 'different')";

pub(super) struct Python {
    program: PathBuf,
}

impl Python {
    /// Accepts `program` if it runs and has all modules.
    ///
    /// # Errors
    ///
    /// Names what is missing and how to install it with pip.
    pub(super) fn with_modules(program: &Path) -> Result<Self> {
        let python = Self {
            program: program.to_path_buf(),
        };
        let modules: Vec<&str> = MODULES.iter().map(|(module, _)| *module).collect();
        let missing = python.evaluate(PROBE, &modules).with_context(|| {
            format!(
                "{}: cannot be run; install Python 3, or give one with `--python PATH`",
                program.display()
            )
        })?;
        match advice(program, &missing) {
            None => Ok(python),
            Some(advice) => bail!(advice),
        }
    }

    /// Runs a script, whose output goes to the terminal.
    pub(super) fn run(&self, script: &Path, arguments: &[&Path]) -> Result<()> {
        let place = || script.display().to_string();
        let status = Command::new(&self.program)
            .arg(script)
            .args(arguments)
            .status()
            .with_context(place)?;
        if !status.success() {
            bail!("{}: {status}; see the output above", place());
        }
        Ok(())
    }

    pub(super) fn same_pixels(&self, a: &Path, b: &Path) -> Result<bool> {
        match self.evaluate(SAME_PIXELS, &[a, b])?.trim() {
            "same" => Ok(true),
            "different" => Ok(false),
            other => bail!(
                "{}: comparing images printed {other:?}",
                self.program.display()
            ),
        }
    }

    /// What `code` prints.
    fn evaluate(&self, code: &str, arguments: &[impl AsRef<OsStr>]) -> Result<String> {
        let output = Command::new(&self.program)
            .arg("-c")
            .arg(code)
            .args(arguments)
            .output()?;
        if !output.status.success() {
            bail!(
                "{}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The message for missing modules, if `missing`, a list separated by spaces, is not empty.
fn advice(program: &Path, missing: &str) -> Option<String> {
    let missing: Vec<&str> = missing.split_whitespace().collect();
    let needed = MODULES
        .iter()
        .filter(|(module, _)| missing.contains(module));
    let packages: Vec<&str> = needed.map(|(_, package)| *package).collect();
    let program = program.display();
    (!packages.is_empty()).then(|| {
        format!(
            "{program} has no {}; install them with `{program} -m pip install {}`, \
             or name another Python with `--python PATH`",
            missing.join(", "),
            packages.join(" ")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_modules_are_named_with_their_packages() {
        let said = advice(Path::new("py"), "torch_fidelity prdc\n").unwrap();
        assert!(
            said.starts_with("py has no torch_fidelity, prdc;"),
            "{said}"
        );
        assert!(
            said.contains("`py -m pip install torch-fidelity prdc`"),
            "{said}"
        );
        assert_eq!(advice(Path::new("py"), "\n"), None);
    }

    #[test]
    fn a_python_that_is_not_there_is_named() {
        let error = Python::with_modules(Path::new("no/such/python"))
            .err()
            .unwrap();
        let said = format!("{error:#}");
        assert!(said.starts_with("no/such/python: cannot be run"), "{said}");
        assert!(said.contains("--python PATH"), "{said}");
    }
}
