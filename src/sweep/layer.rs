//! A pass over the weights and gradients of a layer: the state moves, and the mean of the outputs comes with it.
//!
//! The output of each weight goes into a small buffer that the first-level cache holds (or to the caller, who asked for
//! it) and is summed from there: the kernel has no sum in it, and the sum no instruction set.

use super::full::{Full, Look};
use super::row::{FAR_BYTES, Row, part};
use super::sink::Values;
use super::sum::{CHUNK, ChunkSum, Total, root};
use super::threads::{Work, run, split_columns, split_inputs};
use super::{Sweep, channels_of, same_length};
use crate::dispatch::Token;
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::{ColumnsOf, InputsOf, LayerRule};
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
        Ok(self.checked(state, [weights, gradient], out, false))
    }

    /// Takes one step of every weight, in the passes that the rule needs, and returns the mean of their values, where [`check`]
    /// has found all slices to be of one length. `is_far` says that they are not in the cache, however short they are.
    pub(crate) fn checked(
        &self,
        mut state: ColumnsOf<R, &mut [T]>,
        inputs: InputsOf<R, &[T]>,
        out: Option<&mut [T]>,
        is_far: bool,
    ) -> T {
        let count = inputs[0].len();
        if R::is_plain(&self.constants) {
            let pass = LayerPass::<R, T>::new(&self.constants, state, inputs, out, is_far);
            return run(pass, self.token, self.threads).mean(count).unwrap_or_default();
        }
        let mut constants = self.constants;
        if R::looks_first(&constants) {
            let pass =
                LayerPass::<Look<R>, T>::new(&self.constants, part::<R, T>(&mut state, 0..count), inputs, None, is_far);
            constants = R::having_seen(&constants, run(pass, self.token, self.threads).mean(count));
        }
        let pass = LayerPass::<Full<R>, T>::new(&constants, state, inputs, out, is_far);
        run(pass, self.token, self.threads).mean(count).unwrap_or_default()
    }
}

/// Checks that the columns, the weights and the gradient are all of one length.
pub(crate) fn check<R: LayerRule, T: Real>(
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
        is_far: bool,
    ) -> Self {
        let mut pass = Self { constants, state, inputs, out, prefetch: is_far };
        pass.prefetch |= pass.bytes() >= FAR_BYTES;
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
