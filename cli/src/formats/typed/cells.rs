//! A column of a batch as numbers, or a cell of it as text.
//!
//! Numbers are converted as reading their text would: to the nearest `f64`. Moments are written as RFC 3339, those of UTC
//! with a `Z` and those of nobody knows which zone without an offset, so that they are read as what they were.

use super::kind::unit_of;
use crate::text::number;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use arrow_select::take::take;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::{Display, Write};
use std::sync::Arc;

/// A column whose cells stand where they are: a dictionary's are put there.
pub(super) fn plain(array: &ArrayRef) -> Result<ArrayRef, String> {
    match array.as_any_dictionary_opt() {
        Some(dictionary) => take(dictionary.values(), dictionary.keys(), None).map_err(|error| error.to_string()),
        None => Ok(Arc::clone(array)),
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
        DataType::Decimal32(..) => decimals::<Decimal32Type>(array),
        DataType::Decimal64(..) => decimals::<Decimal64Type>(array),
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array),
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array),
        DataType::Duration(unit) => (0..array.len()).map(|row| seconds(array, row, *unit)).collect(),
        DataType::Null => Some(vec![f64::NAN; array.len()]),
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
        DataType::Binary => bytes(array.as_binary_opt::<i32>().map(|array| array.value(row)), room)?,
        DataType::LargeBinary => bytes(array.as_binary_opt::<i64>().map(|array| array.value(row)), room)?,
        DataType::BinaryView => bytes(array.as_binary_view_opt().map(|array| array.value(row)), room)?,
        DataType::Int8 => write(room, cell::<Int8Type>(array, row)),
        DataType::Int16 => write(room, cell::<Int16Type>(array, row)),
        DataType::Int32 => write(room, cell::<Int32Type>(array, row)),
        DataType::Int64 => write(room, cell::<Int64Type>(array, row)),
        DataType::UInt8 => write(room, cell::<UInt8Type>(array, row)),
        DataType::UInt16 => write(room, cell::<UInt16Type>(array, row)),
        DataType::UInt32 => write(room, cell::<UInt32Type>(array, row)),
        DataType::UInt64 => write(room, cell::<UInt64Type>(array, row)),
        DataType::LargeUtf8 => room.push_str(array.as_string_opt::<i64>().map_or("", |array| array.value(row))),
        DataType::Utf8View => room.push_str(array.as_string_view_opt().map_or("", |array| array.value(row))),
        DataType::Decimal32(..) => write(room, decimal::<Decimal32Type>(array, row)),
        DataType::Decimal64(..) => write(room, decimal::<Decimal64Type>(array, row)),
        DataType::Decimal128(..) => write(room, decimal::<Decimal128Type>(array, row)),
        DataType::Decimal256(..) => write(room, decimal::<Decimal256Type>(array, row)),
        DataType::Float16 => write_float(room, cell::<Float16Type>(array, row)),
        DataType::Float32 => write_float(room, cell::<Float32Type>(array, row)),
        DataType::Float64 => write_float(room, cell::<Float64Type>(array, row)),
        DataType::Timestamp(unit, zone) => {
            let moment = moment(array, row, *unit)
                .ok_or("the timestamp is out of range, which is from the year -9999 to 9999-12-30")?;
            if zone.is_some() {
                write(room, Some(moment));
            } else {
                write(room, Some(TimeZone::UTC.to_datetime(moment)));
            }
        }
        DataType::Date32 => date(cell::<Date32Type>(array, row).map(|days| i64::from(days) * 86_400), room)?,
        DataType::Date64 => date(cell::<Date64Type>(array, row).map(|moment| moment.div_euclid(1000)), room)?,
        // As a time, it is counted in seconds, too.
        DataType::Duration(unit) => write_float(room, seconds(array, row, *unit)),
        DataType::Null => {}
        other => return Err(format!("the cell is {other}, and no text")),
    }
    Ok(())
}

fn bytes(cell: Option<&[u8]>, room: &mut String) -> Result<(), String> {
    room.push_str(std::str::from_utf8(cell.unwrap_or_default()).map_err(|_| "the cell is not UTF-8".to_owned())?);
    Ok(())
}

/// Writes the day of a moment in seconds since 1970.
fn date(moment: Option<i64>, room: &mut String) -> Result<(), String> {
    let moment = Timestamp::from_second(moment.unwrap_or(0));
    let moment = moment.map_err(|_| "the date is out of range, which is from the year -9999 to 9999-12-30")?;
    write(room, Some(TimeZone::UTC.to_datetime(moment).date()));
    Ok(())
}

/// A duration in seconds, NaN where it is missing.
fn seconds(array: &dyn Array, row: usize, unit: TimeUnit) -> Option<f64> {
    let count = match unit {
        TimeUnit::Second => cell::<DurationSecondType>(array, row),
        TimeUnit::Millisecond => cell::<DurationMillisecondType>(array, row),
        TimeUnit::Microsecond => cell::<DurationMicrosecondType>(array, row),
        TimeUnit::Nanosecond => cell::<DurationNanosecondType>(array, row),
    }?;
    Some(if array.is_null(row) { f64::NAN } else { count as f64 / unit_of(unit).per_second() })
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
