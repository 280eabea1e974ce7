//! The options of every command that reads an input.

use super::bytes::label;
use crate::failure::Failure;
use crate::formats::{Format, Wanted};
use crate::text::time::{Unit, interval};
use clap::Args;
use encoding_rs::Encoding;
use std::path::PathBuf;
use std::time::Duration;

/// The input of a command that reads files.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// The file to read, `-` for standard input, which is also the default when it is not a terminal.
    ///
    /// CSV needs a header. Without --series the table is wide: every column is a series, or only those named by --value.
    /// With --series it is long: one row per sample. An empty cell or NaN is a missing sample, `inf` and `-inf` are
    /// samples. The first rows show what a column is. NDJSON has one object per line and follows the same rules with
    /// members for columns: `null` is a missing sample, a member that was never a number is ignored, new members may
    /// appear in any line, and nested values are ignored. In the influx line protocol a series is the measurement, the
    /// tags in any order, and the field, `cpu,host=a usage`; strings and truth values are no series.
    #[arg(value_name = "INPUT")]
    pub(crate) path: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) read: ReadArgs,

    /// The encoding of the text, such as utf-16le, iso-8859-2 or windows-1251. By default it is UTF-8, or UTF-16 where the first
    /// bytes show it, or Windows-1252 where the first bytes beyond ASCII are no UTF-8.
    #[arg(long, value_name = "LABEL", value_parser = label, help_heading = "Input")]
    pub(crate) encoding: Option<&'static Encoding>,
}

/// The order of an input, and its counters.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct OrderArgs {
    /// Hold samples back by so much of their own times, such as 10s, and sort them, for feeds in which some come late. A sample comes
    /// out as soon as one has come that is newer by this, or at the end; one that is later still is late.
    #[arg(long, value_name = "DURATION", value_parser = interval, help_heading = "Input")]
    pub(crate) late: Option<Duration>,

    /// Follow the rate per second of a counter: the column or the series of this name; may be repeated. `auto` stands for all that the
    /// format declares to be counters, and, where a file is named, for those that look like some, for which it is read twice. After a
    /// fall the counter has been reset, and the new value is the increase. The first sample has no rate.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) rate: Vec<String>,
}

impl OrderArgs {
    /// Whether counters are to be found.
    pub(crate) fn is_auto(&self) -> bool {
        self.rate.iter().any(|name| name == "auto")
    }

    /// The counters that are named.
    pub(crate) fn named_rates(&self) -> Vec<String> {
        self.rate.iter().filter(|name| *name != "auto").cloned().collect()
    }
}

/// The meaning of an input.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReadArgs {
    /// The format of the input. By default the ending of the file's name promises it (.csv, .ndjson, .jsonl, .json, .lp,
    /// .influx, .line, .parquet), or the first line shows it: an object is NDJSON, a point is influx, anything else CSV. `pipe`
    /// takes anything else for influx, and does not read Parquet.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    pub(crate) format: Option<Format>,

    /// The unit of the timestamps in the line protocol. By default it is ns, or that of the state of `pipe`.
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Input")]
    pub(crate) precision: Option<Unit>,

    /// The column with the time, which is passed through as it is. By default it is the first column that is not
    /// numeric; where there is none, rows are numbered from 1, and nothing can be in time.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) time: Option<String>,

    /// The column with the name of the series, for long tables.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) series: Option<String>,

    /// A column with values; may be repeated. In a long table with several, series are called `name.column`. By default
    /// it is every numeric column of a wide table, and the only other numeric column of a long one; `pipe` follows all of both.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) value: Vec<String>,

    /// Stop with exit code 1 at the first bad row, bad value or late sample, instead of reporting, counting and skipping it.
    #[arg(long, help_heading = "Input")]
    pub(crate) strict: bool,

    /// Show no progress, no notes and no summary. Bad rows, bad values and errors are still reported.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl ReadArgs {
    /// The columns that are named.
    pub(crate) fn wanted(&self) -> Result<Wanted, Failure> {
        Wanted::new(self.time.as_ref(), self.series.as_ref(), &self.value)
    }

    /// Refuses options that would do nothing in a format.
    pub(crate) fn check(&self, format: Format) -> Result<(), Failure> {
        let given = if format == Format::Influx {
            let columns = [("--time", self.time.is_some()), ("--series", self.series.is_some())];
            columns.into_iter().chain([("--value", !self.value.is_empty())]).find(|(_, is_given)| *is_given)
        } else {
            Some(("--precision", self.precision.is_some())).filter(|(_, is_given)| *is_given)
        };
        given.map_or(Ok(()), |(option, _)| {
            let name = format.name();
            Err(Failure::usage(format!("{option} has no meaning for {name}, the format of the input (see --format)")))
        })
    }
}
