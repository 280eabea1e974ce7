"""Frames, run in blocks of one dtype or, with groups, column by column: each column has the bits that it has alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import _containers, _times
from .._containers import Unpacked


class Block(list[NDArray[Any]]):
    """Columns of one dtype that lie apart in memory, as the core takes them."""

    ndim = 2


#: Runs a rule over an array or a Series, with times, groups and an axis.
Run = Callable[[Any, Any, Any, int], Any]


#: Makes a frame of one array of locations, a column for each; None where its columns have to be made one by one.
Together = Callable[[NDArray[Any]], Any]


class Frame:
    """A frame taken apart: what `unpack` returns for containers that are more than one array."""

    def __init__(
        self,
        columns: Sequence[Unpacked],
        rows: int,
        assemble: Callable[[list[Any]], Any],
        whole: NDArray[Any] | None = None,
        together: Together | None = None,
    ) -> None:
        self.columns = columns
        self.rows = rows
        self._assemble = assemble
        self._whole = whole
        self._together = together

    @property
    def values(self) -> NDArray[Any]:
        """All samples, a column for each channel; float32 if all columns are."""
        if self._whole is None:
            arrays = [column.values for column in self.columns]
            if len(arrays) == 1:
                return arrays[0].reshape(-1, 1)
            self._whole = np.empty((self.rows, len(arrays)), dtype=np.result_type(*arrays) if arrays else np.float64, order="F")
            for at, array in enumerate(arrays):
                self._whole[:, at] = array
        return self._whole

    def run(self, one: Run, times: Any, groups: Any, axis: int, everything: bool) -> Any:
        """Runs a rule over all columns, and returns a frame of results, or with `everything` four of them."""
        kinds = list(dict.fromkeys(column.values.dtype for column in self.columns))
        if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)):
            raise TypeError(f"axis must be an integer, not {type(axis).__name__}")
        if not -2 <= axis < 2:
            raise ValueError(f"axis must be below the 2 of x, not {axis}")
        if axis % 2 and len(kinds) > 1:
            raise ValueError("axis must be 0 for a frame of float32 beside float64: each of its columns is a channel of its own")
        if times is not None and (groups is not None or len(kinds) > 1):
            times = _times.moments(_containers.unpack_times(times)).view("datetime64[ns]")
        parts: list[Any] = [None] * len(self.columns)
        if groups is not None:
            if axis % 2:
                raise ValueError("groups need axis=0: a key for each row")
            keys = _containers.unpack_keys(groups, "groups")
            parts = [one(column.values, times, keys, 0) for column in self.columns]
        elif self._whole is not None or axis % 2 or not kinds:
            found = one(self.values, times, None, axis)
            made = None if everything or axis % 2 or self._together is None else self._together(found)
            if made is not None:
                return made
            self._put(parts, range(len(self.columns)), found, everything)
        else:
            for kind in kinds:
                places = [at for at, column in enumerate(self.columns) if column.values.dtype == kind]
                found = one(Block(self.columns[at].values for at in places), times, None, 0)
                made = None if everything or len(kinds) > 1 or self._together is None else self._together(found)
                if made is not None:
                    return made
                self._put(parts, places, found, everything)
        if not everything:
            return self._made(parts)
        return [self._made([part[field] for part in parts]) for field in range(4)]

    @staticmethod
    def _put(parts: list[Any], places: Sequence[int], found: Any, everything: bool) -> None:
        for at, place in enumerate(places):
            parts[place] = [field[:, at] for field in found] if everything else found[:, at]

    def _made(self, results: list[Any]) -> Any:
        return self._assemble([column.wrap(result) for column, result in zip(self.columns, results, strict=True)])


def end_to_end(found: NDArray[Any]) -> NDArray[Any] | None:
    """The columns of an array of locations one behind the other, in the memory where they are; None if they lie otherwise, or one
    has a NaN: locations are NaN in front of a column's first sample and nowhere else."""
    if not found.size or not found.flags.f_contiguous or np.isnan(found[0]).any():
        return None
    return found.T.reshape(-1)
