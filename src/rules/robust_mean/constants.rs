//! [`Constants`]: the parameters in `f32` or `f64`, and how a tally is laid out.
//!
//! A tally is an integer in the bits of a lane. From the low end:
//!
//! | bits | what |
//! |---|---|
//! | 20 (`f32`), 52 (`f64`) | the age, as a field that `age.rs` reads |
//! | 3 | the exponent of the learnt step, as `grid.rs` has it; 0 where none is learnt |
//! | 9 | strikes, in quarters: a strike adds four, any other sample takes five back; more than `4 patience` mark the start |
//!
//! Strikes below 256 are an exponent whose sign is positive, and so they are ordered as the numbers that their bits
//! make.

use super::{RobustMean, age};
use crate::error::ParameterError;
use crate::lane::{Ops, Real};
use crate::rule::{Reading, pace_of};
use crate::rules::{gain_for, is_size, within};
use crate::snapshot::FirstTally;

/// Quarters that a strike adds to a tally.
pub(super) const STRIKE: u64 = 4;
/// Quarters that any other sample takes back.
pub(super) const CALM: u64 = 5;
/// Quarters below patience at which a re-opening leaves the strikes.
pub(super) const REARM: u64 = 16;
/// Samples of a channel's start.
pub(super) const START: u64 = RobustMean::START;
/// Age of an estimate after its start.
pub(super) const START_AGE: u64 = 3;
/// Least scale, as a part of the location's size, that does not count as collapsed.
pub(super) const FIRST_SCALE: f64 = 1.0 / (1 << 20) as f64;
/// Most growth of a scale where an estimate of age 1 re-opens.
const REGROW: f64 = 8.0;
/// Most growth of a scale where an estimate re-opens that is older, and not of full age.
const REGROW_YOUNG: f64 = 4.0;
/// Most times that a strike may lie as far out as the one before.
const LANDING: f64 = 2.0;
/// Most times `1/alpha_t` samples that an estimate in time rests on.
const GAP: f64 = 8.0;
/// Most gain of a short step: above it an average may round out of its range.
const LARGEST_SAFE_GAIN: f64 = 1.0 - 1.0 / (1 << 20) as f64;

/// Most gain at which a scale of more than twice its floor stays above the floor, whatever its sample and the rounding.
const LARGEST_LEAN_GAIN: f64 = 0.49;

/// A gain, with the numbers that an average needs of it.
#[derive(Clone, Copy)]
pub(in crate::rules) struct Gain<T> {
    pub(in crate::rules) alpha: T,
    /// `1/alpha`.
    pub(in crate::rules) full: T,
    /// The gain of full age.
    pub(in crate::rules) of_full_age: T,
    /// Whether a channel of full age may take a short step: no sample comes after a silence, and none rounds out of the
    /// range.
    pub(in crate::rules) is_short: bool,
}

impl<T: Real> Gain<T> {
    pub(in crate::rules) fn new(gain: f64, in_time: bool) -> Self {
        let [alpha, full] = pace_of::<T>(gain);
        let inverse = T::from_f64(1.0 / full.to_f64()); // division of T: f64 holds both exactly, one rounding
        let of_full_age = if inverse < alpha { alpha } else { inverse };
        let is_short = if in_time { gain <= 0.5 } else { gain <= LARGEST_SAFE_GAIN };
        Self { alpha, full, of_full_age, is_short }
    }
}

/// The parameters of a [`RobustMean`] in `T`.
#[derive(Clone, Copy, Debug)]
pub struct Constants<T> {
    pub(in crate::rules) alpha: T,
    /// `1/alpha`.
    pub(in crate::rules) full: T,
    pub(super) in_time: bool,
    /// The age field of one sample.
    pub(super) unit: u64,
    /// The age field of full age.
    pub(super) full_age: u64,
    /// The other age field of one sample, where full age is no more than that; else the same.
    pub(super) also_unit: u64,
    /// The largest whole age that counts, where ages are in samples.
    pub(super) counts_to: T,
    /// The number of steps that the age after the start takes down to full age, where `1/alpha` is below it.
    pub(super) descent: u64,
    /// The gain of full age.
    pub(super) full_gain: T,
    /// The gain of the scale at full age: at most a half.
    pub(super) scale_gain: T,
    pub(super) clip: T,
    pub(super) reject: T,
    pub(super) slope: T,
    pub(super) scale_clip: T,
    /// The number of scales within which neither the psi nor the clip of the scale changes a residual; below 0 where the taper
    /// leaves no room for rounding.
    pub(super) close: T,
    pub(super) strike_at: T,
    pub(super) regrow: T,
    pub(super) regrow_young: T,
    pub(super) landing: T,
    pub(super) gap: T,
    pub(super) half_resolution: T,
    pub(super) learns: bool,
    pub(super) tiny: T,
    pub(super) relative: T,
    pub(super) first_scale: T,
    /// Patience in quarters, as strikes stand in a tally.
    pub(super) patience: u64,
    /// Whether short steps may skip the floors of the scale: there is no resolution, and the gain leaves the scale room
    /// above them.
    pub(in crate::rules) is_lean: bool,
    /// The tally of a channel of full age, without strikes, that learns nothing more.
    pub(super) calm: u64,
    /// The bits of a tally that are those of `secure` where it is of full age, learns nothing more, and is so far from
    /// `patience` that the next sample cannot re-open the estimate.
    pub(super) secure_mask: u64,
    pub(super) secure: u64,
    /// The bits of a tally that are those of `steady` where a channel, whatever its age, learns nothing more and is as far from
    /// `patience`.
    pub(super) steady_mask: u64,
    pub(super) steady: u64,
    /// The step in the tally of a channel that learns nothing more; 0 where none is learnt.
    pub(super) learnt: u64,
}

impl<T: Real> Constants<T> {
    /// The bits of a tally that hold the age; `STEP` and `STRIKES` are those of the exponent and of the strikes.
    pub(super) const AGE: u64 = (1 << <T as Ops>::AGE_BITS) - 1;
    pub(super) const STEP: u64 = 7 << <T as Ops>::AGE_BITS;
    pub(super) const STRIKES: u64 = 0x1ff << (<T as Ops>::AGE_BITS + 3);
    /// A quarter of a strike.
    pub(super) const QUARTER: u64 = 1 << (<T as Ops>::AGE_BITS + 3);
    /// The exponent of a channel whose samples are continuous.
    pub(super) const CONTINUOUS: u64 = Self::STEP;
    /// The steps of age in one sample, where the decay is in time.
    pub(super) const STEPS: u64 = 1 << if <T as Ops>::AGE_BITS > 23 { 24 } else { 5 };
    /// The smallest gain of a distance in time, whose ages have room: `2^-27` in `f64`, `2^-14` in `f32`.
    pub(in crate::rules) const SMALLEST_GAIN_IN_TIME: f64 =
        if <T as Ops>::AGE_BITS > 23 { 1.0 / (1 << 27) as f64 } else { 1.0 / (1 << 14) as f64 };
    /// The smallest gain in samples that an age has room for.
    const SMALLEST_GAIN: f64 =
        if <T as Ops>::AGE_BITS > 23 { T::MIN_GAIN } else { 1.0 / (1_u64 << <T as Ops>::AGE_BITS) as f64 };
    /// A tally that no channel has: strikes of 511 quarters.
    const NEVER: u64 = Self::STRIKES;

    /// Computes the constants of a rule, for its gain in samples or the smallest gain in time.
    pub(super) fn new(rule: &RobustMean) -> Result<Self, ParameterError> {
        let in_time = rule.decay.in_time().is_some();
        let gain = if in_time {
            Self::SMALLEST_GAIN_IN_TIME
        } else {
            let gain = gain_for::<T>("RobustMean", rule.decay)?;
            if gain < Self::SMALLEST_GAIN {
                return Err(ParameterError::GainTooSmall { gain, smallest: Self::SMALLEST_GAIN, lane: T::NAME });
            }
            gain
        };
        let (half_resolution, learns) = match rule.resolution {
            super::Resolution::Step(step) => (step / 2.0, false),
            super::Resolution::Learn => (0.0, true),
        };
        ParameterError::check("resolution", 2.0 * half_resolution, "within the range of the element type", |_| {
            half_resolution < T::HALF_MAX.to_f64()
        })?;
        let slope = rule.reject.map_or(1.0, |(from, at)| rule.clip / (at - from));
        let close = rule.clip.min(rule.scale_clip);
        let taper = rule.reject.map_or(f64::INFINITY, |(_, at)| (at - close) * slope);
        let close = if taper > 1.01 * close { close } else { -1.0 };
        let patience = STRIKE * u64::from(rule.patience);
        let constants = Self {
            alpha: T::default(),
            full: T::default(),
            in_time,
            unit: if in_time { Self::STEPS } else { 1 },
            full_age: 0,
            also_unit: 0,
            counts_to: T::default(),
            descent: 0,
            full_gain: T::default(),
            scale_gain: T::default(),
            clip: T::from_f64(rule.clip),
            reject: T::from_f64(rule.reject.map_or(f64::INFINITY, |(_, at)| at)),
            slope: T::from_f64(slope),
            scale_clip: T::from_f64(rule.scale_clip),
            close: T::from_f64(close),
            strike_at: T::from_f64(RobustMean::STRIKE_AT),
            regrow: T::from_f64(REGROW),
            regrow_young: T::from_f64(REGROW_YOUNG),
            landing: T::from_f64(LANDING),
            gap: T::from_f64(GAP),
            half_resolution: T::from_f64(half_resolution),
            learns,
            tiny: T::from_f64(T::ABSOLUTE_FLOOR),
            relative: T::from_f64(T::RELATIVE_FLOOR),
            first_scale: T::from_f64(FIRST_SCALE),
            patience: patience * Self::QUARTER,
            is_lean: false,
            calm: 0,
            secure_mask: 0,
            secure: 0,
            steady_mask: 0,
            steady: 0,
            learnt: 0,
        };
        Ok(constants.with_gain(gain))
    }

    /// The constants with another gain, from the smallest up to 1.
    pub(super) fn with_gain(self, gain: f64) -> Self {
        let Gain { alpha, full, of_full_age: full_gain, is_short } = Gain::new(gain, self.in_time);
        let half = T::from_f64(0.5);
        let mut k = Self { alpha, full, full_gain, ..self };
        k.scale_gain = if full_gain < half { full_gain } else { half };
        age::lay_out(&mut k);
        k.is_lean = k.half_resolution == T::default() && k.scale_gain.to_f64() <= LARGEST_LEAN_GAIN;
        k.learnt = if k.learns { Self::CONTINUOUS } else { 0 };
        let settled = k.full_age | k.learnt;
        // Fewer strikes than a power of two that leaves room for one more below patience: no bit from that power on is
        // set.
        let room = (k.patience / Self::QUARTER).saturating_sub(STRIKE);
        (k.steady, k.steady_mask) = match room.checked_ilog2() {
            Some(exponent) => (k.learnt, (Self::STRIKES | Self::STEP) & !(((1 << exponent) - 1) * Self::QUARTER)),
            None => (Self::NEVER, Self::STRIKES),
        };
        (k.calm, k.secure, k.secure_mask) = match room.checked_ilog2() {
            _ if !is_short => (Self::NEVER, Self::NEVER, Self::STRIKES),
            Some(exponent) => (settled, settled, !(((1 << exponent) - 1) * Self::QUARTER)),
            // At a patience of 1 no strike is harmless.
            None => (settled, Self::NEVER, Self::STRIKES),
        };
        k
    }

    /// The scale that judges and is reported: at least half of the resolution.
    #[inline]
    pub(in crate::rules) fn used(&self, scale: T, tally: T) -> T {
        let learnt = self.exponent_of(tally).map(|exponent| T::from_f64(super::grid::half_of_step(exponent)));
        let floor = learnt.unwrap_or(self.half_resolution);
        if scale < floor { floor } else { scale }
    }

    /// The exponent of the learnt step; `None` where none is learnt.
    #[inline]
    pub(in crate::rules) fn exponent_of(&self, tally: T) -> Option<u64> {
        self.learns.then(|| (tally.to_word() & Self::STEP) >> <T as Ops>::AGE_BITS)
    }

    /// Gives a channel that has seen nothing a step, where steps are learnt.
    pub(in crate::rules) fn seed(&self, tally: &mut T, exponent: u64) {
        if self.learns && self.age_of(*tally) == 0.0 {
            *tally = T::from_word(exponent << <T as Ops>::AGE_BITS);
        }
    }

    /// The number of samples that the estimate rests on.
    #[inline]
    pub(in crate::rules) fn age_of(&self, tally: T) -> f64 {
        age::of(self, tally.to_word() & Self::AGE)
    }

    /// Whether the rule can have led to this state.
    pub(in crate::rules) fn is_state(&self, state: &[T; 4]) -> bool {
        let [location, scale, last_strike, tally] = *state;
        let word = tally.to_word();
        if word & Self::AGE == 0 {
            // It may have been begun with a step.
            let word = if self.learns { word & !Self::STEP } else { word };
            let unseen = location.to_word() == T::NAN.to_word() && scale.to_word() | last_strike.to_word() == 0;
            return unseen && word == 0;
        }
        let (field, strikes) = (word & Self::AGE, word & Self::STRIKES);
        let is_starting = strikes > self.patience;
        // The fifth sample leaves a scale that is measured by the location before it.
        let has_just_begun =
            strikes == self.patience - STRIKE * Self::QUARTER && [1, START_AGE].contains(&(field / self.unit));
        let relative = T::from_f64(self.relative.to_f64() * location.to_f64().abs());
        age::is_field(self, field)
            && (!is_starting || field == self.unit)
            && strikes / Self::QUARTER < self.patience / Self::QUARTER + START
            && (self.learns || word & Self::STEP == 0)
            && within(location, T::HALF_MAX)
            && within(last_strike, T::HALF_MAX)
            && is_size(scale, T::MAX)
            && scale >= self.tiny
            && (is_starting || has_just_begun || scale >= relative)
    }

    /// The state of a channel that begins from what is known, as if as many samples had led to it; of a whole number of
    /// them no more counts than there is room for in the memory.
    pub(super) fn begun(&self, Reading { location, scale, age }: Reading<T>) -> [T; 4] {
        let most = T::HALF_MAX.to_f64();
        let location = T::from_f64(location.to_f64().clamp(-most, most));
        let relative = T::from_f64(self.relative.to_f64() * location.to_f64().abs());
        let floor = if relative < self.tiny { self.tiny } else { relative };
        let scale = if scale < floor { floor } else { scale };
        let field = age::converted(self, age.to_f64().min(self.full.to_f64()).floor());
        [location, scale, location, T::from_word(field)]
    }

    /// Converts a state of a rule with other parameters: location and last strike as they are, the age as far as it goes,
    /// the step where both learn one. In the start, strikes go on counting samples; where few are left to the patience,
    /// as many are left to the new one; others count as they are.
    pub(in crate::rules) fn converted(&self, from: &Self, state: [T; 4]) -> [T; 4] {
        let [location, scale, last_strike, tally] = state;
        let word = tally.to_word();
        let step = if self.learns && from.learns { word & Self::STEP } else { 0 };
        if word & Self::AGE == 0 {
            return [location, scale, last_strike, T::from_word(step)];
        }
        let (strikes, few) = (word & Self::STRIKES, REARM * Self::QUARTER);
        let is_starting = strikes > from.patience;
        let strikes = match from.patience.checked_sub(strikes) {
            None => self.patience + (strikes - from.patience),
            Some(left) if left <= few => self.patience.saturating_sub(left),
            Some(_) => strikes.min(self.patience.saturating_sub(few)),
        };
        // That of a channel which has just begun may be below the floor.
        let floor = T::from_f64(self.relative.to_f64() * location.to_f64().abs());
        let scale = if scale < floor && !is_starting { floor } else { scale };
        let field = if is_starting { self.unit } else { age::converted(self, from.age_of(tally)) };
        [location, scale, last_strike, T::from_word(field | step | strikes)]
    }

    /// Converts a tally of format 1: strikes count four times, and the age is carried over. An estimate that learns its
    /// resolution finds the step anew.
    pub(super) fn carried_over(&self, tally: T) -> T {
        let FirstTally { age, strikes } = FirstTally::of(tally);
        let field = age::carried_over(self, age, FirstTally::steps::<T>()).filter(|&field| field <= Self::AGE);
        let strikes = strikes.checked_mul(STRIKE * Self::QUARTER).filter(|&strikes| strikes <= self.patience);
        match (field, strikes) {
            (Some(field), Some(strikes)) => T::from_word(field | strikes),
            _ => T::from_word(Self::NEVER),
        }
    }
}
