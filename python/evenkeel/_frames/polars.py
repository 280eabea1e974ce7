"""Series, DataFrame and expressions of polars.

Null and NaN are both missing; what comes out is null where there is no number, never NaN."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from .. import _containers, _core
from .._containers import Keys, Unpacked, floats
from .parts import Frame, Run, end_to_end


def unpack(x: Any, name: str) -> Unpacked | Frame | Expression | None:
    """Takes a Series, a DataFrame or an expression apart."""
    if isinstance(x, pl.Series):
        return column(x, name)
    if isinstance(x, pl.DataFrame):
        columns = [column(part, f"{name}[{part.name!r}]") for part in x]
        return Frame(columns, x.height, pl.DataFrame, together=lambda found: together(found, x.columns))
    if isinstance(x, pl.Expr):
        return Expression(x, name)
    if isinstance(x, pl.LazyFrame):
        raise TypeError(
            f"{name} is a LazyFrame, whose columns have no samples yet: import evenkeel.polars and give its with_columns an "
            'expression, such as pl.col("x").evenkeel.robust_mean(half_life=60), or collect it first'
        )
    raise TypeError(f"{name} must be a Series, a DataFrame or an expression, not a {type(x).__module__}.{type(x).__name__}")


def column(series: pl.Series, name: str) -> Unpacked:
    """Takes a Series apart; one of floats in one chunk without nulls is shared."""
    kind = series.dtype
    check(kind, name)
    if not kind.is_float():
        # What polars itself makes of integers with nulls is float32 for small ones, and nothing for those of 128 bits.
        series = series.cast(pl.Float64)
    label = series.name
    return Unpacked(floats(series.to_numpy(), name), lambda results: pl.Series(label, results, nan_to_null=True))


def together(found: NDArray[Any], names: list[str]) -> pl.DataFrame | None:
    """A DataFrame of columns that lie one behind the other, which polars shares as slices of one Series."""
    flat = end_to_end(found)
    if flat is None:
        return None
    whole, rows = pl.Series(flat), len(found)
    return pl.DataFrame([whole.slice(at * rows, rows).alias(name) for at, name in enumerate(names)])


def check(kind: Any, name: str) -> None:
    """Raises unless this is a dtype of real numbers."""
    if not (kind.is_numeric() or kind in (pl.Boolean, pl.Null)):
        raise TypeError(f"{name} must be of real numbers, not of dtype {kind}: leave it out, or cast it first")


def unpack_keys(keys: Any, name: str) -> Keys:
    """Numbers the keys of a column by their first appearance."""
    if not isinstance(keys, pl.Series):
        raise TypeError(f"{name} must be one column, not a {type(keys).__name__}")
    kind = keys.dtype
    if keys.null_count():
        at = keys.is_null().arg_max()
        raise ValueError(f"{name}[{at}] is null: {_containers.REMEDY}")
    if kind.is_integer() and kind not in (pl.Int128, pl.UInt128) or kind == pl.Boolean:
        return _containers.unpack_keys(keys.to_numpy(), name)
    if kind == pl.String:
        numbers = keys.cast(pl.Categorical).to_physical()
    elif kind in (pl.Categorical, pl.Enum):
        numbers = keys.to_physical()
    else:
        raise TypeError(f"{name} must be of strings or integers, not of dtype {kind}")
    codes, first = _core.factorize_integers(numbers.cast(pl.Int64).to_numpy())
    return Keys(codes, np.array(keys.gather(first).cast(pl.String).to_list(), dtype=object))


def unpack_times(times: Any) -> NDArray[Any]:
    """Times as datetime64 or timedelta64 of their own unit; those with a zone are instants of UTC."""
    if not isinstance(times, pl.Series):
        raise TypeError(f"times must be one column, not a {type(times).__name__}")
    kind = times.dtype
    if kind not in (pl.Datetime, pl.Date, pl.Duration):
        raise TypeError(f"times must be of dtype Datetime, Date or Duration, whose units are known, not {kind}")
    return times.to_numpy()


class Expression:
    """An expression, which becomes another one."""

    def __init__(self, expression: pl.Expr, name: str) -> None:
        self._expression = expression
        self._name = name

    @property
    def values(self) -> Any:
        """Raises: an expression has no samples."""
        raise TypeError(f"{self._name} is an expression of polars, which has no samples yet: give a Series")

    def run(self, one: Run, times: Any, groups: Any, axis: int, everything: bool) -> pl.Expr:
        """The expression of what a rule makes of the samples, of all rows at once, or of all of a group with `over`."""
        if axis != 0:
            raise ValueError("axis must be 0 for an expression: each column is a channel of its own")
        # What is wrong with the keywords is said now, and not when the query runs.
        one(np.empty(0), None if times is None else np.empty(0, dtype="datetime64[ns]"), None, 0)
        given = {"times": times, "groups": groups}
        columns = {name: pl.col(value) if isinstance(value, str) else value for name, value in given.items()}
        columns = {name: value for name, value in columns.items() if isinstance(value, pl.Expr)}
        name = self._name

        def estimate(inputs: Any) -> pl.Series:
            samples, *others = inputs
            with_columns = {**given, **dict(zip(columns, others, strict=True))}
            found = one(samples, with_columns["times"], with_columns["groups"], 0)
            return pl.DataFrame(dict(zip(FIELDS, found, strict=True))).to_struct(samples.name) if everything else found

        def plan(inputs: Any) -> pl.Expr:
            kind = inputs[0][1]
            check(kind, name)
            real = pl.Float32 if kind in (pl.Float32, pl.Float16) else pl.Float64
            fields = [pl.Field(field, pl.Boolean if field == "outlier" else real) for field in FIELDS]
            return pl.map_batches(
                [column for column, _ in inputs], estimate, return_dtype=pl.Struct(fields) if everything else real
            )

        return pl.pipe_with_dtype([self._expression, *columns.values()], plan)


#: The fields of the struct that `track` makes of an expression.
FIELDS = ("location", "scale", "score", "outlier")
