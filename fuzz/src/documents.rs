//! Target `documents`: the same objects as lines, in an array, one behind the other, over many lines and within a document are the
//! same records; documents of known kinds, written by `serde_json` from samples that are drawn, are these samples; and any bytes
//! within a document are read in pieces as at once.

use crate::draw::Draw;
use crate::readers::{Pieces, Size};
use evenkeel_cli::probe::{self, Event, Format, Options, Reading};
use serde_json::{Value, json};

pub fn check(bytes: &[u8]) {
    let (first, rest) = bytes.split_at(bytes.len().min(1));
    match first.first().map_or(0, |kind| kind % 3) {
        0 => objects(&mut Draw::new(rest)),
        1 => samples(&mut Draw::new(rest)),
        _ => anything(rest),
    }
}

fn read(text: &str, size: Size, options: &Options) -> Reading {
    probe::read(Pieces::new(text.as_bytes(), size), &Options { format: Some(Format::Ndjson), ..options.clone() })
}

/// One value of a member.
fn value(draw: &mut Draw<'_>, depth: usize) -> Value {
    match draw.below(12) {
        0..=3 => json!(draw.below(200)),
        4 => json!(draw.below(200).to_string()),
        5 => json!(f64::from(draw.byte()) / 8.0 - 10.0),
        6 => json!(draw.one_of(&["all", "", "N/A", "}{", "],[", "\\\"", "2024-05-01", "\u{e9}\n"])),
        7 => Value::Null,
        8 => json!(draw.flag()),
        9 => json!([1, [], "]"]),
        10 if depth > 0 => object(draw, depth - 1),
        _ => json!(1_700_000_000 + draw.below(200)),
    }
}

fn object(draw: &mut Draw<'_>, depth: usize) -> Value {
    let mut members = serde_json::Map::new();
    for _ in 0..draw.below(5) {
        let name = draw.one_of(&["time", "a", "b", "c.d", "c", "d", "ts", "{", "\"", "host"]);
        members.insert(name.to_owned(), value(draw, depth));
    }
    Value::Object(members)
}

/// The events, with nothing in the place of a time that is an array or an object, whose white space is its own.
fn plain(reading: &Reading) -> Vec<Event> {
    let mut events = reading.events.clone();
    for event in &mut events {
        if let Event::Row { time, .. } = event
            && time.starts_with(['{', '['])
        {
            time.clear();
        }
    }
    events
}

fn objects(draw: &mut Draw<'_>) {
    let options = Options {
        time: draw.flag().then(|| "time".to_owned()),
        series: (draw.below(3) == 0).then(|| "host".to_owned()),
        values: if draw.below(3) == 0 { vec!["a".to_owned()] } else { Vec::new() },
        strict: draw.below(8) == 0,
        ..Options::default()
    };
    let size = if draw.flag() { Size::One } else { Size::Any(draw.byte().into()) };
    let mut objects: Vec<Value> = (0..draw.below(6)).map(|_| object(draw, 2)).collect();
    // An object on the first line alone shows that lines are objects, whatever follows.
    if objects.first() == Some(&json!({})) {
        objects.clear();
    }
    let compact: Vec<String> = objects.iter().map(Value::to_string).collect();
    let pretty: Vec<String> =
        objects.iter().map(|object| serde_json::to_string_pretty(object).expect("it is JSON")).collect();
    let lines = read(&compact.join("\n"), Size::Whole, &options);
    let array = Value::Array(objects.clone());
    // An object alone that has a table within is a document, of which the command line has to choose; in an array it is a record.
    let is_document = matches!(&objects[..], [object] if has_table(object, true));
    let records = if is_document {
        let words = lines.stop.as_ref().map(|(code, words)| (*code, words.contains("is one JSON document")));
        assert_eq!((words, lines.rows), (Some((2, true)), 0), "{lines:?} of {compact:?}");
        read(&array.to_string(), Size::Whole, &options)
    } else {
        lines.clone()
    };
    let within = json!({"k": "v", "n": 1, "p": [{"x": [1], "q": array}]});
    let placed = Options { records: Some("p.q".to_owned()), ..options.clone() };
    for (text, options, expected) in [
        (compact.concat(), &options, &lines),
        (pretty.concat(), &options, &lines),
        (pretty.join(" \r\n"), &options, &lines),
        (array.to_string(), &options, &records),
        (serde_json::to_string_pretty(&array).expect("it is JSON"), &options, &records),
        (within.to_string(), &placed, &records),
        (serde_json::to_string_pretty(&within).expect("it is JSON"), &placed, &records),
    ] {
        let other = read(&text, size, options);
        assert_eq!(plain(&other), plain(expected), "{text}");
        let counts = |reading: &Reading| (reading.rows, reading.bad_rows, reading.bad_cells);
        assert_eq!(counts(&other), counts(expected), "{text}");
        assert_eq!(other.stop.map(|(code, _)| code), expected.stop.as_ref().map(|(code, _)| *code), "{text}");
    }
}

/// Whether a value has an object within that is a table by columns: nothing but arrays, one of which is called the time. All that
/// are drawn are as long.
fn has_table(value: &Value, is_outermost: bool) -> bool {
    let Value::Object(members) = value else { return false };
    let are_columns = members.len() > 1 && members.values().all(Value::is_array);
    let has_time = ["time", "ts"].iter().any(|name| members.contains_key(*name));
    !is_outermost && are_columns && has_time || members.values().any(|value| has_table(value, false))
}

/// Samples of a few series, each with a number as it is written and its bits, where it is one.
fn samples(draw: &mut Draw<'_>) {
    let mut series: Vec<(String, Vec<(String, String)>, Vec<(u64, f64)>)> = Vec::new();
    for number in 0..=draw.below(3) {
        let labels = (0..draw.below(3))
            .map(|label| (format!("l{label}"), draw.one_of(&["a", "", "b \"c\"", "\\", "\n", "\u{e9}"]).to_owned()));
        let labels: Vec<(String, String)> = labels.collect();
        let times = (0..=draw.below(4)).map(|time| 1_700_000_000 + time as u64);
        let samples: Vec<(u64, f64)> = times
            .collect::<Vec<_>>()
            .into_iter()
            .map(|time| {
                let value = match draw.below(8) {
                    0 => f64::NAN,
                    1 => f64::INFINITY,
                    _ => f64::from(draw.byte()) / 4.0,
                };
                (time, value)
            })
            .collect();
        series.push((format!("m{number}"), labels, samples));
    }
    let text = |value: f64| match value {
        value if value.is_nan() => "NaN".to_owned(),
        value if value.is_infinite() => "+Inf".to_owned(),
        value => value.to_string(),
    };
    let matrix: Vec<Value> = series
        .iter()
        .map(|(name, labels, samples)| {
            let mut metric: serde_json::Map<String, Value> =
                labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
            metric.insert("__name__".to_owned(), json!(name));
            let values: Vec<Value> = samples.iter().map(|(time, value)| json!([time, text(*value)])).collect();
            json!({"metric": metric, "values": values})
        })
        .collect();
    let answer = json!({"status": "success", "data": {"resultType": "matrix", "result": matrix}});
    let metrics: Vec<Value> = series
        .iter()
        .map(|(name, labels, samples)| {
            let attributes: Vec<Value> =
                labels.iter().map(|(key, value)| json!({"key": key, "value": {"stringValue": value}})).collect();
            let points: Vec<Value> = samples
                .iter()
                .map(|(time, value)| {
                    // NaN and infinities are words in this format.
                    let double =
                        if value.is_finite() { json!(value) } else { json!(text(*value).replace("+Inf", "Infinity")) };
                    json!({"attributes": attributes, "timeUnixNano": time.to_string(), "asDouble": double})
                })
                .collect();
            json!({"name": name, "gauge": {"dataPoints": points}})
        })
        .collect();
    let request = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": metrics}]}]});
    let mut expected = Vec::new();
    let mut known: Vec<String> = Vec::new();
    expected.push(Event::TimeName("time".to_owned()));
    for (name, labels, samples) in &series {
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{}\"", escaped(value))).collect();
        let name = if labels.is_empty() { name.clone() } else { format!("{name}{{{}}}", labels.join(",")) };
        for (time, value) in samples {
            expected.push(Event::Row { time: time.to_string(), is_number: true });
            let place = known.iter().position(|other| *other == name);
            // A series begins with a number.
            if place.is_none() && !value.is_nan() {
                known.push(name.clone());
                expected.push(Event::Series(name.clone()));
            }
            if let Some(series) = known.iter().position(|other| *other == name) {
                expected.push(Event::Sample { series, bits: (!value.is_nan()).then(|| value.to_bits()) });
            }
        }
    }
    let size = if draw.flag() { Size::One } else { Size::Any(draw.byte().into()) };
    for document in [&answer, &request] {
        for text in [document.to_string(), serde_json::to_string_pretty(document).expect("it is JSON")] {
            let found = read(&text, size, &Options::default());
            assert_eq!(found.events, expected, "{text}");
            assert_eq!((found.bad_rows, found.bad_cells), (0, 0), "{found:?}");
            assert_eq!(found.stop.is_some(), known.is_empty(), "{found:?}");
        }
    }
}

/// Any text with a document around it, or none.
fn anything(bytes: &[u8]) {
    let (first, rest) = bytes.split_at(bytes.len().min(2));
    let [around, records] = [0, 1].map(|index| first.get(index).copied().unwrap_or(0));
    let (before, behind) = [
        ("", ""),
        ("[", "]"),
        ("{\"resourceMetrics\":[", "]}"),
        ("{\"status\":\"\",\"data\":{\"resultType\":\"matrix\",\"result\":[", "]}}"),
        ("{\"metric\":{},\"values\":[", "]}"),
        ("[{\"values\":[1],\"dstypes\":[\"derive\"],\"dsnames\":[\"value\"],", "}]"),
        ("{\"labels\":[\"time\",\"a\"],\"data\":[", "]}"),
        ("{\"meta\":{\"start\":1,\"step\":2,\"legend\":[\"a\"]},\"data\":[", "]}"),
        ("{\"start\":1,\"end\":2,\"step\":3,\"values\":[", "]}"),
    ][usize::from(around) % 9];
    let text = [before.as_bytes(), rest, behind.as_bytes()].concat();
    let records = ["", ".", "a", "a.b", "data"][usize::from(records) % 5];
    let options = Options {
        format: Some(Format::Ndjson),
        records: (!records.is_empty()).then(|| records.to_owned()),
        ..Options::default()
    };
    let whole = probe::read(Pieces::new(&text, Size::Whole), &options);
    for size in [Size::One, Size::Any(around.into())] {
        assert_eq!(probe::read(Pieces::new(&text, size), &options), whole);
    }
    if whole.stop.is_none() {
        let used = whole.events.iter().filter(|event| matches!(event, Event::Row { .. })).count();
        assert_eq!(whole.rows, whole.bad_rows + used as u64, "{whole:?}");
    }
}
