//! The estimators as plain loops over one channel, written apart from the engine: no lanes, no shortcuts, no packing.
//!
//! [`Spec`] is the executable specification that made `robust_mean.json`, line by line; strikes and age are floats, as there.
//! [`EmaSpec`] is the two equations of the average; [`layer`] holds the rules of weights and gradients. Nothing here is shared with the library but the lane type's name and
//! its bits.

// Every test file is a crate of its own and uses a part of this.
#![allow(dead_code)]

pub(crate) mod layer;
pub(crate) mod tracker;

use core::fmt::Display;
use core::ops::{Add, Div, Mul, Neg, Sub};
use evenkeel::Real;

/// Plain scalar arithmetic on `f32` or `f64`.
pub(crate) trait Float:
    Real + Display + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    const LARGEST: Self;
    const INFINITY: Self;
    /// The largest subnormal number.
    const SUBNORMAL: Self;
    const ZERO: Self;
    const ONE: Self;
    /// Exponents of two: of the scale's smallest value, and of its smallest part of the location.
    const FLOORS: (i32, i32);
    /// How many low bits of the tally hold the age.
    const AGE_BITS: u32;
    /// The largest relative error of one rounding.
    const ROUNDING: f64;

    fn size(self) -> Self;
    fn root(self) -> Self;
    fn finite(self) -> bool;
    fn nan(self) -> bool;
    fn negative(self) -> bool;
}

macro_rules! float {
    ($float:ident, $floors:expr, $age_bits:expr) => {
        impl Float for $float {
            const LARGEST: Self = $float::MAX;
            const INFINITY: Self = $float::INFINITY;
            const SUBNORMAL: Self = $float::from_bits($float::MIN_POSITIVE.to_bits() - 1);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const FLOORS: (i32, i32) = $floors;
            const AGE_BITS: u32 = $age_bits;
            const ROUNDING: f64 = $float::EPSILON as f64 / 2.0;

            fn size(self) -> Self {
                self.abs()
            }
            fn root(self) -> Self {
                self.sqrt()
            }
            fn finite(self) -> bool {
                self.is_finite()
            }
            fn nan(self) -> bool {
                self.is_nan()
            }
            fn negative(self) -> bool {
                self.is_sign_negative()
            }
        }
    };
}
float!(f32, (-100, -20), 23);
float!(f64, (-960, -40), 52);

/// The parameters in `f64`, under the names of the specification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameters {
    pub(crate) alpha: f64,
    pub(crate) clip: f64,
    /// Infinite: Huber's psi.
    pub(crate) reject: f64,
    pub(crate) taper_from: f64,
    pub(crate) scale_clip: f64,
    pub(crate) strike_at: f64,
    pub(crate) patience: f64,
    pub(crate) regrow: f64,
    pub(crate) resolution_floor: f64,
}

impl Parameters {
    pub(crate) fn new(alpha: f64) -> Self {
        Self {
            alpha,
            clip: 2.0,
            reject: 8.0,
            taper_from: 5.0,
            scale_clip: 2.0,
            strike_at: 4.0,
            patience: 12.0,
            regrow: 8.0,
            resolution_floor: 0.0,
        }
    }

    pub(crate) fn mean_faithful(alpha: f64) -> Self {
        Self { clip: 3.0, reject: f64::INFINITY, scale_clip: 3.0, ..Self::new(alpha) }
    }
}

/// The parameters, each rounded once to the lane type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec<T> {
    huber: bool,
    alpha: T,
    pub(crate) max_age: T,
    clip: T,
    reject: T,
    slope: T,
    scale_clip: T,
    strike_at: T,
    patience: T,
    regrow: T,
    first_scale: T,
    half_max: T,
    floor_abs: T,
    floor_rel: T,
}

/// The state of one channel. Before the first sample the location is NaN and the rest zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State<T> {
    pub(crate) location: T,
    pub(crate) scale: T,
    pub(crate) last_strike: T,
    pub(crate) strikes: T,
    pub(crate) age: T,
}

/// What is to be said about one sample.
// As many questions, each with its own answer.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) accepted: bool,
    pub(crate) first: bool,
    pub(crate) strike: bool,
    /// In the sense of the specification: a first sample opens, too.
    pub(crate) opened: bool,
    /// Residual over the scale before the sample; NaN for a missing and for a first sample.
    pub(crate) score: T,
}

impl<T: Float> State<T> {
    pub(crate) fn unseen() -> Self {
        Self { location: T::NAN, scale: T::ZERO, last_strike: T::ZERO, strikes: T::ZERO, age: T::ZERO }
    }

    /// The four columns as the library documents them: location, scale, last strike and a tally, which is the number of
    /// samples up to the first that reaches the memory in the low bits and the strikes above.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // small whole numbers
    pub(crate) fn words(&self) -> [u64; 4] {
        let count = self.age.to_f64().ceil() as u64;
        let tally = (self.strikes.to_f64() as u64) << T::AGE_BITS | count;
        [self.location.to_word(), self.scale.to_word(), self.last_strike.to_word(), tally]
    }

    /// The same as the columns' elements.
    pub(crate) fn columns(&self) -> [T; 4] {
        self.words().map(T::from_word)
    }

    pub(crate) fn is_finite(&self) -> bool {
        let location = self.location.finite() || (self.age == T::ZERO && self.location.nan());
        location && self.scale.finite() && self.last_strike.finite()
    }
}

fn median3<T: Float>(a: T, b: T, c: T) -> T {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let middle = if high < c { high } else { c };
    if low > middle { low } else { middle }
}

pub(crate) fn pick<T>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

impl<T: Float> Spec<T> {
    pub(crate) fn new(p: &Parameters) -> Self {
        let t = T::from_f64;
        let huber = p.reject.is_infinite();
        let (absolute, relative) = T::FLOORS;
        Self {
            huber,
            alpha: t(p.alpha),
            max_age: t(1.0 / p.alpha),
            clip: t(p.clip),
            reject: t(p.reject),
            slope: t(pick(huber, 1.0, p.clip / (p.reject - p.taper_from))),
            scale_clip: t(p.scale_clip),
            strike_at: t(p.strike_at),
            patience: t(p.patience),
            regrow: t(p.regrow),
            first_scale: t(2.0_f64.powi(-20)),
            half_max: t(T::LARGEST.to_f64() / 2.0),
            floor_abs: t(p.resolution_floor.max(2.0_f64.powi(absolute))),
            floor_rel: t(2.0_f64.powi(relative)),
        }
    }

    /// One sample: the new state, and what is to be said about the sample.
    pub(crate) fn step(&self, state: &State<T>, u: T) -> (State<T>, Outcome<T>) {
        let (p, one, zero) = (self, T::ONE, T::ZERO);
        let State { location, scale, last_strike, strikes, age } = *state;
        let finite = u.size() <= p.half_max + p.half_max;
        let first = age == zero;
        if u.nan() || (first && !finite) {
            let outcome = Outcome { accepted: false, first, strike: false, opened: false, score: T::NAN };
            return (*state, outcome);
        }
        let x = pick(u > p.half_max, p.half_max, pick(u < -p.half_max, -p.half_max, u));
        let residual = x - location;
        let size = residual.size();
        let strike = size > p.strike_at * scale;
        let struck = if strike {
            pick(strikes + one < p.patience, strikes + one, p.patience)
        } else {
            pick(strikes - one > zero, strikes - one, zero)
        };
        let reopen = first || (struck >= p.patience && finite);
        let (new_location, mut new_scale, new_strikes, new_age);
        if reopen {
            if first {
                (new_location, new_scale) = (x, p.first_scale * x.size());
            } else {
                let cap = pick(age <= one, p.regrow * scale, scale);
                new_scale = pick(size < cap, size, cap);
                new_location = median3(x, last_strike, location);
            }
            (new_strikes, new_age) = (p.patience - one, one);
        } else {
            new_age = pick(age + one < p.max_age, age + one, p.max_age);
            let mut gain = one / new_age;
            gain = pick(gain < p.alpha, p.alpha, gain);
            let limit = p.clip * scale;
            let mut kept = pick(size < limit, size, limit);
            if !p.huber {
                let mut taper = (p.reject * scale - size) * p.slope;
                taper = pick(taper > zero, taper, zero);
                kept = pick(kept < taper, kept, taper);
            }
            let signed = pick(residual >= zero, kept, -kept);
            new_location = location + gain * signed;
            let mut grow = p.scale_clip * scale;
            grow = pick(size < grow, size, grow);
            new_scale = scale + gain * (grow - scale);
            new_strikes = struck;
        }
        let mut floor = p.floor_rel * new_location.size();
        floor = pick(floor > p.floor_abs, floor, p.floor_abs);
        new_scale = pick(new_scale > floor, new_scale, floor);
        let new_last = pick(first || strike, x, last_strike);
        let new = State {
            location: new_location,
            scale: new_scale,
            last_strike: new_last,
            strikes: new_strikes,
            age: new_age,
        };
        let score = pick(first, T::NAN, residual / scale);
        (new, Outcome { accepted: true, first, strike, opened: reopen, score })
    }

    /// The state after all samples.
    pub(crate) fn run(&self, from: State<T>, samples: impl IntoIterator<Item = T>) -> State<T> {
        samples.into_iter().fold(from, |state, u| self.step(&state, u).0)
    }
}

/// Adam's first moment of one channel, from the equations:
/// `m = beta m + (1 - beta) g` from zero, in the form `m + (1 - beta) (g - m)`, and `m_hat = m / (1 - beta^t)`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmaSpec<T> {
    gain: f64,
    alpha: T,
}

/// `m` and `t`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EmaState<T> {
    pub(crate) m: T,
    pub(crate) t: u64,
}

impl<T: Float> EmaSpec<T> {
    pub(crate) fn new(gain: f64) -> Self {
        Self { gain, alpha: T::from_f64(gain) }
    }

    pub(crate) fn unseen() -> EmaState<T> {
        EmaState { m: T::ZERO, t: 0 }
    }

    pub(crate) fn step(&self, state: &EmaState<T>, g: T) -> EmaState<T> {
        if g.nan() {
            return *state;
        }
        let half_max = T::from_f64(T::LARGEST.to_f64() / 2.0);
        let x = pick(g > half_max, half_max, pick(g < -half_max, -half_max, g));
        // All of the way, exactly, at a gain of 1: rounding could leave the range otherwise.
        let m = pick(self.alpha == T::ONE, x, state.m + self.alpha * (x - state.m));
        EmaState { m, t: state.t + 1 }
    }

    /// `m_hat` in `f64`, by the formula as it stands: good to `2^-52 / (1 - beta^t)`.
    #[allow(clippy::cast_possible_truncation)] // short runs
    pub(crate) fn m_hat(&self, state: &EmaState<T>) -> f64 {
        state.m.to_f64() / (1.0 - (1.0 - self.gain).powi(state.t as i32))
    }
}
