//! Telemetry in lines of Graphite, StatsD and collectd: what is followed under which name, and what comes out of `pipe`.

use crate::support::{count, evenkeel, file, pipe, samples, stderr, stdout, track};

/// Time, series and value of every row that `track` makes of a file, in which nothing is bad.
fn of_file(text: &str) -> Vec<String> {
    let (_folder, path) = file("lines.txt", text);
    let run = evenkeel(&["track", path.to_str().unwrap()]).assert().success();
    assert_eq!(count(&run, "bad rows"), 0, "{}", stderr(&run));
    samples(&run)
}

/// Checks that each line is bad for its reason, and takes no good one with it.
fn check_bad(format: &str, good: &str, bad: &[(&str, &str)]) {
    for (line, why) in bad {
        let run = track(format!("{good}\n{line}\n{good}\n"), &["--format", format]).success();
        let said = stderr(&run);
        assert!(said.contains("line 2: ") && said.contains(why), "{line}: {said}");
        assert_eq!((count(&run, "samples"), count(&run, "bad rows")), (2, 1), "{line}");
    }
}

#[test]
fn graphite_is_path_value_and_time() {
    let text = "servers.web1.load 1.2 1714558201\nservers.web1.load\t1.3  1714558211.5\nservers.web2.load nan -1\n\
                disk.used;mount=/;host=a 5e3 1714558211\ndisk.used;host=a;mount=/ inf 1714558212\n# a comment\n\n";
    let expected = [
        "1714558201 servers.web1.load 1.2",
        "1714558211.5 servers.web1.load 1.3",
        " servers.web2.load -",
        "1714558211 disk.used;host=a;mount=/ 5000",
        "1714558212 disk.used;host=a;mount=/ inf",
    ];
    assert_eq!(of_file(text), expected);
    let late = "a.b 1 1714558261\na.b 2 1714558201\n";
    assert!(stderr(&track(late, &["--half-life", "1m"]).success()).contains("the sample is 1m older"));
    check_bad(
        "graphite",
        "a.b 1 1714558201",
        &[
            ("a.b 1", "a line has three parts"),
            ("a.b 1 1714558201 x", "a line has three parts"),
            ("a.b x 1714558201", "the value is no number"),
            ("a.b 1 now", "the time is no number"),
            ("a.b 1 nan", "the time is no number"),
            (";a=b 1 1714558201", "there is no path"),
            ("a.b;c 1 1714558201", "a tag is no name=value"),
            ("a.b;=c 1 1714558201", "a tag is no name=value"),
        ],
    );
}

#[test]
fn a_table_is_not_graphite() {
    // A first column of numbers, a time of no day of ours, or a fourth column.
    for text in ["1 2 1714558201\n3 4 1714558202\n", "x 1 5\ny 2 6\n", "a 1 1714558201 x\nb 2 1714558202 y\n"] {
        let (_folder, path) = file("x.txt", text);
        let run = evenkeel(&["track", path.to_str().unwrap()]).assert();
        let as_csv = evenkeel(&["track", path.to_str().unwrap(), "--format", "csv"]).assert();
        assert_eq!((stdout(&run), stderr(&run)), (stdout(&as_csv), stderr(&as_csv)), "{text}");
    }
}

#[test]
fn statsd_has_values_of_types() {
    let text = "page.views:1|c\npage.views:3|c|@0.5\nfuel.level:0.5|g\nsong.length:240|h|@0.5\nusers.uniques:1234|s\n\
                fuel.level:+4|g\nfuel.level:-4|g\nlat:320|ms|#env:prod,az:a\nlat:1:2.5:3|ms|@1|#az:a,env:prod|c:ci-1\n\
                d:-1|d|T1656581400\nm:7|m\n_sc|Redis|2|#env:dev\n_e{2,3}:ab|cde\nkv,host=a:5|g\n";
    let expected = [
        " page.views 1",
        " page.views 6",
        " fuel.level 0.5",
        " song.length 240",
        " lat|#az:a,env:prod 320",
        " lat|#az:a,env:prod 1",
        " lat|#az:a,env:prod 2.5",
        " lat|#az:a,env:prod 3",
        "1656581400 d -1",
        " m 7",
        " kv,host=a 5",
    ];
    assert_eq!(of_file(text), expected);
    let said = stderr(&track(text, &[]).success());
    for note in ["gauges with a sign are changes", "sets (`s`) count different values"] {
        assert_eq!(said.matches(note).count(), 1, "{said}");
    }
    check_bad(
        "statsd",
        "a:1|c",
        &[
            ("a", "there is no name with a colon"),
            (":1|c", "there is no name with a colon"),
            ("a:1", "there is no type"),
            ("a:x|c", "a value is no number"),
            ("a:|c", "a value is no number"),
            ("a:1:|c", "a value is no number"),
            ("a:nan|g", "a value is no number"),
            ("a:+x|g", "a value is no number"),
            ("a:1|x", "the type is none of"),
            ("a:1|c|@0", "the rate is no number"),
            ("a:1|c|@2", "the rate is no number"),
        ],
    );
}

/// Lines of the socket and of `write_http`.
const COLLECTD: &str = "PUTVAL web1/load/load interval=1.000 1795854575.921:9.25:6.5:U\r\n\
                        PUTVAL \"web1/interface-lo/if_octets\" interval=1.000 1795854575.922:335435412:335435413\r\n\
                        putval \"web1/x/gauge-my thing\" N:1\n\
                        PUTVAL web1/a-b/cpu-idle interval=\"10\" 1795854576:1e3\n\
                        PUTVAL web1/x/mine N:1:2\nPUTVAL web1/x/gauge-a/b N:nan\n";

#[test]
fn collectd_has_values_by_identifier() {
    let expected = [
        "1795854575.921 web1/load/load.shortterm 9.25",
        "1795854575.921 web1/load/load.midterm 6.5",
        "1795854575.921 web1/load/load.longterm -",
        "1795854575.922 web1/interface-lo/if_octets.rx 335435412",
        "1795854575.922 web1/interface-lo/if_octets.tx 335435413",
        " web1/x/gauge-my thing 1",
        "1795854576 web1/a-b/cpu-idle 1000",
        " web1/x/mine.0 1",
        " web1/x/mine.1 2",
        " web1/x/gauge-a/b -",
    ];
    assert_eq!(of_file(COLLECTD), expected);
    check_bad(
        "collectd",
        "PUTVAL a/b/gauge N:1",
        &[
            ("PUTVAL", "there is no identifier"),
            ("PUTVAL a/b N:1", "there is no identifier"),
            ("PUTVAL a//c N:1", "there is no identifier"),
            ("PUTVAL \"a/b/c N:1", "a quote is opened"),
            ("PUTVAL a/b/c", "there are no values"),
            ("PUTVAL a/b/c interval=10", "there are no values"),
            ("PUTVAL a/b/c interval=\"10 N:1", "a quote is opened"),
            ("PUTVAL a/b/c 1", "there is no colon"),
            ("PUTVAL a/b/c M:1", "the time is neither N nor a number"),
            ("PUTVAL a/b/c N:x", "a value is no number"),
            ("PUTVAL a/b/c N:", "a value is no number"),
            ("PUTVAL a/b/c N:1 N:2", "several lists of values"),
            ("put it there", "the line is no PUTVAL"),
        ],
    );
}

#[test]
fn answers_of_collectd_are_rows() {
    let text = "3 Values found\nshortterm=1.027490e+01\nmidterm=5.704102e+00\nlongterm=NaN\n2 Values found\n\
                1795819428.705 web1/cpu-0/cpu-idle\n1795819428.704 web1/load/load\n3 Values found\nshortterm=9\nmidterm=8\n\
                longterm=7\n0 Success: 1 value has been dispatched.\n-1 No such value.\n1 Value found\nvalue=5\n";
    let expected = ["1 shortterm 10.2749", "1 midterm 5.704102", "1 longterm -", "3 shortterm 9", "3 midterm 8"];
    assert_eq!(of_file(text)[..5], expected);
    assert_eq!(of_file(text)[6..], ["4 value 5"]);
    let said = stderr(&track(text, &[]).success());
    assert_eq!(said.matches("LISTVAL lists series and has no values").count(), 1, "{said}");
    // Where the question is there, too, the answer has the name of the series.
    let text = "GETVAL \"web1/load/load\"\n3 Values found\nshortterm=1\nmidterm=2\nlongterm=3\n\
                GETVAL web1/cpu-0/cpu-idle\n1 Value found\nvalue=4\nFLUSH\n0 Done\nvalue=5\n";
    let series = ["load/load.shortterm 1", "load/load.midterm 2", "load/load.longterm 3", "cpu-0/cpu-idle 4"];
    let expected: Vec<String> = series.iter().zip([1, 1, 1, 2]).map(|(name, n)| format!("{n} web1/{name}")).collect();
    let found = samples(&track(text, &["--format", "collectd"]).success());
    assert_eq!((&found[..4], &found[4][..]), (&expected[..], "2 value 5"));
    let run = track("1 Value found\n1795819428.705 web1/cpu-0/cpu-idle\n", &[]).code(2);
    assert!(stderr(&run).contains("is empty, or has no samples"), "{}", stderr(&run));
}

#[test]
fn pipe_adds_lines_of_the_same_form() {
    for (text, expected) in [
        (
            "a.b;c=d;a=b 4 1714558201\na.b -4 -1\r\n",
            "a.b;c=d;a=b 4 1714558201\na.b_location;a=b;c=d 4.0 1714558201\na.b_scale;a=b;c=d 0.5 1714558201\n\
             a.b -4 -1\r\na.b_location -4.0 -1\r\na.b_scale 0.5 -1\r\n",
        ),
        (
            "a:4|g|#z:1,a:2\nb:-4|d\n",
            "a:4|g|#z:1,a:2\na_location:4.0|g|#z:1,a:2\na_scale:0.5|g|#z:1,a:2\n\
             b:-4|d\nb_location:0|g\nb_location:-4.0|g\nb_scale:0.5|g\n",
        ),
        (
            "PUTVAL \"w/load/load\" interval=10 5:1:2:U\nPUTVAL w/cpu-0/cpu-idle N:3\n",
            "PUTVAL \"w/load/load\" interval=10 5:1:2:U\n\
             PUTVAL \"w/load/gauge-load.shortterm_location\" interval=10 5:1.0\n\
             PUTVAL \"w/load/gauge-load.shortterm_scale\" interval=10 5:0.5\n\
             PUTVAL \"w/load/gauge-load.midterm_location\" interval=10 5:2.0\n\
             PUTVAL \"w/load/gauge-load.midterm_scale\" interval=10 5:0.5\n\
             PUTVAL w/cpu-0/cpu-idle N:3\nPUTVAL w/cpu-0/gauge-cpu-idle_location N:3.0\nPUTVAL w/cpu-0/gauge-cpu-idle_scale N:0.5\n",
        ),
        (
            // A quote within a name is a letter of it.
            "PUTVAL w/x-0/x-\"d\" N:3\n",
            "PUTVAL w/x-0/x-\"d\" N:3\nPUTVAL w/x-0/gauge-x-\"d\"_location N:3.0\nPUTVAL w/x-0/gauge-x-\"d\"_scale N:0.5\n",
        ),
    ] {
        let run = pipe(text, &[]).success();
        assert_eq!(stdout(&run), expected);
        // No series grow out of series when all of it comes through again.
        let again = pipe(expected, &[]).success();
        assert_eq!(count(&again, "series"), count(&run, "series"), "{expected}");
        assert!(count(&again, "names taken") > 0 && !stdout(&again).contains("_location_"), "{}", stdout(&again));
    }
    // Several values of a line are several samples.
    let run = pipe("a:1:2:3|ms\n", &[]).success();
    assert_eq!((count(&run, "samples"), count(&run, "series"), count(&run, "names taken")), (3, 1, 0));
}

#[test]
fn they_have_memories_in_time() {
    for (text, late) in [
        ("a.b 1 1714558261\na.b 2 1714558201\n", 1),
        ("PUTVAL a/b/c 1714558261:1\nPUTVAL a/b/c 1714558201:2\n", 1),
        ("a:1|g|T1714558261\na:2|g|T1714558201\n", 1),
        ("a:1|g\na:2|g\n", 0),
        ("PUTVAL a/b/c N:1\nPUTVAL a/b/c N:2\n", 0),
    ] {
        for run in [track(text, &["--half-life", "1m"]), pipe(text, &["--half-life", "1m"])] {
            assert_eq!(count(&run.success(), "late"), late, "{text}");
        }
    }
}

#[test]
fn endings_promise_them() {
    for (ending, text) in [
        ("graphite", "x 1 5\n"),
        ("statsd", "# a comment\nx:1|c\n"),
        ("collectd", "PUTVAL a/b/c N:1\n"),
        ("prom", "x 1\n"),
        ("openmetrics", "x 1\n"),
    ] {
        let (_folder, path) = file(&format!("x.{ending}"), text);
        assert_eq!(count(&evenkeel(&["track", path.to_str().unwrap()]).assert().success(), "samples"), 1, "{ending}");
    }
}
