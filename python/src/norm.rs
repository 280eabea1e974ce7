//! The norm of many tensors together, with the same bits on every machine.

use crate::engine::{self, Lane};
use crate::error::value;
use evenkeel::sum_of_squares;
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

fn lent<'py, T: Lane>(tensor: &Bound<'py, PyArrayDyn<T>>) -> PyResult<PyReadonlyArrayDyn<'py, T>> {
    if !tensor.is_c_contiguous() || !tensor.data().is_aligned() {
        return Err(value("a tensor must be contiguous and aligned"));
    }
    tensor.try_readonly().map_err(|_| value("a tensor is being written to by another call"))
}

/// The root of the sum of the squares of all numbers of these arrays of float32 and float64, and of these squares: the same in
/// whichever order they are given.
#[pyfunction]
#[pyo3(signature = (tensors, squares=Vec::new()))]
#[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
pub(crate) fn norm(py: Python<'_>, tensors: Vec<Bound<'_, PyAny>>, squares: Vec<f64>) -> PyResult<f64> {
    let (mut singles, mut doubles) = (Vec::new(), Vec::new());
    for tensor in &tensors {
        if let Ok(tensor) = tensor.cast::<PyArrayDyn<f32>>() {
            singles.push(lent(tensor)?);
        } else if let Ok(tensor) = tensor.cast::<PyArrayDyn<f64>>() {
            doubles.push(lent(tensor)?);
        } else {
            return Err(PyTypeError::new_err("a tensor must be an array of float32 or float64"));
        }
    }
    let singles = singles.iter().map(|lent| Ok(lent.as_slice()?)).collect::<PyResult<Vec<_>>>()?;
    let doubles = doubles.iter().map(|lent| Ok(lent.as_slice()?)).collect::<PyResult<Vec<_>>>()?;
    let sum = |mut squares: Vec<f64>| {
        squares.extend(singles.iter().map(|numbers| sum_of_squares(numbers)));
        squares.extend(doubles.iter().map(|numbers| sum_of_squares(numbers)));
        squares.sort_unstable_by(f64::total_cmp);
        squares.into_iter().sum::<f64>().sqrt()
    };
    py.detach(|| {
        if !engine::is_forked() {
            return Ok(sum(squares));
        }
        // The pool's threads are the parent's.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        Ok(pool.map_err(|error| value(format!("no thread could be made: {error}")))?.install(|| sum(squares)))
    })
}
