//! Metrics of OpenTelemetry in the JSON of its protocol: a series for each metric and set of attributes, of the resource and of the
//! point. Of histograms and summaries, it is the count and the sum.
//!
//! Whole numbers of 64 bits are numbers or in quotes, and enumerations numbers or names: writers differ.

use super::labels;
use super::made::Made;
use crate::formats::ndjson::members::{Members, parse};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(alias = "resource_metrics", borrow)]
    #[serde(rename = "resourceMetrics")]
    resources: Vec<OfResource<'a>>,
}

#[derive(Deserialize)]
struct OfResource<'a> {
    #[serde(borrow, default)]
    resource: Resource<'a>,
    #[serde(
        rename = "scopeMetrics",
        alias = "scope_metrics",
        alias = "instrumentationLibraryMetrics",
        borrow,
        default
    )]
    scopes: Vec<OfScope<'a>>,
}

#[derive(Deserialize, Default)]
struct Resource<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct Printed<'a> {
    #[serde(borrow)]
    resource: PrintedResource<'a>,
}

#[derive(Deserialize)]
struct PrintedResource<'a> {
    #[serde(borrow)]
    attributes: &'a RawValue,
}

/// Whether members are what the SDK for Python prints for people, which is no OTLP: its attributes are objects.
pub(super) fn is_printed(members: &Members<'_>) -> bool {
    let raw = members.raw().find_map(|(name, raw)| (name == "resource_metrics").then_some(raw));
    let all: Option<Vec<Printed<'_>>> = raw.and_then(|raw| serde_json::from_str(raw).ok());
    all.is_some_and(|all| all.iter().any(|one| one.resource.attributes.get().starts_with('{')))
}

#[derive(Deserialize)]
struct OfScope<'a> {
    #[serde(borrow, default)]
    metrics: Vec<Metric<'a>>,
}

#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    gauge: Option<Points<'a>>,
    #[serde(borrow)]
    sum: Option<Points<'a>>,
    #[serde(borrow)]
    histogram: Option<Points<'a>>,
    #[serde(rename = "exponentialHistogram", alias = "exponential_histogram", borrow)]
    exponential: Option<Points<'a>>,
    #[serde(borrow)]
    summary: Option<Points<'a>>,
}

#[derive(Deserialize)]
struct Points<'a> {
    #[serde(rename = "dataPoints", alias = "data_points", borrow, default)]
    all: Vec<Point<'a>>,
    #[serde(rename = "aggregationTemporality", alias = "aggregation_temporality", borrow)]
    temporality: Option<&'a RawValue>,
    #[serde(rename = "isMonotonic", alias = "is_monotonic", default)]
    is_monotonic: bool,
}

#[derive(Deserialize)]
struct Point<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
    #[serde(rename = "timeUnixNano", alias = "time_unix_nano", borrow)]
    time: Option<&'a RawValue>,
    #[serde(rename = "asInt", alias = "as_int", borrow)]
    int: Option<&'a RawValue>,
    #[serde(rename = "asDouble", alias = "as_double", borrow)]
    double: Option<&'a RawValue>,
    #[serde(borrow)]
    count: Option<&'a RawValue>,
    #[serde(borrow)]
    sum: Option<&'a RawValue>,
    #[serde(default)]
    flags: u32,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow)]
    value: Option<&'a RawValue>,
}

impl<'a> Attribute<'a> {
    /// Name and value, as text: of an array or a list of attributes, as JSON.
    fn label(&'a self) -> (&'a str, Cow<'a, str>) {
        (&self.key, self.value.map_or(Cow::Borrowed(""), |value| text_of(value.get())))
    }
}

/// The text of a value such as `{"stringValue":"a"}`.
fn text_of(value: &str) -> Cow<'_, str> {
    #[derive(Deserialize)]
    struct Any<'a> {
        #[serde(rename = "stringValue", alias = "string_value", borrow)]
        string: Option<Cow<'a, str>>,
        #[serde(
            rename = "intValue",
            alias = "int_value",
            alias = "doubleValue",
            alias = "double_value",
            alias = "boolValue",
            alias = "bool_value",
            borrow
        )]
        other: Option<&'a RawValue>,
    }
    match serde_json::from_str(value) {
        Ok(Any { string: Some(string), .. }) => string,
        Ok(Any { other: Some(other), .. }) => Cow::Borrowed(bare(other)),
        _ => Cow::Owned(serde_json::from_str(value).map_or_else(|_| String::new(), |value| plain(&value).to_string())),
    }
}

/// A value such as `{"arrayValue":{"values":[{"intValue":1}]}}` as plain JSON.
fn plain(any: &Value) -> Value {
    let Some((kind, value)) = any.as_object().and_then(|any| any.iter().next()) else { return any.clone() };
    let values = || value.get("values").and_then(Value::as_array).into_iter().flatten();
    match kind.as_str() {
        "arrayValue" | "array_value" => values().map(plain).collect(),
        "kvlistValue" | "kvlist_value" => {
            let member = |pair: &Value| Some((pair.get("key")?.as_str()?.to_owned(), plain(pair.get("value")?)));
            Value::Object(values().filter_map(member).collect())
        }
        _ => value.clone(),
    }
}

/// A number without its quotes.
fn bare(raw: &RawValue) -> &str {
    raw.get().trim_matches('"')
}

/// Makes an object of each point in a request.
pub(super) fn request<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Request { resources } = parse(text, room)?;
    for OfResource { resource, scopes } in &resources {
        for metric in scopes.iter().flat_map(|scope| &scope.metrics) {
            let Metric { name, gauge, sum, histogram, exponential, summary } = metric;
            let of = |points: &Option<Points<'_>>, made: &mut Made, kind: Kind| {
                for point in points.iter().flat_map(|points| &points.all) {
                    let is_counter = points.as_ref().is_some_and(|points| kind.is_counter(points));
                    add(name, resource, point, kind, is_counter, made);
                }
            };
            of(gauge, made, Kind::Gauge);
            of(sum, made, Kind::Sum);
            of(histogram, made, Kind::Histogram);
            of(exponential, made, Kind::Histogram);
            of(summary, made, Kind::Summary);
        }
    }
    Ok(())
}

/// A kind of metric.
#[derive(Clone, Copy)]
enum Kind {
    Gauge,
    Sum,
    Histogram,
    Summary,
}

impl Kind {
    /// Whether such points only rise, but for resets.
    fn is_counter(self, points: &Points<'_>) -> bool {
        let is_cumulative =
            points.temporality.is_some_and(|raw| matches!(bare(raw), "2" | "AGGREGATION_TEMPORALITY_CUMULATIVE"));
        match self {
            Self::Gauge => false,
            Self::Sum => points.is_monotonic && is_cumulative,
            Self::Histogram => is_cumulative,
            Self::Summary => true,
        }
    }
}

fn add(metric: &str, resource: &Resource<'_>, point: &Point<'_>, kind: Kind, is_counter: bool, made: &mut Made) {
    // A point that says so has no value.
    let value = |raw: Option<&RawValue>| {
        if point.flags & 1 == 1 { "null".to_owned() } else { raw.map_or("null", RawValue::get).to_owned() }
    };
    let series = |ending: &str| {
        let attributes = resource.attributes.iter().chain(&point.attributes).map(Attribute::label);
        labels::name(&format!("{metric}{ending}"), attributes)
    };
    made.begin("time", point.time.map(bare));
    match kind {
        Kind::Gauge | Kind::Sum => {
            let name = series("");
            made.set_counter(&name, is_counter);
            made.member(&name, &value(point.int.or(point.double)));
        }
        Kind::Histogram | Kind::Summary => {
            // What has a default is left out where it has it; only the sum of a histogram may not be known.
            let zero = |raw: Option<&RawValue>| if raw.is_some() { value(raw) } else { "0".to_owned() };
            let sum = match kind {
                Kind::Summary => Some(zero(point.sum)),
                _ => point.sum.map(|sum| value(Some(sum))),
            };
            for (ending, value) in [("_count", Some(zero(point.count))), ("_sum", sum)] {
                let name = series(ending);
                made.set_counter(&name, is_counter);
                if let Some(value) = value {
                    made.member(&name, &value);
                }
            }
        }
    }
    made.end();
}
