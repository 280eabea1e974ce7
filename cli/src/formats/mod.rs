//! Files and pipes to records: one reader for each format, which all commands use.
//!
//! A new format is a file with a [`Reader`](reader::Reader) and a line in the list of `format.rs`.
//!
//! | file | what it does |
//! |---|---|
//! | `format.rs` | the list of formats |
//! | `args.rs` | the options of every command that reads an input |
//! | `source.rs` | opens the input and finds out its format |
//! | `reader.rs`, `record.rs` | what a reader does, and what a record is |
//! | `csv/`, `ndjson/`, `influx/`, `parquet/` | the formats; `no_parquet.rs` where Parquet is not built in |
//! | `lines.rs` | lines with their numbers, in bounded memory |
//! | `columns.rs` | columns by name |
//! | `numbered.rs` | records to samples of numbered series |

mod args;
mod columns;
mod csv;
mod format;
mod influx;
mod lines;
mod ndjson;
mod numbered;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod reader;
mod record;
mod source;

pub(crate) use args::{InputArgs, ReadArgs};
pub use format::Format;
pub(crate) use influx::Point;
pub use lines::Limits;
pub(crate) use lines::{Found, Lines, Need, Span, Woken};
pub(crate) use numbered::{read, reason, time_of};
pub(crate) use reader::{Client, Consumer, Input, Roles};
pub(crate) use record::{Record, Series, Value, When};
pub(crate) use source::{Source, standard_input};
