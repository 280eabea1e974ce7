//! Batches to the bytes of a format, and those to a target.

use crate::output::format::OutputFormat;
use crate::output::target::Target;
use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use arrow_schema::{ArrowError, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use std::io::{self, Write};

/// Rows of a row group, which stays in memory until it is whole.
const GROUP: usize = 1 << 18;

/// A writer of a format.
pub(super) enum Writer {
    Parquet(Box<ArrowWriter<Sink>>),
    File(Box<FileWriter<Sink>>),
    Stream(Box<StreamWriter<Sink>>),
}

/// The target as something to write to, until it is taken out.
pub(super) struct Sink(Option<Target>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Ok(0), |target| target.writer().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), |target| target.writer().flush())
    }
}

impl Writer {
    /// Begins to write a table, of which some columns are numbers that hardly ever repeat.
    pub(super) fn new(
        format: OutputFormat,
        target: Target,
        schema: &SchemaRef,
        numbers: &[&str],
    ) -> Result<Self, anyhow::Error> {
        let sink = Sink(Some(target));
        let packed = || IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD));
        Ok(match format {
            OutputFormat::Arrow => Self::File(Box::new(
                packed()
                    .and_then(|options| FileWriter::try_new_with_options(sink, schema, options))
                    .map_err(of_arrow)?,
            )),
            OutputFormat::Arrows => Self::Stream(Box::new(
                packed()
                    .and_then(|options| StreamWriter::try_new_with_options(sink, schema, options))
                    .map_err(of_arrow)?,
            )),
            _ => {
                let writer = ArrowWriter::try_new(sink, schema.clone(), Some(properties(numbers)));
                Self::Parquet(Box::new(writer.map_err(of_parquet)?))
            }
        })
    }

    /// Writes rows, of Parquet when their row group is whole.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), anyhow::Error> {
        match self {
            Self::Parquet(writer) => writer.write(rows).map_err(of_parquet),
            Self::File(writer) => writer.write(rows).map_err(of_arrow),
            Self::Stream(writer) => writer.write(rows).and_then(|()| writer.flush()).map_err(of_arrow),
        }
    }

    /// Writes the rest and returns the target.
    pub(super) fn finish(&mut self) -> Result<Option<Target>, anyhow::Error> {
        Ok(match self {
            Self::Parquet(writer) => {
                writer.finish().map_err(of_parquet)?;
                writer.inner_mut().0.take()
            }
            Self::File(writer) => {
                writer.finish().map_err(of_arrow)?;
                writer.get_mut().0.take()
            }
            Self::Stream(writer) => {
                writer.finish().map_err(of_arrow)?;
                writer.get_mut().0.take()
            }
        })
    }
}

/// An error of Parquet with its cause: a closed pipe is no failure of the program.
fn of_parquet(error: ParquetError) -> anyhow::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => anyhow::Error::new(*cause),
            Err(cause) => anyhow::anyhow!(cause),
        },
        error => error.into(),
    }
}

/// An error of Arrow with its cause, as [`of_parquet`] has it.
fn of_arrow(error: ArrowError) -> anyhow::Error {
    match error {
        ArrowError::IoError(_, cause) => cause.into(),
        error => error.into(),
    }
}

/// The encoding of the columns of Parquet.
fn properties(numbers: &[&str]) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_compression(Compression::ZSTD(ZstdLevel::default()));
    for name in numbers {
        // Such numbers need no dictionary.
        properties = properties.set_column_dictionary_enabled((*name).into(), false);
    }
    properties.build()
}
