//! A row that is held back: its time and its samples, to be passed on later.

use crate::samples::{Moment, Time};
use crate::text::moments::Moments;

/// A row on its way.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The line where it begins.
    pub(super) line: u64,
    text: Box<[u8]>,
    is_number: bool,
    moment: Moment,
    /// Its samples, each with the number of its series.
    pub(super) samples: Vec<(usize, f64)>,
    /// What is wrong with cells that should be numbers.
    pub(super) bad: Vec<String>,
}

impl Row {
    /// A row without samples as yet.
    pub(super) fn new(line: u64, time: Time<'_>) -> Self {
        let Time { text, is_number, moment } = time;
        Self { line, text: text.into(), is_number, moment, samples: Vec::new(), bad: Vec::new() }
    }

    /// The time of the row.
    pub(super) fn time(&self) -> Time<'_> {
        Time { text: &self.text, is_number: self.is_number, moment: self.moment }
    }
}

/// The moment of a time in nanoseconds since 1970; none where there is no time, and the reason why one cannot be read.
pub(super) fn moment(moments: &mut Moments, time: Time<'_>) -> Option<Result<i64, String>> {
    match time.moment {
        Moment::Nanoseconds(moment) => Some(Ok(moment)),
        Moment::Text => Some(moments.read(time.text).map_err(|error| error.to_string())),
        Moment::RowNumber => None,
    }
}
