//! A block, many rows: time runs over a tile of channels whose state stays in the cache, a few rows at once.
//!
//! Row by row, a bank larger than the cache moves its whole state through memory for every sample. A block instead cuts
//! the channels into tiles and runs all rows over one tile before the next: what still comes from memory is each
//! sample, once.
//!
//! Within a tile [`FUSED`] rows are taken in one pass: a vector's state is loaded once, advanced by that many samples
//! in registers, and stored once. That saves most of the state's cache traffic, and it reads that many rows as parallel
//! streams, which keeps the memory busier than one stream that starts afresh every few kilobytes.

use super::row::{FAR_BYTES, LINE, Row, part};
use super::sink::{At, Ignore, Sink};
use crate::cells::Registers;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Estimator, Rule};
use prefetch_index::prefetch_index;
use pulp::{Simd, WithSimd};

/// Channels per tile. In `f32` the state of a tile takes 64 KiB, which any second-level cache holds; smaller tiles
/// start too many short streams of samples (1,024 channels cost a quarter more), larger ones gain nothing.
pub(super) const TILE: usize = 4096;

/// Rows per pass over a tile. The steps of one vector wait for each other, so with more rows in one pass a rule with a
/// long step finds fewer independent vectors to work on at once; with one, samples arrive in a single stream. Measured
/// on blocks that no cache holds, two is best for `RobustMean`, and within a twentieth of the best for `Ema`.
pub(super) const FUSED: usize = 2;

/// A block of whole rows, oldest first, over the channels of `state`.
pub(crate) struct Block<'s, 'a, R: Estimator, T: Real> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    /// The number of channels of `state`.
    pub(crate) channels: usize,
    /// The samples of all rows, of `stride` samples each.
    pub(crate) samples: &'a [T],
    pub(crate) stride: usize,
    /// The first channel of `state` within a row.
    pub(crate) offset: usize,
}

impl<R: Estimator, T: Real> WithSimd for Block<'_, '_, R, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        // The samples of the same channels in the rows of the next pass. To the processor each row of a tile is a new
        // stream, which it sees too late; `RobustMean` took a quarter longer without. Small blocks are in the cache
        // already.
        let ahead = if size_of_val(self.samples) >= FAR_BYTES { FUSED * self.stride } else { 0 };
        let mut start = 0;
        while start < self.channels {
            let end = (start + TILE).min(self.channels);
            let rows = self.samples.chunks_exact(self.stride * FUSED);
            let left = rows.remainder();
            for rows in rows {
                let rows: [&[T]; FUSED] =
                    core::array::from_fn(|row| &rows[row * self.stride + self.offset..][start..end]);
                let state = part::<R, T>(&mut self.state, start..end);
                fused::<R, T, S, _>(simd, self.constants, state, rows, &mut [Ignore; FUSED], ahead);
            }
            for row in left.chunks_exact(self.stride) {
                Row::<R, T, Ignore> {
                    constants: self.constants,
                    state: part::<R, T>(&mut self.state, start..end),
                    inputs: [&row[self.offset..][start..end]],
                    sink: Ignore,
                    prefetch: false,
                }
                .with_simd(simd);
            }
            start = end;
        }
    }
}

/// Steps the channels of one tile through [`FUSED`] rows, oldest first, each with a sink of its own. All slices have the
/// same length. Samples that lie `ahead` of these are fetched, unless it is 0.
#[inline(always)]
pub(super) fn fused<R: Estimator, T: Real, S: Simd, K: Sink<R, T>>(
    simd: S,
    constants: &R::Constants<T>,
    state: ColumnsOf<R, &mut [T]>,
    rows: [&[T]; FUSED],
    sinks: &mut [K; FUSED],
    ahead: usize,
) {
    let constants = *constants;
    let per_line = (LINE / size_of::<T::Lanes<S>>()).max(1);
    let mut columns = R::Columns::map(
        state,
        #[inline(always)]
        |column| T::split_mut::<S>(column),
    );
    let starts = rows;
    let rows = rows.map(|row| T::split::<S>(row));
    let vectors = rows[0].0.len();
    let bodies = rows.map(|(body, _)| &body[..vectors]);
    {
        let mut columns = R::Columns::map(
            R::Columns::each_mut(&mut columns),
            #[inline(always)]
            |(body, _)| &mut body[..vectors],
        );
        let mut index = 0;
        while index < vectors {
            // As in a row, quick steps have a loop of their own.
            let taken = loop {
                if index == vectors {
                    break FUSED;
                }
                if ahead > 0 && index.is_multiple_of(per_line) {
                    for row in starts {
                        prefetch_index(row, index * T::lanes::<S>() + ahead);
                    }
                }
                let mut cells = load::<R, T, S>(simd, &columns, index);
                let taken =
                    quick(simd, &constants, &mut cells, bodies.map(|body| body[index]), sinks, At::Vector(index));
                store::<R, T, S>(&mut columns, index, cells.state);
                if taken < FUSED {
                    break taken;
                }
                index += 1;
            };
            if taken < FUSED {
                let mut cells = load::<R, T, S>(simd, &columns, index);
                rest(simd, &constants, &mut cells, bodies.map(|body| body[index]), sinks, At::Vector(index), taken);
                store::<R, T, S>(&mut columns, index, cells.state);
                index += 1;
            }
        }
    }
    if !rows[0].1.is_empty() {
        let state = R::Columns::map(
            R::Columns::each_mut(&mut columns),
            #[inline(always)]
            |(_, tail)| Lane::<T, S>::tail(simd, tail).1,
        );
        // One by one and not by `map`, which is a call once what it maps is long.
        let samples = [Lane::<T, S>::tail(simd, rows[0].1).1, Lane::<T, S>::tail(simd, rows[1].1).1];
        let mut cells = Registers::<R, T, S> { simd, state };
        let taken = quick(simd, &constants, &mut cells, samples, sinks, At::Tail);
        rest(simd, &constants, &mut cells, samples, sinks, At::Tail, taken);
        for ((_, tail), value) in columns.as_mut().iter_mut().zip(cells.state) {
            T::partial_store(simd, tail, value);
        }
    }
}

/// The state of one vector of channels.
#[inline(always)]
fn load<R: Rule, T: Real, S: Simd>(
    simd: S,
    columns: &ColumnsOf<R, &mut [T::Lanes<S>]>,
    index: usize,
) -> Registers<R, T, S> {
    let state = R::Columns::from_fn(
        #[inline(always)]
        |column| columns.as_ref()[column][index],
    );
    Registers { simd, state }
}

/// Writes the state of one vector of channels.
#[inline(always)]
fn store<R: Rule, T: Real, S: Simd>(
    columns: &mut ColumnsOf<R, &mut [T::Lanes<S>]>,
    index: usize,
    state: ColumnsOf<R, T::Lanes<S>>,
) {
    for (column, value) in columns.as_mut().iter_mut().zip(state) {
        column[index] = value;
    }
}

/// Takes quick steps of one vector of channels through [`FUSED`] samples, and returns how many have been taken.
#[inline(always)]
fn quick<R: Estimator, T: Real, S: Simd, K: Sink<R, T>>(
    simd: S,
    constants: &R::Constants<T>,
    cells: &mut Registers<R, T, S>,
    samples: [T::Lanes<S>; FUSED],
    sinks: &mut [K; FUSED],
    at: At,
) -> usize {
    // One after the other and not in a loop, whose state would go through memory.
    let ([first, second], [early, late]) = (samples, sinks);
    if R::quick(constants, cells, [Lane(simd, first)], into::<R, T, S, K>(simd, early, at)).is_err() {
        return 0;
    }
    early.state(simd, constants, at, cells);
    if R::quick(constants, cells, [Lane(simd, second)], into::<R, T, S, K>(simd, late, at)).is_err() {
        return 1;
    }
    late.state(simd, constants, at, cells);
    FUSED
}

/// Takes the steps of one vector of channels that [`quick`] has left after the first `taken`.
#[inline(always)]
fn rest<R: Estimator, T: Real, S: Simd, K: Sink<R, T>>(
    simd: S,
    constants: &R::Constants<T>,
    cells: &mut Registers<R, T, S>,
    samples: [T::Lanes<S>; FUSED],
    sinks: &mut [K; FUSED],
    at: At,
    taken: usize,
) {
    for (sample, sink) in samples.into_iter().zip(sinks).skip(taken) {
        R::step_and(constants, cells, [Lane(simd, sample)], into::<R, T, S, K>(simd, sink, at));
        sink.state(simd, constants, at, cells);
    }
}

/// The way of an output into a sink.
#[inline(always)]
fn into<R: Estimator, T: Real, S: Simd, K: Sink<R, T>>(
    simd: S,
    sink: &mut K,
    at: At,
) -> impl FnOnce(R::Output<T, S>) + use<'_, R, T, S, K> {
    #[inline(always)]
    move |output| match at {
        At::Vector(index) => sink.vector(simd, index, output),
        At::Tail => sink.tail(simd, output),
    }
}
