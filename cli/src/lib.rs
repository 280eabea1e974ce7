//! The readers, the writers and the commands of the program `evenkeel`, as a library for the program itself, its tests and
//! its fuzz targets.
//!
//! This is no interface to build upon: it changes with the program, without notice. The library for that is the crate
//! `evenkeel`.
//!
//! | file | what it does |
//! |---|---|
//! | `args.rs` | the command line and its help |
//! | `track.rs`, `profile.rs`, `record.rs` | three of the commands |
//! | `html_report/` | the report as a page |
//! | `watch/` | the series on a terminal |
//! | `pipe/` | series followed inside a pipeline |
//! | `input/` | files and pipes to samples |
//! | `engine.rs` | samples to estimates |
//! | `output/` | estimates to rows |
//! | `plot/`, `drawing.rs` | estimates to a picture |
//! | `tally.rs` | what is counted of samples |
//! | `number.rs`, `time.rs` | numbers and times as text |
//! | `report.rs` | what is said on standard error |
//! | `failure.rs` | how the program stops early |
//! | `probe.rs` | the readers alone, with everything they say and do on record |

mod args;
mod drawing;
mod engine;
mod failure;
mod html_report;
mod input;
mod number;
mod output;
mod pipe;
mod plot;
pub mod probe;
mod profile;
mod record;
mod report;
mod tally;
mod time;
mod track;
mod watch;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

/// The whole program: does what the command line says, and gives what the shell is told.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Track(args) => track::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Report(args) => html_report::run(&args),
        Command::Watch(args) => watch::run(&args),
        Command::Record(args) => record::run(&args),
        Command::Pipe(args) => pipe::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                report::say(&message);
            }
            ExitCode::from(failure.exit_code())
        }
    }
}
