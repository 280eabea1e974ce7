//! The roles of the columns of a table with types: from the command line, or by their names and types.
//!
//! Where nothing is said, the numbers are the values. The time is an index of pandas that is one; or the first column whose name
//! says so, of moments or numbers; or the first one of timestamps or dates; or, to be shown with the rows, the first one of text.
//! Neither the index nor the keys of folders are values, and columns of anything else, nested ones among them, are not read.

use super::kind::Kind;
use super::look::Look;
use super::union::{Column, Of};
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::columns::{Wanted, find, make_distinct, no_numbers, several_values};
use crate::formats::times::{Says, says_time};
use crate::samples::TimeType;
use std::collections::HashSet;

/// The roles of the columns of a table, by their numbers.
#[derive(Debug)]
pub(super) struct Roles {
    /// The names of all columns, each a different one.
    pub(super) names: Vec<String>,
    /// The column with the time; none where rows are numbered.
    pub(super) time: Option<usize>,
    pub(super) time_type: TimeType,
    pub(super) shape: Shape,
}

#[derive(Debug)]
pub(super) enum Shape {
    Wide(Vec<usize>),
    Long { series: Vec<usize>, values: Vec<usize> },
}

impl Shape {
    pub(super) fn series(&self) -> &[usize] {
        match self {
            Self::Wide(_) => &[],
            Self::Long { series, .. } => series,
        }
    }

    pub(super) fn values(&self) -> &[usize] {
        match self {
            Self::Wide(values) | Self::Long { values, .. } => values,
        }
    }
}

impl Roles {
    /// The roles that names, types and the command line give.
    pub(super) fn new(
        input: &str,
        columns: &[Column],
        looks: &[Look],
        wanted: &Wanted,
        console: &Console,
    ) -> Result<Self, Failure> {
        let mut names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let role = |option, name: &str, is_fit: fn(Kind) -> bool, what| {
            let index = find(&names, name, option)?;
            let column = columns.get(index).filter(|column| is_fit(column.kind));
            let found = columns.get(index).map_or("", |column| &column.type_name);
            let reason =
                || Failure::usage(format!("{option} {name}: the type of the column is {found}, and no {what}"));
            column.map(|_| index).ok_or_else(reason)
        };
        let some = |option, name: &String, what| role(option, name, |kind| kind != Kind::Other, what);
        let time = wanted.time.as_ref().map(|name| some("--time", name, "time")).transpose()?;
        let series: Vec<usize> =
            wanted.series.iter().map(|name| some("--series", name, "name")).collect::<Result<_, _>>()?;
        let values = wanted.values.iter();
        let mut values = values
            .map(|name| role("--value", name, |kind| matches!(kind, Kind::Number | Kind::Null), "number"))
            .collect::<Result<Vec<usize>, _>>()?;

        make_distinct(&mut names, console);
        let is_free = |index: usize| !series.contains(&index) && !values.contains(&index);
        let time = time.or_else(|| time_of(columns, looks, is_free));
        let numbers = columns.iter().enumerate().filter(|(_, column)| column.kind == Kind::Number);
        if values.is_empty() {
            let data = numbers.filter(|(_, column)| matches!(column.of, Of::Data(_))).map(|(index, _)| index);
            values = data.filter(|index| Some(*index) != time && !series.contains(index)).collect();
            if !series.is_empty() && values.len() > 1 {
                return Err(several_values(values.iter().filter_map(|index| Some(names.get(*index)?.as_str()))));
            }
        }
        if values.is_empty() {
            return Err(no_numbers(input, &names));
        }
        let is_wide = series.is_empty();
        let shape = if is_wide { Shape::Wide(values) } else { Shape::Long { series, values } };
        let time_type = time.and_then(|time| columns.get(time)).map_or(TimeType::Integer, |column| column.time_type);
        let roles = Self { names, time, time_type, shape };
        let conflict = roles.used().find_map(|index| columns.get(index)?.conflict.clone());
        if let Some(conflict) = conflict {
            return Err(Failure::usage(format!("{input}: {conflict}")));
        }
        if wanted.values.is_empty() {
            roles.report_dropped(columns, console);
        }
        if is_wide {
            roles.note_repeats(looks, console);
        }
        Ok(roles)
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The columns that have a role.
    fn used(&self) -> impl Iterator<Item = usize> + '_ {
        self.shape.values().iter().copied().chain(self.shape.series().iter().copied()).chain(self.time)
    }

    /// Reports the columns that nobody would expect to be left out by looking at a table of numbers.
    fn report_dropped(&self, columns: &[Column], console: &Console) {
        /// Most columns that are named.
        const MOST: usize = 20;
        let used: HashSet<usize> = self.used().collect();
        let is_dropped = |(index, column): &(usize, &Column)| {
            matches!(column.of, Of::Data(_)) && column.kind != Kind::Text && !used.contains(index)
        };
        let dropped = columns.iter().enumerate().filter(is_dropped);
        let mut dropped = dropped.map(|(index, column)| format!("{} ({})", self.name(index), column.type_name));
        let mut list: Vec<String> = dropped.by_ref().take(MOST).collect();
        let more = dropped.count();
        if more > 0 {
            list.push(format!("and {more} more"));
        }
        if !list.is_empty() {
            console.dropped(format_args!("left out: {}", list.join(", ")));
        }
    }

    /// Notes which columns may name the series of a long table.
    fn note_repeats(&self, looks: &[Look], console: &Console) {
        /// Most columns that are named.
        const MOST: usize = 3;
        let is_value = |index: &usize| self.shape.values().contains(index);
        let repeated = looks.iter().enumerate().filter(|(index, look)| look.repeats.is_some() && !is_value(index));
        let repeated = repeated.filter_map(|(index, look)| Some((self.name(index), look.repeats?)));
        for (name, count) in repeated.take(MOST) {
            let values = if count == 1 { "one value".to_owned() } else { format!("{count} values") };
            console.note(format!("{name:?} repeats {values}: --series {name}?"));
        }
    }
}

/// The column that is the time where nothing is said, among those that are free.
fn time_of(columns: &[Column], looks: &[Look], is_free: impl Fn(usize) -> bool) -> Option<usize> {
    let free =
        || columns.iter().enumerate().filter(|(index, column)| is_free(*index) && !matches!(column.of, Of::Key(_)));
    let first = |is_fit: &dyn Fn(&(usize, &Column)) -> bool| free().find(is_fit).map(|(index, _)| index);
    let is_time = |column: &Column| column.kind == Kind::Time;
    let is_moment = |index: usize| looks.get(index).is_some_and(|look| look.is_moment);
    let is_called = |index: usize, column: &Column| {
        let reads = match column.kind {
            Kind::Time | Kind::Number => true,
            Kind::Text => is_moment(index),
            Kind::Bytes | Kind::Null | Kind::Other => false,
        };
        says_time(&column.name) == Some(Says::Time) && reads
    };
    first(&|(_, column)| matches!(column.of, Of::Index(_)) && is_time(column))
        // A day says less than anything else that is called time.
        .or_else(|| first(&|(index, column)| is_called(*index, column) && column.time_type != TimeType::Date))
        .or_else(|| first(&|(index, column)| is_called(*index, column)))
        .or_else(|| first(&|(_, column)| is_time(column)))
        .or_else(|| first(&|(_, column)| column.kind == Kind::Text))
}
