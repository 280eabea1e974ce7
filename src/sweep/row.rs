//! A row: one step of each channel, the pass that every other sweep is made of.

use super::kept::{Kept, SETTLED};
use super::sink::{At, Sink};
use crate::cells::{Cells, Registers};
use crate::lane::{Lane, Mask, Real};
use crate::rule::{Arity, ColumnsOf, InputsOf, Rule};
use core::ops::Range;
use prefetch_index::prefetch_index;
use pulp::{Simd, WithSimd};

/// A step of every channel of `state`. All slices have the same length.
pub(crate) struct Row<'s, 'a, R: Rule, T: Real, K> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    pub(crate) inputs: InputsOf<R, &'a [T]>,
    pub(crate) sink: K,
    /// Whether the state is larger than the cache, and worth fetching ahead.
    pub(crate) prefetch: bool,
}

impl<'s, 'a, R: Rule, T: Real, K> Row<'s, 'a, R, T, K> {
    pub(crate) fn new(
        constants: &'a R::Constants<T>,
        state: ColumnsOf<R, &'s mut [T]>,
        inputs: InputsOf<R, &'a [T]>,
        sink: K,
    ) -> Self {
        let columns = state.as_ref().len() + inputs.as_ref().len();
        let prefetch = columns * size_of_val(inputs.as_ref()[0]) >= FAR_BYTES;
        Self { constants, state, inputs, sink, prefetch }
    }
}

impl<R: Rule, T: Real, K: Sink<R, T>> WithSimd for Row<'_, '_, R, T, K> {
    type Output = K;

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) -> K {
        let mut rows = R::Columns::map(
            self.state,
            #[inline(always)]
            |column| T::split_mut::<S>(column),
        );
        // A copy, which the compiler can keep in registers: behind the reference it would be read again for every
        // vector.
        let constants = *self.constants;
        let inputs = R::Inputs::map(
            self.inputs,
            #[inline(always)]
            |input| T::split::<S>(input),
        );
        let vectors = inputs.as_ref()[0].0.len();
        // Cut to the one length, so that the compiler need not check it in the loop.
        let bodies = R::Inputs::from_fn(
            #[inline(always)]
            |input| &inputs.as_ref()[input].0[..vectors],
        );
        let columns = R::Columns::map(
            R::Columns::each_mut(&mut rows),
            #[inline(always)]
            |(body, _)| &mut body[..vectors],
        );
        vectors_of::<R, T, S, K>(simd, &constants, columns, &bodies, &mut self.sink, self.prefetch);
        if !inputs.as_ref()[0].1.is_empty() {
            let state = R::Columns::map(
                R::Columns::each_mut(&mut rows),
                #[inline(always)]
                |(_, tail)| Lane::<T, S>::tail(simd, tail).1,
            );
            let mut cells = Registers::<R, T, S> { simd, state };
            let step = R::Inputs::map(
                inputs,
                #[inline(always)]
                |(_, rest)| Lane::tail(simd, rest),
            );
            R::step_and(
                &constants,
                &mut cells,
                step,
                #[inline(always)]
                |output| self.sink.tail(simd, output),
            );
            self.sink.state(simd, &constants, At::Tail, &cells);
            for ((_, tail), value) in rows.as_mut().iter_mut().zip(cells.state) {
                T::partial_store(simd, tail, value);
            }
        }
        self.sink
    }
}

/// Steps the whole vectors of a row.
#[inline(always)]
fn vectors_of<R: Rule, T: Real, S: Simd, K: Sink<R, T>>(
    simd: S,
    constants: &R::Constants<T>,
    mut columns: ColumnsOf<R, &mut [T::Lanes<S>]>,
    bodies: &InputsOf<R, &[T::Lanes<S>]>,
    sink: &mut K,
    prefetch: bool,
) {
    let vectors = bodies.as_ref()[0].len();
    let (ahead, per_line) = (AHEAD_BYTES / size_of::<T::Lanes<S>>(), (LINE / size_of::<T::Lanes<S>>()).max(1));
    let (mut even, mut odd) = (Kept::<T, S>::none(simd), Kept::none(simd));
    let (mut now, mut before, mut noted_before) = (&mut even, &mut odd, 0);
    let mut index = 0;
    while index < vectors {
        let end = if R::RARE == usize::MAX { vectors } else { (index + SETTLED).min(vectors) };
        let mut noted = 0;
        let (columns_now, noted_now) = (&mut columns, &mut noted);
        let mut cells =
            Body::<'_, '_, R, T, S> { simd, columns: columns_now, index, kept: now, noted: noted_now, prefetch };
        while cells.index < end {
            // Quick steps have a loop of their own without a call, which would leave no vector register for constants.
            let is_left = loop {
                let index = cells.index;
                if index == end {
                    break false;
                }
                if prefetch && index.is_multiple_of(per_line) {
                    cells.fetch(bodies, ahead);
                }
                let quick = R::quick(
                    constants,
                    &mut cells,
                    lanes::<R, T, S>(simd, bodies, index),
                    #[inline(always)]
                    |output| sink.vector(simd, index, output),
                );
                if quick.is_err() {
                    break true;
                }
                sink.state(simd, constants, At::Vector(index), &cells);
                cells.index += 1;
            };
            if is_left {
                let index = cells.index;
                R::rest(
                    constants,
                    &mut cells,
                    lanes::<R, T, S>(simd, bodies, index),
                    #[inline(always)]
                    |output| sink.vector(simd, index, output),
                );
                sink.state(simd, constants, At::Vector(index), &cells);
                cells.index += 1;
            }
        }
        index = end;
        // What was fetched has had the time of these steps to arrive.
        before.settle::<R>(
            constants,
            &mut columns,
            noted_before,
            #[inline(always)]
            |index| (index, lanes::<R, T, S>(simd, bodies, index)),
        );
        core::mem::swap(&mut now, &mut before);
        noted_before = noted;
    }
    before.settle::<R>(
        constants,
        &mut columns,
        noted_before,
        #[inline(always)]
        |index| (index, lanes::<R, T, S>(simd, bodies, index)),
    );
}

/// The inputs of one vector of channels.
#[inline(always)]
fn lanes<R: Rule, T: Real, S: Simd>(
    simd: S,
    bodies: &InputsOf<R, &[T::Lanes<S>]>,
    index: usize,
) -> InputsOf<R, Lane<T, S>> {
    R::Inputs::from_fn(
        #[inline(always)]
        |input| Lane(simd, bodies.as_ref()[input][index]),
    )
}

/// The slices of every column for a range of channels, which exist.
#[inline(always)]
pub(super) fn part<'a, 's: 'a, R: Rule, T: Real>(
    state: &'a mut ColumnsOf<R, &'s mut [T]>,
    channels: Range<usize>,
) -> ColumnsOf<R, &'a mut [T]> {
    let (start, end) = (channels.start, channels.end);
    R::Columns::map(
        R::Columns::each_mut(state),
        #[inline(always)]
        |column| &mut column[start..end],
    )
}

/// Bytes ahead of the step at which memory is fetched. A step is so long that few vectors fit into the processor's
/// window of instructions, and so little of what comes next is under way when it is needed; a simple loop has no such
/// trouble. Fetching took `Numerator` from 0.73 to 0.87 of the memory limit at 16 Mi weights. Half or twice as far is
/// about as good.
const AHEAD_BYTES: usize = 2048;
/// Bytes of a cache line, the unit in which memory is fetched.
pub(super) const LINE: usize = 64;

/// Least bytes of state and inputs for which a pass fetches memory ahead. Fewer lie in a second-level cache, and the
/// extra instructions only cost.
pub(super) const FAR_BYTES: usize = 1 << 20;

/// A whole vector of channels, one after the other, in place in the columns.
struct Body<'c, 's, R: Rule, T: Real, S: Simd> {
    simd: S,
    columns: &'c mut ColumnsOf<R, &'s mut [T::Lanes<S>]>,
    index: usize,
    kept: &'c mut Kept<T, S>,
    /// The number of vectors in `kept`: beside it, and so in a register.
    noted: &'c mut usize,
    prefetch: bool,
}

impl<R: Rule, T: Real, S: Simd> Body<'_, '_, R, T, S> {
    /// Asks for what the step that lies `ahead` of this one will read.
    #[inline(always)]
    fn fetch(&self, inputs: &InputsOf<R, &[T::Lanes<S>]>, ahead: usize) {
        for (number, column) in self.columns.as_ref().iter().enumerate() {
            if R::STREAMED >> number & 1 == 1 {
                prefetch_index(&**column, self.index + ahead);
            }
        }
        for input in inputs.as_ref() {
            prefetch_index(input, self.index + ahead);
        }
    }
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
    fn defer(
        &mut self,
        column: usize,
        mask: Mask<T, S>,
        kept: [Lane<T, S>; 2],
        settle: impl FnOnce(Lane<T, S>) -> Lane<T, S>,
    ) {
        // Of a single channel in the cache, a strike is rare enough for a branch.
        if T::lanes::<S>() == 1 && !self.prefetch {
            if mask.any() {
                self.set(column, settle(self.get(column)));
            }
            return;
        }
        let any = mask.any();
        if self.prefetch {
            // Where there is nothing to write, a place that is in the cache anyway.
            prefetch_index(&*self.columns.as_ref()[if any { column } else { 0 }], self.index);
        }
        self.kept.keep(self.noted, self.index, any, kept);
    }
}
