//! Which column of a CSV is what: said on the command line, or found out from the first rows.
//!
//! Rules for a wide table without `--value`, cell by cell until a column is settled:
//!
//! * A number makes the column a series.
//! * An empty cell says nothing, and counts as a missing sample meanwhile.
//! * The first text makes its column the time, if there is no time yet. Text in another column makes that one suspect: if
//!   its next cell is a number, it is a series and the text was a bad cell; if that is text again, the column is ignored.
//!
//! A first row that has only text decides nothing and is bad: a stray line below the header should not hide the numbers
//! below it.

use super::rows::Row;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::Wanted;
use crate::text::number;
use crate::text::quote::not_a_number;
use std::collections::{HashMap, HashSet};

/// What columns without a time column, but with one of these names, are likely to mean.
const TIME_NAMES: [&str; 7] = ["time", "timestamp", "datetime", "date", "ts", "epoch", "when"];

/// What the columns of a table are.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) names: Vec<String>,
    pub(crate) time: Time,
    pub(crate) shape: Shape,
}

#[derive(Debug)]
pub(crate) enum Shape {
    Wide(Vec<Column>),
    Long {
        series: usize,
        values: Vec<usize>,
    },
    /// A long table whose one column of values has yet to show itself.
    LongUnknown {
        series: usize,
    },
}

/// Where the time is.
#[derive(Debug)]
pub(crate) enum Time {
    Column(usize),
    /// There is no such column: rows are numbered.
    RowNumber,
    /// It may be in one of these columns, or none.
    Open(Vec<usize>),
}

/// One column of a wide table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) index: usize,
    pub(crate) kind: Kind,
    /// The number of its series, as soon as it is one.
    pub(crate) series: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    /// Only empty cells so far.
    Open,
    /// One cell so far, and that was text.
    Suspect {
        line: u64,
        text: String,
    },
    /// Not a series.
    Ignored,
}

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Empty,
    Number,
    Text,
}

fn look(cell: &[u8]) -> Look {
    if cell.is_empty() {
        Look::Empty
    } else if number::parse(cell).is_some() {
        Look::Number
    } else {
        Look::Text
    }
}

impl Layout {
    /// What header and command line say.
    pub(crate) fn new(header: Row<'_>, wanted: &Wanted, report: &Console) -> Result<Self, Failure> {
        let mut names: Vec<String> = (0..header.len()).map(|index| header.text(index).to_owned()).collect();
        if names.iter().all(|name| number::parse(name.as_bytes()).is_some()) {
            report.note("the first row is taken as the header, although it holds only numbers");
        }
        let time = wanted.time.as_deref().map(|name| find(&names, name, "--time")).transpose()?;
        let series = wanted.series.as_deref().map(|name| find(&names, name, "--series")).transpose()?;
        let values: Vec<usize> =
            wanted.values.iter().map(|name| find(&names, name, "--value")).collect::<Result<_, _>>()?;
        let roles: HashSet<usize> = [time, series].into_iter().flatten().chain(values.iter().copied()).collect();
        make_distinct(&mut names, report);

        let others = (0..names.len()).filter(|index| !roles.contains(index));
        let column = |kind: Kind| move |index| Column { index, kind: kind.clone(), series: None };
        let open_time = Time::Open(others.clone().collect());
        let shape = match (series, values.is_empty()) {
            (Some(series), false) => Shape::Long { series, values },
            (Some(series), true) => Shape::LongUnknown { series },
            (None, false) => Shape::Wide(values.into_iter().map(column(Kind::Number)).collect()),
            (None, true) => Shape::Wide(others.map(column(Kind::Open)).collect()),
        };
        Ok(Self { names, time: time.map_or(open_time, Time::Column), shape })
    }

    /// The name of a column.
    pub(crate) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// Whether everything is known, so that rows need not be looked at.
    pub(crate) fn is_settled(&self) -> bool {
        let shape_is_settled = match &self.shape {
            Shape::Wide(columns) => columns.iter().all(|column| column.kind == Kind::Number),
            Shape::Long { .. } => true,
            Shape::LongUnknown { .. } => false,
        };
        shape_is_settled && !matches!(self.time, Time::Open(_))
    }

    /// Whether a row has been seen that decided where the values are.
    pub(crate) fn has_values(&self) -> bool {
        match &self.shape {
            Shape::Wide(columns) => columns.iter().any(|column| column.kind == Kind::Number || column.series.is_some()),
            Shape::Long { .. } => true,
            Shape::LongUnknown { .. } => false,
        }
    }

    /// Learns from a row what the columns are, and tells what the time is called if that is now known. False if the row is
    /// bad: it holds nothing that could be a sample.
    pub(crate) fn settle(
        &mut self,
        row: Row<'_>,
        name_time: &mut impl FnMut(&str),
        report: &mut Console,
    ) -> Result<bool, Failure> {
        if let Shape::LongUnknown { series } = self.shape {
            let Some(value) = self.only_value(row, series)? else { return Ok(false) };
            self.shape = Shape::Long { series, values: vec![value] };
            if let Time::Open(candidates) = &mut self.time {
                candidates.retain(|&index| index != value);
            }
        }
        let is_guessing = matches!(&self.shape, Shape::Wide(columns) if columns.iter().any(|c| c.kind != Kind::Number));
        if is_guessing && !self.has_values() && !self.has_sample(row) {
            return Ok(false);
        }
        let was_open = matches!(self.time, Time::Open(_));
        self.find_time(row, is_guessing, report);
        if was_open {
            match self.time {
                Time::Column(index) => name_time(self.name(index)),
                Time::RowNumber => name_time("row"),
                Time::Open(_) => {}
            }
        }
        self.judge_columns(row, report)?;
        Ok(true)
    }

    /// Takes every column for one of values but the first of several, which is the time unless another one is: for whoever
    /// cannot leave out a row that is bad, and so cannot wait for the next.
    pub(crate) fn take_all(&mut self) {
        let series = if let Shape::LongUnknown { series } = self.shape { Some(series) } else { None };
        let time = if let Time::Column(index) = self.time { Some(index) } else { None };
        let mut values: Vec<usize> =
            (0..self.names.len()).filter(|index| Some(*index) != series && Some(*index) != time).collect();
        if time.is_none() {
            self.time = if values.len() > 1 { Time::Column(values.remove(0)) } else { Time::RowNumber };
        }
        self.shape = match series {
            Some(series) => Shape::Long { series, values },
            None => Shape::Wide(
                values.into_iter().map(|index| Column { index, kind: Kind::Number, series: None }).collect(),
            ),
        };
    }

    /// Whether the row holds a sample, missing or not, outside the time column.
    fn has_sample(&self, row: Row<'_>) -> bool {
        let Shape::Wide(columns) = &self.shape else { return true };
        columns.iter().any(|column| look(row.field(column.index)) != Look::Text)
    }

    /// The one column that holds a number beside series and time; if none holds one, the one that is empty.
    fn only_value(&self, row: Row<'_>, series: usize) -> Result<Option<usize>, Failure> {
        let time = if let Time::Column(index) = self.time { Some(index) } else { None };
        let others = (0..row.len()).filter(|&index| index != series && Some(index) != time);
        let of = |wanted| others.clone().filter(|&index| look(row.field(index)) == wanted).collect::<Vec<_>>();
        let mut found = of(Look::Number);
        if found.is_empty() {
            found = of(Look::Empty);
        }
        if found.len() > 1 {
            return Err(several_values(found.iter().map(|&index| self.name(index))));
        }
        Ok(found.first().copied())
    }

    /// Looks for the time: the first column that holds text.
    fn find_time(&mut self, row: Row<'_>, is_guessing: bool, report: &Console) {
        let Time::Open(candidates) = &mut self.time else { return };
        if let Some(&index) = candidates.iter().find(|&&index| look(row.field(index)) == Look::Text) {
            self.time = Time::Column(index);
            return;
        }
        let numeric: Vec<usize> =
            candidates.iter().copied().filter(|&index| look(row.field(index)) == Look::Number).collect();
        candidates.retain(|&index| look(row.field(index)) == Look::Empty);
        let nothing_left = candidates.is_empty();
        let called_time = numeric.into_iter().find(|&index| is_called_time(self.name(index)));
        match called_time {
            // In a wide table every numeric column is a series, whatever it is called.
            Some(index) if is_guessing => {
                note_time_is_series(self.name(index), report);
                if nothing_left {
                    self.time = Time::RowNumber;
                }
            }
            // Where the values are named, the name of another column is the best hint there is.
            Some(index) => self.time = Time::Column(index),
            None if nothing_left => self.time = Time::RowNumber,
            None => {}
        }
    }

    /// Looks at the columns of a wide table that are not settled.
    fn judge_columns(&mut self, row: Row<'_>, report: &mut Console) -> Result<(), Failure> {
        let Shape::Wide(columns) = &mut self.shape else { return Ok(()) };
        let time = if let Time::Column(index) = self.time { Some(index) } else { None };
        for column in columns.iter_mut() {
            let name = self.names.get(column.index).map_or("", String::as_str);
            let cell = row.field(column.index);
            column.kind = match (std::mem::replace(&mut column.kind, Kind::Ignored), look(cell)) {
                (Kind::Number, _) => Kind::Number,
                _ if time == Some(column.index) => Kind::Ignored,
                (Kind::Open, Look::Text) => Kind::Suspect { line: row.line, text: row.text(column.index).to_owned() },
                (Kind::Open, Look::Number) => Kind::Number,
                (Kind::Suspect { line, text }, Look::Number) => {
                    report.bad_cell(line, name, text.as_bytes())?;
                    Kind::Number
                }
                (Kind::Suspect { line, text }, Look::Text) => {
                    let reason = not_a_number(name, text.as_bytes());
                    report.note(format!("line {line}: {reason}, and neither is what follows: the column is ignored"));
                    Kind::Ignored
                }
                (kind, _) => kind,
            };
        }
        columns.retain(|column| column.kind != Kind::Ignored);
        Ok(())
    }
}

/// Whether a numeric column has a name that is likely to mean the time.
pub(crate) fn is_called_time(name: &str) -> bool {
    TIME_NAMES.iter().any(|time| time.eq_ignore_ascii_case(name))
}

/// Such a column of a wide table is a series all the same.
pub(crate) fn note_time_is_series(name: &str, report: &Console) {
    report.note(format!("column {name:?} is numeric and tracked as a series; --time {name} makes it the time"));
}

/// A long table whose values may be in any of these columns.
pub(crate) fn several_values<'a>(names: impl Iterator<Item = &'a str>) -> Failure {
    let names = quoted(names);
    Failure::usage(format!(
        "several columns may hold the values ({names}): choose with --value, and name the time with --time"
    ))
}

/// A table in which there is nothing to follow.
pub(crate) fn no_numbers(input: &str, names: &[String]) -> Failure {
    let columns = quoted(names.iter().map(String::as_str));
    Failure::usage(format!("{input}: no column holds numbers; there are {columns}"))
}

/// The column of this name.
pub(crate) fn find(names: &[String], name: &str, option: &str) -> Result<usize, Failure> {
    let mut found = names.iter().enumerate().filter(|(_, candidate)| *candidate == name).map(|(index, _)| index);
    match (found.next(), found.next()) {
        (Some(index), None) => Ok(index),
        (Some(_), Some(_)) => Err(Failure::usage(format!("{option} {name}: several columns have this name"))),
        (None, _) => {
            let existing = quoted(names.iter().map(String::as_str));
            Err(Failure::usage(format!("{option} {name}: there is no such column; there are {existing}")))
        }
    }
}

/// Names for a message.
pub(crate) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    /// A message is for reading; a wide table has thousands of columns.
    const MOST: usize = 50;
    let mut names = names.map(|name| format!("{name:?}"));
    let mut list: Vec<String> = names.by_ref().take(MOST).collect();
    let more = names.count();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    list.join(", ")
}

/// Gives every column a name of its own: `column3` to a third one without, and `cpu.2` to a second `cpu`.
pub(crate) fn make_distinct(names: &mut [String], report: &Console) {
    let mut taken: HashSet<String> = names.iter().cloned().collect();
    // Where to go on looking for a free number: from the start again for each of many columns of one name takes for ever.
    let mut next: HashMap<String, usize> = HashMap::new();
    for (index, name) in names.iter_mut().enumerate() {
        let is_new = !next.contains_key(name.as_str());
        let next = next.entry(name.clone()).or_default();
        if is_new && !name.is_empty() {
            continue;
        }
        let (stem, separator, first) =
            if name.is_empty() { ("column", "", index + 1) } else { (name.as_str(), ".", 2) };
        let mut number = (*next).max(first);
        let mut free = format!("{stem}{separator}{number}");
        while taken.contains(&free) {
            number += 1;
            free = format!("{stem}{separator}{number}");
        }
        *next = number + 1;
        taken.insert(free.clone());
        report.note(format!("column {} is called {free:?} here: its name is {name:?}, as another's", index + 1));
        *name = free;
    }
}
