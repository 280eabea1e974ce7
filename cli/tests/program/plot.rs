//! The picture that `--plot` asks for.

use crate::support::{file, noise, track};
use predicates::str::contains;
use std::fmt::Write;
use std::fs;

fn input() -> String {
    let mut text = "when,cpu,load\n".to_owned();
    for (row, number) in noise(9).take(300).enumerate() {
        let spike = if row == 200 { 1000.0 } else { 0.0 };
        writeln!(text, "2024-01-01T{:02}:{:02}:00,{},{}", row / 60, row % 60, 50.0 + number + spike, row).unwrap();
    }
    text
}

#[test]
fn it_shows_the_series_under_its_title() {
    let (directory, path) = file("plot.svg", "older");
    let args = ["--plot", path.to_str().unwrap(), "--title", "Two <series>", "--span", "20"];
    track(input(), &args).success();
    let svg = fs::read_to_string(&path).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    for what in ["Two &lt;series&gt;", "cpu", "load", "span 20 samples"] {
        assert!(svg.contains(what), "{what:?}");
    }
    assert_eq!(svg.matches('<').count(), svg.matches('>').count());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing else is left behind");
}

#[test]
fn it_says_which_line_is_which() {
    let (_directory, path) = file("plot.svg", "older");
    for (preset, line, is_compared) in [
        ("clean", "clean average", true),
        ("robust", "robust location", true),
        ("mean", "robust mean", true),
        ("ema", "plain average", false),
    ] {
        track(input(), &["--plot", path.to_str().unwrap(), "--preset", preset]).success();
        let svg = fs::read_to_string(&path).unwrap();
        for words in ["clean average", "robust location", "robust mean"] {
            assert_eq!(svg.contains(words), words == line, "{words} with {preset}");
        }
        assert!(svg.contains("plain average"));
        // The stretch of its line in the legend, and the line in two panels.
        assert_eq!(svg.contains("#E69F00"), is_compared, "{preset}");
    }
}

#[test]
fn another_kind_of_picture_is_refused() {
    track(input(), &["--plot", "a.PNG"]).code(2).stderr(contains("it is drawn as SVG, not as png"));
    assert!(!std::path::Path::new("a.PNG").exists());
}

#[test]
fn the_rows_are_the_same_with_and_without() {
    let (_directory, path) = file("plot.svg", "");
    let with = track(input(), &["--plot", path.to_str().unwrap()]).success();
    let without = track(input(), &[]).success();
    assert_eq!(with.get_output().stdout, without.get_output().stdout);
}

#[test]
fn a_run_that_fails_leaves_the_older_plot() {
    let (_directory, path) = file("plot.svg", "older");
    track("t,a\nT1,1\nbad\n", &["--strict", "--plot", path.to_str().unwrap()]).code(1);
    track("t,a\nT1,1\n", &["--value", "x", "--plot", path.to_str().unwrap()]).code(2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "older");
}

#[test]
fn nothing_to_draw_is_no_error() {
    let (_directory, path) = file("plot.svg", "older");
    track("t,a\n", &["--plot", path.to_str().unwrap()]).success();
    assert!(fs::read_to_string(&path).unwrap().contains("</svg>"));
}
