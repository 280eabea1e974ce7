//! The kernels of a layer's rule beside its plain step: [`Full`], with every option, and [`Look`], the pass before it.
//!
//! Each is a rule to the passes, over the columns and constants of the rule `R` itself. So the plain step, which nearly
//! everybody takes, is compiled as if there were no options.

use crate::cells::Cells;
use crate::error::ParameterError;
use crate::lane::{Lane, Real};
use crate::rule::{Arity, Count, LayerRule, Rule, Step, Weigh};
use core::marker::PhantomData;
use pulp::Simd;

/// The step of `R` with every option: [`Weigh::full_step`].
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Full<R>(PhantomData<R>);

/// The pass of `R` before a step: [`Weigh::look`], which writes nothing.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look<R>(PhantomData<R>);

impl<R: LayerRule> Rule for Full<R> {}
impl<R: LayerRule> LayerRule for Full<R> {}
impl<R: LayerRule> Rule for Look<R> {}
impl<R: LayerRule> LayerRule for Look<R> {}

/// What a kernel has in common with its rule. It is made by nobody, and never asked for its own constants.
macro_rules! of_the_rule {
    () => {
        const NAME: &'static str = R::NAME;
        type Columns = R::Columns;
        type Inputs = Count<2>;
        type Constants<T: Real> = R::Constants<T>;

        fn constants<T: Real>(&self) -> Result<R::Constants<T>, ParameterError> {
            Err(ParameterError::InTime { rule: R::NAME })
        }
        fn parameters(&self) -> Vec<(&'static str, f64)> {
            Vec::new()
        }
        fn is_state<T: Real>(constants: &R::Constants<T>, state: &<R::Columns as Arity>::Of<T>) -> bool {
            R::is_state(constants, state)
        }
        fn unseen<T: Real>() -> <R::Columns as Arity>::Of<T> {
            R::unseen()
        }
    };
}

impl<R: LayerRule> Step for Full<R> {
    of_the_rule!();
    type Output<T: Real, S: Simd> = R::Output<T, S>;

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &R::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
    ) -> R::Output<T, S> {
        R::full_step(k, cells, inputs)
    }
}

impl<R: LayerRule> Weigh for Full<R> {
    #[inline(always)]
    fn value<T: Real, S: Simd>(output: R::Output<T, S>) -> Lane<T, S> {
        R::value(output)
    }
}

impl<R: LayerRule> Step for Look<R> {
    of_the_rule!();
    type Output<T: Real, S: Simd> = Lane<T, S>;

    #[inline(always)]
    fn step<T: Real, S: Simd>(
        k: &R::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
    ) -> Lane<T, S> {
        R::look(k, cells, inputs)
    }
}

impl<R: LayerRule> Weigh for Look<R> {
    const LEAVES_OUT: bool = true;

    #[inline(always)]
    fn value<T: Real, S: Simd>(output: Lane<T, S>) -> Lane<T, S> {
        output
    }
}
