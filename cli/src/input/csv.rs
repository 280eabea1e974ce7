//! A CSV to samples.

use super::layout::{Column, Kind, Layout, Shape, Time as TimeColumn};
use super::rows::{Row, Rows};
use super::{Sink, Source, Time, Wanted, before_read};
use crate::failure::Failure;
use crate::number;
use crate::report::{Report, not_a_number};
use foldhash::fast::RandomState;
use indexmap::IndexSet;

/// Reads a whole CSV.
pub(super) fn read(source: Source, wanted: &Wanted, sink: &mut impl Sink, report: &mut Report) -> Result<(), Failure> {
    let Source { lines, name, is_live, .. } = source;
    let mut rows = Rows::new(lines);
    let header = rows.next(&mut before_read(is_live, sink, report))?;
    let layout = match header {
        None => return Err(Source::is_empty(&name)),
        Some(Err((line, broken))) => return Err(Failure::usage(format!("{name}: line {line}: no header: {broken}"))),
        Some(Ok(header)) => Layout::new(header, wanted, report)?,
    };
    if let TimeColumn::Column(index) = layout.time {
        sink.time_name(layout.name(index));
    }
    let width = layout.names.len();
    let mut table =
        Table { is_settled: layout.is_settled(), layout, names: IndexSet::default(), expected: 0, series: 0 };

    loop {
        let row = rows.next(&mut before_read(is_live, sink, report))?;
        let Some(row) = row else { break };
        report.rows += 1;
        match row {
            Err((line, broken)) => report.bad_row(line, broken)?,
            Ok(row) if row.len() == width => table.row(row, sink, report)?,
            Ok(row) => {
                // Quotes that join lines into a row of the wrong shape are more likely stray than meant.
                let (line, len, is_several_lines) = (row.line, row.len(), row.is_several_lines);
                if is_several_lines {
                    rows.keep_first_line();
                    report.bad_row(line, "a quote is opened and closed in the wrong place")?;
                } else {
                    report.bad_row(line, format_args!("{len} fields, where the header has {width}"))?;
                }
            }
        }
    }
    if report.rows > 0 && !table.layout.has_values() {
        let columns = super::layout::quoted(table.layout.names.iter().map(String::as_str));
        return Err(Failure::usage(format!("{name}: no column holds numbers; there are {columns}")));
    }
    Ok(())
}

/// A table on its way.
struct Table {
    layout: Layout,
    is_settled: bool,
    /// The names of a long table's series.
    names: IndexSet<Box<[u8]>, RandomState>,
    /// The position of the series that is expected in the next row: most tables name their series in turn.
    expected: usize,
    /// How many series there are.
    series: usize,
}

impl Table {
    /// One row that has a field for every column.
    #[inline]
    fn row(&mut self, row: Row<'_>, sink: &mut impl Sink, report: &mut Report) -> Result<(), Failure> {
        if !self.is_settled {
            if !self.layout.settle(row, sink, report)? {
                return report.bad_row(row.line, "no column holds a number");
            }
            self.is_settled = self.layout.is_settled();
        }
        match &mut self.layout.shape {
            Shape::Wide(columns) => {
                set_time(&self.layout.time, row, sink, report.rows)?;
                let mut cells = Cells { names: &self.layout.names, row, sink, report };
                columns.iter_mut().try_for_each(|column| cells.wide(column, &mut self.series))
            }
            Shape::Long { series, values } => {
                let name = row.field(*series);
                if name.is_empty() {
                    return report.bad_row(row.line, "the series has no name");
                }
                // A bad value in the only column of values spoils the row, and makes no series.
                let only = if let [value] = values[..] {
                    let cell = row.field(value);
                    let Some(number) = number::parse(cell) else {
                        return report.bad_row(row.line, not_a_number(&self.layout.names[value], cell));
                    };
                    Some(number)
                } else {
                    None
                };
                let is_expected = self.names.get_index(self.expected).is_some_and(|expected| **expected == *name);
                let known = if is_expected { Some(self.expected) } else { self.names.get_index_of(name) };
                let position = match known {
                    Some(position) => position,
                    None => {
                        let text = row.text(*series);
                        for value in values.iter() {
                            match only {
                                Some(_) => sink.series(text)?,
                                None => sink.series(&format!("{text}.{}", self.layout.names[*value]))?,
                            }
                        }
                        self.names.insert_full(name.into()).0
                    }
                };
                self.expected = if position + 1 < self.names.len() { position + 1 } else { 0 };
                set_time(&self.layout.time, row, sink, report.rows)?;
                if let Some(number) = only {
                    return sink.sample(position, number);
                }
                let mut cells = Cells { names: &self.layout.names, row, sink, report };
                let first = position * values.len();
                values.iter().enumerate().try_for_each(|(offset, &value)| cells.sample(value, first + offset))
            }
            Shape::LongUnknown { .. } => Ok(()),
        }
    }
}

/// The cells of one row on their way to the sink.
struct Cells<'a, S> {
    names: &'a [String],
    row: Row<'a>,
    sink: &'a mut S,
    report: &'a mut Report,
}

impl<S: Sink> Cells<'_, S> {
    /// The cell of a wide table's column.
    #[inline]
    fn wide(&mut self, column: &mut Column, series: &mut usize) -> Result<(), Failure> {
        if matches!(column.kind, Kind::Suspect { .. }) {
            return Ok(());
        }
        let position = match column.series {
            Some(position) => position,
            None => {
                self.sink.series(&self.names[column.index])?;
                *series += 1;
                *column.series.insert(*series - 1)
            }
        };
        self.sample(column.index, position)
    }

    /// One cell that should be a number.
    #[inline]
    fn sample(&mut self, column: usize, series: usize) -> Result<(), Failure> {
        let cell = self.row.field(column);
        match number::parse(cell) {
            Some(number) => self.sink.sample(series, number),
            None => self.report.bad_cell(self.row.line, &self.names[column], cell),
        }
    }
}

/// Tells the sink when the samples of this row were taken.
#[inline]
fn set_time(time: &TimeColumn, row: Row<'_>, sink: &mut impl Sink, row_number: u64) -> Result<(), Failure> {
    match time {
        TimeColumn::Column(index) => sink.row(Time { text: row.field(*index), is_number: false }),
        _ => sink.row(Time { text: itoa::Buffer::new().format(row_number).as_bytes(), is_number: true }),
    }
}
