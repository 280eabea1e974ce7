//! Rows to a Parquet file: the columns of the tidy output, with types.
//!
//! Numbers are `f64`, and null where a CSV has an empty cell; names are a dictionary. The time is what it was in the
//! input, where that has types: a timestamp comes out as a timestamp of the same unit.

mod times;

use super::encode::Batch;
use super::target::Target;
use crate::failure::Failure;
use arrow_array::RecordBatch;
use arrow_array::builder::{BooleanBuilder, Float64Builder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};
use std::sync::Arc;
use times::Times;

/// Rows that are encoded at once.
const ROWS: usize = 8192;
/// Rows of a row group, which stays in memory until it is whole.
const GROUP: usize = 1 << 18;
/// The columns of numbers.
const NUMBERS: [&str; 4] = ["value", "location", "scale", "score"];

/// Encodes rows and writes them to a target.
pub(super) struct Encoder {
    state: State,
    names: Vec<Box<str>>,
}

/// The state of the file. Nothing is written before the first batch, so that an input that cannot be used leaves no
/// output.
enum State {
    Waiting(Target),
    Writing(Box<Columns>, Box<ArrowWriter<Sink>>),
    /// The file could not be begun.
    Broken,
}

/// The target as something to write to, until it is taken out.
struct Sink(Option<Target>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |target| target.writer().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |target| target.writer().flush())
    }
}

impl Encoder {
    pub(super) fn new(target: Target) -> Result<Self, Failure> {
        if target.is_terminal() {
            return Err(Failure::usage(
                "Parquet is nothing to look at: name a file with --output, or choose another --output-format",
            ));
        }
        Ok(Self { state: State::Waiting(target), names: Vec::new() })
    }

    /// Encodes a batch, which is written when its row group is whole.
    pub(super) fn batch(&mut self, batch: &Batch) -> Result<(), Failure> {
        if let (Some(time_type), State::Waiting(_)) = (batch.header, &self.state)
            && let State::Waiting(target) = std::mem::replace(&mut self.state, State::Broken)
        {
            let columns = Columns::new(Times::new(time_type), target.cannot());
            let writer = ArrowWriter::try_new(Sink(Some(target)), columns.schema.clone(), Some(properties()));
            let writer = writer.map_err(|error| columns.failure(error))?;
            self.state = State::Writing(Box::new(columns), Box::new(writer));
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
            columns.series.append_value(self.names.get(row.series).map_or("", |name| name));
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
        Ok(())
    }

    /// Writes the rest and returns the target.
    pub(super) fn finish(self) -> Result<Target, Failure> {
        let target = match self.state {
            State::Waiting(target) => Some(target),
            State::Broken => None,
            State::Writing(mut columns, mut writer) => {
                columns.write(&mut writer)?;
                writer.finish().map_err(|error| columns.failure(error))?;
                writer.inner_mut().0.take()
            }
        };
        target.ok_or_else(|| Failure::failed("the output could not be begun"))
    }
}

/// Rows that are not yet encoded.
struct Columns {
    schema: SchemaRef,
    time: Times,
    series: StringDictionaryBuilder<Int32Type>,
    numbers: [Float64Builder; NUMBERS.len()],
    outlier: BooleanBuilder,
    rows: usize,
    /// The words of an error in writing.
    cannot: String,
}

impl Columns {
    fn new(time: Times, cannot: String) -> Self {
        let series = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let mut fields = vec![Field::new("time", time.data_type(), true), Field::new("series", series, false)];
        fields.extend(NUMBERS.map(|name| Field::new(name, DataType::Float64, true)));
        fields.push(Field::new("outlier", DataType::Boolean, false));
        Self {
            schema: Arc::new(Schema::new(fields)),
            time,
            series: StringDictionaryBuilder::new(),
            numbers: std::array::from_fn(|_| Float64Builder::new()),
            outlier: BooleanBuilder::new(),
            rows: 0,
            cannot,
        }
    }

    /// Hands the rows to the writer.
    fn write(&mut self, writer: &mut ArrowWriter<Sink>) -> Result<(), Failure> {
        self.rows = 0;
        let written = self.take().map_err(ParquetError::from).and_then(|rows| writer.write(&rows));
        written.map_err(|error| self.failure(error))
    }

    fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns = vec![self.time.finish(), Arc::new(self.series.finish())];
        for numbers in &mut self.numbers {
            columns.push(Arc::new(numbers.finish()));
        }
        columns.push(Arc::new(self.outlier.finish()));
        RecordBatch::try_new(self.schema.clone(), columns)
    }

    /// The failure to write, with its cause: a closed pipe is no failure of the program.
    fn failure(&self, error: ParquetError) -> Failure {
        let error = match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(cause) => anyhow::Error::new(*cause),
                Err(cause) => anyhow::anyhow!(cause),
            },
            error => error.into(),
        };
        error.context(self.cannot.clone()).into()
    }
}

/// The encoding of the columns.
fn properties() -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    for name in NUMBERS {
        // Numbers that hardly ever repeat.
        properties = properties.set_column_dictionary_enabled(name.into(), false);
    }
    properties.build()
}
