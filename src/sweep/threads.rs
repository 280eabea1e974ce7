//! Wide banks on several threads: channels are cut in halves until a part is small, and the parts are stolen by rayon.
//!
//! Channels do not see each other, so where the cuts fall changes no bit of any result.

use super::block::Block;
use super::row::Row;
use super::sink::Sink;
use crate::dispatch::Token;
use crate::lane::Real;
use crate::rule::{Arity, ColumnsOf, Estimator, InputsOf, Rule};
use core::num::NonZeroUsize;

/// The condition under which an update is shared among the threads of rayon's current pool.
///
/// Many banks are best given to the threads together: no bank then waits for the last part of the one before, and small
/// ones need not be shared one by one. On two cores, 200 banks of 4,096 channels took 1.7 times as long one by one.
///
/// ```
/// use evenkeel::{Bank, Decay, RobustMean};
/// use rayon::prelude::*;
///
/// let rule = RobustMean::new(Decay::half_life(60.0)?);
/// let mut banks = [Bank::<RobustMean>::new(rule, 3)?, Bank::<RobustMean>::new(rule, 2)?];
/// let rows = [vec![1.0, 2.0, 3.0], vec![4.0, f64::NAN]];
/// banks.par_iter_mut().zip(&rows).try_for_each(|(bank, row)| bank.update(row))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Where their order matters, step them inside the pool, in `rayon::scope(|_| ...)`: there a fork costs much less than
/// from outside. Layers have [`update_layers`](crate::update_layers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threads {
    /// Shares an update that is so large that sharing was measured to pay: see [`Threads::AUTO_BYTES`].
    #[default]
    Auto,
    /// Never shares an update.
    One,
    /// Always shares an update, in parts of at most this many channels: for tests and measurements.
    Parts(NonZeroUsize),
}

impl Threads {
    /// Least bytes of state and samples together of an update that [`Threads::Auto`] shares, if it has enough channels
    /// to cut: more than 4,096 in rows, 128 in series of their own.
    ///
    /// A fork and join from outside the pool costs some microseconds, in which one core updates tens of thousands of
    /// channels in its cache. On two cores, `RobustMean` in `f32` broke even at 64 Ki channels (1.3 MB) and was 1.3
    /// times as fast at 128 Ki (`benches/throughput.rs`, group `threads`).
    pub const AUTO_BYTES: usize = 2 << 20;
    /// Least bytes of an update that [`Threads::Auto`] shares on a thread of the pool, where a fork and join costs much
    /// less, if the other threads are awake.
    pub const AUTO_BYTES_INSIDE: usize = 1 << 20;
    /// Bytes of a part into which [`Threads::Auto`] cuts: few enough parts that stealing them costs nothing, and many
    /// enough that the others need not wait for a core that is late.
    pub(super) const AUTO_PART_BYTES: usize = 320 << 10;

    /// The number of channels of a part, if the work is to be shared.
    fn part<W: Work>(self, work: &W) -> Option<usize> {
        match self {
            _ if !cfg!(feature = "rayon") => None,
            Self::Auto => {
                let bytes = work.bytes();
                let per_channel = (bytes / work.channels().max(1)).max(1);
                let part = (Self::AUTO_PART_BYTES / per_channel).max(1).next_multiple_of(W::GRAIN);
                (bytes >= Self::AUTO_BYTES || bytes >= Self::AUTO_BYTES_INSIDE && inside_the_pool()).then_some(part)
            }
            Self::One => None,
            Self::Parts(channels) => Some(channels.get()),
        }
    }
}

/// Whether this is one of rayon's threads.
fn inside_the_pool() -> bool {
    #[cfg(feature = "rayon")]
    return rayon::current_thread_index().is_some();
    #[cfg(not(feature = "rayon"))]
    false
}

/// Work over a range of channels, which can be cut between any two of them.
pub(super) trait Work: Sized + Send {
    type Output: Send;
    /// Most channels of a piece that is not cut.
    const LEAF: usize = 1;
    /// Channels of which the parts of [`Threads::Auto`] have a multiple: a tile of the block sweep.
    const GRAIN: usize = 4096;
    fn channels(&self) -> usize;
    /// The bytes of state and samples that the work touches.
    fn bytes(&self) -> usize;
    /// The channel at which to cut, above 0 and at most the number of channels, so that the first piece is made of
    /// whole parts.
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
    fn middle(&self, part: usize) -> usize {
        (self.channels() / 2).next_multiple_of(part)
    }
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
    fn split(self, middle: usize) -> (Self, Self);
    fn run(self, token: Token) -> Self::Output;
    /// Joins the outputs of two neighbours.
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
    fn join(before: Self::Output, from: Self::Output) -> Self::Output;
}

/// Runs the work, on several threads where `threads` asks for it.
pub(super) fn run<W: Work>(work: W, token: Token, threads: Threads) -> W::Output {
    match threads.part(&work) {
        Some(part) if work.channels() > part.max(W::LEAF) => share(work, token, part.max(W::LEAF)),
        _ => work.run(token),
    }
}

#[cfg(feature = "rayon")]
fn share<W: Work>(work: W, token: Token, part: usize) -> W::Output {
    if work.channels() <= part {
        return work.run(token);
    }
    let middle = work.middle(part);
    let (before, from) = work.split(middle);
    let (before, from) = rayon::join(|| share(before, token, part), || share(from, token, part));
    W::join(before, from)
}

#[cfg(not(feature = "rayon"))]
fn share<W: Work>(work: W, token: Token, _: usize) -> W::Output {
    work.run(token)
}

/// The columns of one stretch of channels.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
type Slices<'s, R, T> = ColumnsOf<R, &'s mut [T]>;

/// Cuts every column at the same channel.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
pub(super) fn split_columns<R: Rule, T: Real>(
    mut columns: Slices<'_, R, T>,
    middle: usize,
) -> (Slices<'_, R, T>, Slices<'_, R, T>) {
    let before = R::Columns::map(R::Columns::each_mut(&mut columns), |column| {
        let (before, from) = core::mem::take(column).split_at_mut(middle);
        *column = from;
        before
    });
    (before, columns)
}

/// The inputs of one stretch of channels.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
type Inputs<'a, R, T> = InputsOf<R, &'a [T]>;

/// Cuts every input at the same channel.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
pub(super) fn split_inputs<'a, R: Rule, T: Real>(
    inputs: &Inputs<'a, R, T>,
    middle: usize,
) -> (Inputs<'a, R, T>, Inputs<'a, R, T>) {
    let part = |from: usize, to: usize| R::Inputs::from_fn(|input| &inputs.as_ref()[input][from..to]);
    (part(0, middle), part(middle, inputs.as_ref()[0].len()))
}

impl<R: Rule, T: Real, K: Sink<R, T>> Work for Row<'_, '_, R, T, K>
where
    Self: Send,
{
    type Output = ();

    fn channels(&self) -> usize {
        self.inputs.as_ref()[0].len()
    }
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + self.inputs.as_ref().len()) * size_of_val(self.inputs.as_ref()[0])
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (early, late) = split_inputs::<R, T>(&self.inputs, middle);
        let (sink, rest) = self.sink.split(middle);
        let (constants, prefetch) = (self.constants, self.prefetch);
        (
            Row { constants, state: before, inputs: early, sink, prefetch },
            Row { constants, state: from, inputs: late, sink: rest, prefetch },
        )
    }
    fn run(self, token: Token) {
        token.run(self);
    }
    fn join((): (), (): ()) {}
}

impl<R: Estimator, T: Real> Work for Block<'_, '_, R, T>
where
    Self: Send,
{
    type Output = ();

    fn channels(&self) -> usize {
        self.channels
    }
    fn bytes(&self) -> usize {
        let rows = self.samples.len() / self.stride;
        (self.state.as_ref().len() + rows) * self.channels * size_of::<T>()
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (channels, offset) = (self.channels - middle, self.offset + middle);
        let part = |state, channels, offset| Self { state, channels, offset, ..self };
        (part(before, middle, self.offset), part(from, channels, offset))
    }
    fn run(self, token: Token) {
        token.run(self);
    }
    fn join((): (), (): ()) {}
}
