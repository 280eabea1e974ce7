//! Counters are found and named, and followed by their rates where that is wanted.

use crate::support::{count, evenkeel, file, lines, samples, stderr, stdout, track};
use predicates::str::contains;
use std::fs::File;
use std::process::Command;

/// A table of a counter `rx`, which is reset in the middle, a gauge, and the number of the row; `t` in steps of 10 s.
fn table() -> String {
    let mut rx = 0;
    let row = |row: u64| {
        rx = if row == 20 { 30 } else { rx + 100 + row * 37 % 11 };
        format!("{},{rx},{},{row}", 1_704_067_200 + 10 * row, row * 37 % 11)
    };
    format!("time,rx,gauge,row\n{}", lines(0..40, row))
}

const TIME: [&str; 2] = ["--time", "time"];

/// The values of a series, in order.
fn values(run: &assert_cmd::assert::Assert, series: &str) -> Vec<f64> {
    let rows = samples(run).into_iter().filter_map(|row| Some(row.split_once(&format!(" {series} "))?.1.to_owned()));
    rows.map(|value| value.parse().unwrap_or(f64::NAN)).collect()
}

#[test]
fn what_looks_like_a_counter_is_named_at_the_end() {
    let words = "\"rx\" looks like a counter: --rate \"rx\"";
    for command in ["track", "profile", "report"] {
        let args = [&[command, "-"][..], &TIME, if command == "report" { &["--output", "-"] } else { &[] }].concat();
        let run = evenkeel(&args).write_stdin(table()).assert().success();
        assert!(stderr(&run).contains(words), "{command} {}", stderr(&run));
        assert_eq!(stdout(&run).contains("looks like a counter"), command == "report");
        let quiet = evenkeel(&[&args[..], &["--quiet"]].concat()).write_stdin(table()).assert().success();
        assert_eq!(stderr(&quiet), "");
    }
    // Without times there is no rate, and with too few samples nothing to see.
    for text in
        [table().replace("time,rx", "n,rx"), table().lines().take(8).map(|line| line.to_owned() + "\n").collect()]
    {
        let args: &[&str] = if text.starts_with("n,") { &[] } else { &TIME };
        let run = track(text, args).success();
        assert!(!stderr(&run).contains("counter"), "{}", stderr(&run));
    }
    let two = lines(0..20_u32, |row| format!("{},{},{}", 100 + row, row * row, row * row * row));
    let run = track(format!("time,rx,tx\n{two}"), &TIME).success();
    assert!(stderr(&run).contains("\"rx\", \"tx\" look like counters"), "{}", stderr(&run));
}

#[test]
fn a_counter_that_comes_late_is_found() {
    // By then every series has shown that it is none.
    let row = |row: u64, host: &str, value: u64| format!("{},{host},{value}\n", 1_704_067_200 + row);
    let rows = (0..90).map(|at| {
        let late = if at < 30 { String::new() } else { row(at, "late", at * at) };
        row(at, "gauge", at * 37 % 11) + &late
    });
    let text = format!("time,host,v\n{}", rows.collect::<String>());
    let run = track(text, &[&TIME[..], &["--series", "host", "--value", "v"]].concat()).success();
    assert!(stderr(&run).contains("\"late\" looks like a counter"), "{}", stderr(&run));
}

#[test]
fn a_rate_is_per_second_and_survives_resets() {
    for rate in [&["--rate", "rx"][..], &["--rate", "auto", "--rate", "rx"]] {
        let run = track(table(), &[&TIME, rate].concat()).success();
        let rates = values(&run, "rx");
        assert_eq!(rates.len(), 40);
        assert!(rates[0].is_nan(), "the first has none");
        for (row, rate) in rates.iter().enumerate().skip(1) {
            let expected = if row == 20 { 3.0 } else { (100 + row * 37 % 11) as f64 / 10.0 };
            assert!((rate - expected).abs() < 1e-12, "{row} {rate} {expected}");
        }
        assert_eq!(values(&run, "gauge")[5], f64::from(5 * 37 % 11), "the others are as they are");
        assert_eq!(count(&run, "missing"), 1);
        let said = stderr(&run);
        assert!(said.contains("followed by the rate per second: \"rx\"") && !said.contains("looks like"), "{said}");
    }
}

#[test]
fn a_rate_is_of_a_column_or_of_a_series() {
    let text = "t,host,rx\n100,a,10\n100,b,100\n110,a,30\n110,b,400\n";
    for (rate, expected) in [("rx", [2.0, 30.0]), ("a", [2.0, 400.0])] {
        let run = track(text, &["--time", "t", "--series", "host", "--value", "rx", "--rate", rate]).success();
        assert_eq!([values(&run, "a")[1], values(&run, "b")[1]], expected, "{rate}");
    }
    let points =
        "net,host=a rx=10i,tx=5i 100\nnet,host=b rx=1i 100\nnet,host=a rx=30i,tx=6i 110\nnet,host=b rx=2i 110\n";
    let args = ["--format", "influx", "--precision", "s", "--rate", "rx", "--rate", "net,host=a tx"];
    let run = track(points, &args).success();
    assert_eq!(
        [values(&run, "net,host=a rx")[1], values(&run, "net,host=b rx")[1], values(&run, "net,host=a tx")[1]],
        [2.0, 0.1, 0.1]
    );
    let objects = "{\"t\":\"2024-01-01T00:00:00Z\",\"rx\":5}\n{\"t\":\"2024-01-01T00:00:02Z\",\"rx\":9}\n";
    let run = track(objects, &["--rate", "rx", "--output-format", "csv"]).success();
    assert_eq!(values(&run, "rx")[1], 2.0);
}

#[test]
fn auto_finds_the_counters_of_a_file() {
    for name in ["x.csv", "x.csv.gz"] {
        let (_directory, path) = file(name, table());
        for command in ["track", "profile", "report"] {
            let output: &[&str] = if command == "report" { &["--output", "-"] } else { &[] };
            let args =
                [&[command, path.to_str().unwrap(), "--format", "csv", "--rate", "auto"], &TIME[..], output].concat();
            let run = evenkeel(&args).assert().success();
            assert!(stderr(&run).contains("followed by the rate per second: \"rx\"\n"), "{}", stderr(&run));
            assert_eq!(stdout(&run).contains("followed by the rate per second"), command == "report");
            if command == "track" {
                let named = track(table(), &[&TIME[..], &["--rate", "rx"]].concat()).success();
                assert_eq!(stdout(&run), stdout(&named));
            }
        }
    }
    // Standard input is not read twice, be it a file, and a pipe cannot be.
    let rx = lines(0..20_000_u64, |row| format!("{},{}", 1_704_067_200 + row, row * row));
    let (_directory, path) = file("x.csv", format!("time,rx\n{rx}"));
    for input in [&[][..], &["-"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        command.args(["track", "--rate", "auto"]).args(TIME).args(input).stdin(File::open(&path).unwrap());
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("rows 20000,") && said.contains("\"rx\" looks like a counter"), "{said}");
    }
    let run = track(table(), &[&TIME[..], &["--rate", "auto"]].concat()).success();
    assert!(stderr(&run).contains("\"rx\" looks like a counter"), "{}", stderr(&run));
    // Newest first, it is still a counter.
    let text = table();
    let (header, rows) = text.split_once('\n').unwrap();
    let reversed = format!("{header}\n{}", lines(rows.lines().rev(), str::to_owned));
    let (_directory, path) = file("x.csv", reversed);
    let run = evenkeel(&[&["track", path.to_str().unwrap(), "--rate", "auto"], &TIME[..]].concat()).assert().success();
    assert_eq!(stdout(&run), stdout(&track(table(), &[&TIME[..], &["--rate", "rx"]].concat()).success()));
}

#[test]
fn a_rate_that_cannot_be_is_refused() {
    track(table(), &["--time", "time", "--rate", "rxx"])
        .code(2)
        .stderr(contains("--rate rxx: there is no such column"));
    track("a\n1\n2\n", &["--rate", "a"]).code(2).stderr(contains("a rate per second needs a column with the time"));
    let run = track("t,a\n2024-01-01,1\nnever,2\n2024-01-02,86401\n", &["--rate", "a"]).success();
    assert_eq!((values(&run, "a")[1], count(&run, "bad values")), (1.0, 1));
    // What is older than the last one has no rate.
    let run = track("t,a\n100,1\n110,11\n105,12\n120,21\n", &["--time", "t", "--rate", "a"]).success();
    assert_eq!((values(&run, "a")[1..].to_vec(), count(&run, "late")), (vec![1.0, 1.0], 1));
    // ... unless it is sorted first.
    let run = track("t,a\n100,1\n110,11\n105,6\n120,21\n", &["--time", "t", "--rate", "a", "--late", "5s"]).success();
    assert_eq!((values(&run, "a")[1..].to_vec(), count(&run, "late")), (vec![1.0, 1.0, 1.0], 0));
}
