//! A row: one step of each channel, the pass that every other sweep is made of.

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
        let (ahead, per_line) = (AHEAD_BYTES / size_of::<T::Lanes<S>>(), (LINE / size_of::<T::Lanes<S>>()).max(1));
        let (mut even, mut odd) = (Kept::<T, S>::none(simd), Kept::none(simd));
        let (mut now, mut before) = (&mut even, &mut odd);
        let mut start = 0;
        while start < vectors {
            let count = (vectors - start).min(GROUP);
            // Cut to the one length, so that the compiler need not check it in the loop.
            let bodies = R::Inputs::from_fn(
                #[inline(always)]
                |input| &inputs.as_ref()[input].0[start..start + count],
            );
            let mut columns = R::Columns::map(
                R::Columns::each_mut(&mut rows),
                #[inline(always)]
                |(body, _)| &mut body[start..start + count],
            );
            let may_shortcut =
                calm::<R, T, S>(simd, &constants, count, |column, index| columns.as_ref()[column][index]);
            // Where most are calm a rare column is rarely touched, and may be touched at once if it is in the cache.
            let at_once = may_shortcut && !self.prefetch;
            let mut first = 0;
            while first < count {
                let end = if R::RARE == usize::MAX { count } else { (first + SETTLED).min(count) };
                for index in first..end {
                    if self.prefetch && index.is_multiple_of(per_line) {
                        for (number, column) in columns.as_ref().iter().enumerate() {
                            if R::STREAMED >> number & 1 == 1 {
                                prefetch_index(&**column, index + ahead);
                            }
                        }
                        for input in bodies.as_ref() {
                            prefetch_index(input, index + ahead);
                        }
                    }
                    let (prefetch, columns) = (self.prefetch, &mut columns);
                    let mut cells =
                        Body::<'_, '_, R, T, S> { simd, columns, index, kept: now, may_shortcut, at_once, prefetch };
                    let step = R::Inputs::from_fn(
                        #[inline(always)]
                        |input| Lane(simd, bodies.as_ref()[input][index]),
                    );
                    R::step_and(
                        &constants,
                        &mut cells,
                        step,
                        #[inline(always)]
                        |output| self.sink.vector(simd, start + index, output),
                    );
                    self.sink.state(simd, &constants, At::Vector(start + index), &cells);
                }
                // What was fetched has had the time of these steps to arrive.
                before.settle::<R>(&constants, &mut columns, &bodies);
                core::mem::swap(&mut now, &mut before);
                first = end;
            }
            before.settle::<R>(&constants, &mut columns, &bodies);
            start += count;
        }
        if !inputs.as_ref()[0].1.is_empty() {
            let state = R::Columns::map(
                R::Columns::each_mut(&mut rows),
                #[inline(always)]
                |(_, tail)| Lane::<T, S>::tail(simd, tail).1,
            );
            let mut cells = Registers::<R, T, S> { simd, state, may_shortcut: false };
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

/// Most lanes of a vector that may take the shortcut for calm channels. Of more lanes, one is not calm so often that
/// the processor loses more on the branch than the shorter step saves: at eight, `RobustMean` took 1.1 times as long on
/// clean rows with it.
pub(super) const CALM_LANES: usize = 4;

/// Vectors of a group that are sampled for being calm.
const ASKED: usize = 16;
/// Least vectors of those sampled that must be calm.
const CALM: usize = 15;

/// Whether most vectors of a group have been calm, judged by a few of them. Where outliers are common, a branch on each
/// vector goes either way, and the processor, which cannot predict it, loses more than a shorter step saves.
#[inline(always)]
pub(super) fn calm<R: Rule, T: Real, S: Simd>(
    simd: S,
    constants: &R::Constants<T>,
    vectors: usize,
    at: impl Fn(usize, usize) -> T::Lanes<S>,
) -> bool {
    if T::lanes::<S>() == 1 {
        return true;
    }
    if T::lanes::<S>() > CALM_LANES {
        return false;
    }
    let mut count = 0;
    if vectors > 0 {
        for asked in 0..ASKED {
            let state = R::Columns::from_fn(
                #[inline(always)]
                |column| at(column, asked * vectors / ASKED),
            );
            count += usize::from(R::calm(constants, &Registers::<R, T, S> { simd, state, may_shortcut: false }));
        }
    }
    count >= CALM
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

/// Vectors of a group, of which a few are sampled for being calm.
const GROUP: usize = 64;

/// Vectors that are stepped before the deferred writes to their rare column are made.
const SETTLED: usize = 16;

/// The deferred writes of some vectors to their rare column.
///
/// Such a column is not in the cache. Reading it would stall the step, and a branch on whether there is anything to
/// write cannot be predicted. So the numbers for the writes are collected without a branch, and the writes are made
/// together.
struct Kept<T: Real, S: Simd> {
    simd: S,
    count: usize,
    indices: [usize; SETTLED],
    lanes: Aligned<[[T::Lanes<S>; 2]; SETTLED]>,
}

/// A value on cache lines of its own: a vector that lies across two is slow to store, and the type of lanes has no such
/// alignment.
#[repr(align(64))]
struct Aligned<A>(A);

impl<T: Real, S: Simd> Kept<T, S> {
    #[inline(always)]
    fn none(simd: S) -> Self {
        let zero = T::splat(simd, T::default());
        Self { simd, count: 0, indices: [0; SETTLED], lanes: Aligned([[zero; 2]; SETTLED]) }
    }

    #[inline(always)]
    fn keep(&mut self, index: usize, any: bool, kept: [Lane<T, S>; 2]) {
        // There are never more than `SETTLED`; the remainder only proves it to the compiler.
        let place = self.count % SETTLED;
        self.indices[place] = index;
        self.lanes.0[place] = [kept[0].1, kept[1].1];
        self.count += usize::from(any);
    }

    /// Makes the deferred writes.
    #[inline(always)]
    fn settle<R: Rule>(
        &mut self,
        constants: &R::Constants<T>,
        columns: &mut ColumnsOf<R, &mut [T::Lanes<S>]>,
        bodies: &InputsOf<R, &[T::Lanes<S>]>,
    ) {
        let Some(column) = columns.as_mut().get_mut(R::RARE) else { return };
        let simd = self.simd;
        for place in 0..self.count.min(SETTLED) {
            let (index, kept) = (self.indices[place], &self.lanes.0[place]);
            let Some(rare) = column.get_mut(index) else { return };
            let inputs = R::Inputs::from_fn(
                #[inline(always)]
                |input| Lane(simd, bodies.as_ref()[input][index]),
            );
            *rare = R::settle(constants, inputs, [Lane(simd, kept[0]), Lane(simd, kept[1])], Lane(simd, *rare)).1;
        }
        self.count = 0;
    }
}

/// A whole vector of channels, in place in the columns.
struct Body<'c, 's, R: Rule, T: Real, S: Simd> {
    simd: S,
    columns: &'c mut ColumnsOf<R, &'s mut [T::Lanes<S>]>,
    index: usize,
    kept: &'c mut Kept<T, S>,
    may_shortcut: bool,
    /// Whether a rare column may be touched at once: it is in the cache, and rarely touched.
    at_once: bool,
    prefetch: bool,
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
    fn may_shortcut(&self) -> bool {
        self.may_shortcut
    }
    #[inline(always)]
    fn defer(
        &mut self,
        column: usize,
        mask: Mask<T, S>,
        kept: [Lane<T, S>; 2],
        settle: impl FnOnce(Lane<T, S>) -> Lane<T, S>,
    ) {
        if !self.at_once {
            let any = mask.any();
            if self.prefetch {
                // Where there is nothing to write, a place that is in the cache anyway.
                prefetch_index(&*self.columns.as_ref()[if any { column } else { 0 }], self.index);
            }
            self.kept.keep(self.index, any, kept);
        } else if mask.any() {
            self.set(column, settle(self.get(column)));
        }
    }
}
