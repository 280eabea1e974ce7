//! [`OneSeries`]: a series by itself, restored from bytes, updated and saved; and snapshots cut by the hash of the key.

use crate::buffers::take_front;
use crate::error::{self, value};
use crate::pass::SHORT;
use crate::rule::{AnyRule, Rule};
use evenkeel::{Outputs, Scored, Series, SnapshotError, Timed, UpdateError};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One series, whatever its rule.
trait One: Send {
    fn begin(&mut self);
    fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError>;
    fn save(&self) -> Vec<u8>;
    fn update(
        &mut self,
        times: Option<&[i64]>,
        values: &[f64],
        outputs: Outputs<'_, f64>,
    ) -> Result<usize, UpdateError>;
    fn get(&self) -> Series<f64>;
    fn copy(&self) -> Box<dyn One>;
}

impl<R: Scored + Timed> One for evenkeel::OneSeries<R> {
    fn begin(&mut self) {
        Self::begin(self, None);
    }
    fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        Self::restore(self, bytes)
    }
    fn save(&self) -> Vec<u8> {
        let mut out = Vec::new();
        Self::save(self, &mut out);
        out
    }
    fn update(
        &mut self,
        times: Option<&[i64]>,
        values: &[f64],
        outputs: Outputs<'_, f64>,
    ) -> Result<usize, UpdateError> {
        match times {
            Some(times) => self.update_all_at_into(times, values, outputs),
            None => self.update_all_into(values, outputs).map(|()| 0),
        }
    }
    fn get(&self) -> Series<f64> {
        Self::get(self)
    }
    fn copy(&self) -> Box<dyn One> {
        Box::new(self.clone())
    }
}

/// Updates it with series that lie one behind the other and end at `ends`; the first goes on where it stands.
fn update_runs(
    series: &mut dyn One,
    ends: impl Iterator<Item = usize>,
    times: Option<&[i64]>,
    values: &[f64],
    mut outputs: Outputs<'_, f64>,
) -> Result<usize, UpdateError> {
    let (mut late, mut from) = (0, 0);
    for (index, to) in ends.enumerate() {
        if index > 0 {
            series.begin();
        }
        let times = times.map(|times| &times[from..to]);
        late += series.update(times, &values[from..to], take_front(&mut outputs, to - from))?;
        from = to;
    }
    Ok(late)
}

fn one(rule: &Rule) -> PyResult<Box<dyn One>> {
    fn of<R: Scored + Timed>(rule: R) -> PyResult<Box<dyn One>> {
        Ok(Box::new(evenkeel::OneSeries::<R>::new(rule).map_err(|error| error::channels(&error))?))
    }
    match rule.any {
        AnyRule::Robust(rule) => of(rule),
        AnyRule::Cleaned(rule) => of(rule),
        AnyRule::Ema(_) => {
            Err(value("preset must have a scale, as \"clean\", \"robust\" and \"mean\" do, not \"ema\""))
        }
    }
}

/// Locations, scales, scores and outliers of samples, and how many were late.
type Observed<'py> = (
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<f64>>,
    Bound<'py, PyArray1<bool>>,
    usize,
);

/// One series without a tracker.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct OneSeries {
    rule: Rule,
    series: Mutex<Box<dyn One>>,
}

impl OneSeries {
    /// The series, in a thread that is without the interpreter's lock.
    fn locked(&self) -> MutexGuard<'_, Box<dyn One>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series, in a thread that has the interpreter's lock, and gives it up to wait.
    fn held(&self, py: Python<'_>) -> MutexGuard<'_, Box<dyn One>> {
        self.series.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl OneSeries {
    #[new]
    fn new(rule: Rule) -> PyResult<Self> {
        Ok(Self { series: Mutex::new(one(&rule)?), rule })
    }

    /// The rule.
    #[getter]
    fn rule(&self) -> Rule {
        self.rule.clone()
    }

    /// Makes it a series without a sample.
    fn begin(&self, py: Python<'_>) {
        self.held(py).begin();
    }

    /// Makes it the series that was saved.
    fn restore(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        self.held(py).restore(bytes).map_err(error::snapshot)
    }

    /// The state as bytes.
    fn save<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.held(py).save())
    }

    /// Updates it with samples, oldest first; with `ends`, of series one behind the other, of which the first goes on.
    #[pyo3(signature = (values, times=None, ends=None))]
    #[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
    fn update<'py>(
        &self,
        py: Python<'py>,
        values: PyReadonlyArray1<'py, f64>,
        times: Option<PyReadonlyArray1<'py, i64>>,
        ends: Option<PyReadonlyArray1<'py, i64>>,
    ) -> PyResult<Observed<'py>> {
        let values = values.as_slice()?;
        let times = times.as_ref().map(|times| times.as_slice()).transpose()?;
        let length = values.len();
        if let Some(times) = times.map(<[i64]>::len).filter(|&times| times != length) {
            return Err(value(format!("times has length {times}, and values has {length}")));
        }
        // Before a series has begun: it is found with the first sample only.
        if times.is_none() && length > 0 && self.rule.in_time() {
            return Err(error::update(&UpdateError::NoElapsed));
        }
        let ends = match &ends {
            None => vec![length],
            Some(ends) => checked_ends(ends.as_slice()?, length)?,
        };
        let (mut locations, mut scales, mut scores) = (vec![0.0; length], vec![0.0; length], vec![0.0; length]);
        let mut outliers = vec![false; length];
        let outputs = Outputs {
            locations: Some(&mut locations),
            scales: Some(&mut scales),
            scores: Some(&mut scores),
            outliers: Some(&mut outliers),
        };
        let ends = ends.into_iter();
        let late = if length <= SHORT {
            update_runs(&mut **self.held(py), ends, times, values, outputs)
        } else {
            py.detach(|| update_runs(&mut **self.locked(), ends, times, values, outputs))
        };
        let late = late.map_err(|error| error::update(&error))?;
        Ok((
            locations.into_pyarray(py),
            scales.into_pyarray(py),
            scores.into_pyarray(py),
            outliers.into_pyarray(py),
            late,
        ))
    }

    /// Location, scale, score, samples, outliers and last time.
    fn get(&self, py: Python<'_>) -> (f64, f64, f64, u64, u64, Option<i64>) {
        let Series { location, scale, score, samples, outliers, last, .. } = self.held(py).get();
        (location, scale, score, samples, outliers, last)
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self { rule: self.rule.clone(), series: Mutex::new(self.held(py).copy()) }
    }
}

/// Where series end that lie one behind the other: in order, and the last with the samples.
fn checked_ends(ends: &[i64], length: usize) -> PyResult<Vec<usize>> {
    let places: Option<Vec<usize>> = ends.iter().map(|&end| usize::try_from(end).ok()).collect();
    match places {
        Some(places) if places.is_sorted() && places.last().copied().unwrap_or(0) == length => Ok(places),
        _ => Err(value(format!("ends must be in order, from 0 to the length of values, which is {length}"))),
    }
}

/// The stable hash of a key.
#[pyfunction]
pub(crate) fn key_hash(key: &str) -> u64 {
    evenkeel::key_hash(key.as_bytes())
}

/// Splits a snapshot of a tracker by the hash of the key.
#[pyfunction]
pub(crate) fn split_snapshot<'py>(py: Python<'py>, bytes: &[u8], parts: usize) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let parts = py.detach(|| evenkeel::split_snapshot(bytes, parts)).map_err(error::snapshot)?;
    Ok(parts.iter().map(|part| PyBytes::new(py, part)).collect())
}

/// Merges snapshots of trackers that have no series in common.
#[allow(clippy::needless_pass_by_value)] // Python's bytes, copied so that the interpreter's lock can be given up
#[pyfunction]
pub(crate) fn merge_snapshots<'py>(
    py: Python<'py>,
    snapshots: Vec<Vec<u8>>,
    note: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let merged = py.detach(|| evenkeel::merge_snapshots(&snapshots, note)).map_err(error::snapshot)?;
    Ok(PyBytes::new(py, &merged))
}
