//! A block of which every sample is reported: the rows of `block.rs` with places beside them.
//!
//! Safe code cannot cut a whole block of places between two channels for two threads, only each row by itself. So the
//! rows come in groups, and a group has its rows of places in an array; a tile of channels is carried through the rows
//! of one group.

use super::block::{FUSED, TILE, fused};
use super::outputs::{Outputs, Report};
use super::row::{FAR_BYTES, Row, part};
use super::sink::MissingFlag;
use super::threads::{self, Threads, Work, split_columns};
use crate::dispatch::Token;
use crate::lane::Real;
use crate::rule::{ColumnsOf, Estimator};
use pulp::{Simd, WithSimd};

/// Rows of a group: enough that the state, which comes from memory once for each group, costs little beside them.
pub(super) const GROUP: usize = 16;

/// Takes all rows of a block, oldest first, and reports every sample. There are `channels` channels, at least one, and
/// the block and its outputs are whole rows.
pub(super) fn run<R: Estimator, T: Real>(
    constants: &R::Constants<T>,
    state: &mut ColumnsOf<R, &mut [T]>,
    channels: usize,
    block: &[T],
    mut outputs: Outputs<'_, T>,
    (token, threads): (Token, Threads),
) {
    for samples in block.chunks(GROUP * channels) {
        let mut rows = [(); GROUP].map(|()| None);
        for (row, _) in rows.iter_mut().zip(samples.chunks(channels)) {
            *row = Some(Report::new(outputs.take(channels)));
        }
        let work = Reported::<R, T> {
            constants,
            state: part::<R, T>(state, 0..channels),
            channels,
            samples,
            stride: channels,
            offset: 0,
            rows,
            is_far: size_of_val(block) >= FAR_BYTES,
        };
        threads::run(work, token, threads);
    }
}

/// A group of rows, oldest first, over the channels of `state`.
pub(super) struct Reported<'s, 'a, R: Estimator, T: Real> {
    pub(super) constants: &'a R::Constants<T>,
    pub(super) state: ColumnsOf<R, &'s mut [T]>,
    /// The number of channels of `state`.
    pub(super) channels: usize,
    /// The samples of all rows, of `stride` samples each.
    pub(super) samples: &'a [T],
    pub(super) stride: usize,
    /// The first channel of `state` within a row of samples.
    pub(super) offset: usize,
    /// The places of each row, of as many channels as the state.
    pub(super) rows: [Option<Report<'s, T>>; GROUP],
    /// Whether the samples come from memory, and are worth fetching ahead.
    pub(super) is_far: bool,
}

impl<R: Estimator, T: Real> Reported<'_, '_, R, T> {
    /// Takes the rows, two at a time and the last one by itself if there is one more.
    pub(super) fn take(mut self, token: Token) {
        token.run(Pairs(&mut self));
        let Self { constants, mut state, channels, samples, stride, offset, mut rows, .. } = self;
        let count = samples.len() / stride;
        let last = count.checked_sub(1).filter(|last| last % FUSED == 0).and_then(|last| rows[last].take());
        if let Some(report) = last {
            let input = &samples[(count - 1) * stride + offset..][..channels];
            let (state, sink) = (part::<R, T>(&mut state, 0..channels), MissingFlag::new(report));
            token.run(Row::<R, T, _> { constants, state, inputs: [input], sink, prefetch: false });
        }
    }
}

/// The kernel of the rows that come in pairs.
struct Pairs<'r, 's, 'a, R: Estimator, T: Real>(&'r mut Reported<'s, 'a, R, T>);

impl<R: Estimator, T: Real> WithSimd for Pairs<'_, '_, '_, R, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Reported { constants, state, channels, samples, stride, offset, rows, is_far } = self.0;
        let ahead = if *is_far { FUSED * *stride } else { 0 };
        let mut start = 0;
        while start < *channels {
            let end = (start + TILE).min(*channels);
            for (samples, reports) in samples.chunks_exact(*stride * FUSED).zip(rows.chunks_exact_mut(FUSED)) {
                let row = |row: usize| &samples[row * *stride + *offset..][start..end];
                let state = part::<R, T>(state, start..end);
                if let [Some(first), Some(second)] = reports {
                    let sinks = &mut [first.part(start, end), second.part(start, end)];
                    fused::<R, T, S, _>(simd, constants, state, [row(0), row(1)], sinks, ahead);
                }
            }
            start = end;
        }
    }
}

impl<R: Estimator, T: Real> Work for Reported<'_, '_, R, T>
where
    Self: Send,
{
    type Output = ();

    fn channels(&self) -> usize {
        self.channels
    }
    fn bytes(&self) -> usize {
        let written = self.rows.iter().flatten().map(|row| row.outputs.width()).sum::<usize>();
        let rows = self.samples.len() / self.stride;
        ((self.state.as_ref().len() + rows) * size_of::<T>() + written) * self.channels
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (channels, offset) = (self.channels - middle, self.offset + middle);
        let mut rows = self.rows;
        let early = rows.each_mut().map(|row| row.as_mut().map(|row| row.take(middle)));
        let part = |state, channels, offset, rows| Self { state, channels, offset, rows, ..self };
        (part(before, middle, self.offset, early), part(from, channels, offset, rows))
    }
    fn run(self, token: Token) {
        self.take(token);
    }
    fn join((): (), (): ()) {}
}
