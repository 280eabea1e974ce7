//! Bad input is reported with its line, counted and skipped; everything else is processed.

use crate::support::{HEADER, evenkeel, file, samples, stderr, stdout, track};
use predicates::prelude::*;
use predicates::str::contains;

/// Every kind of bad row between good ones, in a wide table: line 2 is good, and so is the last.
const EVERY_KIND: &[u8] =
    b"t,a,b\nT1,1,1\nT2,oops,2\nT3,3\nT4,4,4,4\n\"T\n5\",5,5\nT6,6,\xFF6\nT7,7,1.2.3\n\"T8,8,8\nT9,9,9\n";

#[test]
fn every_kind_is_reported_with_its_physical_line() {
    let run = track(EVERY_KIND, &["--encoding", "utf-8"]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T1 b 1", "T2 b 2", "T\n5 a 5", "T\n5 b 5", "T7 a 7", "T9 a 9", "T9 b 9"]);
    let said = stderr(&run);
    for what in [
        "line 3: \"oops\" is not a number (column a)",
        "line 4: 2 fields, where the header has 3",
        "line 5: 4 fields, where the header has 3",
        "line 8: the row is not UTF-8",
        "line 9: \"1.2.3\" is not a number (column b)",
        "line 10: a quote is opened and never closed",
        "rows 9, ",
        "bad rows 4, bad values 2",
    ] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
}

#[test]
fn strict_stops_at_the_first() {
    let run = track(EVERY_KIND, &["--strict"]).code(1);
    assert_eq!(samples(&run), ["T1 a 1", "T1 b 1"], "what was made before is printed");
    assert!(stderr(&run).contains("line 3: \"oops\""), "{}", stderr(&run));
    assert!(!stderr(&run).contains("line 4"), "{}", stderr(&run));
    for bad in ["T2,2\n", "T2,2,2,2\n", "\"T2,2,2\n"] {
        track(format!("t,a,b\nT1,1,1\n{bad}T3,3,3\n"), &["--strict"]).code(1).stderr(contains("line 3: "));
    }
    track("t,a\nT1,1\n", &["--strict"]).success();
}

#[test]
fn long_rows_are_skipped_whole() {
    let input = "t,s,v\nT1,x,1\nT2,x,oops\nT3,,3\nT4,new,1e\nT5,x,5\n";
    let run = track(input, &["--series", "s"]).success();
    assert_eq!(samples(&run), ["T1 x 1", "T5 x 5"]);
    let said = stderr(&run);
    for what in ["line 3: \"oops\"", "line 4: the series has no name", "line 5: \"1e\"", "series 1,", "bad rows 3"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
}

#[test]
fn a_stray_quote_does_not_swallow_what_follows() {
    // The quote in line 3 is closed by the one that opens in line 5: neither is what it seems.
    let run = track("t,a\nT1,1\n\"T2,2\nT3,3\n\"T4\",4\nT5,5\n", &[]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T3 a 3", "T4 a 4", "T5 a 5"]);
    assert!(stderr(&run).contains("line 3: a quote is opened"), "{}", stderr(&run));
    // Nor does one that is never closed, however much follows.
    let many = "T,1\n".repeat(400_000);
    let run = track(format!("t,a\n\"T,0\n{many}"), &[]).success();
    assert_eq!(stdout(&run).lines().count(), 1 + 400_000);
    assert!(stderr(&run).contains("bad rows 1,"), "{}", stderr(&run));
}

#[test]
fn a_flood_is_only_counted() {
    let run = track(format!("t,a\nT0,0\n{}T1,1\n", "short\n".repeat(1000)), &[]).success();
    assert_eq!(samples(&run), ["T0 a 0", "T1 a 1"]);
    let said = stderr(&run);
    assert_eq!(said.matches(": line ").count(), 20);
    assert_eq!(said.matches("further bad rows are only counted").count(), 1);
    assert!(said.contains("rows 1002, ") && said.contains("bad rows 1000,"), "{said}");
}

#[test]
fn quiet_keeps_the_reports_and_drops_the_rest() {
    let run = track("t,a\nT0,0\nshort\n", &["--quiet"]).success();
    assert_eq!(stderr(&run).lines().count(), 1);
    assert!(stderr(&run).contains("line 3: "));
}

#[test]
fn names_do_not_command_the_terminal() {
    let input = "t,a\u{1b}[31m,b\nT1,1,x\nT2,x,2\nT3,2,3\n";
    for command in ["track", "pipe"] {
        let run = evenkeel(&[command, "--format", "csv"]).write_stdin(input).assert().success();
        let said = stderr(&run);
        assert!(said.contains("(column a\\u{1b}[31m)") && !said.contains('\u{1b}'), "{said}");
    }
}

#[test]
fn missing_columns_name_those_that_exist() {
    for args in [&["--time", "x"][..], &["--series", "x"], &["--value", "x"], &["--series", "t", "--value", "x"]] {
        track("t,a,b\nT1,1,1\n", args).code(2).stdout("").stderr(contains("there are \"t\", \"a\", \"b\""));
    }
    track("t,a\nT1,1\n", &["--time", "t", "--value", "t"]).code(2).stderr(contains("two things at once"));
    track("t,a\nT1,1\n", &["--value", "a", "--value", "a"]).code(2).stderr(contains("twice"));
}

#[test]
fn inputs_that_are_none() {
    for empty in ["", "\n\n", "\u{feff}"] {
        track(empty, &[]).code(2).stdout("").stderr(contains("standard input is empty"));
        track(empty, &["--format", "ndjson"]).code(2).stdout("").stderr(contains("standard input is empty"));
    }
    let (directory, path) = file("empty.csv", "");
    let one_line = || predicate::function(|said: &str| said.lines().count() == 1);
    evenkeel(&["track"]).arg(path).assert().code(2).stderr(contains("is empty").and(one_line()));
    let folder = if cfg!(feature = "parquet") { "one file is read at a time" } else { "a folder" };
    evenkeel(&["track"]).arg(directory.path()).assert().code(2).stderr(contains(folder).and(one_line()));
    let missing = directory.path().join("missing.csv");
    evenkeel(&["track"]).arg(missing).assert().code(2).stderr(contains("No such file").and(one_line()));
    track("t,a\nT1,x\nT2,y\n", &[]).code(2).stdout("").stderr(contains("no column holds numbers"));
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_one_clear_line() {
    use std::os::unix::fs::PermissionsExt;
    let (_directory, path) = file("secret.csv", "t,a\nT1,1\n");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&path).is_ok() {
        return; // Whoever runs the tests may read everything.
    }
    evenkeel(&["track"]).arg(path).assert().code(2).stderr(contains("Permission denied"));
}

#[test]
fn binary_input_ends_in_words() {
    let mut state = 7_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33).to_le_bytes()[0]
    })
    .take(200_000)
    .collect();
    for args in [&[][..], &["--format", "ndjson"], &["--series", "t"], &["--strict"]] {
        track(noise.clone(), args).code(predicate::in_iter([1, 2]));
        track([b"t,a\nT1,1\n", &noise[..]].concat(), args).code(predicate::in_iter([0, 1, 2]));
    }
}

#[test]
fn bad_arguments_are_exit_2_in_the_librarys_words() {
    for (args, words) in [
        (&["--half-life", "0"][..], "--half-life must be above 0"),
        (&["--half-life", "-3"], "--half-life must be above 0"),
        (&["--span", "0.5"], "--span must be at least 1"),
        (&["--alpha", "1.5"], "--alpha must be above 0 and at most 1"),
        (&["--resolution", "-1"], "--resolution must be at least 0"),
        (&["--resolution", "some"], "expected auto, none or a number"),
        (&["--patience", "0"], "--patience must be"),
        (&["--half-life", "5", "--span", "5"], "cannot be used with"),
        (&["--span", "5", "--alpha", "0.5"], "cannot be used with"),
        (&["--preset", "ema", "--patience", "5"], "--patience has no meaning"),
        (&["--title", "words"], "--plot"),
    ] {
        track("t,a\nT1,1\n", args).code(2).stdout("").stderr(contains(words));
    }
}

#[test]
fn the_header_alone_is_printed_where_there_are_no_rows() {
    let run = track("t,a\n", &["--value", "a"]).success();
    assert_eq!(stdout(&run), format!("{HEADER}\n"));
    // Rows that have no sample are an error, and leave nothing.
    track("t,a\nshort\nT1,x\n", &["--value", "a"]).code(2).stdout("").stderr(contains("not one sample in 2 rows"));
}
