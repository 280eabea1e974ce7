//! Counters to their rates per second.
//!
//! What falls has been reset, as Prometheus' `rate()` has it: the new value is the increase. The first sample of a series has no
//! rate, and neither has one at the time of the one before; what the counter has risen by then counts in the next rate.

use crate::engine::too_old;
use crate::failure::Failure;
use crate::samples::{Refusal, Time};
use crate::text::moments::Moments;

/// The series that are followed by their rates.
#[derive(Debug)]
pub(super) struct Rates {
    /// The names of series or columns that the command line asks for, and whether there was such a one.
    asked: Vec<(String, bool)>,
    /// The names of series that have been found to be counters.
    found: Vec<String>,
    /// Whether what the format says is a counter is followed by its rate.
    takes_declared: bool,
    moments: Moments,
    /// The time of the present row; the error has the words for one that cannot be read, where there is one.
    now: Result<i64, Option<String>>,
    /// Each series: none that is followed as it is.
    series: Vec<Option<Counter>>,
    /// The names of series that are followed by their rates.
    names: Vec<String>,
}

/// A counter.
#[derive(Clone, Copy, Debug, Default)]
struct Counter {
    /// The time of the last sample that had one of its own, and the value of the last.
    last: Option<(i64, f64)>,
    /// The increase since that time.
    increase: f64,
}

impl Rates {
    pub(super) fn new(asked: &[String], found: Vec<String>, takes_declared: bool, moments: Moments) -> Self {
        let asked = asked.iter().map(|name| (name.clone(), false)).collect();
        let (series, names) = (Vec::new(), Vec::new());
        Self { asked, found, takes_declared, moments, now: Err(None), series, names }
    }

    /// Adds a series, whose values are in this column.
    pub(super) fn add(&mut self, name: &str, column: &str, is_declared: bool) {
        let mut is_counter = self.takes_declared && is_declared || self.found.iter().any(|found| found == name);
        for (asked, is_there) in &mut self.asked {
            if asked == name || asked == column {
                (is_counter, *is_there) = (true, true);
            }
        }
        self.series.push(is_counter.then(Counter::default));
        if is_counter {
            self.names.push(name.to_owned());
        }
    }

    /// Sets the time of the samples that follow.
    pub(super) fn set_time(&mut self, time: Time<'_>) {
        let read = time.read(&mut self.moments);
        self.now = read.map_or(Err(None), |moment| moment.map_err(|error| Some(error.to_string())));
    }

    /// The rate of a counter; the value itself of what is none.
    pub(super) fn rate(&mut self, series: usize, value: f64) -> Result<f64, Refusal> {
        let Some(Some(counter)) = self.series.get_mut(series) else { return Ok(value) };
        let now = match &self.now {
            Ok(now) => *now,
            Err(Some(why)) => return Err(Refusal::Bad(why.clone())),
            Err(None) => {
                let needed = "a rate per second needs a column with the time: name it with --time";
                return Err(Failure::usage(needed).into());
            }
        };
        if !value.is_finite() {
            return Ok(f64::NAN);
        }
        let Some((then, before)) = counter.last else {
            counter.last = Some((now, value));
            return Ok(f64::NAN);
        };
        if now < then {
            return Err(Refusal::Late(too_old(now, then)));
        }
        counter.increase += if value < before { value } else { value - before };
        if now == then {
            counter.last = Some((then, value));
            return Ok(f64::NAN);
        }
        let rate = counter.increase / (now.abs_diff(then) as f64 / 1e9);
        *counter = Counter { last: Some((now, value)), increase: 0.0 };
        Ok(rate)
    }

    /// The names of series that are followed by their rates.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// Checks, at the end, that everything that the command line asks for was there.
    pub(super) fn check_end(&self) -> Result<(), Failure> {
        match self.asked.iter().find(|(_, is_there)| !is_there) {
            Some((name, _)) => Err(Failure::usage(format!("--rate {name}: there is no such column or series"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of a counter at these times, in seconds.
    fn rates(samples: &[(&str, f64)]) -> Vec<Option<f64>> {
        let mut rates = Rates::new(&["c".to_owned()], Vec::new(), false, Moments::default());
        rates.add("c", "c", false);
        let rate = |(time, value): &(&str, f64)| {
            rates.set_time(Time::text(time.as_bytes()));
            rates.rate(0, *value).ok()
        };
        samples.iter().map(rate).map(|rate| rate.filter(|rate| !rate.is_nan())).collect()
    }

    #[test]
    fn resets_missing_samples_and_equal_times() {
        assert_eq!(rates(&[("0", 5.0), ("10", 25.0), ("30", 25.0)]), [None, Some(2.0), Some(0.0)]);
        // From 25 to a reset and on to 10 in five seconds.
        assert_eq!(rates(&[("0", 25.0), ("5", 10.0), ("10", 20.0)]), [None, Some(2.0), Some(2.0)]);
        assert_eq!(rates(&[("0", 1.0), ("1", f64::NAN), ("2", f64::INFINITY), ("4", 9.0)])[3], Some(2.0));
        // Nothing of what a counter does within one moment is lost: 4, then a reset and 3, then 3.
        assert_eq!(rates(&[("0", 1.0), ("0", 5.0), ("0", 3.0), ("2", 6.0)]), [None, None, None, Some(5.0)]);
        assert_eq!(rates(&[("10", 1.0), ("5", 2.0), ("11", 3.0)]), [None, None, Some(2.0)]);
    }
}
