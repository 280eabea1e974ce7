"""The accessor `evenkeel` of pandas' Series and DataFrame, which importing this module registers.

    >>> import evenkeel.pandas, pandas as pd
    >>> s = pd.Series([20, 21, 20, 22, 21, 21, 9000, 20.0], name="t")
    >>> s.evenkeel.cleaned_ema(half_life=60).round(2).tolist()
    [20.0, 20.0, 20.0, 20.0, 21.0, 21.0, 21.0, 20.83]
    >>> s.evenkeel.track(half_life=60).outlier.tolist()
    [False, False, False, False, False, False, True, False]

The functions of `evenkeel` do the same with a Series or a DataFrame for `x`, and type checkers know what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from . import columns as _columns

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .columns import CleanedOptions, Memory, RobustOptions, TrackOptions

__all__ = ["Accessor"]


@pd.api.extensions.register_series_accessor("evenkeel")
@pd.api.extensions.register_dataframe_accessor("evenkeel")
class Accessor:
    """Robust running means of a Series, or of each column of a DataFrame; keywords and errors are those of the functions of
    `evenkeel` of the same names. Rows of `times` and `groups` belong to those of the same place, and one with another index is
    refused."""

    def __init__(self, x: Any) -> None:
        self._x = x

    def _checked(self, options: Any) -> Any:
        for name in ("times", "groups"):
            given = options.get(name)
            if isinstance(given, pd.Series) and not given.index.equals(self._x.index):
                raise ValueError(f"{name} has another index than the samples: give {name}.reindex of theirs, or {name}.to_numpy()")
        return options

    def robust_mean(self, **options: Unpack[RobustOptions]) -> Any:
        """Location after each sample by `evenkeel.robust_mean`, as what this is an accessor of."""
        return _columns.robust_mean(self._x, **self._checked(options))

    def cleaned_ema(self, **options: Unpack[CleanedOptions]) -> Any:
        """Location after each sample by `evenkeel.cleaned_ema`, as what this is an accessor of."""
        return _columns.cleaned_ema(self._x, **self._checked(options))

    def ema(self, **options: Unpack[Memory]) -> Any:
        """Location after each sample by `evenkeel.ema`, as what this is an accessor of."""
        return _columns.ema(self._x, **self._checked(options))

    def track(self, **options: Unpack[TrackOptions]) -> pd.DataFrame:
        """A DataFrame on the same index with the columns location, scale, score and outlier; of a DataFrame, these four below each
        of its columns."""
        found = _columns.track(self._x, **self._checked(options))
        if isinstance(self._x, pd.Series):
            return pd.DataFrame(found._asdict())
        whole: Any = pd.concat(found._asdict(), axis=1)
        order = [field * self._x.shape[1] + at for at in range(self._x.shape[1]) for field in range(4)]
        whole.columns = whole.columns.reorder_levels([*range(1, whole.columns.nlevels), 0])
        ordered: pd.DataFrame = whole.iloc[:, order]
        return ordered
