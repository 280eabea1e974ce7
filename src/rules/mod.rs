//! One estimator a file, its equations in its documentation.

mod ema;
mod robust_mean;

pub use ema::Ema;
pub use robust_mean::RobustMean;

use crate::decay::Decay;
use crate::error::ParameterError;
use crate::lane::Real;

/// The gain of `decay`, if counters of lane type `T` can count as far as its memory reaches.
fn gain_for<T: Real>(decay: Decay) -> Result<f64, ParameterError> {
    let gain = decay.gain();
    if gain >= T::MIN_GAIN {
        Ok(gain)
    } else {
        Err(ParameterError::GainTooSmall { gain, smallest: T::MIN_GAIN, lane: T::NAME })
    }
}
