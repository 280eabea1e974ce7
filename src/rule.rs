//! [`Rule`]: an estimator as the engine sees it, the arithmetic of one lane and nothing else.
//!
//! A [`Rule`] defines how many state columns a channel has, what a channel that has seen nothing holds, and how one
//! sample (or, for a layer, one weight and its gradient) changes one channel. It has no loops, no memory and no
//! threads: it reads and writes its columns through [`Cells`], a window on one vector of channels, and may leave a
//! column alone when it has no need of it (every column that is read and written costs eight bytes per channel and step
//! in `f32`).
//!
//! To add an estimator: a file in `rules/` that implements [`Step`], and its lines in `rules/mod.rs`, `rules/config.rs`
//! (feature `serde`), `lib.rs`, the table of columns in `sweep/mod.rs` and `FORMAT.md`.

use crate::cells::Cells;
use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::{Lane, Mask, Real};
use core::fmt::Debug;
use core::time::Duration;
use pulp::Simd;

/// The arithmetic of one channel, which the engine runs over many: an [`Estimator`] or a [`LayerRule`].
///
/// Sealed, because the lane arithmetic behind it may still grow. The source, `rule.rs`, documents what a rule consists
/// of.
pub trait Rule: Step + Clone + Debug + PartialEq + Send + Sync + 'static {}

/// A rule that makes a running estimate of a stream of samples: [`Ema`](crate::Ema), [`ClippedEma`](crate::ClippedEma),
/// [`RobustMean`](crate::RobustMean) or [`CleanedEma`](crate::CleanedEma). A [`Bank`](crate::Bank) runs it over
/// channels.
pub trait Estimator: Rule + Estimate {}

/// An estimator with a scale beside its location, so that it can score a sample: residual over scale.
pub trait Scored: Estimator {
    /// The number of scales beyond which a sample counts as an outlier. The sample that re-opens the judge of a
    /// [`CleanedEma`](crate::CleanedEma) is none, as it is not replaced.
    fn outlier_at(&self) -> f64;
    /// The number of a channel's first samples that have no score and are no outliers.
    fn unscored(&self) -> u64;
}

/// An estimator whose memory can be a stretch of time, [`Decay::half_life_time`](crate::Decay::half_life_time):
/// [`RobustMean`](crate::RobustMean), [`CleanedEma`](crate::CleanedEma) and [`Ema`](crate::Ema), which has no scores: they
/// are NaN.
pub trait Timed: Estimator + Elapse {}

/// A rule that sees a weight and its gradient and answers with one number `a`, whose mean over the layer is wanted:
/// [`Numerator`](crate::Numerator), [`RelaxedNumerator`](crate::RelaxedNumerator) or
/// [`LearningRate`](crate::LearningRate). A [`Layer`](crate::Layer) runs it over weights.
pub trait LayerRule: Rule + Weigh {}

/// The arithmetic of a [`Rule`].
#[doc(hidden)]
pub trait Step {
    /// The name of the rule in messages and in files.
    const NAME: &'static str;
    /// The number of state columns of a channel.
    type Columns: Arity;
    /// The columns that every step reads, a bit for each: the others are rarely touched, and not worth fetching ahead.
    const STREAMED: u32 = u32::MAX;
    /// The column that [`Cells::defer`] writes, and [`settle`](Self::settle) computes.
    const RARE: usize = usize::MAX;
    /// The number of inputs of a step: one sample, or a weight and its gradient.
    type Inputs: Arity;
    /// The findings of a step, such as a score, computed only where somebody looks at them.
    type Output<T: Real, S: Simd>: Copy;
    /// The parameters, computed in `f64` and rounded once to `T`.
    type Constants<T: Real>: Copy + Debug + Send + Sync;

    /// Computes the constants in `T`, or returns which parameter `T` has no room for.
    fn constants<T: Real>(&self) -> Result<Self::Constants<T>, ParameterError>;

    /// Whether the decay is in time, so that no step can be taken without an elapsed time.
    fn is_in_time(&self) -> bool {
        false
    }

    /// Every parameter by its name in a snapshot: rules that differ in one of them give other results.
    fn parameters(&self) -> Vec<(&'static str, f64)>;

    /// The name of this rule, which is [`NAME`](Self::NAME).
    fn name(&self) -> &'static str {
        Self::NAME
    }

    /// Whether the rule can have led to this state of a channel.
    fn is_state<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> bool;

    /// Turns the state of a channel from a snapshot of format 1 into a state of this rule. A state that no channel can
    /// have had in format 1 becomes one that [`is_state`](Self::is_state) refuses.
    fn carry_over<T: Real>(constants: &Self::Constants<T>, state: &mut <Self::Columns as Arity>::Of<T>) {
        let _ = (constants, state);
    }

    /// The rule with these parameters, by their names in a snapshot; `None` where there is none, and for a rule whose
    /// states are not [converted](Self::convert).
    fn of_parameters(parameters: &[(String, f64)]) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = parameters;
        None
    }

    /// Turns the state of a channel of this rule with other parameters, those of `from`, into one of `to`: what it has
    /// seen, as far as that goes. It is called for rules that are made [of parameters](Self::of_parameters).
    fn convert<T: Real>(
        from: &Self::Constants<T>,
        to: &Self::Constants<T>,
        state: &mut <Self::Columns as Arity>::Of<T>,
    ) {
        let _ = (from, to, state);
    }

    /// The state of a channel that has seen nothing.
    fn unseen<T: Real>() -> <Self::Columns as Arity>::Of<T>;

    /// Returns the new content of the rarely touched column after a step that has [deferred](Cells::defer) it, from the
    /// step's inputs and the two lanes that the step left. Lanes with nothing to write keep what the column held
    /// before.
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

    /// Takes one step in each lane. It must be `#[inline(always)]`, as must be everything that it calls: it is compiled
    /// once for each instruction set, inside the function that carries that set.
    fn step<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
    ) -> Self::Output<T, S>;

    /// Takes one step in each lane, as the sweeps do, and calls `report` with its findings. A rule that has shorter
    /// steps takes them here, with the same bits. Each of the ways calls `report` itself, so that findings nobody looks
    /// at need not be carried to where the ways meet.
    #[inline(always)]
    fn step_and<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
        report: impl FnOnce(Self::Output<T, S>),
    ) {
        let again = Self::Inputs::from_fn(
            #[inline(always)]
            |input| inputs.as_ref()[input],
        );
        if let Err(report) = Self::quick(constants, cells, inputs, report) {
            Self::rest(constants, cells, again, report);
        }
    }

    /// Takes the step of [`step_and`](Self::step_and) where it is one of the short ones that are taken nearly always, and
    /// calls `report`; gives `report` back where it is not, and nothing has been done. It makes no call, so that a loop of such
    /// steps alone has all registers for itself.
    #[inline(always)]
    fn quick<T: Real, S: Simd, F: FnOnce(Self::Output<T, S>)>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
        report: F,
    ) -> Result<(), F> {
        report(Self::step(constants, cells, inputs));
        Ok(())
    }

    /// Takes the step that [`quick`](Self::quick) has left.
    #[inline(always)]
    fn rest<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: <Self::Inputs as Arity>::Of<Lane<T, S>>,
        report: impl FnOnce(Self::Output<T, S>),
    ) {
        report(Self::step(constants, cells, inputs));
    }
}

/// A [`Step`] that judges samples.
#[doc(hidden)]
pub trait Judge: Step {
    /// The verdict of a step on its sample.
    fn verdict<T: Real, S: Simd>(output: Self::Output<T, S>) -> Verdict<T, S>;
    /// The location and the scale of each lane: the bits that [`Estimate::read`] returns of one channel. `memo` is for
    /// a rule whose reading takes long, and is the same for all channels of a pass.
    fn estimates<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        memo: &mut Memo,
        cells: &impl Cells<T, S>,
    ) -> [Lane<T, S>; 2];
}

/// The share of the weights that a bias correction has last been computed for: most channels have seen as many samples.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Memo {
    /// The number of samples seen.
    pub(crate) seen: u64,
    pub(crate) share: f64,
}

impl Memo {
    pub(crate) const NONE: Self = Self { seen: 0, share: 0.0 };
}

/// A [`Step`] that estimates: it takes one sample, judges it, and its state can be read.
#[doc(hidden)]
pub trait Estimate: Judge + Step<Inputs = Count<1>> {
    /// The estimates that the state of one channel holds.
    fn read<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> Reading<T>;
    /// The exponent of the resolution that a channel has learnt; `None` for a rule that learns none.
    fn exponent<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> Option<u64> {
        let _ = (constants, state);
        None
    }
    /// Gives a channel that has seen nothing the resolution of this exponent, for a rule that learns one.
    fn seed<T: Real>(constants: &Self::Constants<T>, state: &mut <Self::Columns as Arity>::Of<T>, exponent: u64) {
        let _ = (constants, state, exponent);
    }
}

/// A [`Step`] whose samples may come at any distance in time.
#[doc(hidden)]
pub trait Elapse: Judge {
    /// The decay of the estimate.
    fn decay(&self) -> Decay;
    /// The gain `alpha_t` of a sample that comes `elapsed` after the one before, within the range that `T` has room
    /// for.
    fn gain_after<T: Real>(&self, elapsed: Duration) -> f64;
    /// The constants for a sample with this gain.
    fn constants_after<T: Real>(constants: &Self::Constants<T>, gain: f64) -> Self::Constants<T>;
    /// Takes one step in each lane, each with a gain of its own.
    fn step_after<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
    ) -> Self::Output<T, S>;
    /// Takes the step of [`step_after`](Self::step_after) and calls `report` with its findings, as
    /// [`step_and`](Step::step_and) does, unless only a long step would do: that is left to the caller, who gets `report`
    /// back.
    ///
    /// # Errors
    /// A long step is needed, and nothing has been done.
    #[inline(always)]
    fn short_after<T: Real, S: Simd, F: FnOnce(Self::Output<T, S>)>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        sample: Lane<T, S>,
        pace: Pace<T, S>,
        report: F,
    ) -> Result<(), F> {
        report(Self::step_after(constants, cells, sample, pace));
        Ok(())
    }
    /// Whether the age of the channel, if it has one, is the full age of these constants, so that
    /// [`step_and`](Step::step_and) has a shorter step for it.
    fn is_of_full_age<T: Real>(constants: &Self::Constants<T>, state: &<Self::Columns as Arity>::Of<T>) -> bool {
        let _ = (constants, state);
        true
    }
}

/// The gain of each lane.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Pace<T: Real, S: Simd> {
    /// The steady-state gain.
    pub(crate) alpha: Lane<T, S>,
    /// `1/alpha`, of the gain before it was rounded to `T`.
    pub(crate) full: Lane<T, S>,
}

/// The two numbers of a [`Pace`]: a gain and its inverse, each rounded once to `T`.
pub(crate) fn pace_of<T: Real>(gain: f64) -> [T; 2] {
    [T::from_f64(gain), T::from_f64(1.0 / gain)]
}

impl<T: Real, S: Simd> Pace<T, S> {
    /// A pace that is the same in all lanes.
    #[inline(always)]
    pub(crate) fn of(simd: S, [alpha, full]: [T; 2]) -> Self {
        Self { alpha: Lane::splat(simd, alpha), full: Lane::splat(simd, full) }
    }
}

/// A [`Step`] of a weight and its gradient.
#[doc(hidden)]
pub trait Weigh: Step<Inputs = Count<2>> {
    /// The number `a` of the weight.
    fn value<T: Real, S: Simd>(output: Self::Output<T, S>) -> Lane<T, S>;
    /// The constants for the `step`-th update, counted from 1, where a bias correction depends on it.
    fn at_step<T: Real>(constants: &Self::Constants<T>, step: u64) -> Self::Constants<T> {
        let _ = step;
        *constants
    }
    /// Whether [`Step::step`] does all that these constants ask for. Options that few want are taken by
    /// [`full_step`](Self::full_step), a kernel of its own, so that they cost the others nothing.
    fn is_plain<T: Real>(constants: &Self::Constants<T>) -> bool {
        let _ = constants;
        true
    }
    /// Takes one step in each lane, with every option.
    #[inline(always)]
    fn full_step<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &mut impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
    ) -> Self::Output<T, S> {
        Self::step(constants, cells, inputs)
    }
    /// Whether the step needs the mean of [`look`](Self::look) over the layer, which takes a pass before it.
    fn looks_first<T: Real>(constants: &Self::Constants<T>) -> bool {
        let _ = constants;
        false
    }
    /// The number of each weight whose mean over the layer a step needs; NaN where there is none. It writes nothing.
    #[inline(always)]
    fn look<T: Real, S: Simd>(
        constants: &Self::Constants<T>,
        cells: &impl Cells<T, S>,
        inputs: [Lane<T, S>; 2],
    ) -> Lane<T, S> {
        let _ = (constants, cells);
        inputs[0]
    }
    /// The constants for a step before which `mean` was [seen](Self::look); `None` where no weight had a number.
    fn having_seen<T: Real>(constants: &Self::Constants<T>, mean: Option<T>) -> Self::Constants<T> {
        let _ = mean;
        *constants
    }
    /// The gain of the average of the layer mean over updates; 1 is none.
    fn mean_gain<T: Real>(constants: &Self::Constants<T>) -> f64 {
        let _ = constants;
        1.0
    }
    /// Whether a NaN among the [values](Self::value) is left out of their mean, as of a [look](Self::look).
    const LEAVES_OUT: bool = false;
}

/// The verdict of an estimator on a sample, computed only where somebody looks at it.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub struct Verdict<T: Real, S: Simd> {
    /// The residual over the scale before the sample; NaN where the sample is missing or one of the channel's first.
    pub score: Lane<T, S>,
    /// The lanes whose sample counted: it was neither missing nor refused.
    pub accepted: Mask<T, S>,
    /// The lanes whose sample was an outlier to the rule.
    pub outlier: Mask<T, S>,
    /// The lanes whose estimate was re-opened. The first sample of a channel is not a re-opening.
    pub reopened: Mask<T, S>,
}

/// The estimates of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading<T> {
    /// The location; NaN while nothing has been seen.
    pub location: T,
    /// The scale; NaN while nothing has been seen, and for rules that have none.
    pub scale: T,
    /// The number of samples that the estimate rests on, up to the memory of the rule; zero while nothing has been
    /// seen.
    pub age: T,
}

/// A number of columns, as a type, so that state travels in arrays whose length the compiler knows.
#[doc(hidden)]
pub trait Arity: 'static {
    type Of<X: Send>: AsRef<[X]> + AsMut<[X]> + IntoIterator<Item = X> + Send;
    fn from_fn<X: Send>(make: impl FnMut(usize) -> X) -> Self::Of<X>;
    fn map<X: Send, Y: Send>(of: Self::Of<X>, change: impl FnMut(X) -> Y) -> Self::Of<Y>;
    fn each_mut<X: Send>(of: &mut Self::Of<X>) -> Self::Of<&mut X>;
}

/// The number `N` of columns.
#[derive(Clone, Copy, Debug)]
#[doc(hidden)]
pub enum Count<const N: usize> {}

/// Writes [`Arity`] out for each count: a call of the standard library's array functions is not always inlined into a
/// kernel, and then the kernel passes its registers through memory.
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

/// The inputs of a step of rule `R`, as `X`: `[X; 1]` for an estimator, `[X; 2]` for a layer's rule.
pub(crate) type InputsOf<R, X> = <<R as Step>::Inputs as Arity>::Of<X>;

/// An array with one `X` for each state column of rule `R`: `[X; 2]` for [`Ema`](crate::Ema), `[X; 4]` for
/// [`RobustMean`](crate::RobustMean). [`Sweep`](crate::Sweep) has the table of columns.
pub type ColumnsOf<R, X> = <<R as Step>::Columns as Arity>::Of<X>;
