//! Rows that are held back for a while by their own times, and passed on in the order of these.
//!
//! A row goes on as soon as another has come that is newer by the whole window, so that it is late by no more than that; at the
//! end of the input all go on. Memory is bounded by the rows of one window.

use super::row::Row;
use crate::text::moments::Moments;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::time::Duration;

/// Rows that wait for older ones.
#[derive(Debug)]
pub(super) struct Late {
    /// The window in nanoseconds.
    window: i64,
    moments: Moments,
    waiting: BinaryHeap<Reverse<Waiting>>,
    /// The time of the newest row so far.
    newest: i64,
    /// The number of rows so far.
    count: u64,
    /// The time of the last sample of each series that has gone on.
    last: Vec<i64>,
}

/// A row that waits. Those of one time keep their order.
#[derive(Debug)]
struct Waiting {
    moment: i64,
    number: u64,
    row: Row,
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.moment, self.number).cmp(&(other.moment, other.number))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}

impl Late {
    pub(super) fn new(window: Duration, moments: Moments) -> Self {
        let window = i64::try_from(window.as_nanos()).unwrap_or(i64::MAX);
        let (waiting, last) = (BinaryHeap::new(), Vec::new());
        Self { window, moments, waiting, newest: i64::MIN, count: 0, last }
    }

    /// The window in nanoseconds.
    pub(super) fn window(&self) -> i64 {
        self.window
    }

    /// Takes a row. The error has the words for a time that cannot be read; there is none where rows have no times.
    pub(super) fn push(&mut self, row: Row) -> Result<(), Option<String>> {
        let moment = row.time().read(&mut self.moments).ok_or(None)?.map_err(|error| Some(error.to_string()))?;
        self.newest = self.newest.max(moment);
        self.count += 1;
        self.waiting.push(Reverse(Waiting { moment, number: self.count, row }));
        Ok(())
    }

    /// The next row that need not wait any longer, with its moment; at the end, none need.
    pub(super) fn pop(&mut self, is_end: bool) -> Option<(i64, Row)> {
        let next = self.waiting.peek().map(|Reverse(next)| next.moment)?;
        if !is_end && next > self.newest.saturating_sub(self.window) {
            return None;
        }
        self.waiting.pop().map(|Reverse(Waiting { moment, row, .. })| (moment, row))
    }

    /// Notes that a sample of a series goes on. The error is the time of its last one, which is newer.
    pub(super) fn pass(&mut self, series: usize, moment: i64) -> Result<(), i64> {
        if self.last.len() <= series {
            self.last.resize(series + 1, i64::MIN);
        }
        match self.last.get_mut(series) {
            Some(last) if moment < *last => Err(*last),
            Some(last) => {
                *last = moment;
                Ok(())
            }
            None => Ok(()),
        }
    }
}
