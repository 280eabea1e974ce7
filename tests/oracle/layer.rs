//! The rules of weights and gradients as plain loops, and the layer mean in the order that the library documents.
//!
//! [`NumeratorSpec`] is `numerator.py` with each average in the form `x + (1 - beta)(y - x)` and with the bounds that
//! keep the state finite. The tests hold it to `numerator.json` before they hold the library to it.

use super::{Float, least, pick, within};

fn toward<T: Float>(from: T, to: T, alpha: T) -> T {
    pick(alpha == T::ONE, to, from + alpha * (to - from))
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct NumeratorSpec<T> {
    pub(crate) mu: T,
    pub(crate) alpha: T,
    pub(crate) scale_alpha: T,
    pub(crate) clip: T,
    /// Whether the output is bounded by `mu` instead of `mu s_bar`.
    pub(crate) flat: bool,
}

/// `u_hat`, `s` and `a~`.
pub(crate) type NumeratorState<T> = [T; 3];

impl<T: Float> NumeratorSpec<T> {
    pub(crate) fn new(mu: f64, beta: f64, beta_scale: f64, clip: f64) -> Self {
        let t = T::from_f64;
        Self { mu: t(mu), alpha: t(1.0 - beta), scale_alpha: t(1.0 - beta_scale), clip: t(clip), flat: false }
    }

    pub(crate) fn step(&self, state: &mut NumeratorState<T>, w: T, g: T) -> T {
        if !w.nan() && !g.nan() {
            *state = self.advance(*state, within(w, T::LARGEST), within(g, T::LARGEST));
        }
        self.value(state)
    }

    fn advance(&self, [u_hat, s, average]: NumeratorState<T>, w: T, g: T) -> NumeratorState<T> {
        let u = w * g;
        let size = least(u.size(), T::LARGEST);
        let u_hat = least(toward(u_hat, size, self.scale_alpha), T::LARGEST);
        let clipped = least(size, self.clip * u_hat);
        let psi = if u.negative() { -clipped } else { clipped };
        let s = least(toward(s, least(w * w, T::LARGEST), self.alpha), T::LARGEST);
        let input = self.mu / (T::ONE + s) * psi;
        let average = pick(self.alpha == T::ONE, input, average + (input - self.alpha * average));
        [u_hat, s, within(average, T::LARGEST)]
    }

    fn value(&self, [_, s, a]: &NumeratorState<T>) -> T {
        least(a.size(), pick(self.flat, self.mu, self.mu * (T::ONE + *s)))
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct RelaxedSpec<T> {
    pub(crate) mu: T,
    pub(crate) alpha: T,
}

impl<T: Float> RelaxedSpec<T> {
    pub(crate) fn step(&self, a: &mut T, w: T, g: T) -> T {
        if !w.nan() && !g.nan() {
            let bound = least(self.mu * least(w * w + g * g, T::LARGEST), T::LARGEST);
            *a = least(toward(*a, bound, self.alpha), T::LARGEST);
        }
        least(a.size(), self.mu)
    }
}

/// From a little above, down to the first whose square is finite.
fn largest_of_finite_square<T: Float>() -> T {
    let mut number = T::LARGEST.root();
    number = T::from_word(number.to_word() + 4);
    while !(number * number).finite() {
        number = T::from_word(number.to_word() - 1);
    }
    number
}

/// The learning rate, and its descent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateSpec<T> {
    pub(crate) numerator: NumeratorSpec<T>,
    pub(crate) norm_beta: f64,
    pub(crate) smooth_beta: Option<f64>,
    pub(crate) epsilon: T,
    pub(crate) coupled: T,
    pub(crate) decoupled: T,
}

/// The squared norm, if a gradient was seen; the numerator's state; the smoothed gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateState<T> {
    pub(crate) square: Option<T>,
    pub(crate) numerator: NumeratorState<T>,
    pub(crate) smoothed: T,
}

/// `1 / (1 - beta^t)` to the last bit of `f64`, which a plain power does not give.
fn correction(gain: f64, t: u64) -> f64 {
    if gain >= 1.0 { 1.0 } else { -1.0 / libm::expm1(t as f64 * libm::log1p(-gain)) }
}

impl<T: Float> RateSpec<T> {
    pub(crate) fn unseen() -> RateState<T> {
        RateState { square: None, numerator: [T::ZERO; 3], smoothed: T::ZERO }
    }

    /// The `t`-th step of all weights of a layer.
    pub(crate) fn steps(&self, states: &mut [RateState<T>], t: u64, w: &[T], g: &[T]) -> Vec<T> {
        states.iter_mut().zip(w.iter().zip(g)).map(|(state, (&w, &g))| self.step(state, t, w, g)).collect()
    }

    /// The state columns of a layer, from first to last. A squared norm below zero is one that has seen no gradient.
    pub(crate) fn columns(states: &[RateState<T>]) -> Vec<Vec<T>> {
        let unseen = T::from_f64(-1.0);
        let mut columns = vec![states.iter().map(|state| state.square.unwrap_or(unseen)).collect()];
        columns.extend((0..3).map(|column| states.iter().map(|state| state.numerator[column]).collect()));
        columns.push(states.iter().map(|state| state.smoothed).collect());
        columns
    }

    fn decayed(&self, w: T, g: T) -> T {
        let most = largest_of_finite_square::<T>();
        within(within(g, most) + within(self.coupled * w, most), most)
    }

    pub(crate) fn step(&self, state: &mut RateState<T>, t: u64, w: T, g: T) -> T {
        if !w.nan() && !g.nan() {
            let w = within(w, T::LARGEST);
            let g = self.decayed(w, g);
            let square = least(g * g, T::LARGEST);
            let gain = 1.0 - self.norm_beta;
            let alpha = T::from_f64((gain * correction(gain, t)).min(1.0));
            let square = state.square.map_or(square, |before| least(toward(before, square, alpha), T::LARGEST));
            state.square = Some(square);
            let direction = g / (square.root() + self.epsilon);
            state.numerator = self.numerator.advance(state.numerator, w, direction);
        }
        self.numerator.value(&state.numerator)
    }

    /// The second pass: the weight after it.
    pub(crate) fn descend(&self, state: &mut RateState<T>, t: u64, weight: T, g: T, rate: T) -> T {
        let (false, false, Some(square)) = (weight.nan(), g.nan(), state.square) else { return weight };
        let w = within(weight, T::LARGEST);
        let g = self.decayed(w, g);
        let gain = self.smooth_beta.map_or(1.0, |beta| 1.0 - beta);
        let smoothed = toward(state.smoothed, g, T::from_f64(gain));
        let corrected = T::from_f64(correction(gain, t)) * smoothed;
        let direction = within(corrected / (square.root() + self.epsilon), T::LARGEST);
        let pull = within(self.decoupled * w, T::LARGEST);
        let step = within(rate * within(direction + pull, T::LARGEST), T::LARGEST);
        state.smoothed = within(smoothed, T::LARGEST);
        within(w - step, T::LARGEST)
    }
}

/// The mean in the documented order: chunks of 4096 in sixteen running sums, added pairwise; chunks in a binary tree
/// whose left branch is the largest power of two of chunks that leaves something for the right one.
pub(crate) fn mean<T: Float>(values: &[T]) -> T {
    if values.is_empty() {
        return T::ZERO;
    }
    T::from_f64(sum(values).min(f64::MAX) / values.len() as f64)
}

/// The sum in that order.
pub(crate) fn sum<T: Float>(values: &[T]) -> f64 {
    let chunks: Vec<f64> = values.chunks(4096).map(chunk).collect();
    if chunks.is_empty() { 0.0 } else { tree(&chunks) }
}

fn chunk<T: Float>(values: &[T]) -> f64 {
    let mut sums: Vec<f64> =
        (0..16).map(|lane| values.iter().skip(lane).step_by(16).fold(0.0, |sum, value| sum + value.to_f64())).collect();
    while sums.len() > 1 {
        let upper = sums.split_off(sums.len() / 2);
        sums = sums.iter().zip(upper).map(|(low, high)| low + high).collect();
    }
    sums[0]
}

fn tree(chunks: &[f64]) -> f64 {
    if let [only] = chunks {
        return *only;
    }
    let mut left = 1;
    while left * 2 < chunks.len() {
        left *= 2;
    }
    tree(&chunks[..left]) + tree(&chunks[left..])
}
