//! [`Ema`]: the exponential moving average, Adam's first moment.

use super::{gain_for, pace, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Ops, Real, Word};
use crate::rule::{ColumnsOf, Count, Estimate, Estimator, Judge, Reading, Rule, Step, Verdict};
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
    /// count that is never reached.
    steady: u64,
}

impl Rule for Ema {}
impl Estimator for Ema {}

impl Step for Ema {
    const NAME: &'static str = "Ema";
    type Columns = Count<2>;
    type Inputs = Count<1>;
    type Output<T: Real, S: Simd> = Verdict<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let gain = gain_for::<T>(Self::NAME, self.decay)?;
        let (alpha, full) = (T::from_f64(gain), faded::<T>(gain));
        let steady = if alpha == T::from_f64(1.0) { u64::MAX } else { full };
        Ok(Constants { alpha, log_beta: libm::log1p(-gain), full, steady })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![pace(self.decay)]
    }

    fn is_state<T: Real>(k: &Constants<T>, [moment, seen]: &[T; 2]) -> bool {
        match seen.to_word() {
            0 => moment.to_word() == T::NAN.to_word(),
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
}

impl Estimate for Ema {
    #[inline]
    fn read<T: Real>(k: &Constants<T>, state: &ColumnsOf<Self, T>) -> Reading<T> {
        let seen = state[SEEN].to_word();
        let age = T::from_f64(seen as f64);
        let location = if seen == 0 { T::NAN } else { corrected(state[MOMENT], seen, k.full, k.log_beta) };
        Reading { location, scale: T::NAN, age }
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
    T::from_f64(moment.to_f64() / -libm::expm1(seen as f64 * log_beta))
}
