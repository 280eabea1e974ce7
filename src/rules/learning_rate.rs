//! [`LearningRate`]: the robust numerator over the norm of the gradient.

use super::numerator::{self, Bound, Numerator, Scope, State};
use super::{gain_for, is_size, ordinary, positive, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real};
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
/// # As published
/// The step of `AutoSGM`'s code differs from these lines in three places, each an option;
/// [`as_published`](Self::as_published) sets them all.
///
/// ```text
/// p     = m_hat / d + lambda w                           the direction of the step
/// a     = Numerator(w, p)                                Correlated::Step
/// r     = beta_r r + (1 - beta_r) (1/n) sum a            mean_decay; r begins at 0, without bias correction
/// w    -= rate(r) p
/// ```
///
/// The text, which the code differs from, has `a = Numerator(w, g' / d)`, and the layer mean as it is. It has an output
/// form of its own among its comments, the only one that keeps `a` above 0, [`Floor::Norm`] with [`Bound::Mu`]:
///
/// ```text
/// a     = max(mu d / s_bar, min(|a~|, mu))
/// ```
///
/// # How the equations are read
/// * `d` is the text's. The code has put its epsilon into the square, too, in one place or another, which shows where
///   gradients are about as small as epsilon.
/// * Where the floor is above the bound, the floor holds, as the line is written. The code has had a lower bound of
///   `mu (1 - d^2)^2 d / s_bar` for `d < 1`, 0 otherwise (Tukey's biweight), and has it commented out.
/// * The code's weight decay `rho`, where it is decoupled, enters the direction as `(1 - beta_m) rho w`: give
///   `(1 - beta_m) rho` as lambda.
/// * Not here: the code's zero `gamma` of the smoothing filter, which is 0 by default, and the epsilon that it adds to
///   weights which begin at 0.
///
/// # Norm and missing gradients
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
/// else 0. Only [`Layer::descend`](crate::Layer::descend) touches `m`, or the first pass with [`Correlated::Step`]. With
/// a [`mean_decay`](Self::mean_decay) a layer remembers `r`, too: [`Layer::mean`](crate::Layer::mean). A whole step moves 64 bytes per weight in `f32`,
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
    pub(super) correlated: Correlated,
    pub(super) floor: Floor,
    pub(super) mean_decay: Option<Decay>,
}

/// What the numerator is given as the gradient of a weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Correlated {
    /// The gradient over its norm, `g' / d`, as the text has it.
    #[default]
    Gradient,
    /// The direction of the step, `m_hat / d + lambda w`, as the code has it: the smoothed gradient over the norm, with
    /// decoupled weight decay.
    Step,
}

/// The least output of the numerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Floor {
    /// No least output: it may be 0.
    #[default]
    None,
    /// At least `mu d / s_bar`, whatever the bound: `a / d`, the rate of a weight, is at least `mu / s_bar`.
    Norm,
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
    /// smoothing, no weight decay, and none of the options of the published step.
    ///
    /// # Errors
    /// `mu` is not above 0 and finite.
    pub fn new(mu: f64) -> Result<Self, ParameterError> {
        Ok(Self {
            numerator: Numerator::new(mu)?,
            norm_decay: Decay::BETA_999,
            epsilon: 1e-8,
            smoothing: None,
            weight_decay: WeightDecay::None,
            correlated: Correlated::default(),
            floor: Floor::default(),
            mean_decay: None,
        })
    }

    /// Sets everything but `mu` and weight decay as in the code of `AutoSGM`: smoothing 0.9, [`Correlated::Step`],
    /// `beta_r` 0.1 and epsilon 1e-10, and what both have in common, beta 0.9999, `beta_s` and `beta_d` 0.999, `c` 4,
    /// output clip at `mu s_bar`, no floor, one scale a weight.
    ///
    /// ```
    /// use evenkeel::{Layer, LearningRate, WeightDecay};
    ///
    /// let rule = LearningRate::new(1e-2)?.as_published().weight_decay(WeightDecay::Decoupled(0.01))?;
    /// let mut layer = Layer::<LearningRate>::new(rule, 2)?;
    /// let mut weights = [1.0, -2.0];
    /// let rate = layer.descend(&mut weights, &[0.5, -0.25], |rate| rate)?;
    /// // The direction of the first step is 1 with the sign of the gradient, and 0.9 of the mean counts.
    /// let a = 1e-2 / (1.0 + 1e-4) * 4e-3 * 1.01 + 1e-2 / (1.0 + 4e-4) * 8e-3 * 1.02;
    /// assert!((rate - 0.9 * a / 2.0).abs() < 1e-10, "{rate}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn as_published(self) -> Self {
        let numerator = Numerator {
            bound_by: self.numerator.bound_by,
            decay: Decay::BETA_9999,
            scale_decay: Decay::BETA_999,
            clip: 4.0,
            bound: Bound::MuTimesNorm,
            scale_scope: Scope::Weight,
        };
        Self {
            numerator,
            norm_decay: Decay::BETA_999,
            epsilon: 1e-10,
            smoothing: Some(Decay::BETA_9),
            weight_decay: self.weight_decay,
            correlated: Correlated::Step,
            floor: Floor::None,
            mean_decay: Some(Decay::BETA_1),
        }
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
    /// `c` is not above 0.
    pub fn clip(self, c: f64) -> Result<Self, ParameterError> {
        Ok(Self { numerator: self.numerator.clip(c)?, ..self })
    }

    /// Sets the bound of the numerator's output: [`Numerator::bound`].
    #[must_use]
    pub fn bound(self, bound: Bound) -> Self {
        Self { numerator: self.numerator.bound(bound), ..self }
    }

    /// Sets what the numerator's scale is of: [`Numerator::scale_scope`].
    #[must_use]
    pub fn scale_scope(self, scope: Scope) -> Self {
        Self { numerator: self.numerator.scale_scope(scope), ..self }
    }

    /// Sets what the numerator is given as the gradient, [`Correlated::Gradient`] by default.
    #[must_use]
    pub fn correlated(self, correlated: Correlated) -> Self {
        Self { correlated, ..self }
    }

    /// Sets the least output of the numerator, [`Floor::None`] by default.
    #[must_use]
    pub fn floor(self, floor: Floor) -> Self {
        Self { floor, ..self }
    }

    /// Sets the decay `beta_r` of an average of the layer mean over updates, which begins at 0 and has no bias
    /// correction; with `None`, the default, `r` is the layer mean.
    #[must_use]
    pub fn mean_decay(self, mean_decay: Option<Decay>) -> Self {
        Self { mean_decay, ..self }
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
    /// What the numerator needs of the smoothed gradient at this step: its gain, and its bias correction.
    smooth_alpha: T,
    smooth_correction: T,
    correlated: Correlated,
    floor: Floor,
    mean_gain: f64,
    /// The size up to which weights and gradients are [ordinary].
    pub(super) ordinary: T,
}

/// Whether the first pass moves the smoothed gradient already.
pub(crate) fn moves_first<T>(k: &Constants<T>) -> bool {
    k.correlated == Correlated::Step
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
        let smooth_gain = self.smoothing.map_or(Ok(1.0), |decay| gain_for::<T>(Self::NAME, decay))?;
        let mean_gain = self.mean_decay.map_or(Ok(1.0), |decay| gain_for::<T>(Self::NAME, decay))?;
        let (numerator, epsilon) = (self.numerator.constants::<T>()?, positive("epsilon", self.epsilon)?);
        let decays @ [coupled, decoupled] = [coupled, decoupled].map(T::from_f64);
        Ok(Constants {
            ordinary: ordinary::most(
                numerator.ordinary >= T::default() && ordinary::are_ordinary_rates(epsilon, decays),
            ),
            numerator,
            norm_gain,
            norm_alpha: T::from_f64(norm_gain),
            epsilon,
            coupled,
            decoupled,
            smooth_gain,
            smooth_alpha: T::from_f64(smooth_gain),
            smooth_correction: T::from_f64(1.0),
            correlated: self.correlated,
            floor: self.floor,
            mean_gain,
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
        // What came later is named where it is not as it was.
        if self.correlated == Correlated::Step {
            parameters.push(("correlated", 1.0));
        }
        if self.floor == Floor::Norm {
            parameters.push(("floor", 1.0));
        }
        if let Some(decay) = self.mean_decay {
            parameters.push(("mean_gain", decay.gain()));
        }
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
    fn step<T: Real, S: Simd>(k: &Constants<T>, cells: &mut impl Cells<T, S>, inputs: [Lane<T, S>; 2]) -> Lane<T, S> {
        plain::<T, S, false>(k, cells, inputs)
    }

    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(Lane<T, S>)>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
        report: F,
    ) -> Result<(), F> {
        if !ordinary::are_within(k.ordinary, inputs).all() {
            return Err(report);
        }
        report(plain::<T, S, true>(k, cells, inputs));
        Ok(())
    }
}

/// Takes a step without options, of weights and gradients that are all [ordinary], or of any.
#[inline(always)]
fn plain<T: Real, S: Simd, const ORDINARY: bool>(
    k: &Constants<T>,
    cells: &mut impl Cells<T, S>,
    [w, g]: [Lane<T, S>; 2],
) -> Lane<T, S> {
    let there = w.is_number() & g.is_number();
    let w = w.clamp_unless::<ORDINARY>(T::MAX);
    let g = decayed::<T, S, ORDINARY>(k, w, g);

    let before = cells.get(SQUARE);
    let after = squared(k, before, g);
    let direction = g / norm(k, after);
    cells.set(SQUARE, if ORDINARY { after } else { there.select(after, before) });

    let before = State::get(cells, NUMERATOR);
    let after = numerator::advance::<T, S, ORDINARY>(&k.numerator, before, w, direction);
    let after = if ORDINARY { after } else { after.where_or(there, before) };
    after.set(cells, NUMERATOR);
    numerator::value(&k.numerator, after)
}

impl Weigh for LearningRate {
    #[inline(always)]
    fn value<T: Real, S: Simd>(output: Lane<T, S>) -> Lane<T, S> {
        output
    }

    fn at_step<T: Real>(k: &Constants<T>, step: u64) -> Constants<T> {
        // The product may be an ulp more than the 1 that it is at the first step.
        let gain = (k.norm_gain * correction(k.norm_gain, step)).min(1.0);
        let now = Constants { norm_alpha: T::from_f64(gain), ..*k };
        if moves_first(k) {
            return Constants { smooth_correction: T::from_f64(correction(k.smooth_gain, step)), ..now };
        }
        now
    }

    fn is_plain<T: Real>(k: &Constants<T>) -> bool {
        k.numerator.is_plain() && k.correlated == Correlated::Gradient && k.floor == Floor::None
    }

    #[inline(always)]
    fn full_step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
    ) -> Lane<T, S> {
        let Sight { there, w, square, smoothed, direction } = Sight::of(k, cells, inputs);
        cells.set(SQUARE, square);
        if moves_first(k) {
            cells.set(SMOOTHED, smoothed);
        }
        let after = numerator::full_advance(&k.numerator, State::get(cells, NUMERATOR), there, w, direction);
        after.set(cells, NUMERATOR);
        let a = numerator::full_value(&k.numerator, after);
        if k.floor == Floor::None {
            return a;
        }
        // A weight that has seen no gradient has no norm yet.
        let zero = Lane::splat(w.0, T::default());
        let floor = numerator::floor(&k.numerator, after, norm(k, square.max_of_ordinary(zero)));
        square.lt(zero).select(a, a.max_of_ordinary(floor))
    }

    fn looks_first<T: Real>(k: &Constants<T>) -> bool {
        k.numerator.looks_first()
    }

    #[inline(always)]
    fn look<T: Real, S: Simd>(k: &Constants<T>, cells: &impl Cells<T, S>, inputs: [Lane<T, S>; 2]) -> Lane<T, S> {
        let Sight { there, w, direction, .. } = Sight::of(k, cells, inputs);
        there.select(numerator::size(w * direction), Lane::splat(w.0, T::NAN))
    }

    fn having_seen<T: Real>(k: &Constants<T>, seen: Option<T>) -> Constants<T> {
        Constants { numerator: k.numerator.having_seen(seen), ..*k }
    }

    fn mean_gain<T: Real>(k: &Constants<T>) -> f64 {
        k.mean_gain
    }
}

/// What a step with every option sees of its weights before it writes anything.
struct Sight<T: Real, S: Simd> {
    /// The lanes whose weight and gradient are there.
    there: Mask<T, S>,
    w: Lane<T, S>,
    /// The squared norm, and the smoothed gradient, after this step.
    square: Lane<T, S>,
    smoothed: Lane<T, S>,
    /// What the numerator takes for the gradient; anything in lanes that are not there.
    direction: Lane<T, S>,
}

impl<T: Real, S: Simd> Sight<T, S> {
    #[inline(always)]
    fn of(k: &Constants<T>, cells: &impl Cells<T, S>, [w, g]: [Lane<T, S>; 2]) -> Self {
        let number = |value| Lane::splat(w.0, value);
        let there = w.is_number() & g.is_number();
        let w = w.clamp(T::MAX);
        let g = decayed::<T, S, false>(k, w, g);
        let before = cells.get(SQUARE);
        let after = squared(k, before, g);
        let d = norm(k, after);
        let square = there.select(after, before);
        match k.correlated {
            Correlated::Gradient => Self { there, w, square, smoothed: g, direction: g / d },
            Correlated::Step => {
                let before = cells.get(SMOOTHED);
                // As in the descent, which follows the same direction.
                let smoothed = before.toward(g, k.smooth_alpha).clamp(T::MAX);
                let direction = (number(k.smooth_correction) * smoothed / d).clamp(T::MAX);
                let pull = (number(k.decoupled) * w).clamp(T::MAX);
                let direction = (direction + pull).clamp(T::MAX);
                Self { there, w, square, smoothed: there.select(smoothed, before), direction }
            }
        }
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
pub(super) fn decayed<T: Real, S: Simd, const ORDINARY: bool>(
    k: &Constants<T>,
    w: Lane<T, S>,
    g: Lane<T, S>,
) -> Lane<T, S> {
    let pull = (Lane::splat(w.0, k.coupled) * w).clamp_unless::<ORDINARY>(T::SQRT_MAX);
    (g.clamp_unless::<ORDINARY>(T::SQRT_MAX) + pull).clamp_unless::<ORDINARY>(T::SQRT_MAX)
}

/// The squared norm after this gradient; one below zero has seen none.
#[inline(always)]
fn squared<T: Real, S: Simd>(k: &Constants<T>, before: Lane<T, S>, g: Lane<T, S>) -> Lane<T, S> {
    let square = g * g;
    before.lt(Lane::splat(g.0, T::default())).select(square, before.toward(square, k.norm_alpha))
}

/// The divisor `d` for this squared norm.
#[inline(always)]
pub(super) fn norm<T: Real, S: Simd>(k: &Constants<T>, square: Lane<T, S>) -> Lane<T, S> {
    square.sqrt() + Lane::splat(square.0, k.epsilon)
}
