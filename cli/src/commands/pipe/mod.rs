//! `evenkeel pipe`: records in on standard input, the same records out on standard output, with what is known of each number
//! beside it.
//!
//! | file | what it does |
//! |---|---|
//! | `mod.rs` | the options, and the format of the feed |
//! | `records.rs` | a record or a header: its numbers followed, and what is known of them added |
//! | `names.rs` | what the added values are called, and which values get some |
//! | `follow.rs` | the estimators of all series, by name |
//! | `stream.rs`, `output.rs` | what is read, written, saved and counted |
//! | `messages.rs`, `place.rs` | a feed of messages, and how far a state knows it |
//! | `state.rs` | the file in which the state outlives the process |
//! | `mismatch.rs` | a state that was made with other options |
//! | `wait.rs` | waiting for input, signals and times |

mod follow;
mod messages;
mod mismatch;
mod names;
mod output;
mod place;
mod records;
mod state;
mod stream;
mod wait;

use crate::console::{Console, Destination};
use crate::failure::Failure;
use crate::formats::{Comments, Format, Input, Limits, Lines, Options, Roles};
use crate::input::{Compression, ReadArgs, is_utf16, standard_input};
use crate::nats::{Address, Publisher};
use crate::output::{Drafts, Target};
use crate::settings::{KeepArgs, Preset, RuleArgs};
use crate::text::moments::Moments;
use crate::text::time::Unit;
use clap::Args;
use follow::{Follow, Wish};
use messages::Messages;
use output::Way;
use records::Records;
use state::{Feed, StateArgs};
use std::cell::RefCell;
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
  evenkeel pipe --from nats://localhost/METRICS --to 'nats://localhost/FOLLOWED?subject=followed.cpu' --state cpu.state
      A message out for each that comes in, exactly once, whatever is killed (feature `nats`).

Exit codes:
  0  The input has ended, or a signal has ended it, or the reader of the output closed the pipe.
  1  The output or, at the end, the state could not be written, or --strict met a bad row, a bad value or a late sample.
  2  The command line, the input or the state cannot be used, or the state was made with other options (--state-mismatch).";

/// Follow series inside a pipeline: records in, the same records out with what is known of each number beside it
///
/// A number called `f` gets `f_location`, `f_scale` and `f_score` behind the last field of its record: the location and scale
/// of its series after this sample, and how far the sample was from where the series had been, in scales, which the first five
/// samples of a series do not have. What is not finite is left out. Everything else comes out byte for byte and in order, as soon
/// as it is in; a malformed line is reported, counted and dropped.
///
/// The format is that of the state, or the first line shows it: an object is NDJSON, lines of Prometheus, Graphite, StatsD and
/// collectd are known by their form, and anything else is the influx line protocol of Telegraf and its database; CSV has to be
/// named. In NDJSON every member is followed that is a number, in quotes or not, and not the time, or those named by --value, which
/// may also be `null` where the sample is missing. In CSV it is the columns that hold numbers or nothing in the first row, or those
/// named by --value; where the first row holds only text, all columns but the first. In a long table each value is one series per
/// name, and records without a name are passed on. A point without a timestamp is of the moment at which it is read.
///
/// A string of the line protocol or a quoted cell may go on in the next lines, for up to 1 MiB, and where the input has to
/// be waited for, for a second. What is not closed by then is taken for a stray quote: the line with it is dropped, and
/// each of the lines behind it is read for itself.
///
/// A last line without its end may have been cut off, in the middle of a number: it is reported and left out, unless it is an
/// object that is closed, and a state does not count it.
///
/// A record has no name twice: a number beside one of its three names is left alone, and so is one whose name is one of the
/// three of another number. So records that come through a second time come out as they are.
///
/// In Prometheus, Graphite, StatsD and collectd the three values are lines of the same form behind the line, with its labels or tags and
/// its time; those of StatsD and collectd are gauges. There a name that ends in one of the three is left alone if the series without
/// the ending is followed. The lines of a family of Prometheus do not stand together then, which OpenMetrics asks for and Prometheus
/// and its exporters do not.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PipeArgs {
    #[command(flatten)]
    read: ReadArgs,

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

    #[command(flatten)]
    streams: StreamArgs,
}

/// The streams of messages.
#[derive(Debug, Args)]
struct StreamArgs {
    /// Read the messages of a stream of a NATS server instead of standard input: `nats://[USER:PASSWORD@]HOST[:PORT]/STREAM`, or
    /// `tls://` for TLS, with `?consumer=NAME` or `?subject=FILTER` behind it, or both with a `&` between them. With --state every
    /// message counts once, however often the program or the server is killed: messages are acknowledged when the state that has
    /// them is on the disk, by a durable consumer, called `evenkeel` by default. Without --state the stream is read from its first
    /// message on each time, and nothing is acknowledged. Each message holds whole lines of one format; CSV is refused, because a
    /// message has no header. `NATS_CREDS`, `NATS_CA`, `NATS_CERT` and `NATS_KEY` name files for the connection, as they do for the
    /// tools of NATS. Needs the feature `nats`.
    #[arg(long, value_name = "URL", value_parser = Address::parse, help_heading = "Streams")]
    from: Option<Address>,

    /// Publish to a stream of a NATS server instead of standard output: `nats://HOST/STREAM?subject=SUBJECT`, where the subject may be
    /// left out if the stream has only one. With --from a message comes out for each that comes in, exactly once; else one for each
    /// record. A connection that breaks is taken up again, and nothing is published twice. Each process needs a subject of its own.
    #[arg(long, value_name = "URL", value_parser = Address::parse, help_heading = "Streams")]
    to: Option<Address>,
}

impl PipeArgs {
    fn wish(&self) -> Wish {
        Wish { rule: self.rule.clone(), preset: self.preset, keep: self.keep.clone() }
    }
}

/// Runs the command.
pub(crate) fn run(args: &PipeArgs) -> Result<(), Failure> {
    let StreamArgs { from, to } = &args.streams;
    if from.is_none() && io::stdin().is_terminal() {
        return Err(Failure::usage("no input: `pipe` reads what another program writes (see --help)"));
    }
    if let Some(address) = from.as_ref().filter(|address| address.has_consumer() && args.state.state.is_none()) {
        return Err(Failure::usage(format!(
            "a consumer of {address} needs --state FILE: what it has acknowledged would be in no state"
        )));
    }
    check_streamed(args.read.format, from.is_some() || to.is_some())?;
    let messages = from.as_ref().map(Messages::open).transpose()?;
    let (reader, name, wait) = if let (Some(messages), Some(from)) = (&messages, from) {
        (messages.reader(), from.to_string(), messages.bell().and_then(Wait::for_bell))
    } else {
        let (reader, file) = standard_input();
        let is_file = file.and_then(|file| file.metadata().ok()).is_some_and(|metadata| metadata.is_file());
        (reader, NAME.to_owned(), Wait::new(!is_file))
    };
    let wait = wait.map_err(|error| Failure::failed(format!("cannot listen to signals: {error}")))?;
    let console = console(args, &name, Destination::StandardError(None));
    let lines = Lines::new(reader, name, Limits::default());
    let way = if let Some(to) = to {
        Way::Publisher(Box::new(Publisher::open(to)?))
    } else {
        let mut target = Target::open(None)?;
        Way::Drafts(Drafts::beside(Box::new(move |bytes: &[u8]| target.write(bytes))))
    };
    let follow = Follow::new(args.wish())?;
    let mut stream = Stream::new(follow, way, console, Some(wait)).with_messages(messages);
    through(args, lines, &mut stream)
}

/// Refuses a format whose records do not stand for themselves, where each may become a message.
fn check_streamed(format: Option<Format>, has_messages: bool) -> Result<(), Failure> {
    if has_messages && format == Some(Format::Csv) {
        return Err(Failure::usage(
            "messages of CSV have no header, and a reader may begin with any: use NDJSON, an object for each row",
        ));
    }
    Ok(())
}

/// The command without a process around it, for tests and measurements: `args` are those of the command line. Returns all
/// messages.
pub(crate) fn run_apart(
    args: &PipeArgs,
    input: Box<dyn Read>,
    limits: Limits,
    mut output: impl FnMut(&[u8]) + 'static,
) -> (Vec<String>, Result<(), Failure>) {
    let drafts = Drafts::here(Box::new(move |bytes: &[u8]| {
        output(bytes);
        Ok(())
    }));
    let follow = match Follow::new(args.wish()) {
        Ok(follow) => follow,
        Err(failure) => return (Vec::new(), Err(failure)),
    };
    let console = console(args, NAME, Destination::List(RefCell::default()));
    let mut stream = Stream::new(follow, Way::Drafts(drafts), console, None);
    let result = through(args, Lines::new(input, NAME.to_owned(), limits), &mut stream);
    (stream.into_list(), result)
}

fn console(args: &PipeArgs, name: &str, destination: Destination) -> Console {
    Console::new(name.to_owned(), "line", args.read.strict, args.read.quiet, destination).endless()
}

/// Runs a feed through a stream, from the first line to the summary.
fn through(args: &PipeArgs, lines: Lines, stream: &mut Stream) -> Result<(), Failure> {
    let mut names_taken = 0;
    let result = read(args, lines, stream, &mut names_taken);
    // What has been made so far counts, even where something failed; but what could not be used leaves nothing behind.
    let is_unusable = stream.position.records == 0 && is_usage(&result);
    let finished = stream.finish(!is_unusable);
    result?;
    finished?;
    stream.summary(names_taken);
    Ok(())
}

fn is_usage(result: &Result<(), Failure>) -> bool {
    matches!(result, Err(failure) if failure.exit_code() == 2)
}

/// Refuses what is no text: every byte that comes in goes out as it is.
fn check_text(head: &[u8], name: &str) -> Result<(), Failure> {
    if let Some(compression) = Compression::of(head) {
        return Err(compression.refused(name, "and `pipe` passes its bytes on as they are"));
    }
    if is_utf16(head) {
        return Err(Failure::usage(format!(
            "{name} is UTF-16, and `pipe` passes its bytes on as they are: make it UTF-8 with `iconv -f utf-16 -t utf-8 |`"
        )));
    }
    Ok(())
}

/// Reads everything in its format.
fn read(args: &PipeArgs, mut lines: Lines, stream: &mut Stream, names_taken: &mut u64) -> Result<(), Failure> {
    let ReadArgs { format, precision, .. } = args.read;
    let options = args.read.options()?;
    format.map_or(Ok(()), |format| args.read.check(format))?;
    let known = stream.open_state(&args.state, Feed { format, precision })?;
    let mark = lines.mark(&mut |need| stream.before_read(need))?;
    let name = args.streams.from.as_ref().map_or_else(|| NAME.to_owned(), |from| format!("a message of {from}"));
    check_text(lines.peeked(), &name)?;
    let format = if let Some(format) = known.format {
        format
    } else {
        // Whatever looks like nothing else is a point, if a broken one, or a comment: a table has to be named.
        let first = lines.first_line(Comments::Take, &mut |need| stream.before_read(need))?;
        Format::of_line(first).unwrap_or(Format::Influx)
    };
    args.read.check(format)?;
    check_streamed(Some(format), stream.has_messages())?;
    if !format.is_streamed() {
        let name = format.name();
        return Err(Failure::usage(format!("{name} does not come record by record: see `evenkeel track`")));
    }
    if format != Format::Ndjson {
        // A number that is cut off is a number; an object that is cut off is none.
        lines.need_ends();
    }
    let precision = known.precision.unwrap_or(Unit::Nanosecond);
    let has_times = format.has_precision() && stream.is_in_time();
    stream.set_feed(Feed { format: Some(format), precision: has_times.then_some(precision) });
    stream.output.draft.put(mark);
    let roles = Roles::FixAtFirst { needs_time: stream.is_in_time() };
    stream.moments = Moments::new(&options.time);
    let options = Options { precision: Some(precision), ..options };
    let input = Input { lines, file: None, files: Vec::new(), name, options, roles };
    let mut records = Records::new(stream);
    let result = format.read_all(input, &mut records);
    *names_taken = records.finish(!is_usage(&result));
    result?;
    if format == Format::Ndjson { Ok(()) } else { stream.report_cut(mark) }
}
