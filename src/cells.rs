//! [`Cells`]: the window through which a step sees the state columns of one vector of channels, wherever they lie.

use crate::lane::{Lane, Mask, Real};
use crate::rule::{Arity, ColumnsOf, InputsOf, Rule};
use pulp::bytemuck::cast;
use pulp::{Scalar, Simd, WithSimd};

/// The state columns of one vector of channels, as a [`Step`](crate::rule::Step) reads and writes them.
#[doc(hidden)]
pub trait Cells<T: Real, S: Simd> {
    fn get(&self, column: usize) -> Lane<T, S>;
    fn set(&mut self, column: usize, value: Lane<T, S>);
    /// Writes what `settle` makes of a rarely touched column, where any lane of the mask is set. No step waits for that
    /// column to come from memory: the write may happen some steps later, by
    /// [`Step::settle`](crate::rule::Step::settle) from the two lanes in `kept`. So a step that defers a column must
    /// not read it afterwards.
    fn defer(
        &mut self,
        column: usize,
        mask: Mask<T, S>,
        kept: [Lane<T, S>; 2],
        settle: impl FnOnce(Lane<T, S>) -> Lane<T, S>,
    );
}

/// The most lanes of which so few are struck that a branch on strikes costs less than what a strike writes, even at 5% of outliers.
const BRANCHED: usize = 4;

/// The state of one vector of channels in registers. Behind the last channels of a bank, lanes without a channel are
/// made up and never stored.
pub(crate) struct Registers<R: Rule, T: Real, S: Simd> {
    pub(crate) simd: S,
    pub(crate) state: ColumnsOf<R, T::Lanes<S>>,
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
    fn defer(
        &mut self,
        column: usize,
        mask: Mask<T, S>,
        _: [Lane<T, S>; 2],
        settle: impl FnOnce(Lane<T, S>) -> Lane<T, S>,
    ) {
        if T::lanes::<S>() > BRANCHED || mask.any() {
            self.set(column, settle(self.get(column)));
        }
    }
}

/// The state of a single channel, in place in the columns: only what a step reads is read, only what it changes is
/// written, and nothing is made ready for vectors that do not come.
pub(crate) struct One<'a, R: Rule, T: Real>(pub(crate) ColumnsOf<R, &'a mut T>);

impl<R: Rule, T: Real> Cells<T, Scalar> for One<'_, R, T> {
    #[inline(always)]
    fn get(&self, column: usize) -> Lane<T, Scalar> {
        Lane::splat(Scalar::new(), *self.0.as_ref()[column])
    }
    #[inline(always)]
    fn set(&mut self, column: usize, value: Lane<T, Scalar>) {
        *self.0.as_mut()[column] = cast(value.1);
    }
    #[inline(always)]
    fn defer(
        &mut self,
        column: usize,
        mask: Mask<T, Scalar>,
        _: [Lane<T, Scalar>; 2],
        settle: impl FnOnce(Lane<T, Scalar>) -> Lane<T, Scalar>,
    ) {
        if mask.any() {
            self.set(column, settle(self.get(column)));
        }
    }
}

/// Takes the long step of a rule in a function of its own. Inlined into the kernel it would leave fewer registers to
/// the short steps, which are what the kernel mostly does.
#[inline(always)]
pub(crate) fn apart<R: Rule, T: Real, S: Simd>(
    simd: S,
    constants: &R::Constants<T>,
    cells: &mut impl Cells<T, S>,
    inputs: InputsOf<R, Lane<T, S>>,
) -> R::Output<T, S> {
    if T::lanes::<S>() == 1 {
        // A single lane has no short steps beside it, and a call would cost more than it spares.
        return R::step(constants, cells, inputs);
    }
    let state = R::Columns::from_fn(
        #[inline(always)]
        |column| cells.get(column).1,
    );
    // Copies: values that a call may look at cannot stay in registers, even where the call is not made.
    let constants = *constants;
    let mut registers = Registers::<R, T, S> { simd, state };
    let call = Apart::<R, T, S> { constants: &constants, registers: &mut registers, inputs };
    let output = simd.vectorize(call);
    for (column, value) in registers.state.into_iter().enumerate() {
        cells.set(column, Lane(simd, value));
    }
    output
}

/// The call that [`apart`] makes.
struct Apart<'a, R: Rule, T: Real, S: Simd> {
    constants: &'a R::Constants<T>,
    registers: &'a mut Registers<R, T, S>,
    inputs: InputsOf<R, Lane<T, S>>,
}

impl<R: Rule, T: Real, S: Simd> WithSimd for Apart<'_, R, T, S> {
    type Output = R::Output<T, S>;

    /// Ignores `_`: the lanes belong to the backend `S` that they were read with.
    #[inline(always)]
    fn with_simd<Same: Simd>(self, _: Same) -> R::Output<T, S> {
        R::step(self.constants, self.registers, self.inputs)
    }
}
