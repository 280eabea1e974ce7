//! The step of one sample, in three lengths with the same bits: for calm channels, for channels of full age, and for
//! any.
//!
//! The step works on lanes, not on columns: [`RobustMean`](super::RobustMean) stores the outcome as its own state, and
//! [`CleanedEma`](crate::CleanedEma) as its judge's.

use super::age::{self, Age};
use super::constants::{CALM, Constants, REARM, STRIKE};
use super::grid::{self, Grid};
use super::start::{self, Start};
use crate::cells::Cells;
use crate::lane::{Lane, Mask, Real, Word};
use crate::rule::{Pace, Verdict};
use pulp::Simd;

/// The part of a channel's state that every step reads.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Now<T: Real, S: Simd> {
    pub(in crate::rules) location: Lane<T, S>,
    pub(in crate::rules) scale: Lane<T, S>,
    pub(in crate::rules) tally: Word<T, S>,
}

/// The state after a sample, and what the sample was.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Judged<T: Real, S: Simd> {
    pub(in crate::rules) now: Now<T, S>,
    /// The sample minus the location before it.
    pub(in crate::rules) residual: Lane<T, S>,
    /// The scale that judged it.
    pub(in crate::rules) used: Lane<T, S>,
    /// The lanes whose sample counted.
    pub(in crate::rules) accepted: Mask<T, S>,
    /// The lanes whose sample was one of the first five, which are not judged.
    pub(in crate::rules) starting: Mask<T, S>,
    pub(in crate::rules) strike: Mask<T, S>,
    pub(in crate::rules) reopened: Mask<T, S>,
}

impl<T: Real, S: Simd> Judged<T, S> {
    /// The outcome of a sample that was judged, counted and was no strike.
    #[inline(always)]
    fn counted(now: Now<T, S>, residual: Lane<T, S>, used: Lane<T, S>) -> Self {
        let never = Mask::never(residual.0);
        Self { now, residual, used, accepted: !never, starting: never, strike: never, reopened: never }
    }

    /// The outcome with the state before it in the lanes whose sample is missing, which count as no strikes already.
    #[inline(always)]
    pub(in crate::rules) fn unless_missing(self, before: Now<T, S>, sample: Lane<T, S>) -> Self {
        let accepted = sample.is_number();
        Self { now: accepted.select_now(self.now, before), accepted, ..self }
    }

    /// The residual in scales; NaN where the sample was not judged.
    #[inline(always)]
    pub(in crate::rules) fn score(&self) -> Lane<T, S> {
        let judged = self.accepted & !self.starting;
        judged.select(self.residual / self.used, Lane::splat(self.used.0, T::NAN))
    }

    #[inline(always)]
    pub(super) fn verdict(&self) -> Verdict<T, S> {
        let Self { accepted, strike, reopened, .. } = *self;
        Verdict { score: self.score(), accepted, outlier: strike, reopened }
    }
}

/// The source of the lanes whose sample comes after a silence, a gap that leaves less than one sample of an estimate.
#[derive(Clone, Copy)]
pub(in crate::rules) enum Silence<T: Real, S: Simd> {
    /// The age of the estimate itself, where that is in time.
    OfThis,
    /// The lanes of this mask.
    Of(Mask<T, S>),
}

/// The lanes where a distance in time leaves less than one sample of what an estimate of this age rests on.
#[inline(always)]
pub(in crate::rules) fn is_silence<T: Real, S: Simd>(age: Lane<T, S>, alpha: Lane<T, S>) -> Mask<T, S> {
    let one = Lane::splat(age.0, T::from_f64(1.0));
    Lane::splat(age.0, T::from_f64(0.5)).lt(alpha) & ((one - alpha) * age).lt(one)
}

/// A location and the scale that judges, as they are read of a channel; NaN in the lanes that have seen nothing.
#[inline(always)]
pub(in crate::rules) fn reported<T: Real, S: Simd>(
    k: &Constants<T>,
    location: Lane<T, S>,
    now: Now<T, S>,
) -> [Lane<T, S>; 2] {
    let simd = location.0;
    let floor = if k.learns { grid::read(now.tally).floor } else { Lane::splat(simd, k.half_resolution) };
    let scale = now.scale.lt(floor).select(floor, now.scale);
    let unseen = (now.tally & Word::splat(simd, Constants::<T>::AGE)).eq(Word::splat(simd, 0));
    let none = Lane::splat(simd, T::NAN);
    [unseen.select(none, location), unseen.select(none, scale)]
}

/// The lanes whose channel has seen from one to four samples.
#[inline(always)]
pub(in crate::rules) fn is_starting<T: Real, S: Simd>(k: &Constants<T>, now: Now<T, S>) -> Mask<T, S> {
    start::is_on(k, now.tally)
}

/// The lanes whose channel is of full age, has no strikes, and learns nothing more.
#[inline(always)]
fn is_calm<T: Real, S: Simd>(k: &Constants<T>, tally: Word<T, S>) -> Mask<T, S> {
    tally.eq(Word::splat(tally.0, k.calm))
}

/// The lanes whose sample is neither missing nor beyond half the largest float.
#[inline(always)]
fn is_ordinary<T: Real, S: Simd>(sample: Lane<T, S>) -> Mask<T, S> {
    sample.abs().le(Lane::splat(sample.0, T::HALF_MAX))
}

/// The lanes whose channel is of full age, learns nothing more, and cannot be re-opened by this sample, which is
/// ordinary.
#[inline(always)]
pub(in crate::rules) fn is_secure<T: Real, S: Simd>(
    k: &Constants<T>,
    tally: Word<T, S>,
    sample: Lane<T, S>,
) -> Mask<T, S> {
    is_far_from_patience(k, tally) & is_ordinary(sample)
}

/// The lanes whose channel is of full age, learns nothing more, and cannot be re-opened by an ordinary sample.
#[inline(always)]
pub(in crate::rules) fn is_far_from_patience<T: Real, S: Simd>(k: &Constants<T>, tally: Word<T, S>) -> Mask<T, S> {
    (tally & Word::splat(tally.0, k.secure_mask)).eq(Word::splat(tally.0, k.secure))
}

/// The lanes whose sample is ordinary or missing, and so soon after the one before that there was no silence.
#[inline(always)]
pub(in crate::rules) fn is_soon<T: Real, S: Simd>(sample: Lane<T, S>, alpha: Lane<T, S>) -> Mask<T, S> {
    let is_beyond = Lane::splat(sample.0, T::HALF_MAX).lt(sample.abs());
    alpha.le(Lane::splat(sample.0, T::from_f64(0.5))) & !is_beyond
}

/// Takes the step of calm channels for samples near the location, where nothing but the averages moves, and returns the
/// lanes for which that holds.
#[inline(always)]
pub(in crate::rules) fn calm<T: Real, S: Simd>(
    k: &Constants<T>,
    now: Now<T, S>,
    sample: Lane<T, S>,
) -> (Judged<T, S>, Mask<T, S>) {
    let number = |value| Lane::splat(sample.0, value);
    let used = now.scale;
    let residual = sample - now.location;
    let size = residual.abs();
    // The taper is computed, too, as it begins below the threshold: a step for samples below the taper alone would be
    // shorter, and taken less often.
    let is_near = size.le(number(k.strike_at) * used);
    let is_calm = is_calm(k, now.tally) & is_ordinary(sample) & is_near & is_alive(k, now);
    let kept = psi(k, size, used);
    let now = moved(k, now, used, residual, kept, [number(k.full_gain), number(k.scale_gain)]);
    (Judged::counted(now, residual, used), is_calm)
}

/// Takes the step of one calm channel for a sample so near the location that neither the psi nor the clip of the scale changes its
/// residual, and returns whether that holds. One channel has nothing beside it to wait for: location and scale come three operations
/// after the ones before, where [`calm`] needs eight.
#[inline(always)]
pub(in crate::rules) fn close<T: Real, S: Simd>(
    k: &Constants<T>,
    now: Now<T, S>,
    sample: Lane<T, S>,
) -> (Judged<T, S>, Mask<T, S>) {
    let number = |value| Lane::splat(sample.0, value);
    let used = now.scale;
    let residual = sample - now.location;
    let size = residual.abs();
    let is_close = size.le(number(k.close) * used);
    let is_close = is_close & is_calm(k, now.tally) & is_ordinary(sample) & is_alive(k, now);
    let now = Now {
        location: now.location + number(k.full_gain) * residual,
        scale: now.scale + number(k.scale_gain) * (size - now.scale),
        tally: now.tally,
    };
    (Judged::counted(now, residual, used), is_close)
}

/// Takes the step of [secure](is_secure) channels, whose gain is a constant, without a branch, and returns what
/// [`settle`] needs of them. `LEAN` where all are [alive](is_alive) and have no resolution: then no scale comes near a
/// floor.
#[inline(always)]
pub(in crate::rules) fn full<T: Real, S: Simd, const LEAN: bool>(
    k: &Constants<T>,
    now: Now<T, S>,
    sample: Lane<T, S>,
) -> (Judged<T, S>, [Lane<T, S>; 2]) {
    let simd = sample.0;
    let number = |value| Lane::splat(simd, value);
    let used = if LEAN { now.scale } else { now.scale.max_of_ordinary(number(k.half_resolution)) };
    let residual = sample - now.location;
    let threshold = number(k.strike_at) * used;
    let strike = threshold.lt(residual.abs());
    let kept = psi(k, residual.abs(), used);
    let mut after = moved(k, now, used, residual, kept, [number(k.full_gain), number(k.scale_gain)]);
    if !LEAN {
        after = after.floored(k);
    }
    let quarters = |count: u64| Word::splat(simd, count * Constants::<T>::QUARTER);
    let strikes = now.tally & Word::splat(simd, Constants::<T>::STRIKES);
    let less = strikes.min_of_numbers(if LEAN { quarters(CALM) } else { relief(k, now) });
    after.tally = strike.select_word(now.tally + quarters(STRIKE), now.tally - less);
    (Judged { strike, ..Judged::counted(after, residual, used) }, [now.location, threshold])
}

/// The lanes whose channel has a settled judgement, whatever its age is: it is neither in its start nor of age 1, learns
/// nothing more, and can neither be re-opened nor be found silent by this sample, which is ordinary or missing.
#[inline(always)]
pub(in crate::rules) fn is_steady<T: Real, S: Simd>(
    k: &Constants<T>,
    tally: Word<T, S>,
    sample: Lane<T, S>,
    alpha: Lane<T, S>,
) -> Mask<T, S> {
    let simd = sample.0;
    let word = |value| Word::splat(simd, value);
    let is_judged = (tally & word(k.steady_mask)).eq(word(k.steady));
    let is_old = word(k.unit).lane().lt((tally & word(Constants::<T>::AGE)).lane());
    is_judged & is_old & is_soon(sample, alpha)
}

/// Takes the step of [steady](is_steady) channels, each with a gain of its own, without a branch, and returns what
/// [`settle`] needs of them.
#[inline(always)]
pub(in crate::rules) fn steady<T: Real, S: Simd>(
    k: &Constants<T>,
    now: Now<T, S>,
    sample: Lane<T, S>,
    pace: Pace<T, S>,
) -> (Judged<T, S>, [Lane<T, S>; 2]) {
    let simd = sample.0;
    let number = |value| Lane::splat(simd, value);
    let word = |value| Word::splat(simd, value);
    let used = now.scale.max_of_ordinary(number(k.half_resolution));
    let residual = sample - now.location;
    let threshold = number(k.strike_at) * used;
    let strike = threshold.lt(residual.abs());
    let Age { field, gain, .. } = age::next(k, now.tally & word(Constants::<T>::AGE), pace);
    let scale_gain = gain.min_of_ordinary(number(T::from_f64(0.5)));
    let kept = psi(k, residual.abs(), used);
    let mut after = moved(k, now, used, residual, kept, [gain, scale_gain]).floored(k);
    let strikes = now.tally & word(Constants::<T>::STRIKES);
    let less = strikes.min_of_numbers(relief(k, now));
    let strikes = strike.select_word(strikes + word(STRIKE * Constants::<T>::QUARTER), strikes - less);
    after.tally = field | strikes | word(k.learnt);
    let judged = Judged { strike, ..Judged::counted(after, residual, used) };
    (judged.unless_missing(now, sample), [now.location, threshold])
}

/// The last strike of channels after the step [`full`]: where the sample was a strike, the place at which it landed.
#[inline(always)]
pub(in crate::rules) fn settle<T: Real, S: Simd>(
    k: &Constants<T>,
    sample: Lane<T, S>,
    [location, threshold]: [Lane<T, S>; 2],
    last_strike: Lane<T, S>,
) -> Lane<T, S> {
    let residual = sample - location;
    let strike = threshold.lt(residual.abs());
    strike.select(landed(k, location, residual, threshold, last_strike), last_strike)
}

/// Takes the step of any channel for any sample, and returns the last strike after it.
#[inline(always)]
pub(in crate::rules) fn any<T: Real, S: Simd>(
    k: &Constants<T>,
    now: Now<T, S>,
    last_strike: Lane<T, S>,
    sample: Lane<T, S>,
    pace: Pace<T, S>,
    silence: Silence<T, S>,
) -> (Judged<T, S>, Lane<T, S>) {
    let simd = sample.0;
    let number = |value| Lane::<T, S>::splat(simd, value);
    let word = |value| Word::<T, S>::splat(simd, value);
    let quarter = Constants::<T>::QUARTER;
    let one_sample = word(k.unit);

    let x = sample.clamp(T::HALF_MAX);
    let finite = sample.abs().le(number(T::MAX));
    let first = (now.tally & word(Constants::<T>::AGE)).eq(word(0));
    let running = start::is_on(k, now.tally);
    let starting = first | running;
    let accepted = sample.is_number() & (finite | !starting);

    // A silence makes the estimate young, and two strikes enough to re-open it.
    let (mut field, mut strikes) = (now.tally & word(Constants::<T>::AGE), now.tally & word(Constants::<T>::STRIKES));
    let is_after_silence = match silence {
        Silence::Of(silence) => silence,
        Silence::OfThis if k.in_time => {
            let age = field.count() * number(T::from_f64(1.0 / Constants::<T>::STEPS as f64));
            is_silence(age, pace.alpha)
        }
        Silence::OfThis => Mask::never(simd),
    };
    let is_after_silence = is_after_silence & !starting;
    let armed = strikes.max_of_numbers(word(k.patience - STRIKE * quarter));
    strikes = is_after_silence.select_word(armed, strikes);
    field = is_after_silence.select_word(one_sample, field);

    let grid = k.learns.then(
        #[inline(always)]
        || grid::read(now.tally),
    );
    let floor = grid.map_or(number(k.half_resolution), |grid: Grid<T, S>| grid.floor);
    let used = now.scale.max_of_ordinary(floor);
    let residual = x - now.location;
    let size = residual.abs();
    let threshold = number(k.strike_at) * used;
    let strike = threshold.lt(size) & !starting;

    let Age { field: next_field, gain, is_young } = age::next(k, field, pace);
    let scale_gain = gain.min_of_ordinary(number(T::from_f64(0.5)));
    let mut after = moved(k, now, used, residual, psi(k, size, used), [gain, scale_gain]);
    after.location = after.location.clamp(T::HALF_MAX);
    after = after.floored(k);
    let more = strikes + (word(k.patience) - strikes).min_of_numbers(word(STRIKE * quarter));
    let struck = strike.select_word(more, strikes - strikes.min_of_numbers(relief(k, now)));
    after.tally = next_field | struck;
    let is_single = field.eq(one_sample) | field.eq(word(k.also_unit));
    let landing = is_single.select(x, landed(k, now.location, residual, threshold, last_strike));
    let mut new_strike = strike.select(landing, last_strike);

    let reopened = struck.eq(word(k.patience)) & finite & !starting;
    if (reopened & accepted).any() {
        let young_growth = is_young.select(number(k.regrow_young), number(T::from_f64(1.0)));
        let growth = is_single.select(number(k.regrow), young_growth);
        let opened = median_of_3(new_strike, last_strike, now.location);
        let scale = size.min_of_ordinary(growth * used);
        let scale = is_alive(k, now).select(scale, scale.max_of_ordinary(number(k.first_scale) * size));
        let rearm = word(REARM * quarter).min_of_numbers(word(k.patience));
        let left = word(k.patience) - is_single.select_word(word(STRIKE * quarter), rearm);
        let opened = Now { location: opened, scale, tally: left | one_sample }.floored(k);
        after = reopened.select_now(opened, after);
    }
    if (starting & accepted).any() {
        let run = start::after(k, now, Start { x, size, used, last: last_strike });
        let begun = start::first(k, x);
        after = first.select_now(begun, running.select_now(run, after));
        new_strike = starting.select(x, new_strike);
    }
    if let Some(grid) = grid {
        after.tally = after.tally | grid.vote(x, !strike & !first);
    }
    let judged = Judged {
        now: accepted.select_now(after, now),
        residual,
        used,
        accepted,
        starting,
        strike: accepted & strike,
        reopened: accepted & reopened,
    };
    (judged, accepted.select(new_strike, last_strike))
}

impl<T: Real, S: Simd> Now<T, S> {
    /// The state in the columns that hold location, scale and tally.
    #[inline(always)]
    pub(in crate::rules) fn get(cells: &impl Cells<T, S>, [location, scale, tally]: [usize; 3]) -> Self {
        Self { location: cells.get(location), scale: cells.get(scale), tally: cells.get(tally).word() }
    }

    /// Writes the state to the columns that hold location, scale and tally.
    #[inline(always)]
    pub(in crate::rules) fn set(self, cells: &mut impl Cells<T, S>, [location, scale, tally]: [usize; 3]) {
        cells.set(location, self.location);
        cells.set(scale, self.scale);
        cells.set(tally, self.tally.lane());
    }

    /// The state with its scale raised to its floors.
    #[inline(always)]
    fn floored(self, k: &Constants<T>) -> Self {
        let relative = Lane::splat(self.scale.0, k.relative) * self.location.abs();
        let floor = relative.max_of_ordinary(Lane::splat(self.scale.0, k.tiny));
        Self { scale: self.scale.max_of_ordinary(floor), ..self }
    }
}

impl<T: Real, S: Simd> Mask<T, S> {
    #[inline(always)]
    fn select_now(self, yes: Now<T, S>, no: Now<T, S>) -> Now<T, S> {
        Now {
            location: self.select(yes.location, no.location),
            scale: self.select(yes.scale, no.scale),
            tally: self.select_word(yes.tally, no.tally),
        }
    }
}

/// Hampel's psi of a residual's size, in three parts; Huber's has an infinite reject. A zero may have either sign,
/// which is lost where it is added.
#[inline(always)]
fn psi<T: Real, S: Simd>(k: &Constants<T>, size: Lane<T, S>, used: Lane<T, S>) -> Lane<T, S> {
    let number = |value| Lane::splat(size.0, value);
    let taper = (number(k.reject) * used - size) * number(k.slope);
    let clipped = size.min_of_ordinary(number(k.clip) * used);
    clipped.min_of_ordinary(taper.max_of_ordinary(number(T::default())))
}

/// The state with location and scale moved, by the residual's psi and by its clipped size; not yet within their bounds.
#[inline(always)]
fn moved<T: Real, S: Simd>(
    k: &Constants<T>,
    now: Now<T, S>,
    used: Lane<T, S>,
    residual: Lane<T, S>,
    kept: Lane<T, S>,
    [gain, scale_gain]: [Lane<T, S>; 2],
) -> Now<T, S> {
    let grown = residual.abs().min_of_ordinary(Lane::splat(used.0, k.scale_clip) * used);
    Now {
        location: now.location + gain * kept.with_sign_of(residual),
        scale: now.scale + scale_gain * (grown - now.scale),
        tally: now.tally,
    }
}

/// The lanes whose scale has not collapsed. A collapsed one grows by strikes alone.
///
/// Without a resolution, a scale that has not collapsed comes to no floor in a short step, whose scale moves by a gain
/// `g` of at most 0.49. A sample within the scale `s` leaves at least `0.51 s`, and moves the location by at most `g
/// s`; any other leaves at least `s`, and moves it by at most `g` times the clip, 2^20 scales. In `f32`, whose floor is
/// `2^-20` of the location and so less than `s / 2` before, the floor is below `0.5 s + 2^-20 0.49 s` then, and below
/// `0.99 s`; in `f64` it is far lower.
#[inline(always)]
pub(in crate::rules) fn is_alive<T: Real, S: Simd>(k: &Constants<T>, now: Now<T, S>) -> Mask<T, S> {
    // Powers of two: the specification doubles the larger of the two, to the same bits.
    let number = |value: T| Lane::splat(now.scale.0, T::from_f64(2.0 * value.to_f64()));
    let collapsed = (number(k.first_scale) * now.location.abs()).max_of_ordinary(number(k.tiny));
    collapsed.lt(now.scale)
}

/// The part of the strikes that a sample which is no strike takes back, as it stands in a tally.
#[inline(always)]
fn relief<T: Real, S: Simd>(k: &Constants<T>, now: Now<T, S>) -> Word<T, S> {
    let quarters = |count: u64| Word::splat(now.scale.0, count * Constants::<T>::QUARTER);
    is_alive(k, now).select_word(quarters(CALM), quarters(STRIKE))
}

/// The place at which a strike lands: at most twice as far out as the one before, or as the threshold.
#[inline(always)]
fn landed<T: Real, S: Simd>(
    k: &Constants<T>,
    location: Lane<T, S>,
    residual: Lane<T, S>,
    threshold: Lane<T, S>,
    last_strike: Lane<T, S>,
) -> Lane<T, S> {
    let before = (last_strike - location).abs();
    let reach = Lane::splat(location.0, k.landing) * before.max_of_ordinary(threshold);
    let within = residual.abs().min_of_ordinary(reach).with_sign_of(residual);
    (location + within).clamp(T::HALF_MAX)
}

/// The median of three numbers, by compare and select, so that the sign of a zero is the specification's.
#[inline(always)]
pub(super) fn median_of_3<T: Real, S: Simd>(a: Lane<T, S>, b: Lane<T, S>, c: Lane<T, S>) -> Lane<T, S> {
    let ordered = a.lt(b);
    let (low, high) = (ordered.select(a, b), ordered.select(b, a));
    let middle = high.lt(c).select(high, c);
    middle.lt(low).select(low, middle)
}
