//! What an estimator is to the engine: the arithmetic of one lane, and nothing else.
//!
//! A [`Rule`] says how many state columns a channel has, what a channel that has seen nothing holds, and how one sample (or,
//! for a layer, one weight and its gradient) changes one channel. It knows no loops, no memory and no threads: it reads and writes its columns through [`Cells`], a
//! window on one vector of channels, and may leave a column alone when it has no need of it (every column that is read and
//! written costs eight bytes per channel and step in `f32`).
//!
//! To add an estimator: one file in `rules/` that implements [`Step`], and its line in `rules/mod.rs`.

use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real};
use core::fmt::Debug;
use core::time::Duration;
use pulp::Simd;

/// The arithmetic of one channel, which the engine runs over many: an [`Estimator`] or a [`LayerRule`].
///
/// Sealed: the lane arithmetic behind it may still grow. What it is made of is told in the source of `rule.rs`.
pub trait Rule: Step + Clone + Debug + PartialEq + Send + Sync + 'static {}

/// A rule that makes a running estimate of a stream of samples: [`Ema`](crate::Ema), [`ClippedEma`](crate::ClippedEma),
/// [`RobustMean`](crate::RobustMean) or [`CleanedEma`](crate::CleanedEma). A [`Bank`](crate::Bank) runs it over channels.
pub trait Estimator: Rule + Estimate {}

/// An estimator with a scale beside its location, so that it can score a sample: residual over scale.
pub trait Scored: Estimator {
    /// The number of scales beyond which a sample counts as an outlier; that of a [`CleanedEma`](crate::CleanedEma) which re-opens its
    /// judge is none, as it is not replaced.
    fn outlier_at(&self) -> f64;
    /// The number of a channel's first samples that have no score, and are no outliers.
    fn unscored(&self) -> u64;
}

/// An estimator whose memory can be a stretch of time, [`Decay::half_life_time`](crate::Decay::half_life_time):
/// [`RobustMean`](crate::RobustMean) and [`CleanedEma`](crate::CleanedEma).
pub trait Timed: Estimator + Elapse {}

/// A rule that sees a weight and its gradient and answers with one number `a`, whose mean over the layer is wanted:
/// [`Numerator`](crate::Numerator), [`RelaxedNumerator`](crate::RelaxedNumerator) or [`LearningRate`](crate::LearningRate).
/// A [`Layer`](crate::Layer) runs it over weights.
pub trait LayerRule: Rule + Weigh {}

/// The arithmetic of a [`Rule`].
#[doc(hidden)]
pub trait Step {
    /// What the rule is called in messages and in files.
    const NAME: &'static str;
    /// How many state columns a channel has.
    type Columns: Arity;
    /// Which columns every step reads, a bit for each: the others are rarely touched, and not worth fetching ahead.
    const STREAMED: u32 = u32::MAX;
    /// The column that [`Cells::defer`] writes, and [`settle`](Self::settle) computes.
    const RARE: usize = usize::MAX;
    /// How many numbers a step takes in: one sample, or a weight and its gradient.
    type Inputs: Arity;
    /// What a step finds out, for those who look at it.
    type Output<T: Real, S: Simd>: Copy;
    /// The parameters, computed in `f64` and rounded once to the lane type.
    type Constants<T: Real>: Copy + Debug + Send + Sync;

    /// The constants in lane type `T`, or why this type cannot carry them.
    fn constants<T: Real>(&self) -> Result<Self::Constants<T>, ParameterError>;

    /// Whether the decay is in time, so that no step can be made without knowing how much has passed.
    fn is_in_time(&self) -> bool {
        false
    }

    /// Every parameter by name, as a snapshot names it: what differs in one of them gives other results.
    fn parameters(&self) -> Vec<(&'static str, f64)>;

    /// What the rule is called.
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Whether the rule can have led to this state of a channel.
    fn is_state<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> bool;

    /// Makes a state of this rule of what format 1 of snapshots holds of a channel. Of what no channel can have held there it makes
    /// a state that the rule cannot have led to.
    fn carry_over<T: Real>(constants: &Self::Constants<T>, state: &mut <Self::Columns as Arity>::Of<T>) {
        let _ = (constants, state);
    }

    /// The state of a channel that has seen nothing.
    fn unseen<T: Real>() -> <Self::Columns as Arity>::Of<T>;

    /// Whether nothing out of the ordinary has happened to any of these channels of late, for a rule that has a shorter step
    /// for such. It is asked of a few vectors of many, and the answer is what [`Cells::hopeful`] tells the step of all; a step
    /// of one channel always hopes.
    #[inline(always)]
    fn calm<T: Real, S: Simd>(constants: &Self::Constants<T>, cells: &impl Cells<T, S>) -> bool {
        let _ = (constants, cells);
        false
    }

    /// What the rarely touched column holds after a step that has [put it off](Cells::defer), from the step's inputs and what it
    /// has kept. Of lanes with nothing to write it is what the column held before.
    #[inline(always)]
    fn settle<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
        kept: [Lane<T, S>; 2],
        rare: Lane<T, S>,
    ) -> Lane<T, S> {
        let _ = (constants, inputs, kept);
        rare
    }

    /// One step for each lane. Must be `#[inline(always)]`, as must be everything it calls: it is compiled once for each
    /// instruction set, inside the function that carries that set.
    fn step<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
    ) -> Self::Output<T, S>;

    /// One step for each lane, and `report` is called with what it finds out: what the sweeps call. A rule that has shorter steps
    /// takes them here, to the same bits. Each way reports by itself, so that what nobody looks at need not be carried to where
    /// they meet.
    #[inline(always)]
    fn step_and<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
        report: impl FnOnce(Self::Output<T, S>),
    ) {
        report(Self::step(constants, cells, inputs));
    }
}

/// What makes a [`Step`] one that judges samples.
#[doc(hidden)]
pub trait Judge: Step {
    /// What the step says of the sample.
    fn verdict<T: Real, S: Simd>(output: Self::Output<T, S>) -> Verdict<T, S>;
}

/// What makes a [`Step`] an estimator.
#[doc(hidden)]
pub trait Estimate: Judge + Step<Inputs = Count<1>> {
    /// What the state of one channel says.
    fn read<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> Reading<T>;
    /// The exponent of the step that a channel has learnt, for a rule that learns one.
    fn exponent<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> Option<u64> {
        let _ = (constants, state);
        None
    }
    /// Begins a channel that has seen nothing with the step of this exponent, for a rule that learns one.
    fn seed<T: Real>(constants: &Self::Constants<T>, state: &mut <Self::Columns as Arity>::Of<T>, exponent: u64) {
        let _ = (constants, state, exponent);
    }
}

/// What makes an estimator one of samples at any distance in time.
#[doc(hidden)]
pub trait Elapse: Judge {
    /// The decay.
    fn decay(&self) -> Decay;
    /// The gain of a sample that comes `elapsed` after the one before, `alpha_t`, as far as lane type `T` can carry it.
    fn gain_after<T: Real>(&self, elapsed: Duration) -> f64;
    /// The constants of a sample with this gain.
    fn constants_after<T: Real>(constants: &Self::Constants<T>, gain: f64) -> Self::Constants<T>;
    /// One step for each lane, each with a gain of its own.
    fn step_after<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
    ) -> Self::Output<T, S>;
}

/// How fast each lane forgets.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Pace<T: Real, S: Simd> {
    /// The steady-state gain.
    pub(crate) alpha: Lane<T, S>,
    /// `1/alpha`, of the gain before it was rounded to the lane type.
    pub(crate) full: Lane<T, S>,
}

/// A gain, and one by the gain, each rounded once to the lane type: what a pace is made of.
pub(crate) fn pace_of<T: Real>(gain: f64) -> [T; 2] {
    [T::from_f64(gain), T::from_f64(1.0 / gain)]
}

impl<T: Real, S: Simd> Pace<T, S> {
    /// One pace for all lanes.
    #[inline(always)]
    pub(crate) fn of(simd: S, [alpha, full]: [T; 2]) -> Self {
        Self { alpha: Lane::splat(simd, alpha), full: Lane::splat(simd, full) }
    }
}

/// What makes a [`Step`] one of weight and gradient.
#[doc(hidden)]
pub trait Weigh: Step<Inputs = Count<2>> {
    /// The weight's `a`.
    fn value<T: Real, S: Simd>(output: Self::Output<T, S>) -> Lane<T, S>;
    /// The constants of the `step`-th update, counted from 1, where a bias correction depends on it.
    fn at_step<T: Real>(constants: &Self::Constants<T>, step: u64) -> Self::Constants<T> {
        let _ = step;
        *constants
    }
}

/// What an estimator found out about the sample. Computed only where somebody looks at it.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Verdict<T: Real, S: Simd> {
    /// Residual over the scale before the sample; NaN where the sample is missing or one of the channel's first.
    pub score: Lane<T, S>,
    /// The sample counted: it was neither missing nor refused.
    pub accepted: Mask<T, S>,
    /// The sample was beyond what the rule takes for an outlier.
    pub outlier: Mask<T, S>,
    /// The estimate was re-opened. The first sample of a channel is not a re-opening.
    pub reopened: Mask<T, S>,
}

/// The estimates of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<T> {
    /// The location; NaN while nothing has been seen.
    pub location: T,
    /// The scale; NaN while nothing has been seen, and for rules that have none.
    pub scale: T,
    /// How many samples the present estimate rests on, up to the memory of the rule. Zero while nothing has been seen.
    pub age: T,
}

/// How many columns: a type-level number, so that state travels as arrays whose length the compiler knows.
#[doc(hidden)]
pub trait Arity: 'static {
    type Of<X: Send>: AsRef<[X]> + AsMut<[X]> + IntoIterator<Item = X> + Send;
    fn from_fn<X: Send>(make: impl FnMut(usize) -> X) -> Self::Of<X>;
    fn map<X: Send, Y: Send>(of: Self::Of<X>, change: impl FnMut(X) -> Y) -> Self::Of<Y>;
    fn each_mut<X: Send>(of: &mut Self::Of<X>) -> Self::Of<&mut X>;
}

/// `N` columns.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum Count<const N: usize> {}

/// Written out for each count: a call of the standard library's array functions is not always inlined into a kernel, and
/// then the kernel passes its registers through memory.
macro_rules! count {
    ($count:literal: $($name:ident $index:literal)*) => {
        impl Arity for Count<$count> {
            type Of<X: Send> = [X; $count];
            #[inline(always)]
            fn from_fn<X: Send>(mut make: impl FnMut(usize) -> X) -> [X; $count] {
                [$(make($index)),*]
            }
            #[inline(always)]
            fn map<X: Send, Y: Send>([$($name),*]: [X; $count], mut change: impl FnMut(X) -> Y) -> [Y; $count] {
                [$(change($name)),*]
            }
            #[inline(always)]
            fn each_mut<X: Send>([$($name),*]: &mut [X; $count]) -> [&mut X; $count] {
                [$($name),*]
            }
        }
    };
}
count!(1: a 0);
count!(2: a 0 b 1);
count!(3: a 0 b 1 c 2);
count!(4: a 0 b 1 c 2 d 3);
count!(5: a 0 b 1 c 2 d 3 e 4);
count!(7: a 0 b 1 c 2 d 3 e 4 f 5 g 6);

/// What a step of rule `R` takes in, as `X`: `[X; 1]` for an estimator, `[X; 2]` for a layer's rule.
pub(crate) type InputsOf<R, X> = <<R as Step>::Inputs as Arity>::Of<X>;

/// Columns of rule `R` holding `X`: `[X; 2]` for [`Ema`](crate::Ema), `[X; 4]` for [`RobustMean`](crate::RobustMean), and so on:
/// an array of as many as the table of [`Sweep`](crate::Sweep) tells.
pub type ColumnsOf<R, X> = <<R as Step>::Columns as Arity>::Of<X>;
