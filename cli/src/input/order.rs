//! Whether the rows of an input come oldest first, as they should, or newest first, as some sites and instruments export them.

use crate::samples::Time;
use crate::text::moments::Moments;

/// Most changes of the time that are looked at ...
const MOST_STEPS: u32 = 15;
/// ... and most rows: those of a long table have one time for many.
const MOST_ROWS: u32 = 10_000;
/// Least falls of the time that mean something.
const LEAST_FALLS: u32 = 2;
/// Falls in a row, from the first change on, that leave no doubt.
const CERTAIN_FALLS: u32 = 3;

/// The order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    OldestFirst,
    NewestFirst,
}

/// A look at the first rows.
#[derive(Debug, Default)]
pub(super) struct Look {
    moments: Moments,
    /// The last time, and the first.
    last: Option<i64>,
    first: Option<i64>,
    falls: u32,
    /// Changes of the time, and times that cannot be read.
    steps: u32,
    rows: u32,
}

impl Look {
    /// A look at rows whose times are read so.
    pub(super) fn new(moments: Moments) -> Self {
        Self { moments, ..Self::default() }
    }

    /// Looks at the time of the next row. Returns the order as soon as it is clear.
    pub(super) fn at(&mut self, time: Time<'_>) -> Option<Order> {
        self.rows += 1;
        match time.read(&mut self.moments) {
            None => return Some(Order::OldestFirst),
            Some(Err(_)) => self.steps += 1,
            Some(Ok(now)) => {
                self.first.get_or_insert(now);
                match self.last.replace(now).map(|last| now.cmp(&last)) {
                    Some(std::cmp::Ordering::Greater) => return Some(Order::OldestFirst),
                    Some(std::cmp::Ordering::Less) => (self.falls, self.steps) = (self.falls + 1, self.steps + 1),
                    Some(std::cmp::Ordering::Equal) | None => {}
                }
            }
        }
        (self.steps >= MOST_STEPS || self.rows >= MOST_ROWS).then(|| self.end())
    }

    /// The order by what has been seen, where there is no more.
    pub(super) fn end(&self) -> Order {
        if self.falls >= LEAST_FALLS { Order::NewestFirst } else { Order::OldestFirst }
    }

    /// Whether the times have fallen so often, and never risen, that they will go on falling, by more than this in nanoseconds.
    pub(super) fn is_certain(&self, tolerance: i64) -> bool {
        let fallen = self.first.zip(self.last).map_or(0, |(first, last)| first.saturating_sub(last));
        self.falls >= CERTAIN_FALLS && self.falls == self.steps && fallen > tolerance
    }

    /// Whether there were times that could be read.
    pub(super) fn has_moments(&self) -> bool {
        self.last.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order of rows with these times, and how many it took to see it.
    fn order(times: &[&str]) -> (Order, usize) {
        let mut look = Look::default();
        let found = times
            .iter()
            .enumerate()
            .find_map(|(index, time)| look.at(Time::text(time.as_bytes())).map(|order| (order, index + 1)));
        found.unwrap_or_else(|| (look.end(), times.len()))
    }

    #[test]
    fn a_single_rise_is_enough_and_two_falls_without_one() {
        assert_eq!(order(&["1", "2", "1", "0"]), (Order::OldestFirst, 2));
        assert_eq!(order(&["3", "2", "1", "4"]), (Order::OldestFirst, 4));
        assert_eq!(order(&["3", "2"]), (Order::OldestFirst, 2));
        assert_eq!(order(&["3", "2", "1"]), (Order::NewestFirst, 3));
        assert_eq!(order(&["3", "3", "2", "2", "1", "1"]), (Order::NewestFirst, 6));
        assert_eq!(order(&["a", "b", "c"]), (Order::OldestFirst, 3));
        assert_eq!(order(&["3", "x", "2", "1"]), (Order::NewestFirst, 4));
        let falling: Vec<String> = (0..100).rev().map(|time| time.to_string()).collect();
        assert_eq!(order(&falling.iter().map(String::as_str).collect::<Vec<_>>()), (Order::NewestFirst, 16));
    }
}
