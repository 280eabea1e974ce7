//! The program `evenkeel`: robust running location and scale of series in files and pipes.

use std::process::ExitCode;

fn main() -> ExitCode {
    evenkeel_cli::run()
}
