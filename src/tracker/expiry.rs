//! The limits of a tracker, by idleness and number, and its clock.

use core::time::Duration;

/// The longest that a series may be without a sample before it is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Idle {
    /// A stretch of time, by the times of the samples: those of [`Tracker::update_at`](crate::Tracker::update_at).
    Time(Duration),
    /// A number of samples of other series.
    Samples(u64),
}

/// The answer to a new series when there are as many as there may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Overflow {
    /// The samples of the new series are refused, and counted.
    #[default]
    Refuse,
    /// The series that has been idle the longest makes room.
    Evict,
}

/// The time by which series are idle: that of the samples, for no other clock need agree with them.
///
/// One late sample never sets it back, and one source whose clock is wrong must not make every other series look idle. So
/// a time that is further from the clock than a series may be idle is counted as astray, any other takes one back, and
/// the clock jumps to a time that is astray only when as many have been counted as there are series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Clock {
    /// `None` before the first sample.
    pub(super) now: Option<i64>,
    /// The number of times that were too far away, net of the others.
    pub(super) astray: u64,
}

impl Clock {
    /// Moves the clock on by a sample of this `time`, where there are `series` series that may be idle for `limit`, and
    /// returns the time it shows.
    pub(super) fn tick(&mut self, time: i64, limit: u64, series: u64) -> i64 {
        let now = self.now.unwrap_or(time);
        let next = if time.abs_diff(now) <= limit {
            self.astray = self.astray.saturating_sub(1);
            now.max(time)
        } else if self.astray < series {
            self.astray += 1;
            now
        } else {
            self.astray = 0;
            time
        };
        *self.now.insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_with_a_wrong_clock_moves_nothing() {
        let mut clock = Clock::default();
        for time in 0..1000 {
            for series in 0..10 {
                let wrong = series >= 6;
                let now = clock.tick(if wrong { 1_000_000 + time } else { time }, 50, 10);
                assert!(time == 0 || now <= time, "{now} at {time}");
            }
        }
    }

    #[test]
    fn all_sources_together_move_it_either_way() {
        let mut clock = Clock::default();
        assert_eq!(clock.tick(5_000, 50, 3), 5_000, "the first sample may be wrong");
        let later: Vec<i64> = (0..8).map(|n| clock.tick(100 + n, 50, 3)).collect();
        assert_eq!(later, [5_000, 5_000, 5_000, 103, 104, 105, 106, 107]);
        assert_eq!(clock.tick(60, 50, 3), 107, "late, but not astray");
        let after_a_night: Vec<i64> = (0..5).map(|n| clock.tick(900 + n, 50, 3)).collect();
        assert_eq!(after_a_night, [107, 107, 107, 903, 904]);
    }
}
