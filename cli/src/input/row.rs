//! A row that is held back: its time and its samples, to be passed on later.

use crate::samples::{Moment, Time};

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
