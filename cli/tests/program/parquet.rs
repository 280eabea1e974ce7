//! Parquet in and out: the same results as the CSV of the same data, only what is needed is read, and nothing that is broken
//! breaks the program.
//!
//! The files in `tests/parquet/` are another program's, pyarrow's; `make.py` there makes them, and the CSV of the same data.

use crate::support::{HEADER, Row, evenkeel, file, lines, noise, rows, samples, stderr, stdout, track};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Float64Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, TimeUnit};
use assert_cmd::assert::Assert;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::ParquetMetaData;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use tempfile::TempDir;

/// A file of another program.
fn foreign(name: &str) -> String {
    format!("{}/tests/parquet/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The files with the same data, each written in another way.
const WRITINGS: [&str; 5] = ["none.parquet", "snappy.parquet", "zstd.parquet", "gzip.parquet", "lz4.parquet"];
const CSV: &str = "types.csv";
/// All columns of numbers in them.
const NUMBERS: [&str; 16] = [
    "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f16", "f32", "f64", "d32", "d128", "d256", "full", "number",
];

fn run(args: &[&str]) -> Assert {
    evenkeel(args).assert()
}

/// `evenkeel track FILE` with these options.
fn track_file(path: &str, args: &[&str]) -> Assert {
    run(&[&["track", path], args].concat())
}

/// A new file with these columns.
fn write(columns: Vec<(&str, ArrayRef)>) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("made.parquet");
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    (folder, path)
}

fn floats(numbers: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(numbers))
}

/// All of a file in one batch, and what its footer says.
fn read(path: &Path) -> (RecordBatch, Arc<ParquetMetaData>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let metadata = builder.metadata().clone();
    let mut batches = builder.with_batch_size(usize::MAX).build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    (batch, metadata)
}

/// The rows of an output, by the types that it promises; times as `time` makes text of them.
fn rows_of(batch: &RecordBatch, time: impl Fn(&dyn Array, usize) -> String) -> Vec<Row> {
    let names: Vec<String> = batch.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names.join(","), HEADER);
    let series = batch.column(1).as_any_dictionary().normalized_keys();
    let number = |column: usize, row| {
        let column = batch.column(column).as_primitive::<Float64Type>();
        // What is missing is null, and never NaN.
        assert!(column.is_null(row) || !column.value(row).is_nan());
        if column.is_null(row) { f64::NAN } else { column.value(row) }
    };
    (0..batch.num_rows())
        .map(|row| Row {
            time: time(batch.column(0), row),
            series: text(batch.column(1).as_any_dictionary().values().as_ref(), series[row]),
            value: number(2, row),
            location: number(3, row),
            scale: number(4, row),
            score: number(5, row),
            outlier: batch.column(6).as_boolean().value(row),
        })
        .collect()
}

/// Rows so that NaN is itself and zeros have their signs.
fn bits(rows: &[Row]) -> Vec<(&str, &str, [u64; 4], bool)> {
    let bits = |number: f64| if number.is_nan() { f64::NAN.to_bits() } else { number.to_bits() };
    rows.iter()
        .map(|row| {
            let numbers = [row.value, row.location, row.scale, row.score].map(bits);
            (row.time.as_str(), row.series.as_str(), numbers, row.outlier)
        })
        .collect()
}

fn text(array: &dyn Array, row: usize) -> String {
    array.as_string::<i32>().value(row).to_owned()
}

#[test]
fn every_type_and_writing_gives_what_the_csv_gives() {
    let numbers: Vec<&str> = NUMBERS.iter().flat_map(|name| ["--value", name]).collect();
    for writing in WRITINGS {
        let same = |command: &str, common: &[&str], csv: &[&str]| {
            let of = |name: &str, args: &[&str]| run(&[&[command, &foreign(name)], common, args].concat()).success();
            let (expected, found) = (of(CSV, csv), of(writing, &[]));
            assert_eq!(stdout(&found), stdout(&expected), "{writing} {common:?}");
            assert!(stdout(&found).lines().count() > 5);
        };
        // By itself, everything that is a number is a series, and nothing else.
        same("track", &[], &numbers);
        same("profile", &[], &numbers);
        same("track", &["--preset", "mean", "--half-life", "10m", "--quiet"], &numbers);
        for time in ["zone", "ms", "us", "ns", "day", "i64", "f64", "u64", "host"] {
            same("track", &["--time", time, "--value", "d128", "--value", "i32"], &[]);
        }
        for series in ["host", "i8", "number", "day"] {
            same("track", &["--series", series, "--value", "f64"], &["--time", "zone"]);
            same("track", &["--series", series, "--value", "f32", "--value", "u64"], &["--time", "zone"]);
        }
        same("track", &["--value", "full", "--output-format", "ndjson"], &["--time", "zone"]);
    }
}

#[test]
fn timestamps_of_old_are_timestamps() {
    let found = track_file(&foreign("int96.parquet"), &[]).success();
    let expected = track_file(&foreign(CSV), &["--time", "us", "--value", "full"]).success();
    assert_eq!(stdout(&found), stdout(&expected));
}

#[test]
fn what_is_written_is_what_the_csv_says() {
    let samples: Vec<f64> = noise(5).take(20_000).map(|number| 10.0 + number).collect();
    let cell = |row: usize, sample: f64| match row % 50 {
        7 => String::new(),
        8 => "inf".to_owned(),
        9 => "-1e300".to_owned(),
        _ => sample.to_string(),
    };
    let input = "when,\u{fc}ber,\"b \"\"2\"\"\"\n".to_owned()
        + &lines(samples.iter().enumerate(), |(row, &sample)| {
            format!("t{},{},{}", row / 3, cell(row, sample), cell(row + 25, sample.floor()))
        });
    for preset in ["robust", "ema"] {
        let (folder, path) = file("in.csv", &input);
        let (path, made) = (path.to_str().unwrap(), folder.path().join("out.parquet"));
        let csv = rows(&stdout(&track_file(path, &["--preset", preset]).success()));
        assert!(csv.len() == 40_000 && csv.iter().any(|row| row.value.is_nan() && row.score.is_nan()));
        track_file(path, &["--preset", preset, "--output", made.to_str().unwrap()]).success();
        let (batch, _) = read(&made);
        assert_eq!(bits(&rows_of(&batch, text)), bits(&csv));

        // And what was written is read as what it was.
        let args = ["--time", "time", "--series", "series", "--value", "value", "--preset", preset];
        let again = track_file(made.to_str().unwrap(), &args).success();
        assert_eq!(bits(&rows(&stdout(&again))), bits(&csv));
    }
}

#[test]
fn the_time_keeps_its_type() {
    let written = |input: &str, args: &[&str]| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("out.parquet");
        track_file(input, &[args, &["--output", path.to_str().unwrap()]].concat()).success();
        read(&path).0.column(0).clone()
    };
    let utc = Some("UTC".into());
    for (column, data_type) in [
        ("zone", DataType::Timestamp(TimeUnit::Microsecond, utc.clone())),
        ("ms", DataType::Timestamp(TimeUnit::Millisecond, utc.clone())),
        ("us", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("ns", DataType::Timestamp(TimeUnit::Nanosecond, utc.clone())),
        ("day", DataType::Date32),
        ("number", DataType::Int64),
        ("i8", DataType::Int64),
        ("f64", DataType::Float64),
        ("host", DataType::Utf8),
    ] {
        let times = written(&foreign("none.parquet"), &["--time", column, "--value", "full"]);
        assert_eq!(*times.data_type(), data_type, "{column}");
    }
    // The first moment is 2024-03-30T22:59:58.123456Z; the seconds are those of `date -u +%s`.
    let first = |column| written(&foreign("none.parquet"), &["--time", column, "--value", "full"]).slice(0, 2);
    let second = 1_711_839_598;
    assert_eq!(first("zone").as_primitive::<TimestampMicrosecondType>().value(0), second * 1_000_000 + 123_456);
    assert_eq!(first("us").as_primitive::<TimestampMicrosecondType>().value(0), second * 1_000_000 + 123_456);
    assert_eq!(first("ms").as_primitive::<TimestampMillisecondType>().value(0), second * 1000 + 123);
    assert_eq!(first("ns").as_primitive::<TimestampNanosecondType>().value(0), second * 1_000_000_000 + 123_456_000);
    assert_eq!(first("day").as_primitive::<Date32Type>().value(0), 19_812);
    assert_eq!(first("number").as_primitive::<Int64Type>().values()[..], [0, 1]);
    assert_eq!(first("f64").as_primitive::<Float64Type>().value(0), 0.1);
    // Before 1970, too, and where there is none.
    let zone = written(&foreign("none.parquet"), &["--time", "zone", "--value", "full"]);
    assert_eq!(zone.as_primitive::<TimestampMicrosecondType>().value(44), -631_152_000_000_000 + 5);
    let local = written(&foreign("none.parquet"), &["--time", "us", "--value", "full"]);
    assert!(local.is_null(6) && local.is_valid(7));
    // Rows without a time are numbered.
    let (_folder, path) = write(vec![("a", floats([1.0, 2.0]))]);
    assert_eq!(written(path.to_str().unwrap(), &[]).as_primitive::<Int64Type>().values()[..], [1, 2]);
    // What a CSV has is text.
    assert_eq!(*written(&foreign(CSV), &["--time", "zone", "--value", "full"]).data_type(), DataType::Utf8);
}

#[test]
fn many_rows_are_several_groups_and_lose_nothing() {
    let rows = 300_000;
    let (folder, path) = write(vec![("a", floats((0..rows).map(|row| f64::from(row % 100))))]);
    let out = folder.path().join("out.parquet");
    let run = track_file(path.to_str().unwrap(), &["--output", out.to_str().unwrap()]).success();
    assert!(stderr(&run).contains("rows 300000, samples 300000"), "{}", stderr(&run));
    let (batch, metadata) = read(&out);
    assert!(metadata.num_row_groups() == 2 && batch.num_rows() == 300_000);
    let times = batch.column(0).as_primitive::<Int64Type>().values();
    assert!(times.iter().copied().eq(1..=300_000));
    let values = batch.column(2).as_primitive::<Float64Type>().values();
    assert!(values.iter().copied().eq((0..rows).map(|row| f64::from(row % 100))));
}

#[test]
fn formats_are_told_by_names_and_first_bytes() {
    let (folder, path) = write(vec![("a", floats([1.5, 2.5]))]);
    let expected = ["1 a 1.5", "2 a 2.5"];
    // Under any name, and from standard input if that is a file.
    let odd = folder.path().join("table.data");
    fs::copy(&path, &odd).unwrap();
    assert_eq!(samples(&track_file(odd.to_str().unwrap(), &[]).success()), expected);
    for args in [&["track"][..], &["track", "-", "--format", "parquet"]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        let output = command.args(args).stdin(Stdio::from(File::open(&path).unwrap())).output().unwrap();
        assert_eq!(samples(&Assert::new(output).success()), expected);
    }
    // A name that promises Parquet is believed.
    let (_folder, text) = file("text.parquet", "a\n1\n");
    let run = track_file(text.to_str().unwrap(), &[]).code(2);
    assert!(stderr(&run).contains("is not a complete Parquet file"), "{}", stderr(&run));
    assert_eq!(samples(&track_file(text.to_str().unwrap(), &["--format", "csv"]).success()), ["1 a 1"]);

    // The output: as it is called, as it is asked for, and otherwise what can be looked at.
    let begins = |name: &str, args: &[&str]| {
        let out = folder.path().join(name);
        track_file(path.to_str().unwrap(), &[args, &["--output", out.to_str().unwrap()]].concat()).success();
        String::from_utf8_lossy(&fs::read(out).unwrap()[..4]).into_owned()
    };
    assert_eq!(begins("out.parquet", &[]), "PAR1");
    assert_eq!(begins("out.PARQUET", &[]), "PAR1");
    assert_eq!(begins("out.csv", &[]), "time");
    assert_eq!(begins("out.ndjson", &[]), "{\"ti");
    assert_eq!(begins("out", &["--output-format", "parquet"]), "PAR1");
    assert_eq!(begins("other.parquet", &["--output-format", "csv"]), "time");
    assert!(stdout(&track("{\"a\":1}\n", &[]).success()).starts_with("{\"time\""));

    // Through a pipe it comes out, but does not go in.
    let piped = track("a\n1.5\n", &["--output-format", "parquet"]).success().get_output().stdout.clone();
    assert!(piped.starts_with(b"PAR1") && piped.ends_with(b"PAR1"));
    for args in [&[][..], &["--format", "parquet"], &["-"]] {
        let run = track(piped.clone(), args).code(2);
        assert!(stderr(&run).contains("Parquet cannot be read from a pipe"), "{args:?}: {}", stderr(&run));
    }
}

#[test]
fn types_tell_what_a_column_is() {
    let strings = |cells: &[&str]| -> ArrayRef { Arc::new(StringArray::from(cells.to_vec())) };
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0, 1_500_000]).with_timezone("UTC"));
    let (_folder, path) = write(vec![
        ("host", strings(&["x", "y"])),
        ("cpu", floats([1.0, 2.0])),
        ("at", moments),
        ("count", Arc::new(Int64Array::from(vec![7, 8]))),
    ]);
    let path = path.to_str().unwrap();
    let found = |args: &[&str]| samples(&track_file(path, args).success());
    // A timestamp is the time, even behind text.
    let (one, two) = ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01.5Z");
    let wide = [format!("{one} cpu 1"), format!("{one} count 7"), format!("{two} cpu 2"), format!("{two} count 8")];
    assert_eq!(found(&[]), wide);
    assert_eq!(found(&["--series", "host", "--value", "cpu"]), [format!("{one} x 1"), format!("{two} y 2")]);
    assert_eq!(found(&["--time", "count", "--value", "cpu"]), ["7 cpu 1", "8 cpu 2"]);
    assert_eq!(found(&["--time", "host", "--value", "cpu"]), ["x cpu 1", "y cpu 2"]);
    for (args, reason) in [
        (&["--value", "host"][..], "--value host: the type of the column is Utf8, and no number"),
        (&["--value", "at"], "and no number"),
        (&["--value", "gone"], "there is no such column; there are \"host\", \"cpu\", \"at\", \"count\""),
        (&["--series", "host"], "several columns may hold the values (\"cpu\", \"count\")"),
    ] {
        let run = track_file(path, args).code(2);
        assert!(stderr(&run).contains(reason), "{}", stderr(&run));
    }

    let nested = foreign("none.parquet");
    for (args, reason) in [
        (["--time", "nested"], "--time nested: the type of the column is List"),
        (["--series", "record"], "and no name"),
        (["--value", "flag"], "Boolean, and no number"),
    ] {
        let run = track_file(&nested, &args).code(2);
        assert!(stderr(&run).contains(reason), "{}", stderr(&run));
    }
    // Without timestamps, text is the time; without text, too, rows are numbered, unless a number is called time.
    let (_folder, path) = write(vec![("v", floats([3.0])), ("label", strings(&["l"]))]);
    assert_eq!(samples(&track_file(path.to_str().unwrap(), &[]).success()), ["l v 3"]);
    let (_folder, path) = write(vec![("v", floats([3.0])), ("ts", floats([9.5]))]);
    assert_eq!(samples(&track_file(path.to_str().unwrap(), &[]).success()), ["9.5 v 3"]);
    assert_eq!(samples(&track_file(path.to_str().unwrap(), &["--value", "v"]).success()), ["9.5 v 3"]);
    assert_eq!(samples(&track_file(path.to_str().unwrap(), &["--value", "ts"]).success()), ["1 ts 9.5"]);
    let ndjson = track_file(path.to_str().unwrap(), &["--value", "v", "--output-format", "ndjson"]).success();
    assert!(stdout(&ndjson).starts_with("{\"time\":9.5,"), "{}", stdout(&ndjson));
    let (_folder, path) = write(vec![("label", strings(&["l"]))]);
    let run = track_file(path.to_str().unwrap(), &[]).code(2);
    assert!(stderr(&run).contains("no column holds numbers; there are \"label\""), "{}", stderr(&run));
    // Nothing is read and nothing is wrong.
    let (_folder, path) = write(vec![("v", floats([]))]);
    assert_eq!(stdout(&track_file(path.to_str().unwrap(), &[]).success()).trim_end(), HEADER);
}

#[test]
fn bad_rows_are_told_by_their_number() {
    let series: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("a")]));
    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![0, 0, 0, i64::MAX]));
    let (_folder, path) = write(vec![("s", series), ("t", moments), ("v", floats([1.0, 2.0, 3.0, 4.0]))]);
    let path = path.to_str().unwrap();
    let run = track_file(path, &["--series", "s"]).success();
    assert_eq!(samples(&run), ["1970-01-01T00:00:00 a 1"]);
    for reason in ["row 2: the series has no name", "row 3: the series", "row 4: the timestamp is out of range"] {
        assert!(stderr(&run).contains(reason), "{}", stderr(&run));
    }
    assert!(stderr(&run).contains("rows 4, samples 1") && stderr(&run).contains("bad rows 3"));
    assert!(stderr(&track_file(path, &["--series", "s", "--strict"]).code(1)).contains("row 2"));

    let moments: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![5_000_000, 3_000_000, 6_000_000]));
    let (_folder, path) = write(vec![("t", moments), ("v", floats([1.0, 2.0, 3.0]))]);
    let run = track_file(path.to_str().unwrap(), &["--half-life", "1s"]).success();
    assert_eq!(samples(&run), ["1970-01-01T00:00:05 v 1", "1970-01-01T00:00:06 v 3"]);
    assert!(stderr(&run).contains("row 2: the sample is 2s older than the last one of its series"), "{}", stderr(&run));
}

/// Where the pages of a column are.
fn pages(path: &Path, column: usize) -> std::ops::Range<usize> {
    let (_, metadata) = read(path);
    let (start, length) = metadata.row_group(0).column(column).byte_range();
    let at = |place: u64| usize::try_from(place).unwrap();
    at(start)..at(start + length)
}

#[test]
fn a_column_that_is_not_needed_is_not_read() {
    let numbers = |seed| floats(noise(seed).take(5000));
    let (_folder, path) = write(vec![("a", numbers(1)), ("b", numbers(2)), ("c", numbers(3))]);
    let name = path.to_str().unwrap();
    let args = ["--value", "c", "--value", "a"];
    let whole = stdout(&track_file(name, &args).success());
    let mut bytes = fs::read(&path).unwrap();
    bytes[pages(&path, 1)].fill(0xff);
    fs::write(&path, bytes).unwrap();
    assert_eq!(stdout(&track_file(name, &args).success()), whole);
    let run = track_file(name, &["--value", "b"]).code(2);
    assert!(stderr(&run).contains("cannot read") && !stderr(&run).contains("panicked"), "{}", stderr(&run));
}

#[test]
fn a_file_that_is_cut_off_is_no_file() {
    let bytes = fs::read(foreign("zstd.parquet")).unwrap();
    let (folder, path) = file("cut.parquet", &bytes);
    let out = folder.path().join("out.csv");
    fs::write(&out, "older").unwrap();
    for length in [0, 1, 4, 8, 12, 100, bytes.len() / 2, bytes.len() - 8, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let run = track_file(path.to_str().unwrap(), &["--output", out.to_str().unwrap()]).code(2);
        assert!(stderr(&run).contains("cut.parquet is not a complete Parquet file"), "{length}: {}", stderr(&run));
        assert!(!stderr(&run).contains("panicked"), "{}", stderr(&run));
        assert_eq!(fs::read_to_string(&out).unwrap(), "older");
    }
    // The end may be there and the middle not.
    let (_, metadata) = read(Path::new(&foreign("zstd.parquet")));
    let footer = bytes.len() - 8 - u32::from_le_bytes(*bytes[..bytes.len() - 4].last_chunk().unwrap()) as usize;
    assert!(metadata.num_row_groups() == 1);
    fs::write(&path, [&bytes[..4], &bytes[footer..]].concat()).unwrap();
    let run = track_file(path.to_str().unwrap(), &[]).code(2);
    assert!(stderr(&run).contains("reaches beyond the end of the file"), "{}", stderr(&run));
}

#[test]
fn no_byte_breaks_the_program() {
    let columns =
        || vec![("t", Arc::new(StringArray::from(vec!["x", "y", "x"])) as ArrayRef), ("v", floats([1.0, 2.0, 4.0]))];
    let (_folder, path) = write(columns());
    let whole = fs::read(&path).unwrap();
    let mut unlike = 0;
    for place in (4..whole.len()).step_by(7) {
        for mask in [0x01, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= mask;
            fs::write(&path, bytes).unwrap();
            let run = track_file(path.to_str().unwrap(), &["--series", "t"]);
            let code = run.get_output().status.code();
            assert!(matches!(code, Some(0 | 2)), "byte {place}: {}", stderr(&run));
            assert!(!stderr(&run).contains("panicked"), "byte {place}: {}", stderr(&run));
            unlike += u32::from(code == Some(2));
        }
    }
    assert!(unlike > 10, "that much can be wrong: {unlike}");
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let (folder, path) = file("in.csv", "a\n1\n2\n");
    let out = folder.path().join("out.parquet");
    fs::write(&out, "older").unwrap();
    // An input that cannot be used leaves the file as it was, and no other.
    let run = track_file(path.to_str().unwrap(), &["--value", "b", "--output", out.to_str().unwrap()]).code(2);
    assert!(stderr(&run).contains("there is no such column"), "{}", stderr(&run));
    let (_folder, bad) = file("bad.csv", "a\n1\noops\n");
    let strict = ["--value", "a", "--strict", "--output", out.to_str().unwrap()];
    track_file(bad.to_str().unwrap(), &strict).code(1);
    assert_eq!(fs::read_to_string(&out).unwrap(), "older");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    if Path::new("/dev/full").exists() {
        let args = ["--output", "/dev/full", "--output-format", "parquet"];
        let run = track_file(path.to_str().unwrap(), &args).code(1);
        let said = stderr(&run);
        assert!(said.contains("cannot write /dev/full: No space left on device"), "{said}");
    }
    let missing = folder.path().join("gone/out.parquet");
    let run = track_file(path.to_str().unwrap(), &["--output", missing.to_str().unwrap()]).code(1);
    assert!(stderr(&run).contains("there is no directory"), "{}", stderr(&run));
}
