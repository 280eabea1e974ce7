//! [`Kept`]: what steps leave to be written to the rarely touched column, some vectors later.

use crate::lane::{Lane, Real};
use crate::rule::{ColumnsOf, InputsOf, Rule};
use pulp::Simd;

/// Steps that are taken before their deferred writes are made.
pub(super) const SETTLED: usize = 16;

/// The deferred writes of some steps to the rare column of their vectors.
///
/// Such a column is not in the cache. Reading it would stall the step, and a branch on whether there is anything to
/// write cannot be predicted. So the numbers for the writes are collected without a branch, and the writes are made
/// together.
pub(super) struct Kept<T: Real, S: Simd> {
    simd: S,
    steps: [usize; SETTLED],
    lanes: Aligned<[[T::Lanes<S>; 2]; SETTLED]>,
}

/// A value on cache lines of its own: a vector that lies across two is slow to store, and the type of lanes has no such
/// alignment.
#[repr(align(64))]
struct Aligned<A>(A);

impl<T: Real, S: Simd> Kept<T, S> {
    #[inline(always)]
    pub(super) fn none(simd: S) -> Self {
        let zero = T::splat(simd, T::default());
        Self { simd, steps: [0; SETTLED], lanes: Aligned([[zero; 2]; SETTLED]) }
    }

    /// Notes a step, by a number that `settle` returns to its caller, behind those that are `noted`, if `any` of its lanes has
    /// something to write.
    #[inline(always)]
    pub(super) fn keep(&mut self, noted: &mut usize, step: usize, any: bool, kept: [Lane<T, S>; 2]) {
        // There are never more than `SETTLED`; the remainder only proves it to the compiler.
        let place = *noted % SETTLED;
        self.steps[place] = step;
        self.lanes.0[place] = [kept[0].1, kept[1].1];
        *noted += usize::from(any);
    }

    /// Makes the deferred writes of the steps that are `noted`, in order. `of` returns a step's vector and its inputs.
    #[inline(always)]
    pub(super) fn settle<R: Rule>(
        &self,
        constants: &R::Constants<T>,
        columns: &mut ColumnsOf<R, &mut [T::Lanes<S>]>,
        noted: usize,
        of: impl Fn(usize) -> (usize, InputsOf<R, Lane<T, S>>),
    ) {
        let Some(column) = columns.as_mut().get_mut(R::RARE) else { return };
        let simd = self.simd;
        for place in 0..noted.min(SETTLED) {
            let (index, inputs) = of(self.steps[place]);
            let [one, other] = self.lanes.0[place];
            let Some(rare) = column.get_mut(index) else { return };
            *rare = R::settle(constants, inputs, [Lane(simd, one), Lane(simd, other)], Lane(simd, *rare)).1;
        }
    }
}
