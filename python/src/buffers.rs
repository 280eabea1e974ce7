//! Buffers of numpy as slices: samples to read, wherever they lie, and places to write to.

use crate::engine::{Lane, Layout};
use crate::error::value;
use evenkeel::Outputs;
use numpy::ndarray::IxDyn;
use numpy::{PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyReadwriteArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Samples of a numpy array of one or two dimensions, shared.
pub(crate) struct Samples<'py, T: Lane> {
    array: PyReadonlyArrayDyn<'py, T>,
    shape: Vec<usize>,
    is_fortran: bool,
    pub(crate) layout: Layout,
    pub(crate) channels: usize,
    /// Samples of each channel.
    pub(crate) length: usize,
}

impl<'py, T: Lane> Samples<'py, T> {
    /// Takes an array whose time goes along this axis.
    pub(crate) fn of(array: &Bound<'py, PyArrayDyn<T>>, axis: usize) -> PyResult<Self> {
        let shape = array.shape().to_vec();
        let is_fortran = array.is_fortran_contiguous() && !array.is_c_contiguous();
        let array = array.try_readonly().map_err(|_| value("x is being written to by another call"))?;
        let is_aligned = array.data().cast::<T>().is_aligned();
        if !is_aligned || !(array.is_c_contiguous() || is_fortran) {
            return Err(value("x must be contiguous and aligned: give numpy.ascontiguousarray(x)"));
        }
        let (length, channels) = match (shape.as_slice(), axis) {
            (&[length], 0) => (length, 1),
            (&[length, channels], 0) | (&[channels, length], 1) => (length, channels),
            _ => return Err(value(format!("x must have one dimension or two, not {}", shape.len()))),
        };
        let is_by_rows = shape.len() == 2 && channels > 1 && (axis == 0) != is_fortran;
        let layout = if is_by_rows { Layout::Rows } else { Layout::Series };
        Ok(Self { array, shape, is_fortran, layout, channels, length })
    }

    /// All samples in the order of the layout.
    pub(crate) fn slice(&self) -> PyResult<&[T]> {
        self.array.as_slice().map_err(|_| value("x must be contiguous: give numpy.ascontiguousarray(x)"))
    }
}

/// Arrays of scales, scores and outliers.
type More<'py, T> = (Bound<'py, PyArrayDyn<T>>, Bound<'py, PyArrayDyn<T>>, Bound<'py, PyArrayDyn<bool>>);

/// Arrays for what is reported of every sample.
pub(crate) struct Places<'py, T: Lane> {
    locations: Bound<'py, PyArrayDyn<T>>,
    more: Option<More<'py, T>>,
}

/// The arrays, borrowed to be written to.
pub(crate) struct Borrowed<'py, T: Lane> {
    locations: PyReadwriteArrayDyn<'py, T>,
    more: Option<(PyReadwriteArrayDyn<'py, T>, PyReadwriteArrayDyn<'py, T>, PyReadwriteArrayDyn<'py, bool>)>,
}

/// The name that numpy has for an element type.
fn numpy_name<T: Lane>() -> &'static str {
    if T::NAME == "f32" { "float32" } else { "float64" }
}

impl<'py, T: Lane> Places<'py, T> {
    /// Places of the shape and order of these samples.
    pub(crate) fn new(py: Python<'py>, samples: &Samples<'py, T>, everything: bool) -> Self {
        Self::shaped(py, &samples.shape, samples.is_fortran, everything)
    }

    /// The locations of these samples in an array that was given for them.
    pub(crate) fn given(out: &Bound<'py, PyAny>, samples: &Samples<'py, T>) -> PyResult<Self> {
        let Ok(locations) = out.cast::<PyArrayDyn<T>>() else {
            return Err(PyTypeError::new_err(format!(
                "out must be an array of {}, as what is computed",
                numpy_name::<T>()
            )));
        };
        if locations.shape() != samples.shape {
            let (got, expected) = (PyTuple::new(out.py(), locations.shape())?, PyTuple::new(out.py(), &samples.shape)?);
            return Err(value(format!("out has the shape {got}, and x {expected}: give numpy.empty_like(x)")));
        }
        let is_in_order =
            if samples.is_fortran { locations.is_fortran_contiguous() } else { locations.is_c_contiguous() };
        if !is_in_order || !locations.data().is_aligned() {
            return Err(value("out must be contiguous in the order of x and aligned: give numpy.empty_like(x)"));
        }
        if locations.try_readwrite().is_err() {
            return Err(value("out must be writeable, and share no memory with x or with what another call uses"));
        }
        Ok(Self { locations: locations.clone(), more: None })
    }

    /// Places of this shape and order of memory.
    pub(crate) fn shaped(py: Python<'py>, shape: &[usize], is_fortran: bool, everything: bool) -> Self {
        let floats = || PyArrayDyn::zeros(py, IxDyn(shape), is_fortran);
        let more = everything.then(|| (floats(), floats(), PyArrayDyn::zeros(py, IxDyn(shape), is_fortran)));
        Self { locations: floats(), more }
    }

    pub(crate) fn borrow(&self) -> Borrowed<'py, T> {
        let more = self.more.as_ref();
        Borrowed {
            locations: self.locations.readwrite(),
            more: more.map(|(scales, scores, outliers)| (scales.readwrite(), scores.readwrite(), outliers.readwrite())),
        }
    }

    /// The locations, or a tuple of locations, scales, scores and outliers.
    pub(crate) fn into_any(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.more {
            None => Ok(self.locations.into_any()),
            Some((scales, scores, outliers)) => {
                let all = [self.locations.into_any(), scales.into_any(), scores.into_any(), outliers.into_any()];
                Ok(PyTuple::new(py, all)?.into_any())
            }
        }
    }
}

impl<T: Lane> Borrowed<'_, T> {
    /// The places as slices, in the order of memory.
    pub(crate) fn outputs(&mut self) -> PyResult<Outputs<'_, T>> {
        let refused = |_| value("an output is not contiguous");
        let mut outputs =
            Outputs { locations: Some(self.locations.as_slice_mut().map_err(refused)?), ..Outputs::default() };
        if let Some((scales, scores, outliers)) = &mut self.more {
            outputs.scales = Some(scales.as_slice_mut().map_err(refused)?);
            outputs.scores = Some(scores.as_slice_mut().map_err(refused)?);
            outputs.outliers = Some(outliers.as_slice_mut().map_err(refused)?);
        }
        Ok(outputs)
    }
}

/// Takes the first places off the front.
pub(crate) fn take_front<'a, T>(outputs: &mut Outputs<'a, T>, count: usize) -> Outputs<'a, T> {
    fn front<'a, U>(places: &mut Option<&'a mut [U]>, count: usize) -> Option<&'a mut [U]> {
        let (before, from) = places.take()?.split_at_mut(count);
        *places = Some(from);
        Some(before)
    }
    Outputs {
        locations: front(&mut outputs.locations, count),
        scales: front(&mut outputs.scales, count),
        scores: front(&mut outputs.scores, count),
        outliers: front(&mut outputs.outliers, count),
    }
}
