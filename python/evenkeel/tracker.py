"""`Tracker`: named series that come and go, in constant memory each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _containers, _core, _rule, _times
from ._rule import HalfLife, Resolution
from .columns import Tracked


class Update(NamedTuple):
    """The verdict on one sample, and the estimates of its series after it."""

    location: float
    """The running mean; NaN before the first sample."""
    scale: float
    """The running mean size of the residuals; NaN before the first sample."""
    score: float
    """The sample's residual over the scale before it; NaN where it is missing or one of the first five."""
    accepted: bool
    """Whether the sample counted: it was not missing, and no infinity where a series was to begin."""
    outlier: bool
    """Whether the sample was an outlier."""
    reopened: bool
    """Whether the estimate started anew with this sample."""


class Series(NamedTuple):
    """The state of one series."""

    location: float
    """The running mean; NaN before the first sample."""
    scale: float
    """The running mean size of the residuals; NaN before the first sample."""
    score: float
    """The score of the last sample; NaN while there is none."""
    samples: int
    """The number of samples; missing ones do not count."""
    outliers: int
    """The number of outliers among them."""
    last: np.datetime64 | None
    """The time of the last sample; None where none had one."""


class Counters(NamedTuple):
    """Counts of everything that has happened: every sample is one of `samples`, `missing`, `late` and `full`, and
    `created == len(tracker) + expired + evicted + removed`."""

    created: int
    expired: int
    evicted: int
    removed: int
    samples: int
    missing: int
    late: int
    full: int
    outliers: int
    reopenings: int


#: What to do about keys that are no strings.
_NAMES = "name the series, keys.astype(str) of an array or [str(key) for key in keys]"


def _check_key(key: object, name: str) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{name} must be a string, not {type(key).__name__}: name the series, such as str(key)")


def _in_utf8(update: Callable[[], Any]) -> Any:
    """Runs an update, whose names have to be text that UTF-8 can hold: a half of a surrogate pair is none."""
    try:
        return update()
    except UnicodeEncodeError as error:
        raise ValueError(f"keys must be text, and {error.object!r} is none: {error.reason}") from None


def _series(values: tuple[Any, ...]) -> Series:
    last = values[5]
    return Series._make((*values[:5], None if last is None else np.datetime64(last, "ns")))


class Tracker:
    """Robust location and scale of named series that come and go.

    A series begins with its first sample. It costs some 90 to 110 bytes beside its name, and nothing is ever done to all series
    at once.

    Parameters
    ----------
    half_life, span, com, alpha, preset, resolution, patience, clip, reject, scale_clip
        The rule of all series, as in `evenkeel.track`; `preset` is `"clean"`, `"robust"` or `"mean"`. With a `half_life` that is a
        time, every sample needs its time.
    max_idle
        The longest that a series may be without a sample before it is removed: a time, such as `"1d"`, by the times of the
        samples, or a number of samples of other series. By default none is removed.
    max_series, overflow
        The most series there may be, and what happens to one more: `"refuse"` raises `TooManySeriesError`, `"evict"` removes the one
        that has been idle the longest.

    Raises
    ------
    ValueError, TypeError
        An argument is none that is described here; the message names it.

    Examples
    --------
    >>> import evenkeel
    >>> tracker = evenkeel.Tracker(half_life=60)
    >>> for n in range(50):
    ...     seen = tracker.update("cpu", 5 + n % 3)
    >>> tracker.update("cpu", 1e6).outlier
    True
    >>> round(tracker["cpu"].location, 1)
    6.0
    >>> evenkeel.Tracker.from_bytes(tracker.to_bytes())["cpu"] == tracker["cpu"]
    True
    """

    __slots__ = ("_core", "_limits")

    def __init__(
        self,
        *,
        half_life: HalfLife | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
        preset: Literal["clean", "robust", "mean"] = "clean",
        resolution: Resolution = "auto",
        patience: int | None = None,
        clip: float | None = None,
        reject: Any = None,
        scale_clip: float | None = None,
        max_idle: HalfLife | None = None,
        max_series: int | None = None,
        overflow: Literal["refuse", "evict"] = "refuse",
    ) -> None:
        rule = _rule.make(preset, half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
        self._begin(rule, max_idle, max_series, overflow)

    def _begin(self, rule: _core.Rule, max_idle: Any, max_series: Any, overflow: Any) -> None:
        limits: dict[str, Any] = {}
        if max_idle is not None:
            if _times.is_duration(max_idle):
                limits["idle_ns"] = _times.duration(max_idle, "max_idle")
                if limits["idle_ns"] < 0:
                    raise ValueError(f"max_idle must not be below zero, not {max_idle!r}")
            else:
                limits["idle_samples"] = _count(max_idle, "max_idle", 0)
        if max_series is not None:
            limits["max_series"] = _count(max_series, "max_series", 1)
        if not isinstance(overflow, str) or overflow not in ("refuse", "evict"):
            raise ValueError(f'overflow must be "refuse" or "evict", not {overflow!r}')
        limits["evicts"] = overflow == "evict"
        self._limits = limits
        self._core = _core.Tracker(rule, **limits)

    def update(self, key: str, value: float, time: Any = None) -> Update:
        """Updates one series with a sample, taken at `time` if that is given: a datetime, a `numpy.datetime64`, a
        `pandas.Timestamp`, or a timedelta since any moment. NaN is a missing sample.

        Raises
        ------
        LateSampleError
            The sample is older than the last of its series. Twelve such in a row are refused; the next one counts, because it is the
            clock that has been set back.
        TooManySeriesError
            The series would be one too many.
        """
        moment = None if time is None else _times.moment(time, "time")
        try:
            return Update(*self._core.update(key, value, moment))
        except (OverflowError, TypeError):
            _check_key(key, "key")
            raise _rule.no_number(value, "value") from None

    def update_batch(self, keys: Any, values: Any, times: Any = None) -> None:
        """Updates many series with a sample each, in order; a series may come more than once.

        `keys` are strings: a list, an array of any dtype for strings, a categorical. Integers are refused: name the series first,
        `keys.astype(str)`, and most cheaply by `update_codes`, if there is a table of names. Samples that are refused, being late or of one
        series too many, are counted in `counters` and passed over. Ctrl-C leaves what came before it taken.

        Raises
        ------
        ValueError, TypeError
            The lengths differ, a key is no string, or times are missing where they are needed. Nothing has changed.
        """
        self._batch(keys, values, times, False)

    def observe_batch(self, keys: Any, values: Any, times: Any = None) -> Tracked:
        """Updates as `update_batch` does, and returns location, scale, score and outlier for each sample: arrays of float64 and
        bool. A sample that is refused has the location and the scale of its series as they stand."""
        return Tracked(*self._batch(keys, values, times, True))

    def _batch(self, keys: Any, values: Any, times: Any, observe: bool) -> Any:
        samples = _containers.unpack(values, "values").values
        if samples.ndim != 1:
            raise ValueError(f"values must have one dimension, not {samples.ndim}")
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        moments = None if times is None else _times.moments(_containers.unpack_times(times))
        if isinstance(keys, np.ndarray) and keys.dtype.kind == "O" and keys.ndim == 1:
            keys = keys.tolist()
        if isinstance(keys, list):
            return _in_utf8(lambda: self._core.update_names(keys, samples, moments, observe))
        codes, categories = _containers.unpack_keys(keys, "keys")
        names = list(categories)
        for name in names:
            if not isinstance(name, str):
                raise TypeError(f"keys must be strings, not of type {type(name).__name__}: {_NAMES}")
        return _in_utf8(lambda: self._core.update_codes(codes, names, samples, moments, observe))

    def update_codes(self, codes: Any, categories: Any, values: Any, times: Any = None) -> None:
        """Updates as `update_batch` does, with keys given as numbers: the key of a sample is `categories[code]`."""
        _containers.unmasked(codes, "codes", "every sample needs its key")
        numbers = _containers.as_array(codes, "codes")
        if numbers.dtype.kind not in "iu":
            raise TypeError(f"codes must be integers, not of dtype {numbers.dtype}")
        if numbers.dtype == np.uint64 and numbers.size and numbers.max() >= 2**63:
            raise ValueError(f"codes must be below the number of categories, and one is {numbers.max()}")
        if numbers.ndim != 1:
            raise ValueError(f"codes must have one dimension, not {numbers.ndim}")
        if isinstance(categories, (str, bytes)):
            raise TypeError(f"categories must be a list of strings, not {type(categories).__name__}")
        names = list(categories)
        if not set(map(type, names)) <= {str}:  # of many names the fastest look
            for at, name in enumerate(names):
                _check_key(name, f"categories[{at}]")
        samples = _containers.unpack(values, "values").values
        if samples.ndim != 1:
            raise ValueError(f"values must have one dimension, not {samples.ndim}")
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        moments = None if times is None else _times.moments(_containers.unpack_times(times))
        whole = np.ascontiguousarray(numbers, dtype=np.int64)
        _in_utf8(lambda: self._core.update_codes(whole, names, samples, moments, False))

    def get(self, key: str, default: Any = None) -> Any:
        """The state of a series, or `default` if there is no such series."""
        found = self._core.get(key)
        return default if found is None else _series(found)

    def __getitem__(self, key: str) -> Series:
        found = self._core.get(key)
        if found is None:
            raise KeyError(key)
        return _series(found)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._core.get(key) is not None

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Iterator[str]:
        return iter(self._core.keys())

    def __delitem__(self, key: str) -> None:
        if self._core.remove(key) is None:
            raise KeyError(key)

    def pop(self, key: str) -> Series:
        """Removes a series and returns its state."""
        found = self._core.remove(key)
        if found is None:
            raise KeyError(key)
        return _series(found)

    def keys(self) -> list[str]:
        """The names of all series, in order of appearance; when one goes, the last takes its place."""
        return self._core.keys()

    def values(self) -> list[Series]:
        """The states of all series, in the order of their names."""
        return [_series(found) for found in self._core.values()]

    def items(self) -> list[tuple[str, Series]]:
        """The names and states of all series."""
        return list(zip(self.keys(), self.values(), strict=True))

    def table(self) -> dict[str, Any]:
        """The states of all series as columns, by name: what `pandas.DataFrame` and `polars.DataFrame` make a frame of.

        >>> import evenkeel
        >>> tracker = evenkeel.Tracker(half_life=60)
        >>> tracker.update_batch(["a", "b", "a"], [1.0, 5.0, 2.0])
        >>> tracker.table()["key"], tracker.table()["samples"].tolist()
        (['a', 'b'], [2, 1])
        """
        series = self._core.values()
        columns = list(zip(*series, strict=True)) if series else [()] * 6
        last = [np.iinfo(np.int64).min if time is None else time for time in columns[5]]
        return {
            "key": self._core.keys(),
            "location": np.array(columns[0], dtype=np.float64),
            "scale": np.array(columns[1], dtype=np.float64),
            "score": np.array(columns[2], dtype=np.float64),
            "samples": np.array(columns[3], dtype=np.uint64),
            "outliers": np.array(columns[4], dtype=np.uint64),
            "last": np.array(last, dtype=np.int64).view("datetime64[ns]"),
        }

    def step(self, key: str) -> float | None:
        """The step that a series has learnt with `resolution="auto"`: 1, 0.1 and so on to 1e-6, or 0 where its samples are
        continuous; None if there is no such series."""
        return self._core.step(key)

    def expire(self) -> int:
        """Removes every series that is idle, and returns their number. Samples do that by and by."""
        return self._core.expire()

    @property
    def counters(self) -> Counters:
        """Counts of everything that has happened."""
        return Counters(**self._core.counters())

    def to_bytes(self, note: bytes = b"") -> bytes:
        """The state of all series, counters and a note of at most half a mebibyte as a snapshot of the library, the same bytes on
        any machine: what `evenkeel pipe --state` reads. Limits are not in it."""
        return self._core.to_bytes(note)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        *,
        max_idle: HalfLife | None = None,
        max_series: int | None = None,
        overflow: Literal["refuse", "evict"] = "refuse",
    ) -> Tracker:
        """A tracker from a snapshot, with the rule that made it: of `to_bytes`, of `evenkeel pipe --state`, of the Rust library.

        Raises
        ------
        SnapshotError
            The bytes are no snapshot of a tracker with text for keys in float64, or they are damaged.
        """
        tracker = cls.__new__(cls)
        tracker._begin(snapshot_rule(data), max_idle, max_series, overflow)
        tracker._core.read(data, False)
        return tracker

    def load(self, data: bytes, *, convert: bool = False) -> None:
        """Replaces the series, counters and clock by those of a snapshot. With `convert` it may have been made with other
        parameters of the same rule, such as another half-life: each series goes on by these, from what it has seen.

        Raises
        ------
        SnapshotError
            As in `from_bytes`; or the snapshot is of another rule. Nothing has changed.
        """
        self._core.read(data, convert)

    def merge(self, data: bytes) -> int:
        """Adds the series of a snapshot of the same rule to those that are here, and returns their number.

        Raises
        ------
        SnapshotError
            As in `load`; or one of them is here already, or there would be too many. Nothing has changed.
        """
        return self._core.add(data)

    def save_series(self, key: str) -> bytes:
        """The state of one series as bytes of its own, without its key. They hold a
        fingerprint of the rule, and are what `restore_series` and `OneSeries` go on with. The series stays.

        Raises
        ------
        KeyError
            There is no such series.
        """
        data = self._core.save_series(key)
        if data is None:
            raise KeyError(key)
        return data

    def restore_series(self, key: str, data: bytes) -> bool:
        """Puts a series that was saved under a key, in place of the one that is there, and returns whether it is new here.

        Raises
        ------
        SnapshotError
            The bytes are no series of this rule, or damaged; or it would be one too many. Nothing has changed.
        """
        return self._core.restore_series(key, data)

    def copy(self) -> Tracker:
        """A tracker in the same state, which goes on by itself."""
        other = type(self).__new__(type(self))
        other._limits = dict(self._limits)
        other._core = self._core.__copy__()
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Tracker:
        return self.copy()

    def __getstate__(self) -> tuple[bytes, dict[str, Any]]:
        return (self.to_bytes(), self._limits)

    def __setstate__(self, state: tuple[bytes, dict[str, Any]]) -> None:
        data, self._limits = state
        self._core = _core.Tracker(snapshot_rule(data), **self._limits)
        self._core.read(data, False)

    def __repr__(self) -> str:
        return f"<evenkeel.Tracker of {len(self)} series, {self._core.rule!r}>"


def _count(value: Any, name: str, least: int) -> int:
    if isinstance(value, (bool, np.bool_, np.timedelta64)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    if value >= 2**63:
        raise ValueError(f"{name} must be below 2**63, not {value}")
    return int(value)


class SnapshotInfo(NamedTuple):
    """What a snapshot says of itself."""

    kind: str
    """`"Tracker"`, `"Bank"`, `"LossGuard"`, `"GradientGuard"` or `"Layer"`."""
    format: int
    """The format in which it was written."""
    dtype: str
    """`"float32"` or `"float64"`."""
    rules: list[tuple[str, dict[str, float]]]
    """The name and the parameters of its rule; more than one only in old snapshots that no rule of today goes on with."""
    channels: int
    """The number of series, channels, weights or tensors."""
    note: bytes
    """The note of its writer, such as how far the input had been read."""


def snapshot_info(data: bytes) -> SnapshotInfo:
    """What a snapshot says of itself; all of it is there and undamaged.

    >>> import evenkeel
    >>> info = evenkeel.snapshot_info(evenkeel.Tracker(alpha=0.1).to_bytes(b"line 7"))
    >>> info.kind, info.channels, info.note, info.rules[0][1]["gain"]
    ('Tracker', 0, b'line 7', 0.1)

    Raises
    ------
    SnapshotError
        The bytes are no snapshot, one of a later version, incomplete or damaged.
    """
    kind, form, dtype, _, rules, channels, note = _core.snapshot_info(data)
    return SnapshotInfo(kind, form, dtype, [(name, dict(parameters)) for name, parameters in rules], channels, bytes(note))


def snapshot_rule(data: bytes) -> _core.Rule:
    """The rule that a snapshot was made by."""
    rule, rules = _core.snapshot_info(data)[3:5]
    if rule is None:
        names = " and ".join(name for name, _ in rules)
        raise _core.SnapshotError(f"the snapshot was made by {names}, and there is no such rule in Python")
    return rule
