//! The command line: the commands, and the help that explains them.

use crate::commands::completions::CompletionsArgs;
use crate::commands::man::ManArgs;
use crate::commands::pipe::PipeArgs;
use crate::commands::profile::ProfileArgs;
use crate::commands::record::RecordArgs;
use crate::commands::report::ReportArgs;
use crate::commands::track::{EXAMPLES, TrackArgs};
use crate::commands::watch::WatchArgs;
use clap::{Parser, Subcommand};
use evenkeel::Backend;
use std::sync::LazyLock;

/// The running mean of series in files and pipes, as if their spikes had not been there
///
/// For every series the program computes a location (its running mean, or where it is) and a scale (the mean size of its
/// residuals) that single spikes cannot move, and reports which samples are outliers.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, long_version = long_version(), after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Track(TrackArgs),
    Profile(ProfileArgs),
    Report(ReportArgs),
    Watch(WatchArgs),
    Record(RecordArgs),
    Pipe(PipeArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// The version, what it was built with, and what it runs with on this processor: what a report of a fault needs.
fn long_version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut sets: Vec<_> = Backend::available().map(instruction_set).collect();
        sets.reverse();
        let (version, parquet) = (env!("CARGO_PKG_VERSION"), if cfg!(feature = "parquet") { '+' } else { '-' });
        format!("{version}\nfeatures: {parquet}parquet\ninstruction sets, the first in use: {}", sets.join(", "))
    });
    &TEXT
}

/// The name of an instruction set.
fn instruction_set(backend: Backend) -> String {
    match backend {
        Backend::Avx512 => "AVX-512".to_owned(),
        Backend::Avx2 => "AVX2".to_owned(),
        Backend::Neon => "NEON".to_owned(),
        Backend::Scalar => format!("the baseline of {}", std::env::consts::ARCH),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
