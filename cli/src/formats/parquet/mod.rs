//! Parquet: the rules of a CSV, with types where a CSV has only text.
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

use super::lines::Span;
use super::reader::{Client, Input, Next, Reader, Use};
use super::record::{Record, Series, Value, When};
use crate::failure::Failure;
use crate::samples::TimeType;
use arrow_array::{ArrayRef, RecordBatch};
use guard::guarded;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::ParquetMetaData;
use roles::{Roles, Shape};
use std::borrow::Cow;
use std::fmt::Display;

/// Most rows that are read at once ...
const ROWS: usize = 8192;
/// ... unless that makes more cells than these.
const CELLS: usize = 1 << 20;

/// The reader of a Parquet file.
pub(crate) struct Parquet {
    input: Input,
    size: u64,
    /// Read when the file is opened, and used with the first record.
    builder: Option<ParquetRecordBatchReaderBuilder<std::fs::File>>,
    table: Option<Table>,
}

/// A file in the course of reading.
struct Table {
    roles: Roles,
    batches: ParquetRecordBatchReader,
    /// Rows of the whole file.
    total: u64,
    batch: Columns,
    /// The present row of the batch, and of the file, from 1.
    row: usize,
    number: u64,
    /// Text of the cells with the time and with the name of the series.
    time: String,
    series: String,
}

/// The columns of a batch.
#[derive(Default)]
struct Columns {
    rows: usize,
    time: Option<ArrayRef>,
    series: Option<ArrayRef>,
    /// The numbers of each column; NaN is missing.
    values: Vec<Vec<f64>>,
}

impl Reader for Parquet {
    type Record<'a> = Row<'a>;

    const ENDINGS: &'static [&'static str] = &["parquet"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm];
    const IS_STREAMED: bool = false;

    /// A Parquet file begins with its mark, and then the first field of a header, which no text has.
    fn looks_like(first: &[u8]) -> bool {
        first.starts_with(b"PAR1\x15")
    }

    fn open(mut input: Input) -> Result<Self, Failure> {
        let name = &input.name;
        let Some((file, size)) = input.file.take() else {
            return Err(Failure::usage(format!(
                "{name}: Parquet cannot be read from a pipe, because what is where stands at its end: name a file"
            )));
        };
        // What the writer's own types were adds nothing that is wanted here, and would make more kinds of columns.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
            .map_err(|error| Failure::usage(format!("{name} is not a complete Parquet file: {error}")))?;
        Ok(Self { input, size, builder: Some(builder), table: None })
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Row<'_>>, Failure> {
        if let Some(builder) = self.builder.take() {
            self.table = Some(self.start(builder, client)?);
        }
        let Some(table) = &mut self.table else { return Ok(Next::End) };
        table.row += 1;
        while table.row >= table.batch.rows {
            let share = table.number as f64 / table.total.max(1) as f64;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a share of a size
            client.console().progress((self.size as f64 * share) as u64);
            let batch = guarded(|| table.batches.next().transpose());
            let Some(batch) = batch.map_err(|error| cannot(&self.input.name, &error))? else { return Ok(Next::End) };
            table.batch = Columns::of(&batch, &table.roles)
                .ok_or_else(|| Failure::failed("the Parquet decoder has left out a column"))?;
            table.row = 0;
        }
        table.number += 1;
        let lines = Span { line: table.number, count: 1, raw: b"" };
        Ok(match table.read_texts() {
            Ok(()) => Next::Record(Row { table, lines }),
            Err(why) => Next::Broken(lines, why),
        })
    }

    fn check_end(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

impl Parquet {
    fn start(
        &self,
        builder: ParquetRecordBatchReaderBuilder<std::fs::File>,
        client: &mut impl Client,
    ) -> Result<Table, Failure> {
        let Input { name, options, .. } = &self.input;
        let roles = Roles::new(name, builder.schema(), &options.wanted, client.console())?;
        let columns = ProjectionMask::roots(builder.parquet_schema(), roles.columns());
        check_places(builder.metadata(), &columns, self.size).map_err(|error| cannot(name, &error))?;

        let total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let batch_size = (CELLS / roles.columns().count().max(1)).clamp(1, ROWS);
        let builder = builder.with_projection(columns).with_batch_size(batch_size);
        let batches = guarded(|| builder.build()).map_err(|error| cannot(name, &error))?;

        client.time_name(roles.time.map_or("row", |time| roles.name(time)));
        client.time_type(roles.time_type);
        let batch = Columns::default();
        Ok(Table { roles, batches, total, batch, row: 0, number: 0, time: String::new(), series: String::new() })
    }
}

fn cannot(name: &str, error: &dyn Display) -> Failure {
    Failure::usage(format!("cannot read {name}: {error}"))
}

/// Checks that every piece of these columns lies within the file. The decoder takes that for granted.
fn check_places(metadata: &ParquetMetaData, columns: &ProjectionMask, size: u64) -> Result<(), String> {
    let groups = metadata.row_groups().iter();
    let pieces = groups.flat_map(|group| group.columns().iter().enumerate());
    for (_, piece) in pieces.filter(|(index, _)| columns.leaf_included(*index)) {
        let start = piece.dictionary_page_offset().unwrap_or(piece.data_page_offset());
        let end = start.checked_add(piece.compressed_size());
        let is_within = |end| u64::try_from(end).is_ok_and(|end| end <= size);
        if start < 0 || piece.compressed_size() < 0 || !end.is_some_and(is_within) {
            return Err(format!("column {} reaches beyond the end of the file", piece.column_path()));
        }
    }
    Ok(())
}

impl Columns {
    /// The columns of a batch, which has those that are read in the order of the file.
    fn of(batch: &RecordBatch, roles: &Roles) -> Option<Self> {
        let place = |index: usize| Some(batch.columns().get(roles.place(index)?)?.clone());
        let optional = |index: Option<usize>| match index {
            Some(index) => place(index).map(Some),
            None => Some(None),
        };
        let numbers = |&index: &usize| cells::numbers(place(index)?.as_ref());
        Some(Self {
            rows: batch.num_rows(),
            time: optional(roles.time)?,
            series: optional(roles.shape.series())?,
            values: roles.shape.values().iter().map(numbers).collect::<Option<_>>()?,
        })
    }
}

impl Table {
    /// Writes down the text of the cells with the time and with the name of the series.
    #[inline]
    fn read_texts(&mut self) -> Result<(), String> {
        let Self { batch, row, time, series, .. } = self;
        if let Some(cells) = batch.series.as_deref() {
            cells::text(cells, *row, series)?;
        }
        if let Some(cells) = batch.time.as_deref() {
            cells::text(cells, *row, time)?;
        }
        Ok(())
    }
}

/// One row.
pub(crate) struct Row<'a> {
    table: &'a Table,
    lines: Span<'a>,
}

impl Record for Row<'_> {
    const IS_ROW: bool = true;

    fn span(&self) -> Span<'_> {
        self.lines
    }

    #[inline]
    fn time(&self) -> When<'_> {
        let Table { roles, time, .. } = self.table;
        if roles.time.is_none() {
            return When::Nowhere;
        }
        let is_numeric = matches!(roles.time_type, TimeType::Integer | TimeType::Float);
        // Infinities are no numbers in JSON.
        let is_number = is_numeric && time.ends_with(|last: char| last.is_ascii_digit());
        When::Cell { text: time.as_bytes(), is_number }
    }

    #[inline]
    fn series(&self) -> Series<'_> {
        match (&self.table.roles.shape, self.table.series.as_bytes()) {
            (Shape::Wide(_), _) => Series::Each,
            (Shape::Long { .. }, b"") => Series::Unnamed("the series has no name".to_owned()),
            (Shape::Long { .. }, name) => Series::Named(Cow::Borrowed(name)),
        }
    }

    fn len(&self) -> usize {
        self.table.batch.values.len()
    }

    fn name(&self, cell: usize) -> &str {
        let Roles { shape, .. } = &self.table.roles;
        shape.values().get(cell).map_or("", |value| self.table.roles.name(*value))
    }

    fn is_number(&self, cell: usize) -> bool {
        cell < self.len()
    }

    #[inline]
    fn value(&self, cell: usize) -> Value<'_> {
        let number = self.table.batch.values.get(cell).and_then(|values| values.get(self.table.row));
        number.map_or(Value::Absent, |number| Value::Number(*number))
    }

    fn split(&self) -> (&[u8], &[u8]) {
        (b"", b"")
    }

    const EQUALS: &'static str = "";

    fn write_key(&self, _: usize, _: &mut Vec<u8>) {}
}
