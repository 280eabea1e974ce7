//! The readers alone, for tests and measurements: bytes in, and everything that the readers make of them out, as plain data.
//!
//! This is the code that the program runs, from the first byte to the last sample, with a list where the program has its
//! estimators and another where it has standard error.

pub use crate::formats::Format;
pub use crate::formats::Limits;

use crate::cli::{Cli, Command};
use crate::commands::pipe;
use crate::console::{Console, Destination};
use crate::failure::Failure;
use crate::formats::{self, Client, Consumer, Delimiter, Found, Lines, Need, Point, Value, Woken};
use crate::input::{self, Plan, ReadArgs, Source};
use crate::samples::{Refusal, Sink, Time};
use crate::text::moments::Moments;
use clap::Parser;
use std::cell::RefCell;
use std::io::Read;

/// The name of the input in messages.
pub const NAME: &str = "input";

/// The options of a command that reads.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `--format`
    pub format: Option<Format>,
    /// `--time`
    pub time: Option<String>,
    /// `--series`
    pub series: Option<String>,
    /// `--value`
    pub values: Vec<String>,
    /// `--records`
    pub records: Option<String>,
    /// `--delimiter`, by its name
    pub delimiter: Option<String>,
    /// `--skip`
    pub skip: Option<u64>,
    /// `--strict`
    pub strict: bool,
    /// The limits of memory, for which there is no option.
    pub limits: Limits,
}

/// An event that a reader passes on to whoever takes the samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The name of the time.
    TimeName(String),
    /// A new series. They are numbered from 0.
    Series(String),
    /// The time of the samples that follow.
    Row {
        /// The text as the input has it.
        time: String,
        /// Whether JSON has it as a number.
        is_number: bool,
    },
    /// A sample.
    Sample {
        /// The number of its series.
        series: usize,
        /// Its bits; nothing where it is missing.
        bits: Option<u64>,
    },
}

/// The outcome of reading an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Everything that was read, in order.
    pub events: Vec<Event>,
    /// All messages, each of which begins with [`NAME`].
    pub said: Vec<String>,
    /// Rows of data, bad ones included.
    pub rows: u64,
    /// Rows that were skipped.
    pub bad_rows: u64,
    /// Cells that were skipped while the rest of their row was used.
    pub bad_cells: u64,
    /// The exit code and the last words of a program that stopped early.
    pub stop: Option<(u8, String)>,
}

/// Reads all of the input.
#[must_use]
pub fn read(input: impl Read + 'static, options: &Options) -> Reading {
    let args = ReadArgs {
        format: options.format,
        time: options.time.clone(),
        series: options.series.clone().into_iter().collect(),
        value: options.values.clone(),
        records: options.records.clone(),
        delimiter: options.delimiter.as_deref().and_then(|name| Delimiter::of_name(name).ok()),
        skip: options.skip,
        strict: options.strict,
        ..ReadArgs::default()
    };
    let mut record = Record::default();
    let mut reading = Reading { events: Vec::new(), said: Vec::new(), rows: 0, bad_rows: 0, bad_cells: 0, stop: None };
    let source = Source::new(Box::new(input), NAME.to_owned(), None, &args, options.limits);
    let result = source.and_then(|source| {
        let mut console = source.console_to(&args, Destination::List(RefCell::default()));
        let result = input::read(source, Plan::default(), &mut record, &mut console).map(|_| ());
        let counts = console.counts;
        (reading.rows, reading.bad_rows, reading.bad_cells) = (counts.rows, counts.bad_rows, counts.bad_values);
        reading.said = console.into_list();
        result
    });
    reading.events = record.0;
    reading.stop = result.err().map(|failure| (failure.exit_code(), failure.message().unwrap_or_default()));
    reading
}

/// A sink that records every event.
#[derive(Default)]
struct Record(Vec<Event>);

impl Sink for Record {
    fn time_name(&mut self, name: &str) {
        self.0.push(Event::TimeName(name.to_owned()));
    }

    fn series(&mut self, name: &str) -> Result<(), Failure> {
        self.0.push(Event::Series(name.to_owned()));
        Ok(())
    }

    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal> {
        let text = std::str::from_utf8(time.text).map_err(Failure::failed)?;
        self.0.push(Event::Row { time: text.to_owned(), is_number: time.is_number });
        Ok(())
    }

    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal> {
        self.0.push(Event::Sample { series, bits: (!value.is_nan()).then(|| value.to_bits()) });
        Ok(())
    }
}

/// The outcome of an input that went through `evenkeel pipe`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piped {
    /// All messages.
    pub said: Vec<String>,
    /// The exit code and the last words of a program that stopped early.
    pub stop: Option<(u8, String)>,
}

/// Runs `evenkeel pipe` with these options on all of the input, and passes its output on. Nothing is waited for.
///
/// # Panics
/// `options` are not valid options of `evenkeel pipe`.
#[must_use]
pub fn pipe(
    options: &[&str],
    input: impl Read + 'static,
    limits: Limits,
    output: impl FnMut(&[u8]) + 'static,
) -> Piped {
    let words = ["evenkeel", "pipe"].iter().chain(options);
    let Ok(Cli { command: Command::Pipe(args) }) = Cli::try_parse_from(words) else {
        panic!("{options:?} are no options of `evenkeel pipe`");
    };
    let (said, result) = pipe::run_apart(&args, Box::new(input), limits, output);
    Piped { said, stop: result.err().map(|failure| (failure.exit_code(), failure.message().unwrap_or_default())) }
}

/// Reads a cell as a time, on its own: the nanoseconds since 1970.
///
/// # Errors
/// The cell is no time; the words say why.
pub fn moment(cell: &[u8]) -> Result<i64, String> {
    Moments::default().read(cell).map_err(|error| error.to_string())
}

/// Reads all of the input in a format, and does nothing with it but look at every name and number; returns how many numbers there
/// are.
///
/// # Panics
/// The input cannot be read.
#[must_use]
pub fn count_samples(input: impl Read + 'static, format: Format) -> u64 {
    let args = ReadArgs { format: Some(format), ..ReadArgs::default() };
    let source = Source::new(Box::new(input), NAME.to_owned(), None, &args, Limits::default());
    let source = source.unwrap_or_else(|_| panic!("the options are fit for the format"));
    let console = source.console_to(&args, Destination::List(RefCell::default()));
    let mut count = Count { console, letters: 0, samples: 0 };
    let result = source.format.read_all(source.input, &mut count);
    assert!(result.is_ok() && count.letters > 0, "the input can be read");
    count.samples
}

/// A command that counts numbers.
struct Count {
    console: Console,
    letters: usize,
    samples: u64,
}

impl Client for Count {
    fn before_read(&mut self, _: Need) -> Result<Woken, Failure> {
        Ok(Woken::Input)
    }

    fn console(&mut self) -> &mut Console {
        &mut self.console
    }
}

impl Consumer for Count {
    #[inline]
    fn record(&mut self, record: &impl formats::Record) -> Result<(), Failure> {
        for cell in record.values() {
            self.letters += record.name(cell).len();
            self.samples += u64::from(matches!(record.value(cell), Value::Number(_)));
        }
        Ok(())
    }
}

/// Reads points of the influx line protocol, each of one line, and does nothing with them but count their fields; lines that
/// are none are passed over.
///
/// # Panics
/// The input cannot be read.
#[must_use]
pub fn count_fields(input: impl Read + 'static) -> u64 {
    let mut lines = Lines::new(Box::new(input), NAME.to_owned(), Limits::default());
    let (mut point, mut count) = (Point::default(), 0);
    while lines.advance(&mut |_| Ok(Woken::Input)).expect("the input can be read") != Found::End {
        if point.read(lines.current()).is_ok() {
            count += point.fields.len() as u64;
        }
    }
    count
}
