//! [`Tracker`]: named series that come and go, of any rule that has a scale.

use crate::error::{self, value};
use crate::keys::text;
use crate::rule::{AnyRule, Rule};
use evenkeel::{Counters, Idle, Overflow, Scored, Series, SnapshotError, SnapshotInfo, Timed, TrackError, Update};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Samples of a batch between two looks at signals.
const PIECE: usize = 1 << 18;

/// A key, a time if there are any, and a sample.
type Sample<'a> = (&'a str, Option<i64>, f64);
/// What comes of a sample.
type Report<'a> = Option<&'a mut dyn FnMut(Update<f64>)>;

/// The series of a tracker, whatever its rule.
trait Named: Send {
    fn update(&mut self, key: &str, time: Option<i64>, sample: f64) -> Result<Update<f64>, TrackError>;
    /// Updates series by the samples of a batch, and reports each.
    fn batch(&mut self, batch: &mut dyn Iterator<Item = Sample<'_>>, report: Report<'_>) -> Result<(), TrackError>;
    fn get(&self, key: &str) -> Option<Series<f64>>;
    fn step(&self, key: &str) -> Option<f64>;
    fn remove(&mut self, key: &str) -> Option<Series<f64>>;
    fn expire(&mut self) -> usize;
    fn len(&self) -> usize;
    fn each(&self, take: &mut dyn FnMut(&str, Series<f64>));
    fn counters(&self) -> Counters;
    fn write(&self, note: &[u8]) -> io::Result<Vec<u8>>;
    fn read(&mut self, bytes: &[u8], converts: bool) -> Result<(), SnapshotError>;
    fn add(&mut self, bytes: &[u8]) -> Result<usize, SnapshotError>;
    fn save_series(&self, key: &str) -> Option<Vec<u8>>;
    fn restore_series(&mut self, key: &str, bytes: &[u8]) -> Result<bool, SnapshotError>;
    fn copy(&self) -> Box<dyn Named>;
}

impl<R: Scored + Timed> Named for evenkeel::Tracker<String, R> {
    fn update(&mut self, key: &str, time: Option<i64>, sample: f64) -> Result<Update<f64>, TrackError> {
        match time {
            None => Self::update(self, key, sample),
            Some(time) => self.update_at(key, time, sample),
        }
    }
    fn batch(&mut self, batch: &mut dyn Iterator<Item = Sample<'_>>, mut report: Report<'_>) -> Result<(), TrackError> {
        let mut seen = |tracker: &Self, key: &str, outcome: Result<Update<f64>, TrackError>| {
            if let Some(report) = &mut report {
                // What is refused is counted, and seen as the series stands.
                report(outcome.unwrap_or_else(|_| standing(Self::get(tracker, key))));
            }
        };
        let mut batch = batch.peekable();
        if batch.peek().is_some_and(|(_, time, _)| time.is_some()) {
            self.update_batch_at_with(batch.filter_map(|(key, time, sample)| Some((key, time?, sample))), &mut seen)
        } else {
            self.update_batch_with(batch.map(|(key, _, sample)| (key, sample)), &mut seen)
        }
    }
    fn get(&self, key: &str) -> Option<Series<f64>> {
        Self::get(self, key)
    }
    fn step(&self, key: &str) -> Option<f64> {
        Self::step(self, key)
    }
    fn remove(&mut self, key: &str) -> Option<Series<f64>> {
        Self::remove(self, key)
    }
    fn expire(&mut self) -> usize {
        Self::expire(self)
    }
    fn len(&self) -> usize {
        Self::len(self)
    }
    fn each(&self, take: &mut dyn FnMut(&str, Series<f64>)) {
        self.iter().for_each(|(key, series)| take(key, series));
    }
    fn counters(&self) -> Counters {
        Self::counters(self)
    }
    fn write(&self, note: &[u8]) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_snapshot(&mut bytes, note)?;
        Ok(bytes)
    }
    fn read(&mut self, bytes: &[u8], converts: bool) -> Result<(), SnapshotError> {
        if converts { self.convert_snapshot(bytes) } else { self.read_snapshot(bytes) }
    }
    fn add(&mut self, bytes: &[u8]) -> Result<usize, SnapshotError> {
        self.add_snapshot(bytes)
    }
    fn save_series(&self, key: &str) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        Self::save_series(self, key, &mut out).then_some(out)
    }
    fn restore_series(&mut self, key: &str, bytes: &[u8]) -> Result<bool, SnapshotError> {
        Self::restore_series(self, key, bytes)
    }
    fn copy(&self) -> Box<dyn Named> {
        Box::new(self.clone())
    }
}

/// Limits on the series of a tracker.
#[derive(Clone, Copy)]
struct Limits {
    idle: Option<Idle>,
    most: Option<usize>,
    overflow: Overflow,
}

fn named(rule: &Rule, limits: Limits) -> PyResult<Box<dyn Named>> {
    fn of<R: Scored + Timed>(rule: R, limits: Limits) -> PyResult<Box<dyn Named>> {
        let mut tracker = evenkeel::Tracker::<String, R>::new(rule).map_err(|error| error::channels(&error))?;
        if let Some(most) = limits.most {
            tracker = tracker.max_series(most, limits.overflow);
        }
        if let Some(idle) = limits.idle {
            tracker = tracker.max_idle(idle);
        }
        Ok(Box::new(tracker))
    }
    match rule.any {
        AnyRule::Robust(rule) => of(rule, limits),
        AnyRule::Cleaned(rule) => of(rule, limits),
        AnyRule::Ema(_) => {
            Err(value("preset must have a scale, as \"clean\", \"robust\" and \"mean\" do, not \"ema\""))
        }
    }
}

/// Location, scale, score, samples, outliers and last time of a series.
type Values = (f64, f64, f64, u64, u64, Option<i64>);
/// Location, scale, score, and whether the sample was accepted, an outlier, and re-opened the estimate.
type Verdict = (f64, f64, f64, bool, bool, bool);

fn values(series: Series<f64>) -> Values {
    (series.location, series.scale, series.score, series.samples, series.outliers, series.last)
}

fn verdict(update: Update<f64>) -> Verdict {
    (update.location, update.scale, update.score, update.accepted, update.outlier, update.reopened)
}

/// Places for the locations, scales, scores and outliers of a batch.
struct Seen(Vec<f64>, Vec<f64>, Vec<f64>, Vec<bool>);
/// Locations, scales, scores and outliers of a batch as arrays of numpy.
type SeenArrays<'py> =
    (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<bool>>);

impl Seen {
    fn new(samples: usize) -> Self {
        Self(
            Vec::with_capacity(samples),
            Vec::with_capacity(samples),
            Vec::with_capacity(samples),
            Vec::with_capacity(samples),
        )
    }

    fn put(&mut self, update: &Update<f64>) {
        self.0.push(update.location);
        self.1.push(update.scale);
        self.2.push(update.score);
        self.3.push(update.outlier);
    }

    fn arrays(self, py: Python<'_>) -> SeenArrays<'_> {
        (self.0.into_pyarray(py), self.1.into_pyarray(py), self.2.into_pyarray(py), self.3.into_pyarray(py))
    }
}

/// The samples of a batch and their times.
struct Batch<'a> {
    values: &'a [f64],
    times: Option<&'a [i64]>,
}

/// A verdict on a sample that is refused: its series as it stands.
fn standing(series: Option<Series<f64>>) -> Update<f64> {
    let (location, scale) = series.map_or((f64::NAN, f64::NAN), |now| (now.location, now.scale));
    Update { location, scale, score: f64::NAN, accepted: false, outlier: false, reopened: false }
}

/// Named series.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct Tracker {
    rule: Rule,
    limits: Limits,
    series: Mutex<Box<dyn Named>>,
}

impl Tracker {
    /// The series, in a thread that is without the interpreter's lock.
    fn locked(&self) -> MutexGuard<'_, Box<dyn Named>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series, in a thread that has the interpreter's lock, and gives it up to wait.
    fn held(&self, py: Python<'_>) -> MutexGuard<'_, Box<dyn Named>> {
        self.series.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// Updates the series of a batch, whose names `name` returns, in pieces between which signals are heard.
    fn update_all<'a, 'py>(
        &self,
        py: Python<'py>,
        batch: &Batch<'_>,
        observe: bool,
        name: impl Fn(usize) -> &'a str + Sync,
    ) -> PyResult<Option<SeenArrays<'py>>> {
        let samples = batch.values.len();
        let mut seen = observe.then(|| Seen::new(samples));
        for from in (0..samples).step_by(PIECE) {
            let (to, places, name) = (samples.min(from + PIECE), seen.as_mut(), &name);
            let taken = py.detach(|| {
                let mut samples = (from..to).map(|at| (name(at), batch.times.map(|times| times[at]), batch.values[at]));
                let mut report = places.map(|places| |update: Update<f64>| places.put(&update));
                let report = report.as_mut().map(|report| report as &mut dyn FnMut(Update<f64>));
                self.locked().batch(&mut samples, report)
            });
            taken.map_err(error::track)?;
            if to < samples {
                py.check_signals()?;
            }
        }
        Ok(seen.map(|seen| seen.arrays(py)))
    }
}

#[pymethods]
impl Tracker {
    /// Makes a tracker. A limit of idleness is in nanoseconds or in samples of other series.
    #[new]
    #[pyo3(signature = (rule, *, idle_ns=None, idle_samples=None, max_series=None, evicts=false))]
    fn new(
        rule: Rule,
        idle_ns: Option<u64>,
        idle_samples: Option<u64>,
        max_series: Option<usize>,
        evicts: bool,
    ) -> PyResult<Self> {
        let idle = idle_ns.map(|time| Idle::Time(Duration::from_nanos(time))).or(idle_samples.map(Idle::Samples));
        let overflow = if evicts { Overflow::Evict } else { Overflow::Refuse };
        let limits = Limits { idle, most: max_series, overflow };
        Ok(Self { series: Mutex::new(named(&rule, limits)?), rule, limits })
    }

    /// The rule.
    #[getter]
    fn rule(&self) -> Rule {
        self.rule.clone()
    }

    /// Updates one series.
    #[pyo3(signature = (key, sample, time=None))]
    fn update(&self, py: Python<'_>, key: &str, sample: f64, time: Option<i64>) -> PyResult<Verdict> {
        self.held(py).update(key, time, sample).map(verdict).map_err(error::track)
    }

    /// Updates series by numbers of categories, one for each value.
    #[pyo3(signature = (codes, categories, values, times=None, observe=false))]
    #[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
    fn update_codes<'py>(
        &self,
        py: Python<'py>,
        codes: PyReadonlyArray1<'py, i64>,
        categories: Vec<String>,
        values: PyReadonlyArray1<'py, f64>,
        times: Option<PyReadonlyArray1<'py, i64>>,
        observe: bool,
    ) -> PyResult<Option<SeenArrays<'py>>> {
        let (codes, values) = (codes.as_slice()?, values.as_slice()?);
        let times = times.as_ref().map(|times| times.as_slice()).transpose()?;
        check_lengths(codes.len(), values.len(), times)?;
        let is_key = |&code: &i64| usize::try_from(code).is_ok_and(|code| code < categories.len());
        if let Some(at) = codes.iter().position(|code| !is_key(code)) {
            return Err(value(format!("keys[{at}] is {}, and there are {} categories", codes[at], categories.len())));
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // looked at above
        self.update_all(py, &Batch { values, times }, observe, |at| &categories[codes[at] as usize])
    }

    /// Updates series by name, one for each value.
    #[pyo3(signature = (keys, values, times=None, observe=false))]
    #[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
    fn update_names<'py>(
        &self,
        py: Python<'py>,
        keys: &Bound<'py, PyList>,
        values: PyReadonlyArray1<'py, f64>,
        times: Option<PyReadonlyArray1<'py, i64>>,
        observe: bool,
    ) -> PyResult<Option<SeenArrays<'py>>> {
        let values = values.as_slice()?;
        let times = times.as_ref().map(|times| times.as_slice()).transpose()?;
        check_lengths(keys.len(), values.len(), times)?;
        // Held here, so that they stay whatever becomes of the list while the interpreter's lock is given up.
        let keys = keys.iter().enumerate().map(|(at, key)| Ok(text(&key, at, "keys")?.clone()));
        let keys = keys.collect::<PyResult<Vec<Bound<'_, PyString>>>>()?;
        let names = keys.iter().map(|key| key.to_str()).collect::<PyResult<Vec<&str>>>()?;
        self.update_all(py, &Batch { values, times }, observe, |at| names[at])
    }

    /// Location, scale, score, samples, outliers and last time of a series.
    fn get(&self, py: Python<'_>, key: &str) -> Option<Values> {
        self.held(py).get(key).map(values)
    }

    /// The step that a series has learnt.
    fn step(&self, py: Python<'_>, key: &str) -> Option<f64> {
        self.held(py).step(key)
    }

    /// Removes a series.
    fn remove(&self, py: Python<'_>, key: &str) -> Option<Values> {
        self.held(py).remove(key).map(values)
    }

    /// Removes every series that is idle.
    fn expire(&self, py: Python<'_>) -> usize {
        self.held(py).expire()
    }

    fn __len__(&self, py: Python<'_>) -> usize {
        self.held(py).len()
    }

    /// The names of all series.
    fn keys(&self, py: Python<'_>) -> Vec<String> {
        let series = self.held(py);
        let mut keys = Vec::with_capacity(series.len());
        series.each(&mut |key, _| keys.push(key.to_owned()));
        keys
    }

    /// Location, scale, score, samples, outliers and last time of all series, in the order of their names.
    fn values(&self, py: Python<'_>) -> Vec<Values> {
        let series = self.held(py);
        let mut all = Vec::with_capacity(series.len());
        series.each(&mut |_, one| all.push(values(one)));
        all
    }

    /// Counts of everything that has happened, by name.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = self.held(py).counters();
        let counts = [
            ("created", counters.created),
            ("expired", counters.expired),
            ("evicted", counters.evicted),
            ("removed", counters.removed),
            ("samples", counters.samples),
            ("missing", counters.missing),
            ("late", counters.late),
            ("full", counters.full),
            ("outliers", counters.outliers),
            ("reopenings", counters.reopenings),
        ];
        let all = PyDict::new(py);
        for (name, count) in counts {
            all.set_item(name, count)?;
        }
        Ok(all)
    }

    /// The state of all series as a snapshot.
    fn to_bytes<'py>(&self, py: Python<'py>, note: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = py.detach(|| self.locked().write(note)).map_err(|error| error::writing(&error))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Replaces the state of all series by that of a snapshot.
    fn read(&self, py: Python<'_>, bytes: &[u8], converts: bool) -> PyResult<()> {
        py.detach(|| self.locked().read(bytes, converts)).map_err(error::snapshot)
    }

    /// Adds the series of a snapshot.
    fn add(&self, py: Python<'_>, bytes: &[u8]) -> PyResult<usize> {
        py.detach(|| self.locked().add(bytes)).map_err(error::snapshot)
    }

    /// The state of one series, without its key.
    fn save_series<'py>(&self, py: Python<'py>, key: &str) -> Option<Bound<'py, PyBytes>> {
        self.held(py).save_series(key).map(|bytes| PyBytes::new(py, &bytes))
    }

    /// Puts a series that was saved under a key, and returns whether it is new.
    fn restore_series(&self, py: Python<'_>, key: &str, bytes: &[u8]) -> PyResult<bool> {
        self.held(py).restore_series(key, bytes).map_err(error::snapshot)
    }

    fn __copy__(&self, py: Python<'_>) -> Self {
        Self { rule: self.rule.clone(), limits: self.limits, series: Mutex::new(self.held(py).copy()) }
    }
}

fn check_lengths(keys: usize, values: usize, times: Option<&[i64]>) -> PyResult<()> {
    if keys != values {
        return Err(value(format!("values has length {values}, and keys has {keys}")));
    }
    match times.map(<[i64]>::len) {
        Some(times) if times != values => Err(value(format!("times has length {times}, and values has {values}"))),
        _ => Ok(()),
    }
}

/// The kind, format, element type, rule, number of channels and note of a snapshot.
type Info = (String, u32, &'static str, Option<Rule>, Vec<(String, Vec<(String, f64)>)>, u64, Vec<u8>);

/// Reads what a snapshot says of itself, and checks that it is whole.
#[pyfunction]
pub(crate) fn snapshot_info(bytes: &[u8]) -> PyResult<Info> {
    let info = SnapshotInfo::of(bytes).map_err(error::snapshot)?;
    let lane = if info.lane == "f32" { "float32" } else { "float64" };
    let rule = match info.rules.as_slice() {
        [rule] => Rule::of_snapshot(rule).ok(),
        _ => None,
    };
    let rules = info.rules.into_iter().map(|rule| (rule.name, rule.parameters)).collect();
    Ok((format!("{:?}", info.kind), info.format, lane, rule, rules, info.channels, info.note))
}
