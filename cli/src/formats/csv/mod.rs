//! A CSV to samples.

pub(crate) mod layout;
pub(crate) mod rows;

use super::lines::Lines;
use super::names::Names;
use super::{Origin, Source, Wanted, before_read};
use crate::console::Console;
use crate::failure::Failure;
use crate::samples::{Sink, Time};
use crate::text::number;
use crate::text::quote::not_a_number;
use layout::{Column, Kind, Layout, Shape, Time as TimeColumn, no_numbers};
use rows::{Next, Row, Rows};

/// Reads a whole CSV.
pub(super) fn read(
    lines: Lines,
    Origin { name, is_live, .. }: Origin,
    wanted: &Wanted,
    sink: &mut impl Sink,
    report: &mut Console,
) -> Result<(), Failure> {
    let mut rows = Rows::new(lines);
    let first = rows.advance(&mut before_read(is_live, sink, report))?;
    let layout = match first {
        Next::Row => Layout::new(rows.current(), wanted, report)?,
        Next::Broken(why) => return Err(Failure::usage(format!("{name}: line {}: no header: {why}", rows.line()))),
        Next::End => return Err(Source::is_empty(&name)),
    };
    if let TimeColumn::Column(index) = layout.time {
        sink.time_name(layout.name(index));
    }
    let width = layout.names.len();
    let mut table = Table { is_settled: layout.is_settled(), layout, series: Names::default(), count: 0 };

    loop {
        let next = rows.advance(&mut before_read(is_live, sink, report))?;
        match next {
            Next::End => break,
            Next::Broken(why) => {
                report.rows += 1;
                report.bad_row(rows.line(), why)?;
            }
            Next::Row => {
                report.rows += 1;
                let row = rows.current();
                let (line, len) = (row.line, row.len());
                if len == width {
                    table.row(row, sink, report)?;
                } else if rows.is_several_lines() {
                    // Quotes that join lines into a row of the wrong shape are more likely stray than meant.
                    rows.keep_first_line();
                    report.bad_row(line, "a quote is opened and closed in the wrong place")?;
                } else {
                    report.bad_row(line, format_args!("{len} fields, where the header has {width}"))?;
                }
            }
        }
    }
    if report.rows > 0 && !table.layout.has_values() {
        return Err(no_numbers(&name, &table.layout.names));
    }
    Ok(())
}

/// A table on its way.
struct Table {
    layout: Layout,
    is_settled: bool,
    /// The series of a long table.
    series: Names,
    /// How many series a wide table has.
    count: usize,
}

impl Table {
    /// One row that has a field for every column.
    #[inline]
    fn row(&mut self, row: Row<'_>, sink: &mut impl Sink, report: &mut Console) -> Result<(), Failure> {
        if !self.is_settled {
            if !self.layout.settle(row, &mut |name| sink.time_name(name), report)? {
                return report.bad_row(row.line, "no column holds a number");
            }
            self.is_settled = self.layout.is_settled();
        }
        match &mut self.layout.shape {
            Shape::Wide(columns) => {
                if !set_time(&self.layout.time, row, sink, report)? {
                    return Ok(());
                }
                let mut cells = Cells { names: &self.layout.names, row, sink, report };
                columns.iter_mut().try_for_each(|column| cells.wide(column, &mut self.count))
            }
            Shape::Long { series, values } => {
                let (name, names) = (row.field(*series), &self.layout.names);
                if name.is_empty() {
                    return report.bad_row(row.line, "the series has no name");
                }
                // A bad value in the only column of values spoils the row, and makes no series.
                if let [value] = values[..] {
                    let cell = row.field(value);
                    let Some(number) = number::parse(cell) else {
                        return report.bad_row(row.line, not_a_number(&names[value], cell));
                    };
                    let position = self.series.position(name, sink, &[value], names)?;
                    if !set_time(&self.layout.time, row, sink, report)? {
                        return Ok(());
                    }
                    return report.took_sample(row.line, &names[value], sink.sample(position, number));
                }
                let position = self.series.position(name, sink, values, names)?;
                if !set_time(&self.layout.time, row, sink, report)? {
                    return Ok(());
                }
                let mut cells = Cells { names, row, sink, report };
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
    report: &'a mut Console,
}

impl<S: Sink> Cells<'_, S> {
    /// The cell of a wide table's column.
    #[inline]
    fn wide(&mut self, column: &mut Column, count: &mut usize) -> Result<(), Failure> {
        if matches!(column.kind, Kind::Suspect { .. }) {
            return Ok(());
        }
        let position = if let Some(position) = column.series {
            position
        } else {
            self.sink.series(&self.names[column.index])?;
            *count += 1;
            *column.series.insert(*count - 1)
        };
        self.sample(column.index, position)
    }

    /// One cell that should be a number.
    #[inline]
    fn sample(&mut self, column: usize, series: usize) -> Result<(), Failure> {
        let cell = self.row.field(column);
        let (line, name) = (self.row.line, &self.names[column]);
        match number::parse(cell) {
            Some(number) => self.report.took_sample(line, name, self.sink.sample(series, number)),
            None => self.report.bad_cell(line, name, cell),
        }
    }
}

/// Tells the sink when the samples of this row were taken. False if it does not want them.
#[inline]
fn set_time(time: &TimeColumn, row: Row<'_>, sink: &mut impl Sink, report: &mut Console) -> Result<bool, Failure> {
    let result = match time {
        TimeColumn::Column(index) => sink.row(Time { text: row.field(*index), is_number: false, is_row_number: false }),
        _ => sink.row(Time::row_number(report.rows, &mut itoa::Buffer::new())),
    };
    report.took_row(row.line, result)
}
