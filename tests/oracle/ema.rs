//! `Ema`: Adam's first moment, from its two equations.

use super::{Float, pick};

/// Adam's first moment of one channel, from the equations:
/// `m = beta m + (1 - beta) g` from zero, in the form `m + (1 - beta) (g - m)`, and `m_hat = m / (1 - beta^t)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmaSpec<T> {
    gain: f64,
    alpha: T,
}

/// `m` and `t`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmaState<T> {
    pub(crate) m: T,
    pub(crate) t: u64,
}

impl<T: Float> EmaSpec<T> {
    pub(crate) fn new(gain: f64) -> Self {
        Self { gain, alpha: T::from_f64(gain) }
    }

    pub(crate) fn unseen() -> EmaState<T> {
        EmaState { m: T::ZERO, t: 0 }
    }

    pub(crate) fn step(&self, state: &EmaState<T>, g: T) -> EmaState<T> {
        if g.nan() {
            return *state;
        }
        let half_max = T::from_f64(T::LARGEST.to_f64() / 2.0);
        let x = pick(g > half_max, half_max, pick(g < -half_max, -half_max, g));
        // All of the way, exactly, at a gain of 1: rounding could leave the range otherwise.
        let m = pick(self.alpha == T::ONE, x, state.m + self.alpha * (x - state.m));
        EmaState { m, t: state.t + 1 }
    }

    /// `m_hat` in `f64`, by the formula as it stands: good to `2^-52 / (1 - beta^t)`.
    #[allow(clippy::cast_possible_truncation)] // short runs
    pub(crate) fn m_hat(&self, state: &EmaState<T>) -> f64 {
        state.m.to_f64() / (1.0 - (1.0 - self.gain).powi(state.t as i32))
    }
}
