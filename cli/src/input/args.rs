//! The options of every command that reads an input.

use super::bytes::label;
use crate::failure::Failure;
use crate::formats::{Delimiter, Dialect, Format, Options, Use, Wanted};
use crate::output::check_distinct;
use crate::text::moments::TimeForm;
use crate::text::number::Words;
use crate::text::time::{Unit, interval};
use clap::Args;
use encoding_rs::Encoding;
use jiff::tz::TimeZone;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The input of a command that reads files.
#[derive(Clone, Debug, Args)]
pub(crate) struct InputArgs {
    /// The file to read, `-` for standard input, which is also the default when it is not a terminal.
    ///
    /// A table in text has a header, which is found, and anything between its cells. Without --series the table is wide: every
    /// column of numbers is a series, or only those named by --value. With --series it is long: one row per sample. An empty cell,
    /// NaN or a word such as NA is a missing sample, `inf` and `-inf` are samples. JSON has objects, one per line, in an array or in
    /// a document (--records), and follows the same rules with members for columns: those of objects within have paths,
    /// `data.value`, and new ones may appear anywhere. In the influx line protocol a series is the measurement, the tags in any
    /// order, and the field, `cpu,host=a usage`; strings and truth values are no series. In the lines of Prometheus, Graphite, StatsD
    /// and collectd it is the name with its labels or tags in order, or the identifier. What is compressed is unpacked.
    #[arg(value_name = "INPUT")]
    pub(crate) path: Option<PathBuf>,

    /// More files of the same table, which are read with the first one, all in the order of their names. Only Parquet and Arrow.
    ///
    /// A folder stands for the files in it and in its folders, but for those whose names begin with `.` or `_`. Where folders are
    /// called `date=2024-05-01` or `host=a`, --time, --series and --value know these keys as columns.
    #[arg(value_name = "MORE", requires = "path")]
    pub(crate) more: Vec<PathBuf>,

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

impl InputArgs {
    /// Checks that no output is an input.
    pub(crate) fn check_distinct(&self, outputs: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
        check_distinct(outputs)?;
        for input in self.path.iter().chain(&self.more) {
            check_distinct(&[&[("the input", Some(input.as_path()))], outputs].concat())?;
        }
        Ok(())
    }
}

/// The meaning of an input.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ReadArgs {
    /// The format of the input. By default the ending of the file's name promises it (.csv, .ndjson, .jsonl, .json, .lp,
    /// .influx, .line, .parquet, .arrow, .arrows, .feather, .ipc, .prom, .openmetrics, .graphite, .statsd, .collectd), or its
    /// beginning shows it: an object is NDJSON, a point is influx, `# TYPE` or a name with labels and a number is Prometheus, a path
    /// with a number and the seconds since 1970 is Graphite, `name:1|c` is StatsD, PUTVAL is collectd, the marks of Parquet and Arrow
    /// are theirs, anything else is CSV. `pipe` takes anything else for influx, and does not read Parquet and Arrow.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    pub(crate) format: Option<Format>,

    /// The unit of the timestamps in the line protocol. By default it is ns, or that of the state of `pipe`.
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Input")]
    pub(crate) precision: Option<Unit>,

    /// The column with the time, which is passed through as it is. By default it is the first that is called so and has moments,
    /// numbers included, else the first whose text reads as one; where there is none, rows are numbered from 1, and nothing can be
    /// in time.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) time: Option<String>,

    /// The pattern of the times, as `strptime` has it, such as `%m/%d/%Y %H:%M:%S`. By default times are dates that begin with
    /// the year or have the month by name, or numbers since 1970.
    #[arg(long, value_name = "PATTERN", help_heading = "Input", value_parser = pattern)]
    pub(crate) time_format: Option<String>,

    /// The unit of times that are numbers, since 1970 or since any other moment. By default their size shows it.
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Input", conflicts_with = "time_format")]
    pub(crate) time_unit: Option<Unit>,

    /// The zone of dates without an offset, such as `Europe/Berlin`. By default it is UTC. Where clocks are set back, an hour
    /// comes twice, and the first is meant.
    #[arg(long, value_name = "ZONE", help_heading = "Input", value_parser = zone)]
    pub(crate) timezone: Option<TimeZone>,

    /// A column with the name of the series, for long tables; with several, the name is made of all of them, joined by `/`.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) series: Vec<String>,

    /// A column with values; may be repeated. In a long table with several, series are called `name.column`. By default
    /// it is every numeric column of a wide table, and the only other numeric column of a long one; `pipe` follows all of both.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    pub(crate) value: Vec<String>,

    /// A further word for a missing sample; may be repeated. By default these are an empty cell, NaN, NA, N/A, null, None, \N,
    /// `-`, `.`, `?` and what else tools write there.
    #[arg(long, value_name = "WORD", help_heading = "Input", allow_hyphen_values = true)]
    pub(crate) missing: Vec<String>,

    /// The sign between the cells of a row: one such as `;`, or `tab`, or `blanks` for runs of spaces. By default the first lines
    /// show it.
    #[arg(long, value_name = "SIGN", help_heading = "Tables in text", value_parser = Delimiter::of_name)]
    pub(crate) delimiter: Option<Delimiter>,

    /// Lines that begin with this are comments. By default, lines above the table that begin with `#` are.
    #[arg(long, value_name = "TEXT", help_heading = "Tables in text")]
    pub(crate) comment: Option<String>,

    /// Lines above the header that are passed over; the line behind them is the header. By default it is found where words stand
    /// above numbers.
    #[arg(long, value_name = "LINES", help_heading = "Tables in text")]
    pub(crate) skip: Option<u64>,

    /// The names of the columns of a table without a header, as a list with commas.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', help_heading = "Tables in text")]
    pub(crate) header: Vec<String>,

    /// The place of the records in a JSON document, such as `data.result`: the array, by the names of members that lead to it, or `.`
    /// for the document itself. Times and labels of the objects around it go for its records.
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    pub(crate) records: Option<String>,

    /// Stop with exit code 1 at the first bad row, bad value or late sample, instead of reporting, counting and skipping it.
    #[arg(long, help_heading = "Input")]
    pub(crate) strict: bool,

    /// Show no progress, no notes and no summary. Bad rows, bad values and errors are still reported.
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl ReadArgs {
    /// The options as readers know them.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        let wanted = Wanted::new(self.time.as_ref(), &self.series, &self.value)?;
        let (delimiter, comment, skip) = (self.delimiter, self.comment.clone(), self.skip);
        let dialect = Dialect { delimiter, comment, skip, header: self.header.clone() };
        let missing = Words::new(&self.missing);
        Ok(Options {
            wanted,
            time: self.time_form(),
            missing,
            precision: self.precision,
            dialect,
            records: self.records.clone(),
        })
    }

    /// The way in which times are written, as far as it is given.
    pub(crate) fn time_form(&self) -> TimeForm {
        TimeForm { pattern: self.time_format.clone(), unit: self.time_unit, zone: self.timezone.clone() }
    }

    /// Refuses options that would do nothing in a format.
    pub(crate) fn check(&self, format: Format) -> Result<(), Failure> {
        let given = [
            ("--time", self.time.is_some(), Use::Columns),
            ("--series", !self.series.is_empty(), Use::Columns),
            ("--value", !self.value.is_empty(), Use::Columns),
            ("--time-format", self.time_format.is_some(), Use::TimeForm),
            ("--time-unit", self.time_unit.is_some(), Use::TimeForm),
            ("--timezone", self.timezone.is_some(), Use::TimeForm),
            ("--precision", self.precision.is_some(), Use::Precision),
            ("--missing", !self.missing.is_empty(), Use::Missing),
            ("--delimiter", self.delimiter.is_some(), Use::Dialect),
            ("--comment", self.comment.is_some(), Use::Dialect),
            ("--skip", self.skip.is_some(), Use::Dialect),
            ("--header", !self.header.is_empty(), Use::Dialect),
            ("--records", self.records.is_some(), Use::Records),
        ];
        let idle = given.into_iter().find(|(_, is_given, what)| *is_given && !format.uses(*what));
        idle.map_or(Ok(()), |(option, ..)| {
            let name = format.name();
            Err(Failure::usage(format!("{option} has no meaning for {name}, the format of the input (see --format)")))
        })
    }
}

/// A pattern that `strptime` has no objection to.
fn pattern(text: &str) -> Result<String, String> {
    let sample =
        jiff::civil::date(2024, 5, 1).at(12, 30, 15, 250_000_000).in_tz("UTC").map_err(|error| error.to_string())?;
    jiff::fmt::strtime::format(text, &sample).map_err(|error| error.to_string())?;
    if text.contains('%') {
        Ok(text.to_owned())
    } else {
        Err("expected a pattern such as %d.%m.%Y %H:%M:%S".to_owned())
    }
}

/// A zone by its name in the database of zones, which the program brings with it, or by its offset.
fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .map_err(|_| "there is no zone of this name: expected one such as Europe/Berlin or UTC".to_owned())
}
