//! `gan-cli`: train a generative adversarial network, sample from it, inspect its files.
//!
//! A thin layer: arguments become a configuration, the configuration becomes objects of the
//! crates below, and what they return is printed. Results go to standard output; progress and
//! diagnostics to standard error.

mod best_files;
mod checkpoint_folder;
mod commands;
mod config;
mod console;
mod data_arguments;
mod device;
mod evaluation;
mod exit;
mod history;
mod json_lines;
mod observers;
mod picture;
mod place;
mod recipes;
mod run_contents;
mod run_folder;
mod run_lock;
mod run_place;
mod stop;
mod training;

use clap::{ArgAction, Parser};
use console::Console;
use std::process::ExitCode;
use stop::Stopped;

/// candle allocates every intermediate tensor; the system's allocator returns the pages each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train generative adversarial networks, sample from them, inspect their files.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
    /// Print only errors and the paths of results
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more; give it twice for everything (RUST_LOG overrides)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Compute threads [default: as many as this process may use]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return answered(&error),
    };
    let threads = gan_ops::settle_threads(arguments.threads.map(usize::from));
    let console = Console::new(arguments.quiet, arguments.verbose);
    tracing::debug!(threads, "thread pool");
    let done = stop::watch().and_then(|()| arguments.command.run(&console));
    let mut code = ExitCode::SUCCESS;
    if let Err(error) = &done {
        if !error.is::<Stopped>() {
            console.error(error);
        }
        code = exit::code(error);
    }
    if let Err(error) = console.finish() {
        console.error(&error);
        drop(console.finish());
        if done.is_ok() {
            code = exit::code(&error);
        }
    }
    code
}

/// Prints the help, the version or what is wrong with the arguments.
fn answered(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        console::print_refusal(&error.render().to_string());
        return ExitCode::from(2);
    }
    match error.print() {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            console::print_refusal(&format!("error: {}", console::unwritten(&error)));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
