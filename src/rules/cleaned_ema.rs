//! [`CleanedEma`]: the plain average of a signal, as if its spikes had not been there.

use super::resolution::Resolution;
use super::robust_mean::{
    Constants as JudgeConstants, Gain, Judged, Now, Silence, any, calm, checked, full, gain_after, is_alive,
    is_far_from_patience, is_secure, is_silence, is_soon, is_starting, multiple, older, patience, reported, settle,
};
use super::{RobustMean, gain_for, pace, within};
use crate::cells::{Cells, apart};
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real};
use crate::rule::{
    ColumnsOf, Count, Elapse, Estimate, Estimator, Judge, Memo, Pace, Reading, Rule, Scored, Step, Timed, Verdict,
};
use core::time::Duration;
use pulp::Simd;

/// The exponential average of a signal as if its spikes had not been there: a filter-cleaner before an average.
///
/// A [`RobustMean`] of short memory is the *judge*. A sample further than `b = 8` of its scales from it is replaced by
/// its location; the rest is averaged as it is, so that skew, noise and small steps come through unchanged. With the
/// judge's location `l` and scale `s` before the sample, and the gain `g` of the average:
///
/// ```text
/// y        = l if |x - l| > b s, else x
/// average += g (y - average)                           g = 1/age while the age counts, then alpha
/// pending  = (1 - g) pending + g                       of a sample that was replaced,
///            0.9 (1 - g) pending                       of one that was not; 0 below 2^-100 (f32: 2^-50)
/// ```
///
/// `pending` is the share of the average that stands in for replaced samples. Where the judge re-opens at a new
/// location `l'`, what it had rejected was the signal: the average is refunded, `average += pending (l' - l)`, and
/// begins anew at `l'` if that is more than half of it, or if it rests on no more than eight samples.
///
/// * The judge has the gain 0.1, or the average's own if that is larger, and a [`patience`](Self::patience) of 10. It
///   counts samples, also where the average's half-life is [in time](crate::Decay#in-time); a silence that leaves less
///   than one sample of the average re-arms it, so that two samples of a new level are enough.
/// * The first five samples are the judge's running median; they have no score (NaN), and none of them is replaced.
/// * The location is the average. The scale, the score and what is re-opened are the judge's, and an outlier is a
///   sample that was replaced.
/// * NaN is missing; an infinity is replaced, and cannot be one of the first five samples. The average stays within
///   half the largest float.
///
/// # What it promises
/// * The error of a plain average on a clean signal: its Gaussian efficiency is that average's.
/// * Outliers beyond 8 scales are left out: with 20% of them at a million sigma the error is 1.22 times a plain
///   average's clean one. Once in some ten million samples of such a signal so many come together that the judge takes
///   them for the level, for a while.
/// * [Accuracy](https://github.com/evenkeel/evenkeel/blob/main/docs/ACCURACY.md) has the errors beside other
///   estimators, on real series too.
///
/// # When not to use it
/// * **Many near outliers**: 15% at +6 sigma or 20% at +10 are averaged in as if they were signal. Use [`RobustMean`].
/// * **Heavy tails without a mean** (Cauchy): use [`RobustMean`].
/// * **The level itself must be followed fast** through shifts: it follows as fast as its memory, as any average does,
///   once the judge has re-opened.
/// * **Bursts and levels that belong to the mean**, such as the load of a core between idle and busy: they are taken
///   for spikes. A plain average is the honest answer there.
///
/// # Source
/// Martin and Thomson, *Robust-resistant spectrum estimation*, Proceedings of the IEEE 70 (1982), for filter-cleaners;
/// the judge, the share that is pending and the refund are this project's.
///
/// State per channel: the average, the judge's scale, location, last strike and tally, the age of the average and
/// `pending`: seven columns.
///
/// ```
/// use evenkeel::{Bank, CleanedEma, Decay};
/// let mut bank = Bank::<CleanedEma>::new(CleanedEma::new(Decay::half_life(60.0)?), 2)?;
/// for t in 0..200 {
///     let skewed = f64::from(t * 37 % 11).powi(2) / 10.0;
///     let spike = if t % 50 == 40 { 1e6 } else { 0.0 };
///     bank.update(&[skewed, skewed + spike])?;
/// }
/// let [clean, spiked] = [bank.locations()[0], bank.locations()[1]];
/// assert!((clean - spiked).abs() < 0.05); // the mean of the signal, tail and all
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::CleanedEmaConfig", into = "super::config::CleanedEmaConfig")
)]
pub struct CleanedEma {
    pub(super) decay: Decay,
    pub(super) reject: f64,
    pub(super) patience: u32,
    pub(super) resolution: Resolution,
}

/// Least gain of the judge.
const JUDGE_GAIN: f64 = 0.1;
/// Part of the pending share that each sample which is not replaced takes away.
const FORGET: f64 = 0.1;
/// Most samples of an average that begins anew where the judge does.
const EARLY: f64 = 8.0;
/// Least pending share; a smaller one counts as none. It would sink for ever, into the numbers that processors are slow
/// with, and a refund of it is below the rounding of all but averages of the very smallest gains.
const fn least_pending<T: Real>() -> f64 {
    1.0 / if size_of::<T>() == 4 { (1_u64 << 50) as f64 } else { (1_u128 << 100) as f64 }
}

impl CleanedEma {
    /// The number of the judge's scales beyond which a sample is replaced, by default.
    pub const REJECT: f64 = 8.0;

    /// Makes an average that forgets by `decay`, of samples within 8 scales of a judge of patience 10; no resolution.
    #[must_use]
    pub fn new(decay: Decay) -> Self {
        Self { decay, reject: Self::REJECT, patience: 10, resolution: Resolution::default() }
    }

    /// Sets the number of the judge's scales beyond which a sample is replaced by the judge's location. 8 by default.
    ///
    /// # Errors
    /// `scales` is not from 2^-20 to 2^20.
    pub fn reject(self, scales: f64) -> Result<Self, ParameterError> {
        Ok(Self { reject: multiple("reject", scales)?, ..self })
    }

    /// Sets the number of strikes, samples beyond four of its scales, that re-open the judge. 10 by default.
    ///
    /// # Errors
    /// `strikes` is not from 1 to 63.
    pub fn patience(self, strikes: u32) -> Result<Self, ParameterError> {
        Ok(Self { patience: patience(strikes)?, ..self })
    }

    /// Sets the step in which the signal is recorded, for the judge: see [`RobustMean::resolution`].
    ///
    /// # Errors
    /// The step is not at least 0 and finite.
    pub fn resolution(self, resolution: impl Into<Resolution>) -> Result<Self, ParameterError> {
        Ok(Self { resolution: checked(resolution.into())?, ..self })
    }
}

/// The columns of the state, by position.
const AVERAGE: usize = 0;
const SCALE: usize = 1;
const LOCATION: usize = 2;
const LAST_STRIKE: usize = 3;
const TALLY: usize = 4;
/// The age of the average: a number, not an integer in its bits.
const AGE: usize = 5;
const PENDING: usize = 6;
/// The columns that the judge reads and writes at every step.
const JUDGE: [usize; 3] = [LOCATION, SCALE, TALLY];

/// The parameters of a [`CleanedEma`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    judge: JudgeConstants<T>,
    in_time: bool,
    /// The gain of the average; `full` is `1/alpha`.
    alpha: T,
    full: T,
    /// The full age of the average as it is stored; NaN, which no age is, where there are no short steps.
    full_age: T,
    /// The gain of full age.
    full_gain: T,
    /// `1 - full_gain`.
    full_keep: T,
    reject: T,
    /// `1 - FORGET`.
    keep: T,
    /// The least pending share: see [`least_pending`].
    least_pending: T,
    early: T,
}

impl<T: Real> Constants<T> {
    fn with_gain(self, gain: f64) -> Self {
        let Gain { alpha, full, of_full_age: full_gain, is_short } = Gain::new(gain, self.in_time);
        let full_age = if !is_short {
            T::NAN
        } else if self.in_time {
            JudgeConstants::<T>::age_in_time(full)
        } else {
            full
        };
        let full_keep = T::from_f64(1.0 - full_gain.to_f64());
        Self { alpha, full, full_age, full_gain, full_keep, ..self }
    }
}

impl Rule for CleanedEma {}
impl Estimator for CleanedEma {}
impl Timed for CleanedEma {}

impl Scored for CleanedEma {
    fn outlier_at(&self) -> f64 {
        self.reject
    }
    fn unscored(&self) -> u64 {
        RobustMean::START
    }
}

impl Step for CleanedEma {
    const NAME: &'static str = "CleanedEma";
    type Columns = Count<7>;
    const STREAMED: u32 = !(1 << LAST_STRIKE);
    const RARE: usize = LAST_STRIKE;
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let in_time = self.is_in_time();
        let smallest = JudgeConstants::<T>::SMALLEST_GAIN_IN_TIME;
        let gain = if in_time { smallest } else { gain_for::<T>(Self::NAME, self.decay)? };
        let judge = RobustMean {
            patience: self.patience,
            resolution: self.resolution,
            ..RobustMean::new(Decay::alpha(JUDGE_GAIN.max(gain))?)
        };
        let zero = T::default();
        let constants = Constants {
            judge: judge.constants()?,
            in_time,
            alpha: zero,
            full: zero,
            full_age: zero,
            full_gain: zero,
            full_keep: zero,
            reject: T::from_f64(self.reject),
            keep: T::from_f64(1.0 - FORGET),
            least_pending: T::from_f64(least_pending::<T>()),
            early: T::from_f64(EARLY),
        };
        Ok(constants.with_gain(gain))
    }

    fn is_in_time(&self) -> bool {
        self.decay.in_time().is_some()
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let mut parameters = vec![pace(self.decay), ("reject", self.reject), ("patience", self.patience.into())];
        parameters.extend(self.resolution.parameters());
        parameters
    }

    fn is_state<T: Real>(k: &Constants<T>, state: &[T; 7]) -> bool {
        let [average, scale, location, last_strike, tally, age, pending] = *state;
        if !k.judge.is_state(&[location, scale, last_strike, tally]) {
            return false;
        }
        if k.judge.age_of(tally) == 0.0 {
            return average.to_word() == T::NAN.to_word() && age.to_word() | pending.to_word() == 0;
        }
        let (age, pending) = (age.to_f64(), pending.to_f64());
        let most =
            if k.in_time { 1.0 / JudgeConstants::<T>::SMALLEST_GAIN_IN_TIME + 1.0 } else { k.full.to_f64().max(3.0) };
        within(average, T::HALF_MAX)
            && (1.0..=most).contains(&age)
            && (!k.in_time || JudgeConstants::<T>::is_age_in_time(age))
            && (0.0..=1.0).contains(&pending)
    }

    fn of_parameters(parameters: &[(String, f64)]) -> Option<Self> {
        super::restored::cleaned_ema(parameters)
    }

    fn convert<T: Real>(from: &Constants<T>, to: &Constants<T>, state: &mut [T; 7]) {
        if from.judge.age_of(state[TALLY]) > 0.0 {
            state[AGE] = JudgeConstants::converted_average(state[AGE], to.full, to.in_time);
        }
        let judge = [LOCATION, SCALE, LAST_STRIKE, TALLY];
        let converted = to.judge.converted(&from.judge, judge.map(|column| state[column]));
        for (column, value) in judge.into_iter().zip(converted) {
            state[column] = value;
        }
    }

    fn unseen<T: Real>() -> [T; 7] {
        let zero = T::default();
        [T::NAN, zero, T::NAN, zero, T::from_word(0), zero, zero]
    }

    #[inline(always)]
    fn settle<T: Real, S: Simd>(
        k: &Constants<T>,
        [sample]: [Lane<T, S>; 1],
        kept: [Lane<T, S>; 2],
        last_strike: Lane<T, S>,
    ) -> Lane<T, S> {
        settle(&k.judge, sample, kept, last_strike)
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
        if !k.judge.is_lean {
            return Err(report);
        }
        let now = Now::get(cells, JUDGE);
        if T::lanes::<S>() == 1 {
            let (after, is_calm) = calm(&k.judge, now, sample);
            if (is_calm & is_near(k, &after) & is_settled(k, cells) & is_paid(cells)).all() {
                let average = cells.get(AVERAGE);
                cells.set(AVERAGE, average + Lane::splat(sample.0, k.full_gain) * (sample - average));
                cells.set(SCALE, after.now.scale);
                cells.set(LOCATION, after.now.location);
                report(verdict(&after, Mask::never(sample.0)));
                return Ok(());
            }
        }
        if (is_secure(&k.judge, now.tally, sample) & is_settled(k, cells)).all() && is_alive(&k.judge, now).all() {
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
        let now = Now::get(cells, JUDGE);
        if (is_secure(&k.judge, now.tally, sample) & is_settled(k, cells)).all() {
            report(short::<T, S, false>(k, cells, now, sample));
        } else {
            report(apart::<Self, T, S>(sample.0, k, cells, [sample]));
        }
    }
}

/// Takes the step of secure channels whose average is of full age, on the columns: the judge's [`full`] and the
/// average's.
#[inline(always)]
fn short<T: Real, S: Simd, const LEAN: bool>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    now: Now<T, S>,
    sample: Lane<T, S>,
) -> Verdict<T, S> {
    let number = |value| Lane::splat(sample.0, value);
    let (average, gain) = (cells.get(AVERAGE), number(k.full_gain));
    let (after, kept) = full::<T, S, LEAN>(&k.judge, now, sample);
    let replaced = !is_near(k, &after);
    let target = replaced.select(now.location, sample);
    let pending = cells.get(PENDING) * number(k.full_keep);
    let pending = replaced.select(pending + gain, forgotten(k, pending));
    cells.set(AVERAGE, average + gain * (target - average));
    cells.set(PENDING, pending);
    after.now.set(cells, JUDGE);
    cells.defer(
        LAST_STRIKE,
        after.strike,
        kept,
        #[inline(always)]
        |last_strike| settle(&k.judge, sample, kept, last_strike),
    );
    verdict(&after, replaced)
}

/// The lanes whose average is of full age.
#[inline(always)]
fn is_settled<T: Real, S: Simd>(k: &Constants<T>, cells: &impl Cells<T, S>) -> Mask<T, S> {
    let age = cells.get(AGE);
    age.eq(Lane::splat(age.0, k.full_age))
}

/// The lanes in which nothing of the average stands in for replaced samples.
#[inline(always)]
fn is_paid<T: Real, S: Simd>(cells: &impl Cells<T, S>) -> Mask<T, S> {
    let pending = cells.get(PENDING);
    pending.eq(Lane::splat(pending.0, T::default()))
}

/// The pending share after a sample that is not replaced.
#[inline(always)]
fn forgotten<T: Real, S: Simd>(k: &Constants<T>, pending: Lane<T, S>) -> Lane<T, S> {
    let number = |value| Lane::splat(pending.0, value);
    let left = pending * number(k.keep);
    left.lt(number(k.least_pending)).select(number(T::default()), left)
}

/// The lanes whose sample is too near the judge's location to be replaced.
#[inline(always)]
fn is_near<T: Real, S: Simd>(k: &Constants<T>, after: &Judged<T, S>) -> Mask<T, S> {
    after.residual.abs().le(Lane::splat(after.used.0, k.reject) * after.used)
}

#[inline(always)]
fn verdict<T: Real, S: Simd>(after: &Judged<T, S>, outlier: Mask<T, S>) -> Verdict<T, S> {
    Verdict { score: after.score(), accepted: after.accepted, outlier, reopened: after.reopened }
}

impl Judge for CleanedEma {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: Verdict<T, S>) -> Verdict<T, S> {
        output
    }

    #[inline(always)]
    fn estimates<T: Real, S: Simd>(k: &Constants<T>, _: &mut Memo, cells: &impl Cells<T, S>) -> [Lane<T, S>; 2] {
        reported(&k.judge, cells.get(AVERAGE), Now::get(cells, JUDGE))
    }
}

impl Estimate for CleanedEma {
    #[inline]
    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        if k.judge.age_of(state[TALLY]) == 0.0 {
            return Reading { location: T::NAN, scale: T::NAN, age: T::default() };
        }
        Reading { location: state[AVERAGE], scale: k.judge.used(state[SCALE], state[TALLY]), age: state[AGE] }
    }

    fn exponent<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Option<u64> {
        k.judge.exponent_of(state[TALLY])
    }

    fn seed<T: Real>(k: &Constants<T>, state: &mut ColumnsOf<Self, T>, exponent: u64) {
        k.judge.seed(&mut state[TALLY], exponent);
    }
}

impl Elapse for CleanedEma {
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
        let before = Now::get(cells, JUDGE);
        let silence = if k.in_time { is_silence(cells.get(AGE), pace.alpha) } else { Mask::never(sample.0) };
        let steady = Pace::of(sample.0, [k.judge.alpha, k.judge.full]);
        let (after, last_strike) = any(&k.judge, before, cells.get(LAST_STRIKE), sample, steady, Silence::Of(silence));
        cells.set(LAST_STRIKE, last_strike);
        averaged::<T, S, false>(k, cells, before, &after, sample, pace)
    }

    #[inline(always)]
    fn short_after<T: Real, S: Simd, F: FnOnce(Verdict<T, S>)>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
        report: F,
    ) -> Result<(), F> {
        let before = Now::get(cells, JUDGE);
        if (is_far_from_patience(&k.judge, before.tally) & is_soon(sample, pace.alpha)).all() {
            let (after, kept) = full::<T, S, false>(&k.judge, before, sample);
            let after = after.unless_missing(before, sample);
            let verdict = averaged::<T, S, true>(k, cells, before, &after, sample, pace);
            cells.defer(
                LAST_STRIKE,
                after.strike,
                kept,
                #[inline(always)]
                |last_strike| settle(&k.judge, sample, kept, last_strike),
            );
            report(verdict);
            return Ok(());
        }
        Err(report)
    }

    fn is_of_full_age<T: Real>(k: &Constants<T>, state: &[T; 7]) -> bool {
        state[AGE] == T::default() || state[AGE] == k.full_age
    }
}

/// Takes the step of the average after that of its judge, and writes both to the columns but for the last strike.
/// `SETTLED` where no sample re-opens the judge or begins it.
#[inline(always)]
fn averaged<T: Real, S: Simd, const SETTLED: bool>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    before: Now<T, S>,
    after: &Judged<T, S>,
    sample: Lane<T, S>,
    pace: Pace<T, S>,
) -> Verdict<T, S> {
    let simd = sample.0;
    let number = |value: f64| Lane::splat(simd, T::from_f64(value));
    let (zero, one) = (number(0.0), number(1.0));
    let (average, age, pending) = (cells.get(AVERAGE), cells.get(AGE), cells.get(PENDING));
    let Judged { accepted, starting, reopened, .. } = *after;

    let x = if SETTLED { sample } else { sample.clamp(T::HALF_MAX) };
    let is_far = !is_near(k, after);
    let replaced = if SETTLED { is_far } else { is_far & !reopened & !starting };
    let (mut new_age, gain) = older(&k.judge, age, pace, k.in_time);
    let keep = one - gain;
    let faded = pending * keep;
    let target = replaced.select(before.location, x);
    let target = if SETTLED { target } else { reopened.select(after.now.location, target) };
    let mut new_average = average + gain * (target - average);
    let mut new_pending = replaced.select(faded + gain, forgotten(k, faded));
    if !SETTLED && (reopened | starting).any() {
        // What was rejected was the signal.
        let refunded = new_average + faded * (after.now.location - before.location);
        new_average = reopened.select(refunded, new_average);
        new_pending = (reopened | starting).select(zero, new_pending);
        let begins = new_age.le(Lane::splat(simd, k.early)) | number(0.5).lt(faded + gain);
        let anew = starting | (reopened & begins);
        new_average = anew.select(after.now.location, new_average);
        let has_begun = starting & !is_starting(&k.judge, after.now);
        new_age = has_begun.select(number(3.0), anew.select(one, new_age));
    }
    cells.set(AVERAGE, accepted.select(new_average.clamp(T::HALF_MAX), average));
    cells.set(AGE, accepted.select(new_age, age));
    cells.set(PENDING, accepted.select(new_pending, pending));
    after.now.set(cells, JUDGE);
    verdict(after, accepted & replaced)
}
