//! One step of each channel: the pass that every other sweep is made of.

use super::sink::Sink;
use crate::lane::{Lane, Mask, Real};
use crate::rule::{Arity, Cells, ColumnsOf, InputsOf, Rule};
use core::ops::Range;
use prefetch_index::prefetch_index;
use pulp::bytemuck::{cast_slice, cast_slice_mut};
use pulp::{Simd, WithSimd};

/// One row over the channels of `state`. All slices have the same length.
pub(crate) struct Row<'s, 'a, R: Rule, T: Real, K> {
    pub(crate) constants: &'a R::Constants<T>,
    pub(crate) state: ColumnsOf<R, &'s mut [T]>,
    pub(crate) inputs: InputsOf<R, &'a [T]>,
    pub(crate) sink: K,
    /// The state is larger than the cache, and worth asking for ahead.
    pub(crate) far: bool,
}

impl<'s, 'a, R: Rule, T: Real, K> Row<'s, 'a, R, T, K> {
    pub(crate) fn new(
        constants: &'a R::Constants<T>,
        state: ColumnsOf<R, &'s mut [T]>,
        inputs: InputsOf<R, &'a [T]>,
        sink: K,
    ) -> Self {
        let columns = state.as_ref().len() + inputs.as_ref().len();
        let far = columns * size_of_val(inputs.as_ref()[0]) >= FAR_BYTES;
        Self { constants, state, inputs, sink, far }
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
        // A copy, which the compiler can keep in registers: behind the reference it would be read again for every vector.
        let constants = *self.constants;
        let inputs = R::Inputs::map(
            self.inputs,
            #[inline(always)]
            |input| T::split::<S>(input),
        );
        let vectors = inputs.as_ref()[0].0.len();
        let mut kept = Kept { count: 0, column: 0, marks: [0; GROUP] };
        let (ahead, per_line) = (AHEAD_BYTES / size_of::<T::Lanes<S>>(), (LINE / size_of::<T::Lanes<S>>()).max(1));
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
            kept.count = 0;
            let hopeful = calm::<R, T, S>(simd, &constants, count, |column, index| columns.as_ref()[column][index]);
            for index in 0..count {
                if self.far && index.is_multiple_of(per_line) {
                    for (number, column) in columns.as_ref().iter().enumerate() {
                        if R::STREAMED >> number & 1 == 1 {
                            prefetch_index(&**column, index + ahead);
                        }
                    }
                    for input in bodies.as_ref() {
                        prefetch_index(input, index + ahead);
                    }
                }
                let mut cells =
                    Body::<'_, '_, R, T, S> { simd, columns: &mut columns, index, kept: &mut kept, hopeful };
                let step = R::Inputs::from_fn(
                    #[inline(always)]
                    |input| Lane(simd, bodies.as_ref()[input][index]),
                );
                let output = R::step(&constants, &mut cells, step);
                self.sink.vector(simd, start + index, output);
            }
            kept.write::<R, T, S>(&mut columns, bodies.as_ref()[0]);
            start += count;
        }
        if !inputs.as_ref()[0].1.is_empty() {
            let state = R::Columns::map(
                R::Columns::each_mut(&mut rows),
                #[inline(always)]
                |(_, tail)| T::partial_load(simd, tail),
            );
            let mut cells = Registers::<R, T, S> { simd, state, hopeful: false };
            let step = R::Inputs::map(
                inputs,
                #[inline(always)]
                |(_, rest)| Lane(simd, T::partial_load(simd, rest)),
            );
            let output = R::step(&constants, &mut cells, step);
            self.sink.tail(simd, output);
            for ((_, tail), value) in rows.as_mut().iter_mut().zip(cells.state) {
                T::partial_store(simd, tail, value);
            }
        }
        self.sink
    }
}

/// How many of a group's vectors are asked whether they are calm, and how many must be.
const ASKED: usize = 8;
const CALM: usize = 7;

/// Whether most vectors of a group have been calm, by a few of them. Where outliers are common, a branch on each vector goes
/// either way, and the processor, which cannot know it, loses more than a shorter step saves.
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
    let mut count = 0;
    if vectors > 0 {
        for asked in 0..ASKED {
            let state = R::Columns::from_fn(
                #[inline(always)]
                |column| at(column, asked * vectors / ASKED),
            );
            count += usize::from(R::calm(constants, &Registers::<R, T, S> { simd, state, hopeful: false }));
        }
    }
    count >= CALM
}

/// The channels of a range, which exist, of every column.
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

/// How far ahead of the step memory is asked for. A step is so long that few vectors fit into the processor's window of
/// instructions, and so little of what comes next is under way when it is needed; a simple loop has no such trouble. Asking
/// took `Numerator` from 0.73 to 0.87 of the memory limit at 16 Mi weights. Half or twice as far is about as good.
const AHEAD_BYTES: usize = 2048;
/// What memory is fetched by.
pub(super) const LINE: usize = 64;

/// From this many bytes of state and inputs on, a pass asks for memory ahead. Below, a second-level cache holds them, and the
/// extra instructions only cost.
pub(super) const FAR_BYTES: usize = 1 << 20;

/// How many vectors are stepped before the samples that they keep are written.
const GROUP: usize = 64;

/// Samples to keep: which lanes of which vectors of a group.
///
/// A rarely touched column is not in the cache. To read it would stall the step, and to branch on whether there is anything
/// to write is what the predictor cannot know. So marks are collected without a branch, and written together.
struct Kept {
    count: usize,
    column: usize,
    /// The vector's place in its group above the lanes of the mask, of which there are at most sixteen.
    marks: [u32; GROUP],
}

impl Kept {
    #[inline(always)]
    fn mark(&mut self, column: usize, index: usize, lanes: u32) {
        // There are no more marks than vectors in a group; the remainder only tells the compiler.
        #[allow(clippy::cast_possible_truncation)] // below GROUP
        let place = (index % GROUP) as u32;
        self.marks[self.count % GROUP] = place << 16 | lanes;
        self.column = column;
        self.count += usize::from(lanes != 0);
    }

    /// Copies the marked samples into their column.
    #[inline(always)]
    fn write<R: Rule, T: Real, S: Simd>(
        &self,
        columns: &mut ColumnsOf<R, &mut [T::Lanes<S>]>,
        samples: &[T::Lanes<S>],
    ) {
        let Some(column) = columns.as_mut().get_mut(self.column) else { return };
        let (to, from) = (cast_slice_mut::<_, T>(column), cast_slice::<_, T>(samples));
        for &mark in self.marks.iter().take(self.count) {
            let first = (mark >> 16) as usize * T::lanes::<S>();
            let mut lanes = mark & 0xffff;
            while lanes != 0 {
                let channel = first + lanes.trailing_zeros() as usize;
                if let (Some(to), Some(&from)) = (to.get_mut(channel), from.get(channel)) {
                    *to = from;
                }
                lanes &= lanes - 1;
            }
        }
    }
}

/// A whole vector of channels, where it lies.
struct Body<'c, 's, R: Rule, T: Real, S: Simd> {
    simd: S,
    columns: &'c mut ColumnsOf<R, &'s mut [T::Lanes<S>]>,
    index: usize,
    kept: &'c mut Kept,
    hopeful: bool,
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
    fn hopeful(&self) -> bool {
        self.hopeful
    }
    #[inline(always)]
    fn keep_sample(&mut self, column: usize, mask: Mask<T, S>, _: Lane<T, S>) {
        self.kept.mark(column, self.index, mask.bits());
    }
}

/// A vector of channels in registers. Of the last few channels of a bank, the lanes beyond them are made up and never
/// stored.
pub(super) struct Registers<R: Rule, T: Real, S: Simd> {
    pub(super) simd: S,
    pub(super) state: ColumnsOf<R, T::Lanes<S>>,
    pub(super) hopeful: bool,
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
    fn hopeful(&self) -> bool {
        self.hopeful
    }
    #[inline(always)]
    fn keep_sample(&mut self, column: usize, mask: Mask<T, S>, sample: Lane<T, S>) {
        self.set(column, mask.select(sample, self.get(column)));
    }
}
