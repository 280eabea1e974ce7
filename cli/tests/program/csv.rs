//! Which columns of a CSV are read as what.

use crate::support::{HEADER, evenkeel, file, lines, samples, stderr, stdout, track};
use predicates::prelude::*;
use std::fmt::Write;

#[test]
fn wide_every_numeric_column_is_a_series_and_other_text_is_left_out() {
    let run = track("a,when,host,b\n1,T1,web,10\n2,T2,db,20\n", &[]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T1 b 10", "T2 a 2", "T2 b 20"]);
    assert!(stderr(&run).contains("a column is left out, without numbers: \"host\""), "{}", stderr(&run));
    let quiet = track("a,when,host,b\n1,T1,web,10\n2,T2,db,20\n", &["--quiet"]).success();
    assert!(stderr(&quiet).contains("left out") && !stderr(&quiet).contains("time:"), "{}", stderr(&quiet));
}

#[test]
fn wide_restricted_to_named_columns() {
    let run = track("t,a,b,c\nT1,1,2,3\nT2,4,5,6\n", &["--value", "c", "--value", "a"]).success();
    assert_eq!(samples(&run), ["T1 c 3", "T1 a 1", "T2 c 6", "T2 a 4"]);
}

#[test]
fn a_numeric_time_is_named() {
    let run = track("epoch,a\n1700000000,1\n1700000060,2\n", &["--time", "epoch"]).success();
    assert_eq!(samples(&run), ["1700000000 a 1", "1700000060 a 2"]);
}

#[test]
fn a_column_that_is_called_so_is_the_time_numbers_included() {
    let run = track("time,a\n10,7\n20,8\n", &[]).success();
    assert_eq!(samples(&run), ["10 a 7", "20 a 8"]);
    assert!(stderr(&run).contains("time: `time`, seconds, as its numbers are"), "{}", stderr(&run));
    // Beside text, and with a word for nothing in the other column of the first row.
    let run = track("host,ts,a\nweb,1700000000,NA\nweb,1700000060,2\n", &[]).success();
    assert_eq!(samples(&run), ["1700000000 a -", "1700000060 a 2"]);
    assert!(stderr(&run).contains("time: `ts`, seconds since 1970"), "{}", stderr(&run));
    let run = track("a,time\n7,1\n8,2\n", &["--value", "a"]).success();
    assert_eq!(samples(&run), ["1 a 7", "2 a 8"]);
}

#[test]
fn without_a_time_rows_are_numbered_from_one() {
    assert_eq!(samples(&track("a\n5\n6\n", &[]).success()), ["1 a 5", "2 a 6"]);
}

#[test]
fn an_empty_field_or_nan_is_missing_and_infinities_are_samples_once_a_series_has_begun() {
    let run = track("t,a\nT1,1\nT2,\nT3,nan\nT4, \nT5,inf\nT6,-Infinity\n", &[]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T2 a -", "T3 a -", "T4 a -", "T5 a inf", "T6 a -inf"]);
    assert!(stdout(&run).contains("T2,a,,1.0,"), "the estimate stands:\n{}", stdout(&run));
    assert!(stderr(&run).contains("samples 1, series 1, missing 5"), "{}", stderr(&run));
    let begun = "T,0\nT,1\nT,2\n".repeat(7);
    let run = track(format!("t,a\n{begun}T,inf\nT,-inf\nT,nan\n"), &[]).success();
    assert!(stderr(&run).contains("samples 23, series 1, missing 1"), "{}", stderr(&run));
}

#[test]
fn a_column_that_begins_empty_is_still_a_series() {
    let run = track("t,a,b\nT1,,1\nT2,,2\nT3,3,3\n", &[]).success();
    assert_eq!(samples(&run), ["T1 a -", "T1 b 1", "T2 a -", "T2 b 2", "T3 a 3", "T3 b 3"]);
}

#[test]
fn a_first_row_without_any_number_does_not_hide_the_others() {
    let run = track("t,a\nT1,offline\nT2,2\n", &[]).success();
    assert_eq!(samples(&run), ["T2 a 2"]);
    assert!(stderr(&run).contains("line 2: no column holds a number"), "{}", stderr(&run));
    let run = track("t,a,b\nT1,offline,1\nT2,2,2\n", &[]).success();
    assert_eq!(samples(&run), ["T1 b 1", "T2 a 2", "T2 b 2"]);
    assert!(stderr(&run).contains("line 2: \"offline\" is not a number (column a)"), "{}", stderr(&run));
}

#[test]
fn long_with_everything_named() {
    let input = "when,host,cpu,mem\nT1,x,1,10\nT1,y,2,20\nT2,x,3,30\n";
    let run = track(input, &["--series", "host", "--value", "cpu"]).success();
    assert_eq!(samples(&run), ["T1 x 1", "T1 y 2", "T2 x 3"]);
    let run = track(input, &["--series", "host", "--value", "cpu", "--value", "mem"]).success();
    let expected = ["T1 x.cpu 1", "T1 x.mem 10", "T1 y.cpu 2", "T1 y.mem 20", "T2 x.cpu 3", "T2 x.mem 30"];
    assert_eq!(samples(&run), expected);
}

#[test]
fn long_finds_its_one_column_of_values() {
    let run = track("when,host,cpu\nT1,x,1\nT1,y,2\n", &["--series", "host"]).success();
    assert_eq!(samples(&run), ["T1 x 1", "T1 y 2"]);
    track("when,host,cpu,mem\nT1,x,1,10\n", &["--series", "host"])
        .code(2)
        .stderr(predicate::str::contains("\"cpu\", \"mem\"").and(predicate::str::contains("--value")));
}

#[test]
fn series_may_come_in_any_order() {
    let names = ["x", "y", "z", "x", "z", "z", "y", "w", "x", "w"];
    let input = lines(names.iter().enumerate(), |(row, name)| format!("{name},{row}"));
    let run = track(format!("s,v\n{input}"), &["--series", "s"]).success();
    let expected: Vec<_> = names.iter().enumerate().map(|(row, name)| format!("{} {name} {row}", row + 1)).collect();
    assert_eq!(samples(&run), expected);
}

#[test]
fn quoted_fields_come_out_as_they_went_in() {
    let run = track("t,s,v\n\"a,b\",\"5\"\" \n pipe\",1\n", &["--series", "s"]).success();
    assert_eq!(stdout(&run), format!("{HEADER}\n\"a,b\",\"5\"\" \n pipe\",1.0,1.0,0.5,,0\n"));
}

#[test]
fn windows_lines_blank_lines_spaces_and_a_byte_order_mark() {
    let run = track("\u{feff}t , a\r\n\r\nT1 , 1 \r\n\n  \r\n T2,\t2\r\nT3,3", &["--time", "t"]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T2 a 2", "T3 a 3"]);
}

#[test]
fn columns_of_one_name_are_told_apart_and_empty_names_get_one() {
    let run = track("t,a,a,,a.2\nT1,1,2,3,4\n", &[]).success();
    assert_eq!(samples(&run), ["T1 a 1", "T1 a.3 2", "T1 column4 3", "T1 a.2 4"]);
    track("t,a,a\nT1,1,2\n", &["--value", "a"]).code(2).stderr(predicate::str::contains("several columns"));
}

#[test]
fn very_many_columns_of_one_name_take_no_time() {
    let count = 20_000;
    let names = vec!["a"; count].join(",");
    let run = track(format!("{names}\n{}\n", vec!["1"; count].join(",")), &["--quiet"]).success();
    let samples = samples(&run);
    assert_eq!((samples.len(), samples.last().map(String::as_str)), (count, Some("1 a.20000 1")));
}

#[test]
fn a_header_without_rows_is_no_error() {
    assert_eq!(stdout(&track("t,a\n", &[]).success()), format!("{HEADER}\n"));
}

#[test]
fn the_format_is_the_extensions() {
    for (name, content) in [("a.csv", "t,a\nT1,1\n"), ("a.JSONL", "{\"t\":\"T1\",\"a\":1}\n"), ("noext", "t,a\nT1,1\n")]
    {
        let (_directory, path) = file(name, content);
        let run = evenkeel(&["track", "--output-format", "csv"]).arg(path).assert().success();
        assert_eq!(samples(&run), ["T1 a 1"], "{name}");
    }
    // And can be given.
    let (_directory, path) = file("a.csv", "{\"t\":\"T1\",\"a\":1}\n");
    let run = evenkeel(&["track", "--format", "ndjson", "--output-format", "csv"]).arg(path).assert().success();
    assert_eq!(samples(&run), ["T1 a 1"]);
}

#[test]
fn whole_rows_are_followed_as_single_samples_are() {
    // A wide CSV goes through the engine a row at a time, but for rows with a bad cell; NDJSON goes a sample at a time.
    let columns = 21;
    let (mut table, mut objects) = ("t".to_owned(), String::new());
    for column in 0..columns {
        let _ = write!(table, ",c{column}");
    }
    table.push('\n');
    for row in 0..300_u64 {
        let _ = write!(table, "T{row}");
        let _ = write!(objects, "{{\"t\":\"T{row}\"");
        for column in 0..columns {
            let noise = (row * 7919 + column * 104_729) % 997;
            let (cell, member) = match noise {
                0..20 if row > 0 => (String::new(), "null".to_owned()),
                20..30 if row > 0 => ("oops".to_owned(), "\"oops\"".to_owned()),
                30..50 => ("1e6".to_owned(), "1e6".to_owned()),
                _ => (format!("{}.{noise:03}", column * 10), format!("{}.{noise:03}", column * 10)),
            };
            let _ = write!(table, ",{cell}");
            let _ = write!(objects, ",\"c{column}\":{member}");
        }
        table.push('\n');
        objects.push_str("}\n");
    }
    for preset in ["clean", "robust", "ema"] {
        let rows = track(table.clone(), &["--preset", preset, "--quiet"]).success();
        let args = ["--format", "ndjson", "--output-format", "csv", "--preset", preset, "--quiet"];
        let samples = track(objects.clone(), &args).success();
        assert!(stdout(&rows) == stdout(&samples), "{preset}");
        assert!(stdout(&rows).lines().count() > 6000);
    }
}

#[test]
fn a_header_may_be_longer_than_what_is_read_at_once() {
    let columns = 40_000;
    let (mut header, mut row) = ("time".to_owned(), String::new());
    for column in 0..columns {
        let _ = write!(header, ",sensor{column:05}");
        let _ = write!(row, ",{column}");
    }
    let table = format!("{header}\n2024-05-01T00:00:00Z{row}\n2024-05-01T00:00:01Z{row}\n");
    for args in [&["--quiet"][..], &["--quiet", "--skip", "0"], &["--quiet", "--delimiter", ","]] {
        let run = track(table.clone(), args).success();
        let samples = samples(&run);
        assert_eq!(samples.len(), 2 * columns, "{args:?}");
        assert_eq!(samples.last().map(String::as_str), Some("2024-05-01T00:00:01Z sensor39999 39999"), "{args:?}");
    }
}

#[test]
fn a_table_in_bars_has_no_columns_outside_of_them() {
    for rule in ["|---|------|---|", "|:--|-----:|--:|", "+---+------+---+"] {
        let table = format!("| t | host | a |\n{rule}\n| T1 | web |  |\n| T2 | db | 2 |\n");
        let run = track(table.clone(), &["--strict"]).success();
        assert_eq!(samples(&run), ["T1 a -", "T2 a 2"], "{rule}");
        let long = track(table, &["--series", "host", "--strict"]).success();
        assert_eq!(samples(&long), ["T1 web -", "T2 db 2"], "{rule}");
    }
    // A row of missing samples is a row.
    let run = track("t|a\n--|--\nT1|1\n-|-\n", &["--strict"]).success();
    assert_eq!(samples(&run), ["T1 a 1", "- a -"]);
}

#[test]
fn a_first_column_that_counts_the_rows_is_no_series() {
    for table in [
        ",when,a\n0,2024-05-01,5\n1,2024-05-02,6\n",
        "\"\" \"when\" \"a\"\n\"0\" 2024-05-01 5\n\"1\" 2024-05-02 6\n",
        "\"when\" \"a\"\n\"1\" \"2024-05-01\" 5\n\"2\" \"2024-05-02\" 6\n",
    ] {
        let run = track(table, &[]).success();
        assert_eq!(samples(&run), ["2024-05-01 a 5", "2024-05-02 a 6"], "{table}");
        assert!(stderr(&run).contains("column 1 is left out, without a name"), "{}", stderr(&run));
    }
    // Other numbers without a name are a series.
    let run = track(",a\n7.5,5\n8,6\n", &[]).success();
    assert_eq!(samples(&run), ["1 column1 7.5", "1 a 5", "2 column1 8", "2 a 6"]);
}

#[test]
fn what_is_no_table_is_said_to_be_what_it_is() {
    for (text, what) in [
        ("\u{250c}\u{2500}\u{2510}\n\u{2502} a \u{2502}\n", "drawn with lines"),
        ("  t = 1\ncpu = 5\n\n  t = 2\ncpu = 6\n", "names with values"),
        ("Running 2s test @ here\n 1 threads and 2 connections\nno more\n", "different numbers of cells"),
    ] {
        let run = track(text, &[]).code(2);
        assert!(stderr(&run).contains(what), "{}", stderr(&run));
        assert_eq!(stdout(&run), "", "{text}");
    }
}

#[test]
fn cells_behind_the_last_column_are_no_values_of_a_long_table() {
    let run = track("s,v\na,,\nb,2\n", &["--series", "s"]).success();
    assert_eq!(samples(&run), ["1 a -", "2 b 2"]);
}

#[test]
fn a_date_without_signs_is_a_date_beside_a_time_of_day() {
    let table = "#Date Time cpu\n20240501 10:00:00 5\n20240501 10:00:01 6\n";
    for table in [table.to_owned(), table.replace(' ', ",")] {
        let run = track(table, &["--half-life", "1m"]).success();
        assert_eq!(samples(&run), ["2024-05-01 10:00:00 cpu 5", "2024-05-01 10:00:01 cpu 6"]);
    }
}

#[test]
fn a_cell_that_is_too_long_for_a_time_is_no_time_of_day_beside_a_date() {
    let table = format!("date,ts,v\n2024-05-01,10:00:{:070},5\n2024-05-02,10:00:{:070},6\n", 0, 0);
    let run = track(table, &["--half-life", "1d"]).success();
    assert_eq!(samples(&run), ["2024-05-01 v 5", "2024-05-02 v 6"]);
}

#[test]
fn a_comma_in_quotes_means_one_thing_in_a_column() {
    // Three digits behind it are thousands, unless an earlier cell of the column says otherwise; nothing has both meanings.
    let run = track("t,a,b\n1,\"0,234\",\"1,234\"\n2,\"2,345\",\"2,345.5\"\n3,\"12,5\",\"2,3\"\n", &[]).success();
    assert_eq!(samples(&run), ["1 a 0.234", "1 b 1234", "2 a 2.345", "2 b 2345.5", "3 a 12.5"]);
    assert!(stderr(&run).contains("line 4: \"2,3\" is not a number (column b)"), "{}", stderr(&run));
}

#[test]
fn cells_that_are_missing_do_not_make_one_number_of_the_others() {
    let run = track("t,a,\n1,2\n2,3\n", &[]).failure().code(2);
    assert!(stderr(&run).contains("line 2: 2 fields, where the header has 3"), "{}", stderr(&run));
    let run = track("99%,x\n0,10.19\n1,12.5\n", &[]).success();
    assert_eq!(samples(&run), ["1 99% 0", "1 x 10.19", "2 99% 1", "2 x 12.5"]);
}

#[test]
fn a_first_row_over_several_lines_is_no_header() {
    let run = track("time,note,a\n5,\"x\ny \"\"z\"\"\",10.5\n6,\"v\n\nw\",11\n", &[]).success();
    assert_eq!(samples(&run), ["5 a 10.5", "6 a 11"]);
    assert!(!stderr(&run).contains("passed over"), "{}", stderr(&run));
}

#[test]
fn a_quote_behind_a_sign_that_is_not_the_delimiter_begins_no_cell() {
    // With a semicolon between cells, the header would go on to the end of the second row.
    let input = "time,size;\",note\n1,5,x\n2,6,y\"\n";
    for args in [&["--delimiter", ","][..], &["--delimiter", ",", "--skip", "0"]] {
        let run = track(input, args).success();
        assert_eq!(samples(&run), ["1 size;\" 5", "2 size;\" 6"], "{args:?}");
    }
    let run = track(format!("sep=,\n{input}"), &[]).success();
    assert_eq!(samples(&run), ["1 size;\" 5", "2 size;\" 6"]);
}

#[test]
fn many_lines_above_the_table_are_passed_over() {
    for count in [99, 100, 150, 1000] {
        let input = "# c, d\n".repeat(count) + "time,a\n1,2\n2,3\n3,4\n";
        for args in [&[][..], &["--comment", "#"], &["--skip", &count.to_string()]] {
            let run = track(input.clone(), args).success();
            assert_eq!(samples(&run), ["1 a 2", "2 a 3", "3 a 4"], "{count} {args:?}");
        }
    }
}

#[test]
fn a_temperature_is_not_the_time_beside_one() {
    let run =
        track("Zeit,t,v\n2024-01-01T00:00:00Z,21.5,5\n2024-01-01T00:01:00Z,21.6,6\n", &["--value", "v"]).success();
    assert_eq!(samples(&run), ["2024-01-01T00:00:00Z v 5", "2024-01-01T00:01:00Z v 6"]);
    let run = track("T,RH\n21.5,50\n21.6,51\n", &[]).success();
    assert_eq!(samples(&run), ["1 T 21.5", "1 RH 50", "2 T 21.6", "2 RH 51"]);
    let run = track("time\n21.5\n21.6\n", &[]).success();
    assert_eq!(samples(&run), ["1 time 21.5", "2 time 21.6"]);
    let run = track("T,valid,v\n21.5,2024-01-01,5\n21.6,2024-01-02,6\n", &[]).success();
    assert_eq!(samples(&run), ["2024-01-01 T 21.5", "2024-01-01 v 5", "2024-01-02 T 21.6", "2024-01-02 v 6"]);
}
