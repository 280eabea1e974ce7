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
    track("t,a\nT1,1\n", &["--output", "/dev/null"]).success();
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
    let (directory, path) = file("out.csv", "older");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.csv");
    symlink(&path, &link).unwrap();
    track("t,a\nT1,1\n", &["--output", link.to_str().unwrap()]).success();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().starts_with(HEADER));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    // A new file has the permissions of any new file.
    let (new, ordinary) = (directory.path().join("new.csv"), directory.path().join("ordinary"));
    fs::write(&ordinary, "").unwrap();
    track("t,a\nT1,1\n", &["--output", new.to_str().unwrap()]).success();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&new), mode(&ordinary));
}
