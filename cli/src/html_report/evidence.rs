//! What is measured of a series to tell which settings suit it: a few counters and two tail profiles, however long it is.
//!
//! Scores, locations and re-openings are those of the [`Judge`](super::judge::Judge), whatever the report is for: the
//! question is the series, not the answer that somebody has chosen already.

use super::judge;
use crate::engine::Seen;
use evenkeel::TailProfile;

/// Beyond so many scales a sample is an outlier.
const STRIKE: f64 = 4.0;
/// An eighth from either end: what the octile skew looks at.
const OCTILE: f64 = 0.125;
/// Half of the samples' steps are above this in a series that is recorded finely enough, so a skew in less is one of steps.
const NARROWEST: f64 = 1.0;
/// Where less of the samples than this differ from the one before, the series mostly stands still.
const LEAST_MOVING: f64 = 0.1;
/// Levels that are remembered: more of them are not few.
const LEVELS: usize = 8;
/// No recorded step has more decimals.
pub(super) const MOST_DECIMALS: u32 = 9;

/// What has been measured so far.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The sizes of scores above and below the location.
    above: TailProfile,
    below: TailProfile,
    /// Samples that were there, and how many of them equal the one before.
    samples: u64,
    equal: u64,
    last: f64,
    is_repeated: bool,
    is_constant: bool,
    /// The decimals that all finite values so far are written with; `None` if they have more than any recorded step.
    decimals: Option<u32>,
    /// Residuals after each other, none of them zero, of any samples and of those that differ from the one before.
    all: Pairs,
    changed: Pairs,
    sign: f64,
    /// Levels that the estimate was re-opened onto, how often it was, and how often onto one of them.
    levels: Vec<f64>,
    reopenings: u64,
    returns: u64,
}

impl Evidence {
    pub(super) fn new() -> Self {
        Self {
            above: TailProfile::new(),
            below: TailProfile::new(),
            samples: 0,
            equal: 0,
            last: f64::NAN,
            is_repeated: false,
            is_constant: true,
            decimals: Some(0),
            all: Pairs::default(),
            changed: Pairs::default(),
            sign: 0.0,
            levels: Vec::new(),
            reopenings: 0,
            returns: 0,
        }
    }

    /// A sample that was not missing.
    pub(super) fn see(&mut self, value: f64) {
        self.is_repeated = self.samples > 0 && value == self.last;
        self.is_constant &= self.samples == 0 || self.is_repeated;
        self.equal += u64::from(self.is_repeated);
        self.samples += 1;
        self.last = value;
        if value.is_finite() {
            self.decimals = self.decimals.and_then(|at_least| decimals(value, at_least));
        }
    }

    /// What the judge made of that sample, once the cold start is over.
    pub(super) fn judge(&mut self, seen: &Seen) {
        let side = if seen.score < 0.0 { &mut self.below } else { &mut self.above };
        side.record(&[seen.score]);
        let sign = if seen.score == 0.0 || seen.score.is_nan() { 0.0 } else { seen.score.signum() };
        if sign != 0.0 && self.sign != 0.0 {
            self.all.add(sign == self.sign);
            // A value that is only held says nothing new.
            if !self.is_repeated {
                self.changed.add(sign == self.sign);
            }
        }
        self.sign = sign;
        if seen.reopened {
            self.reopen(seen.location, seen.scale);
        }
    }

    fn reopen(&mut self, level: f64, scale: f64) {
        self.reopenings += 1;
        if self.levels.iter().any(|known| (known - level).abs() <= STRIKE * scale) {
            self.returns += 1;
        } else if self.levels.len() < LEVELS {
            self.levels.push(level);
        }
    }

    /// Samples that were judged by a scale that had been found.
    pub(super) fn scored(&self) -> u64 {
        self.above.len() + self.below.len()
    }

    /// The share of samples beyond that many scales, on both sides together.
    pub(super) fn beyond(&self, scales: f64) -> f64 {
        let count =
            |side: &TailProfile| if side.is_empty() { 0.0 } else { side.exceedance(scales) * side.len() as f64 };
        (count(&self.above) + count(&self.below)) / self.scored() as f64
    }

    /// Whether every sample had the same value.
    pub(super) fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// The share of samples that equal the one before.
    pub(super) fn repeats(&self) -> f64 {
        self.equal as f64 / self.samples.saturating_sub(1) as f64
    }

    /// The decimals that all values are written with.
    pub(super) fn decimals(&self) -> Option<u32> {
        self.decimals
    }

    /// The step that they are written in: a power of ten, and at most 1.
    pub(super) fn step(&self) -> Option<f64> {
        self.decimals.map(judge::step)
    }

    /// The share of residuals with the sign of the one before, where the value is another. `None` where the series mostly
    /// stands still, and nothing is to be said of it.
    pub(super) fn persistence(&self) -> Option<f64> {
        let is_moving = self.changed.count as f64 >= LEAST_MOVING * self.scored() as f64;
        self.changed.share().filter(|_| is_moving)
    }

    /// How often the estimate was re-opened after the cold start, and how often onto a level where that had happened before.
    pub(super) fn reopenings(&self) -> (u64, u64) {
        (self.reopenings, self.returns)
    }

    /// The octile skew of the samples that are no outliers: how much further the highest eighth begins from the median
    /// than the lowest, from -1 to 1, and its standard error for Gaussian samples. `None` where the samples are too few or
    /// too much alike to have one.
    ///
    /// A quantile does not care how far the outermost samples are, and without outliers not how many they were either: a
    /// fifth of spikes on one side leaves it where it was.
    pub(super) fn skew(&self) -> Option<(f64, f64)> {
        let bulk = |side: &TailProfile| {
            if side.is_empty() { 0.0 } else { (1.0 - side.exceedance(STRIKE)) * side.len() as f64 }
        };
        let (low, high) = (bulk(&self.below), bulk(&self.above));
        let quantile = |share: f64| {
            let rank = share * (low + high);
            if rank < low {
                -self.below.quantile((low - rank) / self.below.len() as f64)
            } else {
                self.above.quantile((rank - low) / self.above.len() as f64)
            }
        };
        let (first, middle, last) = (quantile(OCTILE), quantile(0.5), quantile(1.0 - OCTILE));
        let width = last - first;
        (low + high >= 1.0 && width >= NARROWEST)
            .then(|| ((first + last - 2.0 * middle) / width, (self.inflation() * 1.15 / (low + high)).sqrt()))
    }

    /// By what the variance of a skew grows because the samples are not independent.
    ///
    /// Of independent ones it is 1.15 / n: that of the numerator, 6.09 / n, over the square of the width, 2.30. Gaussian
    /// neighbours with correlation r have one sign with probability 1/2 + asin(r) / pi, and third powers, of which a skew is
    /// made, the correlation r^3; distances beyond neighbours are taken to follow from it.
    fn inflation(&self) -> f64 {
        let persistence = self.all.share().unwrap_or(0.5).clamp(0.5, 0.99);
        let cube = (std::f64::consts::PI * (persistence - 0.5)).sin().powi(3);
        (1.0 + cube) / (1.0 - cube)
    }
}

/// How many pairs of residuals there were, and how many of one sign.
#[derive(Clone, Copy, Debug, Default)]
struct Pairs {
    count: u64,
    alike: u64,
}

impl Pairs {
    fn add(&mut self, is_alike: bool) {
        self.count += 1;
        self.alike += u64::from(is_alike);
    }

    fn share(self) -> Option<f64> {
        (self.count > 0).then(|| self.alike as f64 / self.count as f64)
    }
}

/// The least number of decimals, not below the given one, with which this value can be written, but for what rounding may
/// have done to it: averages of 13.3 and 13.4 come as 13.350000000000001.
fn decimals(value: f64, at_least: u32) -> Option<u32> {
    let size = value.abs();
    (at_least..=MOST_DECIMALS).find(|decimals| {
        let power = f64::from(10_u32.pow(*decimals));
        let steps = (size * power).round();
        let is_near = (steps / power - size).abs() <= 4.0 * f64::EPSILON * size;
        // With more steps than that, any float is near one of them.
        steps / power == size || is_near && steps < (1_u64 << 44) as f64
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The evidence of these scores, about a location of zero with a scale of one.
    fn of_scores(scores: impl IntoIterator<Item = f64>) -> Evidence {
        let mut evidence = Evidence::new();
        for score in scores {
            let seen = Seen { location: 0.0, scale: 1.0, score, outlier: score.abs() > 4.0, reopened: false };
            evidence.see(score);
            evidence.judge(&seen);
        }
        evidence
    }

    #[test]
    fn the_skew_is_that_of_the_sorted_scores() {
        // Apart from the profile: sorted, cut, and looked up.
        let expected = |scores: &[f64]| {
            let mut bulk: Vec<f64> = scores.iter().copied().filter(|score| score.abs() < 4.0).collect();
            bulk.sort_by(f64::total_cmp);
            let at = |eighths: usize| bulk[bulk.len() * eighths / 8];
            (at(1) + at(7) - 2.0 * at(4)) / (at(7) - at(1))
        };
        let uniform = || (0..4000).map(|index| f64::from(index * 1237 % 4000) / 4000.0);
        let families: [fn(f64) -> f64; 4] =
            [|u| 3.0 * u - 1.5, |u| -(1.0 - u).ln() - 0.7, |u| 0.7 + (1.0 - u).ln(), |u| 3.0 * u * u + 0.5];
        for (family, sign) in families.into_iter().zip([0.0, 1.0, -1.0, 1.0]) {
            let scores: Vec<f64> = uniform().map(family).collect();
            // One in five far out changes nothing.
            let spikes = scores.iter().step_by(4).map(|_| 1e6);
            for evidence in [of_scores(scores.iter().copied()), of_scores(scores.iter().copied().chain(spikes))] {
                let (skew, error) = evidence.skew().unwrap();
                assert!((skew - expected(&scores)).abs() < 0.02, "{skew} for {}", expected(&scores));
                assert!(sign == 0.0 && skew.abs() < 0.02 || skew * sign > 0.2, "{skew}");
                assert!(error >= (1.15_f64 / 4000.0).sqrt() * 0.999, "{error}");
            }
        }
        assert!(of_scores([]).skew().is_none());
        assert!(of_scores([0.1; 100]).skew().is_none(), "no width, no skew");
        assert!(of_scores([9.0; 100]).skew().is_none(), "nothing but outliers");
    }

    #[test]
    fn the_error_of_the_skew_is_what_it_varies_by() {
        let mut noise = crate::html_report::tests::gaussian(1);
        // Not at all, and as much as a slow metric: the scores of an autoregression, over the scale of all.
        for (memory, most_cautious) in [(0.0, 1.15), (0.5, 1.25), (0.9, 1.7)] {
            let (mut squares, mut errors, mut last) = (0.0, 0.0, 0.0);
            let runs = 200;
            for _ in 0..runs {
                let scores = (0..1000).map(|_| {
                    last = memory * last + noise();
                    last * (1.0_f64 - memory * memory).sqrt() * 1.36
                });
                let (skew, error) = of_scores(scores.collect::<Vec<_>>()).skew().unwrap();
                squares += skew * skew / f64::from(runs);
                errors += error / f64::from(runs);
            }
            let ratio = errors / squares.sqrt();
            assert!((0.85..most_cautious).contains(&ratio), "{memory}: {ratio}");
        }
    }

    #[test]
    fn shares_are_counted() {
        let evidence = of_scores([1.0, 2.0, -1.0, 0.0, -3.0, -5.0, 9.0, f64::INFINITY]);
        assert_eq!(evidence.scored(), 8);
        assert_eq!((evidence.beyond(4.0), evidence.beyond(8.0)), (3.0 / 8.0, 2.0 / 8.0));
        assert_eq!(evidence.beyond(2.0), 5.0 / 8.0);
        // Pairs without a zero: (1, 2), (2, -1), (-3, -5), (-5, 9), (9, inf).
        assert_eq!(evidence.persistence(), Some(3.0 / 5.0));
        assert_eq!(of_scores([0.0, 1.0, 0.0, 0.0]).persistence(), None, "nothing to compare");
        assert_eq!(of_scores((0..100).map(|n| f64::from(n / 20) + 1.0)).persistence(), None, "it stands still");
        assert_eq!(of_scores([1.0, 1.0, 1.0, -1.0, -1.0, -2.0]).persistence(), Some(0.5), "held values");
        assert_eq!(of_scores([1.0, 1.0, 2.0, 2.0, 2.0]).repeats(), 3.0 / 4.0);
        assert!(of_scores([7.0; 5]).is_constant() && !of_scores([7.0, 7.0, 8.0]).is_constant());
        assert!(of_scores([]).beyond(4.0).is_nan() && of_scores([1.0]).repeats().is_nan());
    }

    #[test]
    fn the_step_is_the_one_that_the_values_were_written_in() {
        let step = |values: &[f64]| of_scores(values.iter().copied()).step();
        assert_eq!(step(&[1.0, -3.0, 0.0, 1e300]), Some(1.0));
        assert_eq!(step(&[2413.7, 0.1, 17.0]), Some(0.1));
        assert_eq!(step(&[0.07, 0.29, 0.1]), Some(0.01));
        assert_eq!(step(&[1.000_000_001]), Some(1e-9));
        assert_eq!(step(&[13.334_000_000_000_001, -0.130_000_000_000_000_03]), Some(0.001));
        assert_eq!(step(&[1e12 + 0.5]), Some(0.1));
        assert_eq!(step(&[std::f64::consts::PI]), None);
        assert_eq!(step(&[f64::INFINITY, 1.5]), Some(0.1));
    }

    #[test]
    fn levels_are_recognised() {
        let mut evidence = Evidence::new();
        for turn in 0..20 {
            let location = if turn % 2 == 0 { 0.3 * f64::from(turn % 4) } else { 100.0 };
            evidence.judge(&Seen { location, scale: 1.0, score: 50.0, outlier: true, reopened: true });
        }
        assert_eq!(evidence.reopenings(), (20, 18));
        let mut evidence = Evidence::new();
        for turn in 0..20 {
            let location = f64::from(turn) * 10.0;
            evidence.judge(&Seen { location, scale: 1.0, score: 50.0, outlier: true, reopened: true });
        }
        assert_eq!(evidence.reopenings(), (20, 0));
        assert!(evidence.levels.len() <= LEVELS);
    }
}
