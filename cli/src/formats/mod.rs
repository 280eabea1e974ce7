//! Bytes to records: one reader for each format, which all commands use.
//!
//! A new format is a file with a [`Reader`], and here its module and its line in the list.
//!
//! | file | what it does |
//! |---|---|
//! | `reader.rs`, `record.rs` | what a reader does, and what a record is |
//! | `csv/`, `ndjson/`, `influx/`, `parquet/`, `arrow/` | the formats, with their file endings and first lines; `no_parquet.rs` and `no_arrow.rs` where these are not built in |
//! | `prometheus/`, `graphite.rs`, `statsd.rs`, `collectd/` | telemetry in lines, of which `telemetry.rs` has what they share |
//! | `typed/` | tables whose columns have types, as Parquet and Arrow have them |
//! | `foreign.rs` | formats that are known by their first bytes, and not read |
//! | `lines.rs` | lines with their numbers, in bounded memory |
//! | `columns.rs`, `times.rs` | columns by name, and the one with the time where none is named |
//! | `options.rs` | what the command line wishes |

#[cfg_attr(not(feature = "parquet"), path = "no_arrow.rs")]
mod arrow;
mod collectd;
mod columns;
mod csv;
mod foreign;
mod graphite;
mod influx;
mod lines;
mod ndjson;
mod options;
#[cfg_attr(not(feature = "parquet"), path = "no_parquet.rs")]
mod parquet;
mod prometheus;
mod reader;
mod record;
mod statsd;
mod telemetry;
mod times;
#[cfg(feature = "parquet")]
mod typed;

pub(crate) use columns::Wanted;
pub(crate) use foreign::{FIRST, check_known};
pub(crate) use influx::Point;
pub use lines::Limits;
pub(crate) use lines::{Comments, Found, Lines, Need, Span, Woken};
pub(crate) use options::{Delimiter, Dialect, Options};
pub(crate) use reader::{Client, Consumer, Input, Roles, Use};
pub(crate) use record::{Record, Series, Value, When};

use crate::failure::Failure;
use arrow::Arrow;
use clap::ValueEnum;
use collectd::Collectd;
use csv::Csv;
use graphite::Graphite;
use influx::Influx;
use ndjson::Ndjson;
use parquet::Parquet;
use prometheus::Prometheus;
use reader::{Reader, read_all};
use statsd::Statsd;

/// Declares the formats: the name on the command line, and the reader.
macro_rules! formats {
    ($($(#[$other:meta])* $name:ident $reader:ty;)*) => {
        /// A format of an input.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
        #[allow(missing_docs)] // a comment on a value becomes help for the command line, where its name says enough
        pub enum Format {
            $($(#[$other])* $name,)*
        }

        impl Format {
            /// The format that the ending of a file's name promises.
            pub(crate) fn of_ending(ending: &str) -> Option<Self> {
                let is_any = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(ending));
                $(if is_any(<$reader>::ENDINGS) { return Some(Self::$name); })*
                None
            }

            /// The format of an input whose first line is this.
            pub(crate) fn of_line(first: &[u8]) -> Option<Self> {
                $(if <$reader>::looks_like(first) { return Some(Self::$name); })*
                None
            }

            /// Whether an option has a meaning for the format.
            pub(crate) fn uses(self, option: Use) -> bool {
                match self {
                    $(Self::$name => <$reader>::USES.contains(&option),)*
                }
            }

            /// Whether records come one by one, so that a pipe can have them.
            pub(crate) fn is_streamed(self) -> bool {
                match self {
                    $(Self::$name => <$reader>::IS_STREAMED,)*
                }
            }

            /// Whether it has rows and no lines, and its columns have types.
            pub(crate) fn is_typed(self) -> bool {
                match self {
                    $(Self::$name => <$reader>::IS_TYPED,)*
                }
            }

            /// Whether records have timestamps in a unit that no text shows.
            pub(crate) fn has_precision(self) -> bool {
                match self {
                    $(Self::$name => <$reader>::HAS_PRECISION,)*
                }
            }

            /// Reads all of an input.
            pub(crate) fn read_all(self, input: Input, consumer: &mut impl Consumer) -> Result<(), Failure> {
                match self {
                    $(Self::$name => read_all(&mut <$reader>::open(input)?, consumer),)*
                }
            }
        }
    };
}

formats! {
    Csv Csv;
    Prometheus Prometheus;
    #[value(alias = "json")]
    Ndjson Ndjson;
    Influx Influx;
    Parquet Parquet;
    Arrow Arrow;
    Graphite Graphite;
    Statsd Statsd;
    Collectd Collectd;
}

impl Format {
    /// The name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
