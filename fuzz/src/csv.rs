//! Target `csv`: any bytes through the program's CSV reader, against a plain reading: rows by the csv crate, one at a time,
//! and columns by the rules that the program documents.

use crate::readers::{self, Expected, Line, Stop, UNUSABLE, bare, lines, number};
use ::csv::{ByteRecord, ReaderBuilder, Terminator};
use evenkeel_cli::probe::{Format, Limits, Options};
use std::collections::{HashMap, HashSet};

/// What columns without a time column, but with one of these names, are likely to mean.
const TIME_NAMES: [&str; 7] = ["time", "timestamp", "datetime", "date", "ts", "epoch", "when"];

pub fn check(bytes: &[u8]) {
    readers::check(bytes, Format::Csv, |text| {
        let header = text.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty()).unwrap_or_default();
        let header = header.strip_prefix(readers::BYTE_ORDER_MARK).unwrap_or(header);
        let name = |name: &[u8]| String::from_utf8_lossy(name).trim().trim_matches('"').trim().to_owned();
        header.split(|byte| *byte == b',').map(name).collect()
    });
}

/// Everything that should come out of this text.
pub(crate) fn read(text: &[u8], options: &Options, expected: &mut Expected) -> Result<(), Stop> {
    let lines = lines(text, &options.limits);
    let mut at = 0;
    let mut table: Option<Table> = None;
    while at < lines.len() {
        let line = at as u64 + 1;
        let taken = take(&lines[at..], &options.limits);
        at += 1;
        let Some(table) = &mut table else {
            match taken {
                Taken::Blank => {}
                Taken::Broken => return Err(UNUSABLE),
                Taken::Row(fields, count) => {
                    at += count - 1;
                    table = Some(Table::new(fields, options, expected)?);
                }
            }
            continue;
        };
        match taken {
            Taken::Blank => continue,
            Taken::Row(fields, count) if fields.len() == table.names.len() => {
                at += count - 1;
                expected.rows += 1;
                table.row(&fields, line, expected)?;
            }
            // Of a row that is none, the first line is lost and no other.
            Taken::Row(..) | Taken::Broken => {
                expected.rows += 1;
                expected.bad_row(line)?;
            }
        }
    }
    let Some(table) = table else { return Err(UNUSABLE) };
    if expected.rows > 0 && !table.has_values() { Err(UNUSABLE) } else { Ok(()) }
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

/// What is known of the columns.
struct Table {
    names: Vec<String>,
    time: Time,
    /// The column with the name of the series, where the table is long.
    series: Option<usize>,
    /// The columns with values, where the table is long; none while the only one has yet to show itself.
    values: Vec<usize>,
    /// The columns that are or may be series, where the table is wide.
    columns: Vec<Column>,
    /// The numbers of the series of a long table.
    known: HashMap<String, usize>,
    /// How many series there are.
    count: usize,
}

enum Time {
    Column(usize),
    RowNumber,
    Open(Vec<usize>),
}

struct Column {
    index: usize,
    kind: Kind,
    series: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Number,
    Open,
    /// There was text in this line.
    Suspect(u64),
    Ignored,
}

#[derive(Clone, Copy, PartialEq)]
enum Look {
    Empty,
    Number,
    Text,
}

fn look(cell: &str) -> Look {
    match number(cell) {
        _ if cell.is_empty() => Look::Empty,
        Some(_) => Look::Number,
        None => Look::Text,
    }
}

impl Table {
    fn new(header: Vec<String>, options: &Options, expected: &mut Expected) -> Result<Self, Stop> {
        let find = |name: &String| {
            let mut found = (0..header.len()).filter(|index| header[*index] == *name);
            found.next().filter(|_| found.next().is_none()).ok_or(UNUSABLE)
        };
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
        let names = distinct(header);
        if let Some(time) = time {
            expected.time_name(&names[time]);
        }
        Ok(Self {
            names,
            time: time.map_or(Time::Open(others), Time::Column),
            series,
            values,
            columns: wide.into_iter().map(|index| Column { index, kind, series: None }).collect(),
            known: HashMap::new(),
            count: 0,
        })
    }

    fn has_values(&self) -> bool {
        match self.series {
            Some(_) => !self.values.is_empty(),
            None => self.columns.iter().any(|column| column.kind == Kind::Number || column.series.is_some()),
        }
    }

    fn row(&mut self, cells: &[String], line: u64, expected: &mut Expected) -> Result<(), Stop> {
        if self.series.is_some() && self.values.is_empty() {
            let Some(value) = self.only_value(cells)? else { return expected.bad_row(line) };
            self.values = vec![value];
            if let Time::Open(candidates) = &mut self.time {
                candidates.retain(|index| *index != value);
            }
        }
        let is_guessing = self.columns.iter().any(|column| column.kind != Kind::Number);
        if is_guessing
            && !self.has_values()
            && self.columns.iter().all(|column| look(&cells[column.index]) == Look::Text)
        {
            return expected.bad_row(line);
        }
        self.find_time(cells, is_guessing, expected);
        let time = if let Time::Column(time) = self.time { Some((time, cells[time].as_str())) } else { None };
        self.judge(time.map(|(index, _)| index), cells, line, expected)?;
        let time = time.map(|(_, text)| (text, false));
        match self.series {
            Some(series) => self.long(&cells[series], time, cells, line, expected),
            None => self.wide(time, cells, line, expected),
        }
    }

    fn only_value(&self, cells: &[String]) -> Result<Option<usize>, Stop> {
        let time = if let Time::Column(time) = self.time { Some(time) } else { None };
        let of = |wanted| {
            let is_one = |index: &usize| Some(*index) != self.series && Some(*index) != time;
            (0..cells.len()).filter(is_one).filter(|index| look(&cells[*index]) == wanted).collect::<Vec<_>>()
        };
        let numbers = of(Look::Number);
        match &(if numbers.is_empty() { of(Look::Empty) } else { numbers })[..] {
            [] => Ok(None),
            [value] => Ok(Some(*value)),
            _ => Err(UNUSABLE),
        }
    }

    /// The first text is the time; what has a number is not, unless it is called so and no series itself.
    fn find_time(&mut self, cells: &[String], is_guessing: bool, expected: &mut Expected) {
        let Time::Open(candidates) = &self.time else { return };
        let first = |wanted, also: &dyn Fn(usize) -> bool| {
            candidates.iter().copied().find(|&index| look(&cells[index]) == wanted && also(index))
        };
        let is_called_time = |index: usize| TIME_NAMES.contains(&self.names[index].to_ascii_lowercase().as_str());
        let called_time = first(Look::Number, &is_called_time).filter(|_| !is_guessing);
        if let Some(index) = first(Look::Text, &|_| true).or(called_time) {
            expected.time_name(&self.names[index]);
            self.time = Time::Column(index);
            return;
        }
        let empty: Vec<usize> =
            candidates.iter().copied().filter(|&index| look(&cells[index]) == Look::Empty).collect();
        self.time = if empty.is_empty() {
            expected.time_name("row");
            Time::RowNumber
        } else {
            Time::Open(empty)
        };
    }

    fn judge(&mut self, time: Option<usize>, cells: &[String], line: u64, expected: &mut Expected) -> Result<(), Stop> {
        for column in &mut self.columns {
            if column.kind == Kind::Number {
                continue;
            }
            column.kind = match (column.kind, look(&cells[column.index])) {
                _ if time == Some(column.index) => Kind::Ignored,
                (Kind::Suspect(line), Look::Number) => {
                    expected.bad_cell(line, &self.names[column.index])?;
                    Kind::Number
                }
                (Kind::Suspect(_), Look::Text) => Kind::Ignored,
                (Kind::Open, Look::Text) => Kind::Suspect(line),
                (_, Look::Number) => Kind::Number,
                (kind, _) => kind,
            };
        }
        self.columns.retain(|column| column.kind != Kind::Ignored);
        Ok(())
    }

    fn wide(
        &mut self,
        time: Option<(&str, bool)>,
        cells: &[String],
        line: u64,
        expected: &mut Expected,
    ) -> Result<(), Stop> {
        expected.row(time);
        for column in self.columns.iter_mut().filter(|column| !matches!(column.kind, Kind::Suspect(_))) {
            let series = *column.series.get_or_insert_with(|| {
                expected.series(self.names[column.index].clone());
                self.count += 1;
                self.count - 1
            });
            match number(&cells[column.index]) {
                Some(number) => expected.sample(series, number),
                None => expected.bad_cell(line, &self.names[column.index])?,
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
        expected: &mut Expected,
    ) -> Result<(), Stop> {
        let is_single = self.values.len() == 1;
        if name.is_empty() || is_single && number(&cells[self.values[0]]).is_none() {
            return expected.bad_row(line);
        }
        let first = *self.known.entry(name.to_owned()).or_insert_with(|| {
            for &value in &self.values {
                let column = &self.names[value];
                expected.series(if is_single { name.to_owned() } else { format!("{name}.{column}") });
            }
            self.count += self.values.len();
            self.count - self.values.len()
        });
        expected.row(time);
        for (offset, &value) in self.values.iter().enumerate() {
            match number(&cells[value]) {
                Some(number) => expected.sample(first + offset, number),
                None => expected.bad_cell(line, &self.names[value])?,
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
