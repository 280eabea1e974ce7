//! How many series `pipe` keeps, how long, and that everything it counts adds up.

use crate::support::{count, lines, pipe, stderr, stdout};
use assert_cmd::assert::Assert;
use predicates::str::contains;

/// Every line came out or was bad, every number is accounted for, and so is every series.
fn adds_up(run: &Assert, numbers: u64) {
    let count = |what| count(run, what);
    assert_eq!(count("lines"), count("bad rows") + stdout(run).lines().count() as u64);
    let known = ["samples", "missing", "late", "refused", "without time", "names taken"].map(count);
    assert_eq!(numbers, known.iter().sum::<u64>(), "{known:?}");
    assert_eq!(count("created"), count("series") + count("expired") + count("evicted"));
}

/// Whether each line has something added.
fn marks(run: &Assert) -> Vec<bool> {
    stdout(run).lines().map(|line| line.contains("_location=")).collect()
}

#[test]
fn one_series_more_is_refused() {
    let input = "a f=1i\nb f=1i\nc f=1i\na f=1i\nc f=2i\n";
    let run = pipe(input, &["--max-series", "2"]).success();
    assert_eq!(marks(&run), [true, true, false, true, false]);
    assert_eq!((count(&run, "refused"), count(&run, "series"), count(&run, "evicted")), (2, 2, 0));
    adds_up(&run, 5);
}

#[test]
fn or_takes_the_place_of_another() {
    let input = "a f=1i\nb f=2i\na f=3i\nc f=4i\na f=5i\nb f=6i\n";
    let run = pipe(input, &["--max-series", "2", "--overflow", "evict"]).success();
    assert_eq!(marks(&run), [true; 6]);
    // `b` made room for `c`, and then `c` for `b`, which is a new one: where its sample is.
    let is_new = |(number, line): (u32, &str)| line.contains(&format!("_location={number}.0,"));
    let new: Vec<bool> = (1..).zip(stdout(&run).lines()).map(is_new).collect();
    assert_eq!(new, [true, true, false, true, false, true]);
    assert_eq!((count(&run, "created"), count(&run, "evicted"), count(&run, "refused")), (4, 2, 0));
    adds_up(&run, 6);
}

#[test]
fn a_series_that_has_ended_is_forgotten() {
    let second = 1_000_000_000_u64;
    let input = lines(0..100, |n: u64| format!("a f=1i {}", n * second))
        + &format!("b f=5i {}\na f=1i {}\n", 10 * second, 100 * second);
    let input = format!("b f=1i 0\n{input}");
    let run = pipe(input.clone(), &["--max-idle", "20s"]).success();
    let last_of_b = stdout(&run).lines().rfind(|line| line.starts_with("b ")).unwrap().to_owned();
    assert!(last_of_b.contains("f=5i,f_location=5.0,"), "a new one: {last_of_b}");
    assert_eq!((count(&run, "expired"), count(&run, "series"), count(&run, "created")), (1, 2, 3));
    adds_up(&run, 103);
    let run = pipe(input.clone(), &["--max-idle", "2m"]).success();
    assert_eq!((count(&run, "expired"), count(&run, "created")), (0, 2));
    // The same by samples.
    let run = pipe(input.clone(), &["--max-idle", "50"]).success();
    assert_eq!((count(&run, "expired"), count(&run, "created")), (1, 3));
    adds_up(&run, 103);
    let run = pipe(input, &["--max-idle", "200"]).success();
    assert_eq!((count(&run, "expired"), count(&run, "created")), (0, 2));
}

#[test]
fn a_late_sample_comes_out_alone() {
    let run = pipe("m f=1i 20\nm f=1i 10\nm f=1i 20\n", &["--max-idle", "1h"]).success();
    assert_eq!(marks(&run), [true, false, true]);
    assert_eq!((count(&run, "late"), count(&run, "samples")), (1, 2));
    adds_up(&run, 3);
    // Where nobody asked for time, the order of the lines is all there is.
    let run = pipe("m f=1i 20\nm f=1i 10\n", &[]).success();
    assert_eq!((count(&run, "late"), count(&run, "samples")), (0, 2));
}

#[test]
fn samples_that_come_late_are_reported_together() {
    let second = 1_000_000_000_u64;
    let all = |n: u64| format!("a f=1i {0}\nb f=1i {0}\nc f=1i {0}", n * second);
    let input = all(0) + "\na f=1i 5000000000000000000\n" + &lines(1..100, all);
    let run = pipe(input.clone(), &["--half-life", "1h"]).success();
    assert_eq!((count(&run, "late"), count(&run, "expired")), (12, 0));
    let said = stderr(&run);
    let words = "do not count: 1, the last one of \"a f\"; after a dozen in a row of one series";
    assert_eq!(said.matches(words).count(), 1, "once a minute: {said}");
    // A limit, which the sample of the future is beyond, ends the series there, and takes the next one at once.
    let run = pipe(input, &["--max-idle", "1d"]).success();
    assert_eq!((count(&run, "late"), count(&run, "expired"), count(&run, "series")), (0, 1, 3));
}

#[test]
fn the_memory_may_be_in_time() {
    let minute = 60_000_000_000_u64;
    let points = |unit: u64| lines(0..50, |n: u64| format!("m f={} {}", (n * 7 % 5) as f64 + 0.25, n * minute / unit));
    let by_samples = stdout(&pipe(points(1), &["--half-life", "10"]).success());
    // At equal distances, ten minutes are ten samples, to the bit; in any unit.
    assert_eq!(stdout(&pipe(points(1), &["--half-life", "10m"]).success()), by_samples);
    let seconds = stdout(&pipe(points(1_000_000_000), &["--half-life", "10m", "--precision", "s"]).success());
    let added = |text: &str| lines(text.lines(), |line| line.rsplit_once(' ').unwrap().0.to_owned());
    assert_eq!(added(&seconds), added(&by_samples));
    // A gap makes the next sample count more.
    let gap = |length: u64| {
        let run =
            pipe(points(1) + &format!("m f=4.25 {}\n", (49 + length) * minute), &["--half-life", "10m"]).success();
        let line = stdout(&run).lines().last().unwrap().to_owned();
        line.split_once("f_location=").unwrap().1.split(',').next().unwrap().parse::<f64>().unwrap()
    };
    assert!(gap(60) > gap(1) + 0.2, "{} {}", gap(60), gap(1));
}

#[test]
fn tables_have_their_times_in_a_column() {
    let time = |n: u64| if n == 30 { "never".to_owned() } else { format!("2024-05-01T12:{n:02}:00Z") };
    let object = |n: u64| format!("{{\"t\":\"{}\",\"v\":{}}}", time(n), (n * 7 % 5) as f64 + 0.25);
    let row = |n: u64| format!("{},{}", time(n), (n * 7 % 5) as f64 + 0.25);
    for (input, args) in [
        (lines(0..50, object), &["--format", "ndjson", "--time", "t"][..]),
        // The first text is the time, as it is elsewhere.
        (lines(0..50, object), &["--format", "ndjson"]),
        ("t,v\n".to_owned() + &lines(0..50, row), &["--format", "csv"]),
    ] {
        let run = pipe(input, &[args, &["--half-life", "5m", "--max-idle", "1h"]].concat()).success();
        assert_eq!((count(&run, "samples"), count(&run, "without time"), count(&run, "bad values")), (49, 1, 1));
        let bare = |line: &&str| line.contains("never") && (line.ends_with(",,,") || !line.contains("location"));
        assert_eq!(stdout(&run).lines().filter(bare).count(), 1, "{}", stdout(&run));
    }
    for (input, format) in [("{\"v\":1}\n", "ndjson"), ("v\n1\n", "csv")] {
        let run = pipe(input, &["--format", format, "--half-life", "5m"]).code(2).stdout("");
        run.stderr(contains("name the column or member with --time"));
    }
}

#[test]
fn a_line_without_a_time_is_of_now() {
    let run = pipe("m f=1i 1\nm f=1i\nm f=1i 2\n", &["--half-life", "1h"]).success();
    assert_eq!((marks(&run), count(&run, "late")), (vec![true, true, false], 1));
}

#[test]
fn everything_at_once_adds_up() {
    let line = |n: u64| match n % 13 {
        0 => "bad line".to_owned(),
        1 => "# comment".to_owned(),
        2 => format!("m{} f=1.5,f_scale=1,g=2i {n}", n % 7),
        3 => format!("m f=1i {}", n % 100),
        _ => format!("m{} f={n}.5,g={}i,s=\"x\" {n}", n * n % 97, n % 10),
    };
    let input = lines(0..20_000, line);
    let numbers = (0..20_000_u64).map(|n| [0, 0, 3, 1].get((n % 13) as usize).copied().unwrap_or(2)).sum();
    for args in [
        &[][..],
        &["--max-series", "50"],
        &["--max-series", "50", "--overflow", "evict"],
        &["--max-idle", "30"],
        &["--max-idle", "40ns", "--max-series", "60"],
    ] {
        let run = pipe(input.clone(), args).success();
        adds_up(&run, numbers);
        assert_eq!(count(&run, "names taken"), 2 * 20_000_u64.div_ceil(13));
    }
}

#[test]
fn limits_that_are_none_are_refused() {
    for (args, words) in [
        (&["--max-series", "0"][..], "0 is not in"),
        (&["--max-series", "many"], "invalid"),
        (&["--overflow", "evict"], "--max-series"),
        (&["--max-idle", "soon"], "such as 90s"),
        (&["--max-idle", "-5"], "unexpected argument"),
    ] {
        pipe("m f=1\n", args).code(2).stdout("").stderr(contains(words));
    }
}
