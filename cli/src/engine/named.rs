//! The estimators of series by name, as many as there may be and for as long as they last: the library's [`Tracker`].

use super::{cleaned, robust};
use crate::settings::{KeepArgs, Preset, RuleArgs};
use evenkeel::{ChannelsError, Counters, Scored, SnapshotError, Timed, TrackError, Tracker, Update};
use std::fmt::Debug;
use std::io;

/// The estimators of series by name, whatever the preset.
pub(crate) trait Named: Debug + Send {
    /// Updates a series with its next sample; NaN is a missing one.
    fn update(&mut self, name: &str, sample: f64) -> Result<Update<f64>, TrackError>;
    /// Updates a series with its next sample, taken at this time in nanoseconds since 1970.
    fn update_at(&mut self, name: &str, time: i64, sample: f64) -> Result<Update<f64>, TrackError>;
    /// Whether there is a series of this name.
    fn has(&self, name: &str) -> bool;
    fn names(&self) -> Box<dyn ExactSizeIterator<Item = &String> + '_>;
    fn counters(&self) -> Counters;
    /// Appends the state of all series to the bytes.
    fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()>;
    /// Takes over the state of all series.
    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError>;
    /// Takes over the state of all series that the same rule has made with other parameters.
    fn convert(&mut self, bytes: &[u8]) -> Result<(), SnapshotError>;
}

/// The estimators of a preset, of no series yet.
pub(crate) fn named(rule: &RuleArgs, preset: Preset, keep: &KeepArgs) -> Result<Box<dyn Named>, ChannelsError> {
    Ok(match preset {
        Preset::Clean => Box::new(limited(cleaned(rule)?, keep)?),
        Preset::Robust | Preset::Mean => Box::new(limited(robust(rule, preset)?, keep)?),
    })
}

fn limited<R: Scored + Timed>(rule: R, keep: &KeepArgs) -> Result<Tracker<String, R>, ChannelsError> {
    let mut tracker = Tracker::new(rule)?;
    if let Some(series) = keep.max_series {
        tracker = tracker.max_series(series as usize, keep.overflow.into());
    }
    if let Some(idle) = keep.max_idle() {
        tracker = tracker.max_idle(idle);
    }
    Ok(tracker)
}

impl<R: Scored + Timed> Named for Tracker<String, R> {
    fn update(&mut self, name: &str, sample: f64) -> Result<Update<f64>, TrackError> {
        Self::update(self, name, sample)
    }

    fn update_at(&mut self, name: &str, time: i64, sample: f64) -> Result<Update<f64>, TrackError> {
        Self::update_at(self, name, time, sample)
    }

    fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn names(&self) -> Box<dyn ExactSizeIterator<Item = &String> + '_> {
        Box::new(self.iter().map(|(name, _)| name))
    }

    fn counters(&self) -> Counters {
        Self::counters(self)
    }

    fn write(&self, out: &mut Vec<u8>, note: &[u8]) -> io::Result<()> {
        self.write_snapshot(out, note)
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.read_snapshot(bytes)
    }

    fn convert(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.convert_snapshot(bytes)
    }
}
