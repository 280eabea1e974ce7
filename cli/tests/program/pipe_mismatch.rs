//! `pipe --state-mismatch`: an option that has changed ends no service for ever, and no state is lost by it.

use crate::pipe_state::{feed, lines_in, names, place, with_state};
use crate::support::{count, pipe, stderr, stdout};
use predicates::str::contains;
use std::fs;

/// The number behind a name in a line of points.
fn number(line: &str, name: &str) -> f64 {
    line.split_once(&format!(",{name}=")).unwrap().1.split([',', ' ']).next().unwrap().parse().unwrap()
}

/// Points of one series about a level.
fn level(from: u64, to: u64) -> String {
    crate::support::lines(from..to, |n| format!("m f={} {}", 40.0 + (n * 7 % 11) as f64 / 10.0, 1_000_000_000 * n))
}

#[test]
fn it_is_refused_by_default_and_the_message_names_the_way_on() {
    let (directory, path) = place();
    with_state(&path, &feed(0, 50), &["--half-life", "30"]).success();
    let before = fs::read(&path).unwrap();
    for args in [&["--half-life", "31"][..], &["--half-life", "31", "--state-mismatch", "refuse"]] {
        let run = with_state(&path, &feed(50, 60), args).code(2).stdout("");
        let said = stderr(&run);
        assert!(said.contains("another --half-life") && said.contains("--state-mismatch convert"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    assert_eq!(names(&directory), ["state", "state.lock"]);
    pipe("", &["--state-mismatch", "restart"]).code(2).stderr(contains("--state"));
}

#[test]
fn restart_begins_anew_and_keeps_the_old_one() {
    for (before, after) in [
        (&["--half-life", "30"][..], &["--half-life", "31"][..]),
        (&["--preset", "robust"], &["--preset", "clean"]),
        (&["--half-life", "30"], &["--half-life", "5m", "--patience", "5", "--resolution", "none"]),
        (&["--half-life", "5m", "--precision", "ns"], &["--half-life", "5m", "--precision", "us"]),
    ] {
        let (directory, path) = place();
        with_state(&path, &feed(0, 50), before).success();
        let old = fs::read(&path).unwrap();
        fs::write(directory.path().join("state.old"), "one before it").unwrap();
        let args = [after, &["--state-mismatch", "restart"]].concat();
        let run = with_state(&path, &feed(50, 90), &args).success();
        assert_eq!(stdout(&run), stdout(&pipe(feed(50, 90), after).success()), "{after:?}");
        let said = stderr(&run);
        assert!(said.contains("all series begin anew; the state before is in") && said.contains("state.old"), "{said}");
        assert_eq!((count(&run, "resumed"), lines_in(&path)), (0, Some(40)));
        assert_eq!(fs::read(directory.path().join("state.old")).unwrap(), old);
        assert_eq!(names(&directory), ["state", "state.lock", "state.old"]);
        // From now on it fits.
        let next = with_state(&path, &feed(90, 100), &args).success();
        assert!(stderr(&next).contains("after 40 lines") && !stderr(&next).contains("anew"), "{}", stderr(&next));
        assert_eq!(fs::read(directory.path().join("state.old")).unwrap(), old);
    }
}

#[test]
fn a_feed_in_another_format_restarts_and_does_not_convert() {
    let (directory, path) = place();
    with_state(&path, "m f=1\n", &[]).success();
    let before = fs::read(&path).unwrap();
    for (what, words) in [("refuse", "--state-mismatch restart"), ("convert", "cannot be converted")] {
        let run = with_state(&path, "{\"a\":1}\n", &["--format", "ndjson", "--state-mismatch", what]).code(2);
        assert!(stderr(&run).contains(words), "{}", stderr(&run));
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    let run = with_state(&path, "{\"a\":1}\n", &["--format", "ndjson", "--state-mismatch", "restart"]).success();
    assert!(stdout(&run).contains("\"a_location\":1") && stderr(&run).contains("anew"), "{}", stderr(&run));
    assert_eq!(names(&directory), ["state", "state.lock", "state.old"]);
}

#[test]
fn convert_goes_on_from_what_is_known() {
    for (before, after, option) in [
        (&["--half-life", "30"][..], &["--half-life", "300"][..], "--half-life"),
        (&["--half-life", "300"], &["--half-life", "5"], "--half-life"),
        (&["--half-life", "30"], &["--half-life", "5m"], "--half-life"),
        (&["--half-life", "5m"], &["--span", "100"], "--half-life, --span"),
        (&["--patience", "20"], &["--patience", "4"], "--patience"),
        (&["--resolution", "none"], &["--resolution", "0.1"], "--resolution"),
        (&["--preset", "robust"], &["--preset", "mean"], "--preset"),
        (&["--preset", "robust", "--half-life", "30"], &["--half-life", "40"], "--half-life"),
    ] {
        let (directory, path) = place();
        let whole = stdout(&with_state(&path, &level(0, 300), before).success());
        let last = whole.lines().last().unwrap().to_owned();
        let old = fs::read(&path).unwrap();
        let args = [after, &["--state-mismatch", "convert"]].concat();
        let run = with_state(&path, &level(300, 400), &args).success();
        let (said, out) = (stderr(&run), stdout(&run));
        let note = format!("another {option}");
        assert!(said.contains(&note) && said.contains("goes on from its location, scale and age"), "{said}");
        assert!(
            said.contains("state.old") && said.contains("resumed 1 series") && said.contains("after 300 lines"),
            "{said}"
        );
        assert_eq!((lines_in(&path), fs::read(directory.path().join("state.old")).unwrap()), (Some(400), old));
        // It is no new series: its first sample has a score, and moves little.
        let first = out.lines().next().unwrap();
        assert!(number(first, "f_score").abs() < 4.0, "{first}");
        assert!((number(first, "f_location") - number(&last, "f_location")).abs() < 0.1, "{first}, {last}");
        assert!((number(first, "f_scale") / number(&last, "f_scale") - 1.0).abs() < 0.2, "{first}, {last}");
        // From now on it fits, without the option too.
        let next = with_state(&path, &level(400, 410), after).success();
        assert!(stderr(&next).contains("after 400 lines"), "{}", stderr(&next));
        let preset = before.contains(&"robust") && !after.contains(&"--preset");
        assert_eq!(stderr(&next).contains("with --preset robust"), preset, "{}", stderr(&next));
    }
}

#[test]
fn what_cannot_be_converted_is_refused_in_words() {
    let (directory, path) = place();
    with_state(&path, &level(0, 50), &["--preset", "robust"]).success();
    let before = fs::read(&path).unwrap();
    let run =
        with_state(&path, &level(50, 60), &["--preset", "clean", "--state-mismatch", "convert"]).code(2).stdout("");
    assert!(
        stderr(&run).contains("is not converted") && stderr(&run).contains("--state-mismatch restart"),
        "{}",
        stderr(&run)
    );
    assert_eq!(fs::read(&path).unwrap(), before);
    // A damaged one is neither, and stays where it is.
    let damaged = [&before[..], b"x"].concat();
    fs::write(&path, &damaged).unwrap();
    for what in ["restart", "convert"] {
        with_state(&path, "", &["--state-mismatch", what]).code(2).stderr(contains("cannot use the state"));
        assert_eq!(fs::read(&path).unwrap(), damaged);
    }
    assert_eq!(names(&directory), ["state", "state.lock"]);
}
