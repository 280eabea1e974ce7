//! NDJSON to samples: the rules of a CSV, with members for columns.
//!
//! Members may come and go from line to line, so nothing but the first object can say that a name is wrong: it must have
//! the time and the series that the command line names, and the values too where they are one per row.

pub(crate) mod members;

use super::csv::layout::quoted;
use super::lines::{Found, Lines};
use super::{Origin, Source, Wanted, announce, before_read};
use crate::console::Console;
use crate::failure::Failure;
use crate::samples::{Sink, Time};
use crate::text::number;
use crate::text::quote::not_a_number;
use foldhash::fast::RandomState;
use indexmap::IndexMap;
use members::{Members, Value};
use std::fmt::Display;

/// Reads all lines.
pub(super) fn read(
    mut lines: Lines,
    Origin { name, is_live, .. }: Origin,
    wanted: &Wanted,
    sink: &mut impl Sink,
    report: &mut Console,
) -> Result<(), Failure> {
    let mut objects = Objects {
        time: wanted.time.clone(),
        has_named_time: false,
        series: wanted.series.clone(),
        values: wanted.values.clone(),
        names: IndexMap::default(),
        series_count: 0,
        first: None,
    };
    if let Some(time) = &objects.time {
        sink.time_name(time);
        objects.has_named_time = true;
    }
    loop {
        let found = lines.advance(&mut before_read(is_live, sink, report))?;
        match found {
            Found::End => break,
            Found::Line if lines.current().trim_ascii().is_empty() => {}
            Found::Line => {
                report.rows += 1;
                let line = lines.number();
                match Members::parse(lines.current()) {
                    Ok(members) => objects.row(Cells { members: &members, line, sink, report })?,
                    Err(broken) => report.bad_row(line, broken)?,
                }
            }
            Found::TooLong => {
                report.rows += 1;
                report.bad_row(lines.number(), "the line is too long")?;
            }
        }
    }
    if report.rows == 0 {
        return Err(Source::is_empty(&name));
    }
    objects.check_all_found(&name)
}

/// The objects on their way.
struct Objects {
    time: Option<String>,
    /// The sink knows what the time is called.
    has_named_time: bool,
    series: Option<String>,
    values: Vec<String>,
    /// Members of wide objects, or names of a long table's series, that are series: the number of the first one.
    names: IndexMap<Box<str>, usize, RandomState>,
    series_count: usize,
    /// The names that the first object has, for messages.
    first: Option<Vec<String>>,
}

impl Objects {
    fn row(&mut self, cells: Cells<'_, impl Sink>) -> Result<(), Failure> {
        let members = cells.members;
        if self.first.is_none() {
            self.check_first(members)?;
            self.first = Some(members.iter().map(|(name, _)| name.to_owned()).collect());
        }
        if self.time.is_none() {
            // The first text is the time; infinities are text only because JSON has no other way to say them.
            // What has been a series is not the time, whatever one of its cells says.
            let is_series = |name: &str| self.series.is_none() && self.names.contains_key(name);
            let mut texts = members.iter().filter(|(name, _)| !self.is_named(name) && !is_series(name));
            let first_text = texts.find(|(_, value)| match value {
                Value::Text(text) => number::parse(text.as_bytes()).is_none_or(f64::is_finite),
                _ => false,
            });
            self.time = first_text.map(|(name, _)| name.to_owned());
        }
        if !self.has_named_time {
            cells.sink.time_name(self.time.as_deref().unwrap_or("row"));
            self.has_named_time = self.time.is_some();
        }
        match self.series.clone() {
            Some(series) => self.long(&series, cells),
            None => self.wide(cells),
        }
    }

    /// Whether the command line says what this member is.
    fn is_named(&self, name: &str) -> bool {
        self.series.as_deref() == Some(name) || self.values.iter().any(|value| value == name)
    }

    /// Looks whether the first object has what every object should have.
    fn check_first(&mut self, members: &Members<'_>) -> Result<(), Failure> {
        let is_long = self.series.is_some();
        let values = self.values.iter().filter(|_| is_long).map(|name| ("--value", name));
        let named = [("--time", &self.time), ("--series", &self.series)];
        let named = named.into_iter().filter_map(|(option, name)| Some((option, name.as_ref()?)));
        for (option, name) in named.chain(values) {
            if members.get(name).is_none() {
                let existing = quoted(members.iter().map(|(name, _)| name));
                return Err(Failure::usage(format!(
                    "{option} {name}: the first object has no such member; it has {existing}"
                )));
            }
        }
        if is_long && self.values.is_empty() {
            let numbers: Vec<&str> = members
                .iter()
                .filter(|(name, _)| !self.is_named(name) && self.time.as_deref() != Some(name))
                .filter(|(_, value)| matches!(value, Value::Number(_)))
                .map(|(name, _)| name)
                .collect();
            let [value] = numbers[..] else {
                return Err(Failure::usage(format!(
                    "the values may be in any of [{}]: choose with --value, and name the time with --time",
                    quoted(numbers.into_iter())
                )));
            };
            self.values.push(value.to_owned());
        }
        Ok(())
    }

    /// An object with the name of its series.
    fn long(&mut self, series: &str, mut cells: Cells<'_, impl Sink>) -> Result<(), Failure> {
        let members = cells.members;
        let name = members.get(series);
        let name = match &name {
            None => return cells.bad_row(format_args!("no member {series:?}")),
            Some(Value::Number(_) | Value::Text(_)) => name.as_ref().map_or("", Value::text),
            Some(_) => "",
        };
        if name.trim_ascii().is_empty() {
            return cells.bad_row("the series has no name");
        }
        // A bad value in the only member with values spoils the row, and makes no series.
        if let [value] = &self.values[..] {
            match members.get(value) {
                None => return cells.bad_row(format_args!("no member {value:?}")),
                Some(cell) if number_of(&cell).is_none() => {
                    return cells.bad_row(not_a_number(value, cell.text().as_bytes()));
                }
                Some(_) => {}
            }
        }
        let first = if let Some(&first) = self.names.get(name) {
            first
        } else {
            announce(cells.sink, name, self.values.iter().map(String::as_str))?;
            self.number(name, self.values.len())
        };
        if !cells.time(self.time.as_deref())? {
            return Ok(());
        }
        for (offset, value) in self.values.iter().enumerate() {
            cells.sample(first + offset, value, &members.get(value).unwrap_or(Value::Null))?;
        }
        Ok(())
    }

    /// An object whose members are series.
    fn wide(&mut self, mut cells: Cells<'_, impl Sink>) -> Result<(), Failure> {
        if !cells.time(self.time.as_deref())? {
            return Ok(());
        }
        for (name, cell) in cells.members.iter() {
            let series = match self.names.get(name) {
                Some(&series) => series,
                None if self.is_new_series(name, &cell) => {
                    cells.sink.series(name)?;
                    self.number(name, 1)
                }
                None => continue,
            };
            cells.sample(series, name, &cell)?;
        }
        Ok(())
    }

    /// Gives a new name the next numbers, and tells the first of them.
    fn number(&mut self, name: &str, count: usize) -> usize {
        let first = self.series_count;
        self.series_count += count;
        self.names.insert(name.into(), first);
        first
    }

    /// Whether a member that was not a series is one from now on.
    fn is_new_series(&self, name: &str, cell: &Value<'_>) -> bool {
        if self.values.is_empty() {
            self.time.as_deref() != Some(name) && matches!(cell, Value::Number(_))
        } else {
            self.values.iter().any(|value| value == name)
        }
    }

    /// At the end: whether there was anything to follow.
    fn check_all_found(&self, input: &str) -> Result<(), Failure> {
        let Some(first) = &self.first else {
            return Err(Failure::usage(format!("{input}: no line is a JSON object")));
        };
        let existing = quoted(first.iter().map(String::as_str));
        if self.series.is_some() {
            return Ok(());
        }
        if let Some(value) = self.values.iter().find(|value| !self.names.contains_key(value.as_str())) {
            return Err(Failure::usage(format!(
                "--value {value}: no object has such a member; the first has {existing}"
            )));
        }
        if self.names.is_empty() {
            return Err(Failure::usage(format!("{input}: no member holds numbers; the first object has {existing}")));
        }
        Ok(())
    }
}

/// The members of one object on their way to the sink.
struct Cells<'a, S> {
    members: &'a Members<'a>,
    line: u64,
    sink: &'a mut S,
    report: &'a mut Console,
}

impl<S: Sink> Cells<'_, S> {
    /// Tells the sink when the samples of this object were taken. False if it does not want them.
    fn time(&mut self, name: Option<&str>) -> Result<bool, Failure> {
        let result = if let Some(name) = name {
            let time = self.members.get(name).unwrap_or(Value::Null);
            let is_number = matches!(time, Value::Number(_));
            self.sink.row(Time { text: time.text().as_bytes(), is_number, is_row_number: false })
        } else {
            self.sink.row(Time::row_number(self.report.rows, &mut itoa::Buffer::new()))
        };
        self.report.took_row(self.line, result)
    }

    /// One member that should be a number.
    fn sample(&mut self, series: usize, name: &str, cell: &Value<'_>) -> Result<(), Failure> {
        match number_of(cell) {
            Some(number) => self.report.took_sample(self.line, name, self.sink.sample(series, number)),
            None => self.report.bad_cell(self.line, name, cell.text().as_bytes()),
        }
    }

    fn bad_row(self, reason: impl Display) -> Result<(), Failure> {
        self.report.bad_row(self.line, reason)
    }
}

/// The number in a member; NaN where it is missing.
fn number_of(cell: &Value<'_>) -> Option<f64> {
    match cell {
        Value::Null => Some(f64::NAN),
        Value::Number(text) => number::parse(text.as_bytes()),
        Value::Text(text) => number::parse(text.as_bytes()),
        Value::Other(_) => None,
    }
}
