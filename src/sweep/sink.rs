//! Where the outputs of a pass go: nowhere, into a slice of scores, values or verdicts.
//!
//! A pass that nobody watches pays nothing: what an output holds is computed where it is used, and [`Ignore`] uses
//! nothing.

use crate::cells::Cells;
use crate::lane::{Lane, MOST_LANES, Real};
use crate::rule::{Judge, LayerRule, Rule, Verdict};
use pulp::bytemuck::cast;
use pulp::{Scalar, Simd};

/// A destination for the outputs of a pass.
pub(crate) trait Sink<R: Rule, T: Real>: Send {
    /// Takes the output of the vector with this index.
    fn vector<S: Simd>(&mut self, simd: S, index: usize, output: R::Output<T, S>);
    /// Takes the output of the channels after the last whole vector.
    fn tail<S: Simd>(&mut self, simd: S, output: R::Output<T, S>);
    /// Takes the state that a step has left.
    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, constants: &R::Constants<T>, at: At, cells: &impl Cells<T, S>) {
        let _ = (simd, constants, at, cells);
    }
    /// Splits the sink into those for the channels before `middle` and from it on.
    #[cfg_attr(not(feature = "rayon"), allow(dead_code))] // only threads cut
    fn split(self, middle: usize) -> (Self, Self)
    where
        Self: Sized;
}

/// The place of a vector: its index, or behind the last whole one.
#[derive(Clone, Copy)]
pub(crate) enum At {
    Vector(usize),
    Tail,
}

/// A sink that ignores every output.
#[derive(Clone, Copy)]
pub(crate) struct Ignore;

impl<R: Rule, T: Real> Sink<R, T> for Ignore {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, _: S, _: usize, _: R::Output<T, S>) {}
    #[inline(always)]
    fn tail<S: Simd>(&mut self, _: S, _: R::Output<T, S>) {}
    fn split(self, _: usize) -> (Self, Self) {
        (Ignore, Ignore)
    }
}

/// A sink that writes the scores, one per channel.
pub(crate) struct Scores<'a, T>(pub(crate) &'a mut [T]);

impl<R: Rule + Judge, T: Real> Sink<R, T> for Scores<'_, T> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, _: S, index: usize, output: R::Output<T, S>) {
        if let Some(slot) = T::split_mut::<S>(self.0).0.get_mut(index) {
            *slot = R::verdict(output).score.1;
        }
    }
    #[inline(always)]
    fn tail<S: Simd>(&mut self, simd: S, output: R::Output<T, S>) {
        T::partial_store(simd, T::split_mut::<S>(self.0).1, R::verdict(output).score.1);
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at_mut(middle);
        (Scores(before), Scores(from))
    }
}

/// A sink that writes the values `a` of a layer's rule, one per weight.
pub(crate) struct Values<'a, T>(pub(crate) &'a mut [T]);

impl<R: LayerRule, T: Real> Sink<R, T> for Values<'_, T> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, _: S, index: usize, output: R::Output<T, S>) {
        if let Some(slot) = T::split_mut::<S>(self.0).0.get_mut(index) {
            *slot = R::value(output).1;
        }
    }
    #[inline(always)]
    fn tail<S: Simd>(&mut self, simd: S, output: R::Output<T, S>) {
        T::partial_store(simd, T::split_mut::<S>(self.0).1, R::value(output).1);
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at_mut(middle);
        (Values(before), Values(from))
    }
}

/// The verdict of a rule on one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation<T> {
    /// The residual over the scale before the sample; NaN if the sample is missing or one of the channel's first, which
    /// are [unscored](crate::Scored::unscored).
    pub score: T,
    /// Whether the sample counted: it was not missing, and it was no infinity where an estimate was to begin.
    pub accepted: bool,
    /// Whether the sample was an [outlier](crate::Scored::outlier_at) to the rule.
    pub outlier: bool,
    /// Whether the sample re-opened the estimate.
    pub reopened: bool,
}

impl<T: Real> Observation<T> {
    pub(crate) const NONE: Self = Self { score: T::NAN, accepted: false, outlier: false, reopened: false };

    /// The verdict on a single channel.
    #[inline(always)]
    pub(super) fn of(verdict: Verdict<T, Scalar>) -> Self {
        let Verdict { score, accepted, outlier, reopened } = verdict;
        Self { score: cast(score.1), accepted: accepted.any(), outlier: outlier.any(), reopened: reopened.any() }
    }
}

/// A place for the verdict on one sample.
pub(crate) trait Place<T>: Send {
    /// Writes the verdict.
    fn set(&mut self, observation: Observation<T>);
}

impl<T: Real> Place<T> for Observation<T> {
    #[inline(always)]
    fn set(&mut self, observation: Self) {
        *self = observation;
    }
}

/// A sink that writes the verdicts, one per channel.
pub(crate) struct Verdicts<'a, P>(pub(crate) &'a mut [P]);

impl<P> Verdicts<'_, P> {
    /// Writes the verdicts of one vector to as many places, or fewer behind the last whole vector.
    #[inline(always)]
    fn write<R: Rule + Judge, T: Real, S: Simd>(simd: S, places: &mut [P], output: R::Output<T, S>)
    where
        P: Place<T>,
    {
        let verdict = R::verdict(output);
        // Any number with a bit will do for a yes.
        let (yes, no) = (Lane::splat(simd, T::NAN), Lane::splat(simd, T::default()));
        let lanes = [verdict.accepted, verdict.outlier, verdict.reopened].map(
            #[inline(always)]
            |mask| mask.select(yes, no),
        );
        let [mut score, mut accepted, mut outlier, mut reopened] = [[T::default(); MOST_LANES]; 4];
        for (lane, room) in [verdict.score, lanes[0], lanes[1], lanes[2]].into_iter().zip([
            &mut score,
            &mut accepted,
            &mut outlier,
            &mut reopened,
        ]) {
            if let Some(slot) = T::split_mut::<S>(room).0.first_mut() {
                *slot = lane.1;
            }
        }
        for (index, place) in places.iter_mut().enumerate().take(MOST_LANES) {
            place.set(Observation {
                score: score[index],
                accepted: accepted[index].to_word() != 0,
                outlier: outlier[index].to_word() != 0,
                reopened: reopened[index].to_word() != 0,
            });
        }
    }
}

impl<R: Rule + Judge, T: Real, P: Place<T>> Sink<R, T> for Verdicts<'_, P> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, simd: S, index: usize, output: R::Output<T, S>) {
        let lanes = size_of::<T::Lanes<S>>() / size_of::<T>();
        if let Some(places) = self.0.get_mut(index * lanes..(index + 1) * lanes) {
            Self::write::<R, T, S>(simd, places, output);
        }
    }
    #[inline(always)]
    fn tail<S: Simd>(&mut self, simd: S, output: R::Output<T, S>) {
        let whole = self.0.len() - self.0.len() % (size_of::<T::Lanes<S>>() / size_of::<T>());
        if let Some(places) = self.0.get_mut(whole..) {
            Self::write::<R, T, S>(simd, places, output);
        }
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = self.0.split_at_mut(middle);
        (Verdicts(before), Verdicts(from))
    }
}

/// A sink that records whether any sample did not count, and passes every output to another sink.
pub(crate) struct MissingFlag<K> {
    pub(crate) sink: K,
    pub(crate) missing: bool,
}

impl<K> MissingFlag<K> {
    pub(crate) fn new(sink: K) -> Self {
        Self { sink, missing: false }
    }
}

impl<R: Rule + Judge, T: Real, K: Sink<R, T>> Sink<R, T> for MissingFlag<K> {
    #[inline(always)]
    fn vector<S: Simd>(&mut self, simd: S, index: usize, output: R::Output<T, S>) {
        self.missing |= (!R::verdict(output).accepted).any();
        self.sink.vector(simd, index, output);
    }
    // The lanes beyond the last channel hold anything: they may look as if their samples were missing.
    #[inline(always)]
    fn tail<S: Simd>(&mut self, simd: S, output: R::Output<T, S>) {
        self.missing |= (!R::verdict(output).accepted).any();
        self.sink.tail(simd, output);
    }
    #[inline(always)]
    fn state<S: Simd>(&mut self, simd: S, constants: &R::Constants<T>, at: At, cells: &impl Cells<T, S>) {
        self.sink.state(simd, constants, at, cells);
    }
    fn split(self, middle: usize) -> (Self, Self) {
        let (before, from) = self.sink.split(middle);
        (Self { sink: before, missing: self.missing }, Self { sink: from, missing: self.missing })
    }
}
