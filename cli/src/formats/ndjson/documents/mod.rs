//! Documents of known kinds, made into objects of the plain kind, so that one set of rules reads them all: a time, and members
//! with the names of series.
//!
//! | file | kind |
//! |---|---|
//! | `prometheus.rs` | answers of Prometheus to a query, or the series in one |
//! | `otlp.rs` | requests with metrics of OpenTelemetry |
//! | `collectd.rs` | values of collectd, as its plugin `write_http` sends them |
//! | `tables.rs` | tables with the names of their columns apart: Netdata, RRDtool, Whisper |
//! | `made.rs` | the objects |

mod collectd;
mod labels;
mod made;
mod otlp;
mod prometheus;
mod tables;

use super::members::Members;
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
    Netdata,
    Rrd,
    Whisper,
}

impl Kind {
    /// The kind of the document with these members.
    pub(super) fn of(members: &Members<'_>) -> Self {
        let begins = |name: &str, sign: char| members.raw().any(|(other, raw)| other == name && raw.starts_with(sign));
        let is_array = |name: &str| begins(name, '[');
        let is_text = |name: &str| begins(name, '"');
        let has = |name: &str| members.get(name).is_some();
        match () {
            () if is_array("resourceMetrics") || is_array("resource_metrics") => Self::Otlp,
            () if is_text("data.resultType") && is_text("status") => Self::Answer,
            () if begins("metric", '{') && (is_array("values") || is_array("value")) => Self::Series,
            () if is_array("values") && is_array("dstypes") && is_array("dsnames") => Self::Collectd,
            () if is_array("labels") && is_array("data") => Self::Netdata,
            () if is_array("meta.legend") && is_array("data") => Self::Rrd,
            () if is_array("values") && has("start") && has("end") && has("step") && members.len() == 4 => {
                Self::Whisper
            }
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
            Self::Netdata => "JSON of Netdata",
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
            Self::Netdata => tables::netdata(text, &mut room, made),
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
