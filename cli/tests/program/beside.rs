//! Encoding and writing beside the reading: the same bytes in the same order, and no state that is ahead of what came out.

use crate::pipe_state::{lines_in, place};
use crate::pipes::{end, spawn};
use crate::support::{file, lines, noise};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// Inputs that make some dozens of batches, with the arguments of the commands that read them.
fn inputs() -> [(&'static str, String, Vec<&'static [&'static str]>); 4] {
    let (mut one, mut other) = (noise(1), noise(2));
    let mut pair = || (one.next().unwrap_or_default(), other.next().unwrap_or_default() * 1e-3);
    let rows = |line: &mut dyn FnMut(u64) -> String| lines(0..12_000, line);
    let wide = rows(&mut |n| format!("T{n},{},{}", pair().0, pair().1));
    // Names that get longer, and some that are new in the middle.
    let long = rows(&mut |n| {
        format!("T{},host{}{},{}", n / 9, n % 9 + n / 5000, (0..n / 100).map(|_| '-').collect::<String>(), pair().0)
    });
    let objects = rows(&mut |n| format!("{{\"t\":{n},\"a\":{},\"b\":{}}}", pair().0, pair().1));
    let points = rows(&mut |n| format!("m,h={} f={},g={} {n}", n % 50, pair().0, pair().1));
    [
        ("wide.csv", format!("t,a,b\n{wide}"), vec![&["track"][..], &["pipe", "--format", "csv"]]),
        ("long.csv", format!("t,s,v\n{long}"), vec![&["track", "--series", "s", "--value", "v"][..]]),
        ("objects.ndjson", objects, vec![&["track"][..], &["pipe"]]),
        ("points.lp", points, vec![&["track", "--format", "influx"][..], &["pipe"]]),
    ]
}

/// The bytes that come out of the program, the way it is started.
fn out_of(command: &mut Command, input: Stdio) -> Vec<u8> {
    let output = command.stdin(input).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The bytes that come out of the program when its input comes in pieces, with pauses, and its output is taken slowly.
fn out_of_pieces(args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = spawn(args);
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut out = Vec::new();
    thread::scope(|scope| {
        scope.spawn(move || {
            for (number, piece) in input.chunks(10_007).enumerate() {
                stdin.write_all(piece).unwrap();
                thread::sleep(Duration::from_millis(if number % 7 == 0 { 2 } else { 0 }));
            }
        });
        let mut piece = vec![0; 50_000];
        loop {
            match stdout.read(&mut piece).unwrap() {
                0 => return,
                read => out.extend_from_slice(&piece[..read]),
            }
            thread::sleep(Duration::from_micros(300));
        }
    });
    assert_eq!(end(child).0, Some(0));
    out
}

#[test]
fn the_same_bytes_come_out_however_fast_the_input_comes() {
    for (name, input, commands) in inputs() {
        let (_directory, path) = file(name, &input);
        for args in commands {
            let program = env!("CARGO_BIN_EXE_evenkeel");
            let open = || Stdio::from(File::open(&path).unwrap());
            let whole = out_of(Command::new(program).args(args), open());
            assert!(whole.len() > 20 * (48 << 10), "{name}: {} bytes are too few", whole.len());
            assert!(out_of_pieces(args, input.as_bytes()) == whole, "{name} in pieces, {args:?}");
            // One processor has no threads.
            if cfg!(target_os = "linux") {
                let mut command = Command::new("taskset");
                command.args(["-c", "0", program]).args(args);
                assert!(out_of(&mut command, open()) == whole, "{name} on one processor, {args:?}");
            }
            check_order(args[0], &input, &String::from_utf8(whole).unwrap());
        }
    }
}

/// Checks that what is in the input comes out in its order: the records, or their numbers.
fn check_order(command: &str, input: &str, out: &str) {
    if command == "pipe" {
        for (line, original) in out.lines().zip(input.lines()) {
            let number = original.rsplit(['=', ',', ':']).next().unwrap().split([' ', '}']).next().unwrap();
            assert!(line.contains(number), "{number} in {line}");
        }
        assert_eq!(out.lines().count(), input.lines().count());
        return;
    }
    let numbers = |text: &str| -> Vec<f64> {
        let cells = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || "+-.".contains(letter)));
        cells.filter(|cell| cell.contains('.')).filter_map(|cell| cell.parse().ok()).collect()
    };
    let values = out.lines().filter_map(|line| numbers(line).first().copied());
    assert!(values.eq(numbers(input)), "the values are those of the input, in its order");
    assert!(
        out.lines().all(|line| !line.starts_with(',') && !line.contains("\"time\":null")),
        "every row has its time"
    );
}

#[test]
fn a_reader_that_leaves_in_the_middle_ends_it_without_a_save() {
    for (name, input, commands) in inputs() {
        let (_directory, path) = file(name, &input);
        let (_place, state) = place();
        for args in commands {
            let with_state: &[&str] = if args[0] == "pipe" { &["--state", state.to_str().unwrap()] } else { &[] };
            let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
            command.args(args).args(with_state).stdin(File::open(&path).unwrap());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut output = BufReader::with_capacity(100, child.stdout.take().unwrap());
            output.read_line(&mut String::new()).unwrap();
            drop(output);
            let (code, said) = end(child);
            assert!(code == Some(0) && !said.contains("cannot"), "{args:?}: {said}");
            assert!(!state.exists(), "{args:?}");
        }
    }
}

/// A disk that fills up on the way, for which a limit of the size of a file stands.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_the_older_file_and_nothing_else() {
    for (name, input, commands) in inputs() {
        let (directory, path) = file(name, &input);
        let out = directory.path().join("out.csv");
        std::fs::write(&out, "older").unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_evenkeel")]);
        let output = command.args(commands[0]).arg(&path).arg("--output").arg(&out).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains("cannot write"), "{name}: {said}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "older");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2, "{name}: nothing is left beside it");
    }
}

/// Lines that had come out of a process when it was killed, and lines that its state knows of.
fn killed(state: &Path, after: Duration) -> (u64, u64) {
    let mut child: Child = spawn(&["pipe", "--quiet", "--save-every", "10ms", "--state", state.to_str().unwrap()]);
    let mut stdin = child.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let line = |n: u64| format!("m,h={} f={},g={} {n}", n % 20, n as f64 / 7.0, n as f64 / 13.0);
        for first in (0_u64..).step_by(100) {
            if stdin.write_all(lines(first..first + 100, line).as_bytes()).is_err() {
                return;
            }
        }
    });
    let mut stdout = child.stdout.take().unwrap();
    let reader = thread::spawn(move || {
        let (mut count, mut piece) = (0, vec![0; 64 << 10]);
        loop {
            let read = stdout.read(&mut piece).unwrap();
            count += piece[..read].split(|byte| *byte == b'\n').skip(1).count() as u64;
            if read == 0 {
                return count;
            }
            // The output is what is waited for, so that batches are on their way at any moment.
            thread::sleep(Duration::from_millis(3));
        }
    });
    thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    feeder.join().unwrap();
    // What was in the pipe has come out.
    (reader.join().unwrap(), lines_in(state).unwrap_or(0))
}

#[cfg(unix)]
#[test]
fn no_state_is_ahead_of_what_has_come_out() {
    let mut most = 0;
    for turn in 0..12 {
        let (_directory, path) = place();
        let (out, known) = killed(&path, Duration::from_millis(150 + 23 * turn));
        assert!(known <= out, "turn {turn}: the state knows of {known} lines, and {out} have come out");
        most = most.max(known);
    }
    assert!(most > 1000, "states have been saved on the way: {most}");
}
