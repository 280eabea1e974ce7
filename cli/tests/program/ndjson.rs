//! What is read from NDJSON, and how NDJSON is written.

use crate::support::{samples, stderr, stdout, track};
use predicates::prelude::*;
use serde_json::Value;

fn as_csv(input: &str, args: &[&str]) -> Vec<String> {
    samples(&track(input, &[args, &["--output-format", "csv"]].concat()).success())
}

#[test]
fn wide_numeric_members_are_series() {
    let input = "{\"t\":\"T1\",\"a\":1,\"host\":\"web\",\"deep\":{\"b\":1},\"list\":[1]}\n\n{\"b\":2.5,\"a\":null,\"t\":\"T2\"}\n";
    assert_eq!(as_csv(input, &[]), ["T1 a 1", "T2 b 2.5", "T2 a -"]);
    assert_eq!(as_csv(input, &["--value", "b"]), ["T2 b 2.5"]);
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
fn an_array_is_not_taken_for_a_table() {
    track("[{\"a\":1}]\n", &[]).code(2).stderr(predicates::str::contains("one object per line"));
}
