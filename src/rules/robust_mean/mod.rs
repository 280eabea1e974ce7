//! [`RobustMean`]: the robust running mean, which clips against a running scale and then averages.
//!
//! | file | what it does |
//! |---|---|
//! | `constants.rs` | the parameters in `f32` or `f64`, and how a tally is laid out |
//! | `judge.rs` | the step of one sample, in three lengths |
//! | `start.rs` | the first five samples |
//! | `age.rs` | on how many samples an estimate rests, and the gain that follows |
//! | `grid.rs` | the step in which a signal is recorded, learnt |

mod age;
mod constants;
mod grid;
mod judge;
mod start;

pub(super) use age::older;
pub(super) use constants::{Constants, Gain};
pub(crate) use grid::{exponent_for, step_of};
pub(super) use judge::{
    Judged, Now, Silence, any, calm, close, full, is_alive, is_far_from_patience, is_secure, is_silence, is_soon,
    is_starting, is_steady, reported, settle, steady,
};

use super::pace;
use super::resolution::Resolution;
use crate::cells::{Cells, apart};
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{
    ColumnsOf, Count, Elapse, Estimate, Estimator, Judge, Memo, Pace, Reading, Rule, Scored, Step, Timed, Verdict,
};
use core::time::Duration;
use pulp::Simd;

/// The running robust location and scale of a signal that cannot be trusted.
///
/// Each sample is judged by its residual `r = x - location` against the scale *before* the sample, replaced if it is
/// too far, and then averaged; the scale only ever learns from clipped residuals. With gain `g` and scale `s`:
///
/// ```text
/// psi(r)    = sign(r) min(|r|, c s, max(0, (b s - |r|) c / (b - a)))     Hampel's three parts: clip c, taper a, reject b
/// location += g psi(r)                                                   g = 1/age while the age counts, then alpha
/// scale    += min(g, 1/2) (min(|r|, k s) - s)                            k bounds what one sample may add
/// ```
///
/// * The *age* counts the samples that the estimate rests on, up to `1/alpha`: an average while young, exponential
///   afterwards. With a half-life [in time](crate::Decay#in-time) it is the sum of weights of pandas' `ewm(halflife,
///   times)`.
/// * The *start* is the first five samples: a running median, with a scale from the nearest distances among them. They
///   have no score (NaN) and are no outliers; the sixth is the first that is judged.
/// * A residual beyond `h = 4` scales is a *strike*; any other sample takes one and a quarter back, or one where the
///   scale has collapsed. `patience` strikes re-open the estimate, at age 1: the location becomes the median of the
///   sample, the strike before it and the present location. A strike lies at most twice as far out as the one before it
///   (or as `h` scales), so that two giant spikes in a row are not a new level. An estimate that was settled is
///   re-opened again after four strikes more, one of age 1 after one.
/// * A scale that has collapsed, below `2^-20 |location|`, grows by strikes alone, from `2^-20` of the residual that
///   re-opens it.
/// * NaN is missing: nothing changes. An infinity is a giant outlier of its sign; it cannot be one of a channel's first
///   five samples. Samples and locations beyond half the largest float count as half the largest float.
/// * The scale never falls below `2^-40 |location|` (`f32`: `2^-20`), and the scale that judges and is reported not
///   below half the [`resolution`](Self::resolution).
///
/// # What it promises
/// * Influence of one sample, from the sixth on and unless it is the strike that re-opens the estimate: at most
///   `gain * c * scale`, and zero beyond `b` scales.
/// * Gaussian efficiency: 97.7%, at the gain `alpha / 0.925` with which it follows small changes as fast as a plain
///   average of gain `alpha`; mean-faithful more than 99.9%, at `alpha / 0.9965`.
/// * A level shift of 10 to some hundred scales is recovered in about `patience` samples, one of a million in a few
///   more.
/// * Breakdown: a run of strikes that re-opens the estimate onto the outliers ends it. At patience 12, a quarter of
///   outliers on one side loses no estimate in runs of 17,000 samples; 30% lose some 2%. More patience withstands more
///   and recovers later.
/// * [Accuracy](https://github.com/evenkeel/evenkeel/blob/main/docs/ACCURACY.md), from `cargo bench --bench accuracy`,
///   has the errors on some fifty kinds of signal and on real series, beside a plain average, medians and a Hampel
///   filter.
///
/// # When not to use it
/// * **The mean of telemetry** is wanted, whatever its shape: use [`CleanedEma`](crate::CleanedEma), which averages
///   everything but spikes as it is. `RobustMean` follows the centre of a contaminated signal.
/// * **Skew**: the mean of a skewed signal (latencies, sizes) is in its tail; cutting that biases the location. Use
///   [`mean_faithful`](Self::mean_faithful) or [`CleanedEma`](crate::CleanedEma).
/// * **Counts near zero and other discrete data** without a [`resolution`](Self::resolution): a series that repeats one
///   value more than half the time is taken for a constant with outliers.
/// * **Near outliers on one side**: 15% contamination at only +6 sigma costs three times a plain average's clean error.
/// * A shift of 3 sigma is tracked a little worse than by a plain average; one of a million sigma takes fifteen
///   samples.
///
/// # Source
/// Huber, *Robust Estimation of a Location Parameter* (1964), for the clip; Hampel, Ronchetti, Rousseeuw and Stahel,
/// *Robust Statistics* (1986), section 2.6, for the three-part psi. The judging scale, strikes, landings and re-opening
/// are this project's.
///
/// State per channel: location, scale, the last strike, and a word that holds strikes, learnt step and age: four
/// columns.
///
/// ```
/// use evenkeel::{Bank, Decay, RobustMean};
/// let rule = RobustMean::new(Decay::half_life(60.0)?);
/// let mut bank = Bank::<RobustMean>::new(rule, 2)?;
/// for t in 0..200 {
///     let noise = f64::from(t * 37 % 11) / 10.0 - 0.5;
///     let spike = if t == 150 { 1e6 } else { 0.0 };
///     bank.update(&[10.0 + noise, 10.0 + noise + spike])?;
/// }
/// assert!((bank.locations()[0] - bank.locations()[1]).abs() < 0.01);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::RobustMeanConfig", into = "super::config::RobustMeanConfig")
)]
pub struct RobustMean {
    pub(super) decay: Decay,
    pub(super) clip: f64,
    /// The begin and the end of psi's taper, in scales; `None` for a psi that stays flat (Huber).
    pub(super) reject: Option<(f64, f64)>,
    pub(super) scale_clip: f64,
    pub(super) patience: u32,
    pub(super) resolution: Resolution,
}

impl RobustMean {
    /// The number of scales beyond which a residual is a strike, and its sample an outlier.
    pub const STRIKE_AT: f64 = 4.0;
    /// The number of a channel's first samples that make up its start: they have no score and are no outliers.
    pub const START: u64 = 5;
    /// The most strikes that [`patience`](Self::patience) can be.
    pub const MOST_PATIENCE: u32 = 63;

    /// Makes a robust mean that forgets by `decay`: Hampel's psi with clip 2.5, taper from 3.5, reject at 6.5; scale
    /// clip 2; patience 12; no resolution.
    #[must_use]
    pub fn new(decay: Decay) -> Self {
        let resolution = Resolution::default();
        Self { decay, clip: 2.5, reject: Some((3.5, 6.5)), scale_clip: 2.0, patience: 12, resolution }
    }

    /// Sets the preset for skewed data such as latencies, where cutting the tail biases the mean: Hampel's psi with
    /// clip 4, taper from 6, reject at 12. It follows the mean of a lognormal of shape 0.5 at 1.04 times a plain
    /// average's error instead of 3.1, and pays for it where many outliers lie near, on one side.
    #[must_use]
    pub fn mean_faithful(self) -> Self {
        Self { clip: 4.0, reject: Some((6.0, 12.0)), scale_clip: 2.0, ..self }
    }

    /// Sets the clip: residuals beyond `scales` scales count as `scales` scales. 2.5 by default.
    ///
    /// # Errors
    /// `scales` is not from 2^-20 to 2^20.
    pub fn clip(self, scales: f64) -> Result<Self, ParameterError> {
        Ok(Self { clip: multiple("clip", scales)?, ..self })
    }

    /// Sets the taper: residuals beyond `from` scales count for less and less, and beyond `at` scales for nothing. 3.5
    /// and 6.5 by default.
    ///
    /// # Errors
    /// `from` or `at` is not from 2^-20 to 2^20, or `at` is not above `from`.
    pub fn reject(self, from: f64, at: f64) -> Result<Self, ParameterError> {
        let from = multiple("the start of the taper", from)?;
        let at = multiple("reject", at)?;
        ParameterError::check("reject", at, "above the start of the taper", |at| at > from)?;
        Ok(Self { reject: Some((from, at)), ..self })
    }

    /// Sets Huber's psi, which stays flat beyond the clip: no sample is rejected.
    #[must_use]
    pub fn reject_nothing(self) -> Self {
        Self { reject: None, ..self }
    }

    /// Sets the clip of the scale: a sample moves it as if its residual were at most `scales` scales. 2 by default.
    ///
    /// # Errors
    /// `scales` is not above 1 (below that the scale could never grow) and at most 2^20.
    pub fn scale_clip(self, scales: f64) -> Result<Self, ParameterError> {
        let scale_clip = multiple("scale_clip", scales)?;
        ParameterError::check("scale_clip", scale_clip, "above 1", |k| k > 1.0)?;
        Ok(Self { scale_clip, ..self })
    }

    /// Sets the number of strikes that re-open the estimate. 12 by default; 8 is better for short memories (gain 0.05
    /// and above).
    ///
    /// Fewer recover sooner from a level shift; more survive a higher share of outliers on one side.
    ///
    /// # Errors
    /// `strikes` is not from 1 to 63.
    pub fn patience(self, strikes: u32) -> Result<Self, ParameterError> {
        Ok(Self { patience: patience(strikes)?, ..self })
    }

    /// Sets the step in which the signal is recorded: 1 for counts, 0, the default, for none, or [`Resolution::Learn`]
    /// to find it from the samples. The scale that judges is never below half of it, so that a run of equal values is
    /// not taken for a constant.
    ///
    /// # Errors
    /// The step is not at least 0 and finite.
    pub fn resolution(self, resolution: impl Into<Resolution>) -> Result<Self, ParameterError> {
        Ok(Self { resolution: checked(resolution.into())?, ..self })
    }
}

impl RobustMean {
    /// The state of a channel that begins from what is known: see [`Sweep::seed`](crate::Sweep::seed).
    pub(crate) fn begun<T: Real>(k: &Constants<T>, reading: Reading<T>) -> [T; 4] {
        k.begun(reading)
    }
}

/// Checks a number of strikes, which a tally must have room for.
pub(super) fn patience(strikes: u32) -> Result<u32, ParameterError> {
    let range = 1.0..=f64::from(RobustMean::MOST_PATIENCE);
    ParameterError::check("patience", strikes.into(), "from 1 to 63", |strikes| range.contains(&strikes))?;
    Ok(strikes)
}

/// Checks a resolution, whose step must be at least 0 and finite.
pub(super) fn checked(resolution: Resolution) -> Result<Resolution, ParameterError> {
    if let Resolution::Step(step) = resolution {
        ParameterError::check("resolution", step, "at least 0 and finite", |s| s >= 0.0 && s.is_finite())?;
    }
    Ok(resolution)
}

/// Checks a number of scales, which must be from 2^-20 to 2^20.
pub(super) fn multiple(name: &'static str, scales: f64) -> Result<f64, ParameterError> {
    // Within these bounds every quotient of two of them is an ordinary number in `f32` and `f64`.
    let most = f64::from(1 << 20);
    ParameterError::check(name, scales, "from 2^-20 to 2^20", |m| (1.0 / most..=most).contains(&m))
}

/// The columns of the state, by position.
const LOCATION: usize = 0;
const SCALE: usize = 1;
const LAST_STRIKE: usize = 2;
/// The tally, which strikes, learnt step and age share: see [`constants`].
const TALLY: usize = 3;
/// The columns that every step reads, and all but the shortest write.
const JUDGED: [usize; 3] = [LOCATION, SCALE, TALLY];

impl Rule for RobustMean {}
impl Estimator for RobustMean {}
impl Timed for RobustMean {}

impl Scored for RobustMean {
    fn outlier_at(&self) -> f64 {
        Self::STRIKE_AT
    }
    fn unscored(&self) -> u64 {
        Self::START
    }
}

impl Step for RobustMean {
    const NAME: &'static str = "RobustMean";
    type Columns = Count<4>;
    const STREAMED: u32 = !(1 << LAST_STRIKE);
    const RARE: usize = LAST_STRIKE;
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        Constants::new(self)
    }

    fn is_in_time(&self) -> bool {
        self.decay.in_time().is_some()
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let (taper_from, reject) = self.reject.unwrap_or((f64::INFINITY, f64::INFINITY));
        let mut parameters = vec![
            pace(self.decay),
            ("clip", self.clip),
            ("taper_from", taper_from),
            ("reject", reject),
            ("scale_clip", self.scale_clip),
            ("patience", self.patience.into()),
        ];
        parameters.extend(self.resolution.parameters());
        parameters
    }

    fn is_state<T: Real>(k: &Constants<T>, state: &[T; 4]) -> bool {
        k.is_state(state)
    }

    fn carry_over<T: Real>(k: &Constants<T>, state: &mut [T; 4]) {
        state[TALLY] = k.carried_over(state[TALLY]);
    }

    fn of_parameters(parameters: &[(String, f64)]) -> Option<Self> {
        super::restored::robust_mean(parameters)
    }

    fn convert<T: Real>(from: &Constants<T>, to: &Constants<T>, state: &mut [T; 4]) {
        *state = to.converted(from, *state);
    }

    fn unseen<T: Real>() -> [T; 4] {
        [T::NAN, T::default(), T::default(), T::from_word(0)]
    }

    #[inline(always)]
    fn settle<T: Real, S: Simd>(
        k: &Constants<T>,
        [sample]: [Lane<T, S>; 1],
        kept: [Lane<T, S>; 2],
        last_strike: Lane<T, S>,
    ) -> Lane<T, S> {
        settle(k, sample, kept, last_strike)
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
    ) -> Verdict<T, S> {
        Self::step_after(k, cells, sample, Pace::of(sample.0, [k.alpha, k.full]))
    }

    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(Verdict<T, S>)>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
        report: F,
    ) -> Result<(), F> {
        if !k.is_lean {
            return Err(report);
        }
        let now = Now::get(cells, JUDGED);
        // Of several channels one is not calm so often that a branch on it costs more than it spares.
        if T::lanes::<S>() == 1 {
            let (after, is_close) = close(k, now, sample);
            if is_close.all() {
                report(averages(cells, after));
                return Ok(());
            }
            let (after, is_calm) = calm(k, now, sample);
            if is_calm.all() {
                report(averages(cells, after));
                return Ok(());
            }
        }
        if (is_secure(k, now.tally, sample) & is_alive(k, now)).all() {
            report(short::<T, S, true>(k, cells, now, sample));
            return Ok(());
        }
        Err(report)
    }

    #[inline(always)]
    fn rest<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
        report: impl FnOnce(Verdict<T, S>),
    ) {
        let now = Now::get(cells, JUDGED);
        if is_secure(k, now.tally, sample).all() {
            report(short::<T, S, false>(k, cells, now, sample));
        } else {
            report(apart::<Self, T, S>(sample.0, k, cells, [sample]));
        }
    }
}

/// Writes the outcome of a step in which nothing but the averages moves.
#[inline(always)]
fn averages<T: Real, S: Simd>(cells: &mut impl Cells<T, S>, after: Judged<T, S>) -> Verdict<T, S> {
    cells.set(LOCATION, after.now.location);
    cells.set(SCALE, after.now.scale);
    after.verdict()
}

/// Takes the step of secure channels, on the columns: see [`full`].
#[inline(always)]
fn short<T: Real, S: Simd, const LEAN: bool>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    now: Now<T, S>,
    sample: Lane<T, S>,
) -> Verdict<T, S> {
    let (after, kept) = full::<T, S, LEAN>(k, now, sample);
    stored(k, cells, sample, after, kept)
}

/// Writes the outcome of a short step to the columns.
#[inline(always)]
fn stored<T: Real, S: Simd>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    sample: Lane<T, S>,
    after: Judged<T, S>,
    kept: [Lane<T, S>; 2],
) -> Verdict<T, S> {
    after.now.set(cells, JUDGED);
    cells.defer(
        LAST_STRIKE,
        after.strike,
        kept,
        #[inline(always)]
        |last_strike| settle(k, sample, kept, last_strike),
    );
    after.verdict()
}

impl Judge for RobustMean {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: Verdict<T, S>) -> Verdict<T, S> {
        output
    }

    #[inline(always)]
    fn estimates<T: Real, S: Simd>(k: &Constants<T>, _: &mut Memo, cells: &impl Cells<T, S>) -> [Lane<T, S>; 2] {
        reported(k, cells.get(LOCATION), Now::get(cells, JUDGED))
    }
}

impl Estimate for RobustMean {
    fn exponent<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Option<u64> {
        k.exponent_of(state[TALLY])
    }

    fn seed<T: Real>(k: &Constants<T>, state: &mut ColumnsOf<Self, T>, exponent: u64) {
        k.seed(&mut state[TALLY], exponent);
    }

    #[inline]
    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        let age = k.age_of(state[TALLY]);
        if age == 0.0 {
            return Reading { location: T::NAN, scale: T::NAN, age: T::default() };
        }
        Reading { location: state[LOCATION], scale: k.used(state[SCALE], state[TALLY]), age: T::from_f64(age) }
    }
}

impl Elapse for RobustMean {
    fn decay(&self) -> Decay {
        self.decay
    }

    fn gain_after<T: Real>(&self, elapsed: Duration) -> f64 {
        gain_after::<T>(self.decay, elapsed)
    }

    fn constants_after<T: Real>(constants: &Constants<T>, gain: f64) -> Constants<T> {
        constants.with_gain(gain)
    }

    #[inline(always)]
    fn step_after<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
    ) -> Verdict<T, S> {
        let (after, last_strike) =
            any(k, Now::get(cells, JUDGED), cells.get(LAST_STRIKE), sample, pace, Silence::OfThis);
        after.now.set(cells, JUDGED);
        cells.set(LAST_STRIKE, last_strike);
        after.verdict()
    }

    #[inline(always)]
    fn short_after<T: Real, S: Simd, F: FnOnce(Verdict<T, S>)>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
        report: F,
    ) -> Result<(), F> {
        let now = Now::get(cells, JUDGED);
        if is_steady(k, now.tally, sample, pace.alpha).all() {
            let (after, kept) = steady(k, now, sample, pace);
            report(stored(k, cells, sample, after, kept));
            return Ok(());
        }
        Err(report)
    }

    fn is_of_full_age<T: Real>(k: &Constants<T>, state: &[T; 4]) -> bool {
        let age = state[TALLY].to_word() & Constants::<T>::AGE;
        age == 0 || age == k.full_age
    }
}

/// The gain `alpha_t` of a distance in time, within the range whose ages have room.
pub(super) fn gain_after<T: Real>(decay: Decay, elapsed: Duration) -> f64 {
    decay.gain_after(elapsed).clamp(Constants::<T>::SMALLEST_GAIN_IN_TIME, LARGEST_GAIN_IN_TIME)
}

/// Most gain of a distance in time: an average is never all but the last sample.
const LARGEST_GAIN_IN_TIME: f64 = 1.0 - 1.0 / (1 << 20) as f64;
