//! A pass over the weights and gradients of a layer: the state moves, and the mean of the outputs comes with it.
//!
//! The output of each weight goes into a small buffer that the first-level cache holds (or to the caller, who asked for
//! it) and is summed from there: the kernel has no sum in it, and the sum no instruction set.

use super::full::{Full, Look};
use super::row::{FAR_BYTES, Row, part};
use super::sink::Values;
use super::sum::{CHUNK, ChunkSum, Total, root};
use super::threads::{Work, run, split_columns, split_inputs};
use super::{Sweep, Threads, channels_of, same_length};
use crate::dispatch::Token;
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::{ColumnsOf, InputsOf, LayerRule};
use core::fmt;
use pulp::{Simd, WithSimd};

impl<R: LayerRule, T: Real> Sweep<R, T> {
    /// Makes a sweep for the `step`-th update of a layer, counted from 1. Only [`LearningRate`](crate::LearningRate)
    /// has a bias correction that depends on it; in a sweep that is made without, the correction has faded.
    #[must_use]
    pub fn at_step(&self, step: u64) -> Self {
        let constants = R::at_step(&self.constants, step.max(1));
        Self { constants, ..self.clone() }
    }

    /// Takes one step of every weight over columns of the caller's, and returns the mean of `a` over the layer, as
    /// [`Layer::update`](crate::Layer::update) does. The mean of no weights is 0. A sweep remembers nothing: where the
    /// rule averages its means, the caller does so with [`averaged_mean`](Self::averaged_mean).
    ///
    /// # Errors
    /// The columns, the weights and the gradient are not all of one length. The state is untouched.
    pub fn layer_mean(&self, state: ColumnsOf<R, &mut [T]>, weights: &[T], gradient: &[T]) -> Result<T, UpdateError> {
        self.layer(state, weights, gradient, None)
    }

    /// Takes one step of every weight, returns the mean of `a` over the layer, and writes the `a` of every weight.
    ///
    /// # Errors
    /// The columns, the weights, the gradient and `a` are not all of one length. The state is untouched.
    pub fn layer_mean_into(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        weights: &[T],
        gradient: &[T],
        a: &mut [T],
    ) -> Result<T, UpdateError> {
        same_length("a", a.len(), weights.len())?;
        self.layer(state, weights, gradient, Some(a))
    }

    /// The average `r` of the layer mean over updates, from the one `before` it, 0 at first; the mean itself for a rule
    /// without [`mean_decay`](crate::LearningRate::mean_decay).
    #[must_use]
    pub fn averaged_mean(&self, before: T, mean: T) -> T {
        let gain = R::mean_gain(&self.constants);
        if gain >= 1.0 { mean } else { T::from_f64(before.to_f64() + gain * (mean.to_f64() - before.to_f64())) }
    }

    /// Whether the rule averages its means, so that the last average belongs to the state.
    pub(crate) fn averages(&self) -> bool {
        R::mean_gain(&self.constants) < 1.0
    }

    fn layer(
        &self,
        state: ColumnsOf<R, &mut [T]>,
        weights: &[T],
        gradient: &[T],
        out: Option<&mut [T]>,
    ) -> Result<T, UpdateError> {
        check::<R, T>(&state, weights, gradient)?;
        Ok(self.steps(state, [weights, gradient], out, self.threads))
    }

    /// Takes one step of every weight, in the passes that the rule needs, and returns the mean of their values. All
    /// slices have the same length.
    fn steps(
        &self,
        mut state: ColumnsOf<R, &mut [T]>,
        inputs: InputsOf<R, &[T]>,
        out: Option<&mut [T]>,
        threads: Threads,
    ) -> T {
        let count = inputs[0].len();
        if R::is_plain(&self.constants) {
            let pass = LayerPass::<R, T>::new(&self.constants, state, inputs, out);
            return run(pass, self.token, threads).mean(count).unwrap_or_default();
        }
        let mut constants = self.constants;
        if R::looks_first(&constants) {
            let pass = LayerPass::<Look<R>, T>::new(&self.constants, part::<R, T>(&mut state, 0..count), inputs, None);
            constants = R::having_seen(&constants, run(pass, self.token, threads).mean(count));
        }
        let pass = LayerPass::<Full<R>, T>::new(&constants, state, inputs, out);
        run(pass, self.token, threads).mean(count).unwrap_or_default()
    }
}

fn check<R: LayerRule, T: Real>(
    state: &ColumnsOf<R, &mut [T]>,
    weights: &[T],
    gradient: &[T],
) -> Result<(), UpdateError> {
    let have = channels_of::<R, T>(state)?;
    same_length("the weights", weights.len(), have)?;
    same_length("the gradient", gradient.len(), have)
}

/// Values that are computed, and summed, at a time.
const BUFFER: usize = 1024;

/// A step of every weight of `state`. All slices have the same length.
struct LayerPass<'s, 'a, 'o, R: LayerRule, T: Real> {
    constants: &'a R::Constants<T>,
    state: ColumnsOf<R, &'s mut [T]>,
    inputs: InputsOf<R, &'a [T]>,
    out: Option<&'o mut [T]>,
    /// Whether to fetch ahead: see [`Row`].
    prefetch: bool,
}

impl<'s, 'a, 'o, R: LayerRule, T: Real> LayerPass<'s, 'a, 'o, R, T> {
    fn new(
        constants: &'a R::Constants<T>,
        state: ColumnsOf<R, &'s mut [T]>,
        inputs: InputsOf<R, &'a [T]>,
        out: Option<&'o mut [T]>,
    ) -> Self {
        let mut pass = Self { constants, state, inputs, out, prefetch: false };
        pass.prefetch = pass.bytes() >= FAR_BYTES;
        pass
    }
}

impl<R: LayerRule, T: Real> Work for LayerPass<'_, '_, '_, R, T>
where
    Self: Send,
{
    /// The sum over the branch of the tree.
    type Output = Total;
    const LEAF: usize = CHUNK;

    fn channels(&self) -> usize {
        self.inputs[0].len()
    }
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + self.inputs.len()) * size_of_val(self.inputs[0])
    }
    fn middle(&self, _: usize) -> usize {
        root(self.channels())
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (early, late) = split_inputs::<R, T>(&self.inputs, middle);
        let (out, rest) = self.out.map(|out| out.split_at_mut(middle)).unzip();
        let (constants, prefetch) = (self.constants, self.prefetch);
        (
            Self { constants, state: before, inputs: early, out, prefetch },
            Self { constants, state: from, inputs: late, out: rest, prefetch },
        )
    }
    fn run(self, token: Token) -> Total {
        if self.channels() <= CHUNK {
            return token.run(self);
        }
        let middle = root(self.channels());
        let (before, from) = self.split(middle);
        Self::join(before.run(token), from.run(token))
    }
    fn join(before: Total, from: Total) -> Total {
        before.join(from)
    }
}

/// The pass over one chunk.
impl<R: LayerRule, T: Real> WithSimd for LayerPass<'_, '_, '_, R, T> {
    type Output = Total;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> Total {
        let mut own = [T::default(); BUFFER];
        let (mut sum, mut left_out) = (ChunkSum::new(), 0);
        let channels = self.inputs[0].len();
        let mut start = 0;
        while start < channels {
            let end = (start + BUFFER).min(channels);
            let values = match &mut self.out {
                Some(out) => &mut out[start..end],
                None => &mut own[..end - start],
            };
            Row::<R, T, _> {
                constants: self.constants,
                state: part::<R, T>(&mut self.state, start..end),
                inputs: self.inputs.map(|input| &input[start..end]),
                sink: Values(&mut *values),
                prefetch: self.prefetch,
            }
            .with_simd(simd);
            if R::LEAVES_OUT {
                left_out += sum.add_some(values);
            } else {
                sum.add(values);
            }
            start = end;
        }
        Total { sum: sum.total(), left_out }
    }
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

    fn run(&mut self, threads: Threads) {
        if core::mem::replace(&mut self.done, true) {
            return;
        }
        let state = part::<R, T>(&mut self.state, 0..self.weights.len());
        self.mean = self.sweep.steps(state, [self.weights, self.gradient], None, threads);
        if let Some((steps, average)) = &mut self.memory {
            **steps = steps.saturating_add(1);
            self.mean = self.sweep.averaged_mean(**average, self.mean);
            **average = self.mean;
        }
    }

    /// The bytes that are touched, and one more, so that layers without weights are not cut off one by one.
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + 2) * size_of_val(self.weights) + 1
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
    let bytes: usize = updates.iter().map(LayerUpdate::bytes).sum();
    let shared = match threads {
        Threads::Auto => bytes >= Threads::AUTO_BYTES,
        Threads::One => false,
        Threads::Parts(_) => true,
    };
    if shared && cfg!(feature = "rayon") {
        share(updates, bytes, threads);
    } else {
        one_by_one(updates);
    }
}

fn one_by_one<R: LayerRule, T: Real>(updates: &mut [LayerUpdate<'_, R, T>]) {
    for update in updates {
        update.run(Threads::One);
    }
}

/// Halves the updates by bytes, until a part is worth one thread's time.
#[cfg(feature = "rayon")]
fn share<R: LayerRule, T: Real>(updates: &mut [LayerUpdate<'_, R, T>], bytes: usize, threads: Threads) {
    let small = threads == Threads::Auto && bytes <= Threads::AUTO_PART_BYTES;
    if let [update] = updates {
        return update.run(if small { Threads::One } else { threads });
    }
    if small || updates.is_empty() {
        return one_by_one(updates);
    }
    let (mut before, mut middle) = (0, 0);
    // At least one on either side, and about half of the bytes.
    while middle == 0 || (middle + 1 < updates.len() && before + updates[middle].bytes() <= bytes / 2) {
        before += updates[middle].bytes();
        middle += 1;
    }
    let (early, late) = updates.split_at_mut(middle);
    rayon::join(|| share(early, before, threads), || share(late, bytes - before, threads));
}

#[cfg(not(feature = "rayon"))]
fn share<R: LayerRule, T: Real>(updates: &mut [LayerUpdate<'_, R, T>], _: usize, _: Threads) {
    one_by_one(updates);
}
