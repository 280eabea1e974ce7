//! [`Numerator`]: the robust numerator of a learning rate, a clipped, normalised, running `E[w g]`.

use super::{gain_for, is_size, ordinary, pace, positive, within};
use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real};
use crate::rule::{Count, LayerRule, Rule, Step, Weigh};
use pulp::Simd;

/// The robust numerator of a learning rate, `E[w g]` of every weight and its normalised gradient, and its mean over the
/// layer.
///
/// ```text
/// u     = w g
/// u_hat = beta_s u_hat + (1 - beta_s) |u|            scale; contains the current sample
/// psi   = sign(u) min(|u|, c u_hat)                  input clip
/// s     = beta s + (1 - beta) w^2,  s_bar = 1 + s    max-normaliser: E[w g] <= E[w^2] + E[g^2] = E[w^2] + 1
/// a~    = beta a~ + (mu / s_bar) psi                 no (1 - beta): the gain for a constant input is 1 / (1 - beta)
/// a     = min(|a~|, mu s_bar)                        output clip, of the magnitude alone
/// layer mean = (1/n) sum a
/// ```
///
/// `g` is the gradient over its norm, so that `E[g^2] = 1`; [`LearningRate`](crate::LearningRate) computes that norm
/// too. All of `u_hat`, `s` and `a~` begin at 0 and have no bias correction. `c = 4` is Markov's bound, whatever the
/// distribution: `P(|u| >= 4 E|u|) <= 1/4`.
///
/// # How the equations are read
/// The equations are those of O. A. Somefun's text on `AutoSGM` (Oregon State University), and where it leaves a choice,
/// or his code makes another, there is an option.
///
/// * The bound of the output is `mu s_bar`, the upper bound of `E[w g]`: `psi_mu(a~) = min(|a~|, mu s_bar)`, as the note
///   at the end of the text and the code have it. [`Bound::Mu`] takes `mu`, as a line that the text has commented out.
///   The definition of `psi_mu` itself puts `mu E|u|` in place of what is above the bound: [`Bound::MuTimesScale`].
/// * That commented line also keeps `a` above `mu d / s_bar`, and is the only form that keeps it above 0. It needs `d`:
///   [`LearningRate::floor`](crate::LearningRate::floor).
/// * There is one `u_hat` a weight, as in the equation and the code. It adapts "to the typical scale of u in each
///   layer", say the words: [`Scope::Layer`] has one a layer.
/// * The threshold of the input clip uses the scale that already contains the current sample. So at `beta_s <= 1 - 1/c`
///   nothing is ever clipped, and one giant sample opens the threshold for the samples after it; what holds the result
///   then is the output clip. Where the mean of a signal is wanted, [`RobustMean`](crate::RobustMean) does better.
/// * The recursion of `a~` has no `(1 - beta)`.
/// * There may be two decays, one for the scale and one for `a~` and `s`, as in the code; the text has one `beta_a`.
///
/// Each average is computed as `x + (1 - beta)(y - x)` with `1 - beta` from `f64`, and `a~` likewise: in `f32` a
/// rounded `beta` near 1 would change the averages by a part in ten thousand.
///
/// # Missing and infinite samples
/// A NaN in `w` or `g` leaves the state of that weight as it was, and the weight counts in the mean with its last `a`.
/// An infinity counts as the largest finite number of its sign, and so does every product, square and sum beyond it:
/// the state is finite for ever.
///
/// State per weight: `u_hat`, `s` and `a~`, three columns; with `w` and `g`, 32 bytes of memory traffic per weight and
/// step in `f32`.
///
/// ```
/// use evenkeel::{Layer, Numerator};
///
/// let weights = [0.5_f32, -0.25, 0.1, 1.0];
/// let mut layer = Layer::<Numerator, f32>::new(Numerator::new(1e-3)?, weights.len())?;
/// let mut rate = 0.0;
/// for _ in 0..100 {
///     rate = layer.update(&weights, &[1.0, -0.5, f32::NAN, 2.0])?; // one number for the layer
/// }
/// assert!(rate > 0.0 && rate <= 2e-3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "super::config::NumeratorConfig", into = "super::config::NumeratorConfig")
)]
pub struct Numerator {
    pub(super) bound_by: f64,
    pub(super) decay: Decay,
    pub(super) scale_decay: Decay,
    pub(super) clip: f64,
    pub(super) bound: Bound,
    pub(super) scale_scope: Scope,
}

/// The bound at which the output of a numerator is clipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Bound {
    /// The bound `mu s_bar`, above which `E[w g]` cannot be.
    #[default]
    MuTimesNorm,
    /// The bound `mu`.
    Mu,
    /// The bound `mu s_bar`, beyond which the output is not that bound but `mu u_hat`, the second branch of `psi_mu` as
    /// it is printed: `a = |a~|` where `|a~| <= mu s_bar`, `mu u_hat` elsewhere. `u_hat` is the text's estimate of
    /// `E|u|`, and mostly far below `s_bar`: an output that reaches its bound falls back.
    MuTimesScale,
}

/// The weights that a scale `u_hat` is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Scope {
    /// One scale for each weight.
    #[default]
    Weight,
    /// One scale for the layer: `u_hat = beta_s u_hat + (1 - beta_s) (1/n) sum |u|`.
    ///
    /// The mean is that of the weights whose sample is there, in the order of the layer mean, and so the same bits on
    /// every backend and any number of threads. Because the threshold contains the current sample, it takes a pass of
    /// its own, which only reads, before the step. Every weight has the scale in its column, a missing one too; where
    /// all are missing, it stays.
    Layer,
}

impl Numerator {
    /// Makes a numerator with learning-rate bound `mu`: beta 0.9999, `beta_s` 0.999, `c` 4, output clip at `mu s_bar`.
    ///
    /// # Errors
    /// `mu` is not above 0 and finite.
    pub fn new(mu: f64) -> Result<Self, ParameterError> {
        let bound_by = ParameterError::check_positive("mu", mu)?;
        let (decay, scale_decay) = (Decay::BETA_9999, Decay::BETA_999);
        Ok(Self { bound_by, decay, scale_decay, clip: 4.0, bound: Bound::default(), scale_scope: Scope::default() })
    }

    /// Sets the decay of `a~` and of the max-normaliser `s`, `Decay::beta(0.9999)` by default.
    #[must_use]
    pub fn decay(self, decay: Decay) -> Self {
        Self { decay, ..self }
    }

    /// Sets the decay of the scale `u_hat`, `Decay::beta(0.999)` by default.
    #[must_use]
    pub fn scale_decay(self, scale_decay: Decay) -> Self {
        Self { scale_decay, ..self }
    }

    /// Sets the input clip: products beyond `c` scales count as `c` scales. 4 by default; `f64::INFINITY` clips none.
    ///
    /// # Errors
    /// `c` is not above 0.
    pub fn clip(self, c: f64) -> Result<Self, ParameterError> {
        Ok(Self { clip: ParameterError::check("clip", c, "above 0", |c| c > 0.0)?, ..self })
    }

    /// Sets the bound of the output, [`Bound::MuTimesNorm`] by default.
    #[must_use]
    pub fn bound(self, bound: Bound) -> Self {
        Self { bound, ..self }
    }

    /// Sets what the scale `u_hat` is of, [`Scope::Weight`] by default.
    #[must_use]
    pub fn scale_scope(self, scale_scope: Scope) -> Self {
        Self { scale_scope, ..self }
    }
}

/// The parameters of a [`Numerator`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    mu: T,
    alpha: T,
    scale_alpha: T,
    clip: T,
    bound: Bound,
    scale_scope: Scope,
    /// The mean of `|u|` over the layer at this step, if any weight has a sample.
    seen: Option<T>,
    /// The size up to which weights and gradients are [ordinary].
    pub(super) ordinary: T,
}

impl<T> Constants<T> {
    /// Whether no option is chosen that takes more than the plain step.
    pub(super) fn is_plain(&self) -> bool {
        self.bound != Bound::MuTimesScale && self.scale_scope == Scope::Weight
    }
    pub(super) fn looks_first(&self) -> bool {
        self.scale_scope == Scope::Layer
    }
    pub(super) fn having_seen(self, seen: Option<T>) -> Self {
        Self { seen, ..self }
    }
}

/// The columns of the state, by position.
const SCALE: usize = 0;
const NORM: usize = 1;
const AVERAGE: usize = 2;

/// The state of one weight.
#[derive(Clone, Copy)]
pub(super) struct State<T: Real, S: Simd> {
    pub(super) scale: Lane<T, S>,
    pub(super) norm: Lane<T, S>,
    pub(super) average: Lane<T, S>,
}

/// The state after weight `w` with normalised gradient `g`, both finite. Lanes where they are not become anything.
///
/// An average of finite numbers lies between them, rounding included; only what is multiplied or summed needs a bound.
///
/// `ORDINARY` where weight and gradient are [ordinary](super::ordinary).
#[inline(always)]
pub(super) fn advance<T: Real, S: Simd, const ORDINARY: bool>(
    k: &Constants<T>,
    before: State<T, S>,
    w: Lane<T, S>,
    g: Lane<T, S>,
) -> State<T, S> {
    let u = w * g;
    let size = if ORDINARY { u.abs() } else { size(u) };
    advance_by::<T, S, ORDINARY>(k, before, w, u, before.scale.toward(size, k.scale_alpha))
}

/// The size of a product.
#[inline(always)]
pub(super) fn size<T: Real, S: Simd>(u: Lane<T, S>) -> Lane<T, S> {
    u.abs().min_of_ordinary(Lane::splat(u.0, T::MAX))
}

/// The state after weight `w` and product `u`, with this scale.
#[inline(always)]
fn advance_by<T: Real, S: Simd, const ORDINARY: bool>(
    k: &Constants<T>,
    State { norm, average, .. }: State<T, S>,
    w: Lane<T, S>,
    u: Lane<T, S>,
    scale: Lane<T, S>,
) -> State<T, S> {
    let number = |value| Lane::splat(w.0, value);
    let one = T::from_f64(1.0);
    let size = if ORDINARY { u.abs() } else { size(u) };
    let psi = size.min_of_ordinary(number(k.clip) * scale).with_sign_of(u);
    let square = if ORDINARY { w * w } else { (w * w).min_of_ordinary(number(T::MAX)) };
    let norm = norm.toward(square, k.alpha);
    let input = number(k.mu) / (number(one) + norm) * psi;
    let average = if k.alpha == one { input } else { average + (input - number(k.alpha) * average) };
    let average = average.clamp_unless::<ORDINARY>(T::MAX);
    State { scale, norm, average }
}

/// The state after a step with every option: of the lanes of the mask, whose weight and gradient are there, and of the
/// others.
#[inline(always)]
pub(super) fn full_advance<T: Real, S: Simd>(
    k: &Constants<T>,
    before: State<T, S>,
    there: Mask<T, S>,
    w: Lane<T, S>,
    g: Lane<T, S>,
) -> State<T, S> {
    let u = w * g;
    let scale = match (k.scale_scope, k.seen) {
        (Scope::Weight, _) => there.select(before.scale.toward(size(u), k.scale_alpha), before.scale),
        (Scope::Layer, Some(seen)) => before.scale.toward(Lane::splat(w.0, seen), k.scale_alpha),
        (Scope::Layer, None) => before.scale,
    };
    State { scale, ..advance_by::<T, S, false>(k, before, w, u, scale).where_or(there, before) }
}

/// The number `a` of a weight in this state, with every option.
#[inline(always)]
pub(super) fn full_value<T: Real, S: Simd>(k: &Constants<T>, state: State<T, S>) -> Lane<T, S> {
    let within = value(k, state);
    if k.bound != Bound::MuTimesScale {
        return within;
    }
    let beyond = (Lane::splat(within.0, k.mu) * state.scale).min_of_ordinary(Lane::splat(within.0, T::MAX));
    within.lt(state.average.abs()).select(beyond, within)
}

/// The least `a` of a weight in this state whose divisor is `d`: `mu d / s_bar`.
#[inline(always)]
pub(super) fn floor<T: Real, S: Simd>(k: &Constants<T>, state: State<T, S>, d: Lane<T, S>) -> Lane<T, S> {
    let number = |value| Lane::splat(d.0, value);
    (number(k.mu) / (number(T::from_f64(1.0)) + state.norm) * d).min_of_ordinary(number(T::MAX))
}

/// The number `a` of a weight in this state.
#[inline(always)]
pub(super) fn value<T: Real, S: Simd>(k: &Constants<T>, state: State<T, S>) -> Lane<T, S> {
    let mu = Lane::splat(state.norm.0, k.mu);
    let bound = match k.bound {
        Bound::MuTimesNorm | Bound::MuTimesScale => mu * (Lane::splat(state.norm.0, T::from_f64(1.0)) + state.norm),
        Bound::Mu => mu,
    };
    state.average.abs().min_of_ordinary(bound)
}

impl<T: Real, S: Simd> State<T, S> {
    /// The state in the columns from `first` on.
    #[inline(always)]
    pub(super) fn get(cells: &impl Cells<T, S>, first: usize) -> Self {
        Self { scale: cells.get(first + SCALE), norm: cells.get(first + NORM), average: cells.get(first + AVERAGE) }
    }
    #[inline(always)]
    pub(super) fn set(self, cells: &mut impl Cells<T, S>, first: usize) {
        cells.set(first + SCALE, self.scale);
        cells.set(first + NORM, self.norm);
        cells.set(first + AVERAGE, self.average);
    }
    /// The state of `self` in the lanes of the mask, of `other` elsewhere.
    #[inline(always)]
    pub(super) fn where_or(self, mask: Mask<T, S>, other: Self) -> Self {
        Self {
            scale: mask.select(self.scale, other.scale),
            norm: mask.select(self.norm, other.norm),
            average: mask.select(self.average, other.average),
        }
    }
}

impl Rule for Numerator {}
impl LayerRule for Numerator {}

impl Step for Numerator {
    const NAME: &'static str = "Numerator";
    type Columns = Count<3>;
    type Inputs = Count<2>;
    type Output<T: Real, S: Simd> = Lane<T, S>;
    type Constants<T: Real> = Constants<T>;

    fn constants<T: Real>(&self) -> Result<Constants<T>, ParameterError> {
        let mu = positive("mu", self.bound_by)?;
        Ok(Constants {
            mu,
            alpha: T::from_f64(gain_for::<T>(Self::NAME, self.decay)?),
            scale_alpha: T::from_f64(gain_for::<T>(Self::NAME, self.scale_decay)?),
            // Nothing is beyond so many scales but a size so small that its scale is rounded to 0.
            clip: if self.clip == f64::INFINITY { T::MAX } else { positive("clip", self.clip)? },
            bound: self.bound,
            scale_scope: self.scale_scope,
            seen: None,
            ordinary: ordinary::most(ordinary::is_ordinary_rate(mu)),
        })
    }

    fn parameters(&self) -> Vec<(&'static str, f64)> {
        let bound = match self.bound {
            Bound::MuTimesNorm => 0.0,
            Bound::Mu => 1.0,
            Bound::MuTimesScale => 2.0,
        };
        let mut parameters = vec![
            ("mu", self.bound_by),
            pace(self.decay),
            ("scale_gain", self.scale_decay.gain()),
            ("clip", self.clip),
            ("bound", bound),
        ];
        // What came later is named where it is not as it was.
        if self.scale_scope == Scope::Layer {
            parameters.push(("layer_scale", 1.0));
        }
        parameters
    }

    fn is_state<T: Real>(_: &Constants<T>, [scale, norm, average]: &[T; 3]) -> bool {
        is_size(*scale, T::MAX) && is_size(*norm, T::MAX) && within(*average, T::MAX)
    }

    fn unseen<T: Real>() -> [T; 3] {
        [T::default(); 3]
    }

    #[inline(always)]
    fn step<T: Real, S: Simd>(k: &Constants<T>, cells: &mut impl Cells<T, S>, [w, g]: [Lane<T, S>; 2]) -> Lane<T, S> {
        let before = State::get(cells, 0);
        let there = w.is_number() & g.is_number();
        let after = advance::<T, S, false>(k, before, w.clamp(T::MAX), g.clamp(T::MAX)).where_or(there, before);
        after.set(cells, 0);
        value(k, after)
    }

    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(Lane<T, S>)>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [w, g]: [Lane<T, S>; 2],
        report: F,
    ) -> Result<(), F> {
        if !ordinary::are_within(k.ordinary, [w, g]).all() {
            return Err(report);
        }
        let after = advance::<T, S, true>(k, State::get(cells, 0), w, g);
        after.set(cells, 0);
        report(value(k, after));
        Ok(())
    }
}

impl Weigh for Numerator {
    #[inline(always)]
    fn value<T: Real, S: Simd>(output: Lane<T, S>) -> Lane<T, S> {
        output
    }

    fn is_plain<T: Real>(k: &Constants<T>) -> bool {
        k.is_plain()
    }

    #[inline(always)]
    fn full_step<T: Real, S: Simd>(
        k: &Constants<T>,
        cells: &mut impl Cells<T, S>,
        [w, g]: [Lane<T, S>; 2],
    ) -> Lane<T, S> {
        let there = w.is_number() & g.is_number();
        let after = full_advance(k, State::get(cells, 0), there, w.clamp(T::MAX), g.clamp(T::MAX));
        after.set(cells, 0);
        full_value(k, after)
    }

    fn looks_first<T: Real>(k: &Constants<T>) -> bool {
        k.looks_first()
    }

    #[inline(always)]
    fn look<T: Real, S: Simd>(_: &Constants<T>, _: &impl Cells<T, S>, [w, g]: [Lane<T, S>; 2]) -> Lane<T, S> {
        let there = w.is_number() & g.is_number();
        there.select(size(w.clamp(T::MAX) * g.clamp(T::MAX)), Lane::splat(w.0, T::NAN))
    }

    fn having_seen<T: Real>(k: &Constants<T>, seen: Option<T>) -> Constants<T> {
        k.having_seen(seen)
    }
}
