//! The dialect of a table in text: what stands between cells, and where the table begins, from its first lines.
//!
//! A pair of lines shows it: the first has words where the second has numbers or times, and both have as many cells. As few lines
//! are looked at as it takes, so that a live feed is not held up, and what is found depends on the lines alone, not on how they
//! arrive. Lines above the pair are a preamble; comments there begin with `#`, but for a header that does. Lines that only rule off
//! a header are none of the table, and sentences and pairs of a name and a value are no table.

use super::cells::Decimals;
use super::instead::{Instead, is_array, is_drawn, is_pair};
use super::pair::{Look, Pair, is_counted, look, names_in, pair, with_time};
use super::rows::fields;
use super::sample::{DELIMITERS, Line, Sample};
use crate::formats::columns::Wanted;
use crate::formats::options::{Delimiter, Dialect};

/// The dialect of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) delimiter: Delimiter,
    pub(super) decimals: Decimals,
    /// Lines above the header, or above the first row where there is none.
    pub(super) above: u64,
    /// Lines between the header and the first row, which are none of the table.
    pub(super) between: u64,
    pub(super) header: Header,
}

/// The names of the columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// A line has them.
    Line(Vec<String>),
    /// The command line has.
    Given,
    /// Nothing has them: the first row, by its line and its cells.
    Nowhere { line: u64, cells: Vec<String> },
    /// There is no table.
    None(Instead),
}

/// Finds the dialect in the first lines, all of which are complete; `None` if more of them are needed. `is_over` is whether there
/// are no more. Lines that the command line passes over are not among them.
pub(super) fn find(sample: &[u8], is_over: bool, dialect: &Dialect, wanted: &Wanted) -> Option<Found> {
    let text = String::from_utf8_lossy(sample);
    let Sample { lines: seen, sign, is_over, is_in_vain } =
        Sample::read(&text, is_over, dialect.delimiter, dialect.comment.as_deref())?;
    if is_in_vain {
        return Some(none(Instead::Text));
    }
    let delimiters: Vec<Delimiter> = dialect.delimiter.or(sign).map_or(DELIMITERS.to_vec(), |one| vec![one]);
    if !dialect.header.is_empty() {
        return given(&seen, &delimiters, dialect.header.len(), is_over);
    }
    // The header is where the command line says, or has all columns that it names, whatever follows.
    if dialect.skip.is_some() {
        let line = seen.first();
        let has_sign = |delimiter: &&Delimiter| line.is_some_and(|line| fields(&line.text, **delimiter).len() > 1);
        let delimiter = delimiters.iter().find(has_sign).or(delimiters.first()).copied()?;
        let found = |line: &Line<'_>| Found {
            delimiter,
            decimals: decimals(&seen, delimiter),
            above: line.at as u64,
            between: 0,
            header: Header::Line(with_time(names_in(line, delimiter))),
        };
        // A second line shows whether decimals have a comma.
        return line.filter(|_| is_over || seen.len() > 1).map(found).or_else(|| is_over.then(|| none(Instead::Text)));
    }
    if let Some(found) = delimiters.iter().find_map(|delimiter| by_names(seen.first()?, *delimiter, wanted)) {
        return Some(found);
    }
    if seen.iter().any(|line| is_drawn(&line.text)) {
        return Some(none(Instead::Drawing));
    }
    if seen.first().is_some_and(|line| is_array(&line.text)) {
        return Some(none(Instead::Arrays));
    }
    // Spaces stand within the cells of tables that have other signs between them.
    let is_by_sign = delimiters.iter().any(|delimiter| *delimiter != Delimiter::Blanks && agrees(&seen, *delimiter));
    let delimiters: Vec<Delimiter> =
        delimiters.into_iter().filter(|delimiter| !is_by_sign || *delimiter != Delimiter::Blanks).collect();
    let pairs = || delimiters.iter().filter_map(|delimiter| pair(&seen, *delimiter, decimals(&seen, *delimiter)));
    // Spaces that cut every line alike, from the first on, are no accident: commas may then be those of decimals.
    let is_by_blanks = agrees(&seen, Delimiter::Blanks);
    let is_weak = |pair: &Pair| pair.is_weak() && (!is_by_blanks || pair.first > 0 || pair.names.len() < 2);
    let best = pairs().min_by_key(|pair| (pair.is_comment, is_weak(pair), pair.first, pair.is_weak(), pair.words));
    if let Some(best) = best
        && (is_over || best.is_sure())
    {
        // A pair that no other row agrees with is none, if there is more above and below it.
        let is_lonely = best.first > 0 && best.rows < 2 && !best.is_last;
        return Some(if is_lonely { none(Instead::Text) } else { found(best) });
    }
    is_over.then(|| otherwise(&seen, &delimiters))
}

/// Whether a delimiter cuts all of several lines into as many cells.
fn agrees(lines: &[Line<'_>], delimiter: Delimiter) -> bool {
    let mut widths = lines.iter().filter(|line| !line.is_comment).map(|line| fields(&line.text, delimiter).len());
    let first = widths.next().unwrap_or(0);
    let mut others = widths.peekable();
    first > 1 && others.peek().is_some() && others.all(|width| width == first)
}

/// The dialect that a pair shows.
fn found(pair: Pair) -> Found {
    let Pair { delimiter, decimals, at, names, between, .. } = pair;
    // Between spaces, names may have further lines, with units; elsewhere such a line is a bad row.
    let between = if delimiter == Delimiter::Blanks { between as u64 } else { 0 };
    Found { delimiter, decimals, above: at as u64, between, header: Header::Line(names) }
}

/// Nothing that could be read.
fn none(instead: Instead) -> Found {
    let header = Header::None(instead);
    Found { delimiter: Delimiter::Blanks, decimals: Decimals::Point, above: 0, between: 0, header }
}

/// Whether decimals have a comma: where something else stands between cells, and a cell has one that is no sign of thousands.
fn decimals(lines: &[Line<'_>], delimiter: Delimiter) -> Decimals {
    if delimiter == Delimiter::Byte(b',') {
        return Decimals::Point;
    }
    let mut cells = lines.iter().filter(|line| !line.is_comment).flat_map(|line| fields(&line.text, delimiter));
    let is_one = |cell: String| {
        let (whole, fraction) = cell.rsplit_once(',')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let has_decimals = is_number(fraction) && !whole.contains(',');
        let is_whole = whole.trim_start_matches(['-', '+']).split('.').all(is_number);
        (has_decimals && is_whole).then_some(())
    };
    if cells.find_map(is_one).is_some() { Decimals::Comma } else { Decimals::Point }
}

/// The dialect of a line that has all columns which the command line names.
fn by_names(line: &Line<'_>, delimiter: Delimiter, wanted: &Wanted) -> Option<Found> {
    let names = fields(&line.text, delimiter);
    let mut asked = wanted.time.iter().chain(&wanted.series).chain(&wanted.values).peekable();
    let has_all = asked.peek().is_some() && asked.all(|name| names.contains(name));
    let found = || Found {
        delimiter,
        decimals: Decimals::Point,
        above: line.at as u64,
        between: 0,
        header: Header::Line(names.clone()),
    };
    // A single name may be the whole line, or a part of it that other signs separate.
    (has_all && names.len() > 1).then(found)
}

/// The dialect of a table whose columns the command line names.
fn given(lines: &[Line<'_>], delimiters: &[Delimiter], width: usize, is_over: bool) -> Option<Found> {
    let rows = || lines.iter().filter(|line| !line.is_comment);
    for &delimiter in delimiters {
        let mut fitting = rows().filter(|line| fields(&line.text, delimiter).len() == width);
        let first = fitting.next();
        let has_more =
            fitting.next().is_some() || is_over || rows().next().map(|line| line.at) == first.map(|line| line.at);
        if let (Some(first), true) = (first, has_more) {
            let decimals = decimals(lines, delimiter);
            return Some(Found { delimiter, decimals, above: first.at as u64, between: 0, header: Header::Given });
        }
    }
    // None fits: the one that cuts the rows alike, so that it can be said how many cells they have.
    let alike = delimiters.iter().copied().find(|delimiter| agrees(lines, *delimiter));
    let delimiter = alike.or(delimiters.first().copied()).unwrap_or(Delimiter::Byte(b','));
    let above = rows().next().map_or(0, |line| line.at as u64);
    is_over.then_some(Found { delimiter, decimals: Decimals::Point, above, between: 0, header: Header::Given })
}

/// The dialect of lines of which no two are a header and its row: a header alone, or rows alone.
fn otherwise(lines: &[Line<'_>], delimiters: &[Delimiter]) -> Found {
    let rows: Vec<&Line<'_>> = lines.iter().filter(|line| !line.is_comment).collect();
    let line = rows.first().copied().or(lines.first());
    let width = |delimiter: &Delimiter| line.map_or(0, |line| fields(&line.text, *delimiter).len());
    let agree = |delimiter: &Delimiter| {
        rows.iter().filter(|line| fields(&line.text, *delimiter).len() == width(delimiter)).count()
    };
    // Spaces are in many headers, so that they count only where nothing else does.
    let signs = delimiters.iter().filter(|delimiter| **delimiter != Delimiter::Blanks && width(delimiter) > 1);
    let best = signs.max_by_key(|delimiter| (agree(delimiter), width(delimiter))).copied();
    // A sign that most lines have otherwise is one of their text.
    let best = best.filter(|delimiter| rows.len() <= 2 || 2 * agree(delimiter) >= rows.len());
    if best.is_none() && rows.len() > 2 && rows.iter().filter(|row| is_pair(&row.text)).count() * 3 > rows.len() * 2 {
        return none(Instead::Pairs);
    }
    let blanks = delimiters.iter().find(|delimiter| {
        **delimiter == Delimiter::Blanks && width(delimiter) > 1 && rows.len() > 1 && agree(delimiter) == rows.len()
    });
    let delimiter = best.or(blanks.copied()).or(delimiters.first().copied()).unwrap_or(Delimiter::Byte(b','));
    let Some(line) = line else {
        return Found { delimiter, decimals: Decimals::Point, above: 0, between: 0, header: Header::Line(Vec::new()) };
    };
    let decimals = decimals(lines, delimiter);
    let has_commas = delimiter == Delimiter::Byte(b',');
    let cells = fields(&line.text, delimiter);
    let looks: Vec<Look> = cells.iter().map(|cell| look(cell, decimals, has_commas)).collect();
    let has_values = looks.iter().any(|look| look.is_value());
    let above = line.at as u64;
    // Text in lines, which no sign cuts into cells.
    if best.is_none() && blanks.is_none() && rows.len() > 2 && rows.iter().any(|row| row.text.trim().contains(' ')) {
        return none(Instead::Text);
    }
    let header = if has_values && !is_counted(&cells) {
        Header::Nowhere { line: above + 1, cells }
    } else {
        Header::Line(cells)
    };
    Found { delimiter, decimals, above, between: 0, header }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(sample: &str) -> Found {
        find(sample.as_bytes(), true, &Dialect::default(), &Wanted::default()).unwrap()
    }

    fn names(sample: &str) -> (Delimiter, u64, Vec<String>) {
        let Found { delimiter, above, header, .. } = found(sample);
        let Header::Line(names) = header else { panic!("{header:?}") };
        (delimiter, above, names)
    }

    #[test]
    fn two_lines_are_enough_for_a_plain_table() {
        let two = |sample: &str| find(sample.as_bytes(), false, &Dialect::default(), &Wanted::default());
        assert!(two("time,a\n").is_none());
        let found = two("time,a\n2024-05-01,1\n").unwrap();
        assert_eq!((found.delimiter, found.above), (Delimiter::Byte(b','), 0));
        assert_eq!(two("t;a\n1;2,5\n").unwrap().decimals, Decimals::Comma);
        assert_eq!(two("a\n1\n").unwrap().header, Header::Line(vec!["a".into()]));
        // A preamble needs a second row that agrees, and so do spaces.
        assert!(two("made by me\ntime,a\n2024-05-01,1\n").is_none());
        assert_eq!(two("made by me\ntime,a\n2024-05-01,1\n2024-05-02,1\n").unwrap().above, 1);
        assert!(two("a b\n1 2\n").is_none());
        assert_eq!(two("a b\n1 2\n3 4\n").unwrap().delimiter, Delimiter::Blanks);
    }

    #[test]
    fn signs_between_cells() {
        assert_eq!(names("t;a\n1,5;2,5\n2,5;3,5\n").0, Delimiter::Byte(b';'));
        assert_eq!(names("t\ta b\n1\t2\n").0, Delimiter::Byte(b'\t'));
        assert_eq!(names("t | a\n---+---\n 1 | 2\n"), (Delimiter::Byte(b'|'), 0, vec!["t".into(), "a".into()]));
        assert_eq!(names("sep=;\nt;a\n1;2\n"), (Delimiter::Byte(b';'), 1, vec!["t".into(), "a".into()]));
        let quoted = names("\"a, b\",c\n\"x, y\",1\n");
        assert_eq!(quoted, (Delimiter::Byte(b','), 0, vec!["a, b".into(), "c".into()]));
        assert_eq!(names("my value\n1\n2\n").2, ["my value"]);
        // Nor do commas in a comment above decimals with commas.
        let (delimiter, above, _) = names("# host web1, 4 CPUs\ntime\ta\n2024-05-01\t1,5\n2024-05-02\t2,5\n");
        assert_eq!((delimiter, above), (Delimiter::Byte(b'\t'), 1));
        // Nor do those decimals, or commas in a comment, where spaces stand between cells.
        for comment in ["", "#host web1, 4 CPUs; a|b\n"] {
            let (delimiter, _, columns) = names(&format!(
                "{comment}time temp cpu\n2024-05-01T10:00:00Z -2,8 -130\n2024-05-01T10:01:00Z 30,9 618\n"
            ));
            assert_eq!((delimiter, columns), (Delimiter::Blanks, ["time", "temp", "cpu"].map(str::to_owned).into()));
        }
        // Dates with commas in them do not make a second column.
        assert_eq!(names("time;v\n2026-11-27 22:56:00,767;1\n2026-11-27 22:56:01,767;2\n").0, Delimiter::Byte(b';'));
    }

    #[test]
    fn the_header_is_the_line_above_the_numbers() {
        assert_eq!(names("# hostname;ts;x\nh;2026-11-27 22:42:25 UTC;1\n").2, ["hostname", "ts", "x"]);
        assert_eq!(
            names("a,,b\nx,y,z\n1,2,3\n4,5,6\n"),
            (Delimiter::Byte(b','), 1, ["x", "y", "z"].map(str::to_owned).into())
        );
        assert_eq!(
            names("#group,false\n#datatype,long\n,v\n,1\n,2\n"),
            (Delimiter::Byte(b','), 2, vec![String::new(), "v".into()])
        );
        assert_eq!(names(",0,1,2\na,5,6,7\n").2, ["", "0", "1", "2"]);
        assert_eq!(names("0,1,2\n5,6.5,7\n").2, ["0", "1", "2"]);
        assert_eq!(names("a,b\n").2, ["a", "b"]);
        assert_eq!(names("a,b\nx,y\n").2, ["a", "b"]);
        assert_eq!(names("#,time,v\n1,2024-05-01,3\n").2, ["#", "time", "v"]);
    }

    #[test]
    fn names_may_be_numbers_beside_a_time_and_have_units() {
        for (sample, expected) in [
            ("time,0.5,0.99\n2024-05-01,1,2\n", vec!["time", "0.5", "0.99"]),
            ("ts,80,443\n1714521600,1,2\n", vec!["ts", "80", "443"]),
            ("99%,x\n0,10.19\n1,12.5\n", vec!["99%", "x"]),
            ("99%\n5\n", vec!["99%"]),
            ("time,99%\n2024-05-01,5 %\n", vec!["time", "99%"]),
        ] {
            assert_eq!(names(sample), (Delimiter::Byte(b','), 0, expected.into_iter().map(str::to_owned).collect()));
        }
        for sample in ["web1,0.5,0.99\nweb2,1,2\n", "5 %\n6 %\n", "2024-05-01,5\n2024-05-02,6\n"] {
            assert!(matches!(found(sample).header, Header::Nowhere { .. }), "{sample}");
        }
    }

    #[test]
    fn a_cell_over_several_lines_is_no_second_table() {
        let sample = "time,note,a\n5,\"x\ny, z\",10.3\n6,\"\n\n\",10.4\n";
        let expected = (Delimiter::Byte(b','), 0, ["time", "note", "a"].map(str::to_owned).into());
        assert_eq!(names(sample), expected);
        // A quote that is never closed holds nothing together.
        assert_eq!(names("time,note,a\n5,x,10.3\n6,\"y,10.4\n7,y,10.4\n"), expected);
    }

    #[test]
    fn a_sign_in_header_and_row_cuts_both() {
        // Cells are missing in the rows, which does not make them one number with a comma.
        assert_eq!(names("t,a,\n1,2\n2,3\n").0, Delimiter::Byte(b','));
        assert_eq!(names("x, m;y, m\n1,5;5,5\n2,5;6,5\n").0, Delimiter::Byte(b';'));
        assert_eq!(names("t,a\tb,c\n1,2\t3,4\n2,3\t4,5\n").0, Delimiter::Byte(b','));
    }

    #[test]
    fn many_comments_may_stand_above() {
        for count in [3, 99, 100, 101, 1500] {
            let sample = "# c, d\n".repeat(count) + "time,a\n1,2\n2,3\n3,4\n";
            assert_eq!(names(&sample), (Delimiter::Byte(b','), count as u64, vec!["time".into(), "a".into()]));
            let named = "# c, d\n".repeat(count) + "# time,a\n1,2\n2,3\n3,4\n";
            assert_eq!(names(&named).1, count as u64);
        }
        assert_eq!(found(&"# c, d\n".repeat(2000)).header, Header::None(Instead::Text));
    }

    #[test]
    fn columns_between_spaces() {
        let (delimiter, above, vmstat) = names(
            "procs -----memory---- -----timestamp-----\n r  b   swpd                 UTC\n11  0      0 2026-11-27 22:42:57\n\
             10  0      0 2026-11-27 22:42:58\n",
        );
        assert_eq!((delimiter, above, vmstat.join("|").as_str()), (Delimiter::Blanks, 1, "r|b|swpd|UTC"));
        let rrd = names("                 temp        in\n\n1795818300: 2.15e+01 -nan\n1795818360: 2.25e+01 1.6e+01\n");
        assert_eq!(rrd, (Delimiter::Blanks, 0, ["time", "temp", "in"].map(str::to_owned).into()));
        let sar =
            names("Linux 6 (h) \t11/27/26\n\n22:42:23   CPU  %user\n22:42:25   all  38.65\n22:42:27   all  31.25\n");
        assert_eq!(sar.2, ["time", "CPU", "%user"]);
        let psrecord =
            names("# Elapsed time   CPU (%)     Real (MB)\n  0.000   0.000   3.980\n  0.504   0.000   3.980\n");
        assert_eq!(psrecord.2, ["Elapsed time", "CPU (%)", "Real (MB)"]);
    }

    #[test]
    fn lines_that_rule_off_a_header_are_none_of_the_table() {
        let column = "ts   cpu\n---  ----\n1    20.5\n2    21.5\n";
        assert_eq!(names(column), (Delimiter::Blanks, 0, vec!["ts".into(), "cpu".into()]));
        assert_eq!(found(column).between, 1);
        for rule in ["|---|-----|", "|:---|---:|", "|-:|:-|", "+---+-----+"] {
            let (delimiter, above, names) = names(&format!("| t | cpu |\n{rule}\n| 1 | 2 |\n| 2 | 3 |\n"));
            assert_eq!((delimiter, above), (Delimiter::Byte(b'|'), 0), "{rule}");
            assert_eq!(names, ["", "t", "cpu", ""], "{rule}");
        }
        // A dash alone is a missing sample.
        assert_eq!(names("a b\n- -\n1 2\n3 4\n").2, ["a", "b"]);
        assert_eq!(found("a b\n1 2\n- -\n").between, 0);
    }

    #[test]
    fn names_may_be_missing_above_what_counts_rows_and_be_a_number_above_a_time() {
        assert_eq!(
            names("ts host x\n1 2026-11-28 09:00:00 a 5\n2 2026-11-28 09:00:01 b 6\n").2,
            ["", "ts", "host", "x"]
        );
        assert_eq!(found("ts host x\n1 2026-11-28 a 5\n7 2026-11-28 b 6\n").header, Header::None(Instead::Text));
        let pidstat = names("Linux 6 (h)\n\n1795858684  UID  %usr\n1795858685    0  0.97\n1795858686    0  0.50\n");
        assert_eq!(pidstat.2, ["time", "UID", "%usr"]);
    }

    #[test]
    fn text_is_no_table_and_said_to_be_what_it_is() {
        for (sample, instead) in [
            (
                "bench 1.0 (using 5.4)\n\nRunning 2 tests\n\nLatency (ms):\n     min:   0.2\n     avg:   0.3\n     max:   9.1\n",
                Instead::Text,
            ),
            ("Running 2s test @ http://x\n 1 threads and 2 connections\nto be seen\n", Instead::Text),
            ("to port 8123 now\nseq 1 time 5.5\nseq 2 time 6.5\nbye\n", Instead::Text),
            (
                "  ts = 2026-11-28 09:00:00\n cpu = 20.5\n mem = 5\n\n  ts = 2026-11-28 09:00:01\n cpu = 21.5\n mem = 6\n",
                Instead::Pairs,
            ),
            ("# Server\nversion:7.0\nup:5\n\n# Memory\nused:1024\nrss:2048\n", Instead::Pairs),
            ("shape: (2, 1)\n\u{250c}\u{2500}\u{2500}\u{2510}\n\u{2502} a \u{2502}\n", Instead::Drawing),
            ("[\"ts\", \"cpu\"]\n[1, 2]\n[2, 3]\n", Instead::Arrays),
        ] {
            assert_eq!(found(sample).header, Header::None(instead), "{sample}");
        }
        // Nor is the one row at the end of such text that looks like a table.
        let report = "a 1 b\nx y z\nto be seen here\n\nname used\nvda  5\n";
        assert_eq!(found(report).header, Header::None(Instead::Text));
    }

    #[test]
    fn rows_without_a_header_are_known_as_such() {
        for sample in [
            "20261127224739,127.0.0.1,60704\n20261127224740,127.0.0.1,60704\n",
            "116, 10862, 0, 0, 0\n216, 14000, 0, 0, 0\n",
            "a.b,2024-05-01 10:10:00,1.2\na.b,2024-05-01 10:11:00,\n",
            "# started on Fri Nov 27 22:46:11 2026\n\n  1.0,0.58,msec,task-clock\n  1.0,1,,context-switches\n",
            "CMDLINE sleep 2\nMEM 1.441406 1795819840.7091\nMEM 1.441406 1795819841.0124\n",
        ] {
            let Header::Nowhere { cells, .. } = found(sample).header else { panic!("{sample}") };
            assert!(cells.len() > 2, "{cells:?}");
        }
        let exact = Dialect { skip: Some(1), ..Dialect::default() };
        let found = find(b"5,6\n7,8\n", true, &exact, &Wanted::default()).unwrap();
        assert_eq!((found.above, found.header), (0, Header::Line(vec!["5".into(), "6".into()])));
        let given = Dialect { header: vec!["t".into(), "v".into()], ..Dialect::default() };
        let found = find(b"note\n1,2\n3,4\n", true, &given, &Wanted::default()).unwrap();
        assert_eq!((found.above, found.header), (1, Header::Given));
    }
}
