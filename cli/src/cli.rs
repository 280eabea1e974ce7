//! The command line: the commands, and the help that explains them.

use crate::commands::pipe::PipeArgs;
use crate::commands::profile::ProfileArgs;
use crate::commands::record::RecordArgs;
use crate::commands::report::ReportArgs;
use crate::commands::track::{EXAMPLES, TrackArgs};
use crate::commands::watch::WatchArgs;
use clap::{Parser, Subcommand};

/// The running mean of series in files and pipes, as if their spikes had not been there
///
/// For every series the program computes a location (its running mean, or where it is) and a scale (the mean size of its
/// residuals) that single spikes cannot move, and reports which samples are outliers.
#[derive(Debug, Parser)]
#[command(name = "evenkeel", version, after_help = EXAMPLES)]
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
