//! `pipe --state`: a process that ends, however it ends, is followed by one that goes on where it was; and no state is ever
//! lost to a bad end, a bad file or a bad disk.

use crate::pipes::{lines, next, spawn};
use crate::support::{count, evenkeel, lines as text_of, pipe, stderr, stdout};
use assert_cmd::assert::Assert;
use predicates::str::contains;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A place for a state, where nothing is yet.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("state");
    (directory, path)
}

pub(crate) fn names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

pub(crate) fn with_state(path: &Path, input: &str, args: &[&str]) -> Assert {
    evenkeel(&["pipe", "--state"]).arg(path).args(args).write_stdin(input).assert()
}

/// Points of a few series: integers, floats, outliers, late ones and some of series that end.
pub(crate) fn feed(from: u64, to: u64) -> String {
    let line = |n: u64| {
        let spike = if n % 50 == 49 { 1e6 } else { 0.0 };
        format!(
            "m,t={} f={},n={}i {}",
            n * n % (7 + n / 100),
            spike + (n * 37 % 11) as f64 / 3.0,
            n % 5,
            1_000_000_000 * (n - n % 13 / 12 * 5)
        )
    };
    text_of(from..to, line)
}

#[test]
fn two_processes_are_one() {
    for args in [
        &[][..],
        &["--max-series", "5"],
        &["--max-series", "5", "--overflow", "evict"],
        &["--max-idle", "30"],
        &["--max-idle", "20s", "--max-series", "6", "--overflow", "evict"],
    ] {
        let whole = stdout(&pipe(feed(10, 400), args).success());
        let (directory, path) = place();
        let first = with_state(&path, &feed(10, 150), args).success();
        let second = with_state(&path, &feed(150, 400), args).success();
        assert_eq!(stdout(&first) + &stdout(&second), whole, "{args:?}");
        assert!(!stderr(&first).contains("series from"), "{}", stderr(&first));
        assert!(stderr(&second).contains("after 140 lines"), "{}", stderr(&second));
        assert_eq!(names(&directory), ["state", "state.lock"]);
        // What is counted is this process's own, and the lines are those of the whole feed.
        assert_eq!(count(&second, "lines"), 250);
        let [series, resumed, created, expired, evicted] =
            ["series", "resumed", "created", "expired", "evicted"].map(|what| count(&second, what));
        assert_eq!(series + expired + evicted, resumed + created, "{}", stderr(&second));
        let third = with_state(&path, "", args).success();
        assert!(stderr(&third).contains(&format!("resumed {series} series from")), "{}", stderr(&third));
        assert!(stderr(&third).contains("after 390 lines"), "{}", stderr(&third));
    }
}

#[test]
fn tables_go_on_too() {
    let object = |n: u64| format!("{{\"host\":\"{}\",\"v\":{}}}", n % 3, n * 37 % 11);
    let row = |n: u64| format!("{},{}", n % 3, n * 37 % 11);
    for (format, header, parts) in [
        ("ndjson", "", [text_of(0..70, object), text_of(70..200, object)]),
        ("csv", "host,v\n", [text_of(0..70, row), text_of(70..200, row)]),
    ] {
        let args = ["--format", format, "--series", "host", "--value", "v"];
        let whole = stdout(&pipe(format!("{header}{}{}", parts[0], parts[1]), &args).success());
        let (_directory, path) = place();
        let [first, second] = parts.map(|part| stdout(&with_state(&path, &format!("{header}{part}"), &args).success()));
        let head =
            whole.lines().next().map(|line| format!("{line}\n")).filter(|_| !header.is_empty()).unwrap_or_default();
        assert_eq!(first + second.strip_prefix(&head).unwrap(), whole);
    }
    // The state knows what the feed is in, if nobody says.
    let (_directory, path) = place();
    with_state(&path, "{\"a\":1}\n", &[]).success();
    let run = with_state(&path, "m f=1\n", &[]).success();
    assert_eq!((stdout(&run), count(&run, "bad rows")), (String::new(), 1));
    with_state(&path, "m f=1\n", &["--format", "influx"])
        .code(2)
        .stderr(contains("a feed in ndjson, and this one is in influx"));
}

/// A process on a live pipe.
struct Live {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Live {
    fn new(path: &Path, save_every: &str) -> Self {
        let mut child = spawn(&["pipe", "--save-every", save_every, "--state", path.to_str().unwrap()]);
        let (lines, input) = (lines(&mut child), child.stdin.take().unwrap());
        Self { child, input, lines }
    }

    /// Sends lines and reads the answers.
    fn send(&mut self, text: &str) -> String {
        self.input.write_all(text.as_bytes()).unwrap();
        text.lines().map(|_| next(&self.lines) + "\n").collect()
    }

    /// Waits for the end; gives the exit code and what was said.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input);
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// How many lines a state knows of: the note is JSON in its header.
pub(crate) fn lines_in(path: &Path) -> Option<u64> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.split_once("\"lines\":")?.1.split(['}', ',']).next()?.parse().ok()
}

#[cfg(unix)]
#[test]
fn a_killed_process_loses_no_more_than_the_interval() {
    let (directory, path) = place();
    let whole = stdout(&pipe(feed(0, 300), &[]).success());
    let mut live = Live::new(&path, "20ms");
    let first = live.send(&feed(0, 120));
    // It is saved while nothing comes in, and not more than once for it.
    wait_until("the state should have been saved", || lines_in(&path) == Some(120));
    let saved = fs::metadata(&path).unwrap().modified().unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), saved);
    live.child.kill().unwrap();
    live.child.wait().unwrap();
    let second = with_state(&path, &feed(120, 300), &[]).success();
    assert_eq!(first + &stdout(&second), whole);
    assert!(stderr(&second).contains("after 120 lines"), "{}", stderr(&second));
    assert_eq!(names(&directory), ["state", "state.lock"]);
}

#[cfg(unix)]
#[test]
fn kills_at_any_moment_leave_a_good_file() {
    let (directory, path) = place();
    for round in 0..30_u64 {
        let mut live = Live::new(&path, "20ms");
        let deadline = Instant::now() + Duration::from_millis(15 + 3 * round);
        let mut sent = 0;
        while Instant::now() < deadline {
            live.send(&feed(sent, sent + 50));
            sent += 50;
        }
        live.child.kill().unwrap();
        live.child.wait().unwrap();
        assert!(names(&directory).iter().all(|name| ["state", "state.lock", "state.new"].contains(&name.as_str())));
    }
    let run = with_state(&path, "", &[]).success();
    assert!(stderr(&run).contains("resumed"), "{}", stderr(&run));
    assert_eq!(names(&directory), ["state", "state.lock"]);
}

#[cfg(unix)]
#[test]
fn a_signal_saves_the_state() {
    for signal in ["TERM", "INT"] {
        let (_directory, path) = place();
        let mut live = Live::new(&path, "1h");
        let first = live.send(&feed(0, 50));
        Command::new("kill").args(["-s", signal, &live.child.id().to_string()]).status().unwrap();
        assert_eq!(live.end().0, Some(0));
        assert_eq!(lines_in(&path), Some(50));
        let second = with_state(&path, &feed(50, 100), &[]).success();
        assert_eq!(first + &stdout(&second), stdout(&pipe(feed(0, 100), &[]).success()));
    }
}

#[test]
fn a_second_process_is_refused() {
    let (_directory, path) = place();
    let mut live = Live::new(&path, "20ms");
    live.send("m f=1\n");
    with_state(&path, "m f=1\n", &[]).code(2).stdout("").stderr(contains("another process uses it"));
    assert_eq!(live.end().0, Some(0));
    with_state(&path, "m f=1\n", &[]).success();
}

#[test]
fn a_state_of_other_parameters_is_refused_and_kept() {
    let (_directory, path) = place();
    with_state(&path, &feed(0, 50), &["--half-life", "30"]).success();
    let before = fs::read(&path).unwrap();
    for args in
        [&["--half-life", "31"][..], &["--preset", "mean"], &["--patience", "3"], &["--resolution", "none"], &[]]
    {
        let run = with_state(&path, &feed(50, 60), args).code(2).stdout("");
        let said = stderr(&run);
        let other = if args.contains(&"--preset") { "RobustMean" } else { "CleanedEma" };
        assert!(said.contains("(CleanedEma(gain 0.0228") && said.contains(&format!(", not {other}(")), "{said}");
        assert!(
            said.contains("it was made with another --") && said.contains("give the same options, or another file"),
            "{said}"
        );
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    with_state(&path, &feed(50, 60), &["--half-life", "30", "--max-series", "3"]).success();
}

#[test]
fn a_damaged_state_is_refused_and_kept() {
    let (directory, path) = place();
    with_state(&path, &feed(0, 50), &[]).success();
    let good = fs::read(&path).unwrap();
    let mut damaged =
        vec![Vec::new(), b"something else\n".to_vec(), good[..20].to_vec(), good[..good.len() - 1].to_vec()];
    for at in (0..good.len()).step_by(97) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        damaged.push(bytes);
    }
    damaged.push([&good[..], b"x"].concat());
    for bytes in damaged {
        fs::write(&path, &bytes).unwrap();
        let run = with_state(&path, &feed(50, 60), &[]).code(2).stdout("");
        assert!(stderr(&run).contains("cannot use the state"), "{}", stderr(&run));
        assert_eq!(stderr(&run).lines().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
    assert_eq!(names(&directory), ["state", "state.lock"]);
}

#[test]
fn a_state_that_cannot_be_saved_stops_nothing() {
    let (directory, path) = place();
    with_state(&path, &feed(0, 50), &[]).success();
    let good = fs::read(&path).unwrap();
    let mut live = Live::new(&path, "20ms");
    // Where the new file should go, there is a directory with something in it.
    fs::create_dir_all(directory.path().join("state.new/x")).unwrap();
    for from in (50..150).step_by(10) {
        live.send(&feed(from, from + 10));
        thread::sleep(Duration::from_millis(30));
    }
    let (code, said) = live.end();
    assert_eq!(code, Some(1), "{said}");
    let warnings = said.matches("it stays as it was, and the stream goes on").count();
    assert_eq!(warnings, 1, "once a minute: {said}");
    assert!(said.lines().last().unwrap().contains("cannot save the state"), "{said}");
    assert_eq!(fs::read(&path).unwrap(), good);
}

#[test]
fn a_state_that_could_not_be_saved_is_saved_when_it_can_be() {
    let (directory, path) = place();
    let mut live = Live::new(&path, "20ms");
    live.send(&feed(0, 10));
    wait_until("the state should have been saved", || lines_in(&path) == Some(10));
    fs::create_dir_all(directory.path().join("state.new/x")).unwrap();
    live.send(&feed(10, 20));
    thread::sleep(Duration::from_millis(200));
    fs::remove_dir_all(directory.path().join("state.new")).unwrap();
    // Although nothing more comes in.
    wait_until("the state should have been saved again", || lines_in(&path) == Some(20));
    let (code, said) = live.end();
    // A busy machine may not have tried meanwhile.
    assert!(code == Some(0) && said.matches("it stays as it was").count() <= 1, "{said}");
}

#[test]
fn a_feed_that_has_shown_nothing_may_be_in_anything() {
    for nothing in ["", "nonsense\n", "\n# a comment\n"] {
        let (_directory, path) = place();
        with_state(&path, nothing, &[]).success();
        let run = with_state(&path, "{\"a\":1}\n{\"a\":2}\n", &[]).success();
        assert_eq!((stdout(&run).matches("a_location").count(), count(&run, "bad rows")), (2, 0), "{nothing:?}");
        with_state(&path, "", &["--format", "influx"]).code(2).stderr(contains("a feed in ndjson"));
    }
    // Nor is there a state of what could not be used.
    let (directory, path) = place();
    with_state(&path, "t,a\n", &["--format", "csv", "--value", "b"]).code(2);
    with_state(&path, "{\"a\":1}\n", &["--half-life", "5m"]).code(2);
    assert_eq!(names(&directory), ["state.lock"]);
}

#[test]
fn timestamps_keep_their_unit() {
    let (_directory, path) = place();
    let in_time = ["--half-life", "5m"];
    let with = |input: &str, args: &[&str]| with_state(&path, input, &[&in_time, args].concat());
    with("m f=1 1700000000\n", &["--precision", "s"]).success();
    with("m f=1 1700000060000\n", &["--precision", "ms"])
        .code(2)
        .stdout("")
        .stderr(contains("a feed with timestamps in s, and this one is in ms"));
    // It is that of the state by default.
    let run = with("m f=1 1700000060\n", &[]).success();
    assert_eq!((count(&run, "samples"), count(&run, "late")), (1, 0));
    with("", &["--precision", "s"]).success();
}

#[test]
fn a_state_of_more_series_than_there_may_be_says_so() {
    let (_directory, path) = place();
    with_state(&path, &text_of(0..50, |n: u64| format!("m,t={n} f=1")), &[]).success();
    let said = stderr(&with_state(&path, "", &["--max-series", "3"]).success());
    assert!(said.contains("resumed 3 of 50 series from") && said.contains("after 50 lines (--max-series)"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_last_good_file_and_nothing_else() {
    let (directory, path) = place();
    let (few, many) = (text_of(0..3, |n: u64| format!("m{n} f=1")), text_of(0..2000, |n: u64| format!("m{n} f=1")));
    with_state(&path, &few, &[]).success();
    let good = fs::read(&path).unwrap();
    // No file may be longer than some kilobytes; the state of so many series is.
    let script =
        format!("ulimit -f 8; trap '' XFSZ; exec {} pipe --state {}", env!("CARGO_BIN_EXE_evenkeel"), path.display());
    let run = assert_cmd::Command::new("sh").args(["-c", &script]).write_stdin(many).assert().code(1);
    assert_eq!(stdout(&run).lines().count(), 2000);
    assert!(
        stderr(&run).contains("cannot save the state") && stderr(&run).contains("File too large"),
        "{}",
        stderr(&run)
    );
    assert_eq!(fs::read(&path).unwrap(), good);
    assert_eq!(names(&directory), ["state", "state.lock"]);
}

#[cfg(unix)]
#[test]
fn links_and_permissions_stay_and_leftovers_go() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (directory, path) = place();
    with_state(&path, "m f=1\n", &[]).success();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(directory.path().join("state.new"), "half of someth").unwrap();
    let link = directory.path().join("link");
    symlink("state", &link).unwrap();
    with_state(&link, "m f=1\n", &[]).success();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(lines_in(&path), Some(2));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(names(&directory), ["link", "state", "state.lock"]);

    // A link to nothing is none to a state, and what is no file must not become one.
    symlink("nowhere", directory.path().join("dangling")).unwrap();
    with_state(&directory.path().join("dangling"), "m f=1\n", &[])
        .code(2)
        .stdout("")
        .stderr(contains("a link to nothing"));
    let socket = directory.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    with_state(&socket, "m f=1\n", &[]).code(2).stdout("").stderr(contains("no regular file"));
    assert_eq!(names(&directory), ["dangling", "link", "socket", "state", "state.lock"]);
    // What is beside a file that is no state is not ours.
    fs::write(&path, "a diary").unwrap();
    fs::write(directory.path().join("state.new"), "more of it").unwrap();
    with_state(&path, "m f=1\n", &[]).code(2).stderr(contains("cannot use the state"));
    assert_eq!(fs::read(directory.path().join("state.new")).unwrap(), b"more of it");
}

#[test]
fn places_that_are_none_are_refused() {
    let (directory, path) = place();
    with_state(directory.path(), "m f=1\n", &[]).code(2).stdout("").stderr(contains("is a directory"));
    with_state(Path::new("/no/such/directory/state"), "m f=1\n", &[])
        .code(2)
        .stdout("")
        .stderr(contains("cannot lock"));
    with_state(&path, "m f=1\n", &["--save-every", "1ms"]).code(2).stderr(contains("at least 10ms"));
    with_state(&path, "m f=1\n", &["--save-every", "10"]).code(2).stderr(contains("such as 500ms"));
    pipe("m f=1\n", &["--save-every", "10s"]).code(2).stderr(contains("--state"));
    assert_eq!(names(&directory), [""; 0]);
}

#[test]
fn what_has_not_come_out_is_not_in_the_state() {
    let (_directory, path) = place();
    with_state(&path, &feed(0, 50), &[]).success();
    let mut child = spawn(&["pipe", "--quiet", "--state", path.to_str().unwrap()]);
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(feed(50, 60).as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(lines_in(&path), Some(50));
    // A bad line that ends the process has not been dealt with.
    with_state(&path, &(feed(50, 60) + "bad\n" + &feed(60, 70)), &["--strict"]).code(1);
    assert_eq!(lines_in(&path), Some(60));
}

/// Rows behind a header that is not there would be another table.
#[test]
fn a_table_goes_on_with_its_header() {
    let wide = ("t,a,b\nT,1,2\n", "u,v,w\nT,1,2\n", "t,c,b\nT,1,2\n", &["--format", "csv"][..]);
    let series = &["--format", "csv", "--series", "host"][..];
    let long = ("t,host,a\nT,x,1\n", "t,host,1\nT,x,1\n", "t,host,a\nT,y,1\n", series);
    for (table, other, more, args) in [wide, long] {
        let (_directory, path) = place();
        with_state(&path, table, args).success();
        let before = fs::read(&path).unwrap();
        with_state(&path, other, args).code(2).stdout("").stderr(contains("needs its header again"));
        assert_eq!(fs::read(&path).unwrap(), before);
        with_state(&path, "T,1,2\nT,1,2\n", &["--format", "csv"]).code(2).stdout("").stderr(contains("is no header"));
        assert_eq!(fs::read(&path).unwrap(), before);
        // A column more or less is the same feed, and so is another host.
        with_state(&path, more, args).success().stderr(contains("resumed"));
    }
}

#[test]
fn half_a_record_is_in_no_state() {
    let (_directory, path) = place();
    let args = ["--value", "a", "--value", "b"];
    with_state(&path, "{\"a\":1,\"b\":1}\n{\"a\":2,\"b\":2}\n", &args).success();
    let before = fs::read(&path).unwrap();
    // The first of the two numbers has been followed when the second stops the program.
    with_state(&path, "{\"a\":3,\"b\":\"x\"}\n", &[&args[..], &["--strict"]].concat()).code(1);
    assert_eq!(fs::read(&path).unwrap(), before);
    // A record of which nothing has been followed leaves all before it to be saved.
    with_state(&path, "{\"a\":3,\"b\":3}\n{\"a\":\"x\"}\n", &[&args[..], &["--strict"]].concat()).code(1);
    assert_ne!(fs::read(&path).unwrap(), before);
}
