//! [`Decay`]: how fast the past is forgotten, in the vocabulary of pandas.

use crate::error::ParameterError;
use core::time::Duration;

/// The rate at which an average forgets: its steady-state gain, computed in `f64` whatever the element type.
///
/// The first four ways to give it are those of pandas' `ewm`, and beta is that of the optimisers:
///
/// | method | gain `alpha` |
/// |---|---|
/// | [`half_life(h)`](Self::half_life) | `1 - 2^(-1/h)`, computed as `-expm1(-ln 2 / h)` |
/// | [`span(n)`](Self::span) | `2 / (n + 1)` |
/// | [`com(c)`](Self::com) | `1 / (1 + c)` |
/// | [`alpha(a)`](Self::alpha) | `a` |
/// | [`beta(b)`](Self::beta) | `1 - b`; the effective window is `1 / (1 - b)` samples |
///
/// The weight of a sample `k` steps back is `alpha (1 - alpha)^k`. All five count samples, not seconds.
///
/// # In time
/// [`half_life_time`](Self::half_life_time) counts in seconds instead, for samples that do not come at equal distances.
/// There the gain of a sample depends on the time `dt` since the one before:
///
/// ```text
/// alpha_t = -expm1(-ln 2 dt / half-life)        as far as equal distances go: half_life(half-life / dt), to the bit
/// age'    = age + 1                             while the age counts and age + 1 <= 1 / alpha_t,
///           age + (1 - alpha_t age)             afterwards: the sum of weights of pandas' ewm(halflife, times)
/// gain    = 1 / age'
/// ```
///
/// An [`Ema`](crate::Ema) is that sum of weights from its first sample on, `W' = 1 + (1 - alpha_t) W`, and pandas' average.
/// Of the other rules:
///
/// * At equal distances these are the bits of a decay in samples, up to a gain of 1/3, which is a distance of 0.58
///   half-lives (a [`CleanedEma`](crate::CleanedEma): up to 0.1, the gain of its judge in time).
/// * At uneven ones an estimate rests on as many samples (`1 / sum w^2` of its weights) as pandas' `ewm(halflife,
///   times)`: 1.00 of them at the random distances of a Poisson process, 0.84 at bursty ones. An age is at most `8 /
///   alpha_t`, so that after one long distance a sample counts for an eighth of `alpha_t` at least.
/// * After a *silence*, a distance that leaves less than one sample of what the estimate rests on, two samples of a new
///   level are enough to re-open it.
/// * Samples of one moment, and distances of centuries, are ordinary.
///
/// The exponential is the same pure-Rust function on every platform, so that the same half-life gives the same bits
/// everywhere.
///
/// ```
/// use evenkeel::Decay;
/// let decay = Decay::half_life(60.0)?;
/// assert!((decay.gain() - 0.011_486).abs() < 1e-6);
/// assert!((Decay::beta(0.9)?.window() - 10.0).abs() < 1e-12); // "the last ten samples"
/// assert_eq!(Decay::half_life(0.0).unwrap_err().to_string(), "half_life must be above 0 and finite, not 0");
/// # Ok::<(), evenkeel::ParameterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "crate::rules::DecayConfig", into = "crate::rules::DecayConfig"))]
pub struct Decay {
    pace: Pace,
}

/// The unit in which the past is forgotten: samples or time.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pace {
    /// By samples, with this gain.
    Samples(f64),
    /// By time, with this half-life.
    Time(Duration),
}

impl Decay {
    /// `Decay::beta(0.9999)`, the decay of a numerator by default.
    pub(crate) const BETA_9999: Self = Self { pace: Pace::Samples(1.0 - 0.9999) };
    /// `Decay::beta(0.999)`, the decay of a scale by default.
    pub(crate) const BETA_999: Self = Self { pace: Pace::Samples(1.0 - 0.999) };
    /// `Decay::beta(0.9)`, the decay of a smoothed gradient as published.
    pub(crate) const BETA_9: Self = Self { pace: Pace::Samples(1.0 - 0.9) };
    /// `Decay::beta(0.1)`, the decay of a layer mean as published.
    pub(crate) const BETA_1: Self = Self { pace: Pace::Samples(1.0 - 0.1) };

    /// Makes a decay in which the weight of a sample halves every `samples` samples.
    ///
    /// # Errors
    /// `samples` is not above 0 and finite.
    pub fn half_life(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check_positive("half_life", samples)?;
        Self::alpha(gain_of_half_life(samples))
    }

    /// Makes a decay in which the weight of a sample halves every `half_life`, however many samples come in that time.
    /// It is for [`RobustMean`](crate::RobustMean), [`CleanedEma`](crate::CleanedEma) and [`Ema`](crate::Ema), with updates
    /// that take the time, such as [`Bank::update_after`](crate::Bank::update_after) and
    /// [`Tracker::update_at`](crate::Tracker::update_at); other rules and updates refuse it.
    ///
    /// The age of the first two is stored in fractions of a sample, which leaves it less room: no gain is smaller than `2^-14` in `f32`
    /// and `2^-27` in `f64`. In `f32` a half-life holds at most 11,356 samples, and the estimate forgets faster where
    /// there are more; in `f64` there is room for 93 million.
    ///
    /// ```
    /// use core::time::Duration;
    /// use evenkeel::Decay;
    ///
    /// let decay = Decay::half_life_time(Duration::from_secs(60))?;
    /// assert_eq!(decay.gain_after(Duration::from_secs(1)), Decay::half_life(60.0)?.gain());
    /// assert_eq!(decay.gain_after(Duration::from_secs(60)), 0.5);
    /// assert_eq!(decay.gain_after(Duration::ZERO), 0.0);
    /// # Ok::<(), evenkeel::ParameterError>(())
    /// ```
    ///
    /// # Errors
    /// `half_life` is zero.
    pub fn half_life_time(half_life: Duration) -> Result<Self, ParameterError> {
        ParameterError::check_positive("half_life_time", half_life.as_secs_f64())?;
        Ok(Self { pace: Pace::Time(half_life) })
    }

    /// Makes a decay with the gain of a moving average over `samples` samples: `2 / (samples + 1)`.
    ///
    /// # Errors
    /// `samples` is not at least 1 and finite.
    pub fn span(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check("span", samples, "at least 1 and finite", |n| n >= 1.0 && n.is_finite())?;
        Self::alpha(2.0 / (samples + 1.0))
    }

    /// Makes a decay whose weights have their centre of mass `samples` samples back, with the gain `1 / (1 + samples)`.
    ///
    /// # Errors
    /// `samples` is not at least 0 and finite.
    pub fn com(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check("com", samples, "at least 0 and finite", |c| c >= 0.0 && c.is_finite())?;
        Self::alpha(1.0 / (1.0 + samples))
    }

    /// Makes a decay from the gain itself, the part of the way to a sample that the average moves.
    ///
    /// # Errors
    /// `gain` is not above 0 and at most 1.
    pub fn alpha(gain: f64) -> Result<Self, ParameterError> {
        let gain = ParameterError::check("alpha", gain, "above 0 and at most 1", |a| a > 0.0 && a <= 1.0)?;
        Ok(Self { pace: Pace::Samples(gain) })
    }

    /// Makes a decay from the part of its past that the average keeps at each step, `1 - gain`.
    ///
    /// # Errors
    /// `keep` is not at least 0 and below 1.
    pub fn beta(keep: f64) -> Result<Self, ParameterError> {
        let keep = ParameterError::check("beta", keep, "at least 0 and below 1", |b| (0.0..1.0).contains(&b))?;
        Self::alpha(1.0 - keep)
    }

    /// The steady-state gain, `alpha = 1 - beta`; NaN for a decay in time, whose gain depends on the distance: see
    /// [`gain_after`](Self::gain_after).
    #[must_use]
    pub fn gain(self) -> f64 {
        match self.pace {
            Pace::Samples(gain) => gain,
            Pace::Time(_) => f64::NAN,
        }
    }

    /// The steady-state gain of a sample that comes `elapsed` after the one before, `alpha_t`: from 0 for samples of
    /// the same moment to 1. Of a decay in samples it is the [`gain`](Self::gain), however much time has passed.
    #[must_use]
    pub fn gain_after(self, elapsed: Duration) -> f64 {
        match self.pace {
            Pace::Samples(gain) => gain,
            Pace::Time(_) if elapsed.is_zero() => 0.0,
            // The quotient is what the half-life is in samples, so that equal distances give the bits of that decay.
            Pace::Time(half_life) => gain_of_half_life(nanoseconds(half_life) / nanoseconds(elapsed)),
        }
    }

    /// The effective window `1 / gain` in samples: an average over that many samples has the gain of this one. NaN for
    /// a decay in time.
    #[must_use]
    pub fn window(self) -> f64 {
        1.0 / self.gain()
    }

    /// The half-life of a decay in time; `None` for one in samples.
    #[must_use]
    pub fn in_time(self) -> Option<Duration> {
        match self.pace {
            Pace::Samples(_) => None,
            Pace::Time(half_life) => Some(half_life),
        }
    }
}

/// The gain of a half-life in samples.
fn gain_of_half_life(samples: f64) -> f64 {
    -libm::expm1(-core::f64::consts::LN_2 / samples)
}

fn nanoseconds(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}
