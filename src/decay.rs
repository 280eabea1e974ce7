//! How fast the past is forgotten, in the vocabulary of pandas.

use crate::error::ParameterError;

/// How fast an average forgets: its steady-state gain, computed in `f64` whatever the lane type.
///
/// The four ways to say it are those of pandas' `ewm`, and beta is that of the optimisers:
///
/// | method | gain `alpha` |
/// |---|---|
/// | [`half_life(h)`](Self::half_life) | `1 - 2^(-1/h)`, computed as `-expm1(-ln 2 / h)` |
/// | [`span(n)`](Self::span) | `2 / (n + 1)` |
/// | [`com(c)`](Self::com) | `1 / (1 + c)` |
/// | [`alpha(a)`](Self::alpha) | `a` |
/// | [`beta(b)`](Self::beta) | `1 - b`; the effective window is `1 / (1 - b)` samples |
///
/// The weight of a sample `k` steps back is `alpha (1 - alpha)^k`. All are in samples, not in seconds.
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
pub struct Decay {
    gain: f64,
}

impl Decay {
    /// `Decay::beta(0.999)`, the decay of a scale unless told otherwise.
    pub(crate) const BETA_999: Self = Self { gain: 1.0 - 0.999 };

    /// The weight of a sample halves every `samples` samples.
    ///
    /// # Errors
    /// `samples` is not above 0 and finite.
    pub fn half_life(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check_positive("half_life", samples)?;
        Self::alpha(-libm::expm1(-core::f64::consts::LN_2 / samples))
    }

    /// The gain of a moving average over `samples` samples: `2 / (samples + 1)`.
    ///
    /// # Errors
    /// `samples` is not at least 1 and finite.
    pub fn span(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check("span", samples, "at least 1 and finite", |n| n >= 1.0 && n.is_finite())?;
        Self::alpha(2.0 / (samples + 1.0))
    }

    /// The centre of mass of the weights lies `samples` samples back: `1 / (1 + samples)`.
    ///
    /// # Errors
    /// `samples` is not at least 0 and finite.
    pub fn com(samples: f64) -> Result<Self, ParameterError> {
        let samples = ParameterError::check("com", samples, "at least 0 and finite", |c| c >= 0.0 && c.is_finite())?;
        Self::alpha(1.0 / (1.0 + samples))
    }

    /// The gain itself: how far the average moves towards a sample.
    ///
    /// # Errors
    /// `gain` is not above 0 and at most 1.
    pub fn alpha(gain: f64) -> Result<Self, ParameterError> {
        let gain = ParameterError::check("alpha", gain, "above 0 and at most 1", |a| a > 0.0 && a <= 1.0)?;
        Ok(Self { gain })
    }

    /// What the average keeps of its past at each step: `1 - gain`.
    ///
    /// # Errors
    /// `keep` is not at least 0 and below 1.
    pub fn beta(keep: f64) -> Result<Self, ParameterError> {
        let keep = ParameterError::check("beta", keep, "at least 0 and below 1", |b| (0.0..1.0).contains(&b))?;
        Self::alpha(1.0 - keep)
    }

    /// The steady-state gain, `alpha = 1 - beta`.
    #[must_use]
    pub fn gain(self) -> f64 {
        self.gain
    }

    /// The effective window `1 / gain` in samples: an average over that many samples has the gain of this one.
    #[must_use]
    pub fn window(self) -> f64 {
        1.0 / self.gain
    }
}
