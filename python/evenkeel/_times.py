"""Times and durations in any of Python's and numpy's types, as whole nanoseconds: the unit is read from the type, never guessed."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _containers, _core

_NANOSECONDS = {
    "W": 7 * 86_400 * 10**9,
    "D": 86_400 * 10**9,
    "h": 3_600 * 10**9,
    "m": 60 * 10**9,
    "s": 10**9,
    "ms": 10**6,
    "us": 10**3,
    "ns": 1,
}
_FINER = {"ps": 10**3, "fs": 10**6, "as": 10**9}
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_LARGEST = 2**63 - 1


def _scaled(number: int, unit: tuple[str, int], name: str) -> int:
    """Nanoseconds in so many of a unit of numpy."""
    code, steps = unit
    if code in _NANOSECONDS:
        return number * steps * _NANOSECONDS[code]
    if code in _FINER:
        whole, rest = divmod(number * steps, _FINER[code])
        if rest:
            raise ValueError(f"{name} must be a whole number of nanoseconds, not {number * steps} {code}")
        return whole
    raise TypeError(f"{name} must have a unit of fixed length, from weeks to nanoseconds, not {code!r}")


def _within(nanoseconds: int, name: str) -> int:
    if not -_LARGEST <= nanoseconds <= _LARGEST:
        raise ValueError(f"{name} must be within 292 years of 1970, in which nanoseconds are counted")
    return nanoseconds


def is_duration(value: object) -> bool:
    """Whether this is a stretch of time and no number."""
    return isinstance(value, (str, datetime.timedelta, np.timedelta64))


def duration(value: object, name: str) -> int:
    """Nanoseconds of a duration: `"5m"`, `datetime.timedelta`, `numpy.timedelta64`, `pandas.Timedelta`."""
    if isinstance(value, str):
        found = _core.duration(value)
        if found is None:
            raise ValueError(
                f"{name} must be a number of samples, or a number and a unit of time (ns, us, ms, s, m, h, d), such as 60 or "
                f'"5m", not {value!r}'
            )
        return found
    if isinstance(value, datetime.timedelta):
        return moment(value, name)
    if isinstance(value, np.timedelta64):
        return moment(value, name)
    raise TypeError(f"{name} must be a duration, not {type(value).__name__}")


def moment(value: Any, name: str) -> int:
    """Nanoseconds since 1970 of a time, or since any other moment of a `timedelta`. A time without a zone is UTC."""
    # pandas' Timestamp and Timedelta hold nanoseconds that datetime's attributes do not show.
    for convert in ("to_datetime64", "to_timedelta64"):
        if hasattr(value, convert):
            value = getattr(value, convert)()
    if isinstance(value, (np.datetime64, np.timedelta64)):
        if np.isnat(value):
            raise ValueError(f"{name} is NaT: a sample needs its time")
        return _within(_scaled(int(value.astype(np.int64)), np.datetime_data(value.dtype), name), name)
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        value = datetime.datetime.combine(value, datetime.time())
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=datetime.timezone.utc)
        value = value - _EPOCH
    if isinstance(value, datetime.timedelta):
        return _within((value.days * 86_400 + value.seconds) * 10**9 + value.microseconds * 1_000, name)
    if value is None:
        raise TypeError(f"{name} is None: a sample needs its time")
    raise TypeError(
        f"{name} must be a datetime, a numpy.datetime64, a pandas.Timestamp or a timedelta, whose units are known, not "
        f"{type(value).__name__}"
    )


def moments(times: object, name: str = "times") -> NDArray[np.int64]:
    """Nanoseconds of an array of times, or of a sequence of them."""
    if isinstance(times, str):
        raise TypeError(f"{name} must be a column of times, not a string: of a frame give the column itself, such as frame[{times!r}]")
    _containers.unmasked(times, name, "a sample needs its time")
    array = _containers.as_array(times, name)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, not {array.ndim}")
    if array.dtype.kind == "O":
        return np.array([moment(value, f"{name}[{at}]") for at, value in enumerate(array)], dtype=np.int64)
    if array.dtype.kind not in "mM":
        raise TypeError(
            f"{name} must be of dtype datetime64 or timedelta64, whose unit is known, not {array.dtype}: of numbers make it so, "
            f'such as {name}.astype("datetime64[ns]")'
        )
    unit = np.datetime_data(array.dtype)
    numbers = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("=")).view(np.int64)
    missing = np.isnat(array)
    if missing.any():
        raise ValueError(f"{name}[{int(missing.argmax())}] is NaT: a sample needs its time")
    if unit == ("ns", 1) or not numbers.size:
        return numbers
    # The largest and the smallest say whether all fit.
    for end in (numbers.min(), numbers.max()):
        _within(_scaled(int(end), unit, name), name)
    if unit[0] in _NANOSECONDS:
        return numbers * np.int64(unit[1] * _NANOSECONDS[unit[0]])
    return np.array([_scaled(int(number), unit, name) for number in numbers], dtype=np.int64)
