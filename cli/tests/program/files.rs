//! Files are replaced as a whole or not at all, and an output that cannot be written is told.

use crate::support::{HEADER, evenkeel, file, stdout, track};
use predicates::prelude::*;
use std::fs;
use std::path::Path;

fn entries(directory: &Path) -> usize {
    fs::read_dir(directory).unwrap().count()
}

#[test]
fn output_to_a_file_is_what_would_be_printed() {
    let (directory, path) = file("out.csv", "older");
    let input = "t,a\nT1,1\nT2,2\n";
    let printed = stdout(&track(input, &[]).success());
    track(input, &["--output", path.to_str().unwrap()]).success().stdout("");
    assert_eq!(fs::read_to_string(&path).unwrap(), printed);
    let new = directory.path().join("new.csv");
    track(input, &["--output", new.to_str().unwrap()]).success();
    assert_eq!(fs::read_to_string(&new).unwrap(), printed);
    assert_eq!(entries(directory.path()), 2, "nothing else is left behind");
}

#[test]
fn a_run_that_fails_leaves_the_older_file() {
    for (input, args, code) in [
        ("t,a\nT1,1\nbad\n", &["--strict"][..], 1),
        ("t,a\nT1,1\n", &["--value", "x"], 2),
        ("", &[], 2),
        ("t,a\nT1,1\n", &["--plot", "/no/such/directory/plot.svg"], 1),
    ] {
        let (directory, path) = file("out.csv", "older");
        track(input, &[args, &["--output", path.to_str().unwrap()]].concat()).code(code);
        assert_eq!(fs::read_to_string(&path).unwrap(), "older", "{args:?}");
        assert_eq!(entries(directory.path()), 1, "{args:?}");
    }
}

#[test]
fn no_file_is_written_over_another_of_the_same_command() {
    let (directory, path) = file("data.csv", "t,a\nT1,1\n");
    let same = predicate::str::contains("same file");
    for command in ["track", "profile"] {
        evenkeel(&[command]).arg(&path).arg("--output").arg(&path).assert().code(2).stderr(same.clone());
    }
    let new = directory.path().join("new");
    evenkeel(&["track"]).arg(&path).arg("--output").arg(&new).arg("--plot").arg(&new).assert().code(2).stderr(same);
    evenkeel(&["track", "--plot", "-"]).arg(&path).assert().code(2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "t,a\nT1,1\n");
    assert_eq!(entries(directory.path()), 1);
}

#[test]
fn an_output_that_cannot_be_opened_is_exit_1() {
    let (directory, _path) = file("out.csv", "");
    for place in [directory.path(), Path::new("/no/such/directory/out.csv")] {
        for command in ["track", "profile"] {
            let mut run = evenkeel(&[command, "--output"]);
            run.arg(place).write_stdin("t,a\nT1,1\n");
            run.assert().code(1).stderr(predicate::str::contains("cannot write"));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_exit_1() {
    track("t,a\nT1,1\n", &["--output", "/dev/full"]).code(1).stderr(predicate::str::contains("No space left"));
    track("t,a\nT1,1\n", &["--plot", "/dev/full"]).code(1).stderr(predicate::str::contains("No space left"));
    track("t,a\nT1,1\n", &["--output", "/dev/null", "--plot", "/dev/null"]).success();
    let (_directory, path) = file("in.csv", "t,a\nT1,1\n");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    let output = command.arg("track").arg(path).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (directory, path) = file("out.svg", "older");
    let (link, ahead, ordinary) =
        (directory.path().join("link.svg"), directory.path().join("ahead.svg"), directory.path().join("ordinary"));
    symlink(&path, &link).unwrap();
    symlink("new.svg", &ahead).unwrap();
    fs::write(&ordinary, "").unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for (option, start) in [("--output", HEADER), ("--plot", "<svg ")] {
        fs::write(&path, "older").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        track("t,a\nT1,1\n", &[option, link.to_str().unwrap()]).success();
        assert!(fs::read_to_string(&path).unwrap().starts_with(start), "{option}");
        assert_eq!(mode(&path), 0o640, "{option}");
        // A new file has the permissions of any new file, and may be behind a link as well.
        track("t,a\nT1,1\n", &[option, ahead.to_str().unwrap()]).success();
        let new = directory.path().join("new.svg");
        assert!(fs::read_to_string(&new).unwrap().starts_with(start), "{option}");
        assert_eq!(mode(&new), mode(&ordinary), "{option}");
        assert!([&link, &ahead].into_iter().all(|link| link.is_symlink()), "{option}");
        fs::remove_file(new).unwrap();
    }
    assert_eq!(entries(directory.path()), 4, "nothing else is left behind");
}

/// Whoever may not write a file may not replace it either, whatever the directory allows.
#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_written_is_not_replaced() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = file("out.svg", "older");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    if fs::OpenOptions::new().append(true).open(&path).is_ok() {
        return; // a superuser may write everything
    }
    let path_name = path.to_str().unwrap();
    for option in ["--output", "--plot"] {
        track("t,a\nT1,1\n", &[option, path_name]).code(1).stderr(predicate::str::contains("cannot write"));
    }
    evenkeel(&["pipe", "--state", path_name]).write_stdin("m f=1\n").assert().code(2);
    assert_eq!(fs::read_to_string(&path).unwrap(), "older");
    assert!(entries(directory.path()) <= 2, "the lock of the state at most");
}
