//! One vocabulary: the same input has the same outcomes, in the same words and counts, whatever the command.

use crate::support::{count, evenkeel, lines, stderr, stdout};
use assert_cmd::assert::Assert;

/// Runs a command on an input.
fn run(command: &str, input: &str, args: &[&str]) -> Assert {
    let output: &[&str] = if command == "report" { &["--output", "-"] } else { &[] };
    let args = [&[command][..], args, output].concat();
    evenkeel(&args).write_stdin(input.to_owned()).assert()
}

const COMMANDS: [&str; 4] = ["track", "profile", "report", "pipe"];

/// The counts that all commands have.
const COUNTS: [&str; 7] = ["rows", "samples", "series", "missing", "late", "bad rows", "bad values"];

#[test]
fn every_command_counts_the_same() {
    let table = "t,a\n100,1\n110,2\nbroken\n120,\n105,3\n130,oops\n140,4\n";
    let objects = "{\"t\":\"1970-01-01T00:01:40Z\",\"a\":1}\n{\"t\":\"1970-01-01T00:01:50Z\",\"a\":2}\nbroken\n\
                   {\"t\":\"1970-01-01T00:01:45Z\",\"a\":3}\n{\"t\":\"1970-01-01T00:02:20Z\",\"a\":4}\n";
    let points = "m a=1 100\n# a comment\nm a=2 110\nm broken\nm a=3 105\n\nm a=4 140\n";
    for (input, args, expected) in [
        (table, &["--format", "csv", "--time", "t", "--value", "a"][..], [7, 3, 1, 1, 1, 1, 1]),
        (objects, &["--format", "ndjson"], [5, 3, 1, 0, 1, 1, 0]),
        (points, &["--format", "influx", "--precision", "s"], [5, 3, 1, 0, 1, 1, 0]),
        ("t,a\n1,inf\n2,5\n3,6\n", &["--format", "csv", "--time", "t", "--value", "a"], [3, 2, 1, 1, 0, 0, 0]),
    ] {
        for command in COMMANDS {
            let run = run(command, input, &[args, &["--half-life", "1m"]].concat()).success();
            assert_eq!(COUNTS.map(|what| count(&run, what)), expected, "{command} {args:?} {}", stderr(&run));
        }
    }
}

#[test]
fn strict_stops_at_the_same() {
    for (what, input, code) in [
        ("nothing", "t,a\n100,1\n110,2\n", 0),
        ("a bad row", "t,a\n100,1\nbroken\n110,2\n", 1),
        ("a bad value", "t,a\n100,1\n110,oops\n120,2\n", 1),
        ("a bad time", "t,a\n100,1\nnever,2\n120,2\n", 1),
        ("a late sample", "t,a\n100,1\n90,2\n110,3\n", 1),
        ("a missing sample", "t,a\n100,1\n110,\n120,2\n", 0),
    ] {
        for command in COMMANDS {
            let args = ["--format", "csv", "--time", "t", "--value", "a", "--half-life", "1m", "--strict"];
            let run = run(command, input, &args).code(code);
            assert_eq!(stderr(&run).contains("line 3: "), code == 1, "{command}, {what}: {}", stderr(&run));
        }
    }
}

#[test]
fn half_a_record_never_comes_out() {
    let input = "t,a,b\n1,1,2\n2,3,oops\n";
    let run = run("pipe", input, &["--format", "csv", "--value", "a", "--value", "b", "--strict"]).code(1);
    assert_eq!(stdout(&run), "t,a,b,a_location,a_scale,a_score,b_location,b_scale,b_score\n1,1,2,1.0,0.5,,2.0,0.5,\n");
}

#[test]
fn every_command_reads_every_format_by_itself() {
    let csv = "time,a\n2024-01-01T00:00:00Z,1\n2024-01-01T00:00:01Z,2\n";
    let ndjson = "{\"t\":\"2024-01-01T00:00:00Z\",\"a\":1}\n{\"t\":\"2024-01-01T00:00:01Z\",\"a\":2}\n";
    let points =
        "# made by hand\n\nm,host=b,cpu=1 a=1i,up=t 1700000000000000000\nm,cpu=1,host=b a=2i 1700000001000000000\n";
    for (input, series) in [(csv, "a"), (ndjson, "a"), (points, "m,cpu=1,host=b a")] {
        for args in [&[][..], &["--half-life", "1m"]] {
            for command in ["track", "profile", "report"] {
                let run = run(command, input, args).success();
                assert_eq!((count(&run, "samples"), count(&run, "series")), (2, 1), "{command} {}", stderr(&run));
                let name =
                    series.replace(',', if command == "report" { "," } else { ",\u{200b}" }).replace('\u{200b}', "");
                assert!(stdout(&run).contains(&name), "{command} {input}");
            }
        }
    }
    // A name that promises nothing is as good as none.
    let folder = tempfile::tempdir().unwrap();
    for (name, text, samples) in [("x.nd", ndjson, 2), ("x.txt", points, 2), ("x.dat", csv, 2), ("x.lp", points, 2)] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let run = evenkeel(&["track", path.to_str().unwrap()]).assert().success();
        assert_eq!(count(&run, "samples"), samples, "{name} {}", stderr(&run));
    }
    // One that promises something is believed.
    let path = folder.path().join("x.csv");
    std::fs::write(&path, ndjson).unwrap();
    evenkeel(&["track", path.to_str().unwrap()]).assert().code(2);
}

#[test]
fn points_come_out_with_their_times_and_series() {
    let points =
        "cpu,host=a,core=1 usage=42.5,idle=57.5 1700000000000000000\ncpu,core=1,host=a usage=42.25 1700000010\n";
    let rows = stdout(&run("track", points, &[]).success());
    assert_eq!(
        rows,
        "time,series,value,location,scale,score,outlier\n\
         1700000000000000000,\"cpu,core=1,host=a usage\",42.5,42.5,0.5,,0\n\
         1700000000000000000,\"cpu,core=1,host=a idle\",57.5,57.5,0.5,,0\n\
         1700000010,\"cpu,core=1,host=a usage\",42.25,42.5,0.5,,0\n"
    );
    // A memory in time counts in the unit that the option says, whatever the digits look like.
    let in_seconds = |precision: &str| {
        // More samples than the first five, which count alike however far apart they are.
        let points = lines(1..=9, |n| format!("m a={} {n}000", n * 37 % 11));
        stdout(&run("track", &points, &["--half-life", "1000s", "--precision", precision]).success())
    };
    assert_ne!(in_seconds("s"), in_seconds("ms"));
    // A file of points without times is of no time; where none is needed, that is no matter.
    let run_file = |args: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lp");
        std::fs::write(&path, "m a=1\nm a=2\n").unwrap();
        evenkeel(&[&["track", path.to_str().unwrap()], args].concat()).assert()
    };
    assert_eq!(count(&run_file(&[]).success(), "samples"), 2);
    let run = run_file(&["--half-life", "1m"]).code(2);
    assert!(stderr(&run).contains("line 2: the time is missing") && stderr(&run).contains("every row is bad"));
}

#[test]
fn an_input_in_which_every_row_is_bad_is_an_error() {
    for (input, args) in [
        ("{\"time\":\"soon\",\"cpu\":1}\n", &["--format", "ndjson", "--half-life", "5s"][..]),
        ("bad\nbad\n", &["--format", "influx"]),
        ("t,a\nnever,1\n", &["--half-life", "5s"]),
    ] {
        let run = run("track", input, args).code(2);
        assert!(stdout(&run).is_empty() && stderr(&run).contains("every row is bad"), "{}", stderr(&run));
    }
}

#[test]
fn an_object_is_no_point_and_a_header_none_either() {
    let run_of = |input: &str| run("track", input, &[]).success();
    let objects = run_of("{\"url\": \"x?q=\", \"n\": 2}\n{\"url\": \"y\", \"n\": 1}\n");
    assert_eq!((count(&objects, "samples"), count(&objects, "bad rows")), (2, 0));
    let table = run_of("name value=\"x\n1\n2\n");
    assert_eq!(count(&table, "samples"), 2, "{}", stderr(&table));
}

#[test]
fn a_label_is_no_time_for_a_pipe_that_needs_one() {
    let label = "{\"bytes\":1700000000,\"host\":\"a\",\"cpu\":1}\n";
    let refused = run("pipe", label, &["--half-life", "5m"]).code(2);
    assert!(stderr(&refused).contains("with --time"), "{}", stderr(&refused));
    // A record of something else has no time, and needs none.
    let events = "{\"time\":\"2024-05-01T00:00:00Z\",\"cpu\":1}\n{\"event\":\"start\"}\n\
                  {\"time\":\"2024-05-01T00:00:01Z\",\"cpu\":1}\n";
    for args in [&["--time", "time"][..], &[]] {
        let run = run("pipe", events, &[args, &["--half-life", "5m", "--strict"]].concat()).success();
        assert_eq!((count(&run, "samples"), count(&run, "bad values")), (2, 0), "{}", stderr(&run));
    }
}

#[test]
fn a_header_has_its_new_columns_even_if_the_first_row_stops() {
    let input = "time,cpu,load\n,1,2\n";
    let args = ["--format", "csv", "--time", "time", "--half-life", "5s", "--strict"];
    let run = run("pipe", input, &args).code(1);
    let header = "time,cpu,load,cpu_location,cpu_scale,cpu_score,load_location,load_scale,load_score\n";
    assert_eq!(stdout(&run), header);
}
