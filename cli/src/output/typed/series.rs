//! The column with the names of series.

use crate::output::format::OutputFormat;
use arrow_array::ArrayRef;
use arrow_array::builder::{StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_schema::DataType;
use std::sync::Arc;

/// Names on their way into a batch.
pub(super) enum Series {
    /// Each name once, and its number in the rows.
    Dictionary(StringDictionaryBuilder<Int32Type>),
    /// Each name in each row. In a file of Arrow a dictionary is the same for all batches, or grows, which not every reader
    /// follows; packed, names that repeat take next to no room.
    Plain(StringBuilder),
}

impl Series {
    pub(super) fn new(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Arrow | OutputFormat::Arrows => Self::Plain(StringBuilder::new()),
            _ => Self::Dictionary(StringDictionaryBuilder::new()),
        }
    }

    pub(super) fn data_type(&self) -> DataType {
        match self {
            Self::Dictionary(_) => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
            Self::Plain(_) => DataType::Utf8,
        }
    }

    /// Adds a row.
    pub(super) fn append(&mut self, name: &str) {
        match self {
            Self::Dictionary(rows) => rows.append_value(name),
            Self::Plain(rows) => rows.append_value(name),
        }
    }

    /// Returns the rows since the last call.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Dictionary(rows) => Arc::new(rows.finish()),
            Self::Plain(rows) => Arc::new(rows.finish()),
        }
    }
}
