//! The estimators as plain loops over one channel, written apart from the engine: no lanes, no shortcuts, no packing.
//!
//! | file | what it holds |
//! |---|---|
//! | `memory.rs` | how old an estimate is, and what the next sample weighs, in samples and in time |
//! | `robust.rs` | `RobustMean`: `robust_mean.py`, line by line |
//! | `cleaned.rs` | `CleanedEma`: `cleaned_ema.py`, likewise |
//! | `grid.rs` | the resolution that is learnt: `decimal_grid.py` |
//! | `ema.rs` | the two equations of the average |
//! | `layer.rs` | the rules of weights and gradients |
//! | `tracker.rs` | named series that come and go |
//!
//! Nothing here is shared with the library but the element type's name and its bits.

// Every test file is a crate of its own and uses a part of this.
#![allow(dead_code, unused_imports)]

pub(crate) mod cleaned;
mod ema;
pub(crate) mod grid;
pub(crate) mod layer;
pub(crate) mod memory;
mod robust;
pub(crate) mod tracker;

pub(crate) use ema::{EmaSpec, EmaState};
pub(crate) use memory::Memory;
pub(crate) use robust::{Outcome, Parameters, Spec, State};

use core::fmt::{Debug, Display};
use core::ops::{Add, Div, Mul, Neg, Sub};
use core::time::Duration;
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
    /// The number of low bits of the tally that hold the age.
    const AGE_WIDTH: u32;
    /// In time an age is an odd multiple of two to this power; and the smallest gain there is two to the other.
    const IN_TIME: (i32, i32);
    /// The exponent of two for how near a sample has to be to a multiple of the step, as a part of itself.
    const NEAR_STEP: i32;
    /// The largest relative error of one rounding.
    const ROUNDING: f64;

    fn size(self) -> Self;
    fn root(self) -> Self;
    /// The largest whole number that is not above this.
    fn whole(self) -> Self;
    /// The nearest whole number, and of two the even one.
    fn nearest(self) -> Self;
    fn finite(self) -> bool;
    fn nan(self) -> bool;
    fn negative(self) -> bool;

    /// Half the largest number: what samples, locations and averages are bounded by.
    fn half_largest() -> Self {
        Self::LARGEST / Self::from_f64(2.0)
    }
}

macro_rules! float {
    ($float:ident, $floors:expr, $age_bits:expr, $in_time:expr, $near_step:expr) => {
        impl Float for $float {
            const LARGEST: Self = $float::MAX;
            const INFINITY: Self = $float::INFINITY;
            const SUBNORMAL: Self = $float::from_bits($float::MIN_POSITIVE.to_bits() - 1);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const FLOORS: (i32, i32) = $floors;
            const AGE_WIDTH: u32 = $age_bits;
            const IN_TIME: (i32, i32) = $in_time;
            const NEAR_STEP: i32 = $near_step;
            const ROUNDING: f64 = $float::EPSILON as f64 / 2.0;

            fn size(self) -> Self {
                self.abs()
            }
            fn root(self) -> Self {
                self.sqrt()
            }
            fn whole(self) -> Self {
                self.floor()
            }
            fn nearest(self) -> Self {
                self.round_ties_even()
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
float!(f32, (-100, -20), 20, (-5, -14), -20);
float!(f64, (-960, -40), 52, (-24, -27), -40);

/// The specification of an estimator that scores its samples, as the tests use it.
pub(crate) trait Specification<T: Float>: Copy + Debug + Send + Sync {
    /// The rule of the library.
    type Rule: evenkeel::Scored + evenkeel::Timed + Copy;
    /// The state of one channel.
    type State: Copy + Debug + Send + Sync;

    /// A channel that has seen nothing.
    fn unseen() -> Self::State;
    /// One sample, with the gain and its inverse where the memory is in time: the new state, and what is to be said of
    /// the sample.
    fn step(&self, state: &Self::State, sample: T, after: Option<(f64, f64)>) -> (Self::State, Outcome<T>);
    /// The elements of the columns, as the library documents them.
    fn words(&self, state: &Self::State) -> Vec<u64>;
    /// Location, used scale and age as they are reported.
    fn reading(&self, state: &Self::State) -> [T; 3];
    /// The exponent of the step that has been learnt.
    fn exponent(state: &mut Self::State) -> &mut u32;
    /// The number of samples that the estimate rests on.
    fn age(state: &mut Self::State) -> &mut T;
    /// The memory of the estimate.
    fn memory(&self) -> Memory<T>;
    /// Whether the resolution is learnt.
    fn learns(&self) -> bool;
    /// The half-life of a memory in time.
    fn half_life(&self) -> Option<Duration>;

    /// One sample at this distance from the one before, which means something to a memory in time.
    fn step_at(&self, state: &Self::State, sample: T, elapsed: Duration) -> (Self::State, Outcome<T>) {
        let after = self.half_life().map(|half_life| memory::after::<T>(elapsed, half_life));
        self.step(state, sample, after)
    }

    /// The state after all samples, of a memory in samples.
    fn run(&self, from: Self::State, samples: impl IntoIterator<Item = T>) -> Self::State {
        samples.into_iter().fold(from, |state, sample| self.step(&state, sample, None).0)
    }

    /// The columns' elements.
    fn columns(&self, state: &Self::State) -> Vec<T> {
        self.words(state).into_iter().map(T::from_word).collect()
    }

    fn is_finite(&self, state: &Self::State) -> bool {
        let [location, scale, age] = self.reading(state);
        location.finite() && scale.finite() || age == T::ZERO && location.nan()
    }
}

pub(crate) fn pick<T>(condition: bool, yes: T, no: T) -> T {
    if condition { yes } else { no }
}

/// Python's `min`: of equals the first.
fn least<T: Float>(a: T, b: T) -> T {
    pick(b < a, b, a)
}

/// Python's `max`: of equals the first.
fn most<T: Float>(a: T, b: T) -> T {
    pick(b > a, b, a)
}

/// Not further from zero than `bound`.
fn within<T: Float>(x: T, bound: T) -> T {
    least(most(x, -bound), bound)
}

fn median3<T: Float>(a: T, b: T, c: T) -> T {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    let middle = if high < c { high } else { c };
    if low > middle { low } else { middle }
}
