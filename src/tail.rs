//! `TailProfile`: the observed tail of a stream of scores, beside Markov's bound.

use crate::lane::Real;
use hdrhistogram::Histogram;

/// Steps of the histogram to one scale. A power of two, so that whole numbers of scales are whole steps and whole
/// buckets of the histogram: exceedances at them are exact counts.
const STEPS_PER_SCALE: f64 = 1024.0;
/// The largest score that is recorded, 2^30 scales; larger ones count as this.
const LARGEST: f64 = (1 << 30) as f64;

/// The scale that `RobustMean` finds for a standard normal `z`: the solution of `s = E min(|z|, 2 s)`.
const GAUSSIAN_SCALE: f64 = 0.735_201_142_178_784;

/// A histogram of the sizes of scores: how often the residual of a stream exceeds `c` scales.
///
/// Markov's inequality promises `P(|u| >= c E|u|) <= 1/c` whatever the distribution. The scale is `E|u|` after
/// clipping, and less than that where tails are heavy: a stream above the bound has most of its size in its tail. The
/// profile measures what a stream really does, so that clip and reject can be chosen per stream from evidence: feed it
/// the scores of [`Bank::update_scored`](crate::Bank::update_scored) and read the exceedance at 1, 2, 3, 4, 8 and 16
/// scales.
///
/// The first samples of a channel, which are [unscored](crate::Scored::unscored), have a NaN score and are not counted.
///
/// Profiling stands beside the update path, not in it: a bank that nobody profiles pays nothing. A profile stops
/// counting at 2^64 samples. Scores beyond 2^30 count as 2^30; a NaN score is not counted.
///
/// ```
/// use evenkeel::{Bank, Decay, RobustMean, TailProfile};
///
/// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(50.0)?), 1)?;
/// let mut tail = TailProfile::new();
/// let mut score = [0.0];
/// for t in 0..2000 {
///     let spike = if t % 100 == 99 { 50.0 } else { 0.0 };
///     bank.update_scored(&[f64::from(t * 37 % 11) - 5.0 + spike], &mut score)?;
///     tail.record(&score);
/// }
/// assert_eq!(tail.len(), 1995);
/// assert!((tail.exceedance(8.0) - 0.01).abs() < 0.002);          // one in a hundred
/// assert!(tail.exceedance(8.0) < TailProfile::markov(8.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct TailProfile {
    steps: Histogram<u64>,
}

impl TailProfile {
    /// The thresholds that are usually looked at, in scales.
    pub const THRESHOLDS: [f64; 6] = [1.0, 2.0, 3.0, 4.0, 8.0, 16.0];

    /// Makes an empty profile, of about 40 KB whatever it records.
    ///
    /// # Panics
    /// Never: the bounds of the histogram are constants that it accepts.
    #[must_use]
    pub fn new() -> Self {
        Self { steps: Histogram::new_with_bounds(1, in_steps(LARGEST), 2).expect("constant bounds are valid") }
    }

    /// Records the size of every score that is not NaN.
    pub fn record<T: Real>(&mut self, scores: &[T]) {
        for score in scores {
            let size = score.to_f64().abs();
            if !size.is_nan() {
                self.steps.saturating_record(in_steps(size.min(LARGEST)));
            }
        }
    }

    /// The number of scores recorded.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.steps.len()
    }

    /// Whether no score was recorded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The observed share of samples whose residual was at least `c` scales: exact for whole `c` up to 128, within 1%
    /// of `c` otherwise. NaN for an empty profile.
    #[must_use]
    pub fn exceedance(&self, c: f64) -> f64 {
        let (least, most) = (in_steps(c), self.steps.max());
        // A bucket counts if all of it is beyond.
        let is_whole = self.steps.lowest_equivalent(least) == least;
        let first = if is_whole { least } else { self.steps.next_non_equivalent(least) };
        let beyond = if first > most { 0 } else { self.steps.count_between(first, most) };
        beyond as f64 / self.len() as f64
    }

    /// Markov's bound on the exceedance of `c` mean sizes, `1/c` and at most 1: no distribution at all has more. 1 for
    /// a `c` of 1 or less.
    #[must_use]
    pub fn markov(c: f64) -> f64 {
        if c <= 1.0 { 1.0 } else { 1.0 / c }
    }

    /// The exceedance of Gaussian noise, judged by the scale that [`RobustMean`](crate::RobustMean) finds for it.
    ///
    /// That scale is the mean of residuals clipped at two scales, `s = E min(|z|, 2 s)`, which is 0.7352 standard
    /// deviations: `P(|z| >= c s) = erfc(c s / sqrt 2)`. A running scale wanders about that, so real Gaussian noise
    /// exceeds 4 scales a fifth more often than this.
    #[must_use]
    pub fn gaussian(c: f64) -> f64 {
        libm::erfc(c.max(0.0) * GAUSSIAN_SCALE * core::f64::consts::FRAC_1_SQRT_2)
    }

    /// The score that the given share of samples does not exceed, within 1%; 0 for an empty profile.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        self.steps.value_at_quantile(share) as f64 / STEPS_PER_SCALE
    }

    /// Adds everything that `other` has recorded.
    ///
    /// # Panics
    /// Never: all profiles have the same bounds.
    pub fn merge(&mut self, other: &Self) {
        self.steps.add(&other.steps).expect("all profiles have the same bounds");
    }
}

/// A score in whole steps, rounded down: it is at least a whole `c` exactly when its steps are at least those of `c`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a cast saturates, which is what is wanted
fn in_steps(scales: f64) -> u64 {
    (scales * STEPS_PER_SCALE) as u64
}

impl Default for TailProfile {
    fn default() -> Self {
        Self::new()
    }
}
