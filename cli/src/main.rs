//! The program `evenkeel`: robust running location and scale of series in files and pipes.
//!
//! | file | what it does |
//! |---|---|
//! | `args.rs` | the command line and its help |
//! | `track.rs`, `profile.rs`, `record.rs` | the three commands |
//! | `input/` | files and pipes to samples |
//! | `engine.rs` | samples to estimates |
//! | `output/` | estimates to rows |
//! | `plot/` | estimates to a picture |
//! | `number.rs` | numbers as text |
//! | `report.rs` | what is said on standard error |
//! | `failure.rs` | how the program stops early |

mod args;
mod engine;
mod failure;
mod input;
mod number;
mod output;
mod plot;
mod profile;
mod record;
mod report;
mod track;

use args::{Cli, Command};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Track(args) => track::run(&args),
        Command::Profile(args) => profile::run(&args),
        Command::Record(args) => record::run(&args),
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
