//! A column of a batch as numbers, or a cell of it as text.
//!
//! Numbers are converted as reading their text would: to the nearest `f64`. Moments are written as RFC 3339, those of UTC
//! with a `Z` and those of nobody knows which zone without an offset, so that they are read as what they were.

use crate::samples::TimeType;
use crate::text::number;
use crate::text::time::Unit;
use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Float16Type, Float32Type, Float64Type,
    Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_schema::{DataType, TimeUnit};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::{Display, Write};

/// The use that a column may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    /// Timestamps and dates.
    Time,
    Text,
    /// Text perhaps, where an option says so: some writers do not mark it.
    Bytes,
    /// Nothing.
    Other,
}

impl Kind {
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Timestamp(..) | DataType::Date32 => Self::Time,
            DataType::Utf8 => Self::Text,
            DataType::Binary => Self::Bytes,
            number if number.is_integer() || number.is_floating() => Self::Number,
            DataType::Decimal128(..) | DataType::Decimal256(..) => Self::Number,
            _ => Self::Other,
        }
    }

    /// The type of times in a column of this type.
    pub(super) fn time_type(data_type: &DataType) -> TimeType {
        match data_type {
            DataType::Timestamp(unit, zone) => TimeType::Timestamp { unit: unit_of(*unit), is_utc: zone.is_some() },
            DataType::Date32 => TimeType::Date,
            DataType::UInt64 => TimeType::Text,
            number if number.is_integer() => TimeType::Integer,
            number if number.is_floating() => TimeType::Float,
            _ => TimeType::Text,
        }
    }
}

fn unit_of(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Second => Unit::Second,
        TimeUnit::Millisecond => Unit::Millisecond,
        TimeUnit::Microsecond => Unit::Microsecond,
        TimeUnit::Nanosecond => Unit::Nanosecond,
    }
}

/// The numbers of a column, NaN where one is missing; `None` if it holds none.
pub(super) fn numbers(array: &dyn Array) -> Option<Vec<f64>> {
    match array.data_type() {
        DataType::Int8 => converted::<Int8Type>(array, f64::from),
        DataType::Int16 => converted::<Int16Type>(array, f64::from),
        DataType::Int32 => converted::<Int32Type>(array, f64::from),
        DataType::Int64 => converted::<Int64Type>(array, |number| number as f64),
        DataType::UInt8 => converted::<UInt8Type>(array, f64::from),
        DataType::UInt16 => converted::<UInt16Type>(array, f64::from),
        DataType::UInt32 => converted::<UInt32Type>(array, f64::from),
        DataType::UInt64 => converted::<UInt64Type>(array, |number| number as f64),
        DataType::Float16 => converted::<Float16Type>(array, f64::from),
        DataType::Float32 => converted::<Float32Type>(array, f64::from),
        DataType::Float64 => converted::<Float64Type>(array, |number| number),
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array),
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array),
        _ => None,
    }
}

fn converted<T: ArrowPrimitiveType>(array: &dyn Array, to: impl Fn(T::Native) -> f64) -> Option<Vec<f64>> {
    let array = array.as_primitive_opt::<T>()?;
    Some(if array.null_count() == 0 {
        array.values().iter().map(|&number| to(number)).collect()
    } else {
        array.iter().map(|number| number.map_or(f64::NAN, &to)).collect()
    })
}

/// Decimals by way of their digits, which is slow and exact.
fn decimals<T: DecimalType>(array: &dyn Array) -> Option<Vec<f64>> {
    let array = array.as_primitive_opt::<T>()?;
    let number = |row| {
        let digits = if array.is_valid(row) { array.value_as_string(row) } else { String::new() };
        number::parse(digits.as_bytes()).unwrap_or(f64::NAN)
    };
    Some((0..array.len()).map(number).collect())
}

/// Writes a cell as text, nothing where it is missing.
pub(super) fn text(array: &dyn Array, row: usize, room: &mut String) -> Result<(), String> {
    room.clear();
    if array.is_null(row) {
        return Ok(());
    }
    match array.data_type() {
        DataType::Utf8 => room.push_str(array.as_string_opt::<i32>().map_or("", |array| array.value(row))),
        DataType::Binary => {
            let bytes = array.as_binary_opt::<i32>().map_or(&b""[..], |array| array.value(row));
            room.push_str(std::str::from_utf8(bytes).map_err(|_| "the cell is not UTF-8".to_owned())?);
        }
        DataType::Int8 => write(room, cell::<Int8Type>(array, row)),
        DataType::Int16 => write(room, cell::<Int16Type>(array, row)),
        DataType::Int32 => write(room, cell::<Int32Type>(array, row)),
        DataType::Int64 => write(room, cell::<Int64Type>(array, row)),
        DataType::UInt8 => write(room, cell::<UInt8Type>(array, row)),
        DataType::UInt16 => write(room, cell::<UInt16Type>(array, row)),
        DataType::UInt32 => write(room, cell::<UInt32Type>(array, row)),
        DataType::UInt64 => write(room, cell::<UInt64Type>(array, row)),
        DataType::Decimal128(..) => write(room, decimal::<Decimal128Type>(array, row)),
        DataType::Decimal256(..) => write(room, decimal::<Decimal256Type>(array, row)),
        DataType::Float16 => write_float(room, cell::<Float16Type>(array, row)),
        DataType::Float32 => write_float(room, cell::<Float32Type>(array, row)),
        DataType::Float64 => write_float(room, cell::<Float64Type>(array, row)),
        DataType::Timestamp(unit, zone) => {
            let moment =
                moment(array, row, *unit).ok_or("the timestamp is out of range: it has no year of four digits")?;
            if zone.is_some() {
                write(room, Some(moment));
            } else {
                write(room, Some(TimeZone::UTC.to_datetime(moment)));
            }
        }
        DataType::Date32 => {
            let days = cell::<Date32Type>(array, row).map_or(0, i64::from);
            let moment = Timestamp::from_second(days * 86_400);
            let moment = moment.map_err(|_| "the date is out of range: it has no year of four digits")?;
            write(room, Some(TimeZone::UTC.to_datetime(moment).date()));
        }
        other => return Err(format!("the cell is {other}, and no text")),
    }
    Ok(())
}

fn cell<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> Option<T::Native> {
    array.as_primitive_opt::<T>().map(|array| array.value(row))
}

fn decimal<T: DecimalType>(array: &dyn Array, row: usize) -> Option<String> {
    array.as_primitive_opt::<T>().map(|array| array.value_as_string(row))
}

fn moment(array: &dyn Array, row: usize, unit: TimeUnit) -> Option<Timestamp> {
    match unit {
        TimeUnit::Second => Timestamp::from_second(cell::<TimestampSecondType>(array, row)?),
        TimeUnit::Millisecond => Timestamp::from_millisecond(cell::<TimestampMillisecondType>(array, row)?),
        TimeUnit::Microsecond => Timestamp::from_microsecond(cell::<TimestampMicrosecondType>(array, row)?),
        TimeUnit::Nanosecond => Timestamp::from_nanosecond(cell::<TimestampNanosecondType>(array, row)?.into()),
    }
    .ok()
}

fn write(room: &mut String, shown: Option<impl Display>) {
    // Writing to a string cannot fail.
    let _ = shown.map(|shown| write!(room, "{shown}"));
}

fn write_float(room: &mut String, number: Option<impl Into<f64>>) {
    room.push_str(number::csv(number.map_or(f64::NAN, Into::into), &mut zmij::Buffer::new()));
}
