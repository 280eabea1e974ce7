//! [`LossGuard`]: weights of a batch's examples from how far their losses lie above the running robust location.

use super::{State, sweep, unseen};
use crate::decay::Decay;
use crate::error::{ParameterError, UpdateError};
use crate::lane::Real;
use crate::rule::Reading;
use crate::rules::RobustMean;
use crate::sweep::{Sweep, same_length};

/// Scales above the location up to which a loss weighs 1.
const FULL: f64 = 5.0;
/// Scales above the location from which a loss weighs 0.
const NONE: f64 = 8.0;
/// Losses whose sizes are computed at a time, on the stack.
const CHUNK: usize = 256;

/// Weights for the examples of a batch from their losses, so that examples with wrong labels do not count.
///
/// The losses of a batch are judged by what was known before it, and then learnt, in order. With `x` the size of a loss,
/// its square root where losses are [squared](Self::squared) errors and the loss itself otherwise:
///
/// ```text
/// z      = (x - location) / scale                location and scale of the running RobustMean
/// weight = min(max((8 - z) / 3, 0), 1)           1 up to 5 scales above the location, 0 from 8 on
/// weight = 1 where x <= floor                    floor: the level at which training began
/// ```
///
/// Multiply each loss by its weight before the mean is taken and the gradient is made. The floor spares what is late to be
/// learnt: as the losses fall, examples that are merely hard would become outliers.
///
/// * **The start.** The first 32 losses that are finite and not below zero, and all of the batch in which the 32nd comes,
///   weigh 1 and [seed](Self::seed) the guard: location and floor are their median, the scale is the mean of `min(|x -
///   median|, 2 MAD)`, where `MAD` is the median of `|x - median|`, and the estimate rests on as many samples. A fifth of the
///   labels may be wrong, and all of them in one direction; with a quarter or more, a guard can settle between the two
///   levels, and then weighs nothing down.
/// * **Half-life.** Some 50 steps, so `50.0 * 32.0` for batches of 32; 12 steps where the loss falls fast.
/// * **A loss that is none.** NaN, an infinity and a number below zero weigh 0, are [counted](Self::invalid), and change
///   nothing. (Zero times NaN is NaN: leave such an example out of the sum.)
///
/// # When not to use it
/// Where *all* labels are noisy there are no outliers to find: under Cauchy noise on every label a loss that grows slowly, such as
/// Huber's (1964), does as well. Where so many labels are wrong that a model learns them as well as the right ones, nothing is won. Spikes of the gradient are the business of [`GradientGuard`](super::GradientGuard).
///
/// The comparison beside gradient clipping and other losses is in the README of `evenkeel-candle`.
///
/// # Source
/// The location and the scale are those of [`RobustMean`]; weights that fall from 1 to 0 with the standardised residual are
/// Hampel's (Hampel, Ronchetti, Rousseeuw and Stahel, *Robust Statistics*, 1986, section 2.6), here on one side. Seed and
/// floor are this project's.
///
/// State: one channel of [`RobustMean`] in `f64`, the floor and two counters. No update panics, and none allocates once the
/// guard is seeded.
///
/// ```
/// use evenkeel::{Decay, LossGuard};
///
/// let mut guard = LossGuard::new(Decay::half_life(50.0 * 32.0)?)?.squared();
/// let mut weights = [0.0; 32];
/// for step in 0..100 {
///     let mut losses: [f64; 32] = core::array::from_fn(|i| 1.0 + 0.1 * ((step + i) * 37 % 11) as f64);
///     losses[7] = if step < 50 { 1.0 } else { 1e4 }; // a label that is wrong
///     guard.weigh(&losses, &mut weights)?;
///     // ... the gradient of the mean of weights[i] * losses[i]
/// }
/// assert_eq!(weights[7], 0.0);
/// assert_eq!(weights[8], 1.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct LossGuard {
    pub(super) sweep: Sweep<RobustMean, f64>,
    pub(super) squared: bool,
    pub(super) state: State,
    /// The level at which training began, as a size; NaN until the guard is seeded.
    pub(super) floor: f64,
    /// The sizes of losses that wait for the seed.
    pub(super) waiting: Vec<f64>,
    pub(super) invalid: u64,
    pub(super) weighed_down: u64,
}

/// An example whose loss lies so far above the others that it weighs less than 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Suspect {
    /// The position of the loss.
    pub index: usize,
    /// The scales by which the size of the loss lies above the location.
    pub score: f64,
}

impl LossGuard {
    /// The number of losses that seed a guard.
    pub const SEED: usize = 32;

    /// Makes a guard whose memory is so many examples: some 50 steps, `Decay::half_life(50.0 * batch)`.
    ///
    /// # Errors
    /// The decay is in time.
    pub fn new(decay: Decay) -> Result<Self, ParameterError> {
        let sweep = sweep("LossGuard", decay)?;
        let (state, floor, waiting) = (unseen(&sweep), f64::NAN, Vec::with_capacity(Self::SEED));
        Ok(Self { sweep, squared: false, state, floor, waiting, invalid: 0, weighed_down: 0 })
    }

    /// Sets that losses are squared errors, whose square roots are judged. Without it losses are judged as they are, which is
    /// right for cross-entropy. To be called before the first loss.
    #[must_use]
    pub fn squared(self) -> Self {
        Self { squared: true, ..self }
    }

    /// Whether enough losses have been seen to judge others.
    #[must_use]
    pub fn is_seeded(&self) -> bool {
        !self.floor.is_nan()
    }

    /// Seeds the guard with losses of the untrained model, and forgets what was learnt before: the way to begin with more
    /// than one batch, or to begin anew. The counters stay.
    ///
    /// # Errors
    /// Fewer than 32 losses are finite and not below zero. Nothing has changed.
    pub fn seed<T: Real>(&mut self, losses: &[T]) -> Result<(), UpdateError> {
        let sizes = losses.iter().map(|loss| self.size(loss.to_f64())).filter(|size| !size.is_nan());
        let mut sizes: Vec<f64> = sizes.collect();
        if sizes.len() < Self::SEED {
            return Err(UpdateError::Seed { what: "fewer than 32 losses that are finite and not below zero" });
        }
        self.seed_with(&mut sizes)
    }

    fn seed_with(&mut self, sizes: &mut [f64]) -> Result<(), UpdateError> {
        let Reading { location, scale, age } = start(sizes);
        self.sweep.seed(self.state.each_mut().map(core::slice::from_mut), 0, Reading { location, scale, age })?;
        (self.floor, self.waiting) = (location, Vec::new());
        Ok(())
    }

    /// Judges the losses of a batch by what was known before it, writes the weight of each example, and learns the losses in
    /// order.
    ///
    /// # Errors
    /// There is not one weight for each loss. Nothing has changed.
    pub fn weigh<T: Real>(&mut self, losses: &[T], weights: &mut [T]) -> Result<(), UpdateError> {
        same_length("the weights", weights.len(), losses.len())?;
        if !self.is_seeded() {
            return self.wait(losses, weights);
        }
        let (judge, mut buffer) = (self.judge(), [0.0; CHUNK]);
        for (losses, weights) in losses.chunks(CHUNK).zip(weights.chunks_mut(CHUNK)) {
            let sizes = &mut buffer[..losses.len()];
            for (size, loss) in sizes.iter_mut().zip(losses) {
                *size = self.size(loss.to_f64());
            }
            let (mut invalid, mut light) = (0_u64, 0_u64);
            for (weight, &size) in weights.iter_mut().zip(&*sizes) {
                let found = judge.weight(size);
                invalid += u64::from(size.is_nan());
                light += u64::from(found < 1.0);
                *weight = T::from_f64(found);
            }
            self.invalid = self.invalid.saturating_add(invalid);
            self.weighed_down = self.weighed_down.saturating_add(light - invalid);
            self.sweep.update_channel(self.state.each_mut().map(core::slice::from_mut), 0, sizes)?;
        }
        Ok(())
    }

    /// Lets a batch pass, and seeds the guard with it where there are enough losses then.
    #[cold]
    fn wait<T: Real>(&mut self, losses: &[T], weights: &mut [T]) -> Result<(), UpdateError> {
        for (weight, loss) in weights.iter_mut().zip(losses) {
            let size = self.size(loss.to_f64());
            *weight = T::from_f64(if size.is_nan() { 0.0 } else { 1.0 });
            if size.is_nan() {
                self.invalid = self.invalid.saturating_add(1);
            } else {
                self.waiting.push(size);
            }
        }
        if self.waiting.len() < Self::SEED {
            return Ok(());
        }
        let mut sizes = core::mem::take(&mut self.waiting);
        self.seed_with(&mut sizes)
    }

    /// The scales by which a loss lies above the location, judged by what is known; NaN for a loss that is none, and before
    /// the guard is seeded. Nothing is learnt.
    #[must_use]
    pub fn score(&self, loss: f64) -> f64 {
        self.judge().score(self.size(loss))
    }

    /// The weight of a loss by what is known: that of [`weigh`](Self::weigh), and 1 before the guard is seeded. Nothing is
    /// learnt.
    #[must_use]
    pub fn weight(&self, loss: f64) -> f64 {
        let size = self.size(loss);
        if self.is_seeded() || size.is_nan() { self.judge().weight(size) } else { 1.0 }
    }

    /// The losses that weigh less than 1 by what is known, the highest score first: evaluated on a whole set of examples, a
    /// list of the labels to look at. Losses that are none are not in it, and nothing is learnt.
    ///
    /// ```
    /// use evenkeel::{Decay, LossGuard};
    ///
    /// let mut guard = LossGuard::new(Decay::half_life(1600.0)?)?;
    /// let mut losses: Vec<f64> = (0..100).map(|i| 1.0 + 0.01 * f64::from(i * 37 % 100)).collect();
    /// guard.seed(&losses)?;
    /// losses[30] = 9.0;
    /// losses[60] = 7.0;
    /// let suspects: Vec<usize> = guard.suspects(&losses).iter().map(|suspect| suspect.index).collect();
    /// assert_eq!(suspects, [30, 60]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn suspects<T: Real>(&self, losses: &[T]) -> Vec<Suspect> {
        if !self.is_seeded() {
            return Vec::new();
        }
        let judge = self.judge();
        let sizes = losses.iter().map(|loss| self.size(loss.to_f64())).enumerate();
        let light = sizes.filter(|&(_, size)| !size.is_nan() && judge.weight(size) < 1.0);
        let mut suspects: Vec<Suspect> =
            light.map(|(index, size)| Suspect { index, score: judge.score(size) }).collect();
        suspects.sort_by(|one, other| other.score.total_cmp(&one.score));
        suspects
    }

    /// The location, scale and age of the sizes of losses; all NaN or 0 before the guard is seeded.
    #[must_use]
    pub fn reading(&self) -> Reading<f64> {
        self.sweep.reading(&self.state)
    }

    /// The size up to which every loss weighs 1, the level at which training began; `None` before the guard is seeded.
    #[must_use]
    pub fn floor(&self) -> Option<f64> {
        self.is_seeded().then_some(self.floor)
    }

    /// The number of losses that were NaN, infinite or below zero.
    #[must_use]
    pub fn invalid(&self) -> u64 {
        self.invalid
    }

    /// The number of losses that weighed less than 1, without those that were none.
    #[must_use]
    pub fn weighed_down(&self) -> u64 {
        self.weighed_down
    }

    /// The size that is judged; NaN for a loss that is none.
    #[inline]
    fn size(&self, loss: f64) -> f64 {
        let size = if self.squared { loss.sqrt() } else { loss };
        if (0.0..f64::INFINITY).contains(&loss) { size } else { f64::NAN }
    }

    fn judge(&self) -> Judge {
        let Reading { location, scale, .. } = self.reading();
        Judge { location, scale, floor: self.floor }
    }
}

/// What a batch is judged by.
#[derive(Clone, Copy)]
struct Judge {
    location: f64,
    scale: f64,
    floor: f64,
}

impl Judge {
    #[inline]
    fn score(self, size: f64) -> f64 {
        (size - self.location) / self.scale
    }

    /// The weight of a size; 0 for NaN.
    #[inline]
    fn weight(self, size: f64) -> f64 {
        let falling = (NONE - self.score(size)) / (NONE - FULL);
        // A NaN passes neither comparison.
        let weight = if falling > 0.0 { falling.min(1.0) } else { 0.0 };
        if size <= self.floor { 1.0 } else { weight }
    }
}

/// The location, scale and age with which a guard begins, of at least one size.
fn start(sizes: &mut [f64]) -> Reading<f64> {
    let location = median(sizes);
    let count = sizes.len() as f64;
    let mut distances: Vec<f64> = sizes.iter().map(|size| (size - location).abs()).collect();
    let mad = median(&mut distances);
    let most = if mad > 0.0 { 2.0 * mad } else { f64::INFINITY };
    let scale = distances.iter().map(|distance| distance.min(most) / count).sum();
    Reading { location, scale, age: count }
}

/// The median of numbers, which it orders; 0 of none.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = numbers.get(middle).copied().unwrap_or_default();
    let lower = if numbers.len().is_multiple_of(2) { middle.saturating_sub(1) } else { middle };
    f64::midpoint(numbers.get(lower).copied().unwrap_or_default(), upper)
}
