//! Wide banks on several threads: channels are cut in halves until a part is small, and the parts are stolen by rayon.
//!
//! Channels do not see each other, so where the cuts fall changes no bit of any result.

use super::block::Block;
use super::dispatch::Token;
use super::row::Row;
use super::sink::Sink;
use crate::lane::Real;
use crate::rule::{Arity, ColumnsOf, Rule};
use core::num::NonZeroUsize;

/// When an update is shared among the threads of rayon's current pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threads {
    /// When there is so much to do that sharing it was measured to pay: see [`Threads::AUTO_BYTES`].
    #[default]
    Auto,
    /// Never.
    One,
    /// Always, in parts of at most this many channels. For tests and measurements.
    Parts(NonZeroUsize),
}

impl Threads {
    /// [`Threads::Auto`] shares an update whose state and samples together take at least this many bytes.
    ///
    /// A fork and join from outside the pool costs some microseconds, in which one core updates tens of thousands of
    /// channels in its cache. On two cores, `RobustMean` in `f32` broke even at 64 Ki channels (1.3 MB) and was 1.3 times
    /// as fast at 128 Ki (`benches/throughput.rs`, group `threads`).
    pub const AUTO_BYTES: usize = 2 << 20;
    /// [`Threads::Auto`] cuts into parts of about this many bytes: few enough parts that stealing them costs nothing, and
    /// many enough that a core that is late does not keep the others waiting.
    const AUTO_PART_BYTES: usize = 320 << 10;
    /// A part has at least this many channels, and a multiple of them: a tile of the block sweep.
    const AUTO_PART_CHANNELS: usize = 4096;

    /// The number of channels in a part, if the work is to be shared.
    fn part<W: Work>(self, work: &W) -> Option<usize> {
        match self {
            _ if !cfg!(feature = "rayon") => None,
            Self::Auto => {
                let bytes = work.bytes();
                let per_channel = (bytes / work.channels().max(1)).max(1);
                let part = (Self::AUTO_PART_BYTES / per_channel).max(1).next_multiple_of(Self::AUTO_PART_CHANNELS);
                (bytes >= Self::AUTO_BYTES).then_some(part)
            }
            Self::One => None,
            Self::Parts(channels) => Some(channels.get()),
        }
    }
}

/// Work over a range of channels that can be cut between any two of them.
pub(super) trait Work: Sized + Send {
    fn channels(&self) -> usize;
    /// Bytes of state and samples that the work touches.
    fn bytes(&self) -> usize;
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
    fn split(self, middle: usize) -> (Self, Self);
    fn run(self, token: Token);
}

/// Runs the work, on several threads if `threads` says so.
pub(super) fn run<W: Work>(work: W, token: Token, threads: Threads) {
    match threads.part(&work) {
        Some(part) if work.channels() > part => share(work, token, part),
        _ => work.run(token),
    }
}

#[cfg(feature = "rayon")]
fn share<W: Work>(work: W, token: Token, part: usize) {
    if work.channels() <= part {
        return work.run(token);
    }
    // Cut at whole parts, so that only the last one has a tail.
    let middle = (work.channels() / 2).next_multiple_of(part);
    let (before, from) = work.split(middle);
    rayon::join(|| share(before, token, part), || share(from, token, part));
}

#[cfg(not(feature = "rayon"))]
fn share<W: Work>(work: W, token: Token, _: usize) {
    work.run(token);
}

/// The columns of one stretch of channels.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
type Slices<'s, R, T> = ColumnsOf<R, &'s mut [T]>;

/// Cuts every column at the same channel.
#[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
fn split_columns<R: Rule, T: Real>(
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

impl<R: Rule, T: Real, K: Sink<T>> Work for Row<'_, '_, R, T, K>
where
    Self: Send,
{
    fn channels(&self) -> usize {
        self.samples.len()
    }
    fn bytes(&self) -> usize {
        (self.state.as_ref().len() + 1) * size_of_val(self.samples)
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (early, late) = self.samples.split_at(middle);
        let (sink, rest) = self.sink.split(middle);
        let constants = self.constants;
        (
            Row { constants, state: before, samples: early, sink },
            Row { constants, state: from, samples: late, sink: rest },
        )
    }
    fn run(self, token: Token) {
        token.run(self);
    }
}

impl<R: Rule, T: Real> Work for Block<'_, '_, R, T>
where
    Self: Send,
{
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
}
