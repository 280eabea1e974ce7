//! One estimator a file, its equations in its documentation.

mod cleaned_ema;
mod clipped_ema;
#[cfg(feature = "serde")]
mod config;
mod descent;
mod ema;
mod learning_rate;
mod numerator;
mod relaxed;
mod resolution;
mod robust_mean;

pub use cleaned_ema::CleanedEma;
pub use clipped_ema::ClippedEma;
#[cfg(feature = "serde")]
pub(crate) use config::DecayConfig;
pub(crate) use descent::{Constants as DescentConstants, Descent};
pub use ema::Ema;
pub use learning_rate::{LearningRate, WeightDecay};
pub(crate) use learning_rate::{SMOOTHED, SQUARE};
pub use numerator::{Bound, Numerator};
pub use relaxed::RelaxedNumerator;
pub use resolution::Resolution;
pub use robust_mean::RobustMean;
pub(crate) use robust_mean::{exponent_for, step_of};

use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::Real;

/// A parameter above zero that lane type `T` can tell from zero and from infinity.
fn positive<T: Real>(name: &'static str, value: f64) -> Result<T, ParameterError> {
    let rounded = T::from_f64(value);
    ParameterError::check(name, value, "above 0 and within the range of the lane type", |_| {
        rounded > T::default() && rounded <= T::MAX
    })?;
    Ok(rounded)
}

/// The gain of `decay`, if it has one and counters of lane type `T` can count as far as its memory reaches.
fn gain_for<T: Real>(rule: &'static str, decay: Decay) -> Result<f64, ParameterError> {
    if decay.in_time().is_some() {
        return Err(ParameterError::InTime { rule });
    }
    let gain = decay.gain();
    if gain >= T::MIN_GAIN {
        Ok(gain)
    } else {
        Err(ParameterError::GainTooSmall { gain, smallest: T::MIN_GAIN, lane: T::NAME })
    }
}

/// The decay of a rule as a parameter.
fn pace(decay: Decay) -> (&'static str, f64) {
    match decay.in_time() {
        Some(half_life) => ("half_life_ns", half_life.as_nanos() as f64),
        None => ("gain", decay.gain()),
    }
}

/// Whether a number is finite and no larger than `most`.
fn within<T: Real>(number: T, most: T) -> bool {
    number.to_f64().abs() <= most.to_f64()
}

/// The same, and not below zero.
fn is_size<T: Real>(number: T, most: T) -> bool {
    number >= T::default() && within(number, most)
}
