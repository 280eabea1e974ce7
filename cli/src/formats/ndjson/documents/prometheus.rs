//! Answers of Prometheus to `query` and `query_range`: a series for each set of labels, with times in seconds and values in quotes.

use super::labels;
use super::made::Made;
use crate::formats::ndjson::members::parse;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(rename = "resultType", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize)]
struct Series<'a> {
    #[serde(borrow)]
    metric: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    #[serde(borrow)]
    value: Option<Sample<'a>>,
    #[serde(borrow, default)]
    values: Vec<Sample<'a>>,
}

/// A time in seconds, and a value in quotes.
#[derive(Deserialize)]
struct Sample<'a>(#[serde(borrow)] &'a RawValue, #[serde(borrow)] &'a RawValue);

/// Makes an object of each sample in an answer.
pub(super) fn answer<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    let Answer { data: Data { kind, result } } = parse(text, room)?;
    if !matches!(&*kind, "matrix" | "vector") {
        return Err(format!("the result is a {kind}, which has no series: expected a matrix or a vector"));
    }
    let all: Vec<Series<'_>> = serde_json::from_str(result.get()).map_err(|error| format!("in the result: {error}"))?;
    for series in &all {
        make(series, made);
    }
    Ok(())
}

/// Makes an object of each sample of a series that stands alone.
pub(super) fn series<'a>(text: &'a [u8], room: &'a mut Vec<u8>, made: &mut Made) -> Result<(), String> {
    make(&parse(text, room)?, made);
    Ok(())
}

fn make(series: &Series<'_>, made: &mut Made) {
    let Series { metric, value, values } = series;
    let own = metric.get("__name__").map_or("", |name| name);
    let others = metric.iter().filter(|(key, _)| *key != "__name__");
    let mut name = labels::name(own, others.map(|(key, value)| (key.as_ref(), Cow::Borrowed(value.as_ref()))));
    if name.is_empty() {
        name.push_str("{}");
    }
    for Sample(time, value) in value.iter().chain(values) {
        made.begin("time", Some(time.get()));
        made.member(&name, value.get());
        made.end();
    }
}
