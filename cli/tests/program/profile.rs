//! The tail profile of every series.

use crate::support::{evenkeel, noise, stderr, stdout};
use predicates::prelude::*;

fn profile(input: String, args: &[&str]) -> assert_cmd::assert::Assert {
    evenkeel(&["profile"]).args(args).write_stdin(input).assert()
}

/// A clean series and one with a spike in every fifty samples.
fn two_series() -> String {
    let (mut clean, mut other) = (noise(1), noise(2));
    (0..5000).fold("t,clean,spiky\n".to_owned(), |text, row| {
        let spike = if row % 50 == 49 { 100.0 } else { 0.0 };
        format!("{text}T{row},{},{}\n", clean.next().unwrap(), other.next().unwrap() + spike)
    })
}

#[test]
fn shares_and_scores_stand_beside_the_laws() {
    // The judge of a clean average has a short memory, and scores that are a little wider.
    for (preset, wider) in [("robust", 1.0), ("mean", 1.0), ("clean", 2.0)] {
        beside_the_laws(&["--output-format", "csv", "--preset", preset], wider);
    }
}

fn beside_the_laws(args: &[&str], wider: f64) {
    let text = stdout(&profile(two_series(), args).success());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = "series,samples,exceed_1,exceed_2,exceed_3,exceed_4,exceed_8,exceed_16,p50,p99,p99.9";
    assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>().join(","), header);
    let lines: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let names: Vec<&str> = lines.iter().map(|line| &line[0]).collect();
    assert_eq!(names, ["clean", "spiky", "all series", "Markov's bound", "Gaussian"]);
    let number = |line: usize, column: usize| -> f64 { lines[line][column].parse().unwrap() };
    assert_eq!([number(0, 1), number(1, 1), number(2, 1)], [4995.0, 4995.0, 9990.0]);
    for column in 2..8 {
        assert!(number(1, column) <= number(3, column), "Markov holds: {text}");
    }
    assert!(number(0, 6) < 0.004 * wider && (number(1, 6) - 0.02).abs() < 0.004, "{text}");
    assert!((number(0, 3) - number(4, 3)).abs() < 0.015 * wider, "clean noise is Gaussian: {text}");
    assert_eq!(number(3, 5), 0.25);
    assert!(number(1, 9) > 50.0, "{text}");
}

#[test]
fn the_table_is_aligned_and_summed_up() {
    let run = profile(two_series(), &[]).success();
    let text = stdout(&run);
    for what in
        ["series", ">=16", "p99.9", "clean", "spiky", "all series", "Markov's bound", "25.00%", "Gaussian", "14.15%"]
    {
        assert!(text.contains(what), "{what:?} in {text}");
    }
    let of = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().find('%').unwrap();
    assert_eq!((of("clean"), of("spiky")), (of("Markov"), of("Gaussian")), "{text}");
    assert!(stderr(&run).contains("samples 10000, series 2"), "{}", stderr(&run));
}

#[test]
fn one_series_needs_no_total() {
    let text = stdout(&profile("a\n1\n2\n3\n".to_owned(), &[]).success());
    assert!(!text.contains("all series"), "{text}");
}

#[test]
fn very_many_series_are_profiled_together() {
    let input = (0..1201 * 26).fold("s,v\n".to_owned(), |text, row| format!("{text}series{},{row}.5\n", row % 1201));
    let run = profile(input, &["--series", "s", "--output-format", "csv"]).success();
    let text = stdout(&run);
    assert!(text.lines().nth(1).unwrap().starts_with("all series,25221,"), "{text}");
    assert!(stderr(&run).contains("only their total is shown"), "{}", stderr(&run));
}

#[test]
fn no_samples_no_shares() {
    let text = stdout(&profile("t,a,b\nT1,,1\n".to_owned(), &["--output-format", "csv"]).success());
    assert_eq!(text.lines().nth(1), Some("a,0,,,,,,,,,"));
    profile("t,a\n".to_owned(), &[]).success();
    profile("t,a\nT1,1\n".to_owned(), &["--preset", "ema"]).code(2).stderr(predicate::str::contains("invalid value"));
}

/// Until there is a scale, there are no scores that could pass for a tail.
#[test]
fn the_first_five_samples_are_left_out() {
    let rows = (0..150).fold(String::new(), |rows, n| rows + &format!("{}\n", 1000.0 + f64::from(n * 37 % 11) / 10.0));
    let text = stdout(&profile(format!("a\n{rows}"), &["--output-format", "csv"]).success());
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let line = reader.records().next().unwrap().unwrap();
    assert_eq!(&line[1], "145", "{text}");
    assert_eq!(line[5].parse::<f64>().unwrap(), 0.0, "bounded noise never lies 4 scales out: {text}");
}
