//! The tables of `InfluxDB` 2: a value in each row, and columns that name its series.
//!
//! The series is called as in the line protocol, `cpu,host=web1 usage`: the measurement, the tags in order, the field.

use super::rows::Row;

/// Columns that say nothing of the series.
const OTHERS: [&str; 8] = ["", "result", "table", "_start", "_stop", "_time", "_value", "_field"];

/// The columns that name the series of a row.
#[derive(Debug)]
pub(super) struct Flux {
    measurement: Option<usize>,
    field: Option<usize>,
    /// The tags by name, each with its column.
    tags: Vec<(String, usize)>,
}

impl Flux {
    /// The names of the columns with the time and with the value.
    pub(super) const TIME: &'static str = "_time";
    pub(super) const VALUE: &'static str = "_value";

    /// The columns of a table, if it is one of `InfluxDB` 2.
    pub(super) fn of(names: &[String]) -> Option<Self> {
        let place = |name: &str| names.iter().position(|other| other == name);
        let (measurement, field) = (place("_measurement"), place("_field"));
        place(Self::TIME).and(place(Self::VALUE)).and(measurement.or(field))?;
        let is_tag = |(_, name): &(usize, &String)| !OTHERS.contains(&name.as_str()) && *name != "_measurement";
        let mut tags: Vec<(String, usize)> =
            names.iter().enumerate().filter(is_tag).map(|(index, name)| (name.clone(), index)).collect();
        tags.sort();
        Some(Self { measurement, field, tags })
    }

    /// Whether a row is a header, that of a further table.
    pub(super) fn is_header(row: Row<'_>) -> bool {
        let has = |name: &str| (0..row.len()).any(|index| row.field(index) == name.as_bytes());
        has(Self::TIME) && has(Self::VALUE)
    }

    /// The name of the series of a row.
    pub(super) fn name(&self, row: Row<'_>) -> String {
        let mut name = String::new();
        escape(&mut name, self.measurement.map_or("", |index| row.text(index)));
        for (tag, index) in &self.tags {
            let value = row.text(*index);
            if !value.is_empty() {
                name.push(',');
                escape(&mut name, tag);
                name.push('=');
                escape(&mut name, value);
            }
        }
        name.push(' ');
        escape(&mut name, self.field.map_or(Self::VALUE, |index| row.text(index)));
        name
    }
}

/// Adds a name, escaped as in the line protocol.
fn escape(out: &mut String, name: &str) {
    for letter in name.chars() {
        if matches!(letter, ' ' | ',' | '=') {
            out.push('\\');
        }
        out.push(letter);
    }
}
