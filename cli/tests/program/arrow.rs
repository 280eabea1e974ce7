//! Arrow in and out: files and streams give what Parquet and CSV give, and nothing that is broken breaks the program.
//!
//! The files in `tests/parquet/` are other programs'; `make_tables.py` there makes them.

use crate::support::{Row, evenkeel, file, rows, samples, stderr, stdout, track};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMillisecondType};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, TimestampMillisecondArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions, StreamWriter};
use assert_cmd::assert::Assert;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

fn foreign(name: &str) -> String {
    format!("{}/tests/parquet/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn track_file(path: &str, args: &[&str]) -> Assert {
    evenkeel(&["track", path]).args(args).assert()
}

fn floats(numbers: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(numbers))
}

/// A file of these columns, packed or not.
fn packed(columns: Vec<(&str, ArrayRef)>, by: Option<CompressionType>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let options = IpcWriteOptions::default().try_with_compression(by).unwrap();
    let mut bytes = Vec::new();
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    drop(writer);
    bytes
}

#[test]
fn text_is_text_however_it_is_held() {
    for name in ["texts_lz4.feather", "texts_zstd.arrow", "texts.arrows"] {
        for series in ["host", "large", "view"] {
            let run = track_file(&foreign(name), &["--series", series, "--value", "v", "--time", "d"]).success();
            assert_eq!(samples(&run), ["1.00 north 1", "2.00 south 2", " north 4"], "{name} {series}");
            assert!(stderr(&run).contains("row 3: the series has no name"), "{}", stderr(&run));
        }
        assert_eq!(
            samples(&track_file(&foreign(name), &["--value", "d", "--time", "v"]).success())[0],
            "1.0 d 1",
            "{name}"
        );
    }
    // The first message of a file that polars writes is none of a stream.
    for series in ["host", "large"] {
        let run = track_file(&foreign("polars.arrow"), &["--series", series]).success();
        assert_eq!(samples(&run), ["north north 1", "south south 2", "north north 4"]);
    }
}

#[test]
fn a_stream_comes_through_a_pipe_and_a_file_does_not() {
    let stream = fs::read(foreign("texts.arrows")).unwrap();
    let expected = samples(&track_file(&foreign("texts.arrows"), &["--value", "v"]).success());
    for args in [&["--value", "v"][..], &["--value", "v", "--format", "arrow"], &["-", "--value", "v"]] {
        assert_eq!(samples(&track(stream.clone(), args).success()), expected);
    }
    // The end of a stream may be there or not.
    assert!(stream.ends_with(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]));
    assert_eq!(samples(&track(&stream[..stream.len() - 8], &["--value", "v"]).success()), expected);
    let run = track(fs::read(foreign("texts_zstd.arrow")).unwrap(), &[]).code(2);
    assert!(stderr(&run).contains("an Arrow file cannot be read from a pipe"), "{}", stderr(&run));
    // A file under any name, and from standard input if that is one.
    let (_folder, path) = file("table.data", fs::read(foreign("texts_zstd.arrow")).unwrap());
    assert_eq!(samples(&track_file(path.to_str().unwrap(), &["--value", "v"]).success()), expected);
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let output =
        command.args(["track", "--value", "v"]).stdin(Stdio::from(File::open(&path).unwrap())).output().unwrap();
    assert_eq!(samples(&Assert::new(output).success()), expected);
    let run = evenkeel(&["pipe"]).write_stdin(stream).assert().code(2);
    assert!(stderr(&run).contains("does not come record by record"), "{}", stderr(&run));
}

#[test]
fn rows_come_out_as_a_stream_comes_in() {
    let batch = RecordBatch::try_from_iter(vec![("v", floats([1.0, 2.0]))]).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let mut child =
        command.arg("track").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut writer = StreamWriter::try_new(child.stdin.take().unwrap(), &batch.schema()).unwrap();
    for round in 0..3 {
        writer.write(&batch).unwrap();
        writer.get_mut().flush().unwrap();
        for row in 0..2 + usize::from(round == 0) {
            let line = lines.next().unwrap().unwrap();
            assert!(
                line.starts_with("time")
                    || line.starts_with(&format!("{},v,", round * 2 + row + 1 - usize::from(round == 0))),
                "{line}"
            );
        }
    }
    drop(writer);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_stream_goes_out_as_rows_come_in() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(["track", "--output-format", "arrows"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"v\n1\n2\n").unwrap();
    let mut batches = StreamReader::try_new(child.stdout.take().unwrap(), None).unwrap();
    let mut values =
        move || batches.next().map(|batch| batch.unwrap().column(2).as_primitive::<Float64Type>().values().to_vec());
    assert_eq!(values(), Some(vec![1.0, 2.0]));
    input.write_all(b"3\n").unwrap();
    assert_eq!(values(), Some(vec![3.0]));
    drop(input);
    assert_eq!(values(), None);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_dictionary_may_grow() {
    let schema_of = |names: &[&str]| {
        let names: DictionaryArray<Int32Type> = names.iter().copied().collect();
        RecordBatch::try_from_iter(vec![("s", Arc::new(names) as ArrayRef), ("v", floats([1.0, 2.0]))]).unwrap()
    };
    let batches = [schema_of(&["a", "b"]), schema_of(&["a", "c"])];
    let write = |handling| {
        let options = IpcWriteOptions::default().with_dictionary_handling(handling);
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options).unwrap();
        for batch in &batches {
            writer.write(batch).unwrap();
        }
        writer.finish().unwrap();
        drop(writer);
        bytes
    };
    for handling in [DictionaryHandling::Resend, DictionaryHandling::Delta] {
        let run = track(write(handling), &["--series", "s"]).success();
        assert_eq!(samples(&run), ["1 a 1", "2 b 2", "3 a 1", "4 c 2"]);
    }
}

#[test]
fn what_is_written_is_what_the_csv_says() {
    let moments: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![0, 1500, 3000]).with_timezone("UTC"));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "a"]));
    let columns = vec![("t", moments), ("s", names), ("v", floats([1.0, f64::INFINITY, 3.5]))];
    let (folder, path) = file("in.arrow", packed(columns, None));
    let path = path.to_str().unwrap();
    let csv = rows(&stdout(&track_file(path, &["--series", "s"]).success()));
    assert_eq!(csv.len(), 3);
    for (ending, magic) in [("arrow", &b"ARROW1"[..]), ("feather", b"ARROW1"), ("arrows", &[0xff; 4])] {
        let out = folder.path().join(format!("out.{ending}"));
        track_file(path, &["--series", "s", "--output", out.to_str().unwrap()]).success();
        let bytes = fs::read(&out).unwrap();
        assert!(bytes.starts_with(magic));
        let batch = if ending == "arrows" {
            StreamReader::try_new(&bytes[..], None).unwrap().next().unwrap().unwrap()
        } else {
            FileReader::try_new(File::open(&out).unwrap(), None).unwrap().next().unwrap().unwrap()
        };
        let times = batch.column(0).as_primitive::<TimestampMillisecondType>();
        assert_eq!(times.values()[..], [0, 1500, 3000]);
        let number = |column: usize, row| {
            let column = batch.column(column).as_primitive::<Float64Type>();
            if column.is_null(row) { f64::NAN } else { column.value(row) }
        };
        for (row, expected) in csv.iter().enumerate() {
            let Row { series, value, location, scale, outlier, .. } = expected;
            assert_eq!(batch.column(1).as_string::<i32>().value(row), series);
            let numbers = [number(2, row), number(3, row), number(4, row)].map(f64::to_bits);
            assert_eq!(numbers, [*value, *location, *scale].map(f64::to_bits));
            assert_eq!(batch.column(6).as_boolean().value(row), *outlier);
        }
        // And what was written is read as what it was.
        let again = track_file(out.to_str().unwrap(), &["--series", "series", "--value", "value"]).success();
        assert_eq!(format!("{:?}", rows(&stdout(&again))), format!("{csv:?}"));
    }
    let piped = track_file(path, &["--series", "s", "--output-format", "arrows"]).success().get_output().stdout.clone();
    let again = track(piped, &["--series", "series", "--value", "value"]).success();
    assert_eq!(format!("{:?}", rows(&stdout(&again))), format!("{csv:?}"));
}

#[test]
fn many_rows_lose_nothing() {
    let count = 50_000;
    let (folder, path) =
        file("in.arrow", packed(vec![("v", floats((0..count).map(f64::from)))], Some(CompressionType::LZ4_FRAME)));
    let out = folder.path().join("out.arrow");
    track_file(path.to_str().unwrap(), &["--output", out.to_str().unwrap()]).success();
    let batches = FileReader::try_new(File::open(&out).unwrap(), None).unwrap().map(Result::unwrap);
    let values: Vec<f64> =
        batches.flat_map(|batch| batch.column(2).as_primitive::<Float64Type>().values().to_vec()).collect();
    assert!(values.into_iter().eq((0..count).map(f64::from)));
}

#[test]
fn what_is_cut_off_is_said() {
    let whole = fs::read(foreign("texts_lz4.feather")).unwrap();
    let (folder, path) = file("cut.arrow", &whole);
    let out = folder.path().join("out.csv");
    fs::write(&out, "older").unwrap();
    for length in [0, 3, 6, 8, 12, 100, whole.len() / 2, whole.len() - 8, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let run = track_file(path.to_str().unwrap(), &["--output", out.to_str().unwrap()]).code(2);
        assert!(stderr(&run).contains("cut.arrow is not a complete Arrow file"), "{length}: {}", stderr(&run));
        assert_eq!(fs::read_to_string(&out).unwrap(), "older");
    }
    let stream = fs::read(foreign("texts.arrows")).unwrap();
    for length in [5, 100, stream.len() - 20] {
        let run = track(&stream[..length], &["--format", "arrow"]).code(2);
        assert!(stderr(&run).contains("it ends within a message"), "{length}: {}", stderr(&run));
    }
}

#[test]
fn no_byte_breaks_the_program() {
    // What repeats is packed.
    let columns = || {
        let names: DictionaryArray<Int32Type> = (0..200).map(|row| ["x", "y"][row % 2]).collect();
        let text = (0..200).map(|row| Some(["text", "that is longer than twelve"][row % 2]));
        let text: ArrayRef = Arc::new(text.collect::<StringArray>());
        vec![("t", Arc::new(names) as ArrayRef), ("u", text), ("v", floats((0..200).map(|row| f64::from(row / 50))))]
    };
    for by in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        let whole = packed(columns(), by);
        let (_folder, path) = file("made.arrow", &whole);
        let mut unlike = 0;
        for (round, place) in (4..whole.len()).step_by(61).enumerate() {
            for mask in [0x40, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= mask;
                fs::write(&path, bytes).unwrap();
                let args = [["--series", "t"], ["--time", "u"]][round % 2];
                let run = track_file(path.to_str().unwrap(), &args);
                let code = run.get_output().status.code();
                assert!(matches!(code, Some(0 | 2)), "byte {place} {mask} {by:?}: {code:?} {}", stderr(&run));
                assert!(!stderr(&run).contains("panicked"), "byte {place}: {}", stderr(&run));
                unlike += u32::from(code == Some(2));
            }
        }
        assert!(unlike > 10, "that much can be wrong: {unlike}");
        // A size that no memory has: its upper bytes come before what is packed.
        let sizes =
            (0..whole.len() - 16).step_by(8).filter(|place| whole[place + 8..].starts_with(&[0x04, 0x22, 0x4d, 0x18]));
        let sizes: Vec<usize> = sizes.collect();
        assert_eq!(by == Some(CompressionType::LZ4_FRAME), !sizes.is_empty());
        for place in sizes {
            let mut bytes = whole.clone();
            bytes[place + 6] = 0x10;
            fs::write(&path, bytes).unwrap();
            let run = track_file(path.to_str().unwrap(), &["--series", "t"]).code(2);
            assert!(stderr(&run).contains("no memory for"), "{}", stderr(&run));
        }
    }
}
