//! The seed of a [`RobustMean`]: a channel that begins with a location and a scale that are known.

use crate::bank::Bank;
use crate::error::UpdateError;
use crate::lane::Real;
use crate::rule::Reading;
use crate::rules::RobustMean;
use crate::sweep::{Sweep, replace_one};

impl<T: Real> Sweep<RobustMean, T> {
    /// Begins a channel anew from a location and a scale that are known, as if `age` samples had led to them: those of a batch
    /// that was looked at as a whole, or a [`reading`](Self::reading) of another channel. There are no strikes, the next
    /// sample is judged, and the gain of the average is that of the age, of which no more counts than the memory has.
    ///
    /// # Errors
    /// The columns are not all of one length, the channel does not exist, or the reading is none to begin with: the location
    /// is not finite, the scale not finite or below 0, the age below 1 or NaN. The state is untouched.
    pub fn seed(&self, state: [&mut [T]; 4], channel: usize, reading: Reading<T>) -> Result<(), UpdateError> {
        let [location, scale, age] = [reading.location, reading.scale, reading.age].map(Real::to_f64);
        let what = if !location.is_finite() {
            Some("a location that is not finite")
        } else if !(0.0..f64::INFINITY).contains(&scale) {
            Some("a scale that is not finite, or below 0")
        } else if age >= 1.0 {
            None
        } else {
            Some("an age below 1")
        };
        if let Some(what) = what {
            return Err(UpdateError::Seed { what });
        }
        let begun = RobustMean::begun(self.constants(), reading);
        replace_one::<RobustMean, T>(state, channel, begun)
    }
}

impl<T: Real> Bank<RobustMean, T> {
    /// Begins a channel anew from a location and a scale that are known, as if `age` samples had led to them:
    /// see [`Sweep::seed`].
    ///
    /// ```
    /// use evenkeel::{Bank, Decay, Reading, RobustMean};
    ///
    /// let mut bank = Bank::<RobustMean>::new(RobustMean::new(Decay::half_life(60.0)?), 1)?;
    /// bank.seed(0, Reading { location: 20.0, scale: 0.5, age: 32.0 })?;
    /// assert!(bank.observe(0, 30.0)?.outlier); // the first sample is judged
    /// assert_eq!(bank.locations()[0], 20.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// The channel does not exist, or the reading is none to begin with: the location is not finite, the scale not finite or
    /// below 0, the age below 1 or NaN. The state is untouched.
    pub fn seed(&mut self, channel: usize, reading: Reading<T>) -> Result<(), UpdateError> {
        let (sweep, columns) = self.parts();
        sweep.seed(columns, channel, reading)?;
        self.end_silence(channel);
        Ok(())
    }
}
