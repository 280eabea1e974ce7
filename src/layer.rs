//! [`Layer`]: the weights of a layer, the public face for optimisers.

use crate::columns::Columns;
use crate::descent::LayerDescent;
use crate::dispatch::Backend;
use crate::error::{BackendError, ChannelsError, UpdateError};
use crate::lane::Real;
use crate::rule::{ColumnsOf, LayerRule};
use crate::rules::LearningRate;
use crate::sweep::{LayerUpdate, Sweep, Threads};

/// The weights of one layer under one [`LayerRule`]: their state, and the engine that updates it.
///
/// An update takes the weights and their gradient and returns the mean of the rule's `a` over the layer: one number,
/// computed in the same pass, with the same bits on every backend and any number of threads.
///
/// ```
/// use evenkeel::{Layer, Numerator};
///
/// let weights = vec![0.01_f32; 1000];
/// let normalised_gradient = vec![1.0_f32; 1000];
/// let mut layer = Layer::<Numerator, f32>::new(Numerator::new(1e-3)?, weights.len())?;
/// let mut a = vec![0.0; weights.len()];
/// for _ in 0..10 {
///     let numerator: f32 = layer.update(&weights, &normalised_gradient)?;
///     assert!(numerator > 0.0);
/// }
/// let mean = layer.update_into(&weights, &normalised_gradient, &mut a)?; // and `a` of each weight
/// assert!((mean - a[0]).abs() < 1e-10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// `examples/adamw.rs` is a whole `AdamW` with a robust first moment. An optimiser that has its state in buffers of its
/// own uses [`Sweep::layer_mean`]; one with many small tensors updates them together with
/// [`update_layers`](crate::update_layers) or [`descend_layers`](crate::descend_layers). No update panics or allocates (rayon's queue apart, when an update is
/// shared among threads), and an update that returns an error has changed nothing.
#[derive(Clone, Debug)]
pub struct Layer<R: LayerRule, T: Real = f64> {
    sweep: Sweep<R, T>,
    columns: Columns<R, T>,
    steps: u64,
    /// The last mean, averaged if the rule does.
    mean: T,
}

impl<R: LayerRule, T: Real> Layer<R, T> {
    /// Makes a layer of `weights` weights that have seen nothing.
    ///
    /// # Errors
    /// `T` has no room for the rule's parameters, or there is no memory.
    pub fn new(rule: R, weights: usize) -> Result<Self, ChannelsError> {
        Ok(Self { sweep: Sweep::new(rule)?, columns: Columns::new(weights)?, steps: 0, mean: T::default() })
    }

    /// Runs the layer on the given backend instead of the fastest: for tests and measurements, as the results are the
    /// same bits.
    ///
    /// # Errors
    /// The machine does not have the backend.
    pub fn with_backend(mut self, backend: Backend) -> Result<Self, BackendError> {
        self.sweep = self.sweep.with_backend(backend)?;
        Ok(self)
    }

    /// Sets when updates are shared among threads. The results are the same bits.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.sweep = self.sweep.with_threads(threads);
        self
    }

    /// Sets when updates are shared among threads, in place.
    pub fn set_threads(&mut self, threads: Threads) {
        self.sweep.set_threads(threads);
    }

    /// The number of weights.
    #[must_use]
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether the layer has no weights.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The rule that the weights are updated by.
    #[must_use]
    pub fn rule(&self) -> &R {
        self.sweep.rule()
    }

    /// Replaces the rule by one of the same kind, over the same state: for a learning-rate bound that follows a
    /// schedule.
    ///
    /// # Errors
    /// `T` has no room for the rule's parameters. The old rule stays.
    pub fn set_rule(&mut self, rule: R) -> Result<(), ChannelsError> {
        Ok(self.sweep.set_rule(rule)?)
    }

    /// The backend that the layer runs on.
    #[must_use]
    pub fn backend(&self) -> Backend {
        self.sweep.backend()
    }

    /// The number of updates since the layer was made or [`reset`](Self::reset).
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The mean that the last update returned; 0 before the first. It belongs to the state of a rule that averages its
    /// means, such as one with [`LearningRate::mean_decay`].
    #[must_use]
    pub fn mean(&self) -> T {
        self.mean
    }

    /// The state, one column for each number that the rule remembers, in the order that the rule's documentation gives.
    #[must_use]
    pub fn state(&self) -> ColumnsOf<R, &[T]> {
        self.columns.as_slices()
    }

    /// Restores a state that [`state`](Self::state) and [`steps`](Self::steps) returned. The numbers are not checked: a
    /// NaN that is put in stays in. The [mean](Self::mean) is 0 afterwards: [`restore_mean`](Self::restore_mean).
    ///
    /// # Errors
    /// A column has not one number per weight. The state is untouched.
    pub fn restore(&mut self, state: ColumnsOf<R, &[T]>, steps: u64) -> Result<(), UpdateError> {
        for column in state.as_ref() {
            crate::sweep::same_length("a state column", column.len(), self.len())?;
        }
        for (to, from) in self.columns.as_mut_slices().into_iter().zip(state) {
            to.copy_from_slice(from);
        }
        (self.steps, self.mean) = (steps, T::default());
        Ok(())
    }

    /// Restores the mean that [`mean`](Self::mean) returned, where the rule averages its means. It is not checked.
    pub fn restore_mean(&mut self, mean: T) {
        self.mean = mean;
    }

    /// The columns of the state, which a snapshot holds.
    pub(crate) fn columns(&self) -> &Columns<R, T> {
        &self.columns
    }

    pub(crate) fn constants(&self) -> &R::Constants<T> {
        self.sweep.constants()
    }

    /// Whether the last mean belongs to the state.
    pub(crate) fn averages(&self) -> bool {
        self.sweep.averages()
    }

    /// Replaces the state by another of as many weights.
    pub(crate) fn replace(&mut self, columns: Columns<R, T>, steps: u64, mean: T) {
        (self.columns, self.steps, self.mean) = (columns, steps, mean);
    }

    /// Counts an update with this mean, and returns the mean as the rule averages it.
    fn count(&mut self, step: u64, mean: T) -> T {
        self.steps = step;
        self.mean = self.sweep.averaged_mean(self.mean, mean);
        self.mean
    }

    /// Resets every weight to one that has seen nothing.
    pub fn reset(&mut self) {
        self.sweep.reset(self.columns.as_mut_slices());
        (self.steps, self.mean) = (0, T::default());
    }

    /// Takes one step of every weight with its gradient, and returns the mean of `a` over the layer; 0 for a layer
    /// without weights.
    ///
    /// # Errors
    /// There are not one weight and one gradient per weight of the layer. The state is untouched.
    pub fn update(&mut self, weights: &[T], gradient: &[T]) -> Result<T, UpdateError> {
        let step = self.steps.saturating_add(1);
        let mean = self.sweep.at_step(step).layer_mean(self.columns.as_mut_slices(), weights, gradient)?;
        Ok(self.count(step, mean))
    }

    /// Takes one step of every weight, returns the mean of `a` over the layer, and writes the `a` of every weight.
    ///
    /// # Errors
    /// There are not one weight, one gradient and one `a` per weight of the layer. The state is untouched.
    pub fn update_into(&mut self, weights: &[T], gradient: &[T], a: &mut [T]) -> Result<T, UpdateError> {
        let step = self.steps.saturating_add(1);
        let mean = self.sweep.at_step(step).layer_mean_into(self.columns.as_mut_slices(), weights, gradient, a)?;
        Ok(self.count(step, mean))
    }

    /// Makes this layer's part in [`update_layers`](crate::update_layers). Nothing changes before that is called.
    ///
    /// # Errors
    /// There are not one weight and one gradient per weight of the layer. The state is untouched.
    pub fn with<'a>(&'a mut self, weights: &'a [T], gradient: &'a [T]) -> Result<LayerUpdate<'a, R, T>, UpdateError> {
        let sweep = self.sweep.at_step(self.steps.saturating_add(1));
        let update = LayerUpdate::new(sweep, self.columns.as_mut_slices(), weights, gradient)?;
        Ok(update.remembering(&mut self.steps, &mut self.mean))
    }
}

impl<T: Real> Layer<LearningRate, T> {
    /// Takes a whole step of descent and returns the layer mean `r`: the state moves, and the weights go against the
    /// gradient at the rate `rate(r)`.
    ///
    /// A rate that is NaN counts as 0, an infinite one as the largest finite number.
    ///
    /// # Errors
    /// There are not one weight and one gradient per weight of the layer. State and weights are untouched.
    pub fn descend(&mut self, weights: &mut [T], gradient: &[T], rate: impl FnOnce(T) -> T) -> Result<T, UpdateError> {
        let step = self.steps.saturating_add(1);
        let (sweep, before) = (&self.sweep, self.mean);
        let rate = |mean| rate(sweep.averaged_mean(before, mean));
        let mean = sweep.descend(self.columns.as_mut_slices(), weights, gradient, step, rate)?;
        Ok(self.count(step, mean))
    }

    /// Makes this layer's part in [`descend_layers`](crate::descend_layers), a whole step of descent at the rate
    /// `rate(r)` of its own mean. Nothing changes before that is called.
    ///
    /// # Errors
    /// There are not one weight and one gradient per weight of the layer. State and weights are untouched.
    pub fn descent<'a, F: FnOnce(T) -> T + Send>(
        &'a mut self,
        weights: &'a mut [T],
        gradient: &'a [T],
        rate: F,
    ) -> Result<LayerDescent<'a, T, F>, UpdateError> {
        let step = self.steps.saturating_add(1);
        let descent =
            LayerDescent::new(self.sweep.clone(), self.columns.as_mut_slices(), weights, gradient, step, rate)?;
        Ok(descent.remembering(&mut self.steps, &mut self.mean))
    }
}
