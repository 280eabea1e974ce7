//! Prometheus' text format and OpenMetrics: what is followed under which name, and what comes out of `pipe`.
//!
//! The texts are what the Python client and Prometheus print, shortened.

use crate::support::{count, evenkeel, file, lines, pipe, rows, samples, stderr, stdout, track};
use std::path::Path;

/// The classic text of the client.
const CLASSIC: &str = r#"# HELP jobs_total n jobs\nsecond \\ line
# TYPE jobs_total counter
jobs_total{b="2",q="a\"x\\y\nz"} 3.0
# HELP jobs_created n jobs\nsecond \\ line
# TYPE jobs_created gauge
jobs_created{b="2",q="a\"x\\y\nz"} 1.7958539279224048e+09
# HELP temp_celsius t
# TYPE temp_celsius gauge
temp_celsius NaN
# HELP big t
# TYPE big gauge
big{x="+}{ ,=#"} -Inf
# HELP lat l
# TYPE lat histogram
lat_bucket{le="0.1"} 0.0
lat_bucket{le="+Inf"} 1.0
lat_count 1.0
lat_sum 0.5
# HELP lat_created l
# TYPE lat_created gauge
lat_created 1.7958539279224794e+09
# HELP stamped s
# TYPE stamped gauge
stamped{l="x"} 1.5 1795819520123
"#;

/// OpenMetrics of the same client, with names that need quotes.
const OPEN: &str = r#"# HELP jobs n jobs\nsecond \\ line
# TYPE jobs counter
jobs_total{b="2",q="a\"x\\y\nz"} 3.0 # {trace_id="abc # {"} 3.0 1795853927.922415
jobs_created{b="2",q="a\"x\\y\nz"} 1.7958539279224048e+09
# HELP temp_celsius t
# TYPE temp_celsius gauge
# UNIT temp_celsius celsius
temp_celsius NaN
# HELP lat l
# TYPE lat histogram
lat_bucket{le="1.0"} 1.0 # {trace_id="z"} 0.5 1795853927.9225132
lat_created 1.7958539279224794e+09
# TYPE build info
build_info{version="1"} 1.0
# HELP "my.metric" utf8
# TYPE "my.metric" gauge
{"my.metric","a.b"="v",c="w"} 1.0
# TYPE "my.plain" gauge
{"my.plain"} 2.0
# HELP stamped s
# TYPE stamped gauge
stamped{l="x"} 1.5 1795819520.123
stamped{l="z"} 3.0 1795819520.000000500
# EOF
"#;

/// Time, series and value of every row that `track` makes of a file.
fn of_file(text: &str, args: &[&str]) -> Vec<String> {
    let (_folder, path) = file("metrics.txt", text);
    let path = path.to_str().unwrap();
    samples(&evenkeel(&[&["track", path], args].concat()).assert().success())
}

#[test]
fn every_line_is_a_sample_of_the_series_that_it_names() {
    let text = of_file(CLASSIC, &[]);
    let expected = [
        r#"1 jobs_total{b="2",q="a\"x\\y\nz"} 3"#,
        "1 temp_celsius -",
        r#"1 big{x="+}{ ,=#"} -inf"#,
        r#"1 lat_bucket{le="0.1"} 0"#,
        r#"1 lat_bucket{le="+Inf"} 1"#,
        "1 lat_count 1",
        "1 lat_sum 0.5",
        r#"1795819520123 stamped{l="x"} 1.5"#,
    ];
    assert_eq!(text, expected);
    let text = of_file(OPEN, &[]);
    let expected = [
        r#"1 jobs_total{b="2",q="a\"x\\y\nz"} 3"#,
        "1 temp_celsius -",
        r#"1 lat_bucket{le="1.0"} 1"#,
        r#"1 build_info{version="1"} 1"#,
        r#"1 {"my.metric","a.b"="v",c="w"} 1"#,
        r#"1 {"my.plain"} 2"#,
        r#"1795819520.123 stamped{l="x"} 1.5"#,
        r#"1795819520.000000500 stamped{l="z"} 3"#,
    ];
    assert_eq!(text, expected);
}

#[test]
fn times_of_creation_are_passed_over_and_nothing_else() {
    let run = track(CLASSIC, &[]).success();
    let said = stderr(&run);
    assert_eq!(said.matches("samples called `_created` are the times").count(), 1, "{said}");
    assert_eq!((count(&run, "rows"), count(&run, "bad rows")), (10, 0), "{said}");
    // One that belongs to nothing that counts is a metric like others.
    let issues = "# TYPE issues gauge\nissues 5\n# TYPE issues_created gauge\nissues_created 7\n";
    assert_eq!(of_file(issues, &[]), ["1 issues 5", "1 issues_created 7"]);
}

#[test]
fn one_series_has_one_name_however_it_is_written() {
    let written = [
        r#"up{a="1",b="2"} 1 1000000000000"#,
        r#"up{b="2",a="1"} 2 1000000000000"#,
        r#"  up { b = "2" , a = "1" , } 3 1000000000000"#,
        r#"{__name__="up", a="1", b="2"} 4 1000000000000"#,
        r#"{"up",b="2",a="1",c=""} 5 1000000000000"#,
        "up\t{a=\"1\",b=\"2\"}\t6\t1000000000000",
        r#"{a="1","up","b"="2"}7 1000000000000"#,
        "up{a=\"1\",b=\"2\"} 8 1000000000000\r",
        r#"up  {a="1",b="2"} 9 1000000000000"#,
    ]
    .join("\n");
    let expected: Vec<String> = (1..=9).map(|n| format!(r#"1000000000000 up{{a="1",b="2"}} {n}"#)).collect();
    assert_eq!(samples(&track(written, &[]).success()), expected);
    // So have those without labels, and those of other letters.
    let written = "up{} 1 1000000000000\nup 2 1000000000000\n{__name__=\"up\"} 3 1000000000000\n\
                   {__name__=\"my.up\",b=\"1\"} 4 1\n{b=\"1\",\"my.up\"} 5 1\n{\"caf\u{e9}\"} 6 1\n";
    let expected = [
        "1000000000000 up 1",
        "1000000000000 up 2",
        "1000000000000 up 3",
        "1 {\"my.up\",b=\"1\"} 4",
        "1 {\"my.up\",b=\"1\"} 5",
        "1 {\"caf\u{e9}\"} 6",
    ];
    assert_eq!(samples(&track(written, &[]).success()), expected);
}

#[test]
fn federation_and_dumps_have_their_times() {
    let federate = "# TYPE node_load1 untyped\nnode_load1{instance=\"a:9100\",job=\"node\"} 13.46 1795819530123\n\
                    # TYPE up untyped\nup{instance=\"a:9090\",job=\"prometheus\"} 1 1795819530510\n";
    let dump = "{__name__=\"node_load1\", instance=\"a:9100\", job=\"node\"} 13.46 1795819530123\n";
    let series = r#"1795819530123 node_load1{instance="a:9100",job="node"} 13.46"#;
    assert_eq!(of_file(federate, &[])[0], series);
    assert_eq!(of_file(dump, &[]), [series]);
    // A memory in time reads milliseconds and seconds with a fraction as they are.
    for times in [["1795819530123", "1795819590123"], ["1795819530.123", "1795819590.123"]] {
        let text = format!("# TYPE x gauge\nx 0 {}\nx 1 {}\n", times[0], times[1]);
        let (_folder, path) = file("x.prom", text);
        let run =
            evenkeel(&["track", path.to_str().unwrap(), "--preset", "mean", "--half-life", "1m"]).assert().success();
        assert_eq!(rows(&stdout(&run)).len(), 2);
        let late = format!("# TYPE x gauge\nx 0 {}\nx 1 {}\n", times[1], times[0]);
        let run = track(late, &["--half-life", "1m"]).success();
        assert!(stderr(&run).contains("the sample is 1m older"), "{}", stderr(&run));
    }
}

#[test]
fn scrapes_are_numbered() {
    let once = "# TYPE a gauge\na 1\nb 2\n# TYPE c counter\nc 3\n";
    let names = ["a", "b", "c"];
    let expected = |scrapes: usize| -> Vec<String> {
        let row = |scrape| names.iter().zip(1..).map(move |(name, value)| format!("{scrape} {name} {value}"));
        (1..=scrapes).flat_map(row).collect()
    };
    assert_eq!(of_file(&once.repeat(3), &[]), expected(3));
    assert_eq!(of_file(&format!("{once}# EOF\n").repeat(3), &[]), expected(3));
    // Without comments it is the first series that comes again.
    assert_eq!(of_file(&"a 1\nb 2\nc 3\n".repeat(3), &["--format", "prometheus"]), expected(3));
    // The first may have gone: then a family that comes again shows it.
    let gone = format!("{once}# TYPE c counter\nc 4\n# TYPE a gauge\na 5\n");
    assert_eq!(of_file(&gone, &[])[3..], ["2 c 4", "2 a 5"]);
    // A memory in time needs more than numbers.
    let (_folder, path) = file("x.prom", once);
    let run = evenkeel(&["track", path.to_str().unwrap(), "--half-life", "1m"]).assert().code(2);
    assert!(stderr(&run).contains("in time needs"), "{}", stderr(&run));
    // In a live feed a scrape is of the moment at which it comes.
    track(once, &["--half-life", "1m"]).success();
}

#[test]
fn a_name_in_another_encoding_makes_a_bad_row_and_nothing_else() {
    // Such a row begins no scrape when it comes again, and hides the format of no other where it comes first.
    for bad in [&b"x{b=\"\xFF\"} 1\n"[..], b"x{b=\"1\", a=\"\xFF\"} 1\n", b"{__name__=\"\xFF\"} 1\n"] {
        let text = [bad, b"a{} 1\n", bad, b"b{} 2\n"].concat();
        let (_folder, path) = file("metrics.txt", text);
        let run = evenkeel(&["track", path.to_str().unwrap(), "--encoding", "utf-8"]).assert().success();
        assert_eq!(samples(&run), ["1 a 1", "1 b 2"]);
        assert!(stderr(&run).contains("line 1: the name of a series is not UTF-8"), "{}", stderr(&run));
        assert_eq!((count(&run, "rows"), count(&run, "bad rows")), (4, 2));
    }
}

#[test]
fn it_is_known_by_its_comments_by_labels_or_by_milliseconds() {
    for text in [
        "# HELP a b\n# TYPE a gauge\na 1\n",
        "\n# TYPE \"a.b\" gauge\n{\"a.b\"} 1\n",
        "a{b=\"c\"} 1\n",
        "a{} 1\n",
        "a 1 1795819530510\n",
        "{__name__=\"a\", b=\"c=\\\"d\"} 1 5\n",
    ] {
        assert_eq!(of_file(text, &[]).len(), 1, "{text}");
        assert_eq!(count(&pipe(text, &[]).success(), "samples"), 1, "{text}");
        let (_folder, path) = file("x.prom", text);
        let run = evenkeel(&["track", path.to_str().unwrap()]).assert().success();
        assert_eq!(count(&run, "samples"), 1, "{text}");
    }
    assert_eq!(of_file("# a comment\n\n# HELP a b\n# TYPE a gauge\na 1\n", &[]), ["1 a 1"]);
    // What may be something else is not taken for it.
    for (text, format) in [
        ("a{b=\"c\"} d=1\n", "influx"),
        ("{\"a\":1}\n", "ndjson"),
        ("# TYPE of thing\na,b\n1,2\n", "csv"),
        ("a 1 1795819530\n", "graphite"),
    ] {
        let plain = stdout(&track(text, &[]).success());
        assert_eq!(plain, stdout(&track(text, &["--format", format]).success()), "{text}");
    }
}

#[test]
fn what_is_no_sample_is_said() {
    for (line, why) in [
        ("a", "there is no value behind a name"),
        ("a b", "the value is no number"),
        ("a 1x", "the value is no number"),
        ("a{b=\"c\"}", "there is no value"),
        ("a{b=\"c\"", "labels are not closed by a brace"),
        ("a{b=\"c} 1", "a quote is opened and never closed"),
        ("a{b=c} 1", "the value of a label is not in quotes"),
        ("a{b} 1", "a label has no value"),
        ("a{\"b\"} 1", "a label has no value"),
        ("a{=\"b\"} 1", "a label has no name"),
        ("a{b=\"1\",b=\"2\"} 1", "a label is there twice"),
        ("{b=\"1\"} 1", "there is no name"),
        ("1a 1", "there is no name"),
        ("{\"\"} 1", "there is no name"),
        ("{__name__=\"\",b=\"1\"} 1", "there is no name"),
        ("a 1 x", "the timestamp is no number"),
        ("a 1 nan", "the timestamp is no number"),
        ("a 1 5 6", "there is something behind the timestamp that is no exemplar"),
        ("a {count:1, sum:2} 5", "a label has no value"),
        ("{__name__=\"a\"} {count:1, sum:2} 5", "the value is a native histogram"),
    ] {
        let run = track(format!("# TYPE ok gauge\nok 1\n{line}\nok 2\n"), &[]).success();
        let said = stderr(&run);
        assert!(said.contains("line 3: ") && said.contains(why), "{line}: {said}");
        assert_eq!((count(&run, "samples"), count(&run, "bad rows")), (2, 1), "{line}");
    }
    assert!(stderr(&track("# TYPE a gauge\n", &[]).code(2)).contains("is empty, or has no samples"));
}

#[test]
fn every_command_reads_it() {
    let text = lines(0..20, |n| format!("# TYPE a gauge\na{{b=\"c\"}} {n}"));
    let (folder, path) = file("x.prom", text);
    let path = path.to_str().unwrap();
    for args in [&["profile", path][..], &["report", path, "--output", "-"]] {
        let run = evenkeel(args).assert().success();
        assert_eq!((count(&run, "samples"), count(&run, "series")), (20, 1), "{args:?}");
    }
    let picture = folder.path().join("x.svg");
    evenkeel(&["track", path, "--plot", picture.to_str().unwrap()]).assert().success();
    assert!(Path::new(&picture).exists());
}

#[test]
fn pipe_adds_lines_of_their_own() {
    let text = "# TYPE a gauge\na{b=\"c\"} 1\na{b=\"d\"} 2 1000000000000\r\n{\"a.b\", c=\"d\"} 3 # {} 1\n\
                {__name__=\"up\", z=\"1\", b=\"2\"} 4 5\nNaN NaN\nlast 7\n";
    let expected = "# TYPE a gauge\na{b=\"c\"} 1\na_location{b=\"c\"} 1.0\na_scale{b=\"c\"} 0.5\n\
                    a{b=\"d\"} 2 1000000000000\r\na_location{b=\"d\"} 2.0 1000000000000\r\na_scale{b=\"d\"} 0.5 1000000000000\r\n\
                    {\"a.b\", c=\"d\"} 3 # {} 1\n{\"a.b_location\",c=\"d\"} 3.0\n{\"a.b_scale\",c=\"d\"} 0.5\n\
                    {__name__=\"up\", z=\"1\", b=\"2\"} 4 5\nup_location{b=\"2\",z=\"1\"} 4.0 5\nup_scale{b=\"2\",z=\"1\"} 0.5 5\n\
                    NaN NaN\nlast 7\nlast_location 7.0\nlast_scale 0.5\n";
    assert_eq!(stdout(&pipe(text, &[]).success()), expected);
    // What has been added is not followed when it comes through again, and a name that only ends so is.
    let run = pipe(expected, &[]).success();
    assert_eq!((count(&run, "names taken"), count(&run, "series")), (10, 6));
    assert!(!stdout(&run).contains("_location_location"));
    let run = pipe("# TYPE a_scale gauge\na_scale 1\n", &[]).success();
    assert_eq!((count(&run, "names taken"), count(&run, "samples")), (0, 1));
}
