//! The column with the times: what the input had, as far as its type is known.

use crate::samples::TimeType;
use crate::text::dates::{civil, zoned};
use crate::text::time::Unit;
use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder};
use arrow_array::types::{
    ArrowTimestampType, Date32Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{ArrayRef, Date32Array, Int64Array};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;
use std::sync::Arc;

/// Seconds of a day.
const DAY: i64 = 86_400;
const UTC: &str = "UTC";

/// Times on their way into a batch.
pub(super) struct Times {
    time_type: TimeType,
    column: Column,
}

/// The times so far, and that of the present rows.
enum Column {
    Text(StringBuilder, String),
    /// Whole numbers: of days, of units of a timestamp, or as they are.
    Count(Int64Builder, Option<i64>),
    Float(Float64Builder, Option<f64>),
}

impl Times {
    pub(super) fn new(time_type: TimeType) -> Self {
        let column = match time_type {
            TimeType::Text => Column::Text(StringBuilder::new(), String::new()),
            TimeType::Float => Column::Float(Float64Builder::new(), None),
            TimeType::Integer | TimeType::Date | TimeType::Timestamp { .. } => Column::Count(Int64Builder::new(), None),
        };
        Self { time_type, column }
    }

    pub(super) fn data_type(&self) -> DataType {
        match self.time_type {
            TimeType::Text => DataType::Utf8,
            TimeType::Integer => DataType::Int64,
            TimeType::Float => DataType::Float64,
            TimeType::Date => DataType::Date32,
            TimeType::Timestamp { unit, is_utc } => {
                let unit = match unit {
                    Unit::Second => TimeUnit::Second,
                    Unit::Millisecond => TimeUnit::Millisecond,
                    Unit::Microsecond => TimeUnit::Microsecond,
                    Unit::Nanosecond => TimeUnit::Nanosecond,
                };
                DataType::Timestamp(unit, is_utc.then(|| UTC.into()))
            }
        }
    }

    /// Sets the time of the rows that follow.
    pub(super) fn set(&mut self, text: &[u8]) {
        let text = std::str::from_utf8(text).unwrap_or_default();
        match &mut self.column {
            Column::Text(_, present) => text.clone_into(present),
            Column::Count(_, present) => *present = count(self.time_type, text),
            Column::Float(_, present) => *present = text.parse().ok(),
        }
    }

    /// Adds a row.
    pub(super) fn append(&mut self) {
        match &mut self.column {
            Column::Text(rows, present) if present.is_empty() => rows.append_null(),
            Column::Text(rows, present) => rows.append_value(present),
            Column::Count(rows, present) => rows.append_option(*present),
            Column::Float(rows, present) => rows.append_option(*present),
        }
    }

    /// Returns the rows since the last call.
    pub(super) fn finish(&mut self) -> ArrayRef {
        let counts = match &mut self.column {
            Column::Text(rows, _) => return Arc::new(rows.finish()),
            Column::Float(rows, _) => return Arc::new(rows.finish()),
            Column::Count(rows, _) => rows.finish(),
        };
        match self.time_type {
            TimeType::Date => {
                let days: Date32Array = counts.unary_opt::<_, Date32Type>(|days| i32::try_from(days).ok());
                Arc::new(days)
            }
            TimeType::Timestamp { unit, is_utc } => match unit {
                Unit::Second => timestamps::<TimestampSecondType>(&counts, is_utc),
                Unit::Millisecond => timestamps::<TimestampMillisecondType>(&counts, is_utc),
                Unit::Microsecond => timestamps::<TimestampMicrosecondType>(&counts, is_utc),
                Unit::Nanosecond => timestamps::<TimestampNanosecondType>(&counts, is_utc),
            },
            _ => Arc::new(counts),
        }
    }
}

fn timestamps<T: ArrowTimestampType>(counts: &Int64Array, is_utc: bool) -> ArrayRef {
    Arc::new(counts.reinterpret_cast::<T>().with_timezone_opt(is_utc.then_some(UTC)))
}

/// A time as a count of units of its type.
fn count(time_type: TimeType, text: &str) -> Option<i64> {
    let moment = || zoned(text).or_else(|| jiff::tz::TimeZone::UTC.to_timestamp(civil(text)?).ok());
    match time_type {
        TimeType::Text | TimeType::Float => None,
        TimeType::Integer => text.parse().ok(),
        TimeType::Date => Some(moment()?.as_second().div_euclid(DAY)),
        TimeType::Timestamp { unit, .. } => {
            let moment: Timestamp = moment()?;
            match unit {
                Unit::Second => Some(moment.as_second()),
                Unit::Millisecond => Some(moment.as_millisecond()),
                Unit::Microsecond => Some(moment.as_microsecond()),
                Unit::Nanosecond => i64::try_from(moment.as_nanosecond()).ok(),
            }
        }
    }
}
