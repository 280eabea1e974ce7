//! What is measured of a series to choose the settings that suit it: a few counters and two tail profiles, however long
//! it is.
//!
//! It is the [`Judge`] that scores, replaces and re-opens, whatever the report is for: the
//! question is the series, not the answer that somebody has chosen already.

use super::judge::{JUDGES, Judge};
use crate::samples::Refusal;
use crate::settings::Preset;
use evenkeel::TailProfile;
use evenkeel::Update;

/// The share of samples on either side of what the octile skew looks at.
const OCTILE: f64 = 0.125;
/// Least width between the octiles, in scales, of a series that has a skew: a narrower one is recorded too coarsely.
const LEAST_WIDTH: f64 = 1.0;
/// Least samples that differ from the one before, as a share, in a series that does not mostly stand still.
const LEAST_MOVING: f64 = 0.1;
/// Most levels that are remembered.
const MOST_LEVELS: usize = 8;

/// The measures of a series so far.
#[derive(Clone, Debug)]
pub(super) struct Evidence {
    /// The sizes of the robust preset's scores above the location and below it, and where its outliers begin.
    above: TailProfile,
    below: TailProfile,
    outlier_at: f64,
    /// Samples, missing ones aside, and how many of them equal the one before.
    samples: u64,
    equal: u64,
    last: f64,
    is_constant: bool,
    /// The means of all finite samples, and of those that the clean average did not leave out.
    all_mean: Mean,
    clean_mean: Mean,
    /// The step in which the samples are recorded.
    step: f64,
    /// Pairs of neighbouring residuals, none of them zero: of any samples, and of those that differ from the one
    /// before.
    all: Pairs,
    changed: Pairs,
    sign: f64,
    /// The results of each preset.
    conduct: [Conduct; JUDGES],
}

/// The results of a preset on the samples.
#[derive(Clone, Debug, Default)]
pub(super) struct Conduct {
    outliers: u64,
    reopenings: u64,
    returns: u64,
    /// Levels that the estimate was re-opened onto.
    levels: Vec<f64>,
}

impl Evidence {
    /// Evidence of nothing yet; outliers of the robust preset begin at `outlier_at` scales.
    pub(super) fn new(outlier_at: f64) -> Self {
        Self {
            above: TailProfile::new(),
            below: TailProfile::new(),
            outlier_at,
            samples: 0,
            equal: 0,
            last: f64::NAN,
            is_constant: true,
            all_mean: Mean::default(),
            clean_mean: Mean::default(),
            step: 0.0,
            all: Pairs::default(),
            changed: Pairs::default(),
            sign: 0.0,
            conduct: Default::default(),
        }
    }

    /// Adds a sample that is not missing.
    pub(super) fn add(&mut self, judge: &mut Judge, series: usize, value: f64) -> Result<(), Refusal> {
        let seen = judge.observe(series, value)?;
        self.step = judge.step(series);
        self.see(value, &seen);
        Ok(())
    }

    /// Adds a sample, and what each preset has made of it.
    fn see(&mut self, value: f64, seen: &[Update<f64>; JUDGES]) {
        let is_repeated = self.samples > 0 && value == self.last;
        self.is_constant &= self.samples == 0 || is_repeated;
        self.equal += u64::from(is_repeated);
        self.samples += 1;
        self.last = value;
        if value.is_finite() {
            self.all_mean.add(value);
            if !seen[Preset::Clean as usize].outlier {
                self.clean_mean.add(value);
            }
        }

        let score = seen[Preset::Robust as usize].score;
        let side = if score < 0.0 { &mut self.below } else { &mut self.above };
        side.record(&[score]);
        let sign = if score == 0.0 || score.is_nan() { 0.0 } else { score.signum() };
        if sign != 0.0 && self.sign != 0.0 {
            self.all.add(sign == self.sign);
            // A value that is only held is no news.
            if !is_repeated {
                self.changed.add(sign == self.sign);
            }
        }
        self.sign = sign;
        for (conduct, seen) in self.conduct.iter_mut().zip(seen) {
            conduct.add(seen, self.outlier_at);
        }
    }

    /// The number of samples, missing ones aside.
    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// The number of samples with a score.
    pub(super) fn scored(&self) -> u64 {
        self.above.len() + self.below.len()
    }

    /// Whether every sample had the same value.
    pub(super) fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// The share of samples that equal the one before.
    pub(super) fn repeats(&self) -> f64 {
        self.equal as f64 / self.samples.saturating_sub(1) as f64
    }

    /// The step in which the values are recorded; nothing where they are recorded more finely than any that is learnt.
    pub(super) fn step(&self) -> Option<f64> {
        Some(self.step).filter(|step| *step > 0.0)
    }

    /// The share of residuals with the sign of the one before, where the value is another. `None` where the series
    /// mostly stands still.
    pub(super) fn persistence(&self) -> Option<f64> {
        let is_moving = self.changed.count as f64 >= LEAST_MOVING * self.scored() as f64;
        self.changed.share().filter(|_| is_moving)
    }

    /// The share of samples that are outliers of this preset; with `clean`, that were replaced.
    pub(super) fn outliers(&self, preset: Preset) -> f64 {
        self.conduct[preset as usize].outliers as f64 / self.samples as f64
    }

    /// The mean of all samples, and of those that the clean average did not leave out.
    pub(super) fn means(&self) -> [f64; 2] {
        [self.all_mean.value, self.clean_mean.value]
    }

    /// How often the estimate of this preset was re-opened, and how often onto a level where that had happened before.
    pub(super) fn reopenings(&self, preset: Preset) -> (u64, u64) {
        let Conduct { reopenings, returns, .. } = self.conduct[preset as usize];
        (reopenings, returns)
    }

    /// The octile skew of the samples that are no outliers: how much further the highest eighth begins from the median
    /// than the lowest, from -1 to 1, and its standard error for Gaussian samples. `None` where the samples are too few
    /// or too much alike to have one.
    ///
    /// A quantile does not care how far the outermost samples are, and without outliers not how many they were either:
    /// a fifth of spikes on one side leaves it where it was.
    pub(super) fn skew(&self) -> Option<(f64, f64)> {
        let bulk = |side: &TailProfile| {
            if side.is_empty() { 0.0 } else { (1.0 - side.exceedance(self.outlier_at)) * side.len() as f64 }
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
        (low + high >= 1.0 && width >= LEAST_WIDTH)
            .then(|| ((first + last - 2.0 * middle) / width, (self.inflation() * 1.15 / (low + high)).sqrt()))
    }

    /// The factor by which the variance of a skew grows because the samples are not independent.
    ///
    /// Of independent ones it is 1.15 / n: that of the numerator, 6.09 / n, over the square of the width, 2.30.
    /// Gaussian neighbours with correlation r have one sign with probability 1/2 + asin(r) / pi, and third powers, of
    /// which a skew is made, the correlation r^3; distances beyond neighbours are taken to follow from it.
    fn inflation(&self) -> f64 {
        let persistence = self.all.share().unwrap_or(0.5).clamp(0.5, 0.99);
        let cube = (std::f64::consts::PI * (persistence - 0.5)).sin().powi(3);
        (1.0 + cube) / (1.0 - cube)
    }
}

impl Conduct {
    /// Adds a sample. Levels within `apart` scales of each other are one.
    fn add(&mut self, seen: &Update<f64>, apart: f64) {
        self.outliers += u64::from(seen.outlier);
        if !seen.reopened {
            return;
        }
        let Update { location: level, scale, .. } = *seen;
        self.reopenings += 1;
        if self.levels.iter().any(|known| (known - level).abs() <= apart * scale) {
            self.returns += 1;
        } else if self.levels.len() < MOST_LEVELS {
            self.levels.push(level);
        }
    }
}

/// A mean of samples that have all the same weight.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    count: u64,
}

impl Mean {
    fn add(&mut self, sample: f64) {
        self.count += 1;
        // Halves, because the difference of two large numbers may be none.
        self.value += (sample / 2.0 - self.value / 2.0) / (self.count as f64 / 2.0);
    }
}

/// Counts of pairs of residuals, and of those with one sign.
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

#[cfg(test)]
mod tests {
    use super::*;

    const OUTLIER_AT: f64 = evenkeel::RobustMean::STRIKE_AT;

    /// The evidence of these scores, about a location of zero with a scale of one.
    fn of_scores(scores: impl IntoIterator<Item = f64>) -> Evidence {
        let mut evidence = Evidence::new(OUTLIER_AT);
        for score in scores {
            let seen = |far: f64| Update {
                location: 0.0,
                scale: 1.0,
                score,
                accepted: true,
                outlier: score.abs() > far,
                reopened: false,
            };
            evidence.see(score, &[seen(2.0 * OUTLIER_AT), seen(OUTLIER_AT), seen(OUTLIER_AT)]);
        }
        evidence
    }

    #[test]
    fn the_skew_is_that_of_the_sorted_scores() {
        // Apart from the profile: sorted, cut, and looked up.
        let expected = |scores: &[f64]| {
            let mut bulk: Vec<f64> = scores.iter().copied().filter(|score| score.abs() < OUTLIER_AT).collect();
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
        let mut noise = crate::commands::report::noise::gaussian(1);
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
        assert_eq!((evidence.outliers(Preset::Robust), evidence.outliers(Preset::Clean)), (3.0 / 8.0, 2.0 / 8.0));
        // Pairs without a zero: (1, 2), (2, -1), (-3, -5), (-5, 9), (9, inf).
        assert_eq!(evidence.persistence(), Some(3.0 / 5.0));
        assert_eq!(of_scores([0.0, 1.0, 0.0, 0.0]).persistence(), None, "nothing to compare");
        assert_eq!(of_scores((0..100).map(|n| f64::from(n / 20) + 1.0)).persistence(), None, "it stands still");
        assert_eq!(of_scores([1.0, 1.0, 1.0, -1.0, -1.0, -2.0]).persistence(), Some(0.5), "held values");
        assert_eq!(of_scores([1.0, 1.0, 2.0, 2.0, 2.0]).repeats(), 3.0 / 4.0);
        assert!(of_scores([7.0; 5]).is_constant() && !of_scores([7.0, 7.0, 8.0]).is_constant());
        assert!(of_scores([]).outliers(Preset::Clean).is_nan() && of_scores([1.0]).repeats().is_nan());
    }

    #[test]
    fn levels_are_recognised() {
        let of = |levels: &dyn Fn(u32) -> f64| {
            let mut evidence = Evidence::new(OUTLIER_AT);
            for turn in 0..20 {
                let seen = Update {
                    location: levels(turn),
                    scale: 1.0,
                    score: 50.0,
                    accepted: true,
                    outlier: true,
                    reopened: true,
                };
                evidence.see(levels(turn), &[seen; JUDGES]);
            }
            assert!(evidence.conduct.iter().all(|conduct| conduct.levels.len() <= MOST_LEVELS));
            evidence.reopenings(Preset::Mean)
        };
        assert_eq!(of(&|turn| if turn % 2 == 0 { 0.3 * f64::from(turn % 4) } else { 100.0 }), (20, 18));
        assert_eq!(of(&|turn| f64::from(turn) * 10.0), (20, 0));
    }
}
