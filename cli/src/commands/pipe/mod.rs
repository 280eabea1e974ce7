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

use crate::console::Console;
use crate::failure::Failure;
use crate::formats::{Broken, Found, Limits, Lines, Need, Point, Wanted, standard_input};
use crate::output::Target;
use crate::settings::{Preset, RuleArgs};
use clap::{Args, ValueEnum};
use follow::{Follow, KeepArgs, Wish};
use state::{Feed, StateArgs};
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
      Not for CSV, whose header would be missing.

Exit codes:
  0  The input has ended, or a signal has ended it, or the reader of the output closed the pipe.
  1  The output or, at the end, the state could not be written, or --strict met a bad line.
  2  The command line, the input or the state cannot be used.";

/// Follow series inside a pipeline: records in, the same records out with what is known of each number beside it
///
/// A number called `f` gets `f_location`, `f_scale` and `f_score` behind the last field of its record: the location and scale
/// of its series after this sample, and how far the sample was from where the series had been, in scales, which the first five
/// samples of a series do not have. What is not finite is left out. Everything else comes out byte for byte and in order, as soon as it is in; a malformed line is reported, counted
/// and dropped.
///
/// A record has no name twice: a number beside one of its three names is left alone, and so is one whose name is one of the
/// three of another number. So records that come through a second time come out as they are.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PipeArgs {
    /// The format of input and output. By default it is that of the state, or told by the first line: NDJSON if that begins
    /// with `{` and is no point, otherwise influx. CSV has to be named.
    ///
    /// `influx` is the line protocol of Telegraf and its database. A series is the measurement, the tags in any order, and the
    /// field; strings and truth values are not followed; comments and blank lines pass. `ndjson` has one object per line:
    /// every member that is a number is followed, or those named by --value, which may also be numbers in quotes, or `null`
    /// where the sample is missing. `csv` needs a header, and follows the columns that hold numbers or nothing in the first
    /// row, or those named by --value; where the first row holds only text, all columns but the first.
    ///
    /// A string of the line protocol or a quoted cell may go on in the next lines, for up to 1 MiB, and where the input has to
    /// be waited for, for a second. What is not closed by then is taken for a stray quote: the line with it is dropped, and
    /// each of the lines behind it is read for itself.
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Input")]
    format: Option<Format>,

    /// What the timestamps of the line protocol count. They matter only where the memory or --max-idle is in time; a line
    /// without one is of the moment at which it is read. By default it is that of the state, or ns.
    #[arg(long, value_enum, value_name = "UNIT", help_heading = "Input")]
    precision: Option<Precision>,

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

    /// The estimator: what the location of a series is, and which of its samples are outliers. By default it is that of the
    /// state, or clean.
    #[arg(long, value_enum, help_heading = "Estimator")]
    preset: Option<Preset>,

    #[command(flatten)]
    keep: KeepArgs,

    #[command(flatten)]
    state: StateArgs,
}

impl PipeArgs {
    fn wish(&self) -> Wish {
        Wish { rule: self.rule.clone(), preset: self.preset, keep: self.keep.clone() }
    }
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
    fn name(self) -> &'static str {
        match self {
            Self::Ns => "ns",
            Self::Us => "us",
            Self::Ms => "ms",
            Self::S => "s",
        }
    }

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
    let report = Console::on_stream(NAME, args.strict, args.quiet, false);
    let mut target = Target::open(None)?;
    let output = Box::new(move |bytes: &[u8]| target.write(bytes));
    let follow = Follow::new(args.wish())?;
    let mut stream = Stream::new(follow, output, report, Some(wait));
    through(args, lines, &mut stream)
}

/// Everything from the first line to the summary.
fn through(args: &PipeArgs, lines: Lines, stream: &mut Stream) -> Result<(), Failure> {
    let result = read(args, lines, stream);
    // What has been made so far counts, even where something failed; but what could not be used leaves nothing behind.
    let is_unusable = !stream.has_record() && matches!(&result, Err(failure) if failure.exit_code() == 2);
    let finished = stream.finish(!is_unusable);
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
    let follow = match Follow::new(args.wish()) {
        Ok(follow) => follow,
        Err(failure) => return (Vec::new(), Err(failure)),
    };
    let mut stream = Stream::new(follow, output, Console::on_stream(NAME, args.strict, args.quiet, true), None);
    let result = through(args, Lines::new(input, NAME.to_owned(), limits), &mut stream);
    (stream.into_said(), result)
}

/// Reads everything in its format.
fn read(args: &PipeArgs, mut lines: Lines, stream: &mut Stream) -> Result<(), Failure> {
    let wanted = Wanted::new(args.time.as_ref(), args.series.as_ref(), &args.value)?;
    args.format.map_or(Ok(()), |format| check_options(args, format))?;
    let known = stream.keep_state(&args.state, Feed { format: args.format, precision: args.precision })?;
    let mark = lines.mark(&mut |need| stream.before_read(need))?;
    let format = match known.format {
        Some(format) => format,
        None => format_within(&mut lines, stream)?,
    };
    check_options(args, format)?;
    let precision = known.precision.unwrap_or(Precision::Ns);
    let has_times = format == Format::Influx && stream.is_in_time();
    stream.set_feed(Feed { format: Some(format), precision: has_times.then_some(precision) });
    stream.put(mark);
    match format {
        Format::Influx => influx::run(&mut lines, precision.nanoseconds(), stream),
        Format::Ndjson => ndjson::run(&mut lines, wanted, stream),
        Format::Csv => csv::run(lines, &wanted, stream),
    }
}

/// Refuses what would do nothing in this format.
fn check_options(args: &PipeArgs, format: Format) -> Result<(), Failure> {
    let given = if format == Format::Influx {
        let columns = [("--time", args.time.is_some()), ("--series", args.series.is_some())];
        columns.into_iter().chain([("--value", !args.value.is_empty())]).find(|(_, is_given)| *is_given)
    } else {
        Some(("--precision", args.precision.is_some())).filter(|(_, is_given)| *is_given)
    };
    given.map_or(Ok(()), |(option, _)| {
        let name = format.name();
        Err(Failure::usage(format!("{option} has no meaning for {name}, which this feed is in (see --format)")))
    })
}

/// What the first line says: no line is both a point and an object. Nothing tells a CSV.
fn format_within(lines: &mut Lines, stream: &mut Stream) -> Result<Format, Failure> {
    // However long it takes: nothing else is held up.
    let mut before_read = |need| stream.before_read(Need { is_joining: false, ..need });
    if lines.peek(&mut before_read)? != Some(b'{') {
        return Ok(Format::Influx);
    }
    if lines.advance(&mut before_read)? == Found::TooLong {
        stream.drop(lines, "the line is too long")?;
        return Ok(Format::Ndjson);
    }
    // Blank lines before it come again as well.
    while lines.current().trim_ascii().is_empty() && lines.append(&mut before_read)?.is_some() {}
    let is_point = matches!(Point::default().read(lines.current().trim_ascii()), Ok(()) | Err(Broken::Unclosed));
    lines.keep_none();
    Ok(if is_point { Format::Influx } else { Format::Ndjson })
}
