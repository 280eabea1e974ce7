//! The robust running mean: clip against a running scale, then average.

use super::{gain_for, is_size, pace, within};
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Ops, Real, Word};
use crate::rule::{Cells, ColumnsOf, Count, Elapse, Estimate, Estimator, Reading, Rule, Scored, Step, Timed, Verdict};
use core::time::Duration;
use pulp::Simd;

/// The running robust location and scale of a signal that cannot be trusted.
///
/// Each sample is judged by its residual `r = x - location` against the scale *before* the sample, replaced if it is too
/// far, and then averaged; the scale only ever learns from clipped residuals. With gain `g`:
///
/// ```text
/// psi(r)    = sign(r) min(|r|, c s, max(0, (b s - |r|) c / (b - a)))     Hampel's three parts: clip c, taper a, reject b
/// location += g psi(r)                                                   g = max(alpha, 1/age)
/// scale    += g (min(|r|, k s) - s)                                      k bounds what one sample may add
/// ```
///
/// * `age` counts the samples up to `1/alpha`: the estimate is an average while young and exponential afterwards.
/// * A residual beyond `h = 4` scales is a *strike*; any other sample takes one back. `patience` strikes re-open the
///   estimate: the location becomes the median of the sample, the strike before it and the present location, at age 1.
///   Cold start, level shift and recovery of a collapsed scale are this one mechanism.
/// * NaN is missing: nothing changes. An infinity is a giant outlier of its sign; it cannot be a channel's first sample.
///   Samples beyond half the largest float count as half the largest float.
/// * The scale never falls below `2^-40 |location|` (`f32`: `2^-20`), nor below half the [`resolution`](Self::resolution).
///
/// # What it promises
/// * Influence of one sample, unless it is a channel's first or the strike that re-opens the estimate: at most
///   `gain * c * scale`, and zero beyond `b` scales.
/// * Gaussian efficiency: 96%.
/// * A level shift of 10 sigma or more is recovered in about `patience` samples (median 12, 24 at worst of 1500).
/// * Breakdown: what ends it is a run of strikes that re-opens the estimate onto the outliers. At patience 12, of
///   estimates in runs of 17,000 samples under one-sided contamination at 30 sigma, about 0.1% or fewer are lost at 25%, 7%
///   at 30%, 44% at 35%; fewer in shorter runs. More patience withstands more and recovers later.
/// * [Accuracy](https://github.com/evenkeel/evenkeel/blob/main/docs/ACCURACY.md), from `cargo bench --bench accuracy`, has
///   the errors on some fifty kinds of signal, beside a plain average, medians and a Hampel filter.
///
/// # When not to use it
/// * **Skew**: the mean of a skewed signal (latencies, sizes) is in its tail; cutting that biases the location. Use
///   [`mean_faithful`](Self::mean_faithful).
/// * **Counts near zero and other discrete data** without a [`resolution`](Self::resolution): a series that repeats one
///   value more than half the time is taken for a constant with outliers.
/// * **Contamination above a quarter, on one side**: it will re-open onto the outliers now and then.
/// * **A giant first sample** leaves a wide scale behind. The location recovers within the patience, but the scale shrinks
///   only as fast as the memory allows, and until then outliers up to its size count: after a first sample of 1e6 sigma for
///   about four half-lives.
/// * A shift of 3 scales is tracked a little worse than by a plain average; the first five samples are a running median,
///   not an average; 15% contamination at only +6 scales costs fourteen times a plain average's clean error.
///
/// # Source
/// Huber, *Robust Estimation of a Location Parameter* (1964), for the clip; Hampel, Ronchetti, Rousseeuw and Stahel,
/// *Robust Statistics* (1986), section 2.6, for the three-part psi. The judging scale, strikes and re-opening are this
/// project's.
///
/// State per channel: location, scale, the last strike, and a word that holds strikes and age: four columns.
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
    /// Where psi begins to fall and where it is zero; `None` keeps it flat (Huber).
    pub(super) reject: Option<(f64, f64)>,
    pub(super) scale_clip: f64,
    pub(super) patience: u32,
    pub(super) resolution: f64,
}

/// A residual beyond this many scales is a strike.
const STRIKE_AT: f64 = 4.0;
/// How much a scale that has collapsed may grow at each re-opening.
const REGROW: f64 = 8.0;
/// Above this gain the average is all but the last sample.
const LARGEST_GAIN: f64 = 1.0 - FIRST_SCALE;
/// The first scale, as a part of the first sample's size.
const FIRST_SCALE: f64 = 1.0 / (1 << 20) as f64;

impl RobustMean {
    /// Hampel's psi with clip 2, taper from 5, reject at 8; scale clip 2; patience 12; no resolution.
    #[must_use]
    pub fn new(decay: Decay) -> Self {
        Self { decay, clip: 2.0, reject: Some((5.0, 8.0)), scale_clip: 2.0, patience: 12, resolution: 0.0 }
    }

    /// The preset for skewed data such as latencies, where cutting the tail biases the mean: Huber's psi with clip 3 and
    /// scale clip 3. It follows the mean of a lognormal at 1.18 times a plain average's error instead of 3.6, and pays for
    /// it when many outliers lie on one side.
    #[must_use]
    pub fn mean_faithful(self) -> Self {
        Self { clip: 3.0, reject: None, scale_clip: 3.0, ..self }
    }

    /// Residuals beyond `scales` scales count as `scales` scales. 2 by default.
    ///
    /// # Errors
    /// `scales` is not from 2^-20 to 2^20.
    pub fn clip(self, scales: f64) -> Result<Self, ParameterError> {
        Ok(Self { clip: multiple("clip", scales)?, ..self })
    }

    /// Residuals beyond `from` scales count for less and less, and beyond `at` scales for nothing. 5 and 8 by default.
    ///
    /// # Errors
    /// `from` or `at` is not from 2^-20 to 2^20, or `at` is not above `from`.
    pub fn reject(self, from: f64, at: f64) -> Result<Self, ParameterError> {
        let from = multiple("the start of the taper", from)?;
        let at = multiple("reject", at)?;
        ParameterError::check("reject", at, "above the start of the taper", |at| at > from)?;
        Ok(Self { reject: Some((from, at)), ..self })
    }

    /// No sample is rejected: beyond the clip, psi stays flat (Huber's psi).
    #[must_use]
    pub fn reject_nothing(self) -> Self {
        Self { reject: None, ..self }
    }

    /// One sample moves the scale as if its residual were at most `scales` scales. 2 by default.
    ///
    /// # Errors
    /// `scales` is not above 1 (below that the scale could never grow) and at most 2^20.
    pub fn scale_clip(self, scales: f64) -> Result<Self, ParameterError> {
        let scale_clip = multiple("scale_clip", scales)?;
        ParameterError::check("scale_clip", scale_clip, "above 1", |k| k > 1.0)?;
        Ok(Self { scale_clip, ..self })
    }

    /// How many strikes re-open the estimate. 12 by default; 8 is better for short memories (gain 0.05 and above).
    ///
    /// Fewer recover sooner from a level shift; more survive a higher share of outliers on one side.
    ///
    /// # Errors
    /// `strikes` is not from 1 to 255.
    pub fn patience(self, strikes: u32) -> Result<Self, ParameterError> {
        ParameterError::check("patience", strikes.into(), "from 1 to 255", |r| (1.0..=255.0).contains(&r))?;
        Ok(Self { patience: strikes, ..self })
    }

    /// The step in which the signal is recorded: 1 for counts. The scale never falls below half of it, so that a run of
    /// equal values is not taken for a constant. 0, the default, is none.
    ///
    /// # Errors
    /// `step` is not at least 0 and finite.
    pub fn resolution(self, step: f64) -> Result<Self, ParameterError> {
        let resolution =
            ParameterError::check("resolution", step, "at least 0 and finite", |s| s >= 0.0 && s.is_finite())?;
        Ok(Self { resolution, ..self })
    }
}

/// A number of scales that means something.
fn multiple(name: &'static str, scales: f64) -> Result<f64, ParameterError> {
    // Within these bounds every quotient of two of them is an ordinary number in both lane types.
    let most = f64::from(1 << 20);
    ParameterError::check(name, scales, "from 2^-20 to 2^20", |m| (1.0 / most..=most).contains(&m))
}

/// The columns of the state, by position.
const LOCATION: usize = 0;
const SCALE: usize = 1;
const LAST_STRIKE: usize = 2;
/// Age in the low `COUNT_BITS` bits, strikes above them. Age counts steps, of which a sample is [`Constants::one`], and stops at
/// the first that reaches `1/alpha`; the age of the equations is the smaller of the two.
const TALLY: usize = 3;

/// [`RobustMean`]'s parameters in lane type `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    alpha: T,
    /// How many steps of age a sample is: 1, or, where the decay is in time and `1/alpha` another number for each sample,
    /// enough of them to hold what is behind the point.
    one: u64,
    /// The same as a number.
    unit: T,
    /// `1/alpha`, in steps.
    max_age: T,
    clip: T,
    reject: T,
    slope: T,
    scale_clip: T,
    /// Clip and scale clip are the same, so that one of them need not be computed.
    one_clip: bool,
    strike_at: T,
    regrow: T,
    first_scale: T,
    floor: T,
    relative_floor: T,
    /// `max(alpha, 1 / age)` of every channel of full age.
    full_gain: T,
    /// Residuals up to this many scales are neither strikes nor anywhere near the taper.
    quiet: T,
    /// Full age as it is counted: the first whole number that reaches `max_age`.
    full_age: u64,
    patience: u64,
    /// A tally with these bits set to those of `secure` is of full age and so far from `patience` strikes that the next sample
    /// cannot re-open the estimate: at most the largest power of two below it, so that one comparison tells.
    secure_mask: u64,
    secure: u64,
}

impl<T: Real> Constants<T> {
    const ONE_STRIKE: u64 = 1 << <T as Ops>::COUNT_BITS;
    const AGE: u64 = Self::ONE_STRIKE - 1;
    /// Steps of age in a sample, where the decay is in time: `2^-24` samples in `f64`, with room for ages up to `2^27`;
    /// `2^-8` and `2^14` in `f32`.
    const STEPS: u64 = 1 << if <T as Ops>::COUNT_BITS > 23 { 24 } else { 8 };
    /// The smallest gain for which an age, and one sample more, can be counted in such steps.
    const SMALLEST_GAIN: f64 = 2.0 * Self::STEPS as f64 / Self::ONE_STRIKE as f64;

    /// The same with another gain, from [`Self::SMALLEST_GAIN`] or the smallest of the lane type up to `LARGEST_GAIN`.
    fn with_gain(self, gain: f64) -> Self {
        let alpha = T::from_f64(gain);
        let unit = self.unit.to_f64();
        let max_age = T::from_f64(unit / gain);
        let young_gain = T::from_f64(unit / max_age.to_f64()); // division of T: f64 holds both exactly, one rounding
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to 2^51 by the smallest gains
        let full_age = max_age.to_f64().ceil() as u64;
        let full_gain = if young_gain < alpha { alpha } else { young_gain };
        let secure = if self.secure_mask == 0 { self.secure } else { full_age };
        Self { alpha, max_age, full_gain, full_age, secure, ..self }
    }
}

impl Rule for RobustMean {}
impl Estimator for RobustMean {}
impl Scored for RobustMean {}
impl Timed for RobustMean {}

impl Step for RobustMean {
    const NAME: &'static str = "RobustMean";
    type Columns = Count<4>;
    const STREAMED: u32 = !(1 << LAST_STRIKE);
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let (gain, one) = if self.is_in_time() {
            (Constants::<T>::SMALLEST_GAIN, Constants::<T>::STEPS)
        } else {
            (gain_for::<T>(Self::NAME, self.decay)?, 1)
        };
        // A gain of one is no mean, and rounds a location at the end of the range out of it.
        ParameterError::check("the gain of a robust mean", gain, "at most 1 - 2^-20", |gain| gain <= LARGEST_GAIN)?;
        let floor = (self.resolution / 2.0).max(T::ABSOLUTE_FLOOR);
        ParameterError::check("resolution", self.resolution, "within the range of the lane type", |_| {
            floor < T::HALF_MAX.to_f64()
        })?;
        let slope = self.reject.map_or(1.0, |(from, at)| self.clip / (at - from));
        // The taper falls with the residual: where it still exceeds the clip at the strike threshold, it cannot bind before.
        // Half a scale and one part in a thousand are room for rounding.
        let taper_binds =
            self.reject.is_some_and(|(from, at)| at < STRIKE_AT + 0.5 || at - STRIKE_AT < (at - from) * 1.001);
        // Fewer strikes than a power of two that is at most `patience - 1`: no bit from that power on is set. At a patience of 1
        // no strike is harmless, and no tally is secure.
        let (secure_mask, secure) = match (self.patience - 1).checked_ilog2() {
            Some(exponent) => (!(((1 << exponent) - 1) * Constants::<T>::ONE_STRIKE), 0),
            None => (0, 1),
        };
        let constants = Constants {
            alpha: T::default(),
            one,
            unit: T::from_f64(one as f64),
            max_age: T::default(),
            clip: T::from_f64(self.clip),
            reject: T::from_f64(self.reject.map_or(f64::INFINITY, |(_, at)| at)),
            slope: T::from_f64(slope),
            scale_clip: T::from_f64(self.scale_clip),
            one_clip: self.clip == self.scale_clip,
            strike_at: T::from_f64(STRIKE_AT),
            regrow: T::from_f64(REGROW),
            first_scale: T::from_f64(FIRST_SCALE),
            floor: T::from_f64(floor),
            relative_floor: T::from_f64(T::RELATIVE_FLOOR),
            full_gain: T::default(),
            quiet: T::from_f64(if taper_binds { 0.0 } else { STRIKE_AT }),
            full_age: 0,
            patience: u64::from(self.patience) * Constants::<T>::ONE_STRIKE,
            secure_mask,
            secure,
        };
        Ok(constants.with_gain(gain))
    }

    fn is_in_time(&self) -> bool {
        self.decay.in_time().is_some()
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let (taper_from, reject) = self.reject.unwrap_or((f64::INFINITY, f64::INFINITY));
        vec![
            pace(self.decay),
            ("clip", self.clip),
            ("taper_from", taper_from),
            ("reject", reject),
            ("scale_clip", self.scale_clip),
            ("patience", self.patience.into()),
            ("resolution", self.resolution),
        ]
    }

    fn is_state<T: Real>(k: &Constants<T>, state: &[T; 4]) -> bool {
        let [location, scale, last_strike, tally] = *state;
        let (age, strikes) = (tally.to_word() & Constants::<T>::AGE, tally.to_word() & !Constants::<T>::AGE);
        if tally.to_word() == 0 {
            return state.iter().zip(Self::unseen()).all(|(have, unseen): (_, T)| have.to_word() == unseen.to_word());
        }
        let relative = T::from_f64(k.relative_floor.to_f64() * location.to_f64().abs());
        (k.one..=k.full_age).contains(&age)
            && strikes <= k.patience
            && within(location, T::HALF_MAX)
            && within(last_strike, T::HALF_MAX)
            && is_size(scale, T::MAX)
            && scale >= k.floor
            && scale >= relative
    }

    fn unseen<T: Real>() -> [T; 4] {
        [T::NAN, T::default(), T::default(), T::from_word(0)]
    }

    #[inline(always)]
    fn calm<T: Real, S: Simd>(k: &Constants<T>, cells: &impl Cells<T, S>) -> bool {
        let tally = cells.get(TALLY);
        tally.word().eq(Word::splat(tally.0, k.full_age)).all()
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
    ) -> Verdict<T, S> {
        let simd = sample.0;
        let now = State { location: cells.get(LOCATION), scale: cells.get(SCALE), tally: cells.get(TALLY).word() };
        let ordinary = sample.abs().le(Lane::splat(simd, T::HALF_MAX));
        let full_age = Word::splat(simd, k.full_age);
        if cells.hopeful() {
            let quiet = (sample - now.location).abs().le(Lane::splat(simd, k.quiet) * now.scale);
            if (now.tally.eq(full_age) & ordinary & quiet).all() {
                return advance::<T, S, CALM>(k, cells, now, sample);
            }
        }
        let secure = (now.tally & Word::splat(simd, k.secure_mask)).eq(Word::splat(simd, k.secure));
        if (secure & ordinary).all() {
            return advance::<T, S, FULL>(k, cells, now, sample);
        }
        advance::<T, S, ANY>(k, cells, now, sample)
    }
}

impl Estimate for RobustMean {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: Verdict<T, S>) -> Verdict<T, S> {
        output
    }

    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        let age = T::from_f64((state[TALLY].to_word() & Constants::<T>::AGE) as f64);
        let age = if age < k.max_age { age } else { k.max_age };
        if age == T::default() {
            return Reading { location: T::NAN, scale: T::NAN, age };
        }
        let age = T::from_f64(age.to_f64() / k.unit.to_f64());
        Reading { location: state[LOCATION], scale: state[SCALE], age }
    }
}

impl Elapse for RobustMean {
    fn decay(&self) -> Decay {
        self.decay
    }

    fn constants_after<T: Real>(&self, constants: &Constants<T>, elapsed: Duration) -> Constants<T> {
        constants.with_gain(self.decay.gain_after(elapsed).clamp(Constants::<T>::SMALLEST_GAIN, LARGEST_GAIN))
    }
}

/// The step is one piece of code, specialised for what is known about all channels of a vector. The bits are the same.
type Path = u8;
/// Full age, no strikes, and an ordinary sample that is neither a strike nor near the taper: nothing but the average moves.
const CALM: Path = 0;
/// Full age, an ordinary sample, and too few strikes to re-open: the gain is a constant, and there is no branch.
const FULL: Path = 1;
/// Any state, any sample.
const ANY: Path = 2;

/// What every path reads of the state.
#[derive(Clone, Copy)]
struct State<T: Real, S: Simd> {
    location: Lane<T, S>,
    scale: Lane<T, S>,
    tally: Word<T, S>,
}

#[inline(always)]
fn advance<T: Real, S: Simd, const PATH: Path>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    now: State<T, S>,
    sample: Lane<T, S>,
) -> Verdict<T, S> {
    let simd = sample.0;
    let number = |value| Lane::splat(simd, value);
    let word = |value| Word::<T, S>::splat(simd, value);
    let never = Mask::never(simd);
    let State { location, scale, tally } = now;

    let bound = number(T::HALF_MAX);
    let x = if PATH == ANY { sample.clamp(T::HALF_MAX) } else { sample };
    let residual = x - location;
    let size = residual.abs();

    // One gain for both: 1/age while young, alpha afterwards.
    let age = tally & word(Constants::<T>::AGE);
    let next_age = age + word(k.one);
    let young = next_age.count().lt(number(k.max_age));
    let gain = if PATH == ANY {
        let new_age = young.select(next_age.count(), number(k.max_age));
        (number(k.unit) / new_age).max_of_ordinary(number(k.alpha))
    } else {
        number(k.full_gain)
    };

    // The location moves by psi of the residual, the scale towards the clipped residual.
    let clipped = size.min_of_ordinary(number(k.clip) * scale);
    let mut kept = clipped;
    if PATH != CALM {
        // Huber's psi has an infinite reject. A zero may come out with either sign, which is lost below.
        let taper = (number(k.reject) * scale - size) * number(k.slope);
        kept = kept.min_of_ordinary(taper.max_of_ordinary(number(T::default())));
    }
    let mut new_location = location + gain * kept.with_sign_of(residual);
    let grow = if k.one_clip { clipped } else { size.min_of_ordinary(number(k.scale_clip) * scale) };
    let mut new_scale = at_least_floor(k, new_location, scale + gain * (grow - scale));

    if PATH == CALM {
        cells.set(LOCATION, new_location);
        cells.set(SCALE, new_scale);
        return Verdict { score: residual / scale, accepted: !never, outlier: never, reopened: never };
    }

    let one_strike = word(Constants::<T>::ONE_STRIKE);
    let strike = (number(k.strike_at) * scale).lt(size);
    if PATH == FULL {
        // Strikes are above the age, which stays as it is: one more, or one less if there are any.
        let none = tally.eq(word(k.full_age));
        let change = strike.select_word(one_strike, none.select_word(word(0), word(0) - one_strike));
        cells.set(LOCATION, new_location);
        cells.set(SCALE, new_scale);
        cells.set(TALLY, (tally + change).lane());
        cells.keep_sample(LAST_STRIKE, strike, sample);
        return Verdict { score: residual / scale, accepted: !never, outlier: strike, reopened: never };
    }

    let strikes = tally & word(!Constants::<T>::AGE);
    let one_less = strikes.eq(word(0)).select_word(strikes, strikes - one_strike);
    let one_more = strikes.eq(word(k.patience)).select_word(strikes, strikes + one_strike);
    let struck = strike.select_word(one_more, one_less);
    let last_strike = cells.get(LAST_STRIKE);
    let first = age.eq(word(0));
    let strike = strike & !first;
    let finite = sample.abs().le(bound + bound);
    let accepted = sample.is_number() & (finite | !first);
    let reopen = first | (struck.eq(word(k.patience)) & finite);
    let mut new_tally = young.select_word(next_age, word(k.full_age)) | struck;
    if reopen.any() {
        let cap = age.eq(word(k.one)).select(number(k.regrow) * scale, scale);
        let opened = first.select(x, median_of_3(x, last_strike, location));
        let opened_scale = first.select(number(k.first_scale) * x.abs(), size.min_of_ordinary(cap));
        new_location = reopen.select(opened, new_location);
        new_scale = reopen.select(at_least_floor(k, opened, opened_scale), new_scale);
        new_tally = reopen.select_word((word(k.patience) - one_strike) | word(k.one), new_tally);
    }
    cells.set(LOCATION, accepted.select(new_location, location));
    cells.set(SCALE, accepted.select(new_scale, scale));
    cells.set(LAST_STRIKE, (accepted & (first | strike)).select(x, last_strike));
    cells.set(TALLY, accepted.select_word(new_tally, tally).lane());
    Verdict {
        score: (accepted & !first).select(residual / scale, number(T::NAN)),
        accepted,
        outlier: accepted & strike,
        reopened: accepted & reopen & !first,
    }
}

/// The scale, not below its floors.
#[inline(always)]
fn at_least_floor<T: Real, S: Simd>(k: &Constants<T>, location: Lane<T, S>, scale: Lane<T, S>) -> Lane<T, S> {
    let relative = Lane::splat(scale.0, k.relative_floor) * location.abs();
    scale.max_of_ordinary(relative.max_of_ordinary(Lane::splat(scale.0, k.floor)))
}

/// The middle of three, by compare and select: the sign of a zero is the specification's.
#[inline(always)]
fn median_of_3<T: Real, S: Simd>(a: Lane<T, S>, b: Lane<T, S>, c: Lane<T, S>) -> Lane<T, S> {
    let ordered = a.lt(b);
    let (low, high) = (ordered.select(a, b), ordered.select(b, a));
    let middle = high.lt(c).select(high, c);
    middle.lt(low).select(low, middle)
}
