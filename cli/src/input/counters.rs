//! Series that look like counters: they rise most of the time and never fall but to nearly nothing, when they are reset.
//!
//! A location says little of a counter; what is meant is its rate. What rises by the same at each step is an index or a
//! clock, and no counter.

/// Most series that are looked at.
const MOST: usize = 1000;
/// Least steps of a series of whole numbers, and of one with fractions, which a slow trend has as well.
const LEAST_STEPS: u32 = 7;
const LEAST_STEPS_OF_FRACTIONS: u32 = 31;
/// Most resets: one in so many steps.
const RARE: u32 = 8;
/// Steps after which a series that has hardly risen is given up.
const PATIENCE: u32 = 1024;

/// The series of an input, as far as they may be counters.
#[derive(Debug, Default)]
pub(super) struct Counters {
    series: Vec<Watched>,
    /// Series that still may be counters.
    open: usize,
}

/// A series.
#[derive(Debug)]
struct Watched {
    name: Box<str>,
    /// Whether the format says that it is one, or that it is none.
    declared: Option<bool>,
    is_open: bool,
    /// NaN before the first sample.
    last: f64,
    steps: u32,
    rises: u32,
    resets: u32,
    /// The first rise, and all of them together.
    first_rise: f64,
    total: f64,
    is_even: bool,
    is_whole: bool,
}

impl Counters {
    /// Adds a series.
    pub(super) fn add(&mut self, name: &str, declared: Option<bool>) {
        if self.series.len() < MOST {
            self.series.push(Watched::new(name, declared));
            self.open += usize::from(declared.is_none());
        }
    }

    /// Whether any series may still be a counter.
    #[inline]
    pub(super) fn is_watching(&self) -> bool {
        self.open > 0
    }

    /// Looks at a sample of a series.
    #[inline]
    pub(super) fn sample(&mut self, series: usize, value: f64) {
        if let Some(watched) = self.series.get_mut(series).filter(|watched| watched.is_open) {
            watched.sample(value);
            self.open -= usize::from(!watched.is_open);
        }
    }

    /// The names of the series that look like counters, in order.
    pub(super) fn names(&self) -> Vec<String> {
        let counters = self.series.iter().filter(|watched| watched.is_counter());
        counters.map(|watched| watched.name.to_string()).collect()
    }
}

impl Watched {
    fn new(name: &str, declared: Option<bool>) -> Self {
        let (name, is_open, last) = (name.into(), declared.is_none(), f64::NAN);
        let (steps, rises, resets, first_rise, total) = (0, 0, 0, 0.0, 0.0);
        Self { name, declared, is_open, last, steps, rises, resets, first_rise, total, is_even: true, is_whole: true }
    }

    fn sample(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.is_open = value >= 0.0 && value.is_finite();
        self.is_whole = self.is_whole && value.fract() == 0.0;
        let last = std::mem::replace(&mut self.last, value);
        if last.is_nan() {
            return;
        }
        self.steps = self.steps.saturating_add(1);
        if value > last {
            self.rise(value - last);
        } else if value < last {
            // A counter that has begun anew has come no further than it does in a step, or in a tenth of its way.
            let is_reset = value <= last / 10.0 || self.rises > 0 && value * f64::from(self.rises) <= self.total;
            self.resets += 1;
            self.is_open = self.is_open && is_reset && self.resets <= 1 + self.steps / RARE;
        }
        if self.steps.is_multiple_of(PATIENCE) {
            self.is_open = self.is_open && self.rises > self.steps / 2;
        }
    }

    fn rise(&mut self, by: f64) {
        if self.rises == 0 {
            self.first_rise = by;
        }
        self.is_even = self.is_even && (by - self.first_rise).abs() <= 1e-6 * self.first_rise;
        self.rises += 1;
        self.total += by;
    }

    fn is_counter(&self) -> bool {
        let least = if self.is_whole { LEAST_STEPS } else { LEAST_STEPS_OF_FRACTIONS };
        let is_found = || {
            self.is_open
                && !self.is_even
                && self.steps >= least
                && self.rises > self.steps / 2
                && self.resets <= self.steps / RARE
        };
        self.declared.unwrap_or_else(is_found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_counter(samples: impl IntoIterator<Item = f64>) -> bool {
        let mut counters = Counters::default();
        counters.add("c", None);
        samples.into_iter().for_each(|sample| counters.sample(0, sample));
        !counters.names().is_empty()
    }

    /// What a counter rises by, at each of so many steps.
    fn steps(count: usize) -> impl Iterator<Item = f64> {
        (0..count).map(|step| (step * 37 % 11) as f64)
    }

    fn summed(start: f64, steps: impl Iterator<Item = f64>) -> Vec<f64> {
        steps.scan(start, |sum, step| Some(std::mem::replace(sum, *sum + step))).collect()
    }

    #[test]
    fn what_rises_and_is_reset_is_a_counter() {
        let whole = summed(1e6, steps(8));
        assert!(is_counter(whole.clone()) && !is_counter(whole[1..].to_vec()), "eight samples");
        let fractions: Vec<f64> = summed(3.25, steps(32)).iter().map(|sum| sum * 0.75).collect();
        assert!(is_counter(fractions.clone()) && !is_counter(fractions[1..].to_vec()), "a trend of fractions");
        let reset = [summed(500.0, steps(30)), summed(0.0, steps(30)), summed(4.0, steps(30))].concat();
        assert!(is_counter(reset));
        let gaps = summed(0.0, steps(30)).into_iter().enumerate();
        assert!(is_counter(gaps.map(|(at, sum)| if at % 3 == 1 { f64::NAN } else { sum })));
    }

    #[test]
    fn what_falls_stands_still_or_counts_the_rows_is_none() {
        let rising = summed(1000.0, steps(30));
        assert!(!is_counter(rising.iter().copied().chain([1100.0, 1050.0])), "a fall");
        assert!(!is_counter(rising.iter().map(|sum| sum - 1050.0)), "below zero");
        assert!(!is_counter(rising.iter().copied().chain([f64::INFINITY])));
        assert!(!is_counter(std::iter::repeat_n(0.0, 100)), "nothing but zeros");
        assert!(!is_counter((0..100).map(|row| f64::from(row / 3))), "still, most of the time");
        assert!(!is_counter((0..100).map(f64::from)), "the number of a row");
        assert!(!is_counter((0..100).map(|row| f64::from(row % 4 * (row + 7)))), "a saw");
        assert!(!is_counter(steps(100)), "noise");
    }

    #[test]
    fn a_format_that_says_it_is_believed() {
        let mut counters = Counters::default();
        for (name, declared) in [("a", Some(true)), ("b", Some(false)), ("c", None)] {
            counters.add(name, declared);
        }
        for sum in summed(1e6, steps(20)) {
            (0..3).for_each(|series| counters.sample(series, sum));
        }
        assert_eq!(counters.names(), ["a", "c"]);
    }
}
