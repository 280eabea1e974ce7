//! [`Layer`]: the weights of a tensor and the state of its step, both in buffers of Python's, and the step of many of them.

use crate::engine::{self, Lane};
use crate::error::value;
use crate::learning_rate::{LearningRate, Swept};
use evenkeel::{LayerDescent, descend_layers as descend_together};
use numpy::{
    PyArray1, PyArray2, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArray1, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// The numbers that are remembered of a weight.
const COLUMNS: usize = 5;

/// A tensor that is trained: its weights, a row of numbers, and its state, five such rows. Neither is copied.
#[pyclass(frozen, module = "evenkeel._core")]
pub(crate) struct Layer {
    name: String,
    buffers: Buffers,
}

enum Buffers {
    F32(Views<f32>),
    F64(Views<f64>),
}

struct Views<T> {
    weights: Py<PyArray1<T>>,
    state: Py<PyArray2<T>>,
}

impl<T: Lane> Views<T> {
    fn new(name: &str, weights: &Bound<'_, PyArray1<T>>, state: &Bound<'_, PyAny>) -> PyResult<Self> {
        let Ok(state) = state.cast::<PyArray2<T>>() else {
            return Err(PyTypeError::new_err(format!(
                "{name}: the state must be an array of two dimensions, of the type of the weights"
            )));
        };
        if state.shape() != [COLUMNS, weights.len()] {
            return Err(value(format!(
                "{name}: the state has shape {:?}, not {:?}",
                state.shape(),
                [COLUMNS, weights.len()]
            )));
        }
        let aligned = weights.data().is_aligned() && state.data().is_aligned();
        if !(aligned && weights.is_c_contiguous() && state.is_c_contiguous()) {
            return Err(value(format!("{name}: weights and state must be contiguous and aligned")));
        }
        Ok(Self { weights: weights.clone().unbind(), state: state.clone().unbind() })
    }
}

#[pymethods]
impl Layer {
    /// Makes a layer of writable, contiguous arrays of float32 or float64: n weights, and a state of five rows of n.
    #[new]
    fn new(name: String, weights: &Bound<'_, PyAny>, state: &Bound<'_, PyAny>) -> PyResult<Self> {
        let buffers = if let Ok(weights) = weights.cast::<PyArray1<f32>>() {
            Buffers::F32(Views::new(&name, weights, state)?)
        } else if let Ok(weights) = weights.cast::<PyArray1<f64>>() {
            Buffers::F64(Views::new(&name, weights, state)?)
        } else {
            return Err(PyTypeError::new_err(format!(
                "{name}: the weights must be float32 or float64, of one dimension"
            )));
        };
        Ok(Self { name, buffers })
    }
}

/// The smoothed layer mean, the bias-corrected average: `value += gain (mean - value)` with `gain = (1 - beta) / (1 - beta^t)`,
/// which is 1 at first and then `gain / (gain + beta)`.
#[derive(Clone, Copy, Debug)]
struct Mean {
    value: f64,
    gain: f64,
}

impl Mean {
    fn smooth(&mut self, mean: f64, beta: Option<f64>) -> f64 {
        self.gain = if self.gain == 0.0 { 1.0 } else { self.gain / (self.gain + beta.unwrap_or(0.0)) };
        self.value = if self.gain >= 1.0 { mean } else { self.value + self.gain * (mean - self.value) };
        self.value
    }
}

/// The buffers of one tensor, borrowed for a step.
struct Lent<'a, 'py, T: Lane> {
    layer: &'a Layer,
    rule: &'a LearningRate,
    /// The position of the tensor in the call.
    place: usize,
    weights: PyReadwriteArray1<'py, T>,
    state: PyReadwriteArray2<'py, T>,
    gradient: PyReadonlyArrayDyn<'py, T>,
    /// The gradient, where it lies in memory that the step writes to.
    copy: Option<Vec<T>>,
    step: u64,
    factor: f64,
    mean: Mean,
}

/// A stretch of memory that is written to.
#[derive(Clone, Copy)]
struct Written<'a> {
    from: usize,
    to: usize,
    layer: &'a Layer,
}

fn stretch<T>(data: *const T, count: usize) -> (usize, usize) {
    (data.addr(), data.addr().saturating_add(count.saturating_mul(size_of::<T>())))
}

impl<'a, T: Lane + Swept> Lent<'a, '_, T> {
    fn written(&self) -> [Written<'a>; 2] {
        let (weights, state) =
            (stretch(self.weights.data(), self.weights.len()), stretch(self.state.data(), self.state.len()));
        [weights, state].map(|(from, to)| Written { from, to, layer: self.layer })
    }

    /// Copies the gradient if it lies in memory that is written to; `written` is in order.
    fn set_apart(&mut self, written: &[Written<'_>]) -> PyResult<()> {
        let (from, to) = stretch(self.gradient.data(), self.gradient.len());
        let next = written.partition_point(|other| other.to <= from);
        if written.get(next).is_some_and(|other| other.from < to) {
            self.copy = Some(self.gradient.as_slice()?.to_vec());
        }
        Ok(())
    }

    /// The step of this tensor, which nothing keeps from being made.
    fn descent(&mut self) -> PyResult<LayerDescent<'_, T, impl FnOnce(T) -> T + Send>> {
        let name = &self.layer.name;
        let sweep = T::sweep(self.rule).map_err(|reason| value(format!("{name}: {reason}")))?;
        let weights = self.weights.as_slice_mut()?;
        let (count, mut rows) = (weights.len(), self.state.as_slice_mut()?);
        let state: [&mut [T]; COLUMNS] = std::array::from_fn(|_| {
            let (row, others) = std::mem::take(&mut rows).split_at_mut(count);
            rows = others;
            row
        });
        let gradient = match &self.copy {
            Some(copy) => copy,
            None => self.gradient.as_slice()?,
        };
        let (mean, factor, beta) = (&mut self.mean, self.factor, self.rule.mean_beta);
        let rate = move |found: T| T::from_f64(factor * mean.smooth(found.to_f64(), beta));
        LayerDescent::new(sweep, state, weights, gradient, self.step, rate)
            .map_err(|error| value(format!("{name}: {error}")))
    }
}

/// Borrows the buffers of a tensor.
fn lend<'a, 'py, T: Lane>(
    call: &'a Step<'py>,
    place: usize,
    views: &Views<T>,
    gradient: &Bound<'py, PyAny>,
) -> PyResult<Lent<'a, 'py, T>> {
    let (layer, rule) = (call.layers[place].get(), call.rules[place].get());
    let py = gradient.py();
    let name = &layer.name;
    let Ok(gradient) = gradient.cast::<PyArrayDyn<T>>() else {
        return Err(PyTypeError::new_err(format!("{name}: its gradient has another type")));
    };
    let weights = views.weights.bind(py);
    if gradient.len() != weights.len() || !gradient.is_c_contiguous() || !gradient.data().is_aligned() {
        let (count, shape) = (weights.len(), gradient.shape());
        return Err(value(format!(
            "{name}: its gradient has shape {shape:?}, and is to be {count} numbers, contiguous and aligned"
        )));
    }
    let busy = || value(format!("{name}: its memory is lent to another call, or is not to be written to"));
    let (value, gain) = call.means[place];
    Ok(Lent {
        layer,
        rule,
        place,
        weights: weights.try_readwrite().map_err(|_| busy())?,
        state: views.state.bind(py).try_readwrite().map_err(|_| busy())?,
        gradient: gradient.try_readonly().map_err(|_| busy())?,
        copy: None,
        step: call.steps[place],
        factor: call.factors[place],
        mean: Mean { value, gain },
    })
}

/// What a step is called with: one of each for each tensor.
struct Step<'py> {
    layers: Vec<Bound<'py, Layer>>,
    rules: Vec<Bound<'py, LearningRate>>,
    factors: Vec<f64>,
    steps: Vec<u64>,
    means: Vec<(f64, f64)>,
}

/// Takes one step of many tensors, without the interpreter's lock: each along its gradient, at its factor times its smoothed mean.
/// Returns that mean, and its gain, of each tensor. Where there is an error, nothing has changed.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
pub(crate) fn descend_layers<'py>(
    py: Python<'py>,
    layers: Vec<Bound<'py, Layer>>,
    rules: Vec<Bound<'py, LearningRate>>,
    gradients: Vec<Bound<'py, PyAny>>,
    factors: Vec<f64>,
    steps: Vec<u64>,
    means: Vec<(f64, f64)>,
) -> PyResult<Vec<(f64, f64)>> {
    let count = layers.len();
    if [rules.len(), gradients.len(), factors.len(), steps.len(), means.len()] != [count; 5] {
        return Err(value("there must be one rule, gradient, factor, step and mean for each layer"));
    }
    let call = Step { layers, rules, factors, steps, means };
    let (mut singles, mut doubles) = (Vec::new(), Vec::new());
    for (place, gradient) in gradients.iter().enumerate() {
        match &call.layers[place].get().buffers {
            Buffers::F32(views) => singles.push(lend(&call, place, views, gradient)?),
            Buffers::F64(views) => doubles.push(lend(&call, place, views, gradient)?),
        }
    }
    let mut written: Vec<Written<'_>> =
        singles.iter().flat_map(Lent::written).chain(doubles.iter().flat_map(Lent::written)).collect();
    written.retain(|part| part.from < part.to);
    written.sort_unstable_by_key(|part| part.from);
    for pair in written.windows(2) {
        if let [before, after] = pair
            && after.from < before.to
        {
            let (one, other) = (&before.layer.name, &after.layer.name);
            return Err(value(format!(
                "{one} and {other} share memory: make them one Parameter, which both places use"
            )));
        }
    }
    singles.iter_mut().try_for_each(|lent| lent.set_apart(&written))?;
    doubles.iter_mut().try_for_each(|lent| lent.set_apart(&written))?;
    {
        let mut singles = singles.iter_mut().map(Lent::descent).collect::<PyResult<Vec<_>>>()?;
        let mut doubles = doubles.iter_mut().map(Lent::descent).collect::<PyResult<Vec<_>>>()?;
        py.detach(|| {
            descend_together(&mut singles, engine::threads());
            descend_together(&mut doubles, engine::threads());
        });
    }
    let mut means = call.means.clone();
    let done =
        singles.iter().map(|lent| (lent.place, lent.mean)).chain(doubles.iter().map(|lent| (lent.place, lent.mean)));
    for (place, mean) in done {
        if let Some(slot) = means.get_mut(place) {
            *slot = (mean.value, mean.gain);
        }
    }
    Ok(means)
}
