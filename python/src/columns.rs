//! Whole columns: a pass over an array from its first sample on, by a rule that has seen nothing.

use crate::buffers::{Places, Samples};
use crate::engine::{Engine, Lane, engine, moments};
use crate::error::value;
use crate::pass::{Pass, run, run_apart, scattered, scattered_at};
use crate::rule::Rule;
use numpy::{PyArray1, PyArrayDyn, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyList;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// An engine and the time of its last row.
pub(crate) type Held<T> = (Box<dyn Engine<T>>, Option<i64>);

/// The content of a lock; a thread that panicked has left a state that is as good as any.
pub(crate) fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The error for an array of another type than the samples may have.
pub(crate) fn no_samples() -> PyErr {
    PyTypeError::new_err("x must be an array of float32 or float64")
}

/// Whether times are in order.
pub(crate) fn check_order(times: &[i64], last: Option<i64>) -> PyResult<()> {
    let before = last.into_iter().chain(times.iter().copied());
    let skipped = usize::from(last.is_none());
    let late = before.zip(times.iter().skip(skipped)).position(|(before, &time)| time < before);
    match late {
        None => Ok(()),
        Some(at) => Err(value(format!(
            "times must be in order, and times[{}] is before the one in front of it: sort x by its times first",
            at + skipped
        ))),
    }
}

/// Estimates every sample of `x`, whose time goes along `axis`, or of a list of columns that lie apart: the locations, or with `everything` a tuple of locations,
/// scales, scores and outliers. `times` are nanoseconds, one for each step along the axis. `channels` are numbers below
/// `count`, one for each sample of an array of one dimension. `out` is an array for the locations.
#[pyfunction]
#[pyo3(signature = (rule, x, axis=0, times=None, channels=None, count=0, everything=false, out=None))]
#[allow(clippy::needless_pass_by_value, clippy::too_many_arguments)] // as Python gives them
pub(crate) fn column<'py>(
    py: Python<'py>,
    rule: &Rule,
    x: &Bound<'py, PyAny>,
    axis: usize,
    times: Option<PyReadonlyArray1<'py, i64>>,
    channels: Option<PyReadonlyArray1<'py, i64>>,
    count: usize,
    everything: bool,
    out: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let how = How { rule, axis, times: times.as_ref(), channels: channels.as_ref(), count, everything, out };
    if let Ok(x) = x.cast::<PyArrayDyn<f64>>() {
        how.column(py, x)
    } else if let Ok(x) = x.cast::<PyArrayDyn<f32>>() {
        how.column(py, x)
    } else if let Ok(columns) = x.cast::<PyList>() {
        match columns.get_item(0) {
            Ok(first) if first.cast::<PyArray1<f32>>().is_ok() => how.apart::<f32>(py, columns),
            _ => how.apart::<f64>(py, columns),
        }
    } else {
        Err(no_samples())
    }
}

/// The arguments of [`column`] beside the samples.
struct How<'a, 'py> {
    rule: &'a Rule,
    axis: usize,
    times: Option<&'a PyReadonlyArray1<'py, i64>>,
    channels: Option<&'a PyReadonlyArray1<'py, i64>>,
    count: usize,
    everything: bool,
    out: Option<&'a Bound<'py, PyAny>>,
}

impl<'py> How<'_, 'py> {
    /// Columns of one length that lie apart, each a channel; the results are one array, a column for each.
    fn apart<T: Lane>(&self, py: Python<'py>, columns: &Bound<'py, PyList>) -> PyResult<Bound<'py, PyAny>> {
        let arrays = columns.iter().map(|column| Ok(column.cast::<PyArrayDyn<T>>().map_err(|_| no_samples())?.clone()));
        let arrays: Vec<_> = arrays.collect::<PyResult<_>>()?;
        let samples = arrays.iter().map(|array| Samples::of(array, 0)).collect::<PyResult<Vec<_>>>()?;
        let series = samples.iter().map(Samples::slice).collect::<PyResult<Vec<_>>>()?;
        let length = series.first().map_or(0, |series| series.len());
        if series.iter().any(|series| series.len() != length) {
            return Err(value("the columns of x must have one length"));
        }
        let times = self.times.map(|times| times.as_slice()).transpose()?;
        check_times(times, length)?;
        if let Some(times) = times {
            check_order(times, None)?;
        }
        let places = Places::shaped(py, &[length, series.len()], true, self.everything);
        let mut borrowed = places.borrow();
        let held: Mutex<Held<T>> = Mutex::new((engine(&self.rule.any, series.len())?, None));
        run_apart(py, &series, times, || locked(&held), borrowed.outputs()?)?;
        drop(borrowed);
        places.into_any(py)
    }

    fn column<T: Lane>(&self, py: Python<'py>, x: &Bound<'py, PyArrayDyn<T>>) -> PyResult<Bound<'py, PyAny>> {
        let samples = Samples::of(x, self.axis)?;
        let flat = samples.slice()?;
        let times = self.times.map(|times| times.as_slice()).transpose()?;
        check_times(times, samples.length)?;
        let places = match self.out {
            None => Places::new(py, &samples, self.everything),
            Some(out) => Places::given(out, &samples)?,
        };
        let mut borrowed = places.borrow();
        let outputs = borrowed.outputs()?;
        if let Some(channels) = self.channels {
            let channels = self.numbers(channels.as_slice()?, flat.len())?;
            match times {
                None => scattered(py, &mut *engine(&self.rule.any, self.count)?, &channels, flat, outputs)?,
                Some(times) => {
                    check_groups(&channels, times, self.count)?;
                    let mut engine = moments(&self.rule.any, self.count)?;
                    scattered_at(py, &mut *engine, &channels, times, flat, outputs)?;
                }
            }
        } else {
            if let Some(times) = times {
                check_order(times, None)?;
            }
            let held: Mutex<Held<T>> = Mutex::new((engine(&self.rule.any, samples.channels)?, None));
            let Samples { layout, channels, length, .. } = samples;
            let pass = Pass { samples: flat, layout, channels, length, times };
            run(py, &pass, || locked(&held), outputs)?;
        }
        drop(borrowed);
        places.into_any(py)
    }

    /// The channels of the samples, each of which there is.
    fn numbers(&self, channels: &[i64], samples: usize) -> PyResult<Vec<usize>> {
        if channels.len() != samples {
            return Err(value(format!("groups has length {}, and x has {samples} samples", channels.len())));
        }
        let numbers = channels.iter().map(|&channel| usize::try_from(channel).ok().filter(|&c| c < self.count));
        numbers.collect::<Option<_>>().ok_or_else(|| value("groups has a number that is none of a group"))
    }
}

/// Whether there is a time for each sample.
fn check_times(times: Option<&[i64]>, length: usize) -> PyResult<()> {
    match times {
        Some(times) if times.len() != length => {
            Err(value(format!("times has length {}, and x has {length} samples", times.len())))
        }
        _ => Ok(()),
    }
}

/// Whether the times of each group are in order.
fn check_groups(channels: &[usize], times: &[i64], count: usize) -> PyResult<()> {
    let mut last = vec![i64::MIN; count];
    for (at, (&channel, &time)) in channels.iter().zip(times).enumerate() {
        if time < last[channel] {
            return Err(value(format!(
                "times must be in order within each group, and times[{at}] is before the last one of its group: sort by \
                 time first"
            )));
        }
        last[channel] = time;
    }
    Ok(())
}

/// The address of the samples that a pass over this array reads.
#[pyfunction]
pub(crate) fn address(x: &Bound<'_, PyAny>) -> PyResult<usize> {
    if let Ok(x) = x.cast::<PyArrayDyn<f64>>() {
        Ok(Samples::of(x, 0)?.slice()?.as_ptr().addr())
    } else if let Ok(x) = x.cast::<PyArrayDyn<f32>>() {
        Ok(Samples::of(x, 0)?.slice()?.as_ptr().addr())
    } else {
        Err(no_samples())
    }
}
