//! Many layers in one call: small ones are handed out whole, large ones are cut.

use super::layer::check;
use super::row::{FAR_BYTES, LINE, part};
use super::{Sweep, Threads};
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::{ColumnsOf, LayerRule};
use core::fmt;
use prefetch_index::prefetch_index;

/// The part of one layer in a call for many.
pub(crate) trait Part: Send {
    /// The bytes that are touched, and one more, so that layers without weights are not cut off one by one.
    fn bytes(&self) -> usize;
    /// Fetches the beginning of what [`run`](Self::run) will touch.
    fn fetch(&self);
    /// Does what there is to do, once however often it is called. `is_far` says that what it touches is not in the cache.
    fn run(&mut self, threads: Threads, is_far: bool);
}

/// Bytes of a slice that are fetched while the layer before is updated. From there on the pass fetches for itself.
const AHEAD_BYTES: usize = 2048;

/// Fetches the beginning of a slice.
pub(crate) fn fetch<T>(slice: &[T]) {
    let size = size_of::<T>();
    (0..slice.len().min(AHEAD_BYTES / size)).step_by(LINE / size).for_each(|index| prefetch_index(slice, index));
}

/// Runs the parts, shared among the threads of rayon's current pool as if they were one.
pub(crate) fn run_together<P: Part>(parts: &mut [P], threads: Threads) {
    let bytes: usize = parts.iter().map(Part::bytes).sum();
    let shared = match threads {
        Threads::Auto => bytes >= Threads::AUTO_BYTES,
        Threads::One => false,
        Threads::Parts(_) => true,
    };
    if shared && cfg!(feature = "rayon") {
        share(parts, bytes, threads, bytes >= FAR_BYTES);
    } else {
        one_by_one(parts, bytes >= FAR_BYTES);
    }
}

fn one_by_one<P: Part>(mut parts: &mut [P], is_far: bool) {
    while let [part, rest @ ..] = parts {
        // A layer of a thousand weights is over before the processor has noticed its streams.
        if let (true, Some(next)) = (is_far, rest.first()) {
            next.fetch();
        }
        part.run(Threads::One, is_far);
        parts = rest;
    }
}

/// Halves the parts by bytes, until what is left is worth one thread's time.
#[cfg(feature = "rayon")]
fn share<P: Part>(parts: &mut [P], bytes: usize, threads: Threads, is_far: bool) {
    let small = threads == Threads::Auto && bytes <= Threads::AUTO_PART_BYTES;
    if let [part] = parts {
        return part.run(if small { Threads::One } else { threads }, is_far);
    }
    if small || parts.is_empty() {
        return one_by_one(parts, is_far);
    }
    let (mut before, mut middle) = (0, 0);
    // At least one on either side, and about half of the bytes.
    while middle == 0 || (middle + 1 < parts.len() && before + parts[middle].bytes() <= bytes / 2) {
        before += parts[middle].bytes();
        middle += 1;
    }
    let (early, late) = parts.split_at_mut(middle);
    rayon::join(|| share(early, before, threads, is_far), || share(late, bytes - before, threads, is_far));
}

#[cfg(not(feature = "rayon"))]
fn share<P: Part>(parts: &mut [P], _: usize, _: Threads, is_far: bool) {
    one_by_one(parts, is_far);
}

/// The part of one layer in [`update_layers`]: a sweep, the columns it runs over, and this step's weights and gradient.
///
/// [`Layer::with`](crate::Layer::with) makes it, or [`LayerUpdate::new`] over columns of your own.
pub struct LayerUpdate<'a, R: LayerRule, T: Real> {
    sweep: Sweep<R, T>,
    state: ColumnsOf<R, &'a mut [T]>,
    weights: &'a [T],
    gradient: &'a [T],
    mean: T,
    /// The counter of updates of the layer, and its average mean.
    memory: Option<(&'a mut u64, &'a mut T)>,
    done: bool,
}

impl<'a, R: LayerRule, T: Real> LayerUpdate<'a, R, T> {
    /// Checks an update, which [`update_layers`] will make.
    ///
    /// # Errors
    /// The columns, the weights and the gradient are not all of one length.
    pub fn new(
        sweep: Sweep<R, T>,
        state: ColumnsOf<R, &'a mut [T]>,
        weights: &'a [T],
        gradient: &'a [T],
    ) -> Result<Self, UpdateError> {
        check::<R, T>(&state, weights, gradient)?;
        Ok(Self { sweep, state, weights, gradient, mean: T::default(), memory: None, done: false })
    }

    /// Adds one to `steps` and averages the mean into `average` when the update is made.
    pub(crate) fn remembering(self, steps: &'a mut u64, average: &'a mut T) -> Self {
        Self { memory: Some((steps, average)), ..self }
    }

    /// The layer mean that [`update_layers`] has left here; 0 before.
    #[must_use]
    pub fn mean(&self) -> T {
        self.mean
    }
}

impl<R: LayerRule, T: Real> Part for LayerUpdate<'_, R, T> {
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + 2) * size_of_val(self.weights) + 1
    }

    fn fetch(&self) {
        self.state.as_ref().iter().for_each(|column| fetch(column));
        fetch(self.weights);
        fetch(self.gradient);
    }

    fn run(&mut self, threads: Threads, is_far: bool) {
        if core::mem::replace(&mut self.done, true) {
            return;
        }
        let state = part::<R, T>(&mut self.state, 0..self.weights.len());
        self.sweep.set_threads(threads);
        self.mean = self.sweep.checked(state, [self.weights, self.gradient], None, is_far);
        if let Some((steps, average)) = &mut self.memory {
            **steps = steps.saturating_add(1);
            self.mean = self.sweep.averaged_mean(**average, self.mean);
            **average = self.mean;
        }
    }
}

impl<R: LayerRule, T: Real> fmt::Debug for LayerUpdate<'_, R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerUpdate")
            .field("sweep", &self.sweep)
            .field("weights", &self.weights.len())
            .field("mean", &self.mean)
            .finish_non_exhaustive()
    }
}

/// Updates many layers in one call, shared among the threads of rayon's current pool as if they were one. A model has
/// hundreds of tensors, most of them too small to be worth a thread's while alone. The results are the bits of one
/// after the other.
///
/// Each layer's mean is left in its [`LayerUpdate`], which is made once however often it is passed here. `threads`
/// decides when to share, for all of them together; [`Threads::Auto`] suits.
///
/// ```
/// use evenkeel::{Layer, Numerator, Threads, update_layers};
///
/// let rule = Numerator::new(1e-3)?;
/// let mut layers = [Layer::<Numerator, f32>::new(rule, 3)?, Layer::<Numerator, f32>::new(rule, 2)?];
/// let weights = [vec![0.5, -0.1, 0.2], vec![1.0, 2.0]];
/// let gradients = [vec![0.1, 0.3, -0.2], vec![0.0, f32::NAN]];
/// let [first, second] = &mut layers;
/// let mut updates = [first.with(&weights[0], &gradients[0])?, second.with(&weights[1], &gradients[1])?];
/// update_layers(&mut updates, Threads::Auto);
/// assert!(updates[0].mean() > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn update_layers<R: LayerRule, T: Real>(updates: &mut [LayerUpdate<'_, R, T>], threads: Threads) {
    run_together(updates, threads);
}
