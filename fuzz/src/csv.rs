//! Target `csv`: any bytes through the program's reader of tables, with a comma between cells and nothing to be passed over, against
//! a plain reading: rows by the csv crate, one at a time, times by `clock`, and columns by the rules that the program documents.
//! Numbers as only people write them, with units or signs between thousands, are left to others, and so are dates in words.

use crate::clock::{self, Candidate};
use crate::readers::{self, Expected, Line, Stop, UNKNOWN, UNUSABLE, bare, lines, number};
use ::csv::{ByteRecord, ReaderBuilder, Terminator};
use evenkeel_cli::probe::{Format, Limits, Options};
use std::collections::{HashMap, HashSet};

/// Most lines in which the header is looked for.
const MOST_LINES: usize = 2000;
/// Rows that show a column of text where there is no time.
const SHOWN_AFTER: usize = 8;
/// Lines in which they are looked for.
const SHOWN_WITHIN: usize = 100;
/// Signs of a line that rules off a header.
const RULE: [char; 8] = ['-', '+', '|', '=', ':', ' ', '\t', ','];

pub fn check(bytes: &[u8]) {
    readers::check(bytes, Format::Csv, names);
}

/// Names for the options: the cells of the first line that is not blank.
pub(crate) fn names(text: &[u8]) -> Vec<String> {
    let header = text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
    let header = header.strip_prefix(readers::BYTE_ORDER_MARK).unwrap_or(header);
    let name = |name: &[u8]| String::from_utf8_lossy(name).trim().trim_matches('"').trim().to_owned();
    header.split(|byte| matches!(byte, b',' | b';' | b'\t' | b'|')).map(name).collect()
}

/// Everything that should come out of this text.
pub(crate) fn read(text: &[u8], options: &Options, expected: &mut Expected) -> Result<(), Stop> {
    // What stands between cells, where nothing says so, is left to the target `dialects`.
    if options.delimiter.is_none() {
        return Err(UNKNOWN);
    }
    let lines = lines(text, &options.limits);
    let mark = text.starts_with(readers::BYTE_ORDER_MARK);
    let held = if mark { readers::BYTE_ORDER_MARK.len() } else { 0 };
    let seen = seen(&lines, held, &options.limits).min(MOST_LINES);
    let is_above = |line: &&Line| {
        let text = String::from_utf8_lossy(line.text);
        text.trim().is_empty() || text.trim().starts_with("sep=") || is_ruled(line.text)
    };
    let mut at = lines[..seen].iter().take_while(is_above).count();
    if at == seen {
        return Err(UNUSABLE);
    }
    let Taken::Row(cells, count) = take(&lines[at..], &options.limits) else { return Err(UNUSABLE) };
    let header = joined(&lines[at..at + count]);
    let is_bare = count == 1 && header.starts_with(b"#") && !header.starts_with(b"#,");
    let names = if is_bare { commented(&stripped(&lines[at..at + count]))? } else { cells };
    let names = if count == 1 { with_time(names)? } else { names };
    at += count;
    let mut known = Known { header, ..Known::default() };
    let mut table = Table::new(names, &lines[at..], &known, options, expected)?;
    while at < lines.len() {
        let line = at as u64 + 1;
        let taken = take(&lines[at..], &options.limits);
        at += 1;
        let (cells, count) = match taken {
            Taken::Blank => continue,
            Taken::Broken => {
                expected.rows += 1;
                expected.bad_row(line)?;
                continue;
            }
            Taken::Row(cells, count) => (cells, count),
        };
        let (raw, whole) = (stripped(&lines[at - 1..at - 1 + count]), joined(&lines[at - 1..at - 1 + count]));
        let width = table.names.len();
        let is_headed = known.header.starts_with(b"#");
        let next = at - 1 + count;
        // With cells enough, only a line that begins like a rule is looked at, or one as long as the header.
        let begins_rule = [&b"|"[..], b"+", b"--"].iter().any(|sign| raw.starts_with(sign));
        let may_be_rule = cells.len() != width || begins_rule || whole.len() == known.header.len();
        if whole == known.header || may_be_rule && is_ruled(&raw) {
            at = next;
        } else if raw.starts_with(b"#") && (cells.len() != width || is_headed) {
            at = next;
            let names = if is_headed { commented(&raw)? } else { Vec::new() };
            if names.len() > 1 {
                known.header = whole;
                table = Table::new(names, &lines[at..], &known, options, expected)?;
            }
        } else if cells.len() >= width && cells[width..].iter().all(String::is_empty) {
            at = next;
            expected.rows += 1;
            table.row(&cells, line, &mut known, expected)?;
        } else if is_remark(&raw) {
            at = next;
        } else {
            // Of a row that is none, the first line is lost and no other.
            expected.rows += 1;
            expected.bad_row(line)?;
        }
    }
    expected.left_out(table.left_out());
    if expected.rows > 0 && !table.has_values() { Err(UNUSABLE) } else { Ok(()) }
}

/// Lines that the program looks at before it goes on, behind so many bytes that it holds: two at least, and no more than a
/// buffer of them.
fn seen(lines: &[Line], held: usize, limits: &Limits) -> usize {
    let mut bytes = 0;
    for (index, line) in lines.iter().enumerate() {
        bytes += line.text.len();
        let is_whole = line.text.ends_with(b"\n");
        if held + bytes > limits.longest || held + bytes == limits.longest && !is_whole {
            return index;
        }
        if is_whole && index > 0 && bytes >= limits.chunk {
            return index + 1;
        }
    }
    lines.len()
}

/// The text of lines with their ends.
fn joined(lines: &[Line]) -> Vec<u8> {
    lines.iter().map(|line| line.text).collect::<Vec<_>>().concat()
}

/// The text of lines without the end of the last.
fn stripped(lines: &[Line]) -> Vec<u8> {
    let text = joined(lines);
    let text = bare(&text);
    text.strip_suffix(b"\r").unwrap_or(text).to_vec()
}

/// The names in a header behind the sign of a comment.
fn commented(line: &[u8]) -> Result<Vec<String>, Stop> {
    let text = String::from_utf8_lossy(line);
    fields(text.trim_start_matches('#').trim_start().as_bytes()).ok_or(UNKNOWN)
}

/// The names of a header of `sar`, whose first is the time of day at which it began.
fn with_time(mut names: Vec<String>) -> Result<Vec<String>, Stop> {
    let first = names.first().ok_or(UNKNOWN)?;
    if clock::is_of_day(first) {
        names[0] = "time".to_owned();
    } else if !clock::is_word(first) && first.contains(['/', '.', '-', ':', ' ', 'T', ',']) {
        return Err(UNKNOWN);
    }
    Ok(names)
}

/// Whether a line is a ruler, a count of rows as `psql` has it, or a restart as `sar` has it.
fn is_remark(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
    let is_ruler = !text.is_empty() && text.trim_matches(RULE).is_empty();
    let is_count = text.starts_with('(') && [" rows)", " row)"].iter().any(|end| text.ends_with(end));
    is_ruler || is_count || text.contains("LINUX-RESTART") || text.contains("LINUX RESTART")
}

/// Whether a line rules off a header: nothing but signs of a rule, two of which are a run of it.
fn is_ruled(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_matches(|letter: char| letter.is_ascii_whitespace());
    text.trim_matches(RULE).is_empty() && ["--", "==", "-:", ":-"].iter().any(|run| text.contains(run))
}

/// What these lines begin with.
enum Taken {
    Blank,
    /// The fields of a row, and how many lines it has.
    Row(Vec<String>, usize),
    Broken,
}

fn take(lines: &[Line], limits: &Limits) -> Taken {
    let first = lines[0];
    if first.is_too_long {
        return Taken::Broken;
    }
    if first.text.trim_ascii().is_empty() {
        return Taken::Blank;
    }
    let mut row = first.text.to_vec();
    for count in 1.. {
        if let Some(fields) = fields(&row) {
            let is_good = count == 1 || is_well_quoted(&row);
            // Half a character in one field and half in the next make none.
            return match std::str::from_utf8(&row) {
                Ok(_) if is_good => Taken::Row(fields, count),
                _ => Taken::Broken,
            };
        }
        let Some(next) = lines.get(count) else { break };
        let is_in_reach = row.len() - first.text.len() <= limits.reach;
        if !is_in_reach || row.len() + bare(next.text).len() >= limits.longest {
            break;
        }
        row.extend(next.text);
    }
    Taken::Broken
}

/// The fields of a row by the csv crate; nothing if a quote is still open at its end.
fn fields(row: &[u8]) -> Option<Vec<String>> {
    // The row before keeps the crate from taking a byte order mark, and the one behind ends in a quote that is open.
    let text = [b"before\n", bare(row), b"\nbehind\n"].concat();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(text.len())
        .from_reader(&text[..]);
    let records: Vec<ByteRecord> = reader.byte_records().map(|record| record.expect("no error in memory")).collect();
    let [_, record, _] = &records[..] else { return None };
    Some(record.iter().map(|field| String::from_utf8_lossy(field.trim_ascii()).into_owned()).collect())
}

/// Whether every quote begins a field, ends one or is doubled within one.
fn is_well_quoted(row: &[u8]) -> bool {
    let pieces: Vec<&[u8]> = bare(row).split(|byte| *byte == b'"').collect();
    let outside: Vec<&[u8]> = pieces.iter().copied().step_by(2).collect();
    let (is_after_quote, is_before_quote) = (
        |piece: &[u8]| piece.first().is_none_or(|byte| *byte == b',' || byte.is_ascii_whitespace()),
        |piece: &[u8]| piece.last() == Some(&b','),
    );
    let [first, middle @ .., last] = &outside[..] else { return pieces.len() == 1 };
    pieces.len() % 2 == 1
        && (first.is_empty() || is_before_quote(first))
        && middle.iter().all(|piece| piece.is_empty() || is_after_quote(piece) && is_before_quote(piece))
        && is_after_quote(last)
}

/// What one table leaves to the next.
#[derive(Default)]
struct Known {
    /// The header as it stands in the text.
    header: Vec<u8>,
    /// The numbers of the series.
    series: HashMap<String, usize>,
    /// How many series there are.
    count: usize,
}

/// What is known of the columns.
struct Table {
    names: Vec<String>,
    time: Time,
    /// A column that is shown where there is no time, if one is to be; it is not always certain.
    shown: Result<Option<usize>, Stop>,
    /// The column with the name of the series, where the table is long.
    series: Option<usize>,
    /// The columns with values, where the table is long; none while the only one has yet to show itself.
    values: Vec<usize>,
    /// The columns that are or may be series, where the table is wide.
    columns: Vec<Column>,
    /// Columns that are not followed, for they hold text.
    left_out: Vec<usize>,
    has_roles: bool,
    /// Whether the first of several columns has no name, and may count the rows.
    may_count: bool,
}

enum Time {
    Column(usize),
    Pair(usize, usize),
    RowNumber,
    Open(Vec<usize>),
}

struct Column {
    index: usize,
    kind: Kind,
    is_series: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Open,
    /// There was text in this line.
    Suspect(u64),
    Ignored,
    Time,
}

#[derive(Clone, Copy, PartialEq)]
enum Look {
    Missing,
    Number,
    Text,
}

fn look(cell: &str) -> Result<Look, Stop> {
    Ok(match value(cell)? {
        Some(number) if number.is_nan() => Look::Missing,
        Some(_) => Look::Number,
        None => Look::Text,
    })
}

/// The number in a cell, unless people would have to say whether it is one.
fn value(cell: &str) -> Result<Option<f64>, Stop> {
    let is_text = cell.trim().len() > 64 || clock::is_word(cell) || clock::is_dated(cell) || clock::is_of_day(cell);
    match number(cell) {
        None if !is_text => Err(UNKNOWN),
        number => Ok(number),
    }
}

impl Table {
    fn new(
        header: Vec<String>,
        below: &[Line],
        known: &Known,
        options: &Options,
        expected: &mut Expected,
    ) -> Result<Self, Stop> {
        let find = |name: &String| {
            let mut found = (0..header.len()).filter(|index| header[*index] == *name);
            found.next().filter(|_| found.next().is_none()).ok_or(UNUSABLE)
        };
        let is_free = options.time.is_none() && options.series.is_none() && options.values.is_empty();
        if is_free && header.iter().any(|name| name == "_time") && header.iter().any(|name| name == "_value") {
            // Perhaps a table of InfluxDB.
            return Err(UNKNOWN);
        }
        let time = options.time.as_ref().map(find).transpose()?;
        let series = options.series.as_ref().map(find).transpose()?;
        let values: Vec<usize> = options.values.iter().map(find).collect::<Result<_, _>>()?;
        let is_other = |index: &usize| Some(*index) != time && Some(*index) != series && !values.contains(index);
        let others: Vec<usize> = (0..header.len()).filter(is_other).collect();
        let (wide, kind) = match (series, &values[..]) {
            (Some(_), _) => (vec![], Kind::Number),
            (None, []) => (others.clone(), Kind::Open),
            (None, values) => (values.to_vec(), Kind::Number),
        };
        let may_count = header.len() > 1 && header[0].is_empty();
        let names = distinct(header);
        if let Some(time) = time {
            expected.time_name(&names[time]);
        }
        let mut table = Self {
            has_roles: !values.is_empty(),
            names,
            time: time.map_or(Time::Open(others), Time::Column),
            shown: Ok(None),
            series,
            values,
            columns: wide.into_iter().map(|index| Column { index, kind, is_series: false }).collect(),
            left_out: Vec::new(),
            may_count,
        };
        if time.is_none() && series.is_none() {
            table.shown = table.find_shown(below, known.header.len(), &options.limits);
        }
        Ok(table)
    }

    /// The first column of text whose cells are all different in the first rows, each on a line of its own.
    fn find_shown(&self, below: &[Line], header: usize, limits: &Limits) -> Result<Option<usize>, Stop> {
        // How long the header is with its end, which is held, too, matters only where lines are as long as they may be.
        if below.iter().take(2).any(|line| header + line.text.len() + 8 >= limits.longest) {
            return Err(UNKNOWN);
        }
        if below.first().is_some_and(|line| line.text.starts_with(readers::BYTE_ORDER_MARK)) {
            return Err(UNKNOWN);
        }
        let mut rows = Vec::new();
        for line in below[..seen(below, header, limits)].iter().take(SHOWN_WITHIN) {
            if std::str::from_utf8(line.text).is_err() || line.text.contains(&b'"') && fields(line.text).is_none() {
                return Err(UNKNOWN);
            }
            let cells = fields(&stripped(&[*line])).ok_or(UNKNOWN)?;
            if cells.len() == self.names.len() {
                rows.push(cells);
            }
            if rows.len() == SHOWN_AFTER {
                break;
            }
        }
        let Some(first) = rows.first() else { return Ok(None) };
        if self.chosen(first)?.is_some() {
            return Ok(None);
        }
        for index in 0..self.names.len() {
            let texts: HashSet<&String> = rows.iter().map(|row| &row[index]).collect();
            let mut are_text = true;
            for row in &rows {
                are_text &= look(&row[index])? == Look::Text;
            }
            if are_text && texts.len() == rows.len() {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The column that a row shows to have the time.
    fn chosen(&self, cells: &[String]) -> Result<Option<usize>, Stop> {
        let Time::Open(columns) = &self.time else { return Ok(None) };
        // What stands alone is what is to be followed.
        if self.names.len() == 1 {
            return Ok(None);
        }
        let candidate = |&index: &usize| Candidate { index, name: &self.names[index], cell: &cells[index] };
        clock::choose(&columns.iter().map(candidate).collect::<Vec<_>>())
    }

    fn has_values(&self) -> bool {
        match self.series {
            Some(_) => !self.values.is_empty(),
            None => self.columns.iter().any(|column| column.kind == Kind::Number || column.is_series),
        }
    }

    /// The names of columns that have shown text and nothing else, in their order.
    fn left_out(&self) -> Vec<String> {
        let is_suspect = |column: &&Column| matches!(column.kind, Kind::Suspect(_)) && !column.is_series;
        let suspects = self.columns.iter().filter(is_suspect).map(|column| column.index);
        let mut all: Vec<usize> = self.left_out.iter().copied().chain(suspects).collect();
        all.sort_unstable();
        let is_wide = self.series.is_none() && self.has_roles;
        all.into_iter().filter(|_| is_wide).map(|index| self.names[index].clone()).collect()
    }

    fn row(&mut self, cells: &[String], line: u64, known: &mut Known, expected: &mut Expected) -> Result<(), Stop> {
        if !self.learn(cells, line, expected)? {
            return expected.bad_row(line);
        }
        let time = match self.time {
            Time::Column(time) => Some(cells[time].clone()),
            Time::Pair(date, time) => Some(format!("{} {}", cells[date], cells[time])),
            Time::RowNumber | Time::Open(_) => None,
        };
        let time = time.as_deref().map(|text| (text, false));
        match self.series {
            Some(series) => self.long(&cells[series], time, cells, line, known, expected),
            None => self.wide(time, cells, line, known, expected),
        }
    }

    /// Learns what columns are. False if the row has nothing that could be a sample.
    fn learn(&mut self, cells: &[String], line: u64, expected: &mut Expected) -> Result<bool, Stop> {
        let is_guessing = self.columns.iter().any(|column| column.kind != Kind::Number);
        if is_guessing && !self.has_values() {
            let mut has_sample = false;
            for column in &self.columns {
                has_sample |= look(&cells[column.index])? != Look::Text;
            }
            if !has_sample {
                return Ok(false);
            }
        }
        if self.series.is_some() && self.values.is_empty() {
            let Some(value) = self.only_value(cells)? else { return Ok(false) };
            self.values = vec![value];
            if let Time::Open(candidates) = &mut self.time {
                candidates.retain(|index| *index != value);
            }
        }
        self.find_time(cells, expected)?;
        self.judge(cells, line, expected)?;
        self.has_roles = true;
        for column in &mut self.columns {
            column.is_series |= !matches!(column.kind, Kind::Suspect(_));
        }
        Ok(true)
    }

    fn only_value(&self, cells: &[String]) -> Result<Option<usize>, Stop> {
        let time = if let Time::Column(time) = self.time { Some(time) } else { self.chosen(cells)? };
        let (mut numbers, mut missing) = (Vec::new(), Vec::new());
        for index in (0..self.names.len()).filter(|index| Some(*index) != self.series && Some(*index) != time) {
            match look(&cells[index])? {
                Look::Number => numbers.push(index),
                Look::Missing => missing.push(index),
                Look::Text => {}
            }
        }
        match &(if numbers.is_empty() { missing } else { numbers })[..] {
            [] => Ok(None),
            [value] => Ok(Some(*value)),
            _ => Err(UNUSABLE),
        }
    }

    /// A date and a time of day in two columns, else what the rule chooses, else a text that is shown, else what is still empty.
    fn find_time(&mut self, cells: &[String], expected: &mut Expected) -> Result<(), Stop> {
        let Time::Open(candidates) = &self.time else { return Ok(()) };
        let candidates = candidates.clone();
        if let Some((date, time)) = self.pair(&candidates, cells)? {
            expected.time_name(&format!("{} {}", self.names[date], self.names[time]));
            self.time = Time::Pair(date, time);
            return Ok(());
        }
        let shown = match self.chosen(cells)? {
            None => self.shown?,
            chosen => chosen,
        };
        if let Some(index) = shown {
            expected.time_name(&self.names[index]);
            self.time = Time::Column(index);
            return Ok(());
        }
        let mut open = Vec::new();
        for index in candidates {
            if look(&cells[index])? == Look::Missing {
                open.push(index);
            }
        }
        self.time = if open.is_empty() {
            expected.time_name("row");
            Time::RowNumber
        } else {
            Time::Open(open)
        };
        Ok(())
    }

    fn pair(&self, candidates: &[usize], cells: &[String]) -> Result<Option<(usize, usize)>, Stop> {
        let mut time = None;
        for &index in candidates.iter().filter(|index| clock::says_time(&self.names[**index])) {
            if clock::look(&cells[index])? == clock::Seen::OfDay {
                time = Some(index);
                break;
            }
        }
        let Some(time) = time else { return Ok(None) };
        let is_called = |name: &String| name.to_ascii_lowercase().contains("date") || clock::says_time(name);
        for &index in candidates.iter().filter(|index| is_called(&self.names[**index])) {
            if !cells[index].contains(':') {
                // A date is one however far it is.
                match clock::look(&cells[index])? {
                    clock::Seen::Civil(_) => return Ok(Some((index, time))),
                    clock::Seen::Far => return Err(UNKNOWN),
                    _ => {}
                }
            }
        }
        Ok(None)
    }

    fn judge(&mut self, cells: &[String], line: u64, expected: &mut Expected) -> Result<(), Stop> {
        let times = match self.time {
            Time::Column(index) => vec![index],
            Time::Pair(date, time) => vec![date, time],
            Time::RowNumber | Time::Open(_) => vec![],
        };
        let is_count = self.may_count && matches!(number(&cells[0]), Some(0.0 | 1.0));
        for column in &mut self.columns {
            if column.kind == Kind::Number {
                continue;
            }
            if times.contains(&column.index) {
                column.kind = Kind::Time;
                continue;
            }
            column.kind = match (column.kind, look(&cells[column.index])?) {
                (Kind::Suspect(line), Look::Number) => {
                    expected.bad_cell(line, &self.names[column.index])?;
                    Kind::Number
                }
                (Kind::Suspect(_), Look::Text) => {
                    self.left_out.push(column.index);
                    Kind::Ignored
                }
                (Kind::Open, Look::Text) => Kind::Suspect(line),
                (Kind::Open, Look::Number) if column.index == 0 && is_count => {
                    expected.counted();
                    Kind::Ignored
                }
                (_, Look::Number) => Kind::Number,
                (kind, _) => kind,
            };
        }
        self.columns.retain(|column| !matches!(column.kind, Kind::Ignored | Kind::Time));
        Ok(())
    }

    fn wide(
        &mut self,
        time: Option<(&str, bool)>,
        cells: &[String],
        line: u64,
        known: &mut Known,
        expected: &mut Expected,
    ) -> Result<(), Stop> {
        expected.timed_row(time)?;
        for column in self.columns.iter().filter(|column| !matches!(column.kind, Kind::Suspect(_))) {
            let name = &self.names[column.index];
            let series = *known.series.entry(name.clone()).or_insert_with(|| {
                expected.series(name.clone());
                known.count += 1;
                known.count - 1
            });
            match value(&cells[column.index])? {
                Some(number) => expected.sample(series, number),
                None => expected.bad_cell(line, name)?,
            }
        }
        Ok(())
    }

    fn long(
        &mut self,
        name: &str,
        time: Option<(&str, bool)>,
        cells: &[String],
        line: u64,
        known: &mut Known,
        expected: &mut Expected,
    ) -> Result<(), Stop> {
        let is_single = self.values.len() == 1;
        if name.is_empty() || is_single && value(&cells[self.values[0]])?.is_none() {
            return expected.bad_row(line);
        }
        let first = *known.series.entry(name.to_owned()).or_insert_with(|| {
            for &value in &self.values {
                let column = &self.names[value];
                expected.series(if is_single { name.to_owned() } else { format!("{name}.{column}") });
            }
            known.count += self.values.len();
            known.count - self.values.len()
        });
        expected.timed_row(time)?;
        for (offset, &index) in self.values.iter().enumerate() {
            match value(&cells[index])? {
                Some(number) => expected.sample(first + offset, number),
                None => expected.bad_cell(line, &self.names[index])?,
            }
        }
        Ok(())
    }
}

/// Gives every column a name of its own: `column3` to a third one without, and `cpu.2` to a second `cpu`.
fn distinct(mut names: Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    let original = names.clone();
    for (index, name) in original.iter().enumerate() {
        let is_second = original[..index].contains(name);
        if name.is_empty() || is_second {
            let called = |number: usize| match name.as_str() {
                "" => format!("column{}", index + number - 1),
                name => format!("{name}.{number}"),
            };
            let free = (2..).map(called).find(|name| !taken.contains(name)).expect("numbers do not end");
            taken.insert(free.clone());
            names[index] = free;
        }
    }
    names
}
