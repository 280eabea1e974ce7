//! [`RelaxedNumerator`]: a bound on `E[w g]` in place of the numerator itself.

use super::{gain_for, is_size, pace, positive};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{Count, LayerRule, Rule, Step, Weigh};
use pulp::Simd;

/// The relaxed numerator of a learning rate: where [`Numerator`](crate::Numerator) estimates `E[w g]`, this averages
/// the bound `w^2 + g^2` on it, and clips the result at `mu`.
///
/// ```text
/// a~ = beta a~ + (1 - beta) mu (w^2 + g^2)
/// a  = min(|a~|, mu)
/// layer mean = (1/n) sum a
/// ```
///
/// `g` is the gradient over its norm. The bound is twice that of `w g <= (w^2 + g^2) / 2`, and so `mu` is below 1/2, as
/// in the text. `a~` begins at 0 and has no bias correction; it is computed as
/// `a~ + (1 - beta)(mu (w^2 + g^2) - a~)`, with `1 - beta` from `f64`.
///
/// A NaN in `w` or `g` leaves the state of that weight as it was, and the weight counts with its last `a`. Infinities,
/// and squares beyond the largest finite number, count as that number.
///
/// State per weight: `a~`, one column; with `w` and `g`, 16 bytes of memory traffic per weight and step in `f32`.
///
/// ```
/// use evenkeel::{Layer, RelaxedNumerator};
/// let mut layer = Layer::<RelaxedNumerator>::new(RelaxedNumerator::new(1e-2)?, 2)?;
/// let rate = layer.update(&[1.0, 2.0], &[0.0, 1.0])?;
/// assert!((rate - 1e-4 * 1e-2 * (1.0 + 5.0) / 2.0).abs() < 1e-12); // beta is 0.9999
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::RelaxedNumeratorConfig", into = "super::config::RelaxedNumeratorConfig")
)]
pub struct RelaxedNumerator {
    pub(super) mu: f64,
    pub(super) decay: Decay,
}

impl RelaxedNumerator {
    /// Makes a relaxed numerator with learning-rate bound `mu` and beta 0.9999.
    ///
    /// # Errors
    /// `mu` is not above 0 and below 1/2.
    pub fn new(mu: f64) -> Result<Self, ParameterError> {
        let mu = ParameterError::check("mu", mu, "above 0 and below 1/2", |mu| mu > 0.0 && mu < 0.5)?;
        Ok(Self { mu, decay: Decay::BETA_9999 })
    }

    /// Sets the decay of `a~`, `Decay::beta(0.9999)` by default.
    #[must_use]
    pub fn decay(self, decay: Decay) -> Self {
        Self { decay, ..self }
    }
}

/// The parameters of a [`RelaxedNumerator`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    mu: T,
    alpha: T,
}

impl Rule for RelaxedNumerator {}
impl LayerRule for RelaxedNumerator {}

impl Step for RelaxedNumerator {
    const NAME: &'static str = "RelaxedNumerator";
    type Columns = Count<1>;
    type Inputs = Count<2>;
    type Output<T: Real, S: Simd> = Lane<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        Ok(Constants { mu: positive("mu", self.mu)?, alpha: T::from_f64(gain_for::<T>(Self::NAME, self.decay)?) })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        vec![("mu", self.mu), pace(self.decay)]
    }

    fn is_state<T: Real>(_: &Constants<T>, [average]: &[T; 1]) -> bool {
        is_size(*average, T::MAX)
    }

    fn unseen<T: Real>() -> [T; 1] {
        [T::default()]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(k: &Constants<T>, cells: &mut impl Cells<T, S>, [w, g]: [Lane<T, S>; 2]) -> Lane<T, S> {
        let number = |value| Lane::splat(w.0, value);
        let before = cells.get(0);
        let there = w.is_number() & g.is_number();
        // Squares of infinities are infinite: they are bounded with the products that overflow.
        let bound = (number(k.mu) * (w * w + g * g).min_of_ordinary(number(T::MAX))).min_of_ordinary(number(T::MAX));
        let average = before.toward(bound, k.alpha);
        let after = there.select(average, before);
        cells.set(0, after);
        after.abs().min_of_ordinary(number(k.mu))
    }
}

impl Weigh for RelaxedNumerator {
    #[inline(always)]
    fn value<T: Real, S: Simd>(output: Lane<T, S>) -> Lane<T, S> {
        output
    }
}
