"""`OneSeries`: a series by itself, for an engine that holds the state of each series; and snapshots in parts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np

from . import _containers, _core, _rule, _times
from ._rule import HalfLife, Resolution
from .columns import Tracked
from .tracker import Series, _check_key, _count, _in_utf8, _series, snapshot_rule


class OneSeries:
    """One series without a tracker: restored from bytes, updated and saved, again and again.

    For a stream engine that holds the state of each series in a store of its own. The bits are those of a `Tracker` that has
    neither `max_idle` nor `max_series`. Make one for each worker, not for each series: it can be copied and pickled, and goes on from
    its state. The parameters are those of `Tracker`.

    Raises
    ------
    ValueError, TypeError
        An argument is none that is described here; the message names it.

    Examples
    --------
    >>> import evenkeel
    >>> series, store = evenkeel.OneSeries(half_life=60, preset="robust"), {}
    >>> for key, samples in [("cpu", [42.0, 43.0]), ("disk", [5.0]), ("cpu", [42.5])]:
    ...     series.restore(store.get(key))
    ...     seen = series.update(samples)
    ...     store[key] = series.save()
    >>> len(store["cpu"]), seen.location.tolist()
    (78, [42.5])
    """

    __slots__ = ("_core", "late")

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
    ) -> None:
        self._core = _core.OneSeries(
            _rule.make(preset, half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
        )
        #: How many samples of the last update were late and refused.
        self.late = 0

    def restore(self, data: bytes | None) -> None:
        """Makes it the series that `save` or `Tracker.save_series` saved, or with None one without a sample.

        Raises
        ------
        SnapshotError
            The bytes are of another rule or other parameters, or damaged. Nothing has changed.
        """
        if data is None:
            self._core.begin()
        else:
            self._core.restore(data)

    def save(self) -> bytes:
        """The state as bytes: without the key, the same on every machine."""
        return self._core.save()

    def update(self, values: Any, times: Any = None) -> Tracked:
        """Updates it with samples, oldest first, and returns location, scale, score and outlier of each. NaN is a missing sample.
        Samples that are older than the last are refused and counted in `late`: of those the location and scale stand."""
        return self._update(values, times, None)

    def update_runs(self, values: Any, ends: Any, times: Any = None) -> Tracked:
        """Updates series that lie one behind the other, as in a table that is sorted by key and time, and returns location, scale,
        score and outlier of each sample.

        `ends[i]` is the place behind the last sample of series `i`. The first goes on where this one stands, the others begin, and this one
        is then the last: a series that is cut between two tables goes on in the second. `restore(None)` where none was cut.

        >>> import evenkeel
        >>> series = evenkeel.OneSeries(half_life=60)
        >>> series.update_runs([1.0, 2.0, 50.0], [2, 3]).location.tolist()    # a, a, b
        [1.0, 1.0, 50.0]
        >>> series.update_runs([52.0, 51.0, 7.0], [2, 3]).location.tolist()    # b, b, c
        [50.0, 51.0, 7.0]
        """
        ends = _containers.as_array(ends, "ends")
        if ends.ndim != 1 or ends.size and ends.dtype.kind not in "iu":
            raise TypeError(f"ends must be a column of integers, not of {ends.ndim} dimensions and dtype {ends.dtype}")
        return self._update(values, times, np.ascontiguousarray(ends, dtype=np.int64))

    def _update(self, values: Any, times: Any, ends: Any) -> Tracked:
        samples = _containers.unpack(values, "values").values
        if samples.ndim != 1:
            raise ValueError(f"values must have one dimension, not {samples.ndim}")
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        moments = None if times is None else _times.moments(_containers.unpack_times(times))
        *seen, self.late = self._core.update(samples, moments, ends)
        return Tracked(*seen)

    def get(self) -> Series:
        """The estimates, counters and last time of the series."""
        return _series(self._core.get())

    def copy(self) -> OneSeries:
        """A series in the same state, which goes on by itself."""
        other = type(self).__new__(type(self))
        other._core, other.late = self._core.__copy__(), self.late
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> OneSeries:
        return self.copy()

    def __getstate__(self) -> tuple[bytes, bytes, int]:
        # The state of the series has only a fingerprint of the rule, the snapshot of a tracker has all of it.
        return (_core.Tracker(self._core.rule).to_bytes(b""), self.save(), self.late)

    def __setstate__(self, state: tuple[bytes, bytes, int]) -> None:
        rule, data, self.late = state
        self._core = _core.OneSeries(snapshot_rule(rule))
        self._core.restore(data)

    def __repr__(self) -> str:
        return f"<evenkeel.OneSeries, {self._core.rule!r}>"


def key_hash(key: str) -> int:
    """The stable hash of a key, XXH64 of its UTF-8: its part of so many is `key_hash(key) % parts`.

    >>> import evenkeel
    >>> hex(evenkeel.key_hash(""))
    '0xef46db3751d8e999'
    """
    _check_key(key, "key")
    return int(_in_utf8(lambda: _core.key_hash(key)))


def split_snapshot(data: bytes, parts: int) -> list[bytes]:
    """The snapshot of a tracker as so many, each with the series whose `key_hash` modulo `parts` is its number.

    Raises
    ------
    SnapshotError
        The bytes are no snapshot of a tracker, or damaged; or there are more than 65,536 parts.
    """
    return _core.split_snapshot(data, _count(parts, "parts", 1))


def merge_snapshots(snapshots: Iterable[bytes], note: bytes = b"") -> bytes:
    """One snapshot of those of trackers of one rule that have no series in common. Counters are added.

    Raises
    ------
    SnapshotError
        There is none, one is damaged or of another rule, or two have a series of the same key.
    """
    return _core.merge_snapshots(list(snapshots), note)
