//! A reader at the other end of a pipe sees each row as it is made, and may leave when it has seen enough.

use crate::support::{self, HEADER, file};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) fn spawn(args: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// The lines of a child's output, as they come.
pub(crate) fn lines(child: &mut Child) -> Receiver<String> {
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

pub(crate) fn next(lines: &Receiver<String>) -> String {
    lines.recv_timeout(Duration::from_secs(20)).expect("a row should have come out")
}

/// Waits for a program to end by itself; gives its exit code and what it said.
pub(crate) fn end(mut child: Child) -> (Option<i32>, String) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    // If it has ended, this does nothing.
    child.kill().unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().code(), said)
}

#[test]
fn csv_rows_come_out_one_by_one() {
    let mut child = spawn(&["track", "-"]);
    let lines = lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"t,a,b\n").unwrap();
    for row in 0..50 {
        writeln!(input, "T{row},{row},7").unwrap();
        if row == 0 {
            assert_eq!(next(&lines), HEADER);
        }
        assert!(next(&lines).starts_with(&format!("T{row},a,{row}.0,")));
        assert!(next(&lines).starts_with(&format!("T{row},b,7.0,")));
    }
    // Half a row is no row yet.
    input.write_all(b"T,1").unwrap();
    assert!(lines.recv_timeout(Duration::from_millis(50)).is_err());
    input.write_all(b",2\n").unwrap();
    assert!(next(&lines).starts_with("T,a,1.0,"));
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn ndjson_rows_come_out_one_by_one() {
    let mut child = spawn(&["track", "--quiet"]);
    let lines = lines(&mut child);
    let mut input = child.stdin.take().unwrap();
    for row in 0..20 {
        writeln!(input, "{{\"t\":\"T{row}\",\"a\":{row}}}").unwrap();
        assert!(next(&lines).starts_with(&format!("{{\"time\":\"T{row}\",\"series\":\"a\",")));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let rows = support::lines(0..200_000, |row| format!("T{row},{row}"));
    let (_directory, path) = file("long.csv", format!("t,a\n{rows}"));
    let mut child = spawn(&["track", path.to_str().unwrap()]);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    drop(output);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_live_input_ends_too_when_the_reader_leaves() {
    let mut child = spawn(&["track"]);
    let mut input = child.stdin.take().unwrap();
    drop(child.stdout.take());
    // The first row cannot be written: the program does not wait for a second one.
    input.write_all(b"t,a\nT1,1\n").unwrap();
    let (code, said) = end(child);
    assert_eq!(code, Some(0));
    assert_eq!(said, "");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let (_directory, path) = file("a.csv", "");
    let peak = |rows: usize| -> u64 {
        let mut child = spawn(&["track", "--quiet", "--output", path.to_str().unwrap()]);
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"t,s,v\n").unwrap();
        let block = support::lines(0..1000, |row| format!("2024-01-01T00:00:00,series{row},{row}.5"));
        for _ in 0..rows / 1000 {
            input.write_all(block.as_bytes()).unwrap();
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        drop(input);
        assert!(child.wait().unwrap().success());
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.split_whitespace().next().unwrap().parse().unwrap()
    };
    let (few, many) = (peak(20_000), peak(600_000));
    assert!(many < few + 1024, "{few} kB for few rows, {many} kB for many");
}
