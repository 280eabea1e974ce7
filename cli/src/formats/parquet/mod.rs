//! A Parquet file to samples: the rules of a CSV, with types where a CSV has only text.
//!
//! Only the columns that are needed are read, a batch of rows at a time, so that memory grows neither with the length of the
//! file nor with what else is in it.
//!
//! | file | what it does |
//! |---|---|
//! | `roles.rs` | which column is what |
//! | `cells.rs` | a column of a batch as numbers or as text |
//! | `guard.rs` | the decoder's panics, as errors |

mod cells;
mod guard;
mod roles;

use super::names::Names;
use super::{Origin, Wanted};
use crate::console::Console;
use crate::failure::Failure;
use crate::samples::{Sink, Time, TimeType};
use arrow_array::{ArrayRef, RecordBatch};
use guard::guarded;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use roles::{Roles, Shape};
use std::fmt::Display;
use std::fs::File;

/// So many rows are read at once ...
const ROWS: usize = 8192;
/// ... unless that makes more cells than these.
const CELLS: usize = 1 << 20;

/// An opened file of which only the table of contents has been read.
pub(super) struct Table {
    builder: ParquetRecordBatchReaderBuilder<File>,
    size: u64,
}

impl Table {
    /// Reads what is where.
    pub(super) fn open(file: File, name: &str, size: u64) -> Result<Self, Failure> {
        // What the writer's own types were adds nothing that is wanted here, and would make more kinds of columns.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
            .map_err(|error| Failure::usage(format!("{name} is not a complete Parquet file: {error}")))?;
        Ok(Self { builder, size })
    }

    /// Whether every piece of these columns lies within the file. The decoder takes that for granted.
    fn check_places(&self, columns: &ProjectionMask) -> Result<(), String> {
        let groups = self.builder.metadata().row_groups().iter();
        let pieces = groups.flat_map(|group| group.columns().iter().enumerate());
        for (_, piece) in pieces.filter(|(index, _)| columns.leaf_included(*index)) {
            let start = piece.dictionary_page_offset().unwrap_or(piece.data_page_offset());
            let end = start.checked_add(piece.compressed_size());
            let is_within = |end| u64::try_from(end).is_ok_and(|end| end <= self.size);
            if start < 0 || piece.compressed_size() < 0 || !end.is_some_and(is_within) {
                return Err(format!("column {} reaches beyond the end of the file", piece.column_path()));
            }
        }
        Ok(())
    }
}

/// Reads a whole file.
pub(super) fn read(
    table: Table,
    origin: &Origin,
    wanted: &Wanted,
    sink: &mut impl Sink,
    report: &mut Console,
) -> Result<(), Failure> {
    let name = &origin.name;
    let cannot = |error: &dyn Display| Failure::usage(format!("cannot read {name}: {error}"));
    let roles = Roles::new(name, table.builder.schema(), wanted, report)?;
    let columns = ProjectionMask::roots(table.builder.parquet_schema(), roles.columns());
    table.check_places(&columns).map_err(|error| cannot(&error))?;

    let total = table.builder.metadata().file_metadata().num_rows();
    let batch_size = (CELLS / roles.columns().count().max(1)).clamp(1, ROWS);
    let builder = table.builder.with_projection(columns).with_batch_size(batch_size);
    let mut batches = guarded(|| builder.build()).map_err(|error| cannot(&error))?;

    sink.time_name(roles.time.map_or("row", |time| roles.name(time)));
    sink.time_type(roles.time_type);
    let mut rows = Rows { roles, series: Names::default(), is_announced: false, digits: String::new() };
    while let Some(batch) = guarded(|| batches.next().transpose()).map_err(|error| cannot(&error))? {
        rows.batch(&batch, sink, report)?;
        let share = report.rows as f64 / total.max(1) as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a size
        report.progress((origin.size.unwrap_or(0) as f64 * share) as u64);
    }
    Ok(())
}

/// Rows on their way.
struct Rows {
    roles: Roles,
    /// The series of a long table.
    series: Names,
    /// The sink knows the series of a wide table.
    is_announced: bool,
    /// Room for the text of a cell.
    digits: String,
}

/// The columns of a batch.
struct Columns {
    time: Option<ArrayRef>,
    series: Option<ArrayRef>,
    /// NaN is missing.
    values: Vec<Vec<f64>>,
}

impl Rows {
    fn batch(&mut self, batch: &RecordBatch, sink: &mut impl Sink, report: &mut Console) -> Result<(), Failure> {
        let Some(columns) = self.columns(batch) else {
            return Err(Failure::failed("the Parquet decoder has left out a column"));
        };
        for row in 0..batch.num_rows() {
            report.rows += 1;
            self.row(&columns, row, sink, report)?;
        }
        Ok(())
    }

    /// What is where in a batch, which has the columns that are read in the order of the file.
    fn columns(&self, batch: &RecordBatch) -> Option<Columns> {
        let place = |index: usize| Some(batch.columns().get(self.roles.place(index)?)?.clone());
        let optional = |index: Option<usize>| match index {
            Some(index) => place(index).map(Some),
            None => Some(None),
        };
        let numbers = |&index: &usize| cells::numbers(place(index)?.as_ref());
        Some(Columns {
            time: optional(self.roles.time)?,
            series: optional(self.roles.shape.series())?,
            values: self.roles.shape.values().iter().map(numbers).collect::<Option<_>>()?,
        })
    }

    #[inline]
    fn row(
        &mut self,
        columns: &Columns,
        row: usize,
        sink: &mut impl Sink,
        report: &mut Console,
    ) -> Result<(), Failure> {
        let (number, Roles { names, shape, .. }) = (report.rows, &self.roles);
        let first = match shape {
            Shape::Wide(_) => 0,
            Shape::Long { values, .. } => {
                let name = columns.series.as_deref().map(|series| cells::text(series, row, &mut self.digits));
                let name = match name.unwrap_or(Ok("")) {
                    Ok("") => return report.bad_row(number, "the series has no name"),
                    Ok(name) => name,
                    Err(why) => return report.bad_row(number, why),
                };
                self.series.position(name.as_bytes(), sink, values, names)? * values.len()
            }
        };
        if !self.set_time(columns, row, sink, report)? {
            return Ok(());
        }
        let Roles { names, shape, .. } = &self.roles;
        if let (Shape::Wide(values), false) = (shape, self.is_announced) {
            values.iter().filter_map(|&value| names.get(value)).try_for_each(|name| sink.series(name))?;
            self.is_announced = true;
        }
        for (offset, (value, cells)) in shape.values().iter().zip(&columns.values).enumerate() {
            let taken = sink.sample(first + offset, cells.get(row).copied().unwrap_or(f64::NAN));
            report.took_sample(number, names.get(*value).map_or("", String::as_str), taken)?;
        }
        Ok(())
    }

    /// Tells the sink when the samples of this row were taken. False if it does not want them.
    #[inline]
    fn set_time(
        &mut self,
        columns: &Columns,
        row: usize,
        sink: &mut impl Sink,
        report: &mut Console,
    ) -> Result<bool, Failure> {
        let number = report.rows;
        let result = match &columns.time {
            None => sink.row(Time::row_number(number, &mut itoa::Buffer::new())),
            Some(time) => match cells::text(time, row, &mut self.digits) {
                Err(why) => return report.bad_row(number, why).map(|()| false),
                Ok(text) => {
                    let is_numeric = matches!(self.roles.time_type, TimeType::Integer | TimeType::Float);
                    // Infinities are no numbers in JSON.
                    let is_number = is_numeric && text.ends_with(|last: char| last.is_ascii_digit());
                    sink.row(Time { text: text.as_bytes(), is_number, is_row_number: false })
                }
            },
        };
        report.took_row(number, result)
    }
}
