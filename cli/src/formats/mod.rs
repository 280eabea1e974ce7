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

mod args;
mod csv;
mod influx;
mod lines;
mod names;
mod ndjson;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod source;

pub use args::Format;
pub(crate) use args::InputArgs;
pub(crate) use csv::layout::{Kind, Layout, Shape, Time as TimeColumn};
pub(crate) use csv::rows::{Next, Rows};
pub(crate) use influx::point::{Broken, Point, Value};
pub use lines::Limits;
pub(crate) use lines::{Found, Lines, Need};
pub(crate) use ndjson::members::{Members, Value as Member};
pub(crate) use source::{Origin, Source, standard_input};

use crate::console::Console;
use crate::failure::Failure;
use crate::samples::Sink;
use source::Body;
use std::collections::HashSet;

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
pub(crate) fn read(
    args: &InputArgs,
    source: Source,
    sink: &mut impl Sink,
    report: &mut Console,
) -> Result<(), Failure> {
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
    report: &'a mut Console,
) -> impl FnMut(Need) -> Result<(), Failure> + use<'a, S> {
    move |need| {
        report.progress(need.read);
        if is_live { sink.before_wait() } else { Ok(()) }
    }
}
