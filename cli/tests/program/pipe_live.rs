//! `pipe` in a running pipeline: what can be known comes out at once, signals end it as the end of its input does, and a
//! reader may leave.

use crate::pipes::{end, lines, next, spawn};
use crate::support::{count, evenkeel, lines as text_of, pipe, stderr, stdout};
use std::io::Write;
#[cfg(unix)]
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

#[test]
fn lines_come_out_one_by_one() {
    for (args, header, line) in [
        (&["pipe"][..], "", "m f=N 5"),
        (&["pipe", "--format", "ndjson"], "", "{\"f\":N}"),
        (&["pipe", "--format", "csv"], "t,f\n", "T,N"),
    ] {
        let mut child = spawn(args);
        let (lines, mut input) = (lines(&mut child), child.stdin.take().unwrap());
        input.write_all(header.as_bytes()).unwrap();
        for number in 0..30 {
            let line = line.replace('N', &number.to_string());
            writeln!(input, "{line}").unwrap();
            if number == 0 && !header.is_empty() {
                assert_eq!(next(&lines), "t,f,f_location,f_scale,f_score");
            }
            let answer = next(&lines);
            assert!(answer.len() > line.len() && answer.contains(&line[..line.len() - 2]), "{answer:?}");
        }
        // Half a line is no line yet.
        input.write_all(&line.as_bytes()[..2]).unwrap();
        assert!(lines.recv_timeout(Duration::from_millis(50)).is_err());
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn a_point_over_two_lines_comes_out_with_its_end() {
    let mut child = spawn(&["pipe", "--quiet"]);
    let (lines, mut input) = (lines(&mut child), child.stdin.take().unwrap());
    input.write_all(b"m f=1i 5\nm s=\"one\n").unwrap();
    assert_eq!(next(&lines), "m f=1i,f_location=1.0,f_scale=0.5 5");
    assert!(lines.recv_timeout(Duration::from_millis(50)).is_err());
    input.write_all(b"two\",f=1i\n").unwrap();
    assert_eq!(next(&lines), "m s=\"one");
    assert_eq!(next(&lines), "two\",f=1i,f_location=1.0,f_scale=0.5");
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// A stray quote in the second record, and good records behind it that do not close it, to go through a pipe at once.
fn stray() -> [(&'static [&'static str], String, Vec<String>); 2] {
    let (points, rows) = (text_of(0..20, |n| format!("m f={n}")), text_of(0..20, |n| format!("x,{n}")));
    let all = |first: &str, rest: &str| first.lines().chain(rest.lines()).map(str::to_owned).collect();
    [
        (&["pipe"], format!("m f=7\nm s=\"abc\n{points}"), all("m f=7", &points)),
        (&["pipe", "--format", "csv"], format!("t,f\n0,7\n\"oops,1\n{rows}"), all("t,f\n0,7", &rows)),
    ]
}

#[test]
fn a_stray_quote_holds_up_nothing_for_long() {
    for (args, input, expected) in stray() {
        let mut child = spawn(args);
        let (lines, mut stdin) = (lines(&mut child), child.stdin.take().unwrap());
        stdin.write_all(input.as_bytes()).unwrap();
        for start in expected {
            let line = next(&lines);
            assert!(line.starts_with(&format!("{start},")), "{start:?} in {line:?}");
        }
        drop(stdin);
        let (code, said) = end(child);
        assert!(code == Some(0) && said.contains("bad rows 1,"), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_signal_brings_out_what_a_stray_quote_holds_up() {
    for (args, input, expected) in stray() {
        let mut child = spawn(args);
        let (lines, mut stdin) = (lines(&mut child), child.stdin.take().unwrap());
        let beginning = if args.len() > 1 { 2 } else { 1 };
        stdin.write_all(input.as_bytes()).unwrap();
        // When the first ones are out, all have been read.
        let mut seen: Vec<String> = (0..beginning).map(|_| next(&lines)).collect();
        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
        let (code, said) = end(child);
        seen.extend(lines);
        assert_eq!(seen.len(), expected.len(), "{said}");
        assert!(seen.iter().zip(&expected).all(|(line, start)| line.starts_with(start)), "{seen:?}");
        assert!(code == Some(0) && said.contains(": line ") && said.contains("bad rows 1,"), "{said}");
        drop(stdin);
    }
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let mut child = spawn(&["pipe"]);
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    input.write_all(b"m f=1\n").unwrap();
    assert_eq!(end(child), (Some(0), String::new()));
}

#[cfg(unix)]
#[test]
fn comments_before_the_first_record_pass_at_once() {
    let mut child = spawn(&["pipe"]);
    let (lines, mut input) = (lines(&mut child), child.stdin.take().unwrap());
    input.write_all(b"# x\n\n").unwrap();
    assert_eq!((next(&lines), next(&lines)), ("# x".to_owned(), String::new()));
    drop(input);
    assert_eq!(end(child).0, Some(0));
    // Blank lines do not show the format, but are not lost.
    let mut child = spawn(&["pipe"]);
    let (lines, mut input) = (self::lines(&mut child), child.stdin.take().unwrap());
    input.write_all(b"\n \n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap().success());
    let (code, said) = end(child);
    assert!(code == Some(0) && said.contains("lines 2,") && !said.contains("not complete"), "{said}");
    assert_eq!((next(&lines), next(&lines)), (String::new(), " ".to_owned()));
    drop(input);
}

#[cfg(unix)]
#[test]
fn a_signal_is_an_end_of_input() {
    for signal in ["TERM", "INT"] {
        let mut child = spawn(&["pipe"]);
        let (lines, mut input) = (lines(&mut child), child.stdin.take().unwrap());
        // Before the first line, too, of which half is lost.
        input.write_all(b"m f=1i\nm f=").unwrap();
        assert_eq!(next(&lines), "m f=1i,f_location=1.0,f_scale=0.5");
        // Twice at once is once: `timeout` signals a process and then its group.
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &id, &id, &id]).status().unwrap().success());
        let (code, said) = end(child);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains("lines 1, rows 1, bad rows 0,"), "{said}");
        assert!(said.contains("the line that was not complete has been left: 4 bytes"), "{said}");
        assert!(lines.recv_timeout(Duration::from_secs(1)).is_err());
        drop(input);
    }
}

#[cfg(unix)]
#[test]
fn a_later_signal_ends_it_whatever_it_waits_for() {
    let mut child = spawn(&["pipe"]);
    let mut input = child.stdin.take().unwrap();
    // Nobody takes the output, so that writing it waits: the first signal is not heard.
    let writer = thread::spawn(move || while input.write_all(b"m f=1i\n").is_ok() {});
    thread::sleep(Duration::from_millis(500));
    let kill = |child: &Child| {
        Command::new("kill").args(["-s", "TERM", &child.id().to_string()]).status().unwrap();
        thread::sleep(Duration::from_millis(1500));
    };
    kill(&child);
    assert!(child.try_wait().unwrap().is_none(), "the first one waits");
    kill(&child);
    assert_eq!(end(child).0, Some(130));
    writer.join().unwrap();
}

/// A writer that was killed in the middle of `usage=12345`.
#[test]
fn a_line_without_its_end_is_no_sample() {
    let (_directory, path) = crate::pipe_state::place();
    let state = ["--state", path.to_str().unwrap()];
    for (format, first, cut, rest) in [
        ("influx", "m usage=7i 1\nm usage=8i 2\n", "m usage=1234", "5i 3\n"),
        ("csv", "t,usage\na,7\nb,8\n", "c,1234", "5\n"),
        ("ndjson", "{\"usage\":7}\n{\"usage\":8}\n", "{\"usage\":1234", "5}\n"),
    ] {
        let _ = std::fs::remove_file(&path);
        let args = [&state[..], &["--format", format]].concat();
        let run = pipe(format!("{first}{cut}"), &args).success();
        let whole = stdout(&pipe(first, &["--format", format]).success());
        assert_eq!(stdout(&run), whole, "{format}");
        let (line, said) = (first.lines().count() + 1, stderr(&run));
        assert!(said.contains(&format!("line {line}: ")) && said.contains("no end"), "{said}");
        assert_eq!((count(&run, "bad rows"), count(&run, "lines")), (1, line as u64 - 1));
        // A feed that is read again begins with it.
        let header = if format == "csv" { "t,usage\n" } else { "" };
        let run = pipe(format!("{header}{cut}{rest}"), &args).success();
        assert!(stderr(&run).contains(&format!("after {} lines", line - 1)), "{}", stderr(&run));
        assert!(stdout(&run).contains("12345") && count(&run, "samples") == 1, "{}", stdout(&run));
        pipe(format!("{first}{cut}"), &["--format", format, "--strict"]).code(1);
    }
    // An object that is closed is whole.
    let run = pipe("{\"usage\":7}", &[]).success();
    assert_eq!((count(&run, "samples"), count(&run, "lines"), count(&run, "bad rows")), (1, 1, 0));
    // Nothing is cut off where nothing is.
    for nothing in ["", "\u{feff}"] {
        let run = pipe(nothing, &[]).success();
        assert_eq!((stdout(&run), count(&run, "bad rows")), (nothing.to_owned(), 0));
    }
}

/// Runs the program with a standard input and output that are set not to wait, feeds it in pieces and takes its output slowly.
/// Returns its exit code, what came out, and what it said.
#[cfg(unix)]
fn without_waiting(args: &[&str], input: &str) -> (Option<i32>, Vec<u8>, String) {
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::process::Stdio;
    // A socket has no more room than a pipe; both ends of the program's are set.
    let (ours_in, theirs_in) = UnixStream::pair().unwrap();
    let (mut ours_out, theirs_out) = UnixStream::pair().unwrap();
    theirs_in.set_nonblocking(true).unwrap();
    theirs_out.set_nonblocking(true).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_evenkeel"))
        .args(args)
        .stdin(Stdio::from(OwnedFd::from(theirs_in)))
        .stdout(Stdio::from(OwnedFd::from(theirs_out)))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let input = input.as_bytes().to_vec();
    let mut ours_in = ours_in;
    let writer = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100)); // nothing is there yet
        for piece in input.chunks(input.len() / 4 + 1) {
            if ours_in.write_all(piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(30));
        }
    });
    thread::sleep(Duration::from_millis(600)); // there is no room any more
    let mut out = Vec::new();
    ours_out.read_to_end(&mut out).unwrap();
    writer.join().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), out, said)
}

#[cfg(unix)]
#[test]
fn streams_that_do_not_wait_are_waited_for() {
    let points = text_of(0..60_000, |n: u64| format!("m,h={} f={}i {n}", n % 7, n * 37 % 11));
    for args in [&["pipe"][..], &["track", "-", "--format", "influx"], &["profile", "-", "--format", "influx"]] {
        let run = evenkeel(args).write_stdin(points.clone()).assert().success();
        let (code, out, said) = without_waiting(args, &points);
        assert_eq!(code, Some(0), "{args:?}: {said}");
        assert!(out == run.get_output().stdout, "{args:?}: {} bytes", out.len());
    }
}
