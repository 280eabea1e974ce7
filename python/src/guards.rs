//! The guards of a training: weights of examples from their losses, factors of gradients from their norms.

use crate::error::{self, value};
use crate::rule::Rule;
use evenkeel::{ParameterError, SnapshotError};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyBytes;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn held<'a, T>(py: Python<'_>, state: &'a Mutex<T>) -> MutexGuard<'a, T> {
    state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}

fn made<T>(made: Result<T, ParameterError>) -> PyResult<T> {
    made.map_err(|error| error::parameter(&error))
}

/// The bytes that `write` writes.
fn saved(py: Python<'_>, write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> PyResult<Bound<'_, PyBytes>> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(|error| error::writing(&error))?;
    Ok(PyBytes::new(py, &bytes))
}

fn read(result: Result<(), SnapshotError>) -> PyResult<()> {
    result.map_err(error::snapshot)
}

/// Weights of examples from their losses.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct LossGuard {
    squared: bool,
    guard: Mutex<evenkeel::LossGuard>,
}

#[pymethods]
impl LossGuard {
    #[new]
    fn new(rule: &Rule, squared: bool) -> PyResult<Self> {
        let guard = made(evenkeel::LossGuard::new(rule.decay))?;
        let guard = Mutex::new(if squared { guard.squared() } else { guard });
        Ok(Self { squared, guard })
    }

    #[getter]
    fn squared(&self) -> bool {
        self.squared
    }

    /// Weighs the losses of a batch, and learns them.
    fn weigh<'py>(&self, py: Python<'py>, losses: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let mut guard = held(py, &self.guard);
        if let Ok(losses) = losses.cast::<PyArray1<f64>>() {
            let losses = losses.readonly();
            let mut weights = vec![0.0; losses.as_slice()?.len()];
            guard.weigh(losses.as_slice()?, &mut weights).map_err(|error| error::update(&error))?;
            Ok(weights.into_pyarray(py).into_any())
        } else if let Ok(losses) = losses.cast::<PyArray1<f32>>() {
            let losses = losses.readonly();
            let mut weights = vec![0.0_f32; losses.as_slice()?.len()];
            guard.weigh(losses.as_slice()?, &mut weights).map_err(|error| error::update(&error))?;
            Ok(weights.into_pyarray(py).into_any())
        } else {
            Err(PyTypeError::new_err("losses must be an array of float32 or float64 of one dimension"))
        }
    }

    #[allow(clippy::needless_pass_by_value)] // an argument as Python gives it
    fn seed(&self, py: Python<'_>, losses: PyReadonlyArray1<'_, f64>) -> PyResult<()> {
        let seeded = held(py, &self.guard).seed(losses.as_slice()?);
        seeded.map_err(|_| value("losses must have at least 32 that are finite and not below zero, to seed a guard"))
    }

    fn score(&self, py: Python<'_>, loss: f64) -> f64 {
        held(py, &self.guard).score(loss)
    }

    fn weight(&self, py: Python<'_>, loss: f64) -> f64 {
        held(py, &self.guard).weight(loss)
    }

    #[allow(clippy::needless_pass_by_value)] // an argument as Python gives it
    fn suspects(&self, py: Python<'_>, losses: PyReadonlyArray1<'_, f64>) -> PyResult<Vec<(usize, f64)>> {
        let found = held(py, &self.guard).suspects(losses.as_slice()?);
        Ok(found.into_iter().map(|suspect| (suspect.index, suspect.score)).collect())
    }

    /// Location, scale and age.
    fn reading(&self, py: Python<'_>) -> (f64, f64, f64) {
        let now = held(py, &self.guard).reading();
        (now.location, now.scale, now.age)
    }

    #[getter]
    fn floor(&self, py: Python<'_>) -> Option<f64> {
        held(py, &self.guard).floor()
    }

    #[getter]
    fn invalid(&self, py: Python<'_>) -> u64 {
        held(py, &self.guard).invalid()
    }

    #[getter]
    fn weighed_down(&self, py: Python<'_>) -> u64 {
        held(py, &self.guard).weighed_down()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        saved(py, |out| held(py, &self.guard).write_snapshot(out))
    }

    fn read(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        read(held(py, &self.guard).read_snapshot(bytes))
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self { guard: Mutex::new(held(py, &self.guard).clone()), ..*self }
    }
}

/// A factor of a gradient from its norm.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct GradientGuard(Mutex<evenkeel::GradientGuard>);

#[pymethods]
impl GradientGuard {
    #[new]
    fn new(rule: &Rule) -> PyResult<Self> {
        Ok(Self(Mutex::new(made(evenkeel::GradientGuard::new(rule.decay))?)))
    }

    fn observe(&self, py: Python<'_>, norm: f64) -> f64 {
        held(py, &self.0).observe(norm)
    }

    /// Location, scale and age of the logarithms.
    fn reading(&self, py: Python<'_>) -> (f64, f64, f64) {
        let now = held(py, &self.0).reading();
        (now.location, now.scale, now.age)
    }

    #[getter]
    fn skips(&self, py: Python<'_>) -> u64 {
        held(py, &self.0).skips()
    }

    #[getter]
    fn skips_in_a_row(&self, py: Python<'_>) -> u64 {
        held(py, &self.0).skips_in_a_row()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        saved(py, |out| held(py, &self.0).write_snapshot(out))
    }

    fn read(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        read(held(py, &self.0).read_snapshot(bytes))
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self(Mutex::new(held(py, &self.0).clone()))
    }
}

/// A guard for each tensor of a model.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct GradientGuards(Mutex<evenkeel::GradientGuards>);

#[pymethods]
impl GradientGuards {
    #[new]
    fn new(rule: &Rule, tensors: usize) -> PyResult<Self> {
        let guards = evenkeel::GradientGuards::new(rule.decay, tensors);
        Ok(Self(Mutex::new(guards.map_err(|error| error::channels(&error))?)))
    }

    #[allow(clippy::needless_pass_by_value)] // an argument as Python gives it
    fn observe<'py>(&self, py: Python<'py>, norms: PyReadonlyArray1<'py, f64>) -> PyResult<Bound<'py, PyArray1<f64>>> {
        let norms = norms.as_slice()?;
        let mut guards = held(py, &self.0);
        if norms.len() != guards.len() {
            return Err(value(format!("norms has length {}, and there are {} tensors", norms.len(), guards.len())));
        }
        let mut factors = vec![0.0; norms.len()];
        guards.observe(norms, &mut factors).map_err(|error| error::update(&error))?;
        Ok(factors.into_pyarray(py))
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        held(py, &self.0).len()
    }

    /// Location, scale and age of the logarithms of each tensor's norms.
    fn readings(&self, py: Python<'_>) -> Vec<(f64, f64, f64)> {
        let guards = held(py, &self.0);
        let all = (0..guards.len()).filter_map(|tensor| guards.reading(tensor));
        all.map(|now| (now.location, now.scale, now.age)).collect()
    }

    #[getter]
    fn skips(&self, py: Python<'_>) -> Vec<u64> {
        held(py, &self.0).skips().collect()
    }

    #[getter]
    fn skips_in_a_row(&self, py: Python<'_>) -> Vec<u64> {
        held(py, &self.0).skips_in_a_row().collect()
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        saved(py, |out| held(py, &self.0).write_snapshot(out))
    }

    fn read(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        read(held(py, &self.0).read_snapshot(bytes))
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self(Mutex::new(held(py, &self.0).clone()))
    }
}
