//! [`Engine`]: a bank of any rule, as the rest of this crate sees it.

use crate::error;
use crate::rule::AnyRule;
use evenkeel::{Bank, Outputs, Reading, Real, SnapshotError, Threads, Timed, TimedBank, UpdateError};
use pyo3::prelude::*;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether this process is the child of one that had threads, which a fork does not copy.
static FORKED: AtomicBool = AtomicBool::new(false);

/// Notes that this is a child, where an update must not wait for threads that are not there.
#[pyfunction]
pub(crate) fn forked() {
    FORKED.store(true, Ordering::Relaxed);
}

/// Whether the threads that this process had are those of its parent.
pub(crate) fn is_forked() -> bool {
    FORKED.load(Ordering::Relaxed)
}

pub(crate) fn threads() -> Threads {
    if is_forked() { Threads::One } else { Threads::Auto }
}

/// An element type of numpy that is one of the library's.
pub(crate) trait Lane: Real + numpy::Element {}
impl Lane for f32 {}
impl Lane for f64 {}

/// Samples of so many channels, as they lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Whole rows of one sample per channel, oldest first.
    Rows,
    /// A series for each channel, one behind the other.
    Series,
}

/// Channels of one rule.
pub(crate) trait Engine<T: Lane>: Send {
    fn len(&self) -> usize;
    fn rows(&mut self, block: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError>;
    fn rows_after(&mut self, elapsed: &[Duration], block: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError>;
    fn series(&mut self, series: &[&[T]], outputs: &mut [Outputs<'_, T>]) -> Result<(), UpdateError>;
    fn series_after(
        &mut self,
        elapsed: &[Duration],
        series: &[&[T]],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError>;
    fn channel(&mut self, channel: usize, samples: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError>;
    fn at(&mut self, channels: &[usize], samples: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError>;
    fn reading(&self, channel: usize) -> Option<Reading<T>>;
    fn step(&self, channel: usize) -> Option<f64>;
    fn reset(&mut self, channel: usize) -> Result<(), UpdateError>;
    fn write(&self) -> io::Result<Vec<u8>>;
    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError>;
    fn copy(&self) -> Box<dyn Engine<T>>;
}

impl<R: Timed, T: Lane> Engine<T> for Bank<R, T> {
    fn len(&self) -> usize {
        Self::len(self)
    }
    fn rows(&mut self, block: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        self.update_rows_into(block, outputs)
    }
    fn rows_after(&mut self, elapsed: &[Duration], block: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        self.update_rows_into_after(elapsed, block, outputs)
    }
    fn series(&mut self, series: &[&[T]], outputs: &mut [Outputs<'_, T>]) -> Result<(), UpdateError> {
        self.update_series_into(series, outputs)
    }
    fn series_after(
        &mut self,
        elapsed: &[Duration],
        series: &[&[T]],
        outputs: &mut [Outputs<'_, T>],
    ) -> Result<(), UpdateError> {
        self.update_series_into_after(elapsed, series, outputs)
    }
    fn channel(&mut self, channel: usize, samples: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        self.update_channel_into(channel, samples, outputs)
    }
    fn at(&mut self, channels: &[usize], samples: &[T], outputs: Outputs<'_, T>) -> Result<(), UpdateError> {
        self.update_at_into(channels, samples, outputs)
    }
    fn reading(&self, channel: usize) -> Option<Reading<T>> {
        Self::reading(self, channel)
    }
    fn step(&self, channel: usize) -> Option<f64> {
        Self::step(self, channel)
    }
    fn reset(&mut self, channel: usize) -> Result<(), UpdateError> {
        Self::reset(self, channel)
    }
    fn write(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_snapshot(&mut bytes)?;
        Ok(bytes)
    }
    fn read(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.read_snapshot(bytes)
    }
    fn copy(&self) -> Box<dyn Engine<T>> {
        Box::new(self.clone())
    }
}

/// Makes channels of this rule that have seen nothing.
pub(crate) fn engine<T: Lane>(rule: &AnyRule, channels: usize) -> PyResult<Box<dyn Engine<T>>> {
    fn of<R: Timed, T: Lane>(rule: R, channels: usize) -> PyResult<Box<dyn Engine<T>>> {
        let bank = Bank::<R, T>::new(rule, channels).map_err(|error| error::channels(&error))?;
        Ok(Box::new(bank.with_threads(threads())))
    }
    match *rule {
        AnyRule::Robust(rule) => of(rule, channels),
        AnyRule::Cleaned(rule) => of(rule, channels),
        AnyRule::Ema(rule) => of(rule, channels),
    }
}

/// Channels whose samples come one by one, each with its time.
pub(crate) trait Moments<T: Lane>: Send {
    fn at(
        &mut self,
        channels: &[usize],
        times: &[i64],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<usize, UpdateError>;
}

impl<R: Timed, T: Lane> Moments<T> for TimedBank<R, T> {
    fn at(
        &mut self,
        channels: &[usize],
        times: &[i64],
        samples: &[T],
        outputs: Outputs<'_, T>,
    ) -> Result<usize, UpdateError> {
        self.observe_all_at(channels, times, samples, outputs)
    }
}

/// Makes channels of this rule whose samples have times.
pub(crate) fn moments<T: Lane>(rule: &AnyRule, channels: usize) -> PyResult<Box<dyn Moments<T>>> {
    fn of<R: Timed, T: Lane>(rule: R, channels: usize) -> PyResult<Box<dyn Moments<T>>> {
        Ok(Box::new(TimedBank::<R, T>::new(rule, channels).map_err(|error| error::channels(&error))?))
    }
    match *rule {
        AnyRule::Robust(rule) => of(rule, channels),
        AnyRule::Cleaned(rule) => of(rule, channels),
        AnyRule::Ema(rule) => of(rule, channels),
    }
}
