//! [`Ema`]: the exponential moving average, Adam's first moment.

use super::{gain_for, pace, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, MOST_LANES, Mask, Ops, Real, Word};
use crate::rule::{
    ColumnsOf, Count, Elapse, Estimate, Estimator, Judge, Memo, Pace, Reading, Rule, Step, Timed, Verdict,
};
use core::time::Duration;
use pulp::Simd;

/// The exponential moving average with bias correction: Adam's first moment (Kingma and Ba 2015, section 2).
///
/// ```text
/// m_t     = beta m_{t-1} + (1 - beta) g_t        m_0 = 0
/// m_hat_t = m_t / (1 - beta^t)                   t counts the samples that this channel has really seen
/// ```
///
/// The first line is computed as `m + (1 - beta) (g - m)`, with `1 - beta` from `f64`: in that form a rounded beta
/// changes how fast the average forgets, by as much as it was rounded, but not where it settles. Taken as it stands, in
/// `f32` and at beta = 0.9999, the average of a constant would be off by 1.7e-4 of it.
///
/// A NaN is a missing sample and changes nothing, `t` included. An infinity, and any sample beyond half the largest
/// float, counts as half the largest float of its sign, so the state stays finite. There is no other protection: this
/// is the average that outliers own. It is here for comparison, and because optimisers need it.
///
/// `m` is [`Bank::moments`](crate::Bank::moments); `m_hat` is the location in
/// [`Bank::readings`](crate::Bank::readings). There is no scale.
///
/// State per channel: `m` and `t`, two columns.
///
/// # In time
/// With a half-life [in time](Decay#in-time), for samples at any distance, it is pandas' `ewm(halflife, times).mean()`:
/// with the gain `alpha_t` of the time since the channel's last sample, which goes on while samples are missing,
///
/// ```text
/// W' = 1 + (1 - alpha_t) W                       W = 0 before the first sample
/// m' = m + (g - m) / W'                          the location as it is: there is no bias to correct
/// ```
///
/// `W` stands in the place of `t`, and is the age.
///
/// ```
/// use core::time::Duration;
/// use evenkeel::{Bank, Decay, Ema};
/// let mut bank = Bank::<Ema>::new(Ema::new(Decay::half_life_time(Duration::from_secs(60))?), 1)?;
/// bank.update_after(Duration::ZERO, &[1.0])?;
/// bank.update_after(Duration::from_secs(60), &[4.0])?;
/// assert_eq!(bank.reading(0).unwrap().location, 3.0); // (1/2 * 1 + 1 * 4) / (1/2 + 1)
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The worked example
/// With beta = 0.9 and g = 8, 2, 7, -1, 6:
///
/// ```
/// use evenkeel::{Bank, Decay, Ema};
/// let mut bank = Bank::<Ema>::new(Ema::new(Decay::beta(0.9)?), 1)?;
/// let expected = [(0.8, 8.0), (0.92, 4.842), (1.528, 5.638), (1.2752, 3.708), (1.747_68, 4.268)];
/// for (g, (m, m_hat)) in [8.0, 2.0, 7.0, -1.0, 6.0].into_iter().zip(expected) {
///     bank.update(&[g])?;
///     assert!((bank.moments()[0] - m).abs() < 1e-12);
///     assert!((bank.reading(0).unwrap().location - m_hat).abs() < 5e-4);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A set of course notes prints 5.614, 3.878 and 4.271 for `m_hat` at t = 3, 4 and 5. Those are slips of arithmetic
/// (1.528 / 0.271 is 5.638); the values above are the true ones.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "super::config::EmaConfig", into = "super::config::EmaConfig"))]
pub struct Ema {
    pub(super) decay: Decay,
}

impl Ema {
    /// Makes an average that forgets by `decay`.
    #[must_use]
    pub fn new(decay: Decay) -> Self {
        Self { decay }
    }
}

/// The columns of the state, by position.
const MOMENT: usize = 0;
const SEEN: usize = 1;

/// The parameters of an [`Ema`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    /// `1 - beta`, computed in `f64`.
    alpha: T,
    /// `ln beta` in `f64`, for the bias correction.
    log_beta: f64,
    /// The most samples that are counted: from here on `beta^t` is below the rounding of `T` and is taken as zero.
    full: u64,
    /// The count of channels that take the short step: `full`; at a gain of one, where the moment is the sample, a
    /// count that is never reached, as in time.
    steady: u64,
    in_time: bool,
}

/// Most of a sum of weights in `T`, from which on another sample makes no difference.
fn most_weight<T: Real>() -> f64 {
    2.0 * T::COUNT_BASE.to_f64()
}

impl Rule for Ema {}
impl Estimator for Ema {}
impl Timed for Ema {}

impl Step for Ema {
    const NAME: &'static str = "Ema";
    type Columns = Count<2>;
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        if self.is_in_time() {
            return Ok(Constants { alpha: T::default(), log_beta: 0.0, full: 0, steady: u64::MAX, in_time: true });
        }
        let gain = gain_for::<T>(Self::NAME, self.decay)?;
        let (alpha, full) = (T::from_f64(gain), faded::<T>(gain));
        let steady = if alpha == T::from_f64(1.0) { u64::MAX } else { full };
        Ok(Constants { alpha, log_beta: libm::log1p(-gain), full, steady, in_time: false })
    }

    fn is_in_time(&self) -> bool {
        self.decay.in_time().is_some()
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![pace(self.decay)]
    }

    fn is_state<T: Real>(k: &Constants<T>, [moment, seen]: &[T; 2]) -> bool {
        match seen.to_word() {
            0 => moment.to_word() == T::NAN.to_word(),
            _ if k.in_time => (1.0..=most_weight::<T>()).contains(&seen.to_f64()) && within(*moment, T::HALF_MAX),
            seen => seen <= k.full && within(*moment, T::HALF_MAX),
        }
    }

    fn unseen<T: Real>() -> [T; 2] {
        [T::NAN, T::from_word(0)]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [sample]: [Lane<T, S>; 1],
    ) -> Verdict<T, S> {
        let simd = sample.0;
        let number = |value| Lane::splat(simd, value);
        let bound = number(T::HALF_MAX);

        let moment = cells.get(MOMENT);
        let seen = cells.get(SEEN).word();
        let accepted = sample.is_number();

        // Every channel of this vector has forgotten its start and every sample is an ordinary number: `t` stays as it
        // is.
        let steady = seen.eq(Word::splat(simd, k.steady));
        if (steady & sample.abs().le(bound)).all() {
            cells.set(MOMENT, moment + number(k.alpha) * (sample - moment));
        } else if k.in_time {
            return Self::step_after(k, cells, sample, Pace { alpha: number(k.alpha), full: number(T::NAN) });
        } else {
            let settled = seen.eq(Word::splat(simd, k.full));
            let clamped = sample.clamp(T::HALF_MAX);
            let first = seen.eq(Word::splat(simd, 0));
            let before = first.select(number(T::default()), moment);
            let next = settled.select_word(seen, seen + Word::splat(simd, 1));
            cells.set(MOMENT, accepted.select(before.toward(clamped, k.alpha), moment));
            cells.set(SEEN, accepted.select_word(next, seen).lane());
        }
        let never = Mask::never(simd);
        Verdict { score: number(T::NAN), accepted, outlier: never, reopened: never }
    }
}

impl Judge for Ema {
    #[inline(always)]
    fn verdict<T: Real, S: Simd>(output: Verdict<T, S>) -> Verdict<T, S> {
        output
    }

    #[inline(always)]
    fn estimates<T: Real, S: Simd>(k: &Constants<T>, memo: &mut Memo, cells: &impl Cells<T, S>) -> [Lane<T, S>; 2] {
        if k.in_time {
            // Before the first sample it is NaN.
            return [cells.get(MOMENT), Lane::splat(cells.get(MOMENT).0, T::NAN)];
        }
        let location = corrected_lanes(cells.get(MOMENT), cells.get(SEEN).word(), k.full, k.log_beta, memo);
        [location, Lane::splat(location.0, T::NAN)]
    }
}

impl Estimate for Ema {
    #[inline]
    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        if k.in_time {
            return Reading { location: state[MOMENT], scale: T::NAN, age: state[SEEN] };
        }
        let seen = state[SEEN].to_word();
        let age = T::from_f64(seen as f64);
        let location = if seen == 0 { T::NAN } else { corrected(state[MOMENT], seen, k.full, k.log_beta) };
        Reading { location, scale: T::NAN, age }
    }
}

impl Elapse for Ema {
    fn decay(&self) -> Decay {
        self.decay
    }

    fn gain_after<T: Real>(&self, elapsed: Duration) -> f64 {
        self.decay.gain_after(elapsed)
    }

    fn constants_after<T: Real>(constants: &Constants<T>, gain: f64) -> Constants<T> {
        Constants { alpha: T::from_f64(gain), ..*constants }
    }

    #[inline(always)]
    fn step_after<T: Real, S: Simd>(
        _: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
    ) -> Verdict<T, S> {
        let simd = sample.0;
        let number = |value: f64| Lane::splat(simd, T::from_f64(value));
        let (moment, weight, accepted) = (cells.get(MOMENT), cells.get(SEEN), sample.is_number());
        let one = number(1.0);
        // Of two forms the one that rounds less: a small gain is not lost in `1 - alpha`, nor what a long time leaves in
        // the difference of two large numbers.
        let kept = one + (one - pace.alpha) * weight;
        let next = pace.alpha.lt(number(0.5)).select(weight + (one - pace.alpha * weight), kept);
        let first = weight.eq(number(0.0));
        let before = first.select(number(0.0), moment);
        let clamped = sample.clamp(T::HALF_MAX);
        let moved = (before + (clamped - before) / next).clamp(T::HALF_MAX);
        // With one sample alone the way to it is all of it, exactly.
        let moved = next.eq(one).select(clamped, moved);
        cells.set(MOMENT, accepted.select(moved, moment));
        cells.set(SEEN, accepted.select(next, weight));
        let never = Mask::never(simd);
        Verdict { score: number(f64::NAN), accepted, outlier: never, reopened: never }
    }
}

/// The number of samples from which on `beta^t` is below the rounding of `T`.
pub(super) fn faded<T: Real>(gain: f64) -> u64 {
    let bits = f64::from(<T as Ops>::COUNT_BITS + 3);
    let samples = (-bits * core::f64::consts::LN_2 / libm::log1p(-gain)).ceil().max(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at least 1; at most 2^56 by MIN_GAIN
    let samples = samples as u64;
    samples
}

/// The bias-corrected `m_hat` of a moment `m` that has seen this many samples, at least one.
pub(super) fn corrected<T: Real>(moment: T, seen: u64, full: u64, log_beta: f64) -> T {
    if seen >= full {
        return moment;
    }
    T::from_f64(moment.to_f64() / share(seen, log_beta))
}

/// The share `1 - beta^t` of the weights that this many samples have.
fn share(seen: u64, log_beta: f64) -> f64 {
    -libm::expm1(seen as f64 * log_beta)
}

/// The bias-corrected `m_hat` of each lane, the bits of [`corrected`]; NaN where nothing has been seen.
#[inline(always)]
pub(super) fn corrected_lanes<T: Real, S: Simd>(
    moment: Lane<T, S>,
    seen: Word<T, S>,
    full: u64,
    log_beta: f64,
    memo: &mut Memo,
) -> Lane<T, S> {
    let simd = moment.0;
    if seen.eq(Word::splat(simd, full)).all() {
        return moment;
    }
    let (mut moments, mut counts) = ([T::default(); MOST_LANES], [T::default(); MOST_LANES]);
    moment.write(&mut moments);
    seen.lane().write(&mut counts);
    for (moment, count) in moments.iter_mut().zip(&counts).take(T::lanes::<S>()) {
        *moment = recalled(*moment, count.to_word(), full, log_beta, memo);
    }
    Lane::read(simd, &moments)
}

/// The bias-corrected `m_hat` of one channel, by the share that is remembered where as many samples have been seen.
#[inline(never)] // it would be in every kernel, for each lane
fn recalled<T: Real>(moment: T, seen: u64, full: u64, log_beta: f64, memo: &mut Memo) -> T {
    if seen == 0 {
        return T::NAN;
    }
    if seen >= full {
        return moment;
    }
    if memo.seen != seen {
        *memo = Memo { seen, share: share(seen, log_beta) };
    }
    T::from_f64(moment.to_f64() / memo.share)
}
