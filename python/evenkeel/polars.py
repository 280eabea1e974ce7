"""The namespace `evenkeel` of polars' expressions and Series, which importing this module registers.

    >>> import evenkeel.polars, polars as pl
    >>> df = pl.DataFrame({"host": ["a", "b"] * 4, "x": [20.0, 5, 21, 5, 20, 5, 22, 5]})
    >>> df.with_columns(pl.col("x").evenkeel.robust_mean(half_life=60).over("host").alias("mean"))["mean"].to_list()
    [20.0, 5.0, 20.0, 5.0, 20.0, 5.0, 20.0, 5.0]
    >>> df.lazy().select(pl.col("x").evenkeel.track(half_life=60, groups="host").struct.field("score")).collect().height
    8

`times` and `groups` of an expression are expressions or names of columns. The functions of `evenkeel` do the same with an
expression, a Series or a DataFrame for `x`, and type checkers know what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import polars as pl

from . import columns as _columns

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .columns import CleanedOptions, Memory, RobustOptions, TrackOptions

__all__ = ["Namespace", "SeriesNamespace"]

X = TypeVar("X", pl.Expr, pl.Series)


class _Means(Generic[X]):
    """The means of an expression or a Series."""

    def __init__(self, x: X) -> None:
        self._x: Any = x

    def robust_mean(self, **options: Unpack[RobustOptions]) -> X:
        """Location after each sample by `evenkeel.robust_mean`."""
        mean: X = _columns.robust_mean(self._x, **options)
        return mean

    def cleaned_ema(self, **options: Unpack[CleanedOptions]) -> X:
        """Location after each sample by `evenkeel.cleaned_ema`."""
        mean: X = _columns.cleaned_ema(self._x, **options)
        return mean

    def ema(self, **options: Unpack[Memory]) -> X:
        """Location after each sample by `evenkeel.ema`."""
        mean: X = _columns.ema(self._x, **options)
        return mean


@pl.api.register_expr_namespace("evenkeel")
class Namespace(_Means[pl.Expr]):
    """Robust running means of an expression; keywords and errors are those of the functions of `evenkeel` of the same names."""

    def track(self, **options: Unpack[TrackOptions]) -> pl.Expr:
        """A struct of location, scale, score and outlier for each sample by `evenkeel.track`."""
        expression: Any = self._x
        found: Any = _columns.track(expression, **options)
        return cast(pl.Expr, found)


@pl.api.register_series_namespace("evenkeel")
class SeriesNamespace(_Means[pl.Series]):
    """Robust running means of a Series; keywords and errors are those of the functions of `evenkeel` of the same names."""

    def track(self, **options: Unpack[TrackOptions]) -> pl.DataFrame:
        """A DataFrame of location, scale, score and outlier for each sample by `evenkeel.track`."""
        return pl.DataFrame(_columns.track(self._x, **options)._asdict())
