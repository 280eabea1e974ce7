//! The start, a channel's first five samples: a running median, and a scale from the nearest distances.

use super::constants::{Constants, START, START_AGE, STRIKE};
use super::judge::{Now, median_of_3};
use crate::lane::{Lane, Mask, Real, Word};
use pulp::Simd;

/// A sample of the start, from the second on.
#[derive(Clone, Copy)]
pub(super) struct Start<T: Real, S: Simd> {
    /// The sample, clamped to half the largest float.
    pub(super) x: Lane<T, S>,
    /// The distance of the sample from the location.
    pub(super) size: Lane<T, S>,
    /// The scale by which the sample would be judged.
    pub(super) used: Lane<T, S>,
    /// The sample before.
    pub(super) last: Lane<T, S>,
}

/// The state after a sample of the start. The strikes of a tally count the samples down, and the fifth sets them for
/// judging.
#[inline(always)]
pub(super) fn after<T: Real, S: Simd>(k: &Constants<T>, now: Now<T, S>, start: Start<T, S>) -> Now<T, S> {
    let Start { x, size, used, last } = start;
    let simd = x.0;
    let number = |value: f64| Lane::splat(simd, T::from_f64(value));
    let word = |value| Word::<T, S>::splat(simd, value);
    let tiny = Lane::splat(simd, k.tiny);
    let strikes = now.tally & word(Constants::<T>::STRIKES);
    let is_sample = |number: u64| strikes.eq(word(k.patience + (START + 1 - number) * Constants::<T>::QUARTER));
    let (second, third, fourth, fifth) = (is_sample(2), is_sample(3), is_sample(4), is_sample(5));

    let step = (x - last).abs();
    let near = number(2.0) * size.min_of_ordinary(step).min_of_ordinary(number(T::HALF_MAX.to_f64() * 0.25));
    let cap = third.select(used, Lane::splat(simd, k.regrow) * used);
    let cap = used.le(tiny).select(now.location.abs(), cap);
    let cap = second.select(Lane::splat(simd, T::HALF_MAX), cap);
    let middle = median_of_3(x, last, now.location);
    let count = fifth.select(number(3.0), fourth.select(number(2.0), number(1.0)));
    let learnt = now.scale + (near.min_of_ordinary(cap) - now.scale) / count;
    let learnt = learnt.min_of_ordinary(number(32.0) * near);
    // Nothing can be learnt of the scale from equal samples.
    let farthest = number(2.0) * size.max_of_ordinary(step);
    let bounded = now.scale.min_of_ordinary(middle.abs().max_of_ordinary(farthest));
    let scale = tiny.lt(near).select(learnt, bounded);

    let relative = (Lane::splat(simd, k.first_scale) * now.location.abs()).max_of_ordinary(tiny);
    let least = fifth.select(relative, tiny);
    let has_scale = fifth & least.lt(scale);
    let age = has_scale.select_word(word(START_AGE * k.unit), word(k.unit));
    let one_less = strikes - word(Constants::<T>::QUARTER);
    let struck = fifth.select_word(word(k.patience - STRIKE * Constants::<T>::QUARTER), one_less);
    Now { location: middle, scale: scale.max_of_ordinary(least), tally: age | struck }
}

/// The state after a channel's first sample.
#[inline(always)]
pub(super) fn first<T: Real, S: Simd>(k: &Constants<T>, x: Lane<T, S>) -> Now<T, S> {
    let tally = k.patience + (START - 1) * Constants::<T>::QUARTER + k.unit;
    Now { location: x, scale: Lane::splat(x.0, k.tiny), tally: Word::splat(x.0, tally) }
}

/// The lanes whose channel has seen from one to four samples.
#[inline(always)]
pub(super) fn is_on<T: Real, S: Simd>(k: &Constants<T>, tally: Word<T, S>) -> Mask<T, S> {
    let word = |value| Word::<T, S>::splat(tally.0, value);
    let quarter = Constants::<T>::QUARTER;
    // One to four quarters above patience; anything below comes out beyond them.
    let above = (tally & word(Constants::<T>::STRIKES)) - word(k.patience + quarter);
    (above & word(!(3 * quarter))).eq(word(0))
}
