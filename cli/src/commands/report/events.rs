//! The moments of a series that are worth a line: the largest outliers and the last re-openings, and no more than that.

use crate::text::quote::shortened;
use std::cmp::Ordering;
use std::collections::VecDeque;

/// Most events of a kind.
pub(super) const MOST_EVENTS: usize = 20;
/// Most letters of a time.
const MOST_LETTERS: usize = 64;

/// A sample and what was made of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Event {
    /// The number of the row, from 1.
    pub(super) row: u64,
    pub(super) time: String,
    pub(super) value: f64,
    pub(super) score: f64,
    /// The location after it.
    pub(super) location: f64,
}

impl Event {
    pub(super) fn new(row: u64, time: &[u8], value: f64, score: f64, location: f64) -> Self {
        Self { row, time: shortened(&String::from_utf8_lossy(time), MOST_LETTERS), value, score, location }
    }

    /// Compares by the size of the score; of equals the earlier one is the larger.
    fn by_size(&self, other: &Self) -> Ordering {
        self.score.abs().total_cmp(&other.score.abs()).then(other.row.cmp(&self.row))
    }
}

/// The events with the largest scores.
#[derive(Clone, Debug, Default)]
pub(super) struct Largest(Vec<Event>);

impl Largest {
    /// Whether an event of that score is among the largest so far.
    pub(super) fn wants(&self, score: f64) -> bool {
        self.0.len() < MOST_EVENTS || self.0.iter().any(|event| event.score.abs() < score.abs())
    }

    pub(super) fn add(&mut self, event: Event) {
        self.0.push(event);
        if self.0.len() > MOST_EVENTS
            && let Some(least) = (0..self.0.len()).min_by(|&one, &other| self.0[one].by_size(&self.0[other]))
        {
            self.0.remove(least);
        }
    }

    /// The events in the order in which they came.
    pub(super) fn events(&self) -> &[Event] {
        &self.0
    }
}

/// The last events.
#[derive(Clone, Debug, Default)]
pub(super) struct Last(VecDeque<Event>);

impl Last {
    pub(super) fn add(&mut self, event: Event) {
        if self.0.len() == MOST_EVENTS {
            self.0.pop_front();
        }
        self.0.push_back(event);
    }

    /// The events in the order in which they came.
    pub(super) fn events(&self) -> impl ExactSizeIterator<Item = &Event> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(row: u64, score: f64) -> Event {
        Event::new(row, b"T", 1.0, score, 0.0)
    }

    #[test]
    fn the_largest_and_the_last_stay_in_order() {
        let (mut largest, mut last) = (Largest::default(), Last::default());
        // A permutation of 1 to 100, of alternating sign.
        let scores: Vec<f64> =
            (0..100).map(|n| f64::from(n * 37 % 101 + 1) * if n % 2 == 0 { 1.0 } else { -1.0 }).collect();
        for (row, &score) in (1..).zip(&scores) {
            if largest.wants(score) {
                largest.add(event(row, score));
            }
            last.add(event(row, score));
        }
        let mut sizes: Vec<f64> = scores.iter().map(|score| score.abs()).collect();
        sizes.sort_by(|one, other| other.total_cmp(one));
        let mut found: Vec<f64> = largest.events().iter().map(|event| event.score.abs()).collect();
        assert!(largest.events().is_sorted_by_key(|event| event.row));
        found.sort_by(|one, other| other.total_cmp(one));
        assert_eq!(found, sizes[..MOST_EVENTS]);
        assert_eq!(last.events().map(|event| event.row).collect::<Vec<_>>(), (81..=100).collect::<Vec<_>>());
    }

    #[test]
    fn of_equals_the_first_stay() {
        let mut largest = Largest::default();
        for row in 1..=30 {
            largest.add(event(row, f64::INFINITY));
        }
        assert_eq!(largest.events().iter().map(|event| event.row).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
        assert!(!largest.wants(f64::INFINITY) && !largest.wants(3.0));
    }

    #[test]
    fn a_long_time_is_cut() {
        let event = Event::new(1, "\u{e9}".repeat(1000).as_bytes(), 1.0, 1.0, 1.0);
        assert_eq!(event.time.chars().count(), MOST_LETTERS);
    }
}
