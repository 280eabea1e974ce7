//! Documents of known kinds, made into objects of the plain kind, so that one set of rules reads them all: a time, and members
//! with the names of series.
//!
//! | file | kind |
//! |---|---|
//! | `prometheus.rs` | answers of Prometheus to a query, or the series in one |
//! | `otlp.rs` | requests with metrics of OpenTelemetry |
//! | `collectd.rs` | values of collectd, as its plugin `write_http` sends them |
//! | `tables.rs` | tables with the names of their columns apart: Netdata, pandas, `ClickHouse`, RRDtool, Whisper; and those by columns |
//! | `made.rs` | the objects |

mod collectd;
mod labels;
mod made;
mod otlp;
mod prometheus;
mod tables;

use super::members::Members;
use crate::formats::times::{Says, says_time};
pub(super) use made::Made;

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// None of the others: an object is a record.
    Plain,
    Answer,
    /// A series of an answer alone.
    Series,
    Otlp,
    Collectd,
    /// The names in one array, and the rows in another.
    Table,
    /// The names in objects that have the types, too.
    Typed,
    /// An array for each column.
    Columns,
    Rrd,
    Whisper,
}

impl Kind {
    /// The kind of the document with these members.
    pub(super) fn of(members: &Members<'_>) -> Self {
        let begins = |name: &str, sign: char| members.raw().any(|(other, raw)| other == name && raw.starts_with(sign));
        let is_array = |name: &str| begins(name, '[');
        let is_of_arrays = || {
            let rows = members.raw().find_map(|(other, raw)| (other == "data").then_some(raw));
            rows.and_then(|raw| raw.strip_prefix('[')).is_some_and(|raw| raw.trim_ascii_start().starts_with('['))
        };
        let is_text = |name: &str| begins(name, '"');
        let has = |name: &str| members.get(name).is_some();
        match () {
            () if is_array("resourceMetrics") => Self::Otlp,
            () if is_array("resource_metrics") && !otlp::is_printed(members) => Self::Otlp,
            () if is_text("data.resultType") && is_text("status") => Self::Answer,
            () if begins("metric", '{') && (is_array("values") || is_array("value")) => Self::Series,
            () if is_array("values") && is_array("dstypes") && is_array("dsnames") => Self::Collectd,
            () if is_array("labels") && is_array("data") => Self::Table,
            () if is_array("columns") && is_of_arrays() => Self::Table,
            () if is_array("meta") && is_of_arrays() => Self::Typed,
            () if is_array("meta.legend") && is_array("data") => Self::Rrd,
            () if is_array("values") && has("start") && has("end") && has("step") && members.len() == 4 => {
                Self::Whisper
            }
            () if are_columns(members) => Self::Columns,
            () => Self::Plain,
        }
    }

    /// The name in messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "JSON",
            Self::Answer | Self::Series => "an answer of Prometheus",
            Self::Otlp => "OTLP",
            Self::Collectd => "JSON of collectd",
            Self::Table | Self::Typed => "a table in JSON with its names apart",
            Self::Columns => "a table in JSON by columns",
            Self::Rrd => "JSON of RRDtool",
            Self::Whisper => "JSON of Whisper",
        }
    }

    /// Makes objects of a document of this kind.
    ///
    /// # Errors
    /// The document is not of this kind; the words say why.
    pub(super) fn make(self, text: &[u8], made: &mut Made) -> Result<(), String> {
        made.clear();
        let mut room = Vec::new();
        let result = match self {
            Self::Plain => Ok(()),
            Self::Answer => prometheus::answer(text, &mut room, made),
            Self::Series => prometheus::series(text, &mut room, made),
            Self::Otlp => otlp::request(text, &mut room, made),
            Self::Collectd => collectd::values(text, &mut room, made),
            Self::Table => tables::table(text, &mut room, made),
            Self::Typed => tables::typed(text, &mut room, made),
            Self::Columns => tables::columns(text, &mut room, made),
            Self::Rrd => tables::rrd(text, &mut room, made),
            Self::Whisper => tables::whisper(text, &mut room, made),
        };
        let result =
            result.and_then(|()| if made.is_empty() { Err("there are no samples in it".to_owned()) } else { Ok(()) });
        if result.is_err() {
            made.clear();
        }
        result
    }
}

/// Whether members are the columns of a table: arrays, one of which is called the time.
fn are_columns(members: &Members<'_>) -> bool {
    members.len() > 1
        && members.raw().all(|(_, raw)| raw.starts_with('['))
        && members.raw().any(|(name, _)| says_time(name) == Some(Says::Time))
}
