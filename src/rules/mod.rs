//! The rules: one a file, with its equations in its documentation.

mod cleaned_ema;
mod clipped_ema;
#[cfg(feature = "serde")]
mod config;
mod descent;
mod ema;
mod learning_rate;
mod numerator;
mod ordinary;
mod relaxed;
mod resolution;
mod restored;
mod robust_mean;

pub use cleaned_ema::CleanedEma;
pub use clipped_ema::ClippedEma;
#[cfg(feature = "serde")]
pub(crate) use config::DecayConfig;
pub(crate) use descent::{Constants as DescentConstants, Descent};
pub use ema::Ema;
pub use learning_rate::{Correlated, Floor, LearningRate, WeightDecay};
pub(crate) use learning_rate::{SMOOTHED, SQUARE, moves_first};
pub use numerator::{Bound, Numerator, Scope};
pub use relaxed::RelaxedNumerator;
pub use resolution::Resolution;
pub use robust_mean::RobustMean;
pub(crate) use robust_mean::{exponent_for, step_of};

use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::Real;

/// A parameter above zero, rounded to `T`, which must not make it zero or infinite.
fn positive<T: Real>(name: &'static str, value: f64) -> Result<T, ParameterError> {
    let rounded = T::from_f64(value);
    ParameterError::check(name, value, "above 0 and within the range of the element type", |_| {
        rounded > T::default() && rounded <= T::MAX
    })?;
    Ok(rounded)
}

/// The gain of `decay`, if it is in samples and `T` can count as many samples as its memory has.
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

/// A decay as a parameter, by its name in a snapshot.
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

/// Whether a number is not below zero, finite and no larger than `most`.
fn is_size<T: Real>(number: T, most: T) -> bool {
    number >= T::default() && within(number, most)
}
