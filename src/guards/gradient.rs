//! [`GradientGuard`]: a factor for a gradient from its norm, judged against the running robust location of its logarithm.

use super::{State, sweep, unseen};
use crate::bank::Bank;
use crate::decay::Decay;
use crate::error::{ChannelsError, ParameterError, UpdateError};
use crate::rule::Reading;
use crate::rules::RobustMean;
use crate::sweep::{Sweep, Threads, same_length};
use core::f64::consts::LN_2;

/// Scales of `ln |g|` above the location up to which a gradient passes.
const CLIP: f64 = 3.0;
/// Scales above the location beyond which its step is skipped.
const SKIP: f64 = 8.0;
/// The distance above the location up to which a gradient passes whatever the scale: twice the usual size.
const LEAST: f64 = LN_2;

/// A factor for the gradient of each step from its norm, so that a spike of the gradient does not move the weights: a norm clip
/// whose bound follows the training.
///
/// With `x = ln |g|`, and location and scale those of its running [`RobustMean`] before this step:
///
/// ```text
/// L      = location + max(3 scale, ln 2)         passes: up to three scales, or twice the usual size
/// S      = location + max(8 scale, 2 ln 2)       skips: beyond eight scales, or four times the usual size
/// factor = 1              where x <= L
/// factor = e^(L - x)      where L < x <= S       the norm is held at e^L
/// factor = 0              where x > S            the step is skipped
/// ```
///
/// Multiply the gradient by the factor, or leave out the step where it is 0. The norm may be that of one tensor or of all of
/// them together; [`sum_of_squares`](crate::sum_of_squares) makes it, with the same bits on every machine.
///
/// * **The start.** The first norm passes, from the second on there is something to compare with.
/// * **A level that has moved** is taken after some twelve skips, the patience of [`RobustMean`].
///   [`skips_in_a_row`](Self::skips_in_a_row) reports such a run: a training that skips more often than now and then has a
///   problem that no clip cures.
/// * **A norm that is none.** NaN and an infinity skip the step, and change nothing; a norm of 0 passes, and changes nothing.
///
/// # What it wins, and what it does not
/// It equals a norm clip whose bound was tuned, with nothing to tune, and does not beat one; and it does nothing against wrong
/// labels, whose gradients are not large but wrong: that is the business of [`LossGuard`](super::LossGuard). Measurements
/// are in the README of `evenkeel-candle`.
///
/// # Source
/// Clipping by the norm is Pascanu, Mikolov and Bengio's (*On the difficulty of training recurrent neural networks*, 2013,
/// section 3.2); location and scale are those of [`RobustMean`].
///
/// State: one channel of [`RobustMean`] in `f64`, and two counters. No step panics or allocates.
///
/// ```
/// use evenkeel::{Decay, GradientGuard, sum_of_squares};
///
/// let mut guard = GradientGuard::new(Decay::half_life(50.0)?)?; // 50 steps
/// let mut weights = [1.0_f32; 4];
/// for step in 0..100 {
///     let mut gradient = weights.map(|w| 0.5 * w + 0.01);
///     gradient[0] *= if step == 50 { 1e6 } else { 1.0 }; // a spike
///     let factor = guard.observe(sum_of_squares(&gradient).sqrt());
///     assert_eq!(factor == 0.0, step == 50);
///     for (w, g) in weights.iter_mut().zip(gradient) {
///         *w -= 0.01 * factor as f32 * g;
///     }
/// }
/// assert_eq!(guard.skips(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GradientGuard {
    pub(super) sweep: Sweep<RobustMean, f64>,
    pub(super) state: State,
    pub(super) skips: Skips,
}

/// The steps that were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Skips {
    pub(super) all: u64,
    pub(super) in_a_row: u64,
}

impl Skips {
    #[inline]
    fn count(&mut self, factor: f64) {
        let is_skipped = factor == 0.0;
        self.all = self.all.saturating_add(u64::from(is_skipped));
        self.in_a_row = if is_skipped { self.in_a_row.saturating_add(1) } else { 0 };
    }
}

impl GradientGuard {
    /// Makes a guard with a memory of so many steps: a half-life of 50 suits, `Decay::half_life(50.0)`.
    ///
    /// # Errors
    /// The decay is in time.
    pub fn new(decay: Decay) -> Result<Self, ParameterError> {
        let sweep = sweep("GradientGuard", decay)?.with_threads(Threads::One);
        Ok(Self { state: unseen(&sweep), sweep, skips: Skips::default() })
    }

    /// Judges the norm of a gradient by what was known before it, learns it, and returns the factor of the gradient, from 0
    /// to 1.
    pub fn observe(&mut self, norm: f64) -> f64 {
        let size = size(norm);
        let factor = factor(self.reading(), size, norm);
        let cells = self.state.each_mut().map(core::slice::from_mut);
        // One channel of one sample, in samples: there is nothing to refuse.
        let _ = self.sweep.update_channel(cells, 0, &[size]);
        self.skips.count(factor);
        factor
    }

    /// The location, scale and age of the logarithms of norms; NaN and 0 before the first.
    #[must_use]
    pub fn reading(&self) -> Reading<f64> {
        self.sweep.reading(&self.state)
    }

    /// The number of steps that were skipped.
    #[must_use]
    pub fn skips(&self) -> u64 {
        self.skips.all
    }

    /// The number of steps that were skipped one after the other, up to the last one; 0 where that was not.
    #[must_use]
    pub fn skips_in_a_row(&self) -> u64 {
        self.skips.in_a_row
    }
}

/// A [`GradientGuard`] for each tensor of a model, judged together: the factor of each tensor comes from its own norms.
///
/// ```
/// use evenkeel::{Decay, GradientGuards};
///
/// let mut guards = GradientGuards::new(Decay::half_life(50.0)?, 3)?;
/// let mut factors = [0.0; 3];
/// for _ in 0..20 {
///     guards.observe(&[1.0, 20.0, 0.3], &mut factors)?;
/// }
/// guards.observe(&[1e6, 50.0, 0.3], &mut factors)?;
/// assert_eq!((factors[0], factors[2]), (0.0, 1.0)); // skipped, passed
/// assert!((factors[1] - 0.8).abs() < 1e-9);         // held at twice the usual size
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct GradientGuards {
    pub(super) bank: Bank<RobustMean, f64>,
    pub(super) skips: Vec<Skips>,
    /// The logarithms of one step.
    pub(super) sizes: Vec<f64>,
}

impl GradientGuards {
    /// Makes a guard for each of so many tensors, with a memory of so many steps: a half-life of 50 suits.
    ///
    /// # Errors
    /// The decay is in time, or there is no memory.
    pub fn new(decay: Decay, tensors: usize) -> Result<Self, ChannelsError> {
        let rule = *sweep("GradientGuards", decay)?.rule();
        let bank = Bank::new(rule, tensors)?.with_threads(Threads::One);
        Ok(Self { bank, skips: vec![Skips::default(); tensors], sizes: vec![0.0; tensors] })
    }

    /// Judges the norm of each tensor's gradient by what was known before it, learns it, and writes the factor of each
    /// gradient, from 0 to 1.
    ///
    /// # Errors
    /// There are not one norm and one factor for each tensor. Nothing has changed.
    pub fn observe(&mut self, norms: &[f64], factors: &mut [f64]) -> Result<(), UpdateError> {
        same_length("the norms", norms.len(), self.len())?;
        same_length("the factors", factors.len(), self.len())?;
        let tensors = self.bank.readings().zip(norms).zip(&mut self.sizes).zip(factors).zip(&mut self.skips);
        for ((((reading, &norm), place), found), skips) in tensors {
            *place = size(norm);
            *found = factor(reading, *place, norm);
            skips.count(*found);
        }
        self.bank.update(&self.sizes)
    }

    /// The number of tensors.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bank.len()
    }

    /// Whether there are no tensors.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bank.is_empty()
    }

    /// The location, scale and age of the logarithms of one tensor's norms; `None` if there is no such tensor.
    #[must_use]
    pub fn reading(&self, tensor: usize) -> Option<Reading<f64>> {
        self.bank.reading(tensor)
    }

    /// The number of steps of each tensor that were skipped.
    #[must_use]
    pub fn skips(&self) -> impl ExactSizeIterator<Item = u64> {
        self.skips.iter().map(|skips| skips.all)
    }

    /// The number of steps of each tensor that were skipped one after the other, up to the last one.
    #[must_use]
    pub fn skips_in_a_row(&self) -> impl ExactSizeIterator<Item = u64> {
        self.skips.iter().map(|skips| skips.in_a_row)
    }
}

/// The logarithm that is judged and learnt; NaN for a norm of which nothing is learnt.
#[inline]
fn size(norm: f64) -> f64 {
    if norm > 0.0 && norm < f64::INFINITY { libm::log(norm) } else { f64::NAN }
}

/// The factor of a gradient whose norm has this logarithm.
#[inline]
fn factor(Reading { location, scale, age }: Reading<f64>, size: f64, norm: f64) -> f64 {
    if size.is_nan() {
        return if norm <= 0.0 && norm.is_finite() { 1.0 } else { 0.0 };
    }
    let passes = location + (CLIP * scale).max(LEAST);
    if age == 0.0 || size <= passes {
        1.0
    } else if size <= location + (SKIP * scale).max(2.0 * LEAST) {
        libm::exp(passes - size)
    } else {
        0.0
    }
}
