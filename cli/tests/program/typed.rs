//! What the columns of a table with types are: the index of pandas, durations, moments of old, the time by its name, and what
//! is left out.
//!
//! The files in `tests/parquet/` are other programs'; `make_tables.py` there makes them.

use crate::support::{HEADER, evenkeel, samples, stderr, stdout};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampSecondArray,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use assert_cmd::assert::Assert;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, encode_arrow_schema};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// `evenkeel track` on a file of another program.
fn foreign(name: &str, args: &[&str]) -> Assert {
    let path = format!("{}/tests/parquet/{name}", env!("CARGO_MANIFEST_DIR"));
    evenkeel(&["track", &path]).args(args).assert()
}

/// A new file with these columns and notes.
fn write(columns: Vec<(&str, ArrayRef)>, notes: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("made.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let notes = notes.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned()));
    let notes: Vec<KeyValue> = notes.collect();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(notes.clone())).build();
    // Another schema of Arrow would stand before the one in the notes.
    let has_schema = notes.iter().any(|note| note.key == "ARROW:schema");
    let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(has_schema);
    let file = File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new_with_options(file, batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

/// `evenkeel track` on a new file with these columns.
fn track(columns: Vec<(&str, ArrayRef)>, args: &[&str]) -> Assert {
    let (_folder, path) = write(columns, &[]);
    evenkeel(&["track", path.to_str().unwrap()]).args(args).assert().success()
}

fn floats(numbers: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

fn strings(cells: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

#[test]
fn an_index_of_pandas_is_no_series() {
    let minutes = ["2024-05-01T00:00:00Z cpu 1", "2024-05-01T00:01:00Z cpu 2", "2024-05-01T00:02:00Z cpu 4"];
    for name in ["index_time.parquet", "index_time.feather"] {
        assert_eq!(samples(&foreign(name, &[]).success()), minutes, "{name}");
    }
    for name in ["index_number.parquet", "index_named.parquet"] {
        assert_eq!(samples(&foreign(name, &[]).success()), ["1 cpu 4", "2 cpu 1", "3 cpu 2"], "{name}");
    }
    assert_eq!(samples(&foreign("index_range.parquet", &[]).success()), ["1 cpu 1", "2 cpu 2", "3 cpu 4"]);
    // Who names it has it.
    assert_eq!(
        samples(&foreign("index_named.parquet", &["--value", "key"]).success()),
        ["1 key 2", "2 key 0", "3 key 1"]
    );
    assert_eq!(
        samples(&foreign("index_named.parquet", &["--time", "key"]).success()),
        ["2 cpu 4", "0 cpu 1", "1 cpu 2"]
    );
    // An index of moments comes before a column that is called time.
    let columns = || {
        let index: ArrayRef = Arc::new(TimestampSecondArray::from(vec![60]));
        vec![("time", Arc::new(TimestampSecondArray::from(vec![0])) as ArrayRef), ("v", floats(&[1.0])), ("key", index)]
    };
    let (_folder, path) = write(columns(), &[("pandas", "{\"index_columns\": [\"key\"]}")]);
    assert_eq!(samples(&evenkeel(&["track"]).arg(path).assert().success()), ["1970-01-01T00:01:00 v 1"]);
    // Notes that make no sense change nothing.
    for notes in ["", "{", "[1]", "{\"index_columns\": 7}", "{\"index_columns\": [null, {\"kind\": \"range\"}]}"] {
        let (_folder, path) = write(columns(), &[("pandas", notes)]);
        let run = evenkeel(&["track"]).arg(path).assert().success();
        assert_eq!(samples(&run), ["1970-01-01T00:00:00 v 1"], "{notes}");
    }
}

#[test]
fn durations_are_seconds() {
    let run = foreign("durations.parquet", &[]).success();
    let expected = ["1 took 1.5", "1 cpu 1", "2 took -", "2 cpu 2", "3 took -86399.999", "3 cpu 4"];
    assert_eq!(samples(&run), expected);
    let run = foreign("durations.parquet", &["--time", "took", "--value", "cpu"]).success();
    assert_eq!(samples(&run), ["1.5 cpu 1", " cpu 2", "-86399.999 cpu 4"]);
    let run = foreign("durations.parquet", &["--time", "took", "--value", "cpu", "--half-life", "1h"]).success();
    assert!(stderr(&run).contains("row 3: the sample is 24h 1s 499ms older"), "{}", stderr(&run));
    // A schema of Arrow that makes no sense changes nothing: the file was readable before.
    let number = || vec![("v", floats(&[1.0])), ("d", Arc::new(Int64Array::from(vec![5])) as ArrayRef)];
    let (float, duration) = (DataType::Float64, DataType::Duration(TimeUnit::Millisecond));
    let schema = |fields: &[(&str, &DataType)]| {
        let fields = fields.iter().map(|(name, data_type)| Field::new(*name, (*data_type).clone(), false));
        encode_arrow_schema(&Schema::new(fields.collect::<Vec<_>>()))
    };
    let read = |schema: &str| {
        let (_folder, path) = write(number(), &[("ARROW:schema", schema)]);
        let run = evenkeel(&["track"]).arg(path).assert().success();
        assert!(!stderr(&run).contains("panicked"), "{}", stderr(&run));
        samples(&run)
    };
    let right = schema(&[("v", &float), ("d", &duration)]);
    assert_eq!(read(&right), ["1 v 1", "1 d 0.005"]);
    for wrong in [
        "",
        "!",
        "AAAA",
        "/////wAAAAA=",
        &right[..right.len() / 2],
        &schema(&[("d", &duration)]),
        &schema(&[("v", &float), ("other", &duration)]),
        &schema(&[("v", &duration), ("d", &float)]),
        &schema(&[("v", &float), ("d", &duration), ("more", &float)]),
    ] {
        assert_eq!(read(wrong), ["1 v 1", "1 d 5"], "{wrong}");
    }
}

#[test]
fn moments_that_nanoseconds_do_not_reach_are_right_or_refused() {
    let run = foreign("int96_far.parquet", &[]).success();
    assert_eq!(samples(&run), ["1500-01-01T00:00:00 v 1", "2024-01-01T01:01:01.000005 v 2", " v 4"]);
    assert!(stderr(&run).contains("row 3: the timestamp is out of range"), "{}", stderr(&run));
}

#[test]
fn a_table_without_rows_is_no_error() {
    let run = foreign("no_rows.parquet", &[]).success();
    assert_eq!(stdout(&run).trim_end(), HEADER);
    assert!(stderr(&run).contains("rows 0, samples 0"), "{}", stderr(&run));
}

#[test]
fn what_is_left_out_is_said() {
    for args in [&[][..], &["--quiet"], &["--time", "took"]] {
        let said = stderr(&foreign("durations.parquet", args).success());
        let expected = "left out: up (Boolean), at (Time64(\u{b5}s)), list (List), none (Null), key (Binary)";
        assert!(said.contains(expected), "{args:?}: {said}");
    }
    // Who names the values knows.
    assert!(!stderr(&foreign("durations.parquet", &["--value", "cpu"]).success()).contains("left out"));
    // A second time is left out, too; text is not for numbers.
    let moments = || -> ArrayRef { Arc::new(TimestampSecondArray::from(vec![0, 1])) };
    let run = track(
        vec![("from", moments()), ("to", moments()), ("v", floats(&[1.0, 2.0])), ("s", strings(&["a", "b"]))],
        &[],
    );
    assert!(stderr(&run).contains("left out: to (Timestamp(s))\n"), "{}", stderr(&run));
    let many: Vec<String> = (0..30).map(|number| format!("flag{number}")).collect();
    let flags = many.iter().map(|name| (name.as_str(), Arc::new(BooleanArray::from(vec![true])) as ArrayRef));
    let run = track(flags.chain([("v", floats(&[1.0]))]).collect(), &[]);
    assert!(stderr(&run).contains("flag19 (Boolean), and 10 more"), "{}", stderr(&run));
}

#[test]
fn text_that_repeats_may_name_series() {
    let columns = || {
        let moments: ArrayRef = Arc::new(TimestampSecondArray::from(vec![0, 1, 2, 3]));
        let texts = strings(&["a", "b", "a", "c"]);
        vec![
            ("t", moments),
            ("host", texts),
            ("id", strings(&["1", "2", "3", "4"])),
            ("v", floats(&[1.0, 2.0, 3.0, 4.0])),
        ]
    };
    let said = |args: &[&str]| stderr(&track(columns(), args));
    assert!(said(&[]).contains("\"host\" repeats 3 values: --series host?"), "{}", said(&[]));
    assert!(!said(&[]).contains("\"id\""), "{}", said(&[]));
    for args in [&["--quiet"][..], &["--series", "host"]] {
        assert!(!said(args).contains("repeats"), "{}", said(args));
    }
}

#[test]
fn the_time_is_what_is_called_so_and_reads_so() {
    let stamp = || -> ArrayRef { Arc::new(TimestampSecondArray::from(vec![0])) };
    let day = || -> ArrayRef { Arc::new(Date32Array::from(vec![1])) };
    let number = || -> ArrayRef { Arc::new(Int64Array::from(vec![1_700_000_000])) };
    let v = || ("v", floats(&[1.0]));
    let time = |columns: Vec<(&str, ArrayRef)>| {
        let found = samples(&track(columns, &["--quiet"]));
        found.iter().map(|sample| sample.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(time(vec![("at", stamp()), v(), ("time", number())]), "1700000000");
    assert_eq!(time(vec![("ts", floats(&[1.5])), v()]), "1.5");
    assert_eq!(time(vec![("at", stamp()), ("time", strings(&["2024-05-01T00:00:00Z"])), v()]), "2024-05-01T00:00:00Z");
    // Text that is called time and is none does not come before a timestamp.
    assert_eq!(time(vec![("time", strings(&["noon"])), ("at", stamp()), v()]), "1970-01-01T00:00:00");
    // A day says less than a moment.
    assert_eq!(time(vec![("date", day()), ("time", stamp()), v()]), "1970-01-01T00:00:00");
    assert_eq!(time(vec![("at", stamp()), ("date", day()), v()]), "1970-01-02");
    assert_eq!(time(vec![("name", strings(&["a"])), v()]), "a");
}
