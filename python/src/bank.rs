//! [`Bank`]: the state of many channels of one rule, to be updated by rows or series, in either float type.

use crate::buffers::{Places, Samples};
use crate::columns::{Held, check_order, locked, no_samples};
use crate::engine::{Lane, engine};
use crate::error::{self, value};
use crate::pass::{Pass, run};
use crate::rule::Rule;
use evenkeel::{Outputs, UpdateError};
use numpy::{IntoPyArray, PyArray1, PyArrayDyn, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyBytes, PyTuple};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Many channels of one rule.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct Bank {
    rule: Rule,
    state: State,
}

/// The channels, in one of the float types.
enum State {
    Single(Mutex<Held<f32>>),
    Double(Mutex<Held<f64>>),
}

/// Does the same with channels of either float type.
macro_rules! either {
    ($bank:expr, $state:ident => $body:expr) => {
        match &$bank.state {
            State::Single($state) => $body,
            State::Double($state) => $body,
        }
    };
}

/// The channels, in a thread that has the interpreter's lock, and gives it up to wait.
fn held<'a, T: Lane>(py: Python<'_>, state: &'a Mutex<Held<T>>) -> MutexGuard<'a, Held<T>> {
    state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
}

/// Arrays of the locations, scales and ages of all channels.
fn readings<'py, T: Lane>(py: Python<'py>, state: &Mutex<Held<T>>) -> PyResult<Bound<'py, PyTuple>> {
    let (engine, _) = &*held(py, state);
    let channels = engine.len();
    let of = |take: fn(evenkeel::Reading<T>) -> T| -> Bound<'py, PyArray1<T>> {
        let all = (0..channels).map(|channel| engine.reading(channel).map_or(T::NAN, take));
        all.collect::<Vec<T>>().into_pyarray(py)
    };
    PyTuple::new(py, [of(|now| now.location), of(|now| now.scale), of(|now| now.age)])
}

fn update<'py, T: Lane>(
    py: Python<'py>,
    state: &Mutex<Held<T>>,
    x: &Bound<'py, PyArrayDyn<T>>,
    how: &How<'_, 'py>,
) -> PyResult<Bound<'py, PyAny>> {
    let samples = Samples::of(x, how.axis)?;
    let flat = samples.slice()?;
    let (channels, last) = {
        let held = held(py, state);
        (held.0.len(), held.1)
    };
    if samples.channels != channels {
        return Err(value(format!("x has {} channels, and the bank has {channels}", samples.channels)));
    }
    let times = how.times.map(|times| times.as_slice()).transpose()?;
    if let Some(times) = times {
        if times.len() != samples.length {
            return Err(value(format!("times has length {}, and x has {} rows", times.len(), samples.length)));
        }
        check_order(times, last)?;
    }
    let Samples { layout, length, .. } = samples;
    let pass = Pass { samples: flat, layout, channels, length, times };
    if how.reports {
        let places = Places::new(py, &samples, how.everything);
        let mut borrowed = places.borrow();
        let outputs = borrowed.outputs()?;
        run(py, &pass, || locked(state), outputs)?;
        drop(borrowed);
        places.into_any(py)
    } else {
        run(py, &pass, || locked(state), Outputs::default())?;
        Ok(py.None().into_bound(py))
    }
}

/// The arguments of an update beside the samples.
struct How<'a, 'py> {
    axis: usize,
    times: Option<&'a PyReadonlyArray1<'py, i64>>,
    reports: bool,
    everything: bool,
}

#[pymethods]
impl Bank {
    /// Makes channels that have seen nothing.
    #[new]
    fn new(rule: Rule, channels: usize, single: bool) -> PyResult<Self> {
        let state = if single {
            State::Single(Mutex::new((engine(&rule.any, channels)?, None)))
        } else {
            State::Double(Mutex::new((engine(&rule.any, channels)?, None)))
        };
        Ok(Self { rule, state })
    }

    /// The rule.
    #[getter]
    fn rule(&self) -> Rule {
        self.rule.clone()
    }

    /// Whether the channels are of float32.
    #[getter]
    fn single(&self) -> bool {
        matches!(self.state, State::Single(_))
    }

    /// The time of the last row in nanoseconds.
    #[getter]
    fn last(&self, py: Python<'_>) -> Option<i64> {
        either!(self, state => held(py, state).1)
    }

    /// Sets the time of the last row, where a snapshot that does not hold it is read.
    fn set_last(&self, py: Python<'_>, last: Option<i64>) {
        either!(self, state => held(py, state).1 = last);
    }

    /// Updates all channels with samples whose time goes along `axis`, and returns nothing, locations, or locations, scales,
    /// scores and outliers.
    #[pyo3(signature = (x, axis=0, times=None, reports=true, everything=false))]
    #[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
    fn update<'py>(
        &self,
        py: Python<'py>,
        x: &Bound<'py, PyAny>,
        axis: usize,
        times: Option<PyReadonlyArray1<'py, i64>>,
        reports: bool,
        everything: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        if self.rule.in_time() != times.is_some() {
            return Err(value(if times.is_some() {
                "times have no meaning for a half_life in samples: give it as a time, such as \"5m\""
            } else {
                "times are needed: half_life is in time"
            }));
        }
        let how = How { axis, times: times.as_ref(), reports, everything };
        match &self.state {
            State::Single(state) => update(py, state, x.cast().map_err(|_| no_samples())?, &how),
            State::Double(state) => update(py, state, x.cast().map_err(|_| no_samples())?, &how),
        }
    }

    /// Arrays of locations, scales and ages.
    fn readings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        either!(self, state => readings(py, state))
    }

    /// The step that a channel has learnt.
    fn step(&self, py: Python<'_>, channel: usize) -> PyResult<Option<f64>> {
        let channels = self.__len__(py);
        if channel >= channels {
            return Err(error::update(&UpdateError::Channel { channel, channels }));
        }
        Ok(either!(self, state => held(py, state).0.step(channel)))
    }

    /// Makes a channel one that has seen nothing.
    fn reset(&self, py: Python<'_>, channel: usize) -> PyResult<()> {
        either!(self, state => held(py, state).0.reset(channel)).map_err(|error| error::update(&error))
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        either!(self, state => held(py, state).0.len())
    }

    /// The state of all channels as a snapshot.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = either!(self, state => py.detach(|| locked(state).0.write()));
        Ok(PyBytes::new(py, &bytes.map_err(|error| error::writing(&error))?))
    }

    /// Replaces the channels by those of a snapshot.
    fn read(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<()> {
        either!(self, state => py.detach(|| locked(state).0.read(bytes))).map_err(error::snapshot)
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        fn copy<T: Lane>(py: Python<'_>, state: &Mutex<Held<T>>) -> Mutex<Held<T>> {
            let (engine, last) = &*held(py, state);
            Mutex::new((engine.copy(), *last))
        }
        let state = match &self.state {
            State::Single(state) => State::Single(copy(py, state)),
            State::Double(state) => State::Double(copy(py, state)),
        };
        Self { rule: self.rule.clone(), state }
    }
}
