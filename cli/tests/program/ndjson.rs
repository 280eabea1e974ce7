//! What is read from NDJSON, and how NDJSON is written.

use crate::support::{pipe, samples, stderr, stdout, track};
use predicates::prelude::*;
use serde_json::Value;

fn as_csv(input: &str, args: &[&str]) -> Vec<String> {
    samples(&track(input, &[args, &["--output-format", "csv"]].concat()).success())
}

#[test]
fn wide_numeric_members_are_series() {
    let input = "{\"t\":\"T1\",\"a\":1,\"host\":\"web\",\"deep\":{\"b\":1},\"list\":[1]}\n\n{\"b\":2.5,\"a\":null,\"t\":\"T2\"}\n";
    assert_eq!(as_csv(input, &[]), ["T1 a 1", "T1 deep.b 1", "T2 b 2.5", "T2 a -"]);
    assert_eq!(as_csv(input, &["--value", "b"]), ["T2 b 2.5"]);
    assert_eq!(as_csv(input, &["--value", "deep.b"]), ["T1 deep.b 1"]);
}

#[test]
fn long_members() {
    let input = "{\"t\":\"T1\",\"s\":\"x\",\"v\":1}\n{\"t\":\"T2\",\"s\":7,\"v\":\"inf\"}\n{\"t\":\"T3\",\"s\":\"x\",\"v\":null}\n";
    assert_eq!(as_csv(input, &["--series", "s"]), ["T1 x 1", "T2 7 inf", "T3 x -"]);
    assert_eq!(as_csv(input, &["--series", "s", "--value", "v"]), ["T1 x 1", "T2 7 inf", "T3 x -"]);
    let input = "{\"s\":\"x\",\"v\":1,\"w\":2}\n{\"s\":\"x\",\"v\":3,\"w\":null}\n";
    let expected = ["1 x.v 1", "1 x.w 2", "2 x.v 3", "2 x.w -"];
    assert_eq!(as_csv(input, &["--series", "s", "--value", "v", "--value", "w"]), expected);
}

#[test]
fn a_numeric_time_is_named_and_keeps_its_digits() {
    let run = track("{\"ts\":1700000000.50,\"a\":1}\n", &["--time", "ts"]).success();
    assert!(stdout(&run).starts_with("{\"time\":1700000000.50,\"series\":\"a\","), "{}", stdout(&run));
}

#[test]
fn escapes_are_read_and_written() {
    let run = track("{\"t\":\"T\\n1\",\"a\\u00e9\\\"\":1}\n", &[]).success();
    let row: Value = serde_json::from_str(&stdout(&run)).unwrap();
    assert_eq!((row["time"].as_str(), row["series"].as_str()), (Some("T\n1"), Some("a\u{e9}\"")));
}

#[test]
fn the_output_is_ndjson_with_null_and_infinities_as_text() {
    let run = track("t,a\nT1,1\nT2,\nT,1\nT,1\nT,1\nT,1\nT3,inf\n,2\n", &["--output-format", "ndjson"]).success();
    let rows: Vec<Value> = stdout(&run).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len(), 8);
    let keys: Vec<_> = ["time", "series", "value", "location", "scale", "score", "outlier"].into();
    for row in &rows {
        let mut expected = keys.clone();
        expected.sort_unstable();
        assert_eq!(row.as_object().unwrap().keys().map(String::as_str).collect::<Vec<_>>(), expected);
    }
    assert_eq!((&rows[0]["value"], &rows[0]["score"]), (&Value::from(1.0), &Value::Null));
    assert_eq!(rows[1]["value"], Value::Null);
    assert_eq!((&rows[6]["value"], &rows[6]["outlier"]), (&Value::from("inf"), &Value::from(true)));
    assert_eq!(rows[7]["time"], Value::Null);
    // What was written can be read again.
    assert_eq!(
        as_csv(&stdout(&run), &["--series", "series", "--value", "value"]),
        ["T1 a 1", "T2 a -", "T a 1", "T a 1", "T a 1", "T a 1", "T3 a inf", " a 2"]
    );
}

#[test]
fn bad_lines_and_cells_are_reported_and_skipped() {
    let input = "{\"t\":\"T1\",\"a\":1,\"b\":1}\n{\"t\":\"T2\",\"a\":}\n[1]\n{\"t\":\"T4\",\"a\":true,\"b\":4}\n{\"t\":\"T5\",\"a\":5}\nnonsense";
    let run = track(input, &["--output-format", "csv"]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T1 b 1", "T4 b 4", "T5 a 5"]);
    let said = stderr(&run);
    for what in ["line 2: ", "line 3: ", "line 4: \"true\" is not a number (column a)", "line 6: ", "bad rows 3"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
    track(input, &["--strict"]).code(1).stderr(predicate::str::contains("line 2: "));
}

#[test]
fn missing_members_name_those_that_exist() {
    let input = "{\"t\":\"T1\",\"a\":1}\n";
    for args in [&["--time", "x"][..], &["--series", "x"], &["--series", "t", "--value", "x"], &["--value", "x"]] {
        track(input, args).code(2).stderr(predicate::str::contains("\"t\", \"a\"")).stdout("");
    }
    track("{\"s\":\"x\",\"a\":1,\"b\":2}\n", &["--series", "s"]).code(2).stderr(predicate::str::contains("--value"));
    track("{\"s\":\"x\"}\n", &[]).code(2).stderr(predicate::str::contains("no member holds numbers"));
    track("[1]\n", &["--format", "ndjson"]).code(2).stderr(predicate::str::contains("no line is a JSON object"));
}

#[test]
fn a_member_is_one_thing() {
    let input = "{\"t\":\"T1\",\"a\":1}\n";
    for args in
        [&["--time", "a", "--value", "a"][..], &["--time", "t", "--series", "t"], &["--series", "a", "--value", "a"]]
    {
        track(input, args).code(2).stdout("").stderr(predicate::str::contains("two things at once"));
    }
}

#[test]
fn a_series_does_not_become_the_time() {
    let input = "{\"a\":1,\"b\":2}\n{\"a\":2,\"b\":\"x\"}\n{\"a\":3,\"b\":5}\n";
    let run = track(input, &["--output-format", "csv"]).success();
    let text = stdout(&run);
    assert!(text.lines().last().unwrap().starts_with("3,b,5.0,"), "{text}");
}

#[test]
fn the_time_is_found_by_its_name_or_by_its_look_and_is_no_word() {
    let time = |input: &str| {
        let run = track(input, &["--output-format", "csv"]).success();
        let said = stderr(&run);
        said.lines().find_map(|line| Some(line.split_once("time: ")?.1.to_owned())).unwrap_or_default()
    };
    for (input, expected) in [
        ("{\"level\":30,\"time\":1795820156760,\"ms\":2}", "`time`, milliseconds since 1970"),
        ("{\"level\":\"info\",\"ms\":2,\"at\":\"2024-05-01T10:00:00Z\"}", "`at`, dates with an offset"),
        ("{\"host\":\"a\",\"v\":2}", "none, rows are numbered"),
        ("{\"v\":1}\n{\"v\":2,\"ts\":\"2024-05-01\"}", "`ts`, dates without an offset, taken as UTC"),
        ("{\"time\":null,\"v\":1}\n{\"v\":2,\"time\":1700000000}", "`time`, seconds since 1970"),
        ("{\"d\":{\"time\":\"2024-05-01T10:00:00Z\"},\"v\":2}", "`d.time`, dates with an offset"),
        ("{\"time\":\"22:54:48\",\"v\":1}", "`time`, only shown: \"22:54:48\" is a time of day without a date"),
    ] {
        assert_eq!(time(input), expected, "{input}");
    }
    // Rows before the time are numbered.
    assert_eq!(as_csv("{\"v\":1}\n{\"v\":2,\"ts\":\"2024-05-01\"}\n", &[]), ["1 v 1", "2024-05-01 v 2"]);
}

#[test]
fn numbers_in_quotes_are_numbers_unless_words_stand_there() {
    let input = "{\"cpu\":\"all\",\"v\":\"1.5\",\"w\":\"N/A\"}\n{\"cpu\":\"0\",\"v\":\"N/A\",\"w\":\"2\"}\n{\"cpu\":\"1\",\"v\":\"-99\",\"w\":3}\n";
    assert_eq!(as_csv(input, &[]), ["1 v 1.5", "2 v -", "2 w 2", "3 v -99", "3 w 3"]);
    assert_eq!(as_csv(input, &["--missing", "-99", "--value", "v"]), ["1 v 1.5", "2 v -", "3 v -"]);
    assert_eq!(as_csv(input, &["--series", "cpu", "--value", "v"]), ["1 all 1.5", "2 0 -", "3 1 -99"]);
    let out = stdout(&pipe(input, &["--quiet"]).success());
    let second = out.lines().nth(1).unwrap();
    assert!(second.contains("\"w_location\":2") && !second.contains("cpu_"), "{out}");
}

#[test]
fn bare_words_for_numbers_are_read() {
    let input = "{\"t\":\"T1\",\"a\":NaN,\"b\":1}\n{\"t\":\"T2\",\"a\":-Infinity,\"b\":nan}\n{\"t\":\"NaN,\",\"a\":-nan,\"b\":Infinity}\n";
    assert_eq!(as_csv(input, &[]), ["T1 b 1", "T2 a -inf", "T2 b -", "NaN, a -", "NaN, b inf"]);
    let out = stdout(&pipe(input, &["--quiet"]).success());
    assert!(out.starts_with("{\"t\":\"T1\",\"a\":NaN,\"b\":1,\"b_location\":1"), "{out}");
    track("{\"a\":NotANumber}\n{\"a\":1}\n", &["--strict"]).code(1).stderr(predicate::str::contains("line 1"));
}

#[test]
fn what_is_no_number_is_described_once_a_member() {
    let input = "{\"a\":1,\"b\":1}\n{\"a\":\"x\",\"b\":2}\n{\"a\":\"y\",\"b\":\"z\"}\n{\"a\":\"w\",\"b\":3}\n";
    let run = track(input, &[]).success();
    let said = stderr(&run);
    assert_eq!(said.matches("is not a number").count(), 2, "{said}");
    assert!(
        said.contains("line 2: \"x\"") && said.contains("line 3: \"z\"") && said.contains("bad values 4"),
        "{said}"
    );
}

#[test]
fn members_of_objects_within_are_named_by_paths() {
    let input = "{\"type\":\"Metric\",\"data\":{\"name\":\"reqs\"}}\n\
                 {\"metric\":\"reqs\",\"data\":{\"time\":\"2024-05-01T10:10:01Z\",\"value\":1,\"tags\":{\"m\":\"GET\"}}}\n";
    let run = track(
        input,
        &["--series", "metric", "--series", "data.tags.m", "--value", "data.value", "--output-format", "csv"],
    );
    let run = run.success();
    assert_eq!(samples(&run), ["2024-05-01T10:10:01Z reqs/GET 1"]);
    // An object without a number is not bad.
    assert!(stderr(&run).contains("bad rows 0"), "{}", stderr(&run));
    let named = ["--series", "metric", "--value", "data.value", "--time", "data.time"];
    assert_eq!(as_csv(input, &named), ["2024-05-01T10:10:01Z reqs 1"]);
    // A name with a dot in it comes first.
    assert_eq!(as_csv("{\"a\":{\"b\":1},\"a.b\":2}\n", &["--value", "a.b"]), ["1 a.b 2"]);
    assert_eq!(as_csv("{\"a\":{\"b\":1},\"a.b\":2}\n", &[]), ["1 a.b 2"]);
    // What is text stays text.
    track("{\"payload\":\"{\\\"t\\\":1}\"}\n", &[]).code(2).stderr(predicate::str::contains("no member holds numbers"));
    let out = stdout(&pipe("{\"d\":{\"v\":1}}\n", &["--quiet"]).success());
    assert_eq!(out, "{\"d\":{\"v\":1},\"d.v_location\":1.0,\"d.v_scale\":0.5}\n");
    // What comes through a second time comes out as it is.
    assert_eq!(stdout(&pipe(out.clone(), &["--quiet"]).success()), out);
}

#[test]
fn a_member_that_names_series_is_named_at_the_end() {
    let hint = |input: &str, args: &[&str]| {
        let said = stderr(&track(input, args).success());
        said.lines().find_map(|line| Some(line.split_once(" repeats ")?.1.to_owned()))
    };
    let row = |time: u32, cpu: &str| format!("{{\"time\":{time},\"unit\":\"ms\",\"cpu\":\"{cpu}\",\"v\":1}}\n");
    let cpus = |time| [row(time, "all"), row(time, "0"), row(time, "1")].concat();
    let input = cpus(1_700_000_000) + &cpus(1_700_000_001);
    assert_eq!(hint(&input, &[]).as_deref(), Some("3 values: --series cpu?"));
    assert_eq!(hint(&input, &["--series", "cpu"]), None);
    assert_eq!(hint(&input, &["--quiet"]), None);
    // A member with one value, or with another in each row, names none.
    let alone: String = (0..6).map(|time| row(1_700_000_000 + time, "all")).collect();
    assert_eq!(hint(&alone, &[]), None);
    let message: String = (0..6).map(|time| row(1_700_000_000 + time, &format!("m{time}"))).collect();
    assert_eq!(hint(&message, &[]), None);
}
