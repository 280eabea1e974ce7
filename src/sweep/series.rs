//! Series by series: every channel's samples in a slice of their own, as Arrow and data frames hold them.
//!
//! A sweep wants neighbours in time far apart and neighbouring channels together. So a few vectors of channels and some
//! of their samples are transposed into rows in a buffer that the first-level cache holds, and the rows go the way of
//! any block. A single series has no neighbours: its steps wait for each other, and all that can be done is to keep
//! them in registers.

use super::block::Block;
use super::row::part;
use super::sink::{At, Sink};
use super::threads::{Work, split_columns};
use super::turn::{Buffer, ROWS, TILE, tile, turn};
use crate::cells::Registers;
use crate::dispatch::Token;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Estimator};
use pulp::bytemuck::cast;
use pulp::{Scalar, Simd, WithSimd};

/// A pass over one series for each channel of `state`, all of the same length, oldest sample first.
pub(crate) struct Series<'s, 'a, R: Estimator, T: Real, C> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    pub(crate) columns: &'a [C],
    /// The length of each series.
    pub(crate) samples: usize,
}

impl<R: Estimator, T: Real, C: AsRef<[T]>> WithSimd for Series<'_, '_, R, T, C> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let mut buffer = Buffer::new();
        let tile = tile::<T>();
        for (index, series) in self.columns.chunks(tile).enumerate() {
            let start = index * tile;
            let mut state = part::<R, T>(&mut self.state, start..start + series.len());
            step_tile::<R, T, S, _>(simd, self.constants, &mut state, series, self.samples, &mut buffer);
        }
    }
}

/// Steps the series of a tile, with the last one once more in each lane that is left of the last vector. So that vector is
/// as fast as the others; and where it is all there is, most of its time is the latency of a step, whose state must not
/// wait for stores of a part of a vector.
#[inline(always)]
fn step_tile<R: Estimator, T: Real, S: Simd, C: AsRef<[T]>>(
    simd: S,
    constants: &R::Constants<T>,
    state: &mut ColumnsOf<R, &mut [T]>,
    series: &[C],
    samples: usize,
    buffer: &mut Buffer<T>,
) {
    let (count, last) = (series.len(), series.len() - 1);
    let channels = count.next_multiple_of(T::lanes::<S>());
    let mut all: [&[T]; TILE] = [series[last].as_ref(); TILE];
    for (place, series) in all.iter_mut().zip(series) {
        *place = series.as_ref();
    }
    let mut copies = R::Columns::from_fn(
        #[inline(always)]
        |column| {
            let column = &state.as_ref()[column];
            let mut copy = [column[last]; TILE];
            copy[..count].copy_from_slice(column);
            copy
        },
    );
    let mut row = 0;
    while row < samples {
        let rows = (samples - row).min(ROWS);
        turn(simd, &all[..channels], row, rows, buffer);
        Block::<R, T> {
            constants,
            state: R::Columns::map(
                R::Columns::each_mut(&mut copies),
                #[inline(always)]
                |copy| &mut copy[..channels],
            ),
            channels,
            samples: &buffer[..rows * channels],
            stride: channels,
            offset: 0,
        }
        .with_simd(simd);
        row += rows;
    }
    for (column, copy) in state.as_mut().iter_mut().zip(copies.as_ref()) {
        column.copy_from_slice(&copy[..count]);
    }
}

impl<R: Estimator, T: Real, C: AsRef<[T]> + Sync> Work for Series<'_, '_, R, T, C> {
    type Output = ();
    /// The channels of the widest tile.
    const GRAIN: usize = TILE;

    fn channels(&self) -> usize {
        self.columns.len()
    }
    fn bytes(&self) -> usize {
        // Series may share their samples, so the product is not bounded by memory.
        (self.state.as_ref().len() + self.samples).saturating_mul(self.columns.len()).saturating_mul(size_of::<T>())
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = split_columns::<R, T>(self.state, middle);
        let (early, late) = self.columns.split_at(middle);
        let part = |state, columns| Self { state, columns, ..self };
        (part(before, early), part(from, late))
    }
    fn run(self, token: Token) {
        token.run(self);
    }
    fn join((): (), (): ()) {}
}

/// Updates one channel with all samples of a series, and hands what each step finds and leaves to `sink`, by the index
/// of its sample.
#[inline]
pub(crate) fn one<R: Estimator, T: Real>(
    constants: &R::Constants<T>,
    state: ColumnsOf<R, &mut T>,
    samples: &[T],
    mut sink: impl Sink<R, T>,
) {
    let simd = Scalar::new();
    let lane = |value: T| cast::<T, T::Lanes<Scalar>>(value);
    let number = |lane: T::Lanes<Scalar>| cast::<_, T>(lane);
    let mut state = state;
    let mut cells = Registers::<R, T, Scalar> {
        simd,
        state: R::Columns::map(R::Columns::each_mut(&mut state), |cell| lane(**cell)),
    };
    for (index, &sample) in samples.iter().enumerate() {
        R::step_and(
            constants,
            &mut cells,
            [Lane(simd, lane(sample))],
            #[inline(always)]
            |output| sink.vector(simd, index, output),
        );
        sink.state(simd, constants, At::Vector(index), &cells);
    }
    for (cell, value) in state.into_iter().zip(cells.state) {
        *cell = number(value);
    }
}
