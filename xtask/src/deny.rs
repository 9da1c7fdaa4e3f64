//! `cargo deny check` with deny.toml, if cargo-deny is installed; with advisories, if their database is
//! available.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cargo;

/// With a network the database arrives in seconds, the packages in a minute or two.
const DATABASE_LIMIT: Duration = Duration::from_secs(30);
const PACKAGES_LIMIT: Duration = Duration::from_secs(300);

/// The source of the known advisories.
#[derive(Clone, Copy)]
enum Database {
    Fetched,
    OnDisk,
    Absent,
}

/// Checks duplicates, licences and sources, and advisories if their database is available.
pub(crate) fn run() -> Result<()> {
    if !succeeds(&mut cargo::command("deny --version"), DATABASE_LIMIT) {
        println!(
            "cargo-deny is not installed, `cargo install cargo-deny --locked` installs it; \
             `cargo xtask tidy` has checked sources, licences and build scripts without it"
        );
        return Ok(());
    }
    // Packages of other platforms are checked too, and no build on this machine has fetched those.
    if !succeeds(&mut cargo::command("fetch --locked"), PACKAGES_LIMIT) {
        println!(
            "not every package of Cargo.lock is here and `cargo fetch --locked` fails, so cargo-deny \
             is not run; `cargo xtask tidy` has checked what a build on this machine takes"
        );
        return Ok(());
    }
    check("bans licenses sources")?;
    let database = database();
    println!("{}", database.said());
    match database {
        Database::Absent => Ok(()),
        Database::Fetched | Database::OnDisk => check("advisories"),
    }
}

fn check(what: &str) -> Result<()> {
    cargo::run(&mut cargo::command(&format!("deny --frozen check {what}")))
}

/// The database as it is after an attempt to fetch the newest one.
fn database() -> Database {
    let is_on_disk = cargo_home().is_some_and(|home| holds_database(&home));
    if succeeds(&mut cargo::command("deny fetch db"), DATABASE_LIMIT) {
        Database::Fetched
    } else if is_on_disk {
        Database::OnDisk
    } else {
        Database::Absent
    }
}

impl Database {
    fn said(self) -> &'static str {
        match self {
            Self::Fetched => "advisories: checked with the newest database",
            Self::OnDisk => {
                "advisories: checked with the database on disk; the newest cannot be fetched"
            }
            Self::Absent => {
                "advisories: not checked; the database cannot be fetched and there is none on disk"
            }
        }
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    home.or_else(|| Some(env::home_dir()?.join(".cargo")))
}

/// Whether cargo-deny has completely cloned a database: git writes the index last.
fn holds_database(cargo_home: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(cargo_home.join("advisory-dbs")) else {
        return false;
    };
    entries.any(|entry| entry.is_ok_and(|entry| entry.path().join(".git/index").exists()))
}

/// Runs a command without output. One that takes longer than `limit` is killed and has not succeeded.
fn succeeds(command: &mut Command, limit: Duration) -> bool {
    let silent = command.stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = silent.stdin(Stdio::null()).spawn() else {
        return false;
    };
    let start = Instant::now();
    while start.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => thread::sleep(Duration::from_millis(20)),
            Err(_) => break,
        }
    }
    // If this fails, the command has ended by itself in the meantime.
    let _ = child.kill();
    let _ = child.wait();
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_succeeds_by_its_exit_code_and_only_in_time() {
        assert!(succeeds(&mut cargo::command("--version"), DATABASE_LIMIT));
        let mut unknown = cargo::command("no-such-command-of-cargo");
        assert!(!succeeds(&mut unknown, DATABASE_LIMIT));
        assert!(!succeeds(
            &mut Command::new("no such program"),
            DATABASE_LIMIT
        ));
        assert!(!succeeds(&mut cargo::command("--version"), Duration::ZERO));
    }

    #[test]
    fn a_database_counts_once_it_is_checked_out() {
        let home = tempfile::tempdir().unwrap();
        assert!(!holds_database(home.path()));
        let git = home.path().join("advisory-dbs/advisory-db-1/.git");
        fs::create_dir_all(&git).unwrap();
        fs::write(home.path().join("advisory-dbs/db.lock"), "").unwrap();
        assert!(!holds_database(home.path()));
        fs::write(git.join("index"), "").unwrap();
        assert!(holds_database(home.path()));
    }
}
