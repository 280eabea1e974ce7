//! `pipe` on NDJSON and CSV: the numbers that are added are those of `track`, and everything else is as it was.

use crate::support::{count, noise, pipe, rows, stderr, stdout, track};
use predicates::str::contains;
use serde_json::Value;
use std::fmt::Write;

/// Two columns of numbers, one of text and one of times, with gaps, outliers and infinities.
fn table(count: usize) -> Vec<[String; 4]> {
    let mut noise = noise(5);
    let mut row = |index: usize| {
        let number = |spike: bool, level: f64| if spike { "1e9".to_owned() } else { level.to_string() };
        let a = number(index % 61 == 40, 5.0 + noise.next().unwrap());
        let b = match index % 50 {
            7 => "inf".to_owned(),
            8 => String::new(),
            _ => format!("{}", (100.0 + 4.0 * noise.next().unwrap()).round()),
        };
        [format!("T{index}"), a, format!("text, \"{index}\""), b]
    };
    (0..count).map(&mut row).collect()
}

/// Location, scale and score of every sample as `track` has them; what is not finite is no number.
fn tracked(input: String, args: &[&str]) -> Vec<[Option<f64>; 3]> {
    let finite = |number: f64| Some(number).filter(|number| number.is_finite());
    let run = track(input, &[args, &["--output-format", "csv"]].concat()).success();
    rows(&stdout(&run)).iter().map(|row| [row.location, row.scale, row.score].map(finite)).collect()
}

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

#[test]
fn a_wide_csv_gains_columns() {
    let mut input = "time,a,\"no\"\"te\",b\r\n".to_owned();
    for [time, a, note, b] in table(500) {
        write!(input, "{time}, {a} ,{},{b}\r\n", quoted(&note)).unwrap();
    }
    let run = pipe(input.clone(), &["--format", "csv"]).success();
    let output = stdout(&run);
    let header = "time,a,\"no\"\"te\",b,a_location,a_scale,a_score,b_location,b_scale,b_score";
    assert_eq!(output.lines().next().unwrap(), header);
    let expected = tracked(input.clone(), &[]);
    let mut samples = expected.chunks(2);
    let mut reader = csv::Reader::from_reader(output.as_bytes());
    for (line, (before, after)) in input.split_inclusive('\n').zip(output.split_inclusive('\n')).enumerate() {
        let (text, end) = before.split_at(before.len() - 2);
        assert!(after.starts_with(text) && after.ends_with(end), "{before:?} in {after:?}");
        if line > 0 {
            let record = reader.records().next().unwrap().unwrap();
            let found: Vec<Option<f64>> = record.iter().skip(4).map(|cell| cell.parse().ok()).collect();
            assert_eq!(found, samples.next().unwrap().concat(), "{after:?}");
        }
    }
    assert_eq!(samples.next(), None);
}

#[test]
fn a_long_csv_gains_columns() {
    let mut input = "time,host,cpu,\"disk,x\"\n".to_owned();
    for (index, [time, a, _, b]) in table(300).into_iter().enumerate() {
        writeln!(input, "{time},{},{a},{b}", ["web", "\"d,b\"", "web 2"][index % 3]).unwrap();
    }
    for args in [&["--value", "cpu", "--value", "disk,x"][..], &["--value", "disk,x"]] {
        let args = [&["--series", "host"], args].concat();
        let expected = tracked(input.clone(), &args);
        let run = pipe(input.clone(), &[&args, &["--format", "csv"][..]].concat()).success();
        let output = stdout(&run);
        let mut reader = csv::Reader::from_reader(output.as_bytes());
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        assert_eq!(header[header.len() - 1], "disk,x_score");
        let found: Vec<Option<f64>> = reader
            .records()
            .flat_map(|record| record.unwrap().iter().skip(4).map(|cell| cell.parse().ok()).collect::<Vec<_>>())
            .collect();
        assert_eq!(found, expected.concat());
        for (before, after) in input.lines().zip(output.lines()) {
            assert!(after.starts_with(&format!("{before},")), "{before:?} in {after:?}");
        }
    }
    // The only column of numbers need not be named, and a row without a name is nobody's.
    let run =
        pipe("when,host,cpu\n1,web,5\n2,,6\n", &["--format", "csv", "--series", "host", "--time", "when"]).success();
    let expected = "when,host,cpu,cpu_location,cpu_scale,cpu_score\n1,web,5,5.0,0.5,\n2,,6,,,\n";
    assert_eq!((stdout(&run).as_str(), count(&run, "series")), (expected, 1));
}

#[test]
fn objects_gain_members() {
    let mut input = String::new();
    for (index, [time, a, note, b]) in table(400).into_iter().enumerate() {
        let b = if b.is_empty() { "null".to_owned() } else { b.replace("inf", "\"inf\"") };
        let note = serde_json::to_string(&note).unwrap();
        match index % 3 {
            0 => writeln!(input, "{{\"t\":\"{time}\",\"a\":{a},\"note\":{note},\"b\":{b}}}").unwrap(),
            1 => writeln!(input, " {{ \"note\" : {note}, \"a\": {a}, \"deep\":{{\"a\":1}},\"b\":{b} }} \r").unwrap(),
            _ => writeln!(input, "{{\"b\":{b},\"list\":[1,2],\"a\":{a}}}").unwrap(),
        }
    }
    let args = ["--value", "a", "--value", "b"];
    let run = pipe(input.clone(), &args).success();
    let output = stdout(&run);
    let expected = tracked(input.clone(), &[&args, &["--format", "ndjson"][..]].concat());
    let mut expected = expected.into_iter();
    for (before, after) in input.split_inclusive('\n').zip(output.split_inclusive('\n')) {
        let at = before.rfind('}').unwrap();
        assert!(after.starts_with(&before[..at]) && after.ends_with(&before[at..]), "{before:?} in {after:?}");
        let (old, new): (Value, Value) = (serde_json::from_str(before).unwrap(), serde_json::from_str(after).unwrap());
        let order = if before.find("\"a\"").unwrap() < before.find("\"b\"").unwrap() { ["a", "b"] } else { ["b", "a"] };
        let mut more = 0;
        for name in order {
            for (ending, number) in ["location", "scale", "score"].into_iter().zip(expected.next().unwrap()) {
                assert_eq!(new.get(format!("{name}_{ending}")).and_then(Value::as_f64), number, "{after:?}");
                more += usize::from(number.is_some());
            }
        }
        assert_eq!(new.as_object().unwrap().len(), old.as_object().unwrap().len() + more, "{after:?}");
    }
    assert_eq!(expected.next(), None);
}

#[test]
fn objects_of_many_series_and_other_objects() {
    let input = "{\"h\":\"a\",\"x\":1,\"y\":2}\n{\"h\":7,\"x\":3}\n{\"x\":4}\n{\"h\":null,\"x\":4}\n\n{\"other\":true}\n{}\n{\"h\":\"a\",\"x\":1}\n";
    let run = pipe(input, &["--series", "h"]).success();
    let expected = "{\"h\":\"a\",\"x\":1,\"y\":2,\"x_location\":1.0,\"x_scale\":0.5,\"y_location\":2.0,\"y_scale\":0.5}\n\
        {\"h\":7,\"x\":3,\"x_location\":3.0,\"x_scale\":0.5}\n{\"x\":4}\n{\"h\":null,\"x\":4}\n\n{\"other\":true}\n{}\n\
        {\"h\":\"a\",\"x\":1,\"x_location\":1.0,\"x_scale\":0.5}\n";
    assert_eq!(stdout(&run), expected);
    assert_eq!((count(&run, "lines"), count(&run, "series"), count(&run, "samples")), (8, 3, 4));
    // Without the option they are all of one.
    assert_eq!(count(&pipe(input, &[]).success(), "series"), 3);
}

#[test]
fn names_with_escapes_stay_names() {
    let run = pipe("{\"a\\\"\\u00e9\":1,\"a\\\"\\u00e9_scale\":\"x\",\"\\n\":1}\n", &[]).success();
    let expected =
        "{\"a\\\"\\u00e9\":1,\"a\\\"\\u00e9_scale\":\"x\",\"\\n\":1,\"\\n_location\":1.0,\"\\n_scale\":0.5}\n";
    assert_eq!(stdout(&run), expected);
    assert_eq!(count(&run, "names taken"), 1);
}

#[test]
fn a_second_time_through_nothing_changes() {
    let mut csv = "time,a,b\n".to_owned();
    let mut ndjson = String::new();
    for [time, a, _, b] in table(60) {
        writeln!(csv, "{time},{a},{b}").unwrap();
        writeln!(ndjson, "{{\"t\":\"{time}\",\"a\":{a}}}").unwrap();
    }
    for (input, format) in [(csv, "csv"), (ndjson, "ndjson")] {
        let once = stdout(&pipe(input, &["--format", format]).success());
        let run = pipe(once.clone(), &["--format", format]).success();
        assert_eq!(stdout(&run), once);
        assert_eq!(count(&run, "series"), 0);
    }
}

#[test]
fn bad_rows_are_dropped_and_bad_cells_left_empty() {
    let input = "t,a,b\nT0,1,1\nT1,x,2\nshort\nT2,\"3,4\nT3,4,5\n";
    let run = pipe(input, &["--format", "csv", "--resolution", "1"]).success();
    let expected = "t,a,b,a_location,a_scale,a_score,b_location,b_scale,b_score\nT0,1,1,1.0,0.5,,1.0,0.5,\n\
                    T1,x,2,,,,1.0,2.0,\nT3,4,5,1.0,6.0,,2.0,2.0,";
    assert!(stdout(&run).starts_with(expected), "{}", stdout(&run));
    let said = stderr(&run);
    for what in [
        "line 3: \"x\" is not a number (column a)",
        "line 4: 1 fields, where the header has 3",
        "line 5: a quote",
        "lines 6, rows 5, bad rows 2, bad values 1,",
    ] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
    pipe(input, &["--format", "csv", "--strict"]).code(1).stderr(contains("line 3: "));

    let input = "{\"a\":1}\n{\"a\":\n[1]\n{\"a\":\"x\"}\n{\"a\":true}\n{\"a\":2}\n";
    let run = pipe(input, &["--value", "a"]).success();
    assert_eq!(stdout(&run).lines().count(), 4);
    assert_eq!((count(&run, "bad rows"), count(&run, "bad values"), count(&run, "samples")), (2, 2, 2));
    // A member that nobody named is no number unless it is one.
    let run = pipe(input, &[]).success();
    assert_eq!((count(&run, "bad rows"), count(&run, "bad values"), count(&run, "samples")), (2, 0, 2));
}

#[test]
fn columns_that_show_themselves_late() {
    let input = "t,a,empty,note,late\nT0,1,,,x\nT1,2,5,n1,y\nT2,3,6,n2,7\nT3,3,6,n3,8\n";
    let run = pipe(input, &["--format", "csv"]).success();
    let header = stdout(&run).lines().next().unwrap().to_owned();
    let expected = "t,a,empty,note,late,a_location,a_scale,a_score,empty_location,empty_scale,empty_score,\
                    note_location,note_scale,note_score";
    assert_eq!(header, expected);
    assert!(stdout(&run).lines().all(|line| line.matches(',').count() == 13), "{}", stdout(&run));
    let input = "t,a,late\nT0,1,x\nT1,2,7\nT2,3,8\n";
    let run = pipe(input, &["--format", "csv"]).success();
    assert!(stderr(&run).contains("--value late follows it"), "{}", stderr(&run));
    let run = pipe(input, &["--format", "csv", "--value", "late"]).success();
    assert!(stdout(&run).contains("T1,2,7,7.0,0.5,\n"), "{}", stdout(&run));
}

#[test]
fn rows_without_a_number_come_out() {
    let input = "time,x\n2024-01-01,oops\n2024-01-02,5\n2024-01-03,oops\n";
    let run = pipe(input, &["--format", "csv"]).success();
    let expected = "time,x,x_location,x_scale,x_score\n2024-01-01,oops,,,\n2024-01-02,5,5.0,0.5,\n2024-01-03,oops,,,\n";
    assert_eq!((stdout(&run).as_str(), count(&run, "bad rows"), count(&run, "bad values")), (expected, 0, 2));
    assert!(stderr(&run).contains("line 2: no column holds a number"), "{}", stderr(&run));

    let run = pipe("host,msg\na,b\nc,d\n", &["--format", "csv"]).success();
    assert_eq!(stdout(&run), "host,msg,msg_location,msg_scale,msg_score\na,b,,,\nc,d,,,\n");
    let run = pipe("host,cpu\na,oops\na,5\n", &["--format", "csv", "--series", "host"]).success();
    assert_eq!(stdout(&run), "host,cpu,cpu_location,cpu_scale,cpu_score\na,oops,,,\na,5,5.0,0.5,\n");
    // Later ones, too, where none has held a number yet.
    let run = pipe("t,a,b\nT,,x\nT,y,z\nT,5,6\n", &["--format", "csv"]).success();
    assert_eq!(stdout(&run), "t,a,b,a_location,a_scale,a_score\nT,,x,,,\nT,y,z,,,\nT,5,6,5.0,0.5,\n");
}

#[test]
fn blank_lines_of_a_table_pass() {
    let input = "\n \r\na,b\n\n\n1,2\n\t\n3,4\n\n";
    let run = pipe(input, &["--format", "csv"]).success();
    let blank = |text: &str| text.split('\n').map(|line| line.trim().is_empty()).collect::<Vec<_>>();
    assert_eq!(blank(&stdout(&run)), blank(input));
    assert!(stdout(&run).starts_with("\n \r\na,b,a_location") && stdout(&run).contains("\n\t\n3,4,"));
    assert_eq!((count(&run, "lines"), count(&run, "samples")), (9, 4));
}

#[test]
fn a_byte_order_mark_comes_out() {
    for (input, args) in [
        ("m f=1\n", &[][..]),
        ("{\"a\":1}\n", &[]),
        ("{\"a\":1}\n", &["--format", "ndjson"]),
        ("t,a\nT,1\n", &["--format", "csv"]),
    ] {
        let plain = stdout(&pipe(input, args).success());
        assert!(plain.contains("_location"), "{plain}");
        pipe(format!("\u{feff}{input}"), args).success().stdout(format!("\u{feff}{plain}"));
    }
}

#[test]
fn a_time_column_that_begins_empty_is_no_series() {
    let input = "time,x\n,1\n2024-01-01,2\n2024-01-02,3\n";
    let run = pipe(input, &["--format", "csv", "--half-life", "1d"]).success();
    assert_eq!(stdout(&run).lines().next(), Some("time,x,x_location,x_scale,x_score"));
    assert_eq!((count(&run, "samples"), count(&run, "without time"), count(&run, "bad values")), (2, 1, 1));
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    for (input, args, option) in [
        ("m f=1\n", &["--value", "f"][..], "--value has no meaning for influx"),
        ("m f=1\n", &["--format", "influx", "--series", "s"], "--series has no meaning for influx"),
        ("m f=1\n", &["--time", "t"], "--time has no meaning for influx"),
        ("{\"f\":1}\n", &["--precision", "s"], "--precision has no meaning for ndjson"),
        ("f\n1\n", &["--format", "csv", "--precision", "ns"], "--precision has no meaning for csv"),
    ] {
        pipe(input, args).code(2).stdout("").stderr(contains(option));
    }
}

#[test]
fn members_that_are_not_there_are_told() {
    let args = ["--time", "tiem", "--series", "h", "--value", "v", "--half-life", "1h"];
    for count in [1, 99, 100, 300] {
        let said = stderr(&pipe("{\"h\":\"a\",\"v\":1}\n".repeat(count), &args).success());
        let telling = format!("--time tiem: none of the first {} objects has this member", count.min(100));
        assert_eq!(said.matches(&telling).count(), 1, "{said}");
        assert_eq!(said.matches("has this member").count(), 1, "{said}");
    }
}

#[test]
fn a_table_without_rows_is_its_header() {
    for (input, args) in [("t,a\n", &[][..]), ("t,a\r\n", &[]), ("t,a\n", &["--series", "t"]), ("", &[]), ("\n", &[])] {
        let run = pipe(input, &[&["--format", "csv"], args].concat()).success();
        assert_eq!(stdout(&run), input);
    }
    pipe("t,a\n", &["--format", "csv", "--value", "a"]).success().stdout("t,a,a_location,a_scale,a_score\n");
    pipe("t,a\n", &["--format", "csv", "--value", "x"]).code(2).stdout("").stderr(contains("there are \"t\", \"a\""));
    pipe("t,a\n", &["--format", "csv", "--value", "a", "--time", "a"]).code(2).stderr(contains("two things at once"));
}

#[test]
fn the_format_is_told_by_the_first_line() {
    assert_eq!(stdout(&pipe("\n {\"a\":1}\n", &[]).success()), "\n {\"a\":1,\"a_location\":1.0,\"a_scale\":0.5}\n");
    // A point may begin like an object, but no line is both.
    assert_eq!(stdout(&pipe("{\"a\" f=1i\n", &[]).success()), "{\"a\" f=1i,f_location=1.0,f_scale=0.5\n");
    // One that is broken, too, is no reason to take all for something else.
    let run = pipe("{\"a\":\n{\"a\":1}\n", &[]).success();
    assert_eq!((stdout(&run).as_str(), count(&run, "bad rows")), ("{\"a\":1,\"a_location\":1.0,\"a_scale\":0.5}\n", 1));
    let run = pipe("{\"a\":1}\n", &["--format", "influx"]).success();
    assert_eq!((stdout(&run), count(&run, "bad rows")), (String::new(), 1));
}
