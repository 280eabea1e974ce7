//! What real tools print is read as its owner would read it, or refused with the cause and the way out.
//!
//! The files in `real/` are the output of the tools that they are named after, those with `hand_` in their names written by hand
//! as the documentation of the tools has them. `real.csv` holds a series of each and three of its values, as pandas, Python's json
//! module and a few lines of Python read them: `real.py` makes it.

use crate::support::{count, evenkeel, pipe, rows, stderr, stdout};
use assert_cmd::assert::Assert;
use std::path::PathBuf;

/// A file, further arguments, and what is said: which column is the time and how it was read, and what else helps.
struct Case(&'static str, &'static [&'static str], &'static [&'static str]);

/// Files that are read.
const READ: &[Case] = &[
    Case("ab.csv", &[], &["time: none, rows are numbered"]),
    Case("ab.tsv", &[], &["time: `starttime`, dates without an offset", "cells are separated by tab"]),
    Case("arr1.json", &[], &["time: `t`, dates with an offset"]),
    Case("clickhouse_compact.json", &[], &["time: `ts`, dates without an offset", "--series host?"]),
    Case("collectd_if_octets.csv", &[], &["time: `epoch`, seconds since 1970"]),
    Case("collectd_sock.txt", &[], &["LISTVAL lists series and has no values"]),
    Case("collectd_load.csv", &[], &["time: `epoch`, seconds since 1970"]),
    Case("desc.csv", &[], &["time: `time`, dates without an offset", "newest first"]),
    Case("dool.csv", &[], &["time: `time`, only shown", "is a date without a year", "begins in line 6: 5 above"]),
    Case("dstat.csv", &[], &["time: none, rows are numbered", "begins in line 6: 5 above"]),
    Case("dstat_t.csv", &[], &["time: `time`, only shown", "is a date without a year"]),
    Case("glances.csv", &[], &["time: `timestamp`, dates without an offset"]),
    Case("hand_annotated.csv", &[], &["time: `_time`, dates with an offset"]),
    Case("hand_influx2_noann.csv", &[], &["time: `_time`, dates with an offset"]),
    Case("hand_graphite.txt", &[], &[]),
    Case("hand_journal.ndjson", &[], &["time: `__REALTIME_TIMESTAMP`, microseconds since 1970"]),
    Case("hand_k6.csv", &[], &["time: `timestamp`, seconds since 1970", "--series metric_name?"]),
    Case("hand_k6.ndjson", &[], &["time: `data.time`, dates with an offset"]),
    Case("hand_nvidia_index.csv", &[], &["time: `timestamp`, dates without an offset"]),
    Case("hand_nvidia_nounits.csv", &[], &["time: `timestamp`, dates without an offset"]),
    Case("hey.csv", &[], &["time: none, rows are numbered"]),
    Case("hyperfine.csv", &[], &["time: `command`, only shown"]),
    Case("influx1_all.csv", &[], &["time: `time`, nanoseconds since 1970", "--series host?"]),
    Case("influx1_empty.csv", &[], &["time: `time`, dates with an offset"]),
    Case("influx1_http.csv", &[], &["time: `time`, milliseconds since 1970", "--series tags?"]),
    Case("jc_mpstat.ndjson", &[], &["time: `time`, only shown", "is a time of day without a date", "--series cpu?"]),
    Case("jc_vmstat.ndjson", &[], &["time: `timestamp`, dates without an offset"]),
    Case("locust_slow_start.csv", &[], &["time: `Timestamp`, seconds since 1970"]),
    Case("mqtt_j.ndjson", &[], &["time: `tst`, dates with an offset"]),
    Case("netdata.csv", &[], &["time: `time`, dates without an offset", "newest first"]),
    Case("netdata.json", &[], &["time: `time`, seconds since 1970", "newest first"]),
    Case("node_exporter.prom", &[], &[]),
    Case("pandas.csv", &[], &["time: `column1`, dates with an offset", "left out, without numbers: \"up\""]),
    Case("pandas.ndjson", &[], &["time: `index`, milliseconds since 1970"]),
    Case("perf.json", &[], &["time: `interval`, seconds, as its numbers are"]),
    Case("pidstat_H.txt", &[], &["time: `time`, seconds since 1970", "--series Command?"]),
    Case("pidstat_h.txt", &[], &["time: `Time`, only shown", "is a time of day without a date", "--series Command?"]),
    Case("pino.ndjson", &[], &["time: `time`, milliseconds since 1970"]),
    Case("pmrep.csv", &[], &["time: `Time`, dates without an offset"]),
    Case("pmrep_stdout.txt", &[], &["time: `time`, only shown"]),
    Case("prom_federate.txt", &[], &[]),
    Case("prom_range.json", &[], &[]),
    Case("promtool_dump_load.txt", &[], &[]),
    Case("psql.csv", &[], &["time: `t`, dates with an offset", "--series datname?"]),
    Case("psql.txt", &[], &["time: `t`, dates with an offset", "cells are separated by `|`"]),
    Case("psrecord.csv", &[], &["time: `elapsed_time`, seconds"]),
    Case("psrecord.txt", &[], &["time: `Elapsed time`, seconds", "cells are separated by blanks"]),
    Case("pyclient.prom", &[], &[]),
    Case("pyjsonlogger.ndjson", &[], &["time: `asctime`, dates without an offset"]),
    Case("r_write_table.txt", &[], &["time: `ts`, dates without an offset", "column 1 is left out", "--series host?"]),
    Case("rrd_fetch.txt", &[], &["time: `time`, seconds since 1970", "cells are separated by blanks"]),
    Case("rrd_xport.json", &[], &["time: `time`, seconds since 1970"]),
    Case("sadf_d.txt", &[], &["time: `timestamp`, dates with an offset", "cells are separated by `;`"]),
    Case("sadf_dh.txt", &[], &["time: `timestamp`, dates with an offset"]),
    Case("sadf_dU.txt", &[], &["time: `timestamp`, seconds since 1970"]),
    Case("sadf_d_ur.txt", &[], &["time: `timestamp`, dates with an offset"]),
    Case("sar_u.txt", &[], &["time: `time`, only shown", "begins in line 3"]),
    Case("sqlite_markdown.txt", &[], &["time: `ts`, dates without an offset", "cells are separated by `|`"]),
    Case("two_cols.csv", &[], &["time: `Date Time`, a date and a time of day"]),
    Case("vmstat_tn.txt", &[], &["time: `UTC`, dates without an offset"]),
    Case("whisper.json", &[], &["time: `time`, seconds since 1970"]),
    Case("whisper_header.csv", &[], &["time: `time`, seconds since 1970"]),
    Case("winston.ndjson", &[], &["time: `timestamp`, dates with an offset"]),
    // What is refused without an option is read with it.
    Case(
        "fl_iops.1.log",
        &["--header", "time,iops,direction,size,offset", "--time-unit", "ms"],
        &["time: `time`, milliseconds"],
    ),
    Case(
        "hand_graphite_render.csv",
        &["--header", "path,time,value", "--series", "path"],
        &["time: `time`, dates without"],
    ),
    Case(
        "iperf_s.csv",
        &["--header", "time,here,port,there,other,id,interval,bytes,rate"],
        &["time: `time`, dates without"],
    ),
    Case(
        "sadf_j.json",
        &["--records", "sysstat.hosts.statistics.cpu-load"],
        &["time: `timestamp`, dates without an offset"],
    ),
    Case("mprof.dat", &["--header", "kind,mem,time", "--skip", "1"], &["time: `time`, seconds since 1970"]),
    Case(
        "mqtt_F.csv",
        &["--header", "time,topic,payload", "--series", "topic"],
        &["time: `time`, dates with an offset"],
    ),
    Case(
        "perf.csv",
        &["--header", "time,value,unit,event,ran,share,metric,of", "--series", "event", "--value", "value"],
        &["time: `time`, seconds"],
    ),
];

/// Files of which a pipe has no records, for they are documents, or follows other columns, by names that are not their own.
const NOT_PIPED: [&str; 10] = [
    "arr1.json",
    "clickhouse_compact.json",
    "netdata.json",
    "perf.json",
    "pmrep_stdout.txt",
    "prom_range.json",
    "r_write_table.txt",
    "rrd_xport.json",
    "sadf_j.json",
    "whisper.json",
];

/// Files that are refused, and the words that help.
const REFUSED: &[Case] = &[
    Case("fl_iops.1.log", &[], &["is no header", "--header a,b,c"]),
    Case("hand_graphite_render.csv", &[], &["is no header", "--header a,b,c"]),
    Case("iostat_xt.txt", &[], &["different numbers of cells"]),
    Case("iperf3.json", &[], &["--records intervals"]),
    Case("iperf_s.csv", &[], &["is no header", "--header a,b,c"]),
    Case("mprof.dat", &[], &["is no header", "--header a,b,c"]),
    Case("mpstat_json.txt", &[], &["--records"]),
    Case("mqtt_F.csv", &[], &["is no header", "--header a,b,c"]),
    Case("perf.csv", &[], &["is no header", "--header a,b,c"]),
    Case("sqlite_line.txt", &[], &["names with values", "write CSV, TSV or JSON"]),
    Case("sysbench.txt", &[], &["different numbers of cells", "grep"]),
];

fn track(Case(file, args, _): &Case) -> Assert {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(file);
    let args = [&["track", "--output-format", "csv", path.to_str().unwrap()][..], args].concat();
    evenkeel(&args).assert()
}

fn assert_says(case: &Case, said: &str) {
    for words in case.2 {
        assert!(said.contains(words), "{}: {words:?} is not in {said}", case.0);
    }
}

#[test]
fn files_are_read_as_their_owners_would() {
    let mut expected = csv::Reader::from_path(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real.csv")).unwrap();
    let expected: Vec<[String; 4]> =
        expected.records().map(|record| [0, 1, 2, 3].map(|cell| record.as_ref().unwrap()[cell].to_owned())).collect();
    let mut wrong = Vec::new();
    for case in READ {
        let run = track(case);
        let said = stderr(&run);
        if run.get_output().status.code() != Some(0) {
            wrong.push(format!("{}: {said}", case.0));
            continue;
        }
        let missing: Vec<&&str> = case.2.iter().filter(|words| !said.contains(**words)).collect();
        if !missing.is_empty() {
            wrong.push(format!("{}: {missing:?} not in {said}", case.0));
        }
        let rows = rows(&stdout(&run));
        let of_file: Vec<_> = expected.iter().filter(|row| row[0] == case.0).collect();
        assert!(
            of_file.len() > 1
                || ["node_exporter.prom", "pyclient.prom", "prom_federate.txt", "collectd_sock.txt"].contains(&case.0),
            "{}",
            case.0
        );
        for [_, series, time, value] in of_file {
            let value: f64 = value.parse().unwrap();
            let is_it = |row: &&crate::support::Row| {
                row.series == *series
                    && (time.is_empty() || row.time == *time)
                    && row.value.to_bits() == value.to_bits()
            };
            if !rows.iter().any(|row| is_it(&row)) {
                let seen: Vec<_> = rows.iter().filter(|row| row.series == *series).take(3).collect();
                wrong.push(format!("{}: no {value} of {series} at {time}, but {seen:?}", case.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_safe_to_guess_is_refused_with_the_way_out() {
    for case in REFUSED {
        let run = track(case).code(2);
        assert_says(case, &stderr(&run));
        assert_eq!(stdout(&run).lines().count(), 0, "{}", case.0);
    }
}

#[test]
fn every_file_has_a_case() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/real");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(READ.iter().chain(REFUSED).any(|case| case.0 == name), "{name}");
    }
}

/// What `pipe` makes of the files that it reads too: as many samples of as many series, and the same locations.
#[test]
fn pipe_follows_the_same_samples() {
    for case in READ.iter().filter(|case| !NOT_PIPED.contains(&case.0)) {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/real").join(case.0);
        let is_of_lines = ["prom", "hand_graphite.txt", "collectd_sock"].iter().any(|other| case.0.starts_with(other));
        let is_table =
            [".csv", ".tsv", ".log", ".dat", ".txt"].iter().any(|ending| case.0.ends_with(ending)) && !is_of_lines;
        let format: &[&str] = if is_table { &["--format", "csv"] } else { &[] };
        let piped = pipe(std::fs::read(&path).unwrap(), &[format, case.1].concat()).success();
        let tracked = track(case);
        // Text in a member that has been a number is no sample that `pipe` misses: it looks at numbers alone.
        let whats: &[&str] = if is_table { &["samples", "missing", "bad values"] } else { &["samples"] };
        for what in whats {
            assert_eq!(count(&piped, what), count(&tracked, what), "{} {what}: {}", case.0, stderr(&piped));
        }
    }
}
