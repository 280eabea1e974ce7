//! `pipe` on the influx line protocol: the numbers that are added, and that everything else is as it was.
//!
//! Two other programs say what is right: the crate `influxdb-line-protocol` reads what comes out, and one `Bank` of the library
//! per series follows it by hand.

use crate::support::{count, lines, noise, pipe, stderr, stdout};
use evenkeel::{Bank, CleanedEma, Decay, Resolution};
use influxdb_line_protocol::{FieldValue, parse_lines};
use predicates::prelude::*;
use predicates::str::contains;
use std::collections::HashMap;
use std::fmt::Write;

const ENDINGS: [&str; 3] = ["_location", "_scale", "_score"];

/// What is expected of one line: the bits of each number that should be added, by name.
type Added = HashMap<String, u64>;

/// One estimator for each series.
struct Oracle {
    banks: HashMap<String, Bank<CleanedEma>>,
    rule: CleanedEma,
}

impl Oracle {
    fn new(half_life: f64) -> Self {
        let rule = CleanedEma::new(Decay::half_life(half_life).unwrap());
        Self { banks: HashMap::new(), rule: rule.resolution(Resolution::Learn).unwrap() }
    }

    /// What should be added to a line.
    fn added(&mut self, line: &str) -> Added {
        let mut added = Added::new();
        for point in parse_lines(line) {
            let point = point.unwrap();
            let mut tags: Vec<(String, String)> =
                point.series.tag_set.iter().flatten().map(|(a, b)| (a.into(), b.into())).collect();
            tags.sort();
            for (name, value) in &point.field_set {
                let number = match *value {
                    FieldValue::F64(number) => number,
                    FieldValue::I64(number) => number as f64,
                    FieldValue::U64(number) => number as f64,
                    _ => continue,
                };
                let series = format!("{:?} {tags:?} {:?}", point.series.measurement.as_str(), name.as_str());
                let bank = self.banks.entry(series).or_insert_with(|| Bank::new(self.rule, 1).unwrap());
                let score = bank.observe(0, number).unwrap().score;
                let reading = bank.reading(0).unwrap();
                for (ending, number) in ENDINGS.into_iter().zip([reading.location, reading.scale, score]) {
                    if number.is_finite() {
                        added.insert(format!("{}{ending}", name.as_str()), number.to_bits());
                    }
                }
            }
        }
        added
    }
}

/// Whether a line is another one with something put in behind its fields; gives what that is, and what is in front of it.
fn inserted<'a>(before: &str, after: &'a str) -> Option<(usize, &'a str)> {
    let more = after.len().checked_sub(before.len())?;
    let mut places = (0..=before.len()).filter(|at| before.is_char_boundary(*at));
    let at = places.find(|&at| {
        after.starts_with(&before[..at])
            && after.ends_with(&before[at..])
            && (more == 0 || after[at..].starts_with(','))
    })?;
    Some((at, &after[at..at + more]))
}

/// The lines of a text with their ends, where newlines in strings are none.
fn records(text: &str) -> Vec<&str> {
    influxdb_line_protocol::split_lines(text).filter(|line| !line.is_empty()).collect()
}

fn check(input: &str, args: &[&str], half_life: f64) {
    let run = pipe(input, args).success();
    let output = stdout(&run);
    let (before, after) = (records(input), records(&output));
    assert_eq!(before.len(), after.len(), "{}", stderr(&run));
    let mut oracle = Oracle::new(half_life);
    for (before, after) in before.into_iter().zip(after) {
        let expected = oracle.added(before);
        let (_, text) = inserted(before, after).unwrap_or_else(|| panic!("{before:?} is not in {after:?}"));
        assert_eq!(text.is_empty(), expected.is_empty(), "{after:?}");
        if !text.is_empty() {
            let line = format!("m {}", &text[1..]);
            let point = parse_lines(&line).next().unwrap().unwrap();
            let found: Added = point
                .field_set
                .iter()
                .map(|(name, value)| match value {
                    FieldValue::F64(number) => (name.as_str().to_owned(), number.to_bits()),
                    other => panic!("{other:?} in {after:?}"),
                })
                .collect();
            assert_eq!(found.len(), point.field_set.len(), "no name twice: {after:?}");
            assert_eq!(found, expected, "{after:?}");
        }
        // The whole line is still one for others.
        assert_eq!(parse_lines(after).flatten().count(), parse_lines(before).count(), "{after:?}");
    }
}

/// Points of many series with everything that the protocol has, and outliers.
fn points(count: usize) -> String {
    let mut noise = noise(11);
    let mut text = String::new();
    let strings = [r#""plain""#, r#""a b, c=\"d\" \\""#, "\"two\nlines, f=1\n# and\"", r#""""#, "\"caf\u{e9}\\n\""];
    for index in 0..count {
        let host = ["a", r"b\ c", r"d\,e", r"f\=g", "\u{e9}"][index % 5];
        let tags = match index % 3 {
            0 => format!("host={host},region=eu"),
            1 => format!("region=eu,host={host}"),
            _ => format!("zone=1,host={host}"),
        };
        let level = match index % 97 {
            50 => 1e9,
            0..20 => 20.0, // whole until it is not
            _ => 20.0 + noise.next().unwrap(),
        };
        let count = 100 + index * index % 17 - index % 5 * 20;
        let string = strings[index % strings.len()];
        let measurement = ["cpu", r"disk\ io", r"net\,x"][index % 7 % 3];
        let fields = match index % 4 {
            0 => format!("usage={level:?},n={count}i,on=true,why={string}"),
            1 => format!("why={string},n={count}i,usage={level:e}"),
            2 => format!("big={}u,a\\ b\\,c\\=d={level},usage={}", count, -level),
            _ => format!("why={string},on=F"),
        };
        let time = match index % 6 {
            5 => String::new(),
            4 => "  -5 ".to_owned(),
            _ => format!(" {}", 1_700_000_000_000_000_000_u64 + index as u64),
        };
        writeln!(text, "{measurement},{tags} {fields}{time}").unwrap();
    }
    text
}

#[test]
fn what_is_added_is_what_the_library_says_to_the_bit() {
    check(&points(3000), &[], 60.0);
    check(&points(500), &["--half-life", "7"], 7.0);
}

#[test]
fn one_line_in_full() {
    let input = "cpu,host=a usage=20.5,n=3i,ok=t,s=\"x\" 1700000000000000000\n";
    let expected = "cpu,host=a usage=20.5,n=3i,ok=t,s=\"x\",usage_location=20.5,usage_scale=0.5,n_location=3.0,\
                    n_scale=0.5 1700000000000000000\n";
    assert_eq!(stdout(&pipe(input, &[]).success()), expected);
    // From the sixth sample on there are scores.
    let sixth = "m n=5i,n_location=3.5,n_scale=0.5000014305114746,n_score=4.0";
    let output = stdout(&pipe("m n=3i\n".repeat(5) + "m n=5i\n", &[]).success());
    assert_eq!((output.lines().last(), output.matches("_score").count()), (Some(sixth), 1));
}

#[test]
fn the_resolution_is_learnt() {
    let scales = |lines: &str, args: &[&str]| -> Vec<f64> {
        let output = stdout(&pipe(lines, args).success());
        let scale =
            |line: &str| line.split_once("_scale=").unwrap().1.split([',', ' ']).next().unwrap().parse().unwrap();
        output.lines().map(scale).collect()
    };
    let floats = "m f=7.25\nm f=7.25\nm f=7.25\nm f=7.25\nm f=7.25\nm f=7.25\n";
    assert_eq!(scales(floats, &[])[4..], [0.005, 0.005]);
    // A float may have no fraction, and an integer has none.
    assert!(scales("m f=7.0\nm f=7\nm f=7e0\n", &[]).iter().all(|&scale| scale >= 0.5));
    assert!(scales("m f=7i\nm f=7u\nm f=7i\n", &[]).iter().all(|&scale| scale >= 0.5));
    assert!(scales(floats, &["--resolution", "1"]).iter().all(|&scale| scale >= 0.5));
    assert!(scales("m f=7i\nm f=7i\n", &["--resolution", "none"]).iter().all(|&scale| scale < 0.001));
    assert_eq!(scales("m f=7\n", &["--max-idle", "1h"]).len(), 1);
}

#[test]
fn the_order_of_tags_makes_no_series() {
    let run = pipe("m,a=1,b=2 f=1.5\nm,b=2,a=1 f=2.5\nm,a=1 f=3.5\nm f=1.5\n", &[]).success();
    assert_eq!((count(&run, "series"), count(&run, "samples")), (3, 4));
    assert!(stdout(&run).lines().nth(1).unwrap().contains("f=2.5,f_location=1.5,"), "{}", stdout(&run));
}

#[test]
fn comments_and_blank_lines_and_what_has_no_numbers_pass() {
    let input = "# a comment\n\n  \n #\nlog,host=a message=\"a=1, b=2\",up=true 5\r\n\r\nm s=\"no number\"\n";
    let run = pipe(input, &[]).success();
    assert_eq!(stdout(&run), input);
    assert_eq!((count(&run, "lines"), count(&run, "bad rows"), count(&run, "series")), (7, 0, 0));
}

#[test]
fn line_ends_stay_as_they_are() {
    let run = pipe("m f=1i 5\r\nm f=1i\n", &["--quiet"]).success();
    assert_eq!(stdout(&run), "m f=1i,f_location=1.0,f_scale=0.5 5\r\nm f=1i,f_location=1.0,f_scale=0.5\n");
    assert_eq!(stderr(&run), "");
}

#[test]
fn strings_may_hold_bytes_that_are_no_text() {
    let input = b"m f=1i,s=\"\xFF\xFE\"\n";
    let run = pipe(&input[..], &[]).success();
    assert_eq!(run.get_output().stdout, b"m f=1i,s=\"\xFF\xFE\",f_location=1.0,f_scale=0.5\n");
    pipe(&b"m,t=\xFF f=1i\nm \xFF=1i\nm f=1i\n"[..], &[]).success().stdout("m f=1i,f_location=1.0,f_scale=0.5\n");
}

#[test]
fn a_second_time_through_nothing_changes() {
    let once = stdout(&pipe(points(400), &[]).success());
    let run = pipe(once.clone(), &[]).success();
    assert_eq!(stdout(&run), once);
    assert_eq!(count(&run, "series"), 0);
    assert!(count(&run, "names taken") > 400);
}

#[test]
fn names_that_are_taken_are_left_alone() {
    for line in ["m f=1,f_score=2i 5", "m f_location=\"x\",f=1 5", "m f=1,f=2 5", "m f_scale=1,f=2,f_scale=3 5"] {
        let run = pipe(format!("{line}\n"), &[]).success();
        assert_eq!(stdout(&run), format!("{line}\n"));
        assert_eq!((count(&run, "series"), count(&run, "samples")), (0, 0), "{line}");
    }
    let run = pipe("m f=1i,f_score=2i,g=3i,x_scale=4i\n", &[]).success();
    let expected =
        "m f=1i,f_score=2i,g=3i,x_scale=4i,g_location=3.0,g_scale=0.5,x_scale_location=4.0,x_scale_scale=0.5\n";
    assert_eq!(stdout(&run), expected);
    assert_eq!(count(&run, "names taken"), 2);
}

#[test]
fn bad_lines_are_told_counted_and_dropped() {
    let input = "m f=1i\nnonsense\nm f=1x\nm,t= f=1\n\nm f=1i,\nm f=2i 5 6\nm f=1i\n";
    let run = pipe(input, &[]).success();
    assert_eq!(stdout(&run).lines().count(), 3);
    let said = stderr(&run);
    for what in [
        "standard input: line 2: there are no fields (at byte 9)",
        "line 3: a value is no number",
        "line 4: a tag has no value (at byte 5)",
        "line 6: a field has no name (at byte 8)",
        "line 7: there is something behind the timestamp",
        "lines 8, rows 7, bad rows 5,",
    ] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
    let run = pipe(input, &["--strict"]).code(1);
    assert_eq!(stdout(&run), "m f=1i,f_location=1.0,f_scale=0.5\n");
    assert!(stderr(&run).contains("line 2: ") && !stderr(&run).contains("line 3"), "{}", stderr(&run));
}

#[test]
fn an_open_string_takes_one_line_with_it() {
    let input = "m s=\"open\nm f=1i\nm s=\"a\nb\",f=1i 5\nm s=\"open\n";
    let run = pipe(input, &[]).success();
    assert_eq!(stdout(&run), "m f=1i,f_location=1.0,f_scale=0.5\nm s=\"a\nb\",f=1i,f_location=1.0,f_scale=0.5 5\n");
    assert_eq!((count(&run, "lines"), count(&run, "bad rows")), (5, 2));
    // Neither does one that is never closed, however much follows.
    let many = "m f=1i 5\n".repeat(400_000);
    let run = pipe(format!("m s=\"open\n{many}"), &[]).success();
    assert_eq!((stdout(&run).lines().count(), count(&run, "bad rows")), (400_000, 1));
}

#[test]
fn strings_that_never_close_are_read_once() {
    // Each line opens a string that the quote in the name of the next line's field closes and the other opens again.
    let lines = 100_000;
    let run = pipe("m \",k=1,f=\"\n".repeat(lines), &["--quiet"]).success();
    assert_eq!(stdout(&run), "");
    let run = pipe("m,t=\",k=1 f=\"\n".repeat(lines), &["--quiet"]).success();
    assert_eq!(stdout(&run), "");
}

#[test]
fn a_line_without_end_is_dropped() {
    let mut input = b"m f=1i,s=\"".to_vec();
    input.resize(70 << 20, b'x');
    input.extend_from_slice(b"\"\nm f=1i\n");
    let run = pipe(input, &[]).success();
    assert_eq!(stdout(&run), "m f=1i,f_location=1.0,f_scale=0.5\n");
    assert!(stderr(&run).contains("line 1: the line is too long"), "{}", stderr(&run));
    assert_eq!((count(&run, "lines"), count(&run, "bad rows")), (2, 1));
}

#[test]
fn timestamps_have_a_unit() {
    let run = pipe("m f=1i 9223372036854775807\nm f=1i 9223372037\n", &["--precision", "s"]).success();
    assert_eq!((stdout(&run), count(&run, "bad rows")), (String::new(), 2));
    let run = pipe("m f=1i 9223372036\n", &["--precision", "s"]).success();
    assert!(stdout(&run).ends_with(" 9223372036\n"), "{}", stdout(&run));
}

#[test]
fn names_of_infinities_are_no_numbers_and_neither_is_what_is_too_large() {
    for value in ["inf", "-inf", "nan", "1e999"] {
        pipe(format!("m f={value}\n"), &["--strict"]).code(1).stdout("").stderr(contains("line 1: "));
    }
}

#[test]
fn a_flood_is_only_counted() {
    let run = pipe("bad\n".repeat(1000) + "m f=1i\n", &[]).success();
    assert_eq!(stderr(&run).matches(": line ").count(), 20);
    assert_eq!((count(&run, "lines"), count(&run, "bad rows")), (1001, 1000));
}

#[test]
fn presets_and_other_options_are_those_of_track() {
    let numbers = noise(3).take(300).map(f64::exp).chain(noise(4).take(30).map(|number| 1000.0 + number));
    let spread = lines(numbers, |number| format!("m f={number}"));
    let output = |args: &[&str]| stdout(&pipe(spread.clone(), args).success());
    let outputs: Vec<String> = [
        &[][..],
        &["--preset", "robust"],
        &["--preset", "mean"],
        &["--span", "19"],
        &["--alpha", "0.5"],
        &["--patience", "3"],
        &["--resolution", "2"],
    ]
    .into_iter()
    .map(output)
    .collect();
    for (index, output) in outputs.iter().enumerate() {
        assert!(!outputs[..index].contains(output), "option {index} changes nothing");
    }
    assert_eq!(output(&["--preset", "clean"]), outputs[0]);
    // What is continuous has no resolution: as soon as there is a second sample.
    let none = output(&["--resolution", "none"]);
    assert!(none.lines().skip(1).eq(outputs[0].lines().skip(1)));
    pipe("m f=1\n", &["--half-life", "0"]).code(2).stdout("").stderr(contains("--half-life must be above 0"));
    pipe("m f=1\n", &["--preset", "ema"])
        .code(2)
        .stdout("")
        .stderr(contains("possible values").or(contains("invalid")));
}
