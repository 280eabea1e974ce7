//! [`ClippedEma`]: Adam's first moment behind the numerator's input clip.

use super::ema::{corrected, corrected_lanes, faded};
use super::{gain_for, is_size, pace, positive, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real, Word};
use crate::rule::{ColumnsOf, Count, Estimate, Estimator, Judge, Memo, Reading, Rule, Scored, Step, Verdict};
use pulp::Simd;

/// The exponential moving average behind the input clip of a [`Numerator`](crate::Numerator): for a first moment whose
/// samples lie about zero, such as a gradient's.
///
/// ```text
/// g_hat = g_hat + max(1 - beta_s, 1/t) (|g| - g_hat)        scale: a running E|g|, which contains the current sample
/// psi   = sign(g) min(|g|, c g_hat)                         c = 4: Markov's bound P(|g| >= 4 E|g|) <= 1/4
/// m     = beta m + (1 - beta) psi,   m_hat = m / (1 - beta^t)
/// ```
///
/// `t` counts the samples that this channel has really seen. Unlike the numerator's, the scale is a plain average while
/// it is young: from zero and without correction it would clip all of the first samples.
///
/// This is a mild protection. The scale learns from the very sample that it judges, so one of `K` scales moves `m` by
/// up to `c (1 - beta)(1 + (1 - beta_s) K)` scales and opens the threshold for those after it; about a level other than
/// zero nothing is ever clipped. [`RobustMean`](crate::RobustMean) has neither weakness and costs one more column.
///
/// NaN is missing and changes nothing. An infinity, and any sample beyond half the largest float, counts as half the
/// largest float of its sign.
///
/// [`Bank::readings`](crate::Bank::readings) gives `m_hat` as the location, `g_hat` as the scale, and `t`, up to where
/// the corrections have faded, as the age. A score is `g / g_hat` with the scale *after* the sample, as the clip sees
/// it; 0 where all samples were 0.
///
/// State per channel: `m`, `g_hat` and `t`, three columns.
///
/// ```
/// use evenkeel::{Bank, ClippedEma, Decay};
/// let mut bank = Bank::<ClippedEma>::new(ClippedEma::new(Decay::beta(0.9)?), 1)?;
/// for t in 0..1000 {
///     bank.update(&[if t == 950 { 1e6 } else { f64::from(t % 3) - 0.5 }])?;
/// }
/// let reading = bank.reading(0).unwrap();
/// assert!(reading.location < 30.0); // a plain average still stands at 573
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::ClippedEmaConfig", into = "super::config::ClippedEmaConfig")
)]
pub struct ClippedEma {
    pub(super) decay: Decay,
    pub(super) scale_decay: Decay,
    pub(super) clip: f64,
}

impl ClippedEma {
    /// Makes an average that forgets by `decay`, behind a clip at `c` = 4 scales; the scale forgets by `beta_s` =
    /// 0.999.
    #[must_use]
    pub fn new(decay: Decay) -> Self {
        Self { decay, scale_decay: Decay::BETA_999, clip: 4.0 }
    }

    /// Sets the decay of the scale, `Decay::beta(0.999)` by default.
    #[must_use]
    pub fn scale_decay(self, scale_decay: Decay) -> Self {
        Self { scale_decay, ..self }
    }

    /// Sets the clip: samples beyond `c` scales count as `c` scales. 4 by default.
    ///
    /// # Errors
    /// `c` is not above 0 and finite.
    pub fn clip(self, c: f64) -> Result<Self, ParameterError> {
        Ok(Self { clip: ParameterError::check_positive("clip", c)?, ..self })
    }
}

/// The columns of the state, by position.
const MOMENT: usize = 0;
const SCALE: usize = 1;
const SEEN: usize = 2;

/// The parameters of a [`ClippedEma`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    alpha: T,
    scale_alpha: T,
    clip: T,
    /// `ln beta` in `f64`, for the bias correction.
    log_beta: f64,
    /// The most samples that are counted: from here on neither the correction of `m` nor the gain of the scale changes.
    full: u64,
    /// The number of samples from which on the gain of the scale is steady.
    mature: u64,
}

impl Rule for ClippedEma {}
impl Estimator for ClippedEma {}

impl Scored for ClippedEma {
    fn outlier_at(&self) -> f64 {
        self.clip
    }
    fn unscored(&self) -> u64 {
        1
    }
}

impl Step for ClippedEma {
    const NAME: &'static str = "ClippedEma";
    type Columns = Count<3>;
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let gain = gain_for::<T>(Self::NAME, self.decay)?;
        let scale_gain = gain_for::<T>(Self::NAME, self.scale_decay)?;
        let scale_alpha = T::from_f64(scale_gain);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to 2^50 by MIN_GAIN
        let mature = (1.0 / scale_alpha.to_f64()).ceil() as u64;
        Ok(Constants {
            alpha: T::from_f64(gain),
            scale_alpha,
            clip: positive("clip", self.clip)?,
            log_beta: libm::log1p(-gain),
            full: faded::<T>(gain).max(mature),
            mature,
        })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![pace(self.decay), ("scale_gain", self.scale_decay.gain()), ("clip", self.clip)]
    }

    fn is_state<T: Real>(k: &Constants<T>, [moment, scale, seen]: &[T; 3]) -> bool {
        match seen.to_word() {
            0 => moment.to_word() == T::NAN.to_word() && scale.to_word() == 0,
            seen => seen <= k.full && within(*moment, T::HALF_MAX) && is_size(*scale, T::HALF_MAX),
        }
    }

    fn unseen<T: Real>() -> [T; 3] {
        [T::NAN, T::default(), T::from_word(0)]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
    ) -> Verdict<T, S> {
        let simd = sample.0;
        let number = |value| Lane::splat(simd, value);
        let word = |value| Word::<T, S>::splat(simd, value);

        let (moment, scale, seen) = (cells.get(MOMENT), cells.get(SCALE), cells.get(SEEN).word());
        let accepted = sample.is_number();
        let size = sample.abs().min_of_ordinary(number(T::HALF_MAX));
        let settled = seen.eq(word(k.full));
        let never = Mask::never(simd);

        // Every channel of this vector has forgotten its start, and nothing is missing: `t` stays as it is.
        if (settled & accepted).all() {
            let scale = scale.toward(size, k.scale_alpha);
            let limit = number(k.clip) * scale;
            cells.set(MOMENT, moment.toward(size.min_of_ordinary(limit).with_sign_of(sample), k.alpha));
            cells.set(SCALE, scale);
            return Verdict { score: score(sample, size, scale), accepted, outlier: limit.lt(size), reopened: never };
        }
        let next = settled.select_word(seen, seen + word(1));
        // Counts lie in the low bits: as numbers they are in order.
        let young = next.lane().lt(word(k.mature).lane());
        let gain = young.select(number(T::from_f64(1.0)) / next.count(), number(k.scale_alpha));
        let first = seen.eq(word(0));
        // At a gain of 1 the way to the sample is all of it, exactly, as in `toward`.
        let whole = gain.eq(number(T::from_f64(1.0)));
        let learnt = whole.select(size, scale + gain * (size - scale));
        let limit = number(k.clip) * learnt;
        let psi = size.min_of_ordinary(limit).with_sign_of(sample);
        let before = first.select(number(T::default()), moment);
        cells.set(MOMENT, accepted.select(before.toward(psi, k.alpha), moment));
        cells.set(SCALE, accepted.select(learnt, scale));
        cells.set(SEEN, accepted.select_word(next, seen).lane());
        let score = (accepted & !first).select(score(sample, size, learnt), number(T::NAN));
        Verdict { score, accepted, outlier: accepted & limit.lt(size), reopened: never }
    }
}

/// The score: the sample, of this size, in scales.
#[inline(always)]
fn score<T: Real, S: Simd>(sample: Lane<T, S>, size: Lane<T, S>, scale: Lane<T, S>) -> Lane<T, S> {
    let zero = Lane::splat(sample.0, T::default());
    size.eq(zero).select(zero, size.with_sign_of(sample) / scale)
}

impl Judge for ClippedEma {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: Verdict<T, S>) -> Verdict<T, S> {
        output
    }

    #[inline(always)]
    fn estimates<T: Real, S: Simd>(k: &Constants<T>, memo: &mut Memo, cells: &impl Cells<T, S>) -> [Lane<T, S>; 2] {
        let (seen, none) = (cells.get(SEEN).word(), Lane::splat(cells.get(SEEN).0, T::NAN));
        let location = corrected_lanes(cells.get(MOMENT), seen, k.full, k.log_beta, memo);
        [location, seen.eq(Word::splat(seen.0, 0)).select(none, cells.get(SCALE))]
    }
}

impl Estimate for ClippedEma {
    #[inline]
    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        let seen = state[SEEN].to_word();
        let age = T::from_f64(seen as f64);
        if seen == 0 {
            return Reading { location: T::NAN, scale: T::NAN, age };
        }
        let location = corrected(state[MOMENT], seen, k.full, k.log_beta);
        Reading { location, scale: state[SCALE], age }
    }
}
