//! [`OneSeries`]: a series by itself, for an engine that holds the state of each series as bytes.

use super::feed::Slot;
use super::types::Series;
use crate::error::{ChannelsError, UpdateError};
use crate::lane::Real;
use crate::rule::{Scored, Timed};
use crate::rules::RobustMean;
use crate::snapshot::{Fingerprint, SnapshotError};
use crate::sweep::{Outputs, same_length};
use crate::timed::{TimedBank, Update};

/// One series without a tracker: restored from bytes, updated and saved, again and again, for a stream engine that holds
/// the state of each series in a store of its own and hands it over with the series' samples.
///
/// The bytes are those of [`Tracker::save_series`](crate::Tracker::save_series), and the estimates, scores and counters are to the bit
/// those of a [`Tracker`](crate::Tracker) that has neither [`max_idle`](crate::Tracker::max_idle) nor
/// [`max_series`](crate::Tracker::max_series). Make one for each thread, not for each series: making it builds the
/// constants of the rule, and restoring, updating and saving allocate nothing where `out` has room.
///
/// ```
/// use evenkeel::{Decay, OneSeries, RobustMean};
/// use std::collections::HashMap;
/// use std::time::Duration;
///
/// let rule = RobustMean::new(Decay::half_life_time(Duration::from_secs(600))?);
/// let mut series = OneSeries::<RobustMean>::new(rule)?; // f64; OneSeries::<RobustMean, f32> for smaller states
/// let mut store = HashMap::<&str, Vec<u8>>::new(); // the engine's
/// let second = 1_000_000_000;
/// for (key, time, sample) in [("cpu", 0, 42.0), ("disk", 1, 5.0), ("cpu", 10, 43.0), ("cpu", 20, 42.5)] {
///     let state = store.entry(key).or_default();
///     if state.is_empty() { series.begin(None) } else { series.restore(state)? }
///     series.update_at(time * second, sample)?;
///     state.clear();
///     series.save(state); // 78 bytes
/// }
/// series.restore(&store["cpu"])?;
/// assert_eq!(series.get().samples, 3);
/// assert_eq!(series.get().location, 42.5); // their running median
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct OneSeries<R: Scored = RobustMean, T: Real = f64> {
    /// Of one channel.
    bank: TimedBank<R, T>,
    /// Counters and score; its clock and links mean nothing.
    slot: Slot<T>,
    fingerprint: Fingerprint,
}

impl<R: Scored, T: Real> OneSeries<R, T> {
    /// A series without a sample.
    ///
    /// # Errors
    /// The element type cannot carry the rule's parameters, or there is no memory.
    pub fn new(rule: R) -> Result<Self, ChannelsError> {
        let fingerprint = Fingerprint::of::<R, T>(&rule);
        Ok(Self { bank: TimedBank::new(rule, 1)?, slot: Slot::EMPTY, fingerprint })
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &R {
        self.bank.rule()
    }

    /// Makes it a series without a sample, with the step in which its signal is recorded, where that is known: see
    /// [`Tracker::begin`](crate::Tracker::begin).
    pub fn begin(&mut self, step: Option<f64>) {
        self.slot = Slot::EMPTY;
        // There is the one channel.
        let _ = self.bank.reset(0);
        if let Some(step) = step {
            let _ = self.bank.begin(0, step);
        }
    }

    /// Makes it the series that was saved: one of this rule, these parameters and this element type.
    ///
    /// # Errors
    /// The bytes are of another rule, other parameters or another element type, or they are damaged. Nothing has
    /// changed.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let saved = self.fingerprint.restore(self.bank.rule(), self.bank.constants(), bytes)?;
        self.slot = Slot::restored(&mut self.bank, 0, saved);
        Ok(())
    }

    /// Appends the state to `out`, as `FORMAT.md` describes it, with the same bytes on every machine: 46 bytes and one
    /// number for each column of the rule.
    pub fn save(&self, out: &mut Vec<u8>) {
        if let Some(series) = self.slot.saved(&self.bank, 0) {
            self.fingerprint.save(&series, out);
        }
    }

    /// Updates it with a sample that has no time, and returns the verdict on it. NaN is a missing sample.
    ///
    /// # Errors
    /// The decay is in time, and [`update_at`](Self::update_at) is needed. Nothing has changed.
    pub fn update(&mut self, sample: T) -> Result<Update<T>, UpdateError> {
        let update = self.bank.observe(0, sample)?;
        Ok(self.slot.counted(update))
    }

    /// Updates it with many samples that have no time, oldest first, and writes what is wanted of each of them.
    ///
    /// # Errors
    /// The decay is in time, or an output is not as long as the samples. Nothing has changed.
    pub fn update_all_into(&mut self, samples: &[T], mut outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        outputs.check(samples.len())?;
        for (index, &sample) in samples.iter().enumerate() {
            outputs.set(index, self.update(sample)?);
        }
        Ok(())
    }

    /// The estimates, counters and last time of the series.
    #[must_use]
    pub fn get(&self) -> Series<T> {
        self.slot.series(&self.bank, 0)
    }

    /// The step that the series has learnt, as [`Tracker::step`](crate::Tracker::step) returns it; `None` for a rule
    /// without [`Resolution::Learn`](crate::Resolution::Learn).
    #[must_use]
    pub fn step(&self) -> Option<f64> {
        self.bank.step(0)
    }
}

/// Samples with their times.
impl<R: Scored + Timed, T: Real> OneSeries<R, T> {
    /// Updates it with a sample taken at `time`, in nanoseconds since 1970 or any other moment, and returns the verdict on
    /// it. NaN is a missing sample. Times count as those of [`Tracker::update_at`](crate::Tracker::update_at) do.
    ///
    /// # Errors
    /// The sample is older than the last, and no [clock has been set
    /// back](crate::Tracker#clocks-that-were-wrong). No estimate has changed; but it counts towards the row of late
    /// samples, so save the series all the same.
    pub fn update_at(&mut self, time: i64, sample: T) -> Result<Update<T>, UpdateError> {
        let update = self.bank.observe_at(0, time, sample)?;
        Ok(self.slot.counted(update))
    }

    /// Updates it with many samples taken at these times, in this order, and writes what is wanted of each of them.
    /// Returns how many were late and refused; of those the location and the scale are those that stand, the score is
    /// NaN, and the outlier false.
    ///
    /// # Errors
    /// Times, samples and outputs are not of one length. Nothing has changed.
    pub fn update_all_at_into(
        &mut self,
        times: &[i64],
        samples: &[T],
        mut outputs: Outputs<'_, T>,
    ) -> Result<usize, UpdateError> {
        same_length("times", times.len(), samples.len())?;
        outputs.check(samples.len())?;
        let mut late = 0;
        for (index, (&time, &sample)) in times.iter().zip(samples).enumerate() {
            let update = match self.update_at(time, sample) {
                Ok(update) => update,
                Err(UpdateError::Late { .. }) => {
                    late += 1;
                    let Series { location, scale, .. } = self.get();
                    Update { location, scale, ..Update::NONE }
                }
                Err(other) => return Err(other),
            };
            outputs.set(index, update);
        }
        Ok(late)
    }
}
