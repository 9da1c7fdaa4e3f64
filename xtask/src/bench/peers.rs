//! The same training step by other programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::measure::{Figures, figures};
use crate::workspace;

/// A script of bench/peers with its arguments.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// This project's workload of the same computation.
    pub(super) workload: &'static str,
    python: PathBuf,
    script: &'static str,
    arguments: &'static [&'static str],
}

/// Name, this project's workload, module, pip packages, script, arguments.
type Known = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

const KNOWN: [Known; 9] = [
    (
        "JAX, jitted",
        "step",
        "jax",
        "jax optax numpy",
        "jax_step.py",
        &[],
    ),
    (
        "PyTorch, fused Adam",
        "step",
        "torch",
        "torch numpy",
        "torch_step.py",
        &[],
    ),
    (
        "PyTorch, eager",
        "step",
        "torch",
        "torch numpy",
        "torch_step.py",
        &["--eager"],
    ),
    (
        "PyTorch, channels last",
        "dcgan64",
        "torch",
        "torch numpy",
        "torch_dcgan_step.py",
        &["--width", "64", "--channels-last"],
    ),
    (
        "PyTorch, channels last",
        "dcgan32",
        "torch",
        "torch numpy",
        "torch_dcgan_step.py",
        &["--width", "32", "--channels-last"],
    ),
    (
        "PyTorch, channels last",
        "penalized32",
        "torch",
        "torch numpy",
        "torch_dcgan_step.py",
        &["--width", "32", "--channels-last", "--penalty"],
    ),
    (
        "PyTorch",
        "text-mle",
        "torch",
        "torch numpy",
        "torch_text.py",
        &["text-mle"],
    ),
    (
        "PyTorch",
        "text-sample",
        "torch",
        "torch numpy",
        "torch_text.py",
        &["text-sample"],
    ),
    (
        "PyTorch",
        "text-policy",
        "torch",
        "torch numpy",
        "torch_text.py",
        &["text-policy"],
    ),
];

impl Peer {
    /// The peers whose packages `python` has; prints how to install those of the others.
    ///
    /// # Errors
    /// When `python` has the packages of none.
    pub(super) fn all(python: &Path) -> Result<Vec<Self>> {
        let mut found = Vec::new();
        for (name, workload, module, packages, script, arguments) in KNOWN {
            if has(python, module) {
                found.push(Self {
                    name,
                    workload,
                    python: python.to_path_buf(),
                    script,
                    arguments,
                });
            } else {
                println!(
                    "{name}: skipped; install it with `{} -m pip install {packages}`",
                    python.display()
                );
            }
        }
        if found.is_empty() {
            bail!(
                "{}: has none of the peers' packages; see the lines above, or give another Python with --python",
                python.display()
            );
        }
        Ok(found)
    }

    pub(super) fn run(&self) -> Result<Figures> {
        let script = workspace::root().join("bench/peers").join(self.script);
        figures(Command::new(&self.python).arg(script).args(self.arguments))
    }
}

fn has(python: &Path, module: &str) -> bool {
    let probe =
        format!("import importlib.util as u, sys; sys.exit(u.find_spec('{module}') is None)");
    let mut command = Command::new(python);
    command.args(["-c", &probe]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_is_not_there_has_no_peers() {
        let error = Peer::all(Path::new("no-such-python")).err().unwrap();
        assert!(error.to_string().contains("no-such-python"), "{error}");
    }

    #[test]
    fn every_script_lies_in_its_folder() {
        for (.., script, _) in KNOWN {
            assert!(workspace::root().join("bench/peers").join(script).is_file());
        }
    }
}
