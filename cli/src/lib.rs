//! The readers, the writers and the commands of the program `evenkeel`, as a library for the program itself, its tests and
//! its fuzz targets.
//!
//! This is no interface to build upon: it changes with the program, without notice. The library for that is the crate
//! `evenkeel`.
//!
//! A module uses those below it in this table, and none above. `tests/house.rs` holds it to that.
//!
//! | room | what it is for |
//! |---|---|
//! | `probe.rs` | the readers and `pipe` alone, for tests, fuzz targets and measurements |
//! | `cli.rs` | the command line and its help |
//! | `commands/` | what each command does, with its options |
//! | `views/` | plots and tables of tails |
//! | `input/` | the input of a command: which bytes, in which format, with which columns |
//! | `formats/` | bytes to records, a format a file or folder |
//! | `output/` | estimates to rows, and where rows go |
//! | `engine/` | samples to estimates |
//! | `nats/` | streams of a NATS server, in and out; `no_nats.rs` where they are not built in |
//! | `console.rs` | what is printed on standard error, and the counts of what is bad or late |
//! | `settings.rs`, `samples.rs`, `machine.rs` | the settings of estimators, samples on their way, this machine's own metrics |
//! | `text/` | numbers, times and quoted text |
//! | `patient.rs` | standard streams that do not wait, waited for |
//! | `failure.rs` | how the program stops early |

mod cli;
mod commands;
mod console;
mod engine;
mod failure;
mod formats;
mod input;
mod machine;
#[cfg_attr(not(feature = "nats"), path = "no_nats.rs")]
mod nats;
mod output;
mod patient;
pub mod probe;
mod samples;
mod settings;
mod text;
mod views;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command};
use commands::{completions, man, pipe, profile, record, report, track, watch};
use std::process::ExitCode;

/// Runs the program by its command line, and returns its exit code.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Track(args) => track::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Pipe(args) => pipe::run(&args),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Man(args) => man::run(&args, Cli::command()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                console::print(&message);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
