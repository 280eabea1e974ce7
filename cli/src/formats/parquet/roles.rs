//! The roles of the columns of a Parquet file: from the command line, or by their types.
//!
//! Where nothing is said, the numbers are the values and the first column of timestamps or dates is the time; where there is
//! none, the first one of text, as in a CSV. Columns of anything else, nested ones among them, are not read.

use super::cells::Kind;
use crate::console::Console;
use crate::failure::Failure;
use crate::formats::columns::{
    Wanted, find, is_called_time, make_distinct, no_numbers, note_time_is_series, several_values,
};
use crate::samples::TimeType;
use arrow_schema::Schema;

/// The roles of the columns of a file, by their numbers.
#[derive(Debug)]
pub(super) struct Roles {
    /// The names of all columns.
    pub(super) names: Vec<String>,
    /// The column with the time; none where rows are numbered.
    pub(super) time: Option<usize>,
    pub(super) time_type: TimeType,
    pub(super) shape: Shape,
    /// The columns that have a role, in the order of the file.
    read: Vec<usize>,
}

#[derive(Debug)]
pub(super) enum Shape {
    Wide(Vec<usize>),
    Long { series: usize, values: Vec<usize> },
}

impl Shape {
    pub(super) fn series(&self) -> Option<usize> {
        match self {
            Self::Wide(_) => None,
            Self::Long { series, .. } => Some(*series),
        }
    }

    pub(super) fn values(&self) -> &[usize] {
        match self {
            Self::Wide(values) | Self::Long { values, .. } => values,
        }
    }
}

impl Roles {
    /// The roles that types and command line give.
    pub(super) fn new(input: &str, schema: &Schema, wanted: &Wanted, report: &Console) -> Result<Self, Failure> {
        let fields = schema.fields();
        let mut names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
        let kinds: Vec<Kind> = fields.iter().map(|field| Kind::of(field.data_type())).collect();
        let column = |option, name: &str, is_fit: fn(Kind) -> bool, what| {
            let index = find(&names, name, option)?;
            let is_fit = kinds.get(index).copied().is_some_and(is_fit);
            let found = fields.get(index).map(|field| field.data_type().to_string()).unwrap_or_default();
            let reason =
                || Failure::usage(format!("{option} {name}: the type of the column is {found}, and no {what}"));
            if is_fit { Ok(index) } else { Err(reason()) }
        };
        let optional = |option, name: Option<&String>, what| {
            name.map(|name| column(option, name, |kind| kind != Kind::Other, what)).transpose()
        };
        let time = optional("--time", wanted.time.as_ref(), "time")?;
        let series = optional("--series", wanted.series.first(), "name")?;
        let values = wanted.values.iter();
        let mut values = values
            .map(|name| column("--value", name, |kind| kind == Kind::Number, "number"))
            .collect::<Result<Vec<usize>, _>>()?;

        make_distinct(&mut names, report);
        let name = |index: &usize| names.get(*index).map_or("", String::as_str);
        let free: Vec<usize> =
            (0..names.len()).filter(|index| Some(*index) != series && !values.contains(index)).collect();
        let first = |wanted: Kind| free.iter().copied().find(|&index| kinds.get(index) == Some(&wanted));
        let numbers = || free.iter().copied().filter(|&index| kinds.get(index) == Some(&Kind::Number));
        let mut time = time.or_else(|| first(Kind::Time)).or_else(|| first(Kind::Text));
        if values.is_empty() {
            values = numbers().filter(|index| Some(*index) != time).collect();
            if series.is_some() && values.len() > 1 {
                return Err(several_values(values.iter().map(name)));
            }
            if let Some(index) = values.iter().find(|index| time.is_none() && is_called_time(name(index))) {
                note_time_is_series(name(index), report);
            }
        } else {
            // Where the values are named, the name of another column is the best hint there is.
            time = time.or_else(|| numbers().find(|index| is_called_time(name(index))));
        }
        if values.is_empty() {
            return Err(no_numbers(input, &names));
        }
        let shape = match series {
            Some(series) => Shape::Long { series, values },
            None => Shape::Wide(values),
        };
        let mut read: Vec<usize> = shape.values().iter().copied().chain(series).chain(time).collect();
        read.sort_unstable();
        let time_type = time.and_then(|time| fields.get(time));
        let time_type = time_type.map_or(TimeType::Integer, |field| Kind::time_type(field.data_type()));
        Ok(Self { names, time, time_type, shape, read })
    }

    /// The name of a column.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The columns that are to be read.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> + '_ {
        self.read.iter().copied()
    }

    /// The place of a column among those that are read.
    pub(super) fn place(&self, index: usize) -> Option<usize> {
        self.read.binary_search(&index).ok()
    }
}
