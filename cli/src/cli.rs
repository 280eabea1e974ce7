//! The command line: the commands, and the help that explains them.

use crate::commands::completions::CompletionsArgs;
use crate::commands::man::ManArgs;
use crate::commands::pipe::PipeArgs;
use crate::commands::profile::ProfileArgs;
use crate::commands::record::RecordArgs;
use crate::commands::report::ReportArgs;
use crate::commands::track::TrackArgs;
use crate::commands::watch::WatchArgs;
use clap::{Parser, Subcommand};
use evenkeel::Backend;
use std::sync::LazyLock;

const EXAMPLES: &str = "\
Examples:
  evenkeel track metrics.csv > tracked.csv
      Every numeric column is a series, the first column that is not numeric is the time.
  evenkeel track metrics.csv --time when --value cpu --value load --plot metrics.svg
      Two columns only, with a plot of both.
  evenkeel track long.csv --series host --value cpu --half-life 100 --output tracked.csv
      One row per sample: `host` names the series, `cpu` holds its values.
  tail -n +1 -f events.ndjson | evenkeel track - --output-format csv --quiet
      A live pipe: every row comes out as soon as its sample is in.
  evenkeel profile metrics.csv
      How heavy the tails are, beside Markov's bound and the Gaussian value.
  evenkeel report metrics.csv --output report.html
      A page to look at and to send: every series with its plot, its tails and the settings that suit it.
  evenkeel watch
      This machine's own metrics on the terminal, the one that is furthest off at the top.
  evenkeel record --every 1s --for 10m | evenkeel track
      This machine's own metrics, tracked as they are made.
  evenkeel pipe --state cpu.state
      Inside a pipeline, such as Telegraf's: lines in, the same lines out with what is known of each number.

Exit codes:
  0  The whole input was processed, or the reader of the output closed the pipe.
  1  The output could not be written, or --strict met a bad row, a bad value or a late sample.
  2  The command line or the input cannot be used: an unknown option, a column that does not exist, no input.";

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
    Pipe(Box<PipeArgs>),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

/// The version, what it was built with, and what it runs with on this processor: what a report of a fault needs.
fn long_version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let mut sets: Vec<_> = Backend::available().map(instruction_set).collect();
        sets.reverse();
        let version = env!("CARGO_PKG_VERSION");
        let [parquet, nats] = [cfg!(feature = "parquet"), cfg!(feature = "nats")].map(|is| if is { '+' } else { '-' });
        format!(
            "{version}\nfeatures: {parquet}parquet {nats}nats\ninstruction sets, the first in use: {}",
            sets.join(", ")
        )
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
