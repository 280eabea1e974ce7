//! Parquet: a table with types, of which only the columns that are needed are read.
//!
//! | file | what it does |
//! |---|---|
//! | `footer.rs` | what a file says of itself, also where writers say it in an odd way |
//! | `hints.rs` | types that Parquet itself does not have: durations, and timestamps of old |
//! | `places.rs` | that columns lie within their file |

mod footer;
mod hints;
mod places;

use super::reader::{Client, Input, Next, Reader, Use};
use super::typed::{Bytes, PEEK, Piece, Row, Table, pandas, rows_at_once};
use crate::failure::Failure;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use places::check_places;
use std::fs::File;

/// The reader of Parquet.
pub(crate) struct Parquet(Table);

impl Reader for Parquet {
    type Record<'a> = Row<'a>;

    const ENDINGS: &'static [&'static str] = &["parquet"];
    const USES: &'static [Use] = &[Use::Columns, Use::TimeForm];
    const IS_STREAMED: bool = false;
    const IS_TYPED: bool = true;

    /// A Parquet file begins with its mark, and then the first field of a header, which no text has.
    fn looks_like(first: &[u8]) -> bool {
        first.starts_with(b"PAR1\x15")
    }

    fn open(input: Input) -> Result<Self, Failure> {
        Table::open(input, open).map(Self)
    }

    fn next(&mut self, client: &mut impl Client) -> Result<Next<'_, Row<'_>>, Failure> {
        self.0.next(client)
    }

    fn check_end(&self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

fn open(bytes: Bytes) -> Result<Box<dyn Piece>, String> {
    let Bytes::File(file, size) = bytes else {
        return Err(
            ": Parquet cannot be read from a pipe, because what is where stands at its end: name a file".to_owned()
        );
    };
    let metadata = footer::load(&file).map_err(|error| format!(" is not a complete Parquet file: {error}"))?;
    let metadata = hints::with_hints(metadata, &file, size);
    let notes = metadata.metadata().file_metadata().key_value_metadata();
    let pandas = notes.and_then(|notes| notes.iter().find(|note| note.key == pandas::KEY)?.value.clone());
    Ok(Box::new(Leaves { file, size, metadata, pandas, batches: None, rows: 0 }))
}

/// A file of which columns are read.
struct Leaves {
    file: File,
    size: u64,
    metadata: ArrowReaderMetadata,
    pandas: Option<String>,
    batches: Option<ParquetRecordBatchReader>,
    /// Rows that have been read.
    rows: u64,
}

impl Piece for Leaves {
    fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    fn pandas(&self) -> Option<&str> {
        self.pandas.as_deref()
    }

    fn peek(&mut self, columns: &[usize]) -> Result<Option<RecordBatch>, String> {
        let batches =
            builder(&self.file, self.size, &self.metadata, columns)?.with_batch_size(PEEK).with_limit(PEEK).build();
        batches.map_err(|error| error.to_string())?.next().transpose().map_err(|error| error.to_string())
    }

    fn start(&mut self, columns: &[usize]) -> Result<(), String> {
        let builder = builder(&self.file, self.size, &self.metadata, columns)?;
        let batches = builder.with_batch_size(rows_at_once(columns.len())).build();
        self.batches = Some(batches.map_err(|error| error.to_string())?);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, String> {
        let batch = self.batches.as_mut().and_then(Iterator::next).transpose().map_err(|error| error.to_string())?;
        self.rows += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        Ok(batch)
    }

    fn share(&self) -> f64 {
        let all = self.metadata.metadata().file_metadata().num_rows().max(1);
        (self.rows as f64 / all as f64).min(1.0)
    }
}

/// A reader of these columns of a file.
fn builder(
    file: &File,
    size: u64,
    metadata: &ArrowReaderMetadata,
    columns: &[usize],
) -> Result<ParquetRecordBatchReaderBuilder<File>, String> {
    let columns = ProjectionMask::roots(metadata.parquet_schema(), columns.iter().copied());
    check_places(metadata.metadata(), &columns, size)?;
    let file = file.try_clone().map_err(|error| error.to_string())?;
    Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone()).with_projection(columns))
}
