//! JSON that is no object a line: arrays, objects over several lines, documents, and those of known kinds.

use crate::support::{evenkeel, file, pipe, samples, stderr, stdout, track};
use predicates::prelude::*;
use std::fmt::Write;

fn as_csv(input: &str, args: &[&str]) -> Vec<String> {
    samples(&track(input, &[args, &["--output-format", "csv"]].concat()).success())
}

const EXPECTED: [&str; 3] = ["2024-05-01 a 1", "2024-05-02 a 2", "2024-05-03 b.c 3"];

#[test]
fn objects_may_come_in_any_form() {
    let objects = [
        "{\"t\":\"2024-05-01\",\"a\":1}",
        "{\"t\":\"2024-05-02\",\"a\":\"2\"}",
        "{\"t\":\"2024-05-03\",\"b\":{\"c\":3}}",
    ];
    let pretty = objects.map(|object| object.replace('{', "{\n  ").replace(',', ",\r\n  ").replace('}', "\n}"));
    for input in [
        objects.join("\n"),
        objects.concat(),
        objects.join(" "),
        pretty.join("\n"),
        pretty.concat(),
        format!("[{}]", objects.join(",")),
        format!("\u{feff}[\n{}\n]\n", objects.join(",\n")),
        format!("\n\n  [{}]", pretty.join(" , ")),
        format!("[{}]\n[{}]", objects[..2].join(","), objects[2]),
        format!("# made by hand\n\n{}", objects.join("\n")),
        format!("# made by hand\n[{}]", objects.join(",")),
    ] {
        assert_eq!(as_csv(&input, &[]), EXPECTED, "{input}");
    }
    for (path, input) in [
        ("data.rows", format!("{{\"n\":1,\"x\":[{{\"a\":9}}],\"data\":{{\"rows\":[{}],\"a\":5}}}}", objects.join(","))),
        ("a.b", format!("{{\"a.b\":[{}]}}", objects.join(","))),
        (
            "hosts.rows",
            format!("{{\n\"hosts\":[{{\"rows\":[{}]}},{{\"rows\":{}}}]}}", pretty[..2].join(","), objects[2]),
        ),
        (".", pretty.concat()),
    ] {
        assert_eq!(as_csv(&input, &["--records", path]), EXPECTED, "{path} {input}");
    }
}

#[test]
fn times_and_labels_around_an_array_go_for_its_objects() {
    let input = "{\"host\":\"web\",\"cores\":8,\"seen\":[{\"time\":1700000000,\"cpus\":[{\"cpu\":\"a\",\"v\":1},{\"cpu\":\"b\",\"v\":2}]},\
                 {\"time\":1700000001,\"cpus\":[{\"cpu\":\"a\",\"v\":3,\"host\":\"own\"}]}]}";
    let args = ["--records", "seen.cpus", "--series", "host", "--series", "cpu"];
    assert_eq!(as_csv(input, &args), ["1700000000 web/a 1", "1700000000 web/b 2", "1700000001 own/a 3"]);
}

#[test]
fn a_date_and_a_time_of_day_around_an_array_are_one_time() {
    let at = |time: &str, v: u8| {
        format!("{{\"timestamp\":{{\"date\":\"2024-05-01\",\"time\":\"{time}\"}},\"cpus\":[{{\"v\":{v}}}]}}")
    };
    let input = format!("{{\"file-date\":\"2024-05-01\",\"seen\":[{},{}]}}", at("10:00:00", 1), at("10:00:01", 2));
    let seen = as_csv(&input, &["--records", "seen.cpus"]);
    assert_eq!(seen, ["2024-05-01 10:00:00 v 1", "2024-05-01 10:00:01 v 2"]);
}

#[test]
fn tables_with_their_names_apart_are_rows() {
    let expected = ["1700000000 a 1", "1700000001 a -", "1700000002 a 3"];
    let rows = "[[1700000000,\"x\",1],[1700000001,\"y\",null],[1700000002,\"z\",3]]";
    let index = "[1700000000,1700000001,1700000002]";
    for input in [
        // The orient `split` of pandas, where the index counts and where it has the times.
        format!("{{\"columns\":[\"time\",\"b\",\"a\"],\"index\":[0,1,2],\"data\":{rows}}}"),
        format!("{{\"columns\":[\"a\"],\"index\":{index},\"data\":[[1],[null],[3]]}}"),
        // JSONCompact and JSONColumns of ClickHouse.
        format!("{{\"meta\":[{{\"name\":\"time\"}},{{\"name\":\"b\"}},{{\"name\":\"a\",\"type\":\"Int64\"}}],\n\"data\": [ {rows} ]}}")
            .replace("[ [[", "[[")
            .replace("]] ]", "]]"),
        format!("{{\n\"time\": {index},\n\"a\":[1,null,3]}}"),
    ] {
        assert_eq!(as_csv(&input, &[]), expected, "{input}");
    }
    // A first column that falls and is no time turns nothing around.
    let falling = "{\"columns\":[\"a\",\"b\"],\"index\":[0,1],\"data\":[[2,5],[1,6]]}";
    assert_eq!(as_csv(falling, &[]), ["1 a 2", "1 b 5", "2 a 1", "2 b 6"]);
    let uneven = track("{\"time\":[1,2],\"a\":[1]}", &[]).code(2);
    assert!(stderr(&uneven).contains("a has 1 values, where the first column has 2"), "{}", stderr(&uneven));
}

#[test]
fn a_table_by_columns_within_a_document_is_found() {
    let input =
        "{\"latitude\":52.5,\"hourly\":{\"time\":[\"2024-05-01T10:00\",\"2024-05-01T11:00\"],\"rain\":[null,0.5]}}";
    let said = stderr(&track(input, &[]).code(2));
    assert!(said.contains("--records hourly: 2 objects"), "{said}");
    assert_eq!(as_csv(input, &["--records", "hourly"]), ["2024-05-01T11:00 rain 0.5"]);
}

#[test]
fn rows_that_are_arrays_without_names_are_refused_with_a_way_out() {
    for (input, args, filter) in [
        ("[[1700000000,1],[1700000001,2]]", &[][..], "`jq -r '.[] | @csv' IN | evenkeel track - --header a,b,c`"),
        ("{\"a\":{\"b\":[[1,2],[3,4]]}}", &["--records", "a.b"], "`jq -r '.a.b[] | @csv' IN |"),
        ("[\"t\",\"a\"]\n[1,2]\n[2,3]\n", &[], "`jq -r @csv IN | evenkeel track -`"),
    ] {
        let said = stderr(&track(input, args).code(2));
        assert!(said.contains(filter) && said.lines().count() == 1, "{said}");
    }
    // Among objects, they are bad.
    let run = track("[{\"a\":1},[[7]],{\"a\":2}]", &["--output-format", "csv"]).success();
    assert_eq!(samples(&run), ["1 a 1", "3 a 2"]);
}

#[test]
fn arrays_of_objects_within_records_are_not_passed_over_in_silence() {
    let run = track("{\"t\":1,\"n\":5,\"jobs\":[{\"v\":1}]}\n{\"t\":2,\"n\":6,\"jobs\":[{\"v\":2}]}\n", &[]).success();
    assert!(stderr(&run).contains("is not followed, but with --records jobs: 1 object"), "{}", stderr(&run));
}

#[test]
fn bad_objects_take_no_good_ones_with_them() {
    let input = "[{\"a\":1},\n{\"a\":},\n7,{\"a\":2},\n{\"a\":tru}\n,{\"a\":3}]";
    let run = track(input, &["--output-format", "csv"]).success();
    assert_eq!(samples(&run), ["1 a 1", "4 a 2", "6 a 3"]);
    let said = stderr(&run);
    for what in ["line 2: ", "line 3: expected a JSON object", "line 4: ", "bad rows 3"] {
        assert!(said.contains(what), "{what:?} in {said}");
    }
    // A first line that is half an object is no object over several lines.
    for half in ["{\"a\":1,\"b", "{\"a\":1,", "{\"a\":", "{\"a\":1}}"] {
        let run = track(format!("{half}\n{{\"a\":2}}\n{{\"a\":3}}\n"), &["--output-format", "csv"]).success();
        assert_eq!(samples(&run), ["2 a 2", "3 a 3"], "{half}");
        assert!(stderr(&run).contains("line 1: ") && stderr(&run).contains("bad rows 1"), "{}", stderr(&run));
    }
    // What is not closed is bad, and what came before is not.
    let run = track("[{\"a\":1},{\"a\":2", &["--output-format", "csv"]).success();
    assert_eq!(samples(&run), ["1 a 1"]);
    assert!(stderr(&run).contains("the object is not closed"), "{}", stderr(&run));
    track("[1,2]", &["--format", "json"]).code(2).stderr(predicate::str::contains("no line is a JSON object"));
}

#[test]
fn a_document_names_where_its_records_are() {
    let document = "{\n\"start\":{\"n\":1},\"intervals\":[{\"v\":1,\"streams\":[{\"w\":1},{\"w\":2}]},{\"v\":2}]}\n";
    let line = document.replace('\n', "");
    for input in [document, &line] {
        track(input, &[]).code(2).stdout("").stderr(
            predicate::str::contains("--records intervals: 2 objects")
                .and(predicate::str::contains("--records intervals.streams: 2 objects")),
        );
        assert_eq!(as_csv(input, &["--records", "intervals"]), ["1 v 1", "2 v 2"]);
        assert_eq!(as_csv(input, &["--records", "."]), ["1 start.n 1"]);
        track(input, &["--records", "interval"]).code(2);
    }
    // One of several objects is a record, whatever is in it.
    assert_eq!(as_csv(&(line.clone() + "\n" + &line), &[]), ["1 start.n 1", "2 start.n 1"]);
}

#[test]
fn an_array_of_any_length_is_read_in_bounded_memory() {
    let (_directory, path) = file("a.json", "");
    let mut text = String::from("[");
    for row in 0..200_000 {
        let _ = write!(text, "{{\"t\":{},\"a\":{}}},", 1_700_000_000 + row, row % 7);
    }
    std::fs::write(&path, text + "{\"t\":1800000000,\"a\":1}]").unwrap();
    let run = evenkeel(&["track", "--quiet"])
        .arg(&path)
        .args(["--records", ".", "--output-format", "csv"])
        .assert()
        .success();
    assert_eq!(stdout(&run).lines().count(), 200_002);
    let run = evenkeel(&["profile"]).arg(&path).assert().success();
    assert!(stderr(&run).contains("rows 200001"), "{}", stderr(&run));
}

#[test]
fn a_pipe_takes_an_object_a_line_only() {
    for input in ["[{\"a\":1}]", "{\n\"a\":1\n}\n", "{\"a\":1}{\"a\":2}\n"] {
        pipe(input, &[]).code(2).stdout("").stderr(predicate::str::contains("jq -c"));
    }
    pipe("{\"a\":1}\n", &["--records", "a"]).code(2).stderr(predicate::str::contains("one JSON object per line"));
    let answer = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}\n";
    pipe(answer, &[]).code(2).stderr(predicate::str::contains("evenkeel track"));
}

#[test]
fn answers_of_prometheus_are_series_by_their_labels() {
    let one = "{\"metric\":{\"__name__\":\"up\",\"job\":\"n\",\"instance\":\"a:1\"},\"values\":[[1700000000.5,\"1\"],[1700000001.5,\"NaN\"]]}";
    let two = "{\"metric\":{},\"values\":[[1700000000,\"+Inf\"]]}";
    let expected = ["1700000000.5 up{instance=\"a:1\",job=\"n\"} 1", "1700000001.5 up{instance=\"a:1\",job=\"n\"} -"];
    let matrix = format!("{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{one},{two}]}}}}");
    let all = [expected[0], expected[1], "1700000000 {} inf"];
    assert_eq!(as_csv(&matrix, &[]), all);
    assert_eq!(as_csv(&format!("{one}\n{two}\n"), &[]), all);
    assert_eq!(as_csv(&format!("[{one},{two}]"), &[]), all);
    assert_eq!(as_csv(&matrix, &["--records", "data.result"]), all);
    let vector = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{\"__name__\":\"up\"},\
                  \"value\":[1700000000,\"1\"]}]}}";
    assert_eq!(as_csv(vector, &[]), ["1700000000 up 1"]);
    let scalar = "{\"status\":\"success\",\"data\":{\"resultType\":\"scalar\",\"result\":[1,\"2\"]}}";
    track(scalar, &[]).code(2).stderr(predicate::str::contains("the result is a scalar"));
    track(matrix, &["--series", "job"]).code(2).stderr(predicate::str::contains("--series has no meaning"));
}

#[test]
fn values_of_collectd_are_series_by_their_identifiers() {
    let load = "{\"values\":[0.1,0.2],\"dstypes\":[\"gauge\",\"gauge\"],\"dsnames\":[\"shortterm\",\"midterm\"],\"time\":1700000000.123,\
                \"interval\":10.000,\"host\":\"web\",\"plugin\":\"load\",\"plugin_instance\":\"\",\"type\":\"load\",\"type_instance\":\"\"}";
    let cpu = "{\"values\":[null],\"dstypes\":[\"derive\"],\"dsnames\":[\"value\"],\"time\":1700000000.124,\"interval\":10,\"host\":\"web\",\
               \"plugin\":\"cpu\",\"plugin_instance\":\"0\",\"type\":\"cpu\",\"type_instance\":\"idle\"}";
    let input = format!("[{load},{cpu}]\n[{}]\n", cpu.replace("null", "7"));
    let expected = [
        "1700000000.123 web/load/load.shortterm 0.1",
        "1700000000.123 web/load/load.midterm 0.2",
        "1700000000.124 web/cpu-0/cpu-idle 7",
    ];
    assert_eq!(as_csv(&input, &[]), expected);
}

#[test]
fn tables_with_names_apart_are_read() {
    let netdata =
        "{\n\"labels\": [\"time\",\"user\",\"system\"],\n\"data\":[\n[ 1700000001,2,null],\n[ 1700000000,1,0.5]\n]\n}";
    let expected = ["1700000000 user 1", "1700000000 system 0.5", "1700000001 user 2", "1700000001 system -"];
    assert_eq!(as_csv(netdata, &[]), expected);
    track(netdata, &[]).success().stderr(predicate::str::contains("newest first"));
    assert_eq!(as_csv(netdata, &["--value", "user"]), ["1700000000 user 1", "1700000001 user 2"]);
    track(netdata.replace("0.5]", "0.5,3]"), &[]).code(2).stderr(predicate::str::contains("a row has 4 cells"));
    let rrd = "{\"about\":\"x\",\"meta\":{\"start\":1700000000,\"end\":1700000060,\"step\":60,\"legend\":[\"in bytes\",\"b\"]},\
               \"data\":[[1.5e+01,2],[3,NaN]]}";
    let expected = ["1700000000 in bytes 15", "1700000000 b 2", "1700000060 in bytes 3", "1700000060 b -"];
    assert_eq!(as_csv(rrd, &[]), expected);
    let whisper = "{\"start\":1700000000,\"end\":1700000180,\"step\":60,\"values\":[1,nan,3]}";
    assert_eq!(as_csv(whisper, &[]), ["1700000000 value 1", "1700000060 value -", "1700000120 value 3"]);
}
