"""`Bank`: many channels of one rule, updated by rows; and `OnlineMean`, one series that goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from . import _containers, _core, _rule, _times
from ._rule import HalfLife, Preset, Resolution
from .columns import Tracked
from .tracker import _count, snapshot_rule


class Bank:
    """Robust location and scale of many channels, numbered from 0, updated by rows of one sample each.

    Parameters
    ----------
    channels
        The number of channels.
    half_life, span, com, alpha, preset, resolution, patience, clip, reject, scale_clip
        The rule of all channels, as in `evenkeel.track`. With a `half_life` that is a time, every row needs its time.
    dtype
        float64, or float32 for half of the memory. In float32 a location loses updates below half an ulp of it.

    Examples
    --------
    >>> import evenkeel, numpy as np
    >>> bank = evenkeel.Bank(3, half_life=60)
    >>> for n in range(100):
    ...     _ = bank.update([5 + n % 3, 100.0, np.nan])
    >>> bank.update([1e6, 100.0, np.nan]).outlier
    array([ True, False, False])
    >>> bank.locations.round(1)
    array([  6., 100.,  nan])
    """

    __slots__ = ("_core", "_dtype")

    def __init__(
        self,
        channels: int,
        *,
        half_life: HalfLife | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
        preset: Preset = "clean",
        resolution: Resolution = "auto",
        patience: int | None = None,
        clip: float | None = None,
        reject: Any = None,
        scale_clip: float | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        rule = _rule.make(preset, half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
        self._begin(rule, channels, dtype)

    def _begin(self, rule: _core.Rule, channels: Any, dtype: DTypeLike) -> None:
        self._dtype: np.dtype[Any] = np.dtype(dtype)
        if self._dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"dtype must be float32 or float64, not {self._dtype}")
        self._core = _core.Bank(rule, _count(channels, "channels", 0), self._dtype.itemsize == 4)

    def update(self, row: Any, time: Any = None) -> Tracked:
        """Updates every channel with one sample, taken at `time` where the half-life is one; returns location, scale, score and
        outlier of each. NaN is a missing sample.

        Raises
        ------
        ValueError, TypeError
            There is not one sample for each channel, the row is older than the one before, or a time is missing or has no meaning.
            Nothing has changed.
        """
        values = self._floats(row, "row")
        if values.ndim != 1:
            raise ValueError(f"row must have one dimension, not {values.ndim}: update_rows takes many rows")
        times = None if time is None else np.array([_times.moment(time, "time")], dtype=np.int64)
        found = self._core.update(values.reshape(1, -1), 0, times, True, True)
        return Tracked(*(one[0] for one in found))

    def update_rows(self, rows: Any, times: Any = None) -> None:
        """Updates every channel with many rows, oldest first: an array of shape (rows, channels), and a time for each row where the
        half-life is one. Columns that are contiguous in memory are read as they lie. Ctrl-C leaves the rows before it taken.

        Raises
        ------
        ValueError, TypeError
            As in `update`.
        """
        self._rows(rows, times, False, False)

    def locations_of(self, rows: Any, times: Any = None) -> NDArray[Any]:
        """Updates as `update_rows` does, and returns the location after each sample, of the shape of `rows`."""
        locations: NDArray[Any] = self._rows(rows, times, True, False)
        return locations

    def observe_rows(self, rows: Any, times: Any = None) -> Tracked:
        """Updates as `update_rows` does, and returns location, scale, score and outlier for each sample, of the shape of `rows`."""
        return Tracked(*self._rows(rows, times, True, True))

    def _rows(self, rows: Any, times: Any, reports: bool, everything: bool) -> Any:
        values = self._floats(rows, "rows")
        if values.ndim != 2:
            raise ValueError(f"rows must have two dimensions, not {values.ndim}: update takes one row")
        moments = None if times is None else _times.moments(_containers.unpack_times(times))
        return self._core.update(values, 0, moments, reports, everything)

    def _floats(self, x: Any, name: str) -> NDArray[Any]:
        return _containers.unpack(x, name).values.astype(self._dtype, copy=False)

    def __len__(self) -> int:
        return len(self._core)

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""
        return self._dtype

    @property
    def locations(self) -> NDArray[Any]:
        """The location of every channel; NaN for one that has seen nothing."""
        return self._core.readings()[0]

    @property
    def scales(self) -> NDArray[Any]:
        """The scale of every channel; NaN for one that has seen nothing, and for `preset="ema"`."""
        return self._core.readings()[1]

    @property
    def ages(self) -> NDArray[Any]:
        """The number of samples that each estimate rests on, up to the memory; 0 for a channel that has seen nothing."""
        return self._core.readings()[2]

    @property
    def last(self) -> np.datetime64 | None:
        """The time of the last row; None where rows have no times."""
        last = self._core.last
        return None if last is None else np.datetime64(last, "ns")

    def step(self, channel: int) -> float | None:
        """The step that a channel has learnt with `resolution="auto"`: 1, 0.1 and so on to 1e-6, or 0 where its samples are
        continuous."""
        return self._core.step(_count(channel, "channel", 0))

    def reset(self, channel: int) -> None:
        """Makes a channel one that has seen nothing."""
        self._core.reset(_count(channel, "channel", 0))

    def to_bytes(self) -> bytes:
        """The state of all channels as a snapshot of the library, the same bytes on any machine. The time of the last row is not in
        it: where the half-life is a time, save `last` beside it, or pickle the bank, which does.

        >>> import evenkeel, numpy as np
        >>> bank = evenkeel.Bank(1, half_life="5m")
        >>> _ = bank.update([20.0], np.datetime64("2024-05-01T12:00"))
        >>> evenkeel.Bank.from_bytes(bank.to_bytes(), last=bank.last).last
        np.datetime64('2024-05-01T12:00:00.000000000')
        """
        return self._core.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, *, last: Any = None) -> Bank:
        """A bank from a snapshot, with the rule that made it. Where the half-life is a time, `last` is that of the last row; without
        it the next row counts as if no time had passed.

        Raises
        ------
        SnapshotError
            The bytes are no snapshot of a bank, or they are damaged.
        """
        bank = cls.__new__(cls)
        bank._restore(data, None if last is None else _times.moment(last, "last"))
        return bank

    def _restore(self, data: bytes, last: int | None) -> None:
        self._begin(snapshot_rule(data), 0, _core.snapshot_info(data)[2])
        self._core.read(data)
        self._core.set_last(last)

    def copy(self) -> Bank:
        """A bank in the same state, which goes on by itself."""
        other = type(self).__new__(type(self))
        other._dtype, other._core = self._dtype, self._core.__copy__()
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> Bank:
        return self.copy()

    def __getstate__(self) -> tuple[bytes, int | None]:
        return (self.to_bytes(), self._core.last)

    def __setstate__(self, state: tuple[bytes, int | None]) -> None:
        self._restore(*state)

    def __repr__(self) -> str:
        return f"<evenkeel.Bank of {len(self)} channels, {self._dtype}, {self._core.rule!r}>"


class OnlineMean:
    """The running mean of one series that goes on: pandas' `ewm(...).online()` with any of the estimators.

    Parameters are those of `Bank`, for one channel.

    Examples
    --------
    >>> import evenkeel
    >>> mean = evenkeel.OnlineMean(half_life=60)
    >>> mean.update([20, 21, 20, 22, 21, 21]).round(2)
    array([20., 20., 20., 20., 21., 21.])
    >>> mean.update([9000, 20]).round(2)
    array([21.  , 20.83])
    >>> round(mean.location, 2), round(mean.scale, 2)
    (20.83, 2.17)
    """

    __slots__ = ("_bank",)

    def __init__(
        self,
        *,
        half_life: HalfLife | None = None,
        span: float | None = None,
        com: float | None = None,
        alpha: float | None = None,
        preset: Preset = "clean",
        resolution: Resolution = "auto",
        patience: int | None = None,
        clip: float | None = None,
        reject: Any = None,
        scale_clip: float | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        rule = _rule.make(preset, half_life, span, com, alpha, resolution, patience, clip, reject, scale_clip)
        self._bank = Bank.__new__(Bank)
        self._bank._begin(rule, 1, dtype)

    def update(self, x: Any, times: Any = None) -> Any:
        """Goes on with these samples, oldest first, and returns the location after each of them, as what came in; a single number
        returns a single one. Times as in `evenkeel.robust_mean`.

        Raises
        ------
        ValueError, TypeError
            The samples are not of one dimension, or the first is older than the last before; times are missing, or have no meaning.
            Nothing has changed.
        """
        return self._update(x, times, False)

    def observe(self, x: Any, times: Any = None) -> Tracked:
        """Goes on with these samples, and returns location, scale, score and outlier for each."""
        return Tracked(*self._update(x, times, True))

    def _update(self, x: Any, times: Any, everything: bool) -> Any:
        is_one = isinstance(x, (int, float, np.number))
        if is_one:
            x = np.array([_rule._number(x, "x")], dtype=self._bank.dtype)
            times = None if times is None else [_times.moment(times, "times")]
            moments = None if times is None else np.array(times, dtype=np.int64)
        else:
            moments = None if times is None else _times.moments(_containers.unpack_times(times))
        values, wrap = _containers.unpack_column(x, "x")
        if values.ndim != 1:
            raise ValueError(f"x must have one dimension, not {values.ndim}: a Bank has many channels")
        found = self._bank._core.update(values.astype(self._bank.dtype, copy=False), 0, moments, True, everything)
        if everything:
            return [one[0] for one in found] if is_one else [wrap(one) for one in found]
        return float(found[0]) if is_one else wrap(found)

    @property
    def location(self) -> float:
        """The running mean; NaN before the first sample."""
        return float(self._bank.locations[0])

    @property
    def scale(self) -> float:
        """The running mean size of the residuals; NaN before the first sample, and for `preset="ema"`."""
        return float(self._bank.scales[0])

    @property
    def age(self) -> float:
        """The number of samples that the estimate rests on, up to the memory; 0 before the first sample."""
        return float(self._bank.ages[0])

    @property
    def last(self) -> np.datetime64 | None:
        """The time of the last sample; None where samples have no times."""
        return self._bank.last

    def reset(self) -> None:
        """Forgets everything."""
        self._bank.reset(0)
        self._bank._core.set_last(None)

    def to_bytes(self) -> bytes:
        """The state as a snapshot of a bank of one channel. The time of the last sample is not in it: see `Bank.to_bytes`."""
        return self._bank.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, *, last: Any = None) -> OnlineMean:
        """The mean of a snapshot, as `Bank.from_bytes`; the snapshot is of one channel."""
        bank = Bank.from_bytes(data, last=last)
        if len(bank) != 1:
            raise _core.SnapshotError(f"the snapshot is of a bank of {len(bank)} channels, not of one")
        mean = cls.__new__(cls)
        mean._bank = bank
        return mean

    def copy(self) -> OnlineMean:
        """A mean in the same state, which goes on by itself."""
        other = type(self).__new__(type(self))
        other._bank = self._bank.copy()
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> OnlineMean:
        return self.copy()

    def __getstate__(self) -> tuple[None, dict[str, Any]]:
        return (None, {"_bank": self._bank})

    def __repr__(self) -> str:
        return f"<evenkeel.OnlineMean {self.location}, {self._bank._core.rule!r}>"
