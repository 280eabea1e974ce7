//! `pipe --state` with states of the first edition, format 1, which `cli/tests/states/make` made with a program of that edition: a
//! command that does not name its preset goes on with the preset of the state, and what the series were is what they are.

use crate::support::{count, evenkeel, lines, stderr, stdout};
use assert_cmd::assert::Assert;
use evenkeel::SnapshotInfo;
use predicates::prelude::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A copy of a state, and the options that it was made with, the preset aside.
fn state(name: &str) -> (TempDir, PathBuf) {
    let from = format!("{}/tests/states/{name}.state", env!("CARGO_MANIFEST_DIR"));
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("old.state");
    fs::copy(from, &path).unwrap();
    (directory, path)
}

const TELEGRAF: &[&str] =
    &["--format", "influx", "--half-life", "10m", "--max-idle", "1d", "--max-series", "100000", "--overflow", "evict"];

/// Each state of points, its options, and its preset.
const STATES: [(&str, &[&str], &str); 6] = [
    ("robust", &[], "robust"),
    ("mean", &[], "mean"),
    ("telegraf", TELEGRAF, "robust"),
    ("mean-in-time", &["--half-life", "10m"], "mean"),
    ("none", &["--resolution", "none"], "robust"),
    ("step", &["--resolution", "0.5", "--patience", "20", "--alpha", "0.05"], "robust"),
];

fn with_state(path: &PathBuf, input: &str, args: &[&str]) -> Assert {
    evenkeel(&["pipe", "--state"]).arg(path).args(args).write_stdin(input).assert()
}

/// What comes after the points that the states know of, as `make` would go on. They were made with an awk whose numbers end at
/// 2,147,483,647, and that is when, in nanoseconds, all of their last samples were.
fn points(from: u64, to: u64) -> String {
    lines((from..to).flat_map(|n| [(n, 0), (n, 1)]), |(n, host)| {
        let temp = 20.0 + ((n * 37 + host * 5) % 11) as f64 / 100.0;
        let (count, level, time) =
            (7 + n * 3 % 5, 100 * host + n % 2, 2_147_483_647 + n.saturating_sub(59) * 1_000_000_000);
        format!("m,host=h{host} temp={temp:.2},count={count}i,level={level} {time}")
    })
}

/// The number behind a name in a line.
fn number(line: &str, name: &str) -> f64 {
    line.split_once(&format!(",{name}=")).unwrap().1.split([',', ' ']).next().unwrap().parse().unwrap()
}

#[test]
fn it_goes_on_without_a_preset() {
    for (name, args, preset) in STATES {
        let (_directory, path) = state(name);
        let run = with_state(&path, &points(60, 200), args).success();
        let said = stderr(&run);
        assert!(
            said.contains(&format!("resumed 6 series from {} with --preset {preset}, after 120 lines", path.display())),
            "{said}"
        );
        let format = SnapshotInfo::of(&fs::read(&path).unwrap()).unwrap().format;
        let words = format!("from now on has format {format}, which");
        assert!(said.contains("old.state has format 1, of an earlier version") && said.contains(&words), "{said}");
        assert_eq!((count(&run, "resumed"), count(&run, "created"), count(&run, "samples")), (6, 0, 840), "{name}");
        // Every series is where it was, and judged from its first sample on; the spike of the first minute is not there.
        for line in stdout(&run).lines().take(2) {
            assert!((number(line, "temp_location") - 20.05).abs() < 0.05, "{line}");
            assert!((7.0..=11.0).contains(&number(line, "count_location")), "{line}");
            for score in ["temp_score", "count_score", "level_score"] {
                assert!(number(line, score).abs() < 4.0, "{line}");
            }
        }
        // Without a resolution, the first edition had taken `level`, 0 and 1 in turn, for a constant with outliers.
        let most = if name == "none" { 140 } else { 0 };
        assert!(count(&run, "outliers") <= most && count(&run, "re-openings") == 0, "{name}: {said}");

        // What it has saved is a state of today, and nothing has to be said of it but its preset.
        let run = with_state(&path, &points(200, 210), args).success();
        let said = stderr(&run);
        assert!(said.contains(&format!("with --preset {preset}, after 400 lines")), "{said}");
        assert!(!said.contains("earlier version"), "{said}");
        // That preset may be named, and then there is nothing to say.
        let said = stderr(&with_state(&path, "", &[args, &["--preset", preset]].concat()).success());
        assert!(said.contains("old.state, after 420 lines"), "{said}");
    }
}

#[test]
fn tables_go_on_too() {
    let row = |n: u64| format!("T{n},{:.2}", 20.0 + (n * 37 % 11) as f64 / 100.0);
    let object = |n: u64| format!("{{\"temp\":{:.2}}}", 20.0 + (n * 37 % 11) as f64 / 100.0);
    for (name, input, args) in [
        ("csv", "t,temp\n".to_owned() + &lines(60..70, row), &["--format", "csv"][..]),
        ("ndjson", lines(60..70, object), &[]),
    ] {
        let (_directory, path) = state(name);
        let run = with_state(&path, &input, args).success();
        assert!(stderr(&run).contains("resumed 1 series"), "{}", stderr(&run));
        assert_eq!((count(&run, "created"), count(&run, "outliers")), (0, 0));
    }
}

#[test]
fn what_differs_is_refused_by_name() {
    for (name, args, words) in [
        ("robust", &["--preset", "clean"][..], "another --preset ("),
        ("robust", &["--preset", "mean"], "another --preset ("),
        ("mean", &["--preset", "robust"], "another --preset ("),
        ("robust", &["--half-life", "61"], "another --half-life, --span or --alpha ("),
        // Of the presets, it is the nearest that is named.
        ("mean", &["--half-life", "61"], "another --half-life, --span or --alpha ("),
        (
            "mean",
            &["--half-life", "61", "--patience", "9"],
            "another --half-life, --span or --alpha and another --patience (",
        ),
        ("robust", &["--resolution", "none"], "another --resolution ("),
        ("telegraf", &["--half-life", "11m"], "another --half-life, --span or --alpha ("),
        ("step", &["--resolution", "0.5", "--patience", "20"], "another --half-life, --span or --alpha ("),
    ] {
        let (_directory, path) = state(name);
        let before = fs::read(&path).unwrap();
        with_state(&path, &points(60, 70), args).code(2).stdout("").stderr(predicate::str::contains(words));
        assert_eq!(fs::read(&path).unwrap(), before, "{name} {args:?}");
    }
}

/// And so does a state of today.
#[test]
fn a_state_has_its_own_preset() {
    for preset in ["clean", "robust", "mean"] {
        let path = TempDir::new().unwrap();
        let path = path.path().join("new.state");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        with_state(&path, &points(0, 60), &["--preset", preset]).success();
        let run = with_state(&path, &points(60, 100), &[]).success();
        let whole = evenkeel(&["pipe", "--preset", preset]).write_stdin(points(0, 100)).assert().success();
        assert!(stdout(&whole).ends_with(&stdout(&run)), "{preset}");
        let said = stderr(&run);
        assert_eq!(said.contains(&format!("with --preset {preset},")), preset != "clean", "{said}");
        assert!(!said.contains("earlier version"), "{said}");
    }
}
