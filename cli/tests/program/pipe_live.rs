//! `pipe` in a running pipeline: what can be known comes out at once, signals end it as the end of its input does, and a
//! reader may leave.

use crate::pipes::{end, lines, next, spawn};
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
    assert_eq!(next(&lines), "two\",f=1i,f_location=1.0,f_scale=0.5,f_score=0.0");
    drop(input);
    assert!(child.wait().unwrap().success());
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
        assert!(said.contains("lines 1, bad lines 0,"), "{said}");
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
