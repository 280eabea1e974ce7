//! The roles of the columns of a table: from the command line, or found out from the first rows.
//!
//! Rules for a wide table without `--value`, cell by cell until a column is settled:
//!
//! * The time is what `times.rs` chooses in the first row.
//! * A number makes the column a series, with the unit that stands behind it.
//! * A missing cell says nothing, and counts as a missing sample meanwhile.
//! * A first column without a name whose numbers begin with 0 or 1 counts the rows, and is left out.
//! * Text makes its column suspect: if its next cell is a number, it is a series and the text was a bad value; if that is text
//!   again, the column is left out.
//!
//! A first row that has only text decides nothing and is bad: a stray line below the header should not hide the numbers
//! below it.

use super::cells::{self, Comma, Decimals, Unit};
use super::rows::Row;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::columns::{find, make_distinct, several_values};
use crate::formats::options::Options;
use crate::formats::reader::{Client, Roles};
use crate::formats::times::{Candidate, Choice, choose, says_time};
use crate::text::dates::{Date, Lack, compact, lack, text};
use crate::text::moments::TimeForm;
use crate::text::number::{self, Words};
use std::cell::Cell;
use std::collections::HashSet;

/// The roles of the columns of a table.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) names: Vec<String>,
    pub(super) time: Time,
    shape: Shape,
    roles: Roles,
    form: TimeForm,
    missing: Words,
    decimals: Decimals,
    /// Whether commas stand between cells.
    has_commas: bool,
    /// What commas in the cells of each column stand for, where commas stand between cells, too.
    commas: Vec<Cell<Option<Comma>>>,
    /// The unit behind the numbers of each column, where there is one.
    units: Vec<Option<Box<str>>>,
    first: First,
    /// Columns of values whose unit is not known yet.
    without_unit: Vec<usize>,
    /// Columns that are left out, for they hold text.
    left_out: Vec<usize>,
    /// A column of text that may be shown where there is no time.
    shown: Option<usize>,
    /// Whether a row has decided roles, or the command line has.
    has_seen_rows: bool,
}

#[derive(Debug)]
enum Shape {
    Wide(Vec<Column>),
    Long {
        series: Vec<usize>,
        values: Vec<usize>,
    },
    /// A long table whose one column of values has yet to show itself.
    LongUnknown {
        series: Vec<usize>,
    },
}

/// What the first column is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum First {
    Named,
    /// It has no name, and may count the rows.
    Unnamed,
    /// It and the last are what is outside the bars of a table, and none of it.
    Outside,
}

/// The place of the time.
#[derive(Debug)]
pub(super) enum Time {
    Column(usize),
    /// A date and a time of day.
    Pair(usize, usize),
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
    /// Only missing cells so far.
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
    Missing,
    Number,
    Text,
}

impl Layout {
    /// The roles that the names of the columns and the command line give.
    pub(super) fn new(
        mut names: Vec<String>,
        is_framed: bool,
        options: &Options,
        (decimals, has_commas): (Decimals, bool),
        roles: Roles,
        report: &Console,
    ) -> Result<Self, Failure> {
        let wanted = &options.wanted;
        let all = |list: &[String], option| -> Result<Vec<usize>, Failure> {
            list.iter().map(|name| find(&names, name, option)).collect()
        };
        let time = wanted.time.as_deref().map(|name| find(&names, name, "--time")).transpose()?;
        let (series, values) = (all(&wanted.series, "--series")?, all(&wanted.values, "--value")?);
        let taken: HashSet<usize> =
            time.into_iter().chain(series.iter().copied()).chain(values.iter().copied()).collect();
        let first = match names.first() {
            _ if is_framed => First::Outside,
            Some(name) if name.is_empty() && names.len() > 1 => First::Unnamed,
            _ => First::Named,
        };
        let inner = if is_framed { 1..names.len() - 1 } else { 0..names.len() };
        // Where records are passed on, a column whose name is another's is left alone, and needs no name of its own.
        if roles == Roles::Learn {
            make_distinct(names.get_mut(inner.clone()).unwrap_or_default(), report);
        }

        let others = inner.filter(|index| !taken.contains(index));
        let column = |kind: Kind| move |index| Column { index, kind: kind.clone(), is_series: false };
        let open_time = Time::Open(others.clone().collect());
        let without_unit = values.clone();
        let shape = match (series.is_empty(), values.is_empty()) {
            (false, false) => Shape::Long { series, values },
            (false, true) => Shape::LongUnknown { series },
            (true, false) => Shape::Wide(values.into_iter().map(column(Kind::Number)).collect()),
            (true, true) => Shape::Wide(others.map(column(Kind::Open)).collect()),
        };
        let is_named = !wanted.values.is_empty();
        Ok(Self {
            commas: vec![Cell::new(None); names.len()],
            units: vec![None; names.len()],
            names,
            time: time.map_or(open_time, Time::Column),
            shape,
            roles,
            form: options.time.clone(),
            missing: options.missing.clone(),
            decimals,
            has_commas,
            first,
            without_unit,
            left_out: Vec::new(),
            shown: None,
            has_seen_rows: is_named,
        })
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The name of the time, where a column has it.
    pub(super) fn time_name(&self) -> Option<String> {
        match self.time {
            Time::Column(index) => Some(self.name(index).to_owned()),
            Time::Pair(date, time) => Some(format!("{} {}", self.name(date), self.name(time))),
            Time::RowNumber | Time::Open(_) => None,
        }
    }

    /// The columns with the name of the series, in a long table.
    pub(super) fn series(&self) -> &[usize] {
        match &self.shape {
            Shape::Wide(_) => &[],
            Shape::Long { series, .. } | Shape::LongUnknown { series } => series,
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
        shape_is_settled && self.without_unit.is_empty() && !matches!(self.time, Time::Open(_))
    }

    /// Whether a row has been seen that decided which columns have the values.
    pub(super) fn has_values(&self) -> bool {
        match &self.shape {
            Shape::Wide(columns) => columns.iter().any(|column| column.kind == Kind::Number || column.is_series),
            Shape::Long { .. } => true,
            Shape::LongUnknown { .. } => false,
        }
    }

    /// Whether a first column of text may be shown in the place of the time, if no cell of its row is one: the number of that
    /// column is set with [`show`](Self::show).
    pub(super) fn may_show(&self) -> bool {
        matches!(self.time, Time::Open(_)) && self.roles == Roles::Learn && self.series().is_empty()
    }

    /// Sets the column that is shown where there is no time.
    pub(super) fn show(&mut self, index: usize) {
        self.shown = Some(index);
    }

    /// The time that a row shows, by the names and cells of the columns that may have it.
    pub(super) fn time_in(&self, cells: &[&[u8]]) -> Choice {
        let Time::Open(columns) = &self.time else { return Choice::Nothing };
        // What stands alone is what is to be followed.
        if self.names.len() == 1 {
            return Choice::Nothing;
        }
        let cell = |index: usize| cells.get(index).copied().unwrap_or_default();
        let candidate = |&index: &usize| Candidate { index, name: self.name(index), cell: cell(index) };
        choose(&columns.iter().map(candidate).collect::<Vec<_>>(), &self.form)
    }

    /// Whether a cell is text: neither a number nor missing.
    pub(super) fn is_text(&self, cell: &[u8]) -> bool {
        self.look(cell) == Look::Text
    }

    fn look(&self, cell: &[u8]) -> Look {
        match self.read(cell) {
            None => Look::Text,
            Some((number, _)) if number.is_nan() => Look::Missing,
            Some(_) => Look::Number,
        }
    }

    /// A cell as its number and its unit.
    fn read<'c>(&self, cell: &'c [u8]) -> Option<(f64, &'c str)> {
        let plain = self.missing.parse(cell).map(|number| (number, ""));
        match plain {
            Some((number, _)) if self.decimals == Decimals::Point || number.is_nan() => plain,
            _ => cells::read(cell, self.decimals, self.has_commas),
        }
    }

    /// Whether every number of the table is one as programs write it, as long as it has no unit.
    pub(super) fn is_plain(&self) -> bool {
        self.decimals == Decimals::Point && self.missing.is_empty()
    }

    /// The number in a cell of a column, in the unit of the column; NaN where it is missing.
    #[cold]
    pub(super) fn number(&self, index: usize, cell: &[u8]) -> Option<f64> {
        let (number, unit) = if self.has_commas && !self.is_plain_comma(index, cell)? {
            cells::read(cell, Decimals::Comma, false)?
        } else {
            self.read(cell)?
        };
        let of_column = self.units.get(index).and_then(Option::as_deref).unwrap_or("");
        // A missing one has no unit, and a zero may do without.
        if number.is_nan() || unit.is_empty() && (of_column.is_empty() || number == 0.0) {
            return Some(number);
        }
        Unit::factor(unit, of_column).map(|factor| number * factor)
    }

    /// Whether a comma in a cell of a table with commas means what it seems to mean; `None` if it contradicts an earlier one of
    /// its column.
    fn is_plain_comma(&self, index: usize, cell: &[u8]) -> Option<bool> {
        let (Some((comma, is_sure)), Some(of_column)) = (cells::comma(cell), self.commas.get(index)) else {
            return Some(true);
        };
        match of_column.get() {
            None if self.read(cell).is_some() => of_column.set(Some(comma)),
            Some(known) if known != comma => return if is_sure { None } else { Some(false) },
            _ => {}
        }
        Some(true)
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
        let is_guessing = matches!(&self.shape, Shape::Wide(columns) if columns.iter().any(|c| c.kind != Kind::Number));
        if is_guessing && !self.has_values() && !self.has_sample(row) {
            return Ok(false);
        }
        if let Shape::LongUnknown { series } = &self.shape {
            let series = series.clone();
            let chosen = self.chosen_time(row);
            let Some(value) = self.only_value(row, &series, chosen)? else { return Ok(false) };
            self.shape = Shape::Long { series, values: vec![value] };
            self.without_unit = vec![value];
            if let Time::Open(candidates) = &mut self.time {
                candidates.retain(|&index| index != value);
            }
        }
        self.find_time(row, client);
        self.judge_columns(row, client.console())?;
        self.find_units(row);
        Ok(true)
    }

    /// Makes every column a value column, but the first of several, which is the time unless another one is.
    fn take_all(&mut self) {
        let series = self.series().to_vec();
        let time = if let Time::Column(index) = self.time { Some(index) } else { None };
        let mut values: Vec<usize> =
            (0..self.names.len()).filter(|index| !series.contains(index) && Some(*index) != time).collect();
        if time.is_none() {
            self.time = if values.len() > 1 { Time::Column(values.remove(0)) } else { Time::RowNumber };
        }
        self.shape = if series.is_empty() {
            Shape::Wide(
                values.into_iter().map(|index| Column { index, kind: Kind::Number, is_series: false }).collect(),
            )
        } else {
            Shape::Long { series, values }
        };
    }

    /// Whether the row holds a sample, missing or not, outside the time column.
    fn has_sample(&self, row: Row<'_>) -> bool {
        let Shape::Wide(columns) = &self.shape else { return true };
        columns.iter().any(|column| self.look(row.field(column.index)) != Look::Text)
    }

    /// The one column that holds a number beside series and time; if none holds one, the one that is empty.
    fn only_value(&self, row: Row<'_>, series: &[usize], chosen: Option<usize>) -> Result<Option<usize>, Failure> {
        let time = if let Time::Column(index) = self.time { Some(index) } else { chosen };
        let width = self.names.len();
        let inner = if self.first == First::Outside { 1..width.saturating_sub(1) } else { 0..width };
        let others = inner.filter(|index| !series.contains(index) && Some(*index) != time);
        let of = |wanted| others.clone().filter(|&index| self.look(row.field(index)) == wanted).collect::<Vec<_>>();
        let mut found = of(Look::Number);
        if found.is_empty() {
            found = of(Look::Missing);
        }
        if found.len() > 1 {
            return Err(several_values(found.iter().map(|&index| self.name(index))));
        }
        Ok(found.first().copied())
    }

    /// The column that a row shows to be the time.
    fn chosen_time(&self, row: Row<'_>) -> Option<usize> {
        let cells: Vec<&[u8]> = (0..row.len()).map(|index| row.field(index)).collect();
        match self.time_in(&cells) {
            Choice::Moment(index, _) | Choice::Shown(index, _) | Choice::Missing(index) => Some(index),
            Choice::Nothing => None,
        }
    }

    /// Finds the time, and says so.
    fn find_time(&mut self, row: Row<'_>, client: &mut impl Client) {
        let Time::Open(candidates) = &self.time else {
            return;
        };
        let candidates = candidates.clone();
        let cells: Vec<&[u8]> = (0..row.len()).map(|index| row.field(index)).collect();
        let (time, words) = if let Some((date, time)) = self.date_and_time(&candidates, row) {
            (Time::Pair(date, time), "a date and a time of day, taken as UTC".to_owned())
        } else {
            match (self.time_in(&cells), self.shown) {
                (Choice::Moment(index, reading), _) => (Time::Column(index), reading.words(&self.form)),
                (Choice::Shown(index, why), _) => (Time::Column(index), format!("only shown: {why}")),
                (Choice::Missing(index), _) => (Time::Column(index), "missing in the first row".to_owned()),
                (Choice::Nothing, Some(index)) => (Time::Column(index), "only shown: it holds no times".to_owned()),
                (Choice::Nothing, None) => {
                    let is_missing = |index: &usize| self.look(row.field(*index)) == Look::Missing;
                    let open: Vec<usize> = candidates.into_iter().filter(is_missing).collect();
                    if open.is_empty() { (Time::RowNumber, String::new()) } else { (Time::Open(open), String::new()) }
                }
            }
        };
        self.time = time;
        match self.time_name() {
            Some(name) => {
                client.console().time_is(&name, &words);
                client.time_name(&name);
            }
            None if matches!(self.time, Time::RowNumber) => {
                client.console().time_is_nowhere();
                client.time_name("row");
            }
            None => {}
        }
    }

    /// A column with dates beside one with times of day, by their names and cells.
    fn date_and_time(&self, candidates: &[usize], row: Row<'_>) -> Option<(usize, usize)> {
        let text = |index: usize| text(row.field(index)).unwrap_or_default();
        let time = candidates
            .iter()
            .copied()
            .find(|&index| says_time(self.name(index)).is_some() && lack(text(index)) == Some(Lack::Date))?;
        let date = candidates.iter().copied().find(|&index| {
            let is_called =
                self.name(index).to_ascii_lowercase().contains("date") || says_time(self.name(index)).is_some();
            is_called
                && !text(index).contains(':')
                && matches!(Date::read(text(index)).or_else(|| compact(text(index))), Some(Date::Civil(_)))
        })?;
        Some((date, time))
    }

    /// Settles columns of a wide table that are not settled yet.
    fn judge_columns(&mut self, row: Row<'_>, report: &mut Console) -> Result<(), Failure> {
        let times = match self.time {
            Time::Column(index) => [Some(index), None],
            Time::Pair(date, time) => [Some(date), Some(time)],
            Time::RowNumber | Time::Open(_) => [None; 2],
        };
        let looks: Vec<Look> = match &self.shape {
            Shape::Wide(columns) => columns.iter().map(|column| self.look(row.field(column.index))).collect(),
            Shape::Long { .. } | Shape::LongUnknown { .. } => return Ok(()),
        };
        let is_count = self.first == First::Unnamed
            && self.roles == Roles::Learn
            && self
                .read(row.field(0))
                .is_some_and(|(number, unit)| (number == 0.0 || number == 1.0) && unit.is_empty());
        let Shape::Wide(columns) = &mut self.shape else { return Ok(()) };
        for (column, look) in columns.iter_mut().zip(looks) {
            let name = self.names.get(column.index).map_or("", String::as_str);
            column.kind = match (std::mem::replace(&mut column.kind, Kind::Ignored), look) {
                (Kind::Number, _) => Kind::Number,
                _ if times.contains(&Some(column.index)) => Kind::Ignored,
                (Kind::Open, Look::Text) => Kind::Suspect { line: row.line, text: row.text(column.index).to_owned() },
                (Kind::Open, Look::Number) if column.index == 0 && is_count => {
                    report.dropped("column 1 is left out, without a name: it counts the rows");
                    Kind::Ignored
                }
                (Kind::Open, Look::Number) => {
                    self.without_unit.push(column.index);
                    Kind::Number
                }
                (Kind::Suspect { line, text }, Look::Number) => {
                    report.bad_number(line, name, text.as_bytes())?;
                    self.without_unit.push(column.index);
                    Kind::Number
                }
                (Kind::Suspect { .. }, Look::Text) => {
                    self.left_out.push(column.index);
                    Kind::Ignored
                }
                (kind, _) => kind,
            };
        }
        columns.retain(|column| column.kind != Kind::Ignored);
        Ok(())
    }

    /// Columns that have shown text and nothing else, those of which only one cell has been seen included.
    pub(super) fn columns_of_text(&self) -> Vec<usize> {
        let Shape::Wide(columns) = &self.shape else { return self.left_out.clone() };
        let suspect = columns.iter().filter(|column| matches!(column.kind, Kind::Suspect { .. }) && !column.is_series);
        let mut all: Vec<usize> = self.left_out.iter().copied().chain(suspect.map(|column| column.index)).collect();
        all.sort_unstable();
        all
    }

    /// Learns from a row the units of columns with values.
    fn find_units(&mut self, row: Row<'_>) {
        let mut without = std::mem::take(&mut self.without_unit);
        without.retain(|&index| match self.read(row.field(index)) {
            Some((number, unit)) if !number.is_nan() => {
                if let (false, Some(place)) = (unit.is_empty(), self.units.get_mut(index)) {
                    *place = Some(unit.into());
                }
                false
            }
            _ => true,
        });
        self.without_unit = without;
    }
}

/// Whether a cell is one of the words for what is true or not, which name no series.
pub(super) fn is_truth(cell: &[u8]) -> bool {
    ["true", "false", "yes", "no", "on", "off", "t", "f"].iter().any(|word| word.as_bytes().eq_ignore_ascii_case(cell))
        || number::is_missing(cell)
}
