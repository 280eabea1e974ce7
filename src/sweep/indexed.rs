//! Scattered channels: one sample for each channel that is named, in the order in which they are named.
//!
//! A channel may be named twice, and then the second sample must see what the first one left; and a gather of four
//! columns costs more than the arithmetic it feeds. So this sweep goes channel by channel, by the same rule on one
//! lane.

use super::row::{Row, part};
use super::sink::{At, Ignore, Sink};
use crate::cells::One;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, ColumnsOf, Estimator};
use pulp::{Scalar, WithSimd};

/// Updates channel `channels[i]` with `samples[i]`. Every channel exists; both slices have the same length.
pub(crate) fn run<R: Estimator, T: Real>(
    constants: &R::Constants<T>,
    state: &mut ColumnsOf<R, &mut [T]>,
    channels: &[usize],
    samples: &[T],
) {
    for (&channel, sample) in channels.iter().zip(samples) {
        let row = Row::<R, T, Ignore> {
            constants,
            state: part::<R, T>(state, channel..channel + 1),
            inputs: [core::slice::from_ref(sample)],
            sink: Ignore,
            prefetch: false,
        };
        row.with_simd(Scalar::new());
    }
}

/// Updates as [`run`] does, and hands what each step finds and leaves to `sink`, by the index of its sample.
pub(crate) fn reported<R: Estimator, T: Real>(
    constants: &R::Constants<T>,
    state: &mut ColumnsOf<R, &mut [T]>,
    channels: &[usize],
    samples: &[T],
    mut sink: impl Sink<R, T>,
) {
    let simd = Scalar::new();
    for (index, (&channel, &sample)) in channels.iter().zip(samples).enumerate() {
        let mut cells = One::<R, T>(R::Columns::map(
            R::Columns::each_mut(state),
            #[inline(always)]
            |column| &mut column[channel],
        ));
        R::step_and(
            constants,
            &mut cells,
            [Lane::splat(simd, sample)],
            #[inline(always)]
            |output| sink.vector(simd, index, output),
        );
        sink.state(simd, constants, At::Vector(index), &cells);
    }
}
