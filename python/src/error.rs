//! The library's errors as Python's: what names a wrong argument is a `ValueError`, and what has no memory a `MemoryError`.

use evenkeel::{ChannelsError, ParameterError, TrackError, UpdateError};
use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};
use pyo3::{PyErr, create_exception};
use std::io;

create_exception!(
    evenkeel,
    LateSampleError,
    PyValueError,
    "A sample that is older than the last one of its series. No estimate has changed."
);
create_exception!(
    evenkeel,
    TooManySeriesError,
    PyValueError,
    "A sample of a series that would be one more than `max_series`. No estimate has changed."
);
create_exception!(
    evenkeel,
    SnapshotError,
    PyValueError,
    "Bytes that are no snapshot of what they were to be read into, or that are damaged. Nothing has changed."
);

/// A `ValueError` with this message.
pub(crate) fn value(message: impl Into<String>) -> PyErr {
    PyValueError::new_err(message.into())
}

/// The error in a parameter, by the name that it has in Python.
pub(crate) fn parameter(error: &ParameterError) -> PyErr {
    match error {
        ParameterError::OutOfRange { name: "half_life_time", expected, .. } => {
            value(format!("half_life must be {expected}, not 0"))
        }
        ParameterError::OutOfRange { name, expected, got } => value(format!("{name} must be {expected}, not {got}")),
        ParameterError::GainTooSmall { gain, smallest, lane } => {
            let lane = if *lane == "f32" { "float32" } else { "float64" };
            value(format!(
                "half_life, span, com or alpha makes a gain of {gain:e}, too small for {lane}, whose smallest is {smallest:e}: \
                 shorten the memory{}",
                if lane == "float32" { " or use float64" } else { "" }
            ))
        }
        ParameterError::InTime { rule } => {
            value(format!("half_life of {rule} cannot be in time: give it as a number of samples"))
        }
        error => value(error.to_string()),
    }
}

pub(crate) fn channels(error: &ChannelsError) -> PyErr {
    match error {
        ChannelsError::Parameter(error) => parameter(error),
        ChannelsError::OutOfMemory { channels } => {
            PyMemoryError::new_err(format!("no memory for the state of {channels} channels: use fewer, or float32"))
        }
        error => PyMemoryError::new_err(error.to_string()),
    }
}

pub(crate) fn update(error: &UpdateError) -> PyErr {
    match error {
        UpdateError::Late { .. } => LateSampleError::new_err(error.to_string()),
        UpdateError::NoElapsed => value("times are needed: half_life is in time"),
        UpdateError::NotInTime => {
            value("times have no meaning for a half_life in samples: give it as a time, such as \"5m\"")
        }
        error => value(error.to_string()),
    }
}

pub(crate) fn track(error: TrackError) -> PyErr {
    match error {
        TrackError::Late { .. } => LateSampleError::new_err(error.to_string()),
        TrackError::Full { max_series } => TooManySeriesError::new_err(format!(
            "there are {max_series} series, and no more may be: raise max_series, choose overflow=\"evict\", or set max_idle"
        )),
        TrackError::NoTime => value("time is needed: half_life or max_idle is in time"),
        TrackError::Channels(error) => channels(&error),
        error => value(error.to_string()),
    }
}

pub(crate) fn snapshot(error: evenkeel::SnapshotError) -> PyErr {
    match error {
        evenkeel::SnapshotError::Channels(error) => channels(&error),
        error => SnapshotError::new_err(error.to_string()),
    }
}

pub(crate) fn writing(error: &io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::InvalidInput => value(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}
