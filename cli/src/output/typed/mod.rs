//! Rows to Parquet or Arrow: the columns of the tidy output, with types.
//!
//! Numbers are `f64`, and null where a CSV has an empty cell. The time is what it was in the input, where that has types: a
//! timestamp comes out as a timestamp of the same unit.
//!
//! | file | what it does |
//! |---|---|
//! | `writer.rs` | batches to the bytes of a format |
//! | `series.rs`, `times.rs` | the columns with the names of series, and with the times |

mod series;
mod times;
mod writer;

use super::encode::Batch;
use super::format::OutputFormat;
use super::target::Target;
use crate::failure::Failure;
use arrow_array::RecordBatch;
use arrow_array::builder::{BooleanBuilder, Float64Builder};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use series::Series;
use std::sync::Arc;
use times::Times;
use writer::Writer;

/// Rows that are encoded at once.
const ROWS: usize = 8192;
/// The columns of numbers.
const NUMBERS: [&str; 4] = ["value", "location", "scale", "score"];

/// Encodes rows and writes them to a target.
pub(super) struct Encoder {
    format: OutputFormat,
    state: State,
    names: Vec<Box<str>>,
}

/// The state of the file. Nothing is written before the first batch, so that an input that cannot be used leaves no
/// output.
enum State {
    Waiting(Target),
    Writing(Box<Columns>, Writer),
    /// The file could not be begun.
    Broken,
}

impl Encoder {
    pub(super) fn new(format: OutputFormat, target: Target) -> Result<Self, Failure> {
        if target.is_terminal() {
            let name = if format == OutputFormat::Parquet { "Parquet" } else { "Arrow" };
            return Err(Failure::usage(format!(
                "{name} is nothing to look at: name a file with --output, or choose another --output-format"
            )));
        }
        Ok(Self { format, state: State::Waiting(target), names: Vec::new() })
    }

    /// Encodes a batch, which is written when there are enough rows.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        if let (Some(time_type), State::Waiting(_)) = (batch.header, &self.state)
            && let State::Waiting(target) = std::mem::replace(&mut self.state, State::Broken)
        {
            let columns = Columns::new(Times::new(time_type), Series::new(self.format), target.cannot());
            let writer = Writer::new(self.format, target, &columns.schema, &NUMBERS);
            let writer = writer.map_err(|error| columns.failure(error))?;
            self.state = State::Writing(Box::new(columns), writer);
        }
        self.names.extend(batch.names.iter().map(|name| name.as_str().into()));
        let State::Writing(columns, writer) = &mut self.state else { return Ok(()) };
        let mut present = None;
        for row in &batch.rows {
            if present != Some(row.time) {
                present = Some(row.time);
                columns.time.set(batch.times.get(row.time).0);
            }
            columns.time.append();
            columns.series.append(self.names.get(row.series).map_or("", |name| name));
            let numbers = [row.value, row.seen.location, row.seen.scale, row.seen.score];
            for (column, number) in columns.numbers.iter_mut().zip(numbers) {
                column.append_option((!number.is_nan()).then_some(number));
            }
            columns.outlier.append_value(row.seen.outlier);
            columns.rows += 1;
            if columns.rows == ROWS {
                columns.write(writer)?;
            }
        }
        // A stream is read as it is written.
        if batch.flush && self.format == OutputFormat::Arrows {
            columns.write(writer)?;
        }
        Ok(())
    }

    /// Writes the rest and returns the target.
    pub(super) fn finish(self) -> Result<Target, Failure> {
        let target = match self.state {
            State::Waiting(target) => Some(target),
            State::Broken => None,
            State::Writing(mut columns, mut writer) => {
                columns.write(&mut writer)?;
                writer.finish().map_err(|error| columns.failure(error))?
            }
        };
        target.ok_or_else(|| Failure::failed("the output could not be begun"))
    }
}

/// Rows that are not yet encoded.
struct Columns {
    schema: SchemaRef,
    time: Times,
    series: Series,
    numbers: [Float64Builder; NUMBERS.len()],
    outlier: BooleanBuilder,
    rows: usize,
    /// The words of an error in writing.
    cannot: String,
}

impl Columns {
    fn new(time: Times, series: Series, cannot: String) -> Self {
        let mut fields =
            vec![Field::new("time", time.data_type(), true), Field::new("series", series.data_type(), false)];
        fields.extend(NUMBERS.map(|name| Field::new(name, DataType::Float64, true)));
        fields.push(Field::new("outlier", DataType::Boolean, false));
        Self {
            schema: Arc::new(Schema::new(fields)),
            time,
            series,
            numbers: std::array::from_fn(|_| Float64Builder::new()),
            outlier: BooleanBuilder::new(),
            rows: 0,
            cannot,
        }
    }

    /// Hands the rows to the writer.
    fn write(&mut self, writer: &mut Writer) -> Result<(), Failure> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let written = self.take().map_err(anyhow::Error::from).and_then(|rows| writer.write(&rows));
        written.map_err(|error| self.failure(error))
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![self.time.finish(), self.series.finish()];
        for numbers in &mut self.numbers {
            columns.push(Arc::new(numbers.finish()));
        }
        columns.push(Arc::new(self.outlier.finish()));
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    fn failure(&self, error: anyhow::Error) -> Failure {
        error.context(self.cannot.clone()).into()
    }
}
