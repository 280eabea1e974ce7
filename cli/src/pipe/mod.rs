//! `evenkeel pipe`: records in on standard input, the same records out on standard output, with what is known of each number
//! beside it.
//!
//! | file | what it does |
//! |---|---|
//! | `influx.rs`, `ndjson.rs`, `csv.rs` | the three formats, record by record |
//! | `names.rs` | what the added values are called, and which values get some |
//! | `follow.rs` | the estimators of all series, by name |
//! | `stream.rs` | what every record goes through: reading, writing, counting |
//! | `state.rs` | the file in which the state outlives the process |
//! | `wait.rs` | waiting for input, signals and times |

mod csv;
mod follow;
mod influx;
mod names;
mod ndjson;
mod state;
mod stream;
mod wait;

use crate::args::{RuleArgs, ScoredPreset};
use crate::failure::Failure;
use crate::input::{Found, Limits, Lines, Members, Wanted, standard_input};
use crate::output::Target;
use crate::report::Report;
use clap::{Args, ValueEnum};
use follow::{Follow, KeepArgs};
use state::StateArgs;
use std::io::{self, IsTerminal, Read};
use stream::Stream;
use wait::Wait;

const NAME: &str = "standard input";

const EXAMPLES: &str = "\
Examples:
  evenkeel pipe < points.lp > followed.lp
      cpu,host=a usage=42.5 1700000000000000000
      cpu,host=a usage=42.5,usage_location=41.9,usage_scale=0.7,usage_score=0.86 1700000000000000000
  evenkeel pipe --state cpu.state --half-life 10m --max-idle 1d --max-series 100000
      A memory of ten minutes that survives restarts; series end after a day, and there are never more than these.
  tail -n +1 -F events.ndjson | evenkeel pipe --series host --value latency
      Objects with the name of their series in a member.
  evenkeel pipe --format csv < metrics.csv > followed.csv
      Rows with three columns more for each column of numbers.
  tail -n +$((LINES + 1)) points.lp | evenkeel pipe --state points.state
      A feed that is read again from where the state is: `evenkeel pipe --state points.state < /dev/null` says LINES.

Exit codes:
  0  The input has ended, or a signal has ended it, or the reader of the output closed the pipe.
  1  The output or, at the end, the state could not be written, or --strict met a bad line.
  2  The command line, the input or the state cannot be used.";

/// Follow series inside a pipeline: records in, the same records out with what is known of each number beside it
///
/// A number called `f` gets `f_location`, `f_scale` and `f_score` behind the last field of its record: the location and scale
/// of its series after this sample, and the sample's distance from the location before it, in scales. What is not finite is
/// left out. Everything else comes out byte for byte and in order, as soon as it is in; a malformed line is reported, counted
/// and dropped.
///
/// A record has no name twice: a number beside one of its three names is left alone, and so is one whose name is one of the
/// three of another number. So records that come through a second time come out as they are.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PipeArgs {
    /// The format of input and output. By default it is that of the state, or told by the first line: NDJSON if that is an
    /// object, otherwise influx. CSV has to be named.
    ///
    /// `influx` is the line protocol of Telegraf and its database. A series is the measurement, the tags in any order, and the
    /// field; strings and truth values are not followed; comments and blank lines pass. `ndjson` has one object per line:
    /// every member that is a number is followed, or those named by --value, which may also be numbers in quotes, or `null`
    /// where the sample is missing. `csv` needs a header, and follows the columns that hold numbers or nothing in the first
    /// row, or those named by --value.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    format: Option<Format>,

    /// What the timestamps of the line protocol count. They matter only where the memory or --max-idle is in time; a line
    /// without one is of the moment at which it is read.
    #[arg(long, value_enum, value_name = "UNIT", default_value_t = Precision::Ns, help_heading = "Input")]
    precision: Precision,

    /// The member or column with the time, for NDJSON and CSV, where the memory or --max-idle is in time. In a CSV it is by
    /// default the first column that is not numeric.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    time: Option<String>,

    /// The member or column with the name of the series, for NDJSON and CSV: each value is then one series per name. Records
    /// without a name are passed on.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    series: Option<String>,

    /// A member or column with values, for NDJSON and CSV; may be repeated.
    #[arg(long, value_name = "COL", help_heading = "Input")]
    value: Vec<String>,

    /// Stop with exit code 1 at the first bad line or cell, instead of reporting, counting and dropping it.
    #[arg(long, help_heading = "Input")]
    strict: bool,

    /// Show no notes and no summary. Bad lines and errors are still reported.
    #[arg(long, short)]
    quiet: bool,

    #[command(flatten)]
    rule: RuleArgs,

    /// The estimator. `robust` follows the bulk of the samples; `mean` stays closer to the mean of skewed data such as
    /// latencies.
    #[arg(long, value_enum, default_value_t = ScoredPreset::Robust, help_heading = "Estimator")]
    preset: ScoredPreset,

    #[command(flatten)]
    keep: KeepArgs,

    #[command(flatten)]
    state: StateArgs,
}

/// A format of records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Influx,
    Ndjson,
    Csv,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Influx => "influx",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Influx, Self::Ndjson, Self::Csv].into_iter().find(|format| format.name() == name)
    }
}

/// A unit of timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Precision {
    Ns,
    Us,
    Ms,
    S,
}

impl Precision {
    fn nanoseconds(self) -> i64 {
        match self {
            Self::Ns => 1,
            Self::Us => 1_000,
            Self::Ms => 1_000_000,
            Self::S => 1_000_000_000,
        }
    }
}

/// Runs the command.
pub(crate) fn run(args: &PipeArgs) -> Result<(), Failure> {
    if io::stdin().is_terminal() {
        return Err(Failure::usage("no input: `pipe` reads what another program writes (see --help)"));
    }
    let (reader, file) = standard_input();
    let is_file = file.and_then(|file| file.metadata().ok()).is_some_and(|metadata| metadata.is_file());
    let wait = Wait::new(!is_file).map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let lines = Lines::new(reader, NAME.to_owned(), Limits::default());
    let report = Report::on_stream(NAME, args.strict, args.quiet, false);
    let mut target = Target::open(None)?;
    let output = Box::new(move |bytes: &[u8]| target.write(bytes));
    let follow = Follow::new(&args.rule, args.preset.into(), &args.keep)?;
    let mut stream = Stream::new(follow, output, report, Some(wait));
    through(args, lines, &mut stream)
}

/// Everything from the first line to the summary.
fn through(args: &PipeArgs, lines: Lines, stream: &mut Stream) -> Result<(), Failure> {
    let result = read(args, lines, stream);
    // What has been made so far counts, even where something failed.
    let finished = stream.finish();
    if !stream.has_stopped() {
        result?;
    }
    finished?;
    stream.summary();
    Ok(())
}

/// The same without a process around it, for tests and measurements: `args` are those of the command line.
pub(crate) fn run_apart(
    args: &PipeArgs,
    input: Box<dyn Read>,
    limits: Limits,
    mut output: impl FnMut(&[u8]) + 'static,
) -> (Vec<String>, Result<(), Failure>) {
    let output = Box::new(move |bytes: &[u8]| {
        output(bytes);
        Ok(())
    });
    let follow = match Follow::new(&args.rule, args.preset.into(), &args.keep) {
        Ok(follow) => follow,
        Err(failure) => return (Vec::new(), Err(failure)),
    };
    let mut stream = Stream::new(follow, output, Report::on_stream(NAME, args.strict, args.quiet, true), None);
    let result = through(args, Lines::new(input, NAME.to_owned(), limits), &mut stream);
    (stream.into_said(), result)
}

/// Reads everything in its format.
fn read(args: &PipeArgs, mut lines: Lines, stream: &mut Stream) -> Result<(), Failure> {
    let wanted = Wanted::new(args.time.as_ref(), args.series.as_ref(), &args.value)?;
    let format = match stream.keep_state(&args.state, args.format)? {
        Some(format) => format,
        None => format_within(&mut lines, stream)?,
    };
    stream.set_format(format);
    match format {
        Format::Influx => influx::run(&mut lines, args.precision.nanoseconds(), stream),
        Format::Ndjson => ndjson::run(&mut lines, wanted, stream),
        Format::Csv => csv::run(lines, &wanted, stream),
    }
}

/// What the first line says: no line is both a point and an object. Nothing tells a CSV.
fn format_within(lines: &mut Lines, stream: &mut Stream) -> Result<Format, Failure> {
    if lines.peek(&mut |_| stream.before_read())? != Some(b'{') {
        return Ok(Format::Influx);
    }
    if lines.advance(&mut |_| stream.before_read())? == Found::TooLong {
        stream.drop(lines, "the line is too long")?;
        return Ok(Format::Ndjson);
    }
    // Blank lines before it come again as well.
    while lines.current().trim_ascii().is_empty() && lines.append(&mut |_| stream.before_read())?.is_some() {}
    let is_object = Members::parse(lines.current()).is_ok();
    lines.keep_none();
    Ok(if is_object { Format::Ndjson } else { Format::Influx })
}
