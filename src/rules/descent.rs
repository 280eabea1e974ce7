//! [`Descent`]: the second pass of a [`LearningRate`], which moves the weights.

use super::learning_rate::{Constants as Rates, correction, decayed, norm};
use super::{LearningRate, ordinary};
use crate::cells::Cells;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{Count, Rule, Step};
use pulp::Simd;

/// The rule of the second pass: `m = beta_m m + (1 - beta_m) g'`, then `w -= rate (m_hat / d + lambda w)`. Its columns
/// are `w` and `m`, its inputs the gradient and the squared norm. `MOVED` is whether the first pass has moved `m`
/// already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Descent<const MOVED: bool>;

/// The constants of one step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constants<T: Real> {
    rates: Rates<T>,
    smooth_alpha: T,
    correction: T,
    rate: T,
    /// The size up to which weights and gradients are [ordinary].
    ordinary: T,
}

impl<T: Real> Constants<T> {
    pub(crate) fn new(rates: Rates<T>, step: u64, rate: T) -> Self {
        let gain = rates.smooth_gain;
        let ordinary = if ordinary::is_ordinary_rate(rate) { rates.ordinary } else { ordinary::most(false) };
        Self { rates, smooth_alpha: T::from_f64(gain), correction: T::from_f64(correction(gain, step)), rate, ordinary }
    }
}

impl<const MOVED: bool> Rule for Descent<MOVED> {}

/// The columns of the state, by position.
const WEIGHT: usize = 0;
const SMOOTHED: usize = 1;

impl<const MOVED: bool> Step for Descent<MOVED> {
    const NAME: &'static str = "Descent";
    type Columns = Count<2>;
    type Inputs = Count<2>;
    type Output<T: Real, S: Simd> = ();
    type Constants<T: Real> = Constants<T>;

    /// A descent has no parameters but those of the step: see [`Constants::new`].
    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        Ok(Constants::new(LearningRate::new(1.0)?.constants()?, 1, T::default()))
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    fn is_state<T: Real>(_: &Constants<T>, _: &[T; 2]) -> bool {
        true
    }

    fn unseen<T: Real>() -> [T; 2] {
        [T::default(); 2]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(k: &Constants<T>, cells: &mut impl Cells<T, S>, inputs: [Lane<T, S>; 2]) {
        descend::<T, S, MOVED, false>(k, cells, inputs);
    }

    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(())>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
        report: F,
    ) -> Result<(), F> {
        let before = [cells.get(WEIGHT), cells.get(SMOOTHED)];
        let most = k.ordinary;
        if !(ordinary::are_within(most, before) & inputs[0].abs().le(Lane::splat(inputs[0].0, most))).all() {
            return Err(report);
        }
        descend::<T, S, MOVED, true>(k, cells, inputs);
        report(());
        Ok(())
    }
}

/// Moves weights that are [ordinary] as their gradients and smoothed gradients are, or any.
#[inline(always)]
fn descend<T: Real, S: Simd, const MOVED: bool, const ORDINARY: bool>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    [g, square]: [Lane<T, S>; 2],
) {
    let number = |value| Lane::splat(g.0, value);
    let (weight, before) = (cells.get(WEIGHT), cells.get(SMOOTHED));
    let there = weight.is_number() & g.is_number();
    let w = weight.clamp_unless::<ORDINARY>(T::MAX);
    let g = decayed::<T, S, ORDINARY>(&k.rates, w, g);
    // The gradient's bound makes their difference finite; a state that somebody has put in may not, hence the clamp
    // below.
    let smoothed = if MOVED { before } else { before.toward(g, k.smooth_alpha) };
    let direction = number(k.correction) * smoothed / norm(&k.rates, square);
    let direction = direction.clamp_unless::<ORDINARY>(T::MAX);
    let pull = (number(k.rates.decoupled) * w).clamp_unless::<ORDINARY>(T::MAX);
    let step = number(k.rate) * (direction + pull).clamp_unless::<ORDINARY>(T::MAX);
    let after = (w - step.clamp_unless::<ORDINARY>(T::MAX)).clamp_unless::<ORDINARY>(T::MAX);
    if ORDINARY {
        if !MOVED {
            cells.set(SMOOTHED, smoothed);
        }
        return cells.set(WEIGHT, after);
    }
    if !MOVED {
        cells.set(SMOOTHED, there.select(smoothed.clamp(T::MAX), before));
    }
    cells.set(WEIGHT, there.select(after, weight));
}
