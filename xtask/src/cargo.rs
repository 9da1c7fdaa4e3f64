//! Runs cargo in this workspace.

use std::env;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// The cargo that runs this program, or else the one on the PATH, with `arguments` separated by spaces.
pub(crate) fn command(arguments: &str) -> Command {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(arguments.split(' '))
        .current_dir(workspace::root());
    command
}

/// Runs a command of [`command`], whose output goes to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().context(CANNOT_START)?;
    if !status.success() {
        bail!("{status}; see the output above");
    }
    Ok(())
}

pub(crate) const CANNOT_START: &str = "cargo cannot be started; is it on the PATH?";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cargo_that_fails_is_a_failure() {
        run(&mut command("--version")).unwrap();
        run(&mut command("no-such-command-of-cargo")).unwrap_err();
    }
}
