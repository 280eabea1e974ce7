//! Samples on their way from a reader to a command: their times, their series, and why one is not taken.

use crate::failure::Failure;
use crate::text::time::Unit;

/// Who wants the samples.
pub(crate) trait Sink {
    /// What the time is called, as soon as that is known.
    fn time_name(&mut self, name: &str);
    /// What the time is, before the first row, where that is known.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
    fn time_type(&mut self, _: TimeType) {}
    /// A new series. Series are numbered from 0 in the order of these calls.
    fn series(&mut self, name: &str) -> Result<(), Failure>;
    /// The time of the samples that follow. Where it is skipped, so are they.
    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal>;
    /// A sample of a series; NaN is a missing one.
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal>;
    /// The input may have to be waited for: what has been made so far should go out.
    fn before_wait(&mut self) -> Result<(), Failure>;
}

/// What all times of an input are, beside their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
pub(crate) enum TimeType {
    /// Nobody knows.
    #[default]
    Text,
    /// A whole number.
    Integer,
    /// Any number.
    Float,
    /// A day.
    Date,
    /// A moment in whole units of time. Without an offset, or in UTC.
    Timestamp { unit: Unit, is_utc: bool },
}

/// A time as the input has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time<'a> {
    /// Valid UTF-8.
    pub(crate) text: &'a [u8],
    /// Whether JSON has it as a number.
    pub(crate) is_number: bool,
    /// Whether the input has no time here, and this is the number of the row.
    pub(crate) is_row_number: bool,
}

impl<'a> Time<'a> {
    /// The number of the row, where there is no time.
    pub(crate) fn row_number(number: u64, digits: &'a mut itoa::Buffer) -> Self {
        Self { text: digits.format(number).as_bytes(), is_number: true, is_row_number: true }
    }
}

/// Why a sink does not take what it is given.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This row or sample is bad: it is told, counted and skipped.
    Skip(String),
    /// There is nothing to be done.
    Stop(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Stop(failure)
    }
}
