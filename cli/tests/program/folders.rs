//! A table in many files: those of a folder and of the folders in it, with the keys that these are called.

use crate::support::{evenkeel, samples, stderr, stdout};
use arrow_array::{
    ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, TimestampMillisecondArray,
};
use arrow_ipc::writer::FileWriter;
use assert_cmd::assert::Assert;
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Writes a file of Parquet, with the folders that it needs.
fn write(folder: &TempDir, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let path = folder.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn floats(numbers: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(numbers.to_vec()))
}

fn strings(cells: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

/// `evenkeel track` on a folder, or what is in it.
fn track(folder: &TempDir, names: &[&str], args: &[&str]) -> Assert {
    let names: Vec<_> = names.iter().map(|name| folder.path().join(name)).collect();
    evenkeel(&["track"]).args(names).args(args).assert()
}

#[test]
fn files_are_one_table_in_the_order_of_their_names() {
    let folder = TempDir::new().unwrap();
    for (name, number) in [("part-10.parquet", 3.0), ("part-2.parquet", 2.0), ("a/b.parquet", 1.0), ("z.parquet", 4.0)]
    {
        write(&folder, name, vec![("v", floats(&[number]))]);
    }
    // What writers put beside the data.
    for name in ["_SUCCESS", "_metadata", ".part-2.parquet.crc", "_temporary/x.parquet", ".hidden/y.parquet"] {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "nothing").unwrap();
    }
    let whole = ["1 v 1", "2 v 2", "3 v 3", "4 v 4"];
    let run = track(&folder, &["."], &[]).success();
    assert_eq!(samples(&run), whole);
    assert!(stderr(&run).contains("rows 4, samples 4, series 1"), "{}", stderr(&run));
    let named = ["z.parquet", "part-10.parquet", "part-2.parquet", "a"];
    assert_eq!(samples(&track(&folder, &named, &[]).success()), whole);
    let twice = ["part-10.parquet", "part-2.parquet", "part-2.parquet"];
    assert_eq!(samples(&track(&folder, &twice, &[]).success()), ["1 v 2", "2 v 3"]);
    let output = folder.path().join("part-2.parquet");
    let run = track(&folder, &twice[..2], &["--output", output.to_str().unwrap()]).code(2);
    assert!(stderr(&run).contains("--output and the input are the same file"), "{}", stderr(&run));
    for command in ["profile", "report"] {
        let out = folder.path().join(".out");
        let run = evenkeel(&[command]).arg(folder.path()).args(["--output", out.to_str().unwrap()]).assert().success();
        assert!(fs::metadata(&out).unwrap().len() > 10, "{}", stderr(&run));
    }
    // A number of a row is that of the table.
    write(&folder, "part-2.parquet", vec![("v", floats(&[2.0])), ("s", strings(&[""]))]);
    let run = track(&folder, &["."], &["--series", "s"]).code(2);
    assert!(stderr(&run).contains("row 1: the series has no name"), "{}", stderr(&run));
}

#[test]
fn folders_have_keys() {
    let folder = TempDir::new().unwrap();
    for (name, number) in [
        ("date=2024-05-02/host=a%2Fb/x.parquet", 3.0),
        ("date=2024-05-01/host=south/x.parquet", 2.0),
        ("date=2024-05-01/host=a%2Fb/x.parquet", 1.0),
        ("date=2024-05-03/host=__HIVE_DEFAULT_PARTITION__/x.parquet", 4.0),
    ] {
        // A column of the same name in the files is the same thing.
        write(&folder, name, vec![("v", floats(&[number, number])), ("host", strings(&["?", "?"]))]);
    }
    let run = track(&folder, &["."], &["--time", "date", "--series", "host"]).success();
    let (first, second, third) = ("2024-05-01 a/b 1", "2024-05-01 south 2", "2024-05-02 a/b 3");
    assert_eq!(samples(&run), [first, first, second, second, third, third]);
    assert!(stderr(&run).contains("row 7: the series has no name"), "{}", stderr(&run));
    let half = track(
        &folder,
        &["date=2024-05-01", "date=2024-05-02"],
        &["--time", "date", "--series", "host", "--half-life", "1d"],
    );
    assert_eq!(samples(&half.success()).len(), 6);
    // Keys are no series and no time unless they are named, and a file alone has those of its folders.
    let run = track(&folder, &["date=2024-05-02"], &[]).success();
    assert_eq!(samples(&run), ["1 v 3", "2 v 3"]);
    assert!(!stderr(&run).contains("repeats"), "{}", stderr(&run));
    let run = track(&folder, &["."], &[]).success();
    assert!(stderr(&run).contains("\"host\" repeats 2 values: --series host?"), "{}", stderr(&run));
    let run = track(&folder, &["date=2024-05-02/host=a%2Fb/x.parquet"], &["--time", "date"]).success();
    assert_eq!(samples(&run)[0], "2024-05-02 v 3");
    // Keys that are all numbers are numbers.
    let folder = TempDir::new().unwrap();
    write(&folder, "k=9/x.parquet", vec![("v", floats(&[1.0]))]);
    write(&folder, "k=10/x.parquet", vec![("v", floats(&[2.0]))]);
    assert_eq!(samples(&track(&folder, &["."], &["--value", "k"]).success()), ["1 k 9", "2 k 10"]);
    let ndjson = track(&folder, &["."], &["--time", "k", "--output-format", "ndjson"]).success();
    assert!(stdout(&ndjson).starts_with("{\"time\":9,"), "{}", stdout(&ndjson));
}

#[test]
fn files_may_differ_as_long_as_a_column_is_one_thing() {
    let folder = TempDir::new().unwrap();
    let whole = |numbers: &[i64]| -> ArrayRef { Arc::new(Int64Array::from(numbers.to_vec())) };
    write(&folder, "1.parquet", vec![("a", floats(&[1.0])), ("b", floats(&[10.0]))]);
    write(&folder, "2.parquet", vec![("b", whole(&[20])), ("a", floats(&[2.0]))]);
    write(&folder, "3.parquet", vec![("c", floats(&[300.0])), ("a", floats(&[3.0]))]);
    let run = track(&folder, &["."], &[]).success();
    let expected = ["1 a 1", "1 b 10", "1 c -", "2 a 2", "2 b 20", "2 c -", "3 a 3", "3 b -", "3 c 300"];
    assert_eq!(samples(&run), expected);
    assert!(stderr(&run).contains("missing 3"), "{}", stderr(&run));

    write(&folder, "4.parquet", vec![("a", strings(&["x"])), ("b", floats(&[1.0]))]);
    let run = track(&folder, &["."], &[]).code(2);
    let said = stderr(&run);
    assert!(said.contains("column \"a\" is Float64 in") && said.contains("1.parquet and Utf8 in"), "{said}");
    assert!(said.contains("4.parquet: "), "{said}");
    // Nobody minds what is not read.
    assert_eq!(samples(&track(&folder, &["."], &["--value", "b"]).success()).len(), 4);

    // Moments of different units are moments of the finer one.
    let folder = TempDir::new().unwrap();
    let coarse: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![1]).with_timezone("UTC"));
    let fine: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![2_000_001]).with_timezone("UTC"));
    write(&folder, "1.parquet", vec![("t", coarse), ("v", floats(&[1.0]))]);
    write(&folder, "2.parquet", vec![("t", fine), ("v", floats(&[2.0]))]);
    let out = folder.path().join(".out.parquet");
    track(&folder, &["."], &["--output", out.to_str().unwrap()]).success();
    let again = evenkeel(&["track", out.to_str().unwrap(), "--value", "value"]).assert().success();
    assert_eq!(samples(&again), ["1970-01-01T00:00:00.001Z value 1", "1970-01-01T00:00:02.000001Z value 2"]);
    // A moment of nobody knows which zone is none of UTC.
    let local: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![3]));
    write(&folder, "3.parquet", vec![("t", local), ("v", floats(&[3.0]))]);
    assert!(stderr(&track(&folder, &["."], &[]).code(2)).contains("column \"t\" is Timestamp("));
}

#[test]
fn files_have_one_format() {
    let folder = TempDir::new().unwrap();
    write(&folder, "1.parquet", vec![("v", floats(&[1.0]))]);
    let refused = |names: &[&str], reasons: &[&str]| {
        let said = stderr(&track(&folder, names, &[]).code(2));
        assert!(reasons.iter().all(|reason| said.contains(reason)) && said.lines().count() == 1, "{said}");
    };
    refused(&["1.parquet", "gone.parquet"], &["gone.parquet", "No such file"]);
    fs::write(folder.path().join("readme.txt"), "not a table").unwrap();
    refused(&["."], &["readme.txt is no Parquet or Arrow", "only"]);
    fs::rename(folder.path().join("readme.txt"), folder.path().join("2.csv")).unwrap();
    refused(&["."], &["2.csv is csv, of which one file is read at a time"]);
    refused(&["2.csv", "2.csv"], &["2.csv is csv"]);
    fs::remove_file(folder.path().join("2.csv")).unwrap();
    let batch = RecordBatch::try_from_iter(vec![("v", floats(&[2.0]))]).unwrap();
    let write_arrow = |path: &Path| {
        let mut writer = FileWriter::try_new(File::create(path).unwrap(), &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    };
    write_arrow(&folder.path().join("2.arrow"));
    refused(&["."], &["1.parquet is parquet and", "2.arrow is arrow", "one format"]);
    let run = evenkeel(&["track", "-"]).arg(folder.path()).assert().code(2);
    assert!(stderr(&run).contains("standard input is no part"), "{}", stderr(&run));
    fs::remove_file(folder.path().join("1.parquet")).unwrap();
    write_arrow(&folder.path().join("10.arrow"));
    assert_eq!(samples(&track(&folder, &["."], &[]).success()), ["1 v 2", "2 v 2"]);
    let empty = TempDir::new().unwrap();
    let run = track(&empty, &["."], &[]).code(2);
    assert!(stderr(&run).contains("there is no file in this folder"), "{}", stderr(&run));
    // One that is broken is named.
    fs::write(folder.path().join("3.arrow"), "ARROW1").unwrap();
    refused(&["."], &["3.arrow is not a complete Arrow file"]);
}

#[test]
fn more_files_than_may_be_open() {
    let folder = TempDir::new().unwrap();
    for number in 0..300 {
        write(&folder, &format!("{number}.parquet"), vec![("v", floats(&[f64::from(number)]))]);
    }
    let run = std::process::Command::new("sh")
        .args(["-c", "ulimit -n 40 && exec \"$0\" track \"$1\"", env!("CARGO_BIN_EXE_evenkeel")])
        .arg(folder.path())
        .output()
        .unwrap();
    let run = Assert::new(run).success();
    let expected: Vec<String> = (0..300).map(|number| format!("{} v {number}", number + 1)).collect();
    assert_eq!(samples(&run), expected);
}
