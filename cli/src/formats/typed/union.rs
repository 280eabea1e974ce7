//! The columns of a table that lies in several pieces: those of the first, those that only later ones have, and the keys of
//! their folders.

use super::keys::{Key, is_number};
use super::kind::{self, Kind, common_time_type, time_type};
use super::pandas;
use crate::samples::TimeType;
use arrow_schema::{DataType, Schema};
use std::collections::HashMap;

/// A column of the table.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) time_type: TimeType,
    /// The name of its type in messages.
    pub(super) type_name: String,
    pub(super) of: Of,
    /// Why it cannot have a role: in two pieces it is not the same thing.
    pub(super) conflict: Option<String>,
    /// The piece that it is known from.
    origin: String,
}

/// What a column is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// The data: the column of that name in a piece, if there are several the one of this number, from 0.
    Data(usize),
    /// The index of pandas.
    Index(usize),
    /// The folders: the different values in them.
    Key(Vec<String>),
}

/// The place of a column in a piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Column(usize),
    Constant(Option<String>),
}

impl Place {
    /// The column, if it is one.
    pub(super) fn column(&self) -> Option<usize> {
        if let Self::Column(index) = self { Some(*index) } else { None }
    }
}

/// The columns so far.
#[derive(Debug, Default)]
pub(super) struct Union {
    pub(super) columns: Vec<Column>,
    /// The columns of each name, in the order of the pieces.
    by_name: HashMap<String, Vec<usize>>,
    keys: Vec<Column>,
}

impl Union {
    /// Adds the columns of a piece of this name.
    pub(super) fn add(&mut self, piece: &str, schema: &Schema, pandas: Option<&str>, keys: &[Key]) {
        let index = pandas::index_columns(pandas);
        for (name, value) in keys {
            let known = self.keys.iter_mut().find(|key| key.name == *name);
            if let (Some(Column { of: Of::Key(values), .. }), Some(value)) = (known, value) {
                if !values.contains(value) {
                    values.push(value.clone());
                }
            } else if !self.keys.iter().any(|key| key.name == *name) {
                self.keys.push(Column::of_key(name, value.iter().cloned().collect(), piece));
            }
        }
        for (field, number) in numbered(schema) {
            let name = field.name();
            let known = self.by_name.get(name).and_then(|columns| columns.get(number));
            if let Some(column) = known.and_then(|index| self.columns.get_mut(*index)) {
                column.join(field.data_type(), piece);
                continue;
            }
            let is_index = index.contains(name) || pandas::is_nameless_index(name);
            let of = if is_index { Of::Index(number) } else { Of::Data(number) };
            self.by_name.entry(name.clone()).or_default().push(self.columns.len());
            self.columns.push(Column::of_data(name, field.data_type(), of, piece));
        }
    }

    /// All columns. What a folder is called takes the place of a column of that name.
    pub(super) fn finish(self) -> Vec<Column> {
        let Self { columns, keys, .. } = self;
        let is_key = |column: &Column| keys.iter().any(|key| key.name == column.name);
        let mut all: Vec<Column> = columns.into_iter().filter(|column| !is_key(column)).collect();
        all.extend(keys.into_iter().map(Column::settled));
        all
    }
}

impl Column {
    fn of_data(name: &str, data_type: &DataType, of: Of, piece: &str) -> Self {
        let (kind, time_type) = (Kind::of(data_type), time_type(data_type));
        let (name, origin) = (name.to_owned(), piece.to_owned());
        Self { name, kind, time_type, type_name: kind::name(data_type), of, conflict: None, origin }
    }

    fn of_key(name: &str, values: Vec<String>, piece: &str) -> Self {
        Self::of_data(name, &DataType::Utf8, Of::Key(values), piece)
    }

    /// The column of a key of which all values are known.
    fn settled(mut self) -> Self {
        if let Of::Key(values) = &self.of
            && !values.is_empty()
            && values.iter().all(|value| is_number(value))
        {
            (self.kind, self.time_type) = (Kind::Number, TimeType::Integer);
            "Int64".clone_into(&mut self.type_name);
        }
        self
    }

    /// Takes note of the type that the column has in another piece.
    fn join(&mut self, data_type: &DataType, piece: &str) {
        let other = Self::of_data(&self.name, data_type, self.of.clone(), piece);
        if other.kind == Kind::Null || self.conflict.is_some() {
            return;
        }
        if self.kind == Kind::Null {
            let other = Self { of: self.of.clone(), ..other };
            *self = other;
            return;
        }
        let common = common_time_type(self.time_type, other.time_type);
        if self.kind != other.kind || (self.kind == Kind::Time && common.is_none()) {
            self.conflict = Some(format!(
                "column {:?} is {} in {} and {} in {piece}: write it with one type, or name the files of one type only",
                self.name, self.type_name, self.origin, other.type_name
            ));
        }
        self.time_type = common.unwrap_or(TimeType::Text);
    }

    /// The place of the column in a piece with these fields and keys; none where the piece lacks it.
    pub(super) fn place(&self, fields: &Fields, keys: &[Key]) -> Option<Place> {
        match &self.of {
            Of::Data(number) | Of::Index(number) => {
                fields.by_name.get(&(self.name.as_str(), *number)).copied().map(Place::Column)
            }
            Of::Key(_) => {
                let key = keys.iter().find(|(name, _)| *name == self.name);
                key.map(|(_, value)| Place::Constant(value.clone()))
            }
        }
    }
}

/// The fields of a piece by their names, and their numbers among those of one name.
pub(super) struct Fields<'a> {
    by_name: HashMap<(&'a str, usize), usize>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(schema: &'a Schema) -> Self {
        let fields = numbered(schema).enumerate();
        Self { by_name: fields.map(|(index, (field, number))| ((field.name().as_str(), number), index)).collect() }
    }
}

/// The fields, each with the number of those of its name before it.
fn numbered(schema: &Schema) -> impl Iterator<Item = (&arrow_schema::Field, usize)> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    schema.fields().iter().map(move |field| {
        let count = seen.entry(field.name().as_str()).or_default();
        *count += 1;
        (field.as_ref(), *count - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{Field, TimeUnit};

    fn schema(fields: &[(&str, DataType)]) -> Schema {
        Schema::new(
            fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true)).collect::<Vec<_>>(),
        )
    }

    #[test]
    fn pieces_may_differ_in_order_and_lack_columns() {
        let mut union = Union::default();
        let stamp = |unit| DataType::Timestamp(unit, None);
        let one = schema(&[("t", stamp(TimeUnit::Millisecond)), ("a", DataType::Float64), ("n", DataType::Null)]);
        let two = schema(&[
            ("n", DataType::Utf8),
            ("b", DataType::Int8),
            ("a", DataType::Int32),
            ("t", stamp(TimeUnit::Nanosecond)),
        ]);
        let key = |value: &str| vec![("year".to_owned(), Some(value.to_owned()))];
        union.add("one", &one, None, &key("2023"));
        union.add("two", &two, None, &key("2024"));
        let columns = union.finish();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["t", "a", "n", "b", "year"]);
        assert!(columns.iter().all(|column| column.conflict.is_none()));
        assert_eq!(columns[0].time_type, time_type(&stamp(TimeUnit::Nanosecond)));
        assert_eq!((columns[2].kind, columns[4].kind), (Kind::Text, Kind::Number));
        let places = |schema: &Schema| {
            columns.iter().map(|column| column.place(&Fields::of(schema), &key("2024"))).collect::<Vec<_>>()
        };
        let year = Some(Place::Constant(Some("2024".to_owned())));
        let at = |index| Some(Place::Column(index));
        assert_eq!(places(&one), [at(0), at(1), at(2), None, year.clone()]);
        assert_eq!(places(&two), [at(3), at(2), at(0), at(1), year]);
    }

    #[test]
    fn what_is_not_one_thing_is_refused_by_both_names() {
        let mut union = Union::default();
        union.add("one", &schema(&[("a", DataType::Float64)]), None, &[]);
        union.add("two", &schema(&[("a", DataType::Utf8)]), None, &[]);
        let conflict = union.finish().remove(0).conflict.unwrap();
        assert!(conflict.starts_with("column \"a\" is Float64 in one and Utf8 in two"), "{conflict}");
        let mut union = Union::default();
        union.add("one", &schema(&[("a", DataType::Timestamp(TimeUnit::Second, None))]), None, &[]);
        union.add("two", &schema(&[("a", DataType::Timestamp(TimeUnit::Second, Some("UTC".into())))]), None, &[]);
        assert!(union.finish().remove(0).conflict.is_some());
    }

    #[test]
    fn columns_of_one_name_are_told_apart_by_their_number() {
        let mut union = Union::default();
        let twins = schema(&[("a", DataType::Float64), ("a", DataType::Utf8)]);
        union.add("one", &twins, None, &[]);
        let columns = union.finish();
        let places: Vec<_> = columns.iter().map(|column| column.place(&Fields::of(&twins), &[])).collect();
        assert_eq!(places, [Some(Place::Column(0)), Some(Place::Column(1))]);
    }
}
