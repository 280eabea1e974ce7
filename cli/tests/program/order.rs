//! Rows that come newest first are turned around, rows that come late are sorted where that is wanted, and rows without any sample
//! are an error.

use crate::pipes;
use crate::support::{count, evenkeel, file, lines, samples, stderr, stdout, track};
use assert_cmd::assert::Assert;
use predicates::str::contains;
use std::io::Write;

const COMMANDS: [&str; 3] = ["track", "profile", "report"];

fn run(command: &str, name: &str, text: &str, args: &[&str]) -> Assert {
    let (_directory, path) = file(name, text);
    let output: &[&str] = if command == "report" { &["--output", "-"] } else { &[] };
    evenkeel(&[&[command, path.to_str().unwrap()], args, output].concat()).assert()
}

/// Rows at these times, in seconds from a moment of 2024, whose value is the time.
fn rows(times: impl IntoIterator<Item = u32>) -> String {
    lines(times, |time| format!("{},{time}", 1_704_067_200 + time))
}

#[test]
fn a_file_that_is_newest_first_is_turned_around() {
    let ascending = format!("time,a\n{}", rows(0..40));
    for (count, text) in [(40, format!("time,a\n{}", rows((0..40).rev()))), (3, format!("time,a\n{}", rows([9, 7, 5])))]
    {
        for args in [&["--time", "time"][..], &["--time", "time", "--half-life", "5s"]] {
            let expected = if count == 40 { ascending.clone() } else { format!("time,a\n{}", rows([5, 7, 9])) };
            let turned = run("track", "x.csv", &text, args).success();
            assert_eq!(stdout(&turned), stdout(&run("track", "x.csv", &expected, args).success()));
            let words = format!("newest first: {count} rows have been turned around");
            assert!(stderr(&turned).contains(&words), "{}", stderr(&turned));
            for command in COMMANDS {
                run(command, "x.csv", &text, args).success().stderr(contains(&words));
            }
        }
    }
}

#[test]
fn a_long_table_and_points_are_turned_around_too() {
    let table =
        "t,s,v\n2024-01-03,x,5\n2024-01-03,y,6\n2024-01-02,x,3\n2024-01-02,y,4\n2024-01-01,x,1\n2024-01-01,y,2\n";
    let turned = run("track", "x.csv", table, &["--series", "s"]).success();
    let expected =
        ["2024-01-01 y 2", "2024-01-01 x 1", "2024-01-02 y 4", "2024-01-02 x 3", "2024-01-03 y 6", "2024-01-03 x 5"];
    assert_eq!(samples(&turned), expected);
    let points = "m a=3 3000000000\nm a=2 2000000000\nm a=1,b=7 1000000000\n";
    let turned = run("track", "x.lp", points, &[]).success();
    assert_eq!(samples(&turned), ["1000000000 m a 1", "1000000000 m b 7", "2000000000 m a 2", "3000000000 m a 3"]);
}

#[test]
fn what_is_bad_in_a_file_that_is_turned_around_has_its_line() {
    let text = "t,a,b\n2024-01-04,4,1\n2024-01-03,oops,1\nbroken\nnever,9,x\n2024-01-02,2,1\n2024-01-01,1,1\n";
    let turned = run("track", "x.csv", text, &["--half-life", "5d"]).success();
    assert_eq!(
        samples(&turned),
        [
            "2024-01-01 a 1",
            "2024-01-01 b 1",
            "2024-01-02 a 2",
            "2024-01-02 b 1",
            "2024-01-03 b 1",
            "2024-01-04 a 4",
            "2024-01-04 b 1"
        ]
    );
    let said = stderr(&turned);
    for what in ["line 3: \"oops\" is not a number (column a)", "line 4: 1 fields", "line 5: \"never\" is not a time"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
    assert_eq!((count(&turned, "rows"), count(&turned, "bad rows"), count(&turned, "bad values")), (6, 2, 1));
}

#[test]
fn other_orders_stay_as_they_are() {
    for (name, text, args) in [
        ("a rise among the first", format!("time,a\n{}", rows([9, 8, 7, 10, 6, 5, 4])), &["--time", "time"][..]),
        ("a single fall", format!("time,a\n{}", rows([9, 8])), &["--time", "time"]),
        ("no times", "t,a\nT3,3\nT2,2\nT1,1\n".to_owned(), &[]),
        ("row numbers", "a\n3\n2\n1\n".to_owned(), &[]),
        ("falls that come later", format!("time,a\n{}", rows((0..20).chain((0..19).rev()))), &["--time", "time"]),
    ] {
        let as_file = run("track", "x.csv", &text, args).success();
        assert_eq!(stdout(&as_file), stdout(&track(text, args).success()), "{name}");
        assert!(!stderr(&as_file).contains("newest first"), "{name}");
    }
}

#[test]
fn a_file_stopped_by_strict_has_printed_what_came_before() {
    let text = "t,a\n2024-01-01,1\n2024-01-02,2\nbroken\n2024-01-03,3\n";
    assert_eq!(samples(&run("track", "x.csv", text, &["--strict"]).code(1)), ["2024-01-01 a 1", "2024-01-02 a 2"]);
    let one = "t,a\n2024-01-01,1\nbroken\n";
    assert_eq!(samples(&run("track", "x.csv", one, &["--strict"]).code(1)), ["2024-01-01 a 1"]);
    // Of one that is newest first, nothing came before.
    let reversed = "t,a\n2024-01-03,3\n2024-01-02,2\n2024-01-01,1\nbroken\n";
    let said = run("track", "x.csv", reversed, &["--strict"]).code(1).stdout("");
    assert!(!stderr(&said).contains("turned around"), "{}", stderr(&said));
}

#[test]
fn a_pipe_that_is_newest_first_is_refused_as_soon_as_that_is_certain() {
    let mut child = pipes::spawn(&["track", "-", "--time", "time"]);
    let out = pipes::lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"time,a\n").unwrap();
    for time in [9, 9, 8, 7] {
        input.write_all(rows([time]).as_bytes()).unwrap();
        while !pipes::next(&out).contains(&format!(",a,{time}.0,")) {}
    }
    input.write_all(rows([6]).as_bytes()).unwrap();
    let (code, said) = pipes::end(child);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("standard input: the rows come newest first") && said.contains("tac"), "{said}");
    // Two falls may be jitter, and so may be any number once something has risen.
    track(format!("time,a\n{}", rows([9, 8, 7])), &["--time", "time"]).success();
    track(format!("time,a\n{}", rows([1, 9, 8, 7, 6, 5])), &["--time", "time"]).success();
    // What comes late by no more than it may is not newest first.
    let args = ["--time", "time", "--late", "10s"];
    let sorted = track(format!("time,a\n{}", rows([9, 8, 7, 6, 20])), &args).success();
    assert_eq!(samples(&sorted).len(), 5);
    track(format!("time,a\n{}", rows((0..20).rev())), &args).code(2);
}

#[test]
fn late_samples_are_sorted_within_the_window() {
    let shuffled = [3, 1, 2, 0, 6, 5, 4, 9, 7, 8, 12, 10, 11];
    let text = format!("time,a\n{}", rows(shuffled));
    let mut in_order = shuffled;
    in_order.sort_unstable();
    for args in [&["--time", "time", "--late", "3s"][..], &["--time", "time", "--late", "3s", "--half-life", "5s"]] {
        let expected = track(format!("time,a\n{}", rows(in_order)), args).success();
        for sorted in [track(text.clone(), args).success(), run("track", "x.csv", &text, args).success()] {
            assert_eq!(stdout(&sorted), stdout(&expected), "{args:?}");
            assert_eq!(count(&sorted, "late"), 0);
        }
    }
    // What is later than the window, and than the last one of its series, is late, with its line.
    for args in [&["--time", "time", "--late", "2s"][..], &["--time", "time", "--late", "2s", "--half-life", "5s"]] {
        let run = track(format!("time,a\n{}", rows([0, 5, 4, 8, 1, 9])), args).success();
        assert_eq!((count(&run, "late"), count(&run, "samples")), (1, 5), "{}", stderr(&run));
        assert!(stderr(&run).contains("line 6: the sample is 4s older"), "{}", stderr(&run));
        track(format!("time,a\n{}", rows([0, 5, 4, 8, 1, 9])), &[args, &["--strict"]].concat()).code(1);
    }
    // Equal times keep their order, and a series of its own is not late.
    let text = "t,s,v\n100,x,1\n100,x,2\n110,x,3\n101,y,4\n";
    let run = track(text, &["--time", "t", "--series", "s", "--late", "2s"]).success();
    assert_eq!(samples(&run), ["100 x 1", "100 x 2", "101 y 4", "110 x 3"]);
}

#[test]
fn late_needs_times() {
    track("a\n1\n2\n", &["--late", "5s"]).code(2).stderr(contains("--late needs a column with the time"));
    let run = track("t,a\n2024-01-01,1\nnever,2\n2024-01-02,3\n", &["--late", "5s"]).success();
    assert_eq!((count(&run, "samples"), count(&run, "bad rows")), (2, 1));
    track("t,a\n1,1\n", &["--late", "soon"]).code(2).stderr(contains("such as 500ms"));
    for args in [["--late", "5s"], ["--rate", "a"]] {
        evenkeel(&["pipe"]).args(args).write_stdin("m a=1\n").assert().code(2).stderr(contains("unexpected argument"));
    }
}

#[test]
fn with_late_a_pipe_is_held_up_by_the_window_and_no_more() {
    let mut child = pipes::spawn(&["track", "-", "--time", "time", "--late", "2s"]);
    let out = pipes::lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    input.write_all(format!("time,a\n{}", rows([0])).as_bytes()).unwrap();
    for time in 1..20_u32 {
        input.write_all(rows([time]).as_bytes()).unwrap();
        let due = time.checked_sub(2).map(|due| format!(",a,{due}.0,"));
        while due.as_ref().is_some_and(|due| !pipes::next(&out).contains(due)) {}
    }
    drop(input);
    assert!(pipes::next(&out).contains(",a,18.0,") && pipes::next(&out).contains(",a,19.0,"));
}

#[test]
fn rows_without_any_sample_are_an_error() {
    for command in COMMANDS {
        for (text, args, why) in [
            ("t,a\nT1,\nT2,NaN\n", &["--value", "a"][..], "not one sample in 2 rows: every value is missing"),
            ("t,a\nT1,x\nT2,\n", &["--value", "a"], "every value is missing, or no number"),
            ("{\"t\":\"T1\",\"a\":null}\n", &["--format", "ndjson", "--value", "a"], "not one sample in 1 rows"),
            ("m s=\"x\" 1\n", &["--format", "influx"], "not one sample in 1 rows"),
        ] {
            run(command, "x", text, args).code(2).stderr(contains(why));
        }
        run(command, "x.csv", "t,a\nT1,\nT2,1\n", &[]).success();
    }
    // A pipeline goes on.
    evenkeel(&["pipe"]).write_stdin("m s=\"x\" 1\n").assert().success();
}
