//! Types that Parquet itself does not have, or of old: durations and times in seconds, which are only in the schema that Arrow adds
//! to a file, and timestamps of 96 bits, which reach further than nanoseconds do.
//!
//! Everything else is what Parquet says it is. What cannot be read here changes nothing.

use super::places::check_places;
use crate::formats::typed::guarded;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Type;
use std::fs::File;
use std::sync::Arc;

/// Microseconds since 1970 that are nanoseconds of 64 bits, too: from 1677 to 2262.
const LEAST: i64 = i64::MIN / 1000;
const MOST: i64 = i64::MAX / 1000;

/// The metadata with the types that Parquet does not have.
pub(super) fn with_hints(metadata: ArrowReaderMetadata, file: &File, size: u64) -> ArrowReaderMetadata {
    let metadata = hinted(&metadata).and_then(|schema| with_schema(&metadata, schema)).unwrap_or(metadata);
    let far = far_timestamps(&metadata, file, size);
    far.and_then(|schema| with_schema(&metadata, schema)).unwrap_or(metadata)
}

/// The metadata with other types.
fn with_schema(metadata: &ArrowReaderMetadata, schema: Schema) -> Option<ArrowReaderMetadata> {
    let options = ArrowReaderOptions::new().with_schema(Arc::new(schema));
    guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)).ok()
}

/// The schema with the columns as such that Parquet holds as whole numbers and nothing else.
fn hinted(metadata: &ArrowReaderMetadata) -> Option<Schema> {
    let file = metadata.metadata().file_metadata();
    let notes = file.key_value_metadata()?;
    let is_number = |field: &Field| matches!(field.data_type(), DataType::Int32 | DataType::Int64);
    if !metadata.schema().fields().iter().any(|field| is_number(field)) {
        return None;
    }
    let typed = guarded(|| parquet_to_arrow_schema(file.schema_descr(), Some(notes))).ok()?;
    let hint = |index: usize, field: &Field| {
        let typed = typed.fields().get(index).filter(|typed| typed.name() == field.name())?.data_type();
        let is_time = matches!(
            typed,
            DataType::Duration(_)
                | DataType::Timestamp(..)
                | DataType::Date64
                | DataType::Time32(_)
                | DataType::Time64(_)
        );
        (is_number(field) && is_time).then(|| typed.clone())
    };
    retyped(metadata, hint)
}

/// The schema with the timestamps of 96 bits that nanoseconds do not reach in microseconds.
fn far_timestamps(metadata: &ArrowReaderMetadata, file: &File, size: u64) -> Option<Schema> {
    let leaves = metadata.parquet_schema();
    let is_old = |index: usize| {
        let mut of_root = (0..leaves.num_columns()).filter(|leaf| leaves.get_column_root_idx(*leaf) == index);
        let (first, second) = (of_root.next(), of_root.next());
        second.is_none() && first.is_some_and(|leaf| leaves.column(leaf).physical_type() == Type::INT96)
    };
    let in_nanoseconds = DataType::Timestamp(TimeUnit::Nanosecond, None);
    let fields = metadata.schema().fields();
    let old = fields.iter().enumerate().filter(|(index, field)| *field.data_type() == in_nanoseconds && is_old(*index));
    let old: Vec<usize> = old.map(|(index, _)| index).collect();
    if old.is_empty() {
        return None;
    }
    let in_microseconds = DataType::Timestamp(TimeUnit::Microsecond, None);
    let coarse = retyped(metadata, |index, _| old.contains(&index).then(|| in_microseconds.clone()))?;
    let coarse = with_schema(metadata, coarse)?;
    let is_far = |index: usize| guarded(|| reaches_far(&coarse, file, size, index)).unwrap_or(false);
    let far: Vec<usize> = old.into_iter().filter(|index| is_far(*index)).collect();
    retyped(metadata, |index, _| far.contains(&index).then(|| in_microseconds.clone()))
}

/// Whether a column of timestamps in microseconds has one that nanoseconds do not reach.
fn reaches_far(metadata: &ArrowReaderMetadata, file: &File, size: u64, column: usize) -> Result<bool, String> {
    let mask = ProjectionMask::roots(metadata.parquet_schema(), [column]);
    check_places(metadata.metadata(), &mask, size)?;
    let file = file.try_clone().map_err(|error| error.to_string())?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata.clone()).with_projection(mask);
    for batch in builder.build().map_err(|error| error.to_string())? {
        let batch = batch.map_err(|error| error.to_string())?;
        let moments = batch.columns().first().and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        if moments.is_some_and(|moments| moments.iter().flatten().any(|moment| !(LEAST..=MOST).contains(&moment))) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The schema with other types for some fields, where there are any.
fn retyped(metadata: &ArrowReaderMetadata, hint: impl Fn(usize, &Field) -> Option<DataType>) -> Option<Schema> {
    let mut is_any = false;
    let fields = metadata.schema().fields().iter().enumerate().map(|(index, field)| match hint(index, field) {
        Some(data_type) => {
            is_any = true;
            Arc::new(field.as_ref().clone().with_data_type(data_type))
        }
        None => Arc::clone(field),
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    is_any.then_some(schema)
}
