//! One sample for each channel: the pass that every other sweep is made of.

use super::sink::Sink;
use crate::lane::{Lane, Mask, Real};
use crate::rule::{Arity, Cells, ColumnsOf, Rule};
use pulp::{Simd, WithSimd};

/// One row over the channels of `state`. All slices have the same length.
pub(crate) struct Row<'s, 'a, R: Rule, T: Real, K> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    pub(crate) samples: &'a [T],
    pub(crate) sink: K,
}

impl<R: Rule, T: Real, K: Sink<T>> WithSimd for Row<'_, '_, R, T, K> {
    type Output = K;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> K {
        let mut rows = R::Columns::map(self.state, |column| T::split_mut::<S>(column));
        // A copy, which the compiler can keep in registers: behind the reference it would be read again for every vector.
        let constants = *self.constants;
        let (samples, rest) = T::split::<S>(self.samples);
        let vectors = samples.len();
        {
            // Cut to the one length, so that the compiler need not check it in the loop.
            let mut columns = R::Columns::map(R::Columns::each_mut(&mut rows), |(body, _)| &mut body[..vectors]);
            for (index, &sample) in samples.iter().enumerate() {
                let mut cells = Body::<'_, '_, R, T, S> { simd, columns: &mut columns, index };
                let verdict = R::step(&constants, &mut cells, Lane(simd, sample));
                self.sink.vector(simd, index, &verdict);
            }
        }
        if !rest.is_empty() {
            let state = R::Columns::map(R::Columns::each_mut(&mut rows), |(_, tail)| T::partial_load(simd, tail));
            let mut cells = Registers::<R, T, S> { simd, state };
            let verdict = R::step(&constants, &mut cells, Lane(simd, T::partial_load(simd, rest)));
            self.sink.tail(simd, vectors, &verdict);
            for ((_, tail), value) in rows.as_mut().iter_mut().zip(cells.state) {
                T::partial_store(simd, tail, value);
            }
        }
        self.sink
    }
}

/// A whole vector of channels, where it lies.
struct Body<'c, 's, R: Rule, T: Real, S: Simd> {
    simd: S,
    columns: &'c mut ColumnsOf<R, &'s mut [T::Lanes<S>]>,
    index: usize,
}

impl<R: Rule, T: Real, S: Simd> Cells<T, S> for Body<'_, '_, R, T, S> {
    #[inline(always)]
    fn get(&self, column: usize) -> Lane<T, S> {
        Lane(self.simd, self.columns.as_ref()[column][self.index])
    }
    #[inline(always)]
    fn set(&mut self, column: usize, value: Lane<T, S>) {
        self.columns.as_mut()[column][self.index] = value.1;
    }
    #[inline(always)]
    fn set_where(&mut self, column: usize, mask: Mask<T, S>, value: Lane<T, S>) {
        value.store_where(mask, &mut self.columns.as_mut()[column][self.index]);
    }
}

/// A vector of channels in registers. Of the last few channels of a bank, the lanes beyond them are made up and never
/// stored.
pub(super) struct Registers<R: Rule, T: Real, S: Simd> {
    pub(super) simd: S,
    pub(super) state: ColumnsOf<R, T::Lanes<S>>,
}

impl<R: Rule, T: Real, S: Simd> Cells<T, S> for Registers<R, T, S> {
    #[inline(always)]
    fn get(&self, column: usize) -> Lane<T, S> {
        Lane(self.simd, self.state.as_ref()[column])
    }
    #[inline(always)]
    fn set(&mut self, column: usize, value: Lane<T, S>) {
        self.state.as_mut()[column] = value.1;
    }
    #[inline(always)]
    fn set_where(&mut self, column: usize, mask: Mask<T, S>, value: Lane<T, S>) {
        self.set(column, mask.select(value, self.get(column)));
    }
}
