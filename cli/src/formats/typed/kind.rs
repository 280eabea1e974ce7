//! What the type of a column makes of it.

use crate::samples::TimeType;
use crate::text::time::Unit;
use arrow_schema::{DataType, TimeUnit};

/// The use that a column may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers, and durations in seconds.
    Number,
    /// Timestamps and dates.
    Time,
    Text,
    /// Text perhaps, where an option says so: some writers do not mark it.
    Bytes,
    /// No value at all, of any type.
    Null,
    /// Nothing.
    Other,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Self::Time,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Bytes,
            DataType::Null => Self::Null,
            DataType::Duration(_)
            | DataType::Decimal32(..)
            | DataType::Decimal64(..)
            | DataType::Decimal128(..)
            | DataType::Decimal256(..) => Self::Number,
            // The cells of a dictionary are those that it names.
            DataType::Dictionary(_, cells) if !matches!(**cells, DataType::Dictionary(..)) => Self::of(cells),
            number if number.is_integer() || number.is_floating() => Self::Number,
            _ => Self::Other,
        }
    }
}

/// The type of times in a column of this type.
pub(super) fn time_type(data_type: &DataType) -> TimeType {
    match data_type {
        DataType::Timestamp(unit, zone) => TimeType::Timestamp { unit: unit_of(*unit), is_utc: zone.is_some() },
        DataType::Date32 | DataType::Date64 => TimeType::Date,
        DataType::Duration(_) => TimeType::Float,
        DataType::Dictionary(_, cells) => time_type(cells),
        DataType::UInt64 => TimeType::Text,
        number if number.is_integer() => TimeType::Integer,
        number if number.is_floating() => TimeType::Float,
        _ => TimeType::Text,
    }
}

/// The type of times of which some are of one type and some of the other; `None` where they are not to be compared.
pub(super) fn common_time_type(one: TimeType, other: TimeType) -> Option<TimeType> {
    match (one, other) {
        (TimeType::Timestamp { unit, is_utc }, TimeType::Timestamp { unit: other_unit, is_utc: other_is_utc })
            if is_utc == other_is_utc =>
        {
            let finer = if unit.nanoseconds() <= other_unit.nanoseconds() { unit } else { other_unit };
            Some(TimeType::Timestamp { unit: finer, is_utc })
        }
        (TimeType::Integer, TimeType::Float) | (TimeType::Float, TimeType::Integer) => Some(TimeType::Float),
        (one, other) => (one == other).then_some(one),
    }
}

pub(super) fn unit_of(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Second => Unit::Second,
        TimeUnit::Millisecond => Unit::Millisecond,
        TimeUnit::Microsecond => Unit::Microsecond,
        TimeUnit::Nanosecond => Unit::Nanosecond,
    }
}

/// The name of a type in messages; of a nested one, without what is in it.
pub(super) fn name(data_type: &DataType) -> String {
    match data_type {
        DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => {
            "List".to_owned()
        }
        DataType::FixedSizeList(_, length) => format!("List of {length}"),
        DataType::Struct(_) => "Struct".to_owned(),
        DataType::Map(..) => "Map".to_owned(),
        DataType::Union(..) => "Union".to_owned(),
        DataType::RunEndEncoded(..) => "RunEndEncoded".to_owned(),
        other => other.to_string(),
    }
}
