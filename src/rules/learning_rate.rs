//! [`LearningRate`]: the robust numerator over the norm of the gradient.

use super::numerator::{self, Bound, Numerator, State};
use super::{gain_for, is_size, positive, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{Count, LayerRule, Rule, Step, Weigh};
use pulp::Simd;

/// A learning rate from the stream itself: [`Numerator`] over the norm of the gradient.
///
/// Per weight, with `t` the number of the update:
///
/// ```text
/// g'    = g + lambda w                                   where weight decay is coupled; g otherwise
/// v     = beta_d v + (1 - beta_d) g'^2,  v_hat = v / (1 - beta_d^t)
/// d     = sqrt(v_hat) + eps                              the norm of the gradient
/// a     = Numerator(w, g' / d)                           layer mean r = (1/n) sum a
/// m     = beta_m m + (1 - beta_m) g',  m_hat = m / (1 - beta_m^t)
/// w    -= rate(r) (m_hat / d + lambda w)                 lambda where weight decay is decoupled
/// ```
///
/// The ratio of `E[w g]` to the norm of the gradient as a learning rate, one number per layer, is `AutoSGM`'s
/// (O. A. Somefun, Oregon State University); the norm and the bias corrections are Adam's (Kingma and Ba 2015).
///
/// [`Layer::update`](crate::Layer::update) computes the first four lines and returns `r`;
/// [`Layer::descend`](crate::Layer::descend) computes all of them, where `rate` is a function of yours that may apply a
/// schedule. Without [`smoothing`](Self::smoothing), `m_hat` is `g'`.
///
/// The norm is kept bias-corrected, `v_hat += (1 - beta_d) / (1 - beta_d^t) (g'^2 - v_hat)`, which is the same number:
/// it is a mean of the squares that this weight has really seen, whichever gradients were missing. `m` is corrected by
/// `t`, the updates of the layer: a weight whose first gradients were missing begins with smaller steps.
///
/// A NaN in `w` or `g` leaves the state of that weight as it was, counts with its last `a`, and does not move the
/// weight. An infinity in `w` counts as the largest finite number; `g'`, which is squared, is at most the largest
/// number whose square is finite, so that `|g' / d|` never exceeds `1 / sqrt(1 - beta_d)`, 32 by default, whatever
/// comes. There is no clip in the norm: after an infinite gradient that weight all but stands still until the norm has
/// forgotten it, about `80 / (1 - beta_d)` updates in `f32`. The other weights, and the mean, hardly notice.
///
/// `a~` sums steps of `mu / s_bar` over its memory of `1 / (1 - beta)` updates, so another `mu` takes effect gradually
/// unless the output clip binds. A schedule belongs in `rate`.
///
/// State per weight: `v_hat`, `u_hat`, `s`, `a~` and `m`, five columns; -1 for a `v_hat` that has seen no gradient,
/// else 0. Only [`Layer::descend`](crate::Layer::descend) touches `m`. A whole step moves 64 bytes per weight in `f32`,
/// 40 of them for the mean.
///
/// ```
/// use evenkeel::{Decay, Layer, LearningRate};
///
/// // Minimise (w - 3)^2 / 2 for four weights at once.
/// let rule = LearningRate::new(0.1)?.decay(Decay::beta(0.9)?).smoothing(Some(Decay::beta(0.5)?));
/// let mut layer = Layer::<LearningRate>::new(rule, 4)?;
/// let mut weights = [1.0, 2.0, 5.0, 9.0];
/// for t in 0..2000 {
///     let gradient = weights.map(|w| w - 3.0);
///     let schedule = 1.0 - f64::from(t) / 2000.0;
///     layer.descend(&mut weights, &gradient, |mean| mean * schedule)?;
/// }
/// assert!(weights.iter().all(|w| (w - 3.0).abs() < 0.05), "{weights:?}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::LearningRateConfig", into = "super::config::LearningRateConfig")
)]
pub struct LearningRate {
    pub(super) numerator: Numerator,
    pub(super) norm_decay: Decay,
    pub(super) epsilon: f64,
    pub(super) smoothing: Option<Decay>,
    pub(super) weight_decay: WeightDecay,
}

/// The way in which weights are pulled towards zero.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WeightDecay {
    /// Weights are not pulled.
    #[default]
    None,
    /// `lambda w` is added to the gradient, as the derivative of an `L2` penalty.
    Coupled(f64),
    /// `rate lambda w` is taken off the weight beside the step (Loshchilov and Hutter 2019).
    Decoupled(f64),
}

impl LearningRate {
    /// Makes a rate with learning-rate bound `mu`: the defaults of [`Numerator`], `beta_d` 0.999, epsilon 1e-8, no
    /// smoothing, no weight decay.
    ///
    /// # Errors
    /// `mu` is not above 0 and finite.
    pub fn new(mu: f64) -> Result<Self, ParameterError> {
        Ok(Self {
            numerator: Numerator::new(mu)?,
            norm_decay: Decay::beta(0.999)?,
            epsilon: 1e-8,
            smoothing: None,
            weight_decay: WeightDecay::None,
        })
    }

    /// Sets the decay of the numerator: [`Numerator::decay`].
    #[must_use]
    pub fn decay(self, decay: Decay) -> Self {
        Self { numerator: self.numerator.decay(decay), ..self }
    }

    /// Sets the decay of the numerator's scale: [`Numerator::scale_decay`].
    #[must_use]
    pub fn scale_decay(self, decay: Decay) -> Self {
        Self { numerator: self.numerator.scale_decay(decay), ..self }
    }

    /// Sets the input clip of the numerator: [`Numerator::clip`].
    ///
    /// # Errors
    /// `c` is not above 0 and finite.
    pub fn clip(self, c: f64) -> Result<Self, ParameterError> {
        Ok(Self { numerator: self.numerator.clip(c)?, ..self })
    }

    /// Sets the bound of the numerator's output: [`Numerator::bound`].
    #[must_use]
    pub fn bound(self, bound: Bound) -> Self {
        Self { numerator: self.numerator.bound(bound), ..self }
    }

    /// Sets the decay `beta_d` of the squared gradient, `Decay::beta(0.999)` by default.
    #[must_use]
    pub fn norm_decay(self, norm_decay: Decay) -> Self {
        Self { norm_decay, ..self }
    }

    /// Sets the number that is added to the norm, so that nothing is divided by zero. 1e-8 by default.
    ///
    /// # Errors
    /// `epsilon` is not above 0 and finite.
    pub fn epsilon(self, epsilon: f64) -> Result<Self, ParameterError> {
        let epsilon = ParameterError::check_positive("epsilon", epsilon)?;
        Ok(Self { epsilon, ..self })
    }

    /// Sets the decay `beta_m` of the gradient that the step follows; with `None`, the default, it follows the gradient
    /// itself.
    #[must_use]
    pub fn smoothing(self, smoothing: Option<Decay>) -> Self {
        Self { smoothing, ..self }
    }

    /// Sets how weights are pulled towards zero; by default they are not.
    ///
    /// # Errors
    /// `lambda` is not at least 0 and finite.
    pub fn weight_decay(self, weight_decay: WeightDecay) -> Result<Self, ParameterError> {
        if let WeightDecay::Coupled(lambda) | WeightDecay::Decoupled(lambda) = weight_decay {
            ParameterError::check("weight_decay", lambda, "at least 0 and finite", |l| l >= 0.0 && l.is_finite())?;
        }
        Ok(Self { weight_decay, ..self })
    }
}

/// The parameters of a [`LearningRate`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    numerator: numerator::Constants<T>,
    /// The steady gain of the norm, in `f64`, from which the gain of a step is made.
    norm_gain: f64,
    /// The gain of the norm at this step.
    norm_alpha: T,
    pub(super) epsilon: T,
    pub(super) coupled: T,
    pub(super) decoupled: T,
    /// The steady gain of the smoothed gradient; 1 is none.
    pub(super) smooth_gain: f64,
}

/// The columns of the state, by position. The numerator's three follow the squared norm; the smoothed gradient comes
/// last, and only the descent touches it.
pub(crate) const SQUARE: usize = 0;
const NUMERATOR: usize = 1;
pub(crate) const SMOOTHED: usize = 4;

impl Rule for LearningRate {}
impl LayerRule for LearningRate {}

impl Step for LearningRate {
    const NAME: &'static str = "LearningRate";
    type Columns = Count<5>;
    const STREAMED: u32 = !(1 << SMOOTHED);
    type Inputs = Count<2>;
    type Output<T: Real, S: Simd> = Lane<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let norm_gain = gain_for::<T>(Self::NAME, self.norm_decay)?;
        let (coupled, decoupled) = match self.weight_decay {
            WeightDecay::None => (0.0, 0.0),
            WeightDecay::Coupled(lambda) => (lambda, 0.0),
            WeightDecay::Decoupled(lambda) => (0.0, lambda),
        };
        ParameterError::check(
            "weight_decay",
            coupled.max(decoupled),
            "within the range of the element type",
            |lambda| T::from_f64(lambda) <= T::MAX,
        )?;
        Ok(Constants {
            numerator: self.numerator.constants()?,
            norm_gain,
            norm_alpha: T::from_f64(norm_gain),
            epsilon: positive("epsilon", self.epsilon)?,
            coupled: T::from_f64(coupled),
            decoupled: T::from_f64(decoupled),
            smooth_gain: self.smoothing.map_or(Ok(1.0), |decay| gain_for::<T>(Self::NAME, decay))?,
        })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let (coupled, decoupled) = match self.weight_decay {
            WeightDecay::None => (0.0, 0.0),
            WeightDecay::Coupled(lambda) => (lambda, 0.0),
            WeightDecay::Decoupled(lambda) => (0.0, lambda),
        };
        let mut parameters = self.numerator.parameters();
        parameters.extend([
            ("norm_gain", self.norm_decay.gain()),
            ("epsilon", self.epsilon),
            ("smooth_gain", self.smoothing.map_or(1.0, Decay::gain)),
            ("coupled", coupled),
            ("decoupled", decoupled),
        ]);
        parameters
    }

    fn is_state<T: Real>(k: &Constants<T>, [square, scale, norm, average, smoothed]: &[T; 5]) -> bool {
        let seen = is_size(*square, T::MAX) || *square == T::from_f64(-1.0);
        seen && Numerator::is_state(&k.numerator, &[*scale, *norm, *average]) && within(*smoothed, T::MAX)
    }

    /// The state of a weight that has seen no gradient, which a squared norm below zero marks.
    fn unseen<T: Real>() -> [T; 5] {
        let zero = T::default();
        [T::from_f64(-1.0), zero, zero, zero, zero]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(k: &Constants<T>, cells: &mut impl Cells<T, S>, [w, g]: [Lane<T, S>; 2]) -> Lane<T, S> {
        let number = |value| Lane::splat(w.0, value);
        let there = w.is_number() & g.is_number();
        let w = w.clamp(T::MAX);
        let g = decayed(k, w, g);

        let before = cells.get(SQUARE);
        let square = g * g;
        let after = before.lt(number(T::default())).select(square, before.toward(square, k.norm_alpha));
        let direction = g / norm(k, after);
        cells.set(SQUARE, there.select(after, before));

        let before = State::get(cells, NUMERATOR);
        let after = numerator::advance(&k.numerator, before, w, direction).where_or(there, before);
        after.set(cells, NUMERATOR);
        numerator::value(&k.numerator, after)
    }
}

impl Weigh for LearningRate {
    #[inline(always)]
    fn value<T: Real, S: Simd>(output: Lane<T, S>) -> Lane<T, S> {
        output
    }

    fn at_step<T: Real>(k: &Constants<T>, step: u64) -> Constants<T> {
        // The product may be an ulp more than the 1 that it is at the first step.
        let gain = (k.norm_gain * correction(k.norm_gain, step)).min(1.0);
        Constants { norm_alpha: T::from_f64(gain), ..*k }
    }
}

/// The bias correction `1 / (1 - beta^t)`, which turns an average of gain `gain` that began at zero `step` samples ago
/// into a mean of those samples.
pub(super) fn correction(gain: f64, step: u64) -> f64 {
    if gain >= 1.0 {
        return 1.0;
    }
    -1.0 / libm::expm1(step as f64 * libm::log1p(-gain))
}

/// The gradient with coupled weight decay; its square is finite where weight and gradient are numbers.
#[inline(always)]
pub(super) fn decayed<T: Real, S: Simd>(k: &Constants<T>, w: Lane<T, S>, g: Lane<T, S>) -> Lane<T, S> {
    (g.clamp(T::SQRT_MAX) + (Lane::splat(w.0, k.coupled) * w).clamp(T::SQRT_MAX)).clamp(T::SQRT_MAX)
}

/// The divisor `d` for this squared norm.
#[inline(always)]
pub(super) fn norm<T: Real, S: Simd>(k: &Constants<T>, square: Lane<T, S>) -> Lane<T, S> {
    square.sqrt() + Lane::splat(square.0, k.epsilon)
}
