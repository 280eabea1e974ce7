//! Whole steps of descent: the state moves, and then the weights, at a rate that is made of the layer mean. Over columns
//! of the caller's, and of many layers in one call.

use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::ColumnsOf;
use crate::rules::{Descent, DescentConstants, LearningRate, SMOOTHED, SQUARE, moves_first};
use crate::sweep::{Part, Sweep, Threads, check, fetch, run_together};
use core::fmt;

type State<'s, T> = ColumnsOf<LearningRate, &'s mut [T]>;

impl<T: Real> Sweep<LearningRate, T> {
    /// Takes a step of descent over columns of the caller's, as [`Layer::descend`](crate::Layer::descend) does; `step`
    /// counts the updates from 1. `rate` gets the mean of this step: see [`averaged_mean`](Self::averaged_mean).
    ///
    /// # Errors
    /// The columns, the weights and the gradient are not all of one length. State and weights are untouched.
    pub fn descend(
        &self,
        state: ColumnsOf<LearningRate, &mut [T]>,
        weights: &mut [T],
        gradient: &[T],
        step: u64,
        rate: impl FnOnce(T) -> T,
    ) -> Result<T, UpdateError> {
        check::<LearningRate, T>(&state, weights, gradient)?;
        Ok(self.descend_checked(state, weights, gradient, step, rate, false))
    }

    /// Takes a step of descent over slices that are all of one length.
    fn descend_checked(
        &self,
        mut state: State<'_, T>,
        weights: &mut [T],
        gradient: &[T],
        step: u64,
        rate: impl FnOnce(T) -> T,
        is_far: bool,
    ) -> T {
        let now = self.at_step(step);
        let mean = now.checked(state.each_mut().map(|column| &mut **column), [weights, gradient], None, is_far);
        let rate = rate(mean);
        let rate = match rate.to_f64() {
            nan if nan.is_nan() => T::default(),
            large if large > T::MAX.to_f64() => T::MAX,
            small if small < -T::MAX.to_f64() => T::from_f64(-T::MAX.to_f64()),
            _ => rate,
        };
        let constants = DescentConstants::new(*now.constants(), step.max(1), rate);
        let [square, smoothed] = [SQUARE, SMOOTHED].map(|column| core::mem::take(&mut state[column]));
        if moves_first(now.constants()) {
            now.pass::<Descent<true>>(&constants, [weights, smoothed], [gradient, square]);
        } else {
            now.pass::<Descent<false>>(&constants, [weights, smoothed], [gradient, square]);
        }
        mean
    }
}

/// The part of one layer in [`descend_layers`]: a sweep, the columns it runs over, this step's weights and gradient, and
/// the rate as a function of the layer mean.
///
/// [`Layer::descent`](crate::Layer::descent) makes it, or [`LayerDescent::new`] over columns of your own.
pub struct LayerDescent<'a, T: Real, F> {
    sweep: Sweep<LearningRate, T>,
    state: State<'a, T>,
    weights: &'a mut [T],
    gradient: &'a [T],
    step: u64,
    /// Taken by the one step that is made.
    rate: Option<F>,
    mean: T,
    /// The counter of updates of the layer, and its average mean.
    memory: Option<(&'a mut u64, &'a mut T)>,
}

impl<'a, T: Real, F: FnOnce(T) -> T + Send> LayerDescent<'a, T, F> {
    /// Checks a step of descent, which [`descend_layers`] will make; `step` counts the updates of the layer from 1, and
    /// `rate` makes a rate of its mean.
    ///
    /// # Errors
    /// The columns, the weights and the gradient are not all of one length.
    pub fn new(
        sweep: Sweep<LearningRate, T>,
        state: ColumnsOf<LearningRate, &'a mut [T]>,
        weights: &'a mut [T],
        gradient: &'a [T],
        step: u64,
        rate: F,
    ) -> Result<Self, UpdateError> {
        check::<LearningRate, T>(&state, weights, gradient)?;
        Ok(Self { sweep, state, weights, gradient, step, rate: Some(rate), mean: T::default(), memory: None })
    }

    /// Makes the rate of the mean averaged into `average`, and adds one to `steps`, when the step is made.
    pub(crate) fn remembering(self, steps: &'a mut u64, average: &'a mut T) -> Self {
        Self { memory: Some((steps, average)), ..self }
    }
}

impl<T: Real, F> LayerDescent<'_, T, F> {
    /// The layer mean `r` that [`descend_layers`] has left here; 0 before.
    #[must_use]
    pub fn mean(&self) -> T {
        self.mean
    }
}

impl<T: Real, F: FnOnce(T) -> T + Send> Part for LayerDescent<'_, T, F> {
    /// Both passes: the state but for the smoothed gradient, weights and gradient; then weights, gradient, the norm and
    /// the smoothed gradient.
    fn bytes(&self) -> usize {
        10 * size_of_val(self.gradient) + 1
    }

    fn fetch(&self) {
        self.state.iter().for_each(|column| fetch(column));
        fetch(self.weights);
        fetch(self.gradient);
    }

    fn run(&mut self, threads: Threads, is_far: bool) {
        let Some(rate) = self.rate.take() else { return };
        self.sweep.set_threads(threads);
        let state = self.state.each_mut().map(|column| &mut **column);
        let (sweep, before) = (&self.sweep, self.memory.as_ref().map(|(_, average)| **average));
        let averaged = |mean| before.map_or(mean, |before| sweep.averaged_mean(before, mean));
        let rate = |mean| rate(averaged(mean));
        let mean = sweep.descend_checked(state, self.weights, self.gradient, self.step, rate, is_far);
        self.mean = averaged(mean);
        if let Some((steps, average)) = &mut self.memory {
            **steps = steps.saturating_add(1);
            **average = self.mean;
        }
    }
}

impl<T: Real, F> fmt::Debug for LayerDescent<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerDescent")
            .field("sweep", &self.sweep)
            .field("weights", &self.gradient.len())
            .field("mean", &self.mean)
            .finish_non_exhaustive()
    }
}

/// Takes a whole step of descent of many layers in one call, shared among the threads of rayon's current pool as if they
/// were one: small layers are handed out whole, large ones are cut. The results are the bits of one after the other.
///
/// Each layer has a rate of its own, a function of its own mean, which is called once, on any thread, between the two
/// passes over that layer; the functions are one type, so that what differs is what they capture. The mean is left in
/// the [`LayerDescent`], which is made once however often it is passed here. `threads` decides when to share, for all
/// layers together; [`Threads::Auto`] suits.
///
/// ```
/// use evenkeel::{Layer, LearningRate, Threads, descend_layers};
///
/// let rule = LearningRate::new(1e-2)?;
/// let mut layers = [Layer::<LearningRate, f32>::new(rule, 3)?, Layer::<LearningRate, f32>::new(rule, 2)?];
/// let mut weights = [vec![0.5, -0.1, 0.2], vec![1.0, 2.0]];
/// let gradients = [vec![0.1, 0.3, -0.2], vec![0.5, f32::NAN]];
/// let factors = [1.0, 0.1]; // the second layer goes slowly
/// let each = layers.iter_mut().zip(&mut weights).zip(&gradients).zip(factors);
/// let mut descents = each
///     .map(|(((layer, weights), gradient), factor)| layer.descent(weights, gradient, move |mean| factor * mean))
///     .collect::<Result<Vec<_>, _>>()?;
/// descend_layers(&mut descents, Threads::Auto);
/// assert!(descents[1].mean() > 0.0);
/// assert!(weights[1][0] < 1.0 && weights[1][1] == 2.0); // a gradient that is NaN moves nothing
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn descend_layers<T: Real, F: FnOnce(T) -> T + Send>(descents: &mut [LayerDescent<'_, T, F>], threads: Threads) {
    run_together(descents, threads);
}
