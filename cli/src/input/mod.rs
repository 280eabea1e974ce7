//! From a file or a pipe to samples.
//!
//! | file | what it does |
//! |---|---|
//! | `source.rs` | opens the input and finds out what it is |
//! | `lines.rs` | lines with their numbers, in bounded memory |
//! | `rows.rs` | lines to CSV rows |
//! | `layout.rs` | which column of a CSV is what |
//! | `csv.rs` | CSV rows to samples |
//! | `members.rs` | a line to the members of a JSON object |
//! | `ndjson.rs` | members to samples |
//! | `point.rs` | a line of the influx line protocol to the parts of its point |
//! | `names.rs` | which series of a long table is which |
//! | `parquet/` | columns of a Parquet file to samples; `no_parquet.rs` where that is not built in |

mod csv;
mod layout;
mod lines;
mod members;
mod names;
mod ndjson;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod point;
mod rows;
mod source;

pub(crate) use layout::{Kind, Layout, Shape, Time as TimeColumn};
pub use lines::Limits;
pub(crate) use lines::{Found, Lines, Need};
pub(crate) use members::{Members, Value as Member};
pub(crate) use point::{Broken, Point, Value};
pub(crate) use rows::{Next, Rows};
pub(crate) use source::{Origin, Source, format_of, standard_input};

use crate::args::InputArgs;
use crate::failure::Failure;
use crate::report::Report;
use crate::time::Unit;
use source::Body;
use std::collections::HashSet;

/// Who wants the samples.
pub(crate) trait Sink {
    /// What the time is called, as soon as that is known.
    fn time_name(&mut self, name: &str);
    /// What the time is, before the first row, where that is known.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    fn time_type(&mut self, _: TimeType) {}
    /// A new series. Series are numbered from 0 in the order of these calls.
    fn series(&mut self, name: &str) -> Result<(), Failure>;
    /// The time of the samples that follow. Where it is skipped, so are they.
    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal>;
    /// A sample of a series; NaN is a missing one.
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal>;
    /// The input may have to be waited for: what has been made so far should go out.
    fn before_wait(&mut self) -> Result<(), Failure>;
}

/// What all times of an input are, beside their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
pub(crate) enum TimeType {
    /// Nobody knows.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Float,
    /// A day.
    Date,
    /// A moment in whole units of time. Without an offset, or in UTC.
    Timestamp { unit: Unit, is_utc: bool },
}

/// A time as the input has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time<'a> {
    /// Valid UTF-8.
    pub(crate) text: &'a [u8],
    /// Whether JSON has it as a number.
    pub(crate) is_number: bool,
    /// Whether the input has no time here, and this is the number of the row.
    pub(crate) is_row_number: bool,
}

impl<'a> Time<'a> {
    /// The number of the row, where there is no time.
    pub(crate) fn row_number(number: u64, digits: &'a mut itoa::Buffer) -> Self {
        Self { text: digits.format(number).as_bytes(), is_number: true, is_row_number: true }
    }
}

/// Why a sink does not take what it is given.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This row or sample is bad: it is told, counted and skipped.
    Skip(String),
    /// There is nothing to be done.
    Stop(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Stop(failure)
    }
}

/// The columns that the user named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) time: Option<String>,
    pub(crate) series: Option<String>,
    pub(crate) values: Vec<String>,
}

impl Wanted {
    /// What the options say, if each column is one thing.
    pub(crate) fn new(time: Option<&String>, series: Option<&String>, values: &[String]) -> Result<Self, Failure> {
        for (index, value) in values.iter().enumerate() {
            if values[..index].contains(value) {
                return Err(Failure::usage(format!("--value {value} is given twice")));
            }
        }
        let mut seen = HashSet::new();
        for name in time.into_iter().chain(series).chain(values) {
            if !seen.insert(name) {
                return Err(Failure::usage(format!("column {name} cannot be two things at once")));
            }
        }
        Ok(Self { time: time.cloned(), series: series.cloned(), values: values.to_vec() })
    }
}

/// Reads all of the input into the sink.
pub(crate) fn read(args: &InputArgs, source: Source, sink: &mut impl Sink, report: &mut Report) -> Result<(), Failure> {
    let wanted = Wanted::new(args.time.as_ref(), args.series.as_ref(), &args.value)?;
    let Source { body, origin } = source;
    match body {
        Body::Csv(lines) => csv::read(lines, origin, &wanted, sink, report),
        Body::Ndjson(lines) => ndjson::read(lines, origin, &wanted, sink, report),
        Body::Parquet(file) => parquet::read(file, &origin, &wanted, sink, report),
    }
}

/// Announces the series of a new name in a long table: the name itself, or `name.column` for each of several columns.
fn announce<'a>(
    sink: &mut impl Sink,
    name: &str,
    columns: impl ExactSizeIterator<Item = &'a str>,
) -> Result<(), Failure> {
    if columns.len() == 1 {
        return sink.series(name);
    }
    for column in columns {
        sink.series(&format!("{name}.{column}"))?;
    }
    Ok(())
}

/// What is done before the input is asked for more.
fn before_read<'a, S: Sink>(
    is_live: bool,
    sink: &'a mut S,
    report: &'a mut Report,
) -> impl FnMut(Need) -> Result<(), Failure> + use<'a, S> {
    move |need| {
        report.progress(need.read);
        if is_live { sink.before_wait() } else { Ok(()) }
    }
}
