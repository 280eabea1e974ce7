//! The age: on how many samples an estimate rests, and the gain that follows.
//!
//! An age is whole while it only counts, and then the sum of weights that pandas' `ewm` rests on:
//!
//! ```text
//! age' = age + 1                                   while it is whole and age + 1 <= 1/alpha
//! age' = age + (1 - alpha age)                     afterwards; at most 8/alpha, and 1/alpha when it is near that
//! gain = 1/age'                                    at least alpha where age' = 1/alpha
//! ```
//!
//! A tally holds it as an integer field:
//!
//! * **In samples** nothing but counting leads to full age, so the field is the whole age, and `ceil(1/alpha)` at full
//!   age. Where `1/alpha` is below the age after the start, 3, that age falls towards full age in a few steps that
//!   every channel takes alike: the field is then 3 and the number of steps, and [`STEEP_FULL`] at full age.
//! * **In time** it is the age in steps of `2^-24` samples (`f32`: `2^-5`): an age that counts is a multiple of a
//!   sample, and any other an odd number of steps, so that it is never taken for one that counts.

use super::constants::{Constants, START_AGE};
use crate::lane::{Lane, Mask, Real, Word};
use crate::rule::Pace;
use pulp::bytemuck::cast;
use pulp::{Scalar, Simd};

/// The field of full age where `1/alpha` is below the age after the start: beyond any number of steps down to it.
const STEEP_FULL: u64 = 64;

/// Sets the constants that depend on the layout of ages, from `alpha` and `full`.
pub(super) fn lay_out<T: Real>(k: &mut Constants<T>) {
    let full = k.full.to_f64();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to 2^52 by the smallest gains
    let whole = full.ceil() as u64;
    (k.counts_to, k.descent, k.also_unit) = (k.full, 0, k.unit);
    if k.in_time {
        k.full_age = steps_of_full::<T>(full);
    } else if full < START_AGE as f64 {
        k.full_age = STEEP_FULL;
        k.also_unit = if full <= 1.0 { STEEP_FULL } else { k.unit };
        let simd = Scalar::new();
        let number = |lane: Lane<T, Scalar>| cast::<_, T>(lane.1);
        let mut age = Lane::splat(simd, T::from_f64(START_AGE as f64));
        while number(age) != k.full && k.descent < STEEP_FULL - START_AGE {
            age = older(k, age, Pace::of(simd, [k.alpha, k.full]), false).0;
            k.descent += 1;
        }
    } else {
        k.full_age = whole.min(Constants::<T>::AGE);
        if whole > k.full_age {
            // At the smallest gain of `f32` there is no room for the last whole age, 2^20: the one before it is full
            // age. Its gain is the same, 1 / 2^20, and for that one sample the estimate does not count as young.
            k.counts_to = T::from_f64(k.full_age as f64);
        }
    }
}

/// Full age in time, in steps: as an age that does not count is rounded to them.
fn steps_of_full<T: Real>(full: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 1 to 2^50
    let pairs = (full * (Constants::<T>::STEPS / 2) as f64).floor() as u64;
    2 * pairs + 1
}

impl<T: Real> Constants<T> {
    /// The age in time of an average whose age is full.
    pub(in crate::rules) fn age_in_time(full: T) -> T {
        T::from_f64(steps_of_full::<T>(full.to_f64()) as f64 / Self::STEPS as f64)
    }

    /// The age of an average, a number, for an age of another rule: at most `full` in samples, where it goes on counting
    /// below that; in time as it is.
    pub(in crate::rules) fn converted_average(age: T, full: T, in_time: bool) -> T {
        let age = age.to_f64();
        if in_time {
            let age = age.min(1.0 / Self::SMALLEST_GAIN_IN_TIME);
            return if age.fract() == 0.0 { T::from_f64(age) } else { Self::age_in_time(T::from_f64(age)) };
        }
        if age >= full.to_f64() { full } else { T::from_f64(age.floor().max(1.0)) }
    }

    /// Whether an age in time is one that counts or one that does not.
    pub(in crate::rules) fn is_age_in_time(age: f64) -> bool {
        let steps = age * Self::STEPS as f64;
        age.fract() == 0.0 || steps.rem_euclid(2.0) == 1.0
    }
}

/// The age that a field stands for.
#[inline]
pub(super) fn of<T: Real>(k: &Constants<T>, field: u64) -> f64 {
    if k.in_time {
        field as f64 / Constants::<T>::STEPS as f64
    } else if k.descent == 0 {
        if field >= k.full_age { k.full.to_f64() } else { field as f64 }
    } else {
        of_steep(k, field)
    }
}

/// The age that a field stands for where `1/alpha` is below the age after the start.
#[inline(never)] // hardly any memory is so short, and it would be in every caller
fn of_steep<T: Real>(k: &Constants<T>, field: u64) -> f64 {
    match field {
        STEEP_FULL => k.full.to_f64(),
        START_AGE.. => {
            let simd = Scalar::new();
            cast::<_, T>(fallen(k, Word::splat(simd, field)).0.1).to_f64()
        }
        field => field as f64,
    }
}

/// The field for an age of format 1: a whole number of samples up to the first that reached `1/alpha`, or in time a
/// number of steps, of which a sample had `first_steps`.
pub(super) fn carried_over<T: Real>(k: &Constants<T>, age: u64, first_steps: u64) -> Option<u64> {
    if age == 0 {
        return Some(0);
    }
    if k.in_time {
        let (whole, part) = (age / first_steps, age % first_steps);
        let steps = Constants::<T>::STEPS;
        // Both are powers of two.
        let part = if steps >= first_steps { part * (steps / first_steps) } else { part / (first_steps / steps) };
        let field = whole.checked_mul(steps)? + part;
        return Some(if age.is_multiple_of(first_steps) { field } else { field / 2 * 2 + 1 });
    }
    let full = k.full.to_f64();
    if (age as f64) < full {
        return Some(age);
    }
    ((age as f64) < full + 1.0).then_some(k.full_age)
}

/// The field for an age of another rule: at most full age in samples, where it goes on counting below that.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // ages are from 1 to 2^52
pub(super) fn converted<T: Real>(k: &Constants<T>, age: f64) -> u64 {
    if k.in_time {
        let age = age.min(1.0 / Constants::<T>::SMALLEST_GAIN_IN_TIME);
        return if age.fract() == 0.0 { age as u64 * Constants::<T>::STEPS } else { steps_of_full::<T>(age) };
    }
    if age >= k.full.to_f64() { k.full_age } else { (age.floor() as u64).clamp(1, k.full_age) }
}

/// Whether a channel that has seen something can have this field.
pub(super) fn is_field<T: Real>(k: &Constants<T>, field: u64) -> bool {
    if k.in_time {
        let most = Constants::<T>::STEPS as f64 / Constants::<T>::SMALLEST_GAIN_IN_TIME + 1.0;
        let counts = field.is_multiple_of(Constants::<T>::STEPS);
        field >= k.unit && field as f64 <= most && (counts || !field.is_multiple_of(2))
    } else if k.descent == 0 {
        (1..=k.full_age).contains(&field)
    } else {
        let whole = (1..START_AGE).contains(&field) && field as f64 <= k.full.to_f64();
        whole || (START_AGE..START_AGE + k.descent).contains(&field) || field == STEEP_FULL
    }
}

/// The age that a field stands for while it falls from the start towards a smaller full age, and the age after one
/// sample more.
#[inline(always)]
fn fallen<T: Real, S: Simd>(k: &Constants<T>, field: Word<T, S>) -> (Lane<T, S>, Lane<T, S>) {
    let simd = field.0;
    let pace = Pace::of(simd, [k.alpha, k.full]);
    let mut age = Lane::splat(simd, T::from_f64(START_AGE as f64));
    let mut next = older(k, age, pace, false).0;
    let mut is_on = !field.eq(Word::splat(simd, START_AGE));
    for step in 1..k.descent {
        age = is_on.select(next, age);
        next = is_on.select(older(k, age, pace, false).0, next);
        is_on = is_on & !field.eq(Word::splat(simd, START_AGE + step));
    }
    (age, next)
}

/// The age after one sample more, of an age that is a number, in samples or in time; and the gain.
#[inline(always)]
pub(in crate::rules) fn older<T: Real, S: Simd>(
    k: &Constants<T>,
    age: Lane<T, S>,
    Pace { alpha, full }: Pace<T, S>,
    in_time: bool,
) -> (Lane<T, S>, Lane<T, S>) {
    let number = |value: f64| Lane::splat(age.0, T::from_f64(value));
    let counts = age.eq(age.floor());
    let (weight, gain, is_young) = grown(k, age, counts, alpha, full);
    if !in_time {
        return (weight, gain);
    }
    let (steps, one) = (number(Constants::<T>::STEPS as f64), number(1.0));
    let pairs = (weight * number((Constants::<T>::STEPS / 2) as f64)).floor();
    (is_young.select(weight, (pairs + pairs + one) / steps), gain)
}

/// The age after one sample more, not yet rounded to the steps of an age in time; the gain; and the lanes that go on
/// counting. `counts` holds the lanes whose age counts so far.
#[inline(always)]
fn grown<T: Real, S: Simd>(
    k: &Constants<T>,
    age: Lane<T, S>,
    counts: Mask<T, S>,
    alpha: Lane<T, S>,
    full: Lane<T, S>,
) -> (Lane<T, S>, Lane<T, S>, Mask<T, S>) {
    let number = |value: f64| Lane::splat(age.0, T::from_f64(value));
    let one = number(1.0);
    let next = age + one;
    let is_young = counts & next.le(full);
    let weight = age + (one - alpha * age);
    let weight = counts.select(weight.max_of_ordinary(next.min_of_ordinary(full)), weight);
    let weight = weight.min_of_ordinary((Lane::splat(age.0, k.gap) * full).max_of_ordinary(one));
    let near = number(2.0 / Constants::<T>::STEPS as f64);
    let weight = (weight - full).abs().le(near).select(full, weight);
    let weight = is_young.select(next, weight);
    let gain = one / weight;
    let gain = (weight.eq(full) & !is_young).select(gain.max_of_ordinary(alpha), gain);
    (weight, gain, is_young)
}

/// The field of an age in time that does not count.
#[inline(always)]
fn in_steps<T: Real, S: Simd>(weight: Lane<T, S>) -> Word<T, S> {
    let simd = weight.0;
    let pairs = (weight * Lane::splat(simd, T::from_f64((Constants::<T>::STEPS / 2) as f64))).floor().into_count();
    pairs + pairs + Word::splat(simd, 1)
}

/// The age field of a tally after a sample, and the gain of that sample.
#[derive(Clone, Copy)]
pub(super) struct Age<T: Real, S: Simd> {
    /// The field after one sample more.
    pub(super) field: Word<T, S>,
    pub(super) gain: Lane<T, S>,
    /// The lanes whose age counts and is not yet full.
    pub(super) is_young: Mask<T, S>,
}

/// The age field, after one sample more, of an estimate that has seen something.
#[inline(always)]
pub(super) fn next<T: Real, S: Simd>(
    k: &Constants<T>,
    field: Word<T, S>,
    Pace { alpha, full }: Pace<T, S>,
) -> Age<T, S> {
    let simd = field.0;
    let word = |value| Word::<T, S>::splat(simd, value);
    let number = |value| Lane::<T, S>::splat(simd, value);
    if k.in_time {
        let age = field.count() * number(T::from_f64(1.0 / Constants::<T>::STEPS as f64));
        let counts = (field & word(Constants::<T>::STEPS - 1)).eq(word(0));
        let (weight, gain, is_young) = grown(k, age, counts, alpha, full);
        let field = is_young.select_word(field + word(Constants::<T>::STEPS), in_steps(weight));
        return Age { field, gain, is_young };
    }
    let one_more = field + word(1);
    let is_young = one_more.count().le(number(k.counts_to));
    let one = number(T::from_f64(1.0));
    if k.descent == 0 {
        let gain = is_young.select(one / one_more.count(), number(k.full_gain));
        return Age { field: is_young.select_word(one_more, word(k.full_age)), gain, is_young };
    }
    // Ages of one and two count; those from the start on fall.
    let is_full = field.eq(word(STEEP_FULL));
    let is_falling = !(field.eq(word(1)) | field.eq(word(2)) | is_full);
    let is_young = is_young & !is_falling & !is_full;
    let weight = fallen(k, field).1;
    let has_fallen = is_falling & !weight.eq(number(k.full));
    let gain = has_fallen.select(one / weight, is_young.select(one / one_more.count(), number(k.full_gain)));
    let field = (has_fallen | is_young).select_word(one_more, word(STEEP_FULL));
    Age { field, gain, is_young }
}
