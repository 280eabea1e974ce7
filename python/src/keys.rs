//! Columns of keys as numbers: each key by its place in the order of first appearance.

use crate::error::value;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};
use std::hash::Hash;

/// The number of each key, and where each was first.
type Numbered<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// The keys that have been seen.
struct Numbers<K> {
    seen: HashMap<K, i64>,
    codes: Vec<i64>,
    first: Vec<i64>,
}

#[allow(clippy::cast_possible_wrap)] // there are fewer keys than bytes
impl<K: Hash + Eq> Numbers<K> {
    fn new(keys: usize) -> Self {
        Self { seen: HashMap::new(), codes: Vec::with_capacity(keys), first: Vec::new() }
    }

    fn add(&mut self, key: K) -> i64 {
        let code = match self.seen.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let code = self.first.len() as i64;
                self.first.push(self.codes.len() as i64);
                *new.insert(code)
            }
        };
        self.codes.push(code);
        code
    }

    /// Adds the key before once more.
    fn again(&mut self, code: i64) {
        self.codes.push(code);
    }

    fn arrays(self, py: Python<'_>) -> Numbered<'_> {
        (self.codes.into_pyarray(py), self.first.into_pyarray(py))
    }
}

/// Numbers integers.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
pub(crate) fn factorize_integers<'py>(py: Python<'py>, keys: PyReadonlyArray1<'py, i64>) -> PyResult<Numbered<'py>> {
    let keys = keys.as_slice()?;
    let numbers = py.detach(|| {
        let mut numbers = Numbers::new(keys.len());
        let mut before = None;
        for &key in keys {
            match before {
                // Runs of one key are common.
                Some((same, code)) if same == key => numbers.again(code),
                _ => before = Some((key, numbers.add(key))),
            }
        }
        numbers
    });
    Ok(numbers.arrays(py))
}

/// Numbers strings of numpy's fixed width, each a row of code points.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)] // arguments as Python gives them
pub(crate) fn factorize_wide<'py>(py: Python<'py>, letters: PyReadonlyArray2<'py, u32>) -> PyResult<Numbered<'py>> {
    let (rows, width) = (letters.shape()[0], letters.shape()[1]);
    let letters = letters.as_slice()?;
    let numbers = py.detach(|| {
        let mut numbers = Numbers::new(rows);
        let mut before: Option<(&[u32], i64)> = None;
        for row in 0..rows {
            let key = &letters[row * width..(row + 1) * width];
            match before {
                Some((same, code)) if same == key => numbers.again(code),
                _ => before = Some((key, numbers.add(key))),
            }
        }
        numbers
    });
    Ok(numbers.arrays(py))
}

/// Numbers strings.
#[pyfunction]
pub(crate) fn factorize_strings<'py>(
    py: Python<'py>,
    keys: &Bound<'py, PyList>,
    name: &str,
) -> PyResult<Numbered<'py>> {
    let mut numbers: Numbers<String> = Numbers::new(keys.len());
    let mut known: HashMap<usize, i64> = HashMap::new();
    for (at, key) in keys.iter().enumerate() {
        // Most columns hold few objects many times; the list holds them, so that no other takes their address.
        let address = key.as_ptr().addr();
        if let Some(&code) = known.get(&address) {
            numbers.again(code);
            continue;
        }
        let code = numbers.add(text(&key, at, name)?.to_str()?.to_owned());
        known.insert(address, code);
    }
    Ok(numbers.arrays(py))
}

/// The string that a key is; the error names the first key that is none.
pub(crate) fn text<'a, 'py>(key: &'a Bound<'py, PyAny>, at: usize, name: &str) -> PyResult<&'a Bound<'py, PyString>> {
    key.cast::<PyString>().map_err(|_| {
        let kind = key.get_type().name().map_or_else(|_| "something else".to_owned(), |name| name.to_string());
        // What libraries put where a key is missing.
        let missing = match kind.as_str() {
            "NoneType" => Some("None"),
            "NAType" => Some("NA"),
            "NaTType" => Some("NaT"),
            "float" | "float64" if key.extract::<f64>().is_ok_and(f64::is_nan) => Some("NaN"),
            _ => None,
        };
        if let Some(missing) = missing {
            return value(format!(
                "{name}[{at}] is {missing}: every row needs its key: leave such rows out, or give them a key of their own, such as \"\""
            ));
        }
        let rest = if name == "keys" { ": name the series, [str(key) for key in keys]" } else { " (or all be integers of 64 bits)" };
        PyTypeError::new_err(format!("{name} must all be strings, and {name}[{at}] is of type {kind}{rest}"))
    })
}
