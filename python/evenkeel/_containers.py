"""Containers of samples, taken apart into numpy's arrays, and results put into what came in.

Whoever teaches evenkeel another container appends a function to `UNPACKERS`: it returns None for what it does not know, else the
values as an array of float32 or float64 with NaN for what is missing, and a function that makes of an array of results the
container that came in. `KEY_UNPACKERS` are the same for columns of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core


class Unpacked(NamedTuple):
    """Samples, and the way back."""

    values: NDArray[Any]
    """float32 or float64, C- or F-contiguous, NaN for what is missing."""
    wrap: Callable[[NDArray[Any]], Any]
    """Makes of results of the same shape what came in."""


class Keys(NamedTuple):
    """A key for each row."""

    codes: NDArray[np.int64]
    """The number of each row's key."""
    categories: Any
    """The keys, in the order of their numbers."""


#: For containers other than numpy's.
UNPACKERS: list[Callable[[object, str], Unpacked | None]] = []
#: For columns of keys other than numpy's.
KEY_UNPACKERS: list[Callable[[object, str], Keys | None]] = []

#: What to do about a missing key. pandas' groupby leaves such rows out, polars' over makes a group of them: neither is guessed.
REMEDY = 'every row needs its key: leave such rows out, or give them a key of their own, such as ""'

_FLOAT64, _FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


def _as_it_is(results: NDArray[Any]) -> NDArray[Any]:
    return results


def unpack(x: object, name: str = "x") -> Unpacked:
    """Takes a container of samples apart."""
    if type(x) is not np.ndarray:
        for other in UNPACKERS:
            found = other(x, name)
            if found is not None:
                return found
        if isinstance(x, np.ma.MaskedArray):
            x = np.where(np.ma.getmaskarray(x), np.nan, floats(x.data, name))
    return Unpacked(floats(as_array(x, name), name), _as_it_is)


def unpack_column(x: object, name: str) -> Unpacked:
    """Takes a container of one column apart, that of an array or of a Series."""
    found: Any = unpack(x, name)
    if not isinstance(found, Unpacked):
        found.values  # noqa: B018 # raises for an expression, which has none
        raise ValueError(f"{name} must be one column, not a {type(x).__name__}")
    return found


def as_array(x: object, name: str) -> NDArray[Any]:
    """An array of what numpy takes for one."""
    try:
        return np.asarray(x)
    except ValueError as error:
        raise ValueError(f"{name} must be an array, and numpy makes none of it: {error}") from error


def unmasked(x: object, name: str, remedy: str) -> None:
    """Raises if a masked array lacks something."""
    if isinstance(x, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(x)
        if mask.any():
            raise ValueError(f"{name}[{int(mask.argmax())}] is masked: {remedy}")


def floats(array: NDArray[Any], name: str) -> NDArray[Any]:
    """The numbers of an array as float32 or float64 that the core can share: the array itself wherever that is possible."""
    dtype = array.dtype
    if dtype.kind == "f":
        dtype = _FLOAT32 if dtype.itemsize <= 4 else _FLOAT64
    elif dtype.kind in "biu":
        dtype = _FLOAT64
    else:
        remedy = f": convert it first, such as numpy.asarray({name}, dtype=float)" if dtype.kind in "OUST" else ""
        raise TypeError(f"{name} must be of real numbers, not of dtype {dtype}{remedy}")
    if array.ndim not in (1, 2):
        raise ValueError(f"{name} must have one dimension or two, not {array.ndim}")
    flags = array.flags
    if array.dtype == dtype and flags.aligned and (flags.c_contiguous or flags.f_contiguous):
        return array
    return np.array(array, dtype=dtype, order="K")


def unpack_keys(keys: object, name: str) -> Keys:
    """Numbers the keys of a column by their first appearance."""
    for other in KEY_UNPACKERS:
        found = other(keys, name)
        if found is not None:
            return found
    if isinstance(keys, str):
        raise TypeError(f"{name} must be a column of keys, not a string: of a frame give the column itself, such as frame[{keys!r}]")
    unmasked(keys, name, REMEDY)
    array = as_array(keys, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {array.ndim}")
    if not array.size:
        return Keys(np.empty(0, dtype=np.int64), array)
    if array.dtype.kind == "O":
        array = whole(array)
    kind = array.dtype.kind
    if kind in "bi" or kind == "u" and array.dtype.itemsize < 8:
        codes, first = _core.factorize_integers(np.ascontiguousarray(array, dtype=np.int64))
    elif kind == "u":
        codes, first = _core.factorize_integers(np.ascontiguousarray(array, dtype=np.uint64).view(np.int64))
    elif kind == "U":
        wide = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))
        letters = wide.view(np.uint32).reshape(len(array), array.dtype.itemsize // 4)
        codes, first = _core.factorize_wide(letters)
    elif kind in "OT":
        codes, first = _core.factorize_strings(array.tolist(), name)
    else:
        raise TypeError(f"{name} must be of strings or integers, not of dtype {array.dtype}")
    return Keys(codes, array[first])


def whole(keys: NDArray[Any]) -> NDArray[Any]:
    """Objects that are all integers as an array of integers; others as they are."""
    if not all(type(key) is int or isinstance(key, np.integer) and not isinstance(key, np.timedelta64) for key in keys):
        return keys
    try:
        return keys.astype(np.int64)
    except OverflowError:
        return keys


#: For columns of times other than numpy's: they return an array of datetime64, or None.
TIME_UNPACKERS: list[Callable[[object], NDArray[Any] | None]] = []


def unpack_times(times: object) -> object:
    """Takes a column of times apart."""
    for other in TIME_UNPACKERS:
        found = other(times)
        if found is not None:
            return found
    return times
