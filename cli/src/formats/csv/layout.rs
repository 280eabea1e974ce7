//! The roles of the columns of a CSV: from the command line, or found out from the first rows.
//!
//! Rules for a wide table without `--value`, cell by cell until a column is settled:
//!
//! * A number makes the column a series.
//! * An empty cell says nothing, and counts as a missing sample meanwhile.
//! * The first text makes its column the time, if there is no time yet. Text in another column makes that one suspect: if
//!   its next cell is a number, it is a series and the text was a bad value; if that is text again, the column is ignored.
//!
//! A first row that has only text decides nothing and is bad: a stray line below the header should not hide the numbers
//! below it.

use super::rows::Row;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::columns::{Wanted, find, is_called_time, make_distinct, note_time_is_series, several_values};
use crate::formats::reader::{Client, Roles};
use crate::text::number;
use crate::text::quote::not_a_number;
use std::collections::HashSet;

/// The roles of the columns of a table.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) names: Vec<String>,
    pub(super) time: Time,
    shape: Shape,
    roles: Roles,
    /// Whether a row has decided roles, or the command line has.
    has_seen_rows: bool,
}

#[derive(Debug)]
enum Shape {
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

/// The place of the time.
#[derive(Debug)]
pub(super) enum Time {
    Column(usize),
    /// No column: rows are numbered.
    RowNumber,
    /// One of these columns, or none.
    Open(Vec<usize>),
}

/// One column of a wide table.
#[derive(Debug)]
struct Column {
    index: usize,
    kind: Kind,
    /// Whether a row has been read with this column as a series.
    is_series: bool,
}

/// The role of a column, as far as its cells have shown it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
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

/// The kind of a cell, by its text alone.
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
    /// The roles that header and command line give.
    pub(super) fn new(header: Row<'_>, wanted: &Wanted, roles: Roles, report: &Console) -> Result<Self, Failure> {
        let mut names: Vec<String> = (0..header.len()).map(|index| header.text(index).to_owned()).collect();
        if names.iter().all(|name| number::parse(name.as_bytes()).is_some()) {
            report.note("the first row is taken as the header, although it holds only numbers");
        }
        let time = wanted.time.as_deref().map(|name| find(&names, name, "--time")).transpose()?;
        let series = wanted.series.first().map(|name| find(&names, name, "--series")).transpose()?;
        let values: Vec<usize> =
            wanted.values.iter().map(|name| find(&names, name, "--value")).collect::<Result<_, _>>()?;
        let taken: HashSet<usize> = [time, series].into_iter().flatten().chain(values.iter().copied()).collect();
        // Where records are passed on, a column whose name is another's is left alone, and needs no name of its own.
        if roles == Roles::Learn {
            make_distinct(&mut names, report);
        }

        let others = (0..names.len()).filter(|index| !taken.contains(index));
        let column = |kind: Kind| move |index| Column { index, kind: kind.clone(), is_series: false };
        let open_time = Time::Open(others.clone().collect());
        let shape = match (series, values.is_empty()) {
            (Some(series), false) => Shape::Long { series, values },
            (Some(series), true) => Shape::LongUnknown { series },
            (None, false) => Shape::Wide(values.into_iter().map(column(Kind::Number)).collect()),
            (None, true) => Shape::Wide(others.map(column(Kind::Open)).collect()),
        };
        let is_named = !wanted.values.is_empty();
        Ok(Self { names, time: time.map_or(open_time, Time::Column), shape, roles, has_seen_rows: is_named })
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The column with the name of the series, in a long table.
    pub(super) fn series(&self) -> Option<usize> {
        match self.shape {
            Shape::Wide(_) => None,
            Shape::Long { series, .. } | Shape::LongUnknown { series } => Some(series),
        }
    }

    /// The columns whose cells are taken for numbers, in the order in which their series are numbered.
    pub(super) fn values(&self) -> Vec<usize> {
        match &self.shape {
            Shape::Wide(columns) => {
                // Where there has to be a time, it is in one of the columns that are empty so far.
                let time = match (&self.time, self.roles) {
                    (Time::Open(columns), Roles::FixAtFirst { needs_time: true }) => columns.first(),
                    _ => None,
                };
                let is_value = |column: &&Column| {
                    matches!(column.kind, Kind::Number)
                        || column.kind == Kind::Open && time.is_none_or(|time| *time != column.index)
                };
                columns.iter().filter(is_value).map(|column| column.index).collect()
            }
            Shape::Long { values, .. } => values.clone(),
            Shape::LongUnknown { .. } => Vec::new(),
        }
    }

    /// Whether it is known which columns have the values, by name or from a row.
    pub(super) fn has_roles(&self) -> bool {
        self.has_seen_rows
    }

    /// Whether everything is known, so that rows need not be looked at.
    pub(super) fn is_settled(&self) -> bool {
        let shape_is_settled = match &self.shape {
            Shape::Wide(columns) => columns.iter().all(|column| column.kind == Kind::Number),
            Shape::Long { .. } => true,
            Shape::LongUnknown { .. } => false,
        };
        shape_is_settled && !matches!(self.time, Time::Open(_))
    }

    /// Whether a row has been seen that decided which columns have the values.
    pub(super) fn has_values(&self) -> bool {
        match &self.shape {
            Shape::Wide(columns) => columns.iter().any(|column| column.kind == Kind::Number || column.is_series),
            Shape::Long { .. } => true,
            Shape::LongUnknown { .. } => false,
        }
    }

    /// Learns from a row what the columns are. False if the row is bad: it holds nothing that could be a sample.
    pub(super) fn settle(&mut self, row: Row<'_>, client: &mut impl Client) -> Result<bool, Failure> {
        let is_first = !self.has_seen_rows;
        let is_good = self.find_roles(row, client)?;
        if let (Roles::FixAtFirst { .. }, true, false) = (self.roles, is_first, is_good) {
            self.take_all();
            client.console().note(format!(
                "line {}: no column holds a number: all but the first are followed, unless --value and --time choose",
                row.line
            ));
        }
        let is_used = is_good || self.roles != Roles::Learn;
        self.has_seen_rows |= is_used;
        if let (Roles::Learn, true, Shape::Wide(columns)) = (self.roles, is_good, &mut self.shape) {
            for column in columns.iter_mut().filter(|column| !matches!(column.kind, Kind::Suspect { .. })) {
                column.is_series = true;
            }
        }
        Ok(is_used)
    }

    /// Gives columns the roles that the row decides. False if the row holds nothing that could be a sample.
    fn find_roles(&mut self, row: Row<'_>, client: &mut impl Client) -> Result<bool, Failure> {
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
        self.find_time(row, is_guessing, client.console());
        if was_open {
            match self.time {
                Time::Column(index) => client.time_name(self.name(index)),
                Time::RowNumber => client.time_name("row"),
                Time::Open(_) => {}
            }
        }
        self.judge_columns(row, client.console())?;
        Ok(true)
    }

    /// Makes every column a value column, but the first of several, which is the time unless another one is.
    fn take_all(&mut self) {
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
                values.into_iter().map(|index| Column { index, kind: Kind::Number, is_series: false }).collect(),
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

    /// Finds the time: the first column that holds text.
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

    /// Settles columns of a wide table that are not settled yet.
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
                    report.bad_number(line, name, text.as_bytes())?;
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
