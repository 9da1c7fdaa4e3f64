//! `gan-cli`: train a generative adversarial network, sample from it, inspect its files.
//!
//! A thin layer: arguments become a configuration, the configuration becomes objects of the
//! crates below, and what they return is printed. Results go to standard output; progress and
//! diagnostics to standard error.

mod commands;
mod console;
mod exit;
mod flags;
mod spelling;
mod stop;

use clap::{ArgAction, Parser};
use console::Console;
use exit::Failure;
use std::process::ExitCode;

/// candle allocates every intermediate tensor; the system's allocator returns the pages each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train generative adversarial networks, sample from them, inspect their files.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: commands::Command,
    /// Print only errors and results: tables of scores, texts, and the paths of what was written
    #[arg(
        short,
        long,
        global = true,
        display_order = 1000,
        conflicts_with = "verbose"
    )]
    quiet: bool,
    /// Print more; give it twice for everything (RUST_LOG overrides)
    #[arg(short, long, global = true, display_order = 1000, action = ArgAction::Count)]
    verbose: u8,
    /// Compute threads [default: as many as this process may use]
    #[arg(long, global = true, display_order = 1000, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return answered(&error),
    };
    let threads = arguments.threads.map(usize::from);
    gan_ops::set_process_defaults(threads);
    let console = Console::new(arguments.quiet, arguments.verbose);
    let done = stop::watch().and_then(|()| {
        let pool = gan_ops::Pool::new(threads)?;
        tracing::debug!(threads = pool.threads(), "thread pool");
        pool.install(|| arguments.command.run(&console))
    });
    let mut code = ExitCode::SUCCESS;
    if let Err(failure) = &done {
        if !matches!(failure, Failure::Stopped { .. } | Failure::Said(_)) {
            console.error(failure);
        }
        code = failure.exit_code();
    }
    if let Err(error) = console.finish() {
        let failure = Failure::Output(error);
        console.error(&failure);
        drop(console.finish());
        if done.is_ok() {
            code = failure.exit_code();
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
            let error = gan_core::with_causes(&Failure::Output(error));
            console::print_refusal(&format!("error: {error}"));
            ExitCode::FAILURE
        }
        _ => ExitCode::SUCCESS,
    }
}
