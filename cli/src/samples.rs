//! Samples on their way from a reader to a command: their times, their series, and why one is not taken.

use crate::failure::Failure;
use crate::text::moments::{Moments, NotATime, TimeForm};
use crate::text::time::Unit;

/// A command that takes samples of numbered series.
pub(crate) trait Sink {
    /// The name of the time, as soon as it is known.
    fn time_name(&mut self, _: &str) {}
    /// The form of all times, before the first row.
    fn time_form(&mut self, _: &TimeForm) {}
    /// The type of all times, before the first row, where it is known.
    fn time_type(&mut self, _: TimeType) {}
    /// A new series. Series are numbered from 0 in the order of these calls.
    fn series(&mut self, name: &str) -> Result<(), Failure>;
    /// The time of the samples that follow. If it is refused, they are skipped.
    fn row(&mut self, time: Time<'_>) -> Result<(), Refusal>;
    /// A sample of a series; NaN is a missing one.
    fn sample(&mut self, series: usize, value: f64) -> Result<(), Refusal>;
    /// Whether the sink takes [whole rows](Self::samples) of samples.
    fn takes_rows(&self) -> bool {
        false
    }
    /// A sample of each series, in the order of their numbers; NaN is a missing one.
    fn samples(&mut self, _: &[f64]) -> Result<(), Failure> {
        Ok(())
    }
    /// Sends on what has been made so far, before the input is asked for more. Where it may have to be waited for, everything is
    /// out when this returns.
    fn before_read(&mut self, _may_wait: bool) -> Result<(), Failure> {
        Ok(())
    }
}

/// The type of all times of an input, beside their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(not(feature = "parquet"), allow(dead_code))] // only Parquet has types
pub(crate) enum TimeType {
    /// Not known.
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

impl TimeType {
    /// The way in which times of this type are read, in words.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Text => "as text",
            Self::Integer | Self::Float => "as its numbers are",
            Self::Date => "days, taken as UTC",
            Self::Timestamp { is_utc: true, .. } => "timestamps in UTC",
            Self::Timestamp { is_utc: false, .. } => "timestamps without a zone, taken as UTC",
        }
    }
}

/// A time as the input has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time<'a> {
    /// Valid UTF-8.
    pub(crate) text: &'a [u8],
    /// Whether JSON has it as a number.
    pub(crate) is_number: bool,
    /// The meaning of the text.
    pub(crate) moment: Moment,
}

/// The moment of a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The text says it.
    Text,
    /// Nanoseconds since 1970.
    Nanoseconds(i64),
    /// None: the input has no time, and the text is the number of the row.
    RowNumber,
}

impl<'a> Time<'a> {
    /// A time that is text.
    pub(crate) fn text(text: &'a [u8]) -> Self {
        Self { text, is_number: false, moment: Moment::Text }
    }

    /// The moment in nanoseconds since 1970, or why the text is none; `None` where the input has no times.
    #[inline]
    pub(crate) fn read(self, moments: &mut Moments) -> Option<Result<i64, NotATime>> {
        match self.moment {
            Moment::Nanoseconds(moment) => Some(Ok(moment)),
            Moment::Text => Some(moments.read(self.text)),
            Moment::RowNumber => None,
        }
    }

    /// The number of the row, where there is no time.
    pub(crate) fn row_number(number: u64, digits: &'a mut itoa::Buffer) -> Self {
        Self { text: digits.format(number).as_bytes(), is_number: true, moment: Moment::RowNumber }
    }
}

/// The reason why a sink does not take what it is given.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// This row or sample is bad: it is reported, counted and skipped.
    Bad(String),
    /// This sample is older than the last one of its series: it is reported, counted and skipped.
    Late(String),
    /// Nothing more can be taken.
    Stop(Failure),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self::Stop(failure)
    }
}
