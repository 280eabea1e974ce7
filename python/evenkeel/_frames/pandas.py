"""Series, DataFrame, Index and arrays of pandas.

What comes out has the kind of dtype that came in: numpy's with NaN for what is missing, pandas' nullable ones with NA, Arrow's with
null. Rows are taken in their order, whatever the index says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .. import _containers
from .._containers import Keys, Unpacked, floats
from .parts import Frame

_MASKED = (pd.arrays.FloatingArray, pd.arrays.IntegerArray, pd.arrays.BooleanArray)


def unpack(x: Any, name: str) -> Unpacked | Frame | None:
    """Takes a Series, a DataFrame, an Index or an array apart."""
    if isinstance(x, pd.DataFrame):
        return _frame(x, name)
    if isinstance(x, pd.Series):
        values, wrap = column(x.array, name)
        return Unpacked(values, lambda results: pd.Series(wrap(results), index=x.index, name=x.name, copy=False))
    if isinstance(x, pd.Index):
        if isinstance(x, pd.MultiIndex):
            raise TypeError(f"{name} must be of real numbers, not a MultiIndex")
        values, wrap = column(x.array, name)
        return Unpacked(values, lambda results: pd.Index(wrap(results), name=x.name, copy=False))
    if isinstance(x, pd.api.extensions.ExtensionArray):
        values, wrap = column(x, name)
        is_numpy = isinstance(x, pd.arrays.NumpyExtensionArray)
        return Unpacked(values, pd.arrays.NumpyExtensionArray if is_numpy else wrap)
    raise TypeError(f"{name} must be a Series, a DataFrame, an Index or an array, not a {type(x).__module__}.{type(x).__name__}")


def _frame(frame: Any, name: str) -> Frame:
    whole = None
    kinds = set(frame.dtypes)
    if len(kinds) == 1 and kinds <= {np.dtype(np.float64), np.dtype(np.float32)}:
        # Columns that are one block of memory are shared so.
        whole = floats(frame.to_numpy(), name)
        columns = [Unpacked(whole[:, at], _as_it_is) for at in range(whole.shape[1])]
    else:
        columns = [column(frame.iloc[:, at].array, f"{name}[{label!r}]") for at, label in enumerate(frame.columns)]

    def assemble(results: list[Any]) -> Any:
        made = pd.DataFrame(dict(enumerate(results)), index=frame.index, copy=False)
        made.columns = frame.columns
        return made

    def together(found: NDArray[Any]) -> Any:
        made = pd.DataFrame(found, index=frame.index, copy=False)
        made.columns = frame.columns
        return made

    return Frame(columns, len(frame), assemble, whole, None if whole is None else together)


def _as_it_is(results: NDArray[Any]) -> NDArray[Any]:
    return results


def column(array: Any, name: str) -> Unpacked:
    """Takes an array of any dtype of pandas apart."""
    kind = array.dtype
    if isinstance(array, pd.arrays.NumpyExtensionArray) or isinstance(kind, np.dtype):
        return Unpacked(floats(array.to_numpy(), name), _as_it_is)
    if isinstance(array, _MASKED):
        wide = np.dtype(np.float32 if kind.numpy_dtype == np.float32 else np.float64)
        return Unpacked(floats(array.to_numpy(dtype=wide, na_value=np.nan), name), _nullable)
    if isinstance(kind, pd.ArrowDtype):
        from . import arrow

        found, wrap = arrow.column(array.__arrow_array__(), name)
        return Unpacked(found, lambda results: pd.arrays.ArrowExtensionArray(wrap(results)))
    if isinstance(kind, pd.SparseDtype):
        return Unpacked(floats(np.asarray(array), name), _as_it_is)
    raise TypeError(f"{name} must be of real numbers, not of dtype {kind}: leave it out, or convert it first")


def _nullable(results: NDArray[Any]) -> Any:
    """An array of pandas' own nullable dtypes, NA for NaN."""
    results = np.ascontiguousarray(results)
    if results.dtype.kind == "b":
        return pd.arrays.BooleanArray(results, np.zeros(results.shape, dtype=bool))
    return pd.arrays.FloatingArray(results, np.isnan(results))


def unpack_keys(keys: Any, name: str) -> Keys:
    """Numbers the keys of a column by their first appearance."""
    if isinstance(keys, (pd.DataFrame, pd.MultiIndex)):
        raise TypeError(f"{name} must be one column, not a {type(keys).__name__}: join its levels to one key first")
    codes, found = pd.factorize(keys)
    missing = codes < 0
    if missing.any():
        raise ValueError(f"{name}[{int(missing.argmax())}] is missing: {_containers.REMEDY}")
    categories = found.to_numpy() if hasattr(found, "to_numpy") else np.asarray(found)
    if categories.dtype.kind == "O":
        categories = _containers.whole(categories)
    if categories.dtype.kind == "O":
        for code, key in enumerate(categories):
            if not isinstance(key, str):
                at = int((codes == code).argmax())
                raise TypeError(f"{name} must all be strings or all integers, and {name}[{at}] is of type {type(key).__name__}")
    else:
        categories = _containers.unpack_keys(categories, name).categories
    return Keys(codes.astype(np.int64, copy=False), categories)


def unpack_times(times: Any) -> NDArray[Any]:
    """Times as datetime64 or timedelta64 of their own unit; those with a zone are instants of UTC."""
    kind = getattr(times, "dtype", None)
    if isinstance(kind, pd.DatetimeTZDtype):
        return np.asarray(times, dtype=f"datetime64[{kind.unit}]")
    if isinstance(kind, pd.PeriodDtype):
        raise TypeError("times must be moments, and periods are stretches of time: give times.to_timestamp() for their starts")
    if isinstance(kind, pd.ArrowDtype):
        from . import arrow

        array: Any = times if isinstance(times, pd.api.extensions.ExtensionArray) else times.array
        return arrow.unpack_times(array.__arrow_array__())
    if kind is None or isinstance(times, pd.MultiIndex):
        raise TypeError(f"times must be one column, not a {type(times).__name__}")
    return np.asarray(times)
